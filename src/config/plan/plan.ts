/**
 * What a proxy process runs: the configuration with every name resolved to an index, every default filled in and every
 * unit converted. Serialisable as JSON; the keeper hands it to each proxy. Shapes only; `config/compile/compile.ts` makes it.
 */
import type { Address } from '../../base/address.ts';
import type { KeepAlive } from '../../base/keep-alive.ts';
import type { SyslogPlan } from '../../base/syslog.ts';
import type { Command } from '../words/command.ts';
import type { FilesPlan } from './files.ts';
import type { SourcePlan } from '../words/template.ts';

export interface Plan {
  /** How many proxies serve by it. */
  readonly workers: number;
  readonly listeners: readonly ListenerPlan[];
  readonly upstreams: readonly UpstreamPlan[];
  /** Values by name that are made of others when somebody reads them. */
  readonly values: readonly ValuePlan[];
  /** What is answered from files. Null: nothing. */
  readonly files: FilesPlan | null;
  /** Where the admin API is over TCP: no server that a request may name. Null: nowhere. */
  readonly admin: Address | null;
  readonly accessLogs: readonly LogPlan[];
  /** What is done first in routes that an operator has closed, if that is not the usual. The keeper alone asks. */
  readonly maintenance?: StepPlan;
  /** A route has limits that all proxies count together. */
  readonly hasLimits?: true;
  /** Every server's slots lie below this. */
  readonly serverSlots: number;
  /** How long `stop` waits for what is in flight. */
  readonly graceMs: number;
  /** How long what a later plan no longer has may go on. */
  readonly drainMs: number;
}

export interface ListenerPlan {
  readonly name: string;
  /** Its place on the status board. */
  readonly slot: number;
  readonly protocol: 'http' | 'tcp' | 'udp';
  /** Who may come. */
  readonly intake: Intake;
  /** One listening socket each, per proxy. IPv6 `::` takes IPv4 too where `dual` says so (`*:80`). */
  readonly binds: readonly BindPlan[];
  readonly timeouts: {
    /** First byte of a request to the end of its head. */
    readonly headMs: number;
    /** Longest silence inside a request's body, and the time over which `bodyRate` is an average. */
    readonly bodyMs: number;
    /** Silence between requests of a kept-alive connection. */
    readonly idleMs: number;
    /** From a client's FIN to the beginning of its response. */
    readonly halfClosedMs: number;
  };
  /** How much one connection is used. Absent: as its client likes. */
  readonly wear?: WearPlan;
  readonly limits: {
    readonly headBytes: number;
    readonly headers: number;
    readonly bodyBytes: number;
    /** Bytes per second that a request's body must come with, and a response be taken with, on average over bodyMs. 0: any. */
    readonly bodyRate: number;
    /** Of this proxy: the configured number divided by the number of proxies, rounded up. */
    readonly connections: number;
  };
  /** Towards clients. Null: none. */
  readonly keepAlive: KeepAlive | null;
  /** Adds `Via: 1.1 <this>` in both directions when set. */
  readonly via: string | null;
  /** What is believed of a request's earlier hops. */
  readonly forwarded: ForwardedPlan;
  readonly escapedSlash: EscapedSlash;
  /** A Host field that is another than that of an absolute target is none; else such requests are refused. */
  readonly ignoresOtherHost: boolean;
  /** Some text, of its responses or logs, says what is in a request's body. */
  readonly readsBodies?: true;
  /** protocol http: clients may speak HTTP/2. */
  readonly http2: boolean;
  /** protocol http: first match wins. As config/plan/route-text.ts writes them; of another protocol none. */
  readonly routes: string;
  /** Of which requests are counted apart, by route and upstream. The first one is of those that no route takes; protocol http. */
  readonly counted: readonly CountedPlan[];
  /** What its `ready` routes say: whether this node takes clients. */
  readonly isReady: boolean;
  /** protocol tcp and udp: index into upstreams. -1 for http, and where only `passthrough` says where to. */
  readonly upstream: number;
  /** protocol tcp and udp: the kernel forwards what comes, and no proxy has it. */
  readonly inKernel?: true;
  /** protocol tcp and udp: who may connect. Null: everybody. */
  readonly access: AccessPlan | null;
  /** protocol tcp: which TLS connections go elsewhere than to `upstream`. Null: none. */
  readonly passthrough: PassthroughPlan | null;
  /** protocol tcp: servers that a connection is tried with, and for how long others are. */
  readonly tries: TriesPlan;
  /** protocol tcp: what is done by the values of a connection. Null: nothing is asked. */
  readonly tcp: TcpPlan | null;
  /** protocol tcp: how fast the bytes of a connection go on; without it as fast as they can. */
  readonly bandwidth?: TcpBandwidthPlan;
  /** Null: nobody sends a PROXY protocol header. */
  readonly proxyProtocol: ProxyProtocolPlan | null;
  /** Null: clients speak in clear. */
  readonly tls: TlsPlan | null;
  /** Null: of another protocol than udp. */
  readonly udp: UdpPlan | null;
  /** By name. */
  readonly accessLogs: readonly string[];
  /** Fields of responses that access logs say. Absent: none. */
  readonly noted?: NotedFieldsPlan;
  /** How responses are compressed, unless their route says otherwise. */
  readonly compress?: CompressPlan;
  /** Absent: what requests say of traces is passed on as it is. */
  readonly tracing?: TracingPlan;
}

