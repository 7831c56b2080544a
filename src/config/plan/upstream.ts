/** Upstreams: servers, balancing, stickiness, names. */
import type { EtcdPlan } from './etcd.ts';
import type { Address } from '../../base/address.ts';
import type { KeepAlive } from '../../base/keep-alive.ts';
import type { SourcePlan } from '../words/template.ts';
import type { HealthPlan, PassivePlan, QuorumPlan, UpDownPrograms } from './health.ts';
import type { WearPlan } from './record.ts';
import type { ServersTlsPlan } from './tls.ts';

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
  /** Present: none of the above counts. */
  readonly learn?: LearnPlan;
}

/** The server that sets a cookie of the application has its session. */
export interface LearnPlan {
  readonly cookie: string;
  /** A session that is not used for longer is forgotten. */
  readonly idleS: number;
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

/** How a silent connection of HTTP/2 is found dead while something waits for it. */
export interface PingPlan {
  /** Silence until it is asked. */
  readonly idleMs: number;
  /** Until an answer has to be there. */
  readonly timeoutMs: number;
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
  /** Of HTTP/2. Absent: it is not asked. */
  readonly ping?: PingPlan;
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
export interface EtcdKeysPlan extends EtcdPlan {
  readonly kind: 'etcd';
  /** With which keys begin. */
  readonly prefix: string;
}

/** Null: as the pod has it that this runs in. */
export interface KubernetesPlan {
  readonly kind: 'kubernetes';
  /** A URL without a path. */
  readonly api: string | null;
  /** Paths of files. */
  readonly token: string | null;
  readonly ca: string | null;
  readonly namespace: string | null;
  readonly service: string;
  /** Its name in the service, or its number at the endpoints; null: the only one. */
  readonly port: string | number | null;
}

export interface DiscoveryPlan {
  readonly from:
    | { readonly kind: 'file'; readonly path: string }
    | { readonly kind: 'url'; readonly url: string; readonly everyMs: number; readonly timeoutMs: number }
    | EtcdKeysPlan
    | KubernetesPlan;
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

/** How a server is checked. Null: nobody asks. */
export function healthOf(
  upstream: Pick<UpstreamPlan, 'health'>,
  server: Pick<ServerPlan, 'health'>,
): HealthPlan | null {
  return server.health ?? upstream.health;
}
