/** Listeners as they run: where, by which protocol, who may come in, who is believed. */
import type { Address } from '../../base/address.ts';
import type { Forward } from '../../base/forward.ts';
import type { KeepAlive } from '../../base/keep-alive.ts';
import type { CountedPlan, NotedFieldsPlan, TracingPlan, WearPlan } from './record.ts';
import type { TlsPlan, TriesPlan } from './tls.ts';
import type { CompressPlan } from './response.ts';

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
  /** protocol tcp and udp: the kernel forwards what comes, in this way, and no proxy has it. */
  readonly inKernel?: Forward;
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

/** What a session of a UDP listener is; there are `limits.connections` of them at most. */
export interface UdpPlan {
  /** It ends after this silence in both directions. */
  readonly idleMs: number;
  /** Datagrams of the client in one session. 0: any number. */
  readonly requests: number;
  /** Answers to each of them, after which it ends. -1: any number. */
  readonly responses: number;
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

/** Of each connection, bytes in a second as in BandwidthPlan. */
export interface TcpBandwidthPlan {
  readonly upload: string;
  readonly download: string;
}