/** Names in lower case: of fields as servers send them, and as clients are sent them. */
export interface NotedFieldsPlan {
  readonly response: readonly string[];
  readonly sent: readonly string[];
}

/** Where spans go over OTLP/HTTP. */
export interface OtlpPlan {
  /** A URL. */
  readonly endpoint: string;
  /** What is traced is called so. */
  readonly service: string;
}

export interface TracingPlan {
  /** Of 10,000 traces that begin here so many are recorded. */
  readonly share: number;
}

/** Requests of a listener that are counted together. */
export interface CountedPlan {
  /** As config/plan/route-label.ts has it; empty: no route. */
  readonly route: string;
  /** Empty: they go to none. */
  readonly upstream: string;
  /** How long they take is counted too. */
  readonly isTimed: boolean;
  /** Its place on the status board; -1: there is none for it. */
  readonly slot: number;
}

export interface LineFormatPlan {
  readonly text: string;
  readonly escape: 'text' | 'json' | 'none';
}

export interface LogPlan {
  readonly name: string;
  /** A path; null: `syslog`, or stdout. */
  readonly file: string | null;
  readonly syslog: SyslogPlan | null;
  /** Its lines are spans for this collector. */
  readonly otlp?: OtlpPlan;
  readonly format: LineFormatPlan;
  /** Of sessions of TCP and UDP. */
  readonly sessionFormat: LineFormatPlan;
  /** What has to be neither empty nor `0`, a template; null: any request is in it. */
  readonly when: string | null;
  /** Of 10,000 requests so many are in it ... */
  readonly sample: number;
  /** ... and all that end in an error. */
  readonly keepsErrors: boolean;
}

/** When a connection has been used enough: what is under way on it is the last. */
export interface WearPlan {
  /** Requests. 0: any number. */
  readonly requests: number;
  /** Since it began. 0: any time. */
  readonly ageMs: number;
}

/** What a session of a UDP listener is; there are `limits.connections` of them at most. */
export interface UdpPlan {
  /** It ends after this silence in both directions. */
  readonly idleMs: number;
  /** Datagrams of the client in one session. 0: any number. */
  readonly requests: number;
  /** Answers to each of them, after which it ends. -1: any number. */
  readonly responses: number;
}

/** How a listener speaks TLS to its clients. What is secret is not in a plan (port/tls.ts). */
export interface TlsPlan {
  /** The first is the default. Empty: none of its certificates can be used, and it is not opened. */
  readonly entries: readonly TlsEntryPlan[];
  /** For clients that offer `acme-tls/1` alone (RFC 8737): authorities that look whether a name is ours. Without it none does. */
  readonly challenges?: readonly TlsEntryPlan[];
  /** What a client gets that names no entry's host, or none at all: the default's certificate, or an alert. */
  readonly unknownName: 'default' | 'refuse';
  readonly versions: readonly ('1.2' | '1.3')[];
  /** Of TLS 1.2, by OpenSSL's names, with colons between. */
  readonly ciphers: string;
  /** Of TLS 1.3. */
  readonly suites: string;
  readonly groups: string;
  readonly prefersOwnOrder: boolean;
  /** What is agreed on by ALPN, best first. Empty: nothing. */
  readonly protocols: readonly string[];
  /** Of the keys for session tickets, an identifier; empty: this node's own. Null: there are no tickets. */
  readonly tickets: string | null;
  /** Sessions without ticket are kept in the table that all proxies share. */
  readonly keepsSessions: boolean;
  /** For how long a session may be resumed. */
  readonly sessionSeconds: number;
  /** From the beginning of the connection to the end of the handshake. */
  readonly handshakeMs: number;
  /** Full handshakes that a proxy begins in a second, in all and of one source (core/tls/handshake-rate.ts). 0: any number. */
  readonly handshakes: { readonly perSecond: number; readonly perSource: number };
  /** What a client gets that speaks HTTP in clear. */
  readonly plainHttp: 'refuse' | 'redirect';
}

export interface TlsEntryPlan {
  /** Lower-case host names; `*.x` matches one label under x. */
  readonly names: readonly string[];
  /** Identifiers, one for each kind of key. */
  readonly credentials: readonly string[];
  /** What is asked of clients' certificates. Null: nothing. */
  readonly clients: TlsClientsPlan | null;
}

export interface TlsClientsPlan {
  /** `optional-no-ca`: a certificate may also be one that nobody known has issued. */
  readonly mode: 'require' | 'optional' | 'optional-no-ca';
  /** An identifier. Null: there is none. */
  readonly authorities: string | null;
  /** How many certificates may stand between a client's own and a root. */
  readonly depth: number;
}

/** How servers are spoken TLS with. */
export interface ServersTlsPlan {
  /** An identifier: whose certificates are believed. Null: who a server is does not matter. */
  readonly trust: string | null;
  /** Intermediate certificates that a chain may have; -1: as many as OpenSSL takes. */
  readonly verifyDepth: number;
  /** An identifier: who we are. Null: that is not said. */
  readonly credential: string | null;
  /** That a server's certificate has to be for. Null: the host that the server is written with. */
  readonly serverName: string | null;
  readonly sendsName: boolean;
  /** As of TlsPlan. */
  readonly versions: readonly ('1.2' | '1.3')[];
  readonly ciphers: string;
  readonly suites: string;
  readonly groups: string;
  readonly protocols: readonly string[];
  readonly reusesSessions: boolean;
}

export interface TriesPlan {
  readonly attempts: number;
  /** 0: there is no limit. */
  readonly withinMs: number;
}

export interface TcpPlan {
  /** By name: what a value is. In this order. */
  readonly set: readonly (readonly [name: string, value: string])[];
  /** The case that the text is, without regard to case. Null: everybody goes on as without it. */
  readonly choice: { readonly by: string; readonly cases: readonly (readonly [text: string, TcpTargetPlan])[] } | null;
  /** What is said to clients that no case is for. Null: they go to a server. */
  readonly respond: string | null;
}

export type TcpTargetPlan =
  /** By its name. */
  { readonly kind: 'upstream'; readonly name: string } | { readonly kind: 'respond'; readonly text: string };

export interface PassthroughPlan {
  /** How long a client may be silent until it is taken for one that waits for the server to speak. */
  readonly waitMs: number;
  /** Clients of PostgreSQL are told that they may speak TLS, and so are their servers. */
  readonly hasPostgres: boolean;
  /** The first that fits counts. */
  readonly routes: readonly HelloRoutePlan[];
}

export interface HelloRoutePlan {
  /** Lower-case host names; `*.x` is every name under x. Empty: any, also none. */
  readonly names: readonly string[];
  /** Of which one has to be offered by ALPN. Empty: whatever is. */
  readonly protocols: readonly string[];
  /** By its name. */
  readonly upstream: string;
}

export interface ProxyProtocolPlan {
  /** Whose connections begin with a header. */
  readonly from: PeersPlan;
  /** Of these, whose header is believed. */
  readonly trust: PeersPlan;
}

/** Peers by their address, and those that come over a Unix socket. */
export interface PeersPlan {
  readonly networks: readonly NetworkPlan[];
  readonly unix: boolean;
}

export interface AccessPlan {
  /** The longest one that has the client's address counts. */
  readonly networks: readonly { readonly network: NetworkPlan; readonly isAllowed: boolean }[];
  /** For everybody else. */
  readonly isOpen: boolean;
  /** For clients of a Unix socket. */
  readonly isOpenForUnix: boolean;
}

/** `open`: everybody. `last`: everybody, but nobody is kept for another request. `closed`: nobody new; nothing listens. */
export type Intake = 'open' | 'last' | 'closed';

export type ForwardedPlan =
  /** Nothing: what a server is told of the client is this proxy's own. */
  | { readonly kind: 'replace' }
  /** Nothing, but X-Forwarded-For is passed on with the peer behind what is there. */
  | { readonly kind: 'append' }
  /** Everything, without believing it; nothing is added. */
  | { readonly kind: 'pass' }
  /** What these peers say. */
  | TrustPlan;

export interface TrustPlan extends PeersPlan {
  readonly kind: 'trust';
  /** Which field names the client. */
  readonly field: string;
  /** Only the last address of the list is believed, whosever it is. */
  readonly isLastOnly: boolean;
  /** Nothing but the address is believed; everything else is as with `pass`. */
  readonly isPassed: boolean;
}

/** The addresses whose first `bits` bits are those of `address`. */
export interface NetworkPlan {
  readonly family: 4 | 6;
  readonly address: string;
  readonly bits: number;
}

/**
 * What `%2F` is in the paths that rules are about. `compare`: a request whose route depends on that is refused. `keep`: a
 * part of a segment's name. `decode`: a slash. `refuse`: a reason to refuse the request.
 */
export type EscapedSlash = 'compare' | 'keep' | 'decode' | 'refuse';

export interface BindPlan {
  readonly address: Address;
  /** `*:port`: IPv6 any that also takes IPv4; falls back to IPv4 any where IPv6 is off. */
  readonly dual: boolean;
  /** A port of UDP, which has nothing to do with that of TCP. */
  readonly isUdp: boolean;
}

/** Texts are templates. */
export type ValuePlan = MapPlan | NetworksPlan | SplitPlan | PresencePlan;

export interface MapPlan {
  readonly kind: 'map';
  readonly name: string;
  readonly of: string;
  /** Lower-case: `of` is compared without regard to case. */
  readonly exact: readonly (readonly [text: string, value: string])[];
  /** `*.x` and `x.*`. */
  readonly hosts: readonly (readonly [host: string, value: string])[];
  readonly regexes: readonly (readonly [regex: string, value: string])[];
  readonly otherwise: string;
  /** Made once for a request. */
  readonly isKept: boolean;
  /** It is made of what a response says, when that comes: such values and dates in the texts are marked (template.ts). */
  readonly isLate: boolean;
}

export interface NetworksPlan {
  readonly kind: 'networks';
  readonly name: string;
  readonly of: string;
  /** The longest one that has the address. */
  readonly networks: readonly (readonly [network: NetworkPlan, value: string])[];
  /** Where there is no address, as of a client of a Unix socket. */
  readonly unix: string;
  readonly otherwise: string;
}

/** `1` while something is there, and else empty. */
export interface PresencePlan {
  readonly kind: 'presence';
  readonly name: string;
  readonly of: 'file' | 'folder';
  readonly path: string;
  /** As last seen: who makes a plan looks. */
  readonly isThere: boolean;
}

export interface SplitPlan {
  readonly kind: 'split';
  readonly name: string;
  readonly of: string;
  /** In hundredths of a percent. */
  readonly shares: readonly (readonly [share: number, value: string])[];
  readonly otherwise: string;
}

export type StepPlan =
  | { readonly kind: 'set'; readonly name: string; readonly value: string }
  | { readonly kind: 'if'; readonly test: TestPlan; readonly steps: readonly StepPlan[] }
  | RewriteStepPlan
  /** The steps up to the next `find` are left out, or all that follow; a rewritten target stays in this route. */
  | { readonly kind: 'stop' }
  /** What follows is not for a request whose target is another one now, or that calls another route: its steps end here. */
  | { readonly kind: 'find' }
  /** The request takes this route, whose match and steps are empty. */
  | { readonly kind: 'take'; readonly route: RoutePlan }
  /** When the steps are done, the request goes on with this route. */
  | { readonly kind: 'call'; readonly name: string };

export interface RewriteStepPlan {
  readonly kind: 'rewrite';
  /** Of the decoded path. Where it does not match, the next step follows. */
  readonly regex: string;
  /** Path and query, a template. The request's query is added, unless it ends in `?`. */
  readonly to: string;
  readonly end: 'next' | 'again' | 'stop';
  /** What the request takes instead; null: it gets the target. */
  readonly take: RoutePlan | null;
}

/** Without `is` and `regex`: the value is neither empty nor `0`. */
export interface TestPlan {
  readonly value: string;
  readonly is: string | null;
  readonly regex: string | null;
  readonly isNegated: boolean;
}

export interface RoutePlan {
  /** Not null: it is only taken by steps that call it. */
  readonly name: string | null;
  readonly steps: readonly StepPlan[];
  /** What is answered in place of an error: the first that has its status. */
  readonly errors: readonly ErrorPagePlan[];
  /** It is only taken by a request whose target is not the one that was sent. */
  readonly isInternal: boolean;
  /** How long its requests take is counted. */
  readonly isTimed?: true;
  readonly match: MatchPlan;
  readonly action: ActionPlan;
  readonly requestHeaders: HeaderEditPlan;
  readonly responseHeaders: HeaderEditPlan;
  /** How its responses are compressed; null: they are not. Without it as the listener says. */
  readonly compress?: CompressPlan | null;
  /** By name. Without it the listener's. */
  readonly accessLogs?: readonly string[];
  /** Of a server's response with a status that is no error, besides. */
  readonly successHeaders: Pick<HeaderEditPlan, 'set' | 'add'>;
}

export type CodingName = 'gzip' | 'br';

/** Of a response that may be kept by a proxy, what makes it one that is compressed for it. */
export type ProxiedReason =
  | 'any'
  | 'expired'
  | 'no-cache'
  | 'no-store'
  | 'private'
  | 'no-last-modified'
  | 'no-etag'
  | 'auth';

export interface CompressPlan {
  /** The one that a client prefers; of those that it likes as well, the first. */
  readonly codings: readonly CodingName[];
  /** 1..9 */
  readonly level: number;
  /** A response that says that it is shorter is left as it is. */
  readonly minBytes: number;
  /** Media types without parameters; `*`: any. */
  readonly types: readonly string[];
  /** For requests that came by a proxy (Via). Empty: none of them. */
  readonly proxied: readonly ProxiedReason[];
  /** Responses that would be compressed for others say `Vary: Accept-Encoding`. */
  readonly saysVary: boolean;
}

export interface MatchPlan {
  /** Lower-case names without port; `*.x` matches every name under x but not x. Empty: any host. */
  readonly hosts: readonly string[];
  readonly path: PathMatchPlan | null;
  /** Upper-case tokens. Empty: any. */
  readonly methods: readonly string[];
  /** All must hold. */
  readonly values: readonly ValueMatchPlan[];
}

export type PathMatchPlan =
  | { readonly kind: 'prefix'; readonly value: string }
  | { readonly kind: 'exact'; readonly value: string }
  | { readonly kind: 'regex'; readonly value: string };

/** What one value of the request must be. Query parameters are compared decoded. */
export type ValueMatchPlan =
  | { readonly source: SourcePlan; readonly kind: 'present' | 'absent' }
  | { readonly source: SourcePlan; readonly kind: 'exact' | 'prefix' | 'regex'; readonly value: string };

export type ActionPlan =
  | ProxyActionPlan
  | RedirectActionPlan
  | RespondActionPlan
  | ReadyActionPlan
  | CloseActionPlan
  | NextActionPlan;

export interface ProxyActionPlan {
  readonly kind: 'proxy';
  /** By its name: what a route says is the same wherever in a plan its upstream stands. */
  readonly upstream: string;
  readonly rewrite: RewritePlan | null;
  /** Whole exchange, request head to end of response, retries included. 0: no limit. */
  readonly timeoutMs: number;
  readonly retry: RetryPlan;
  /** An Upgrade is passed on. */
  readonly upgrade: boolean;
  /** A small body goes on as it comes, too. */
  readonly streamsBodies?: true;
  /** Of a request's body. Null: the listener's. */
  readonly bodyBytes: number | null;
  /** What a client says of itself goes to servers, and nothing of ours is added. */
  readonly passesClaims: boolean;
  /** `errors` are for what servers answer too. */
  readonly interceptsErrors: boolean;
  /** What servers are sent in place of what the client sent. */
  readonly send?: SendPlan;
  /** A response may say where its request goes on instead. */
  readonly targetBy?: TargetByPlan;
  readonly limits?: LimitsPlan;
  readonly guard?: GuardPlan;
  readonly bandwidth?: BandwidthPlan;
  readonly mirrors?: readonly MirrorPlan[];
}

/** Copies of requests, which go elsewhere as well. */
export interface MirrorPlan {
  readonly to: { readonly kind: 'call'; readonly name: string } | { readonly kind: 'target'; readonly target: string };
  /** Of the requests, in hundredths of a percent. */
  readonly share: number;
  readonly takesBody: boolean;
}

/** Of each connection, bytes in a second as in BandwidthPlan. */
export interface TcpBandwidthPlan {
  readonly upload: string;
  readonly download: string;
}

/** How fast bodies of responses go to clients. */
export interface BandwidthPlan {
  /** Bytes in a second, as a template: a number, perhaps with k, m or g; 0, or what is none: as fast as it goes. */
  readonly rate: string;
  /** Bytes of each response that are not counted, likewise. */
  readonly after: string;
  /** A response with this field says the rate itself. Null: none does. */
  readonly field: string | null;
}

/** Who is asked whether a request may go to the server. */
export interface GuardPlan {
  /** In this order. At least one. */
  readonly questions: readonly QuestionPlan[];
  /** One yes lets it in; else all have to say so. */
  readonly isAnyEnough: boolean;
  /** Who is refused with 401 waits so long for it. */
  readonly delayMs: number;
}

export interface QuestionPlan {
  readonly to: PlacePlan;
  /** Values that the request gets: by name, templates with values of the answer in them. */
  readonly set: readonly (readonly [name: string, text: string])[];
  /** The client is refused with a status of these. Any other one that is not 2xx lets nobody in either: then the client gets 500. */
  readonly refusals: readonly number[];
}

/** Where a request goes on inside of the proxy. */
export type PlacePlan =
  | { readonly kind: 'call'; readonly name: string }
  /** A template. */
  | { readonly kind: 'target'; readonly target: string }
  | { readonly kind: 'take'; readonly route: RoutePlan };

export interface SendPlan {
  /** Null: the client's, and so is HEAD in any case. */
  readonly method: string | null;
  /** Of the client's fields only Host, and those that frame the body. */
  readonly dropsFields: boolean;
  readonly dropsBody: boolean;
  /** In place of the body, a template. Null: nothing is. */
  readonly text: string | null;
}

export interface TargetByPlan {
  readonly field: string;
  /** What it may say besides a target: the names of routes, by text. */
  readonly calls: readonly (readonly [text: string, name: string])[];
}

export interface ErrorPagePlan {
  readonly statuses: readonly number[];
  readonly to: PlacePlan;
  /** What the client is told: this, `own`: what the page has, or null: the error's. */
  readonly answer: number | 'own' | null;
  /** There is no such file, which is no error: what follows may end in one, and have a page for it. */
  readonly goesOn?: true;
}

export type RewritePlan =
  /** Replaces what the route's prefix (or exact path) matched. */
  | { readonly kind: 'prefix'; readonly value: string }
  /** Replaces the whole path; the query stays. */
  | { readonly kind: 'path'; readonly value: string }
  /** As ECMAScript's `path.replace(new RegExp(regex), to)`; the query stays. */
  | { readonly kind: 'regex'; readonly regex: string; readonly to: string }
  /** Replaces path and query: as of a step. */
  | { readonly kind: 'target'; readonly target: string };

export interface RetryPlan {
  /** Tries in all, the first included: 1 is no retry. */
  readonly attempts: number;
  /** Another server is tried when the connection cannot be made. */
  readonly connect: boolean;
  /** ... when the connection ends before the first byte of a response. */
  readonly reset: boolean;
  /** ... when the response does not begin in time. */
  readonly timeout: boolean;
  /** ... when the response has one of these status codes (500..599, 429, 403, 404). */
  readonly statuses: readonly number[];
  /** Also methods that are not idempotent (RFC 9110 section 9.2.2), once something of them was sent. */
  readonly nonIdempotent: boolean;
}

export interface RedirectActionPlan {
  readonly kind: 'redirect';
  readonly status: 301 | 302 | 303 | 307 | 308;
  /** Location, with values of the request in it (config/words/template.ts). */
  readonly to: string;
}

export interface RespondActionPlan {
  readonly kind: 'respond';
  readonly status: number;
  /** With values of the request in it. */
  readonly body: string;
  readonly contentType: string;
}

/** Says whether this node takes clients. */
export interface ReadyActionPlan {
  readonly kind: 'ready';
}

/** When the steps are done, the request takes the next route that matches. */
export interface NextActionPlan {
  readonly kind: 'next';
}

/** The connection ends without an answer. */
export interface CloseActionPlan {
  readonly kind: 'close';
}

export interface HeaderEditPlan {
  /** Replaces every field of that name. Names as written; compared without case. Values have values of the request in them. */
  readonly set: readonly (readonly [name: string, value: string])[];
  readonly add: readonly (readonly [name: string, value: string])[];
  readonly remove: readonly string[];
  /** Fields whose name has anything but letters, digits and hyphens are taken out. */
  readonly removesOdd?: boolean;
  /** Of a server's response, in their order. */
  readonly replace?: readonly ReplacePlan[];
  readonly cookieFlags?: readonly CookieFlagsPlan[];
  readonly expires?: ExpiresPlan;
}

/** How long a response that is no error may be kept. */
export interface ExpiresPlan {
  /** A template: its term in words (config/words/term.ts). */
  readonly after: string;
  /** It begins with the last change, not now. */
  readonly isModified: boolean;
}

export interface ReplacePlan {
  readonly field: string;
  /** Of a cookie. */
  readonly attribute: string | null;
  readonly kind: 'exact' | 'prefix' | 'regex';
  /** A template, or the expression. */
  readonly value: string;
  readonly by: string;
  readonly base: string;
}

export interface CookieFlagsPlan {
  /** One of both. */
  readonly name: string | null;
  readonly regex: string | null;
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

export type Balance =
  | 'round-robin'
  | 'least-connections'
  | 'least-time'
  | 'least-whole-time'
  | 'random-two'
  | 'source-hash'
  | 'hash'
  // as nginx's `ip_hash`, `hash` and `hash ... consistent`
  | 'nginx-ip-hash'
  | 'nginx-hash'
  | 'ketama';

/** Those that go by `hash`. */
export function isKeyed(balance: string): boolean {
  return balance === 'hash' || balance === 'nginx-hash' || balance === 'ketama';
}

/** A value of the request. The path counts in its normal form, and a query parameter decoded. */
export type HashKeyPlan = SourcePlan | { readonly kind: 'text'; readonly text: string };

/** Each request says itself which server it goes to. */
export interface ServerByPlan {
  /** A template: a name or an address, with a port or without. A path and a query behind it replace those of the request. */
  readonly text: string;
  /** What it may name besides: upstreams, by lower-case text. */
  readonly known: readonly (readonly [text: string, upstream: string])[];
  /** Names are asked for. */
  readonly asksNames: boolean;
  /** Values in host and port may bring what ends them. */
  readonly isLoose: boolean;
}

/** Who is asked for the addresses of names. */
export interface ResolverPlan {
  /** Name servers, as `192.0.2.1:53` or `[2001:db8::1]:53`. Empty: the system's resolver is asked. */
  readonly servers: readonly string[];
  /** How long an answer counts. Null: as long as it says. */
  readonly validMs: number | null;
  /** Until an answer has to be there. */
  readonly timeoutMs: number;
  /** Which kinds of addresses are asked for. */
  readonly families: readonly (4 | 6)[];
}

/** What is refused, or waits, because there is too much of it. */
export interface LimitsPlan {
  /** In their order. */
  readonly requests: readonly RequestLimitPlan[];
  readonly connections: readonly ConnectionLimitPlan[];
}

export interface LimitPlan {
  /** What is counted together: limits of this name. */
  readonly zone: string;
  /** A template; a request for which it is empty is not counted. Null: the client's address ... */
  readonly key: string | null;
  /** ... of which so many bits count in IPv6. */
  readonly ipv6Bits: number;
  /** What who is refused is answered with. */
  readonly status: number;
  /** Nobody is: it is only noted. */
  readonly isDry: boolean;
}

export interface RequestLimitPlan extends LimitPlan {
  /** Thousandths of a request per second. */
  readonly rate: number;
  /** Requests above the rate that are let in ... */
  readonly burst: number;
  /** ... of which those beyond so many wait until the rate has them. Null: none does. */
  readonly delayAfter: number | null;
}

export interface ConnectionLimitPlan extends LimitPlan {
  readonly max: number;
}

/** How clients keep their servers. */
export interface StickyPlan {
  /** Templates: the first that is not empty says the identifier of a server. */
  readonly by: readonly string[];
  /** What counts of it is behind the last of these characters. Empty: all of it. */
  readonly behind: string;
  /** Null: clients are told nothing, and only servers with an identifier of their own have one. */
  readonly cookie: StickyCookiePlan | null;
  /** Hexadecimal: what identifiers are made with. Null: they are as nginx has them. */
  readonly key: string | null;
}

export interface StickyCookiePlan {
  readonly name: string;
  /** Null: until the browser is closed. */
  readonly maxAgeS: number | null;
  /** Templates; empty: it is not there. */
  readonly domain: string;
  readonly sameSite: string;
  readonly path: string;
  /** `auto`: where the client speaks TLS. */
  readonly secure: boolean | 'auto';
  readonly isHttpOnly: boolean;
  /** Also to who has it. */
  readonly isSaidAlways: boolean;
}

export interface UpstreamPlan {
  readonly name: string;
  /** Its place on the status board. */
  readonly slot: number;
  /** Not null: `servers` has one, which holds the places of all that requests name. */
  readonly serverBy: ServerByPlan | null;
  /** Who is asked for names. Null: the system's. */
  readonly resolver: ResolverPlan | null;
  /** What servers are spoken to in. `auto`: what they choose by ALPN. Absent: HTTP/1, or no HTTP. */
  readonly protocol?: 'http2' | 'auto';
  /** Absent: the servers of the file, and no others. */
  readonly discovery?: DiscoveryPlan;
  readonly balance: Balance;
  /** Absent: every request is for any server. */
  readonly sticky?: StickyPlan;
  /** Set if and only if the balance goes by it. */
  readonly hash: HashKeyPlan | null;
  readonly servers: readonly ServerPlan[];
  /** What connections to servers of the same family come from, with port 0. Empty: what the kernel chooses. */
  readonly sources: readonly Address[];
  readonly health: HealthPlan | null;
  readonly quorum: QuorumPlan | null;
  readonly passive: PassivePlan | null;
  /** Weight rises from 1/8 to full in this time after a recovery. 0: at once. */
  readonly slowStartMs: number;
  readonly timeouts: {
    readonly connectMs: number;
    /** Request sent to the response's head, and longest silence inside the response's body. */
    readonly responseMs: number;
    /** http: idle connections in the pool; tcp: silence in both directions. */
    readonly idleMs: number;
    /** Waiting for a server whose max-connections is reached. */
    readonly queueMs: number;
    /** Silence in both directions after an Upgrade. */
    readonly tunnelMs: number;
    /** Silence in a TCP session, or after an Upgrade, of which one side has sent FIN. */
    readonly halfClosedMs: number;
  };
  /** Towards servers. Null: none. */
  readonly keepAlive: KeepAlive | null;
  /** Idle keep-alive connections that one proxy keeps per server, at most. Null: as many as were in use at one time. */
  readonly poolIdle: number | null;
  /** How much one connection is used. Absent: as long as both sides keep it. */
  readonly wear?: WearPlan;
  /** Exchanges of one proxy that may wait for a free connection. */
  readonly queueMax: number;
  /** With which PROXY protocol header every connection and check begins. Null: with none. */
  readonly proxyProtocol: 'v1' | 'v2' | null;
  /** What such a header says besides, of version 2. */
  readonly proxyTlvs: readonly ('alpn' | 'authority' | 'crc32c' | 'ssl' | 'unique-id')[];
  /** Null: servers are spoken to in clear. */
  readonly tls: ServersTlsPlan | null;
}

/** Where servers are read that count in place of those of the file, once a list is here. */
export interface DiscoveryPlan {
  readonly from:
    | { readonly kind: 'file'; readonly path: string }
    | { readonly kind: 'url'; readonly url: string; readonly everyMs: number; readonly timeoutMs: number };
  /** A server stays for so long after a list without it. */
  readonly holdMs: number;
  /** Of a server without one; null: it needs one. */
  readonly port: number | null;
}

/**
 * What a file, or an operator, says of a server: `drain` is for clients that are there, or bound to it by the key that they
 * are balanced by; `disabled` for nobody. What is open goes on in any case.
 */
export type AdminState = 'enabled' | 'drain' | 'disabled';

export interface ServerPlan {
  /** As written, for people; with a number behind a `#` where there are several. */
  readonly name: string;
  /** An address, or a name to resolve. */
  readonly target: Address | { readonly hostname: string; readonly port: number };
  /** With it `target` is a domain, and the SRV records of this service in it say which servers there are. */
  readonly service?: string;
  /** 0..256. With 0 it is drained, and has no keys. */
  readonly weight: number;
  readonly state: AdminState;
  /** Of all proxies together. 0: no limit. */
  readonly maxConnections: number;
  readonly backup: boolean;
  /** What its clients say, and are told. Absent: what follows from its address. */
  readonly id?: string;
  /** Null: the upstream's. */
  readonly passive: PassivePlan | null;
  /** Null: the upstream's. */
  readonly health: HealthPlan | null;
  readonly notify: UpDownPrograms | null;
  /** The first of its slots on the status board; a name has ADDRESSES_PER_NAME_MAX of them, a service ADDRESSES_PER_SERVICE_MAX, an address one. */
  readonly firstSlot: number;
  readonly slotCount: number;
  /** How often these slots had been another server's before. */
  readonly epoch: number;
}

/** What is run when something is up, is not any more, and when evenkeel stops while it is. */
export interface UpDownPrograms {
  readonly up: Command | null;
  readonly down: Command | null;
  readonly stop: Command | null;
  readonly timeoutMs: number;
  /** Of these the first that there is. Null: the default one. */
  readonly users: readonly string[] | null;
}

/** How much weight must be up. It is there from `weight` + `hysteresis` on, and lost below `weight` - `hysteresis`. */
export interface QuorumPlan {
  readonly weight: number;
  readonly hysteresis: number;
  readonly programs: UpDownPrograms | null;
}

/** How a server is checked. Null: nobody asks. */
export function healthOf(
  upstream: Pick<UpstreamPlan, 'health'>,
  server: Pick<ServerPlan, 'health'>,
): HealthPlan | null {
  return server.health ?? upstream.health;
}

export interface HealthPlan {
  readonly probe:
    | { readonly kind: 'tcp' }
    | { readonly kind: 'mysql'; readonly user: string }
    | { readonly kind: 'postgres'; readonly user: string }
    /** Asked over HTTP/2. `service` empty: the server as a whole. */
    | { readonly kind: 'grpc'; readonly service: string }
    | { readonly kind: 'redis' }
    | { readonly kind: 'ssh' }
    /** `users`: of these the first that there is. Null: the default one. */
    | {
        readonly kind: 'run';
        readonly command: Command;
        readonly users: readonly string[] | null;
        /** Its exit code says the server's weight. */
        readonly saysWeight: boolean;
      }
    /** Over UDP. */
    | { readonly kind: 'dns'; readonly name: string }
    /** A datagram is no trouble; `send` null: with nothing in it. */
    | { readonly kind: 'udp'; readonly send: string | null }
    /** `send` null: the server speaks first. `expect`: a regular expression for the first 16 KiB. */
    | {
        readonly kind: 'expect';
        readonly send: string | null;
        readonly expect: string;
        readonly transport: 'tcp' | 'udp';
      }
    | {
        readonly kind: 'http';
        /** As of the upstream. */
        readonly protocol?: 'http2' | 'auto';
        readonly method: string;
        readonly path: string;
        readonly host: string | null;
        /** Inclusive ranges. */
        readonly statuses: readonly (readonly [number, number])[];
        /** The body's first 64 KiB must contain this. */
        readonly body: string | null;
      };
  /** Absent: the server's own address. */
  readonly address?: Pick<Address, 'family' | 'host'>;
  /** Null: the server's own port. */
  readonly port: number | null;
  /** More that has to pass, one part after the other. */
  readonly also?: readonly HealthPartPlan[];
  /** As of the upstream. */
  readonly proxyProtocol: 'v1' | 'v2' | null;
  readonly tls: ServersTlsPlan | null;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly rise: number;
  readonly fall: number;
  /** 0..1: each interval is lengthened or shortened by up to this share of it. */
  readonly jitter: number;
  /** From a check that has failed to the next one while the server is up. Null: as ever. */
  readonly retryMs: number | null;
  /** What is thought of a server before its first check. */
  readonly initial: 'up' | 'down';
}

export interface HealthPartPlan extends Pick<HealthPlan, 'probe' | 'port'> {
  /** Not over TLS, whatever the first part goes over. */
  readonly isClear: boolean;
}

export interface PassivePlan {
  readonly failures: number;
  readonly withinMs: number;
  readonly ejectMs: number;
}
