/** What a keepalived.conf says, as it is read: nothing is put together yet, and each value knows where it was written. */
import type { RouteKind, RouteScope, RuleKind } from '../../base/kernel-routing.ts';
import type { Place } from '../findings/diagnostic.ts';

export interface Placed<T> {
  readonly value: T;
  readonly place: Place;
}

/** A program and who runs it; null: the default. */
export interface Program {
  readonly command: readonly string[];
  readonly user: string | null;
}

export interface Address {
  /** With its prefix length. */
  readonly cidr: string;
  readonly device: string | null;
  readonly label: string | null;
}

/** The networks as the model has them. */
export interface RouteDraft {
  readonly type: RouteKind;
  readonly to: string;
  readonly via?: string | undefined;
  readonly source?: string | undefined;
  readonly device?: string | undefined;
  readonly table?: number | undefined;
  readonly metric?: number | undefined;
  readonly mtu?: number | undefined;
  readonly scope?: RouteScope | undefined;
  readonly isOnLink?: true;
}

export interface RuleDraft {
  readonly type: RuleKind;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly table?: number | undefined;
  readonly preference?: number | undefined;
  readonly inDevice?: string | undefined;
  readonly outDevice?: string | undefined;
  readonly mark?: number | undefined;
  readonly mask?: number | undefined;
}

export interface Tracked {
  readonly name: string;
  /** Null: that of what is tracked. */
  readonly weight: number | null;
}

export interface Notifies {
  notify?: Placed<Program> | undefined;
  active?: Placed<Program> | undefined;
  backup?: Placed<Program> | undefined;
  fault?: Placed<Program> | undefined;
  stop?: Placed<Program> | undefined;
}

export interface Tracking {
  readonly scripts: Placed<Tracked>[];
  readonly processes: Placed<Tracked>[];
  readonly interfaces: Placed<Tracked>[];
  readonly files: Placed<Tracked>[];
}

/** A FIFO that changes are written into, and the program that reads it. */
export interface FifoDraft {
  path?: Placed<string> | undefined;
  user?: string | undefined;
  reader?: Placed<Program> | undefined;
}

export interface Globals {
  /** Of the last `global_defs`. */
  place?: Place;
  /** Of everything, and of VRRP alone. */
  readonly fifo: FifoDraft;
  readonly vrrpFifo: FifoDraft;
  version?: number | undefined;
  scriptUser?: string | undefined;
  isSecure: boolean;
  isStrict: boolean;
  startupDelayMs?: number | undefined;
  /** What checks by TLS show their servers. */
  readonly certificate: { certificate?: string | undefined; key?: string | undefined };
}

export interface ScriptDraft {
  readonly name: string;
  readonly place: Place;
  script?: Placed<readonly string[]> | undefined;
  intervalMs?: Placed<number> | undefined;
  timeoutMs?: Placed<number> | undefined;
  weight?: number | undefined;
  rise?: number | undefined;
  fall?: number | undefined;
  user?: string | undefined;
}

export interface ProcessDraft {
  readonly name: string;
  readonly place: Place;
  process?: Placed<readonly string[]> | undefined;
  match?: 'first' | 'prefix' | undefined;
  weight?: number | undefined;
}

export interface FileDraft {
  readonly name: string;
  readonly place: Place;
  path?: Placed<string> | undefined;
  weight?: number | undefined;
  init?: { readonly value: number; readonly isOverwriting: boolean } | undefined;
}

export interface UnicastPeer {
  readonly address: string;
  readonly minTtl: number | null;
}

export interface InstanceDraft extends Tracking, Notifies {
  readonly name: string;
  readonly place: Place;
  state?: Placed<'MASTER' | 'BACKUP'> | undefined;
  interface?: Placed<string> | undefined;
  routerId?: Placed<number> | undefined;
  priority?: Placed<number> | undefined;
  version?: Placed<number> | undefined;
  advertMs?: Placed<number> | undefined;
  authType?: Placed<'PASS'> | undefined;
  pass?: Placed<string> | undefined;
  preempt?: Placed<boolean> | undefined;
  preemptDelayMs?: Placed<number> | undefined;
  virtualMac?: Placed<boolean> | undefined;
  unicastSource?: Placed<string> | undefined;
  readonly peers: Placed<UnicastPeer>[];
  hasPeers?: Placed<true> | undefined;
  readonly addresses: Placed<Address>[];
  readonly excluded: Placed<Address>[];
  readonly routes: Placed<RouteDraft>[];
  readonly rules: Placed<RuleDraft>[];
}

export interface GroupDraft extends Tracking, Notifies {
  readonly name: string;
  readonly place: Place;
  readonly members: Placed<string>[];
  isWeighted?: boolean | undefined;
}

export interface CheckDraft {
  readonly place: Place;
  kind: 'tcp' | 'http' | 'https' | 'smtp' | 'dns' | 'udp' | 'misc' | 'ping' | 'file';
  address?: string | undefined;
  port?: number | undefined;
  timeoutMs?: number | undefined;
  intervalMs?: number | undefined;
  retryMs?: number | undefined;
  isAlpha?: boolean | undefined;
  /** Of `misc` and `ping`. */
  program?: readonly string[] | undefined;
  user?: string | undefined;
  isDynamic?: boolean | undefined;
  /** Of UDP: what is sent, and whether something has to come back. */
  payload?: string | undefined;
  needsReply?: boolean | undefined;
  /** The name of a `track_file`, and what its number is multiplied with. */
  file?: Placed<string> | undefined;
  weight?: number | undefined;
  /** Of a DNS question. */
  name?: string | undefined;
  /** Of HTTP: what is asked for, one after the other. */
  readonly urls: UrlDraft[];
  host?: string | undefined;
  /** The server is told by TLS which host is meant. */
  isNamed?: boolean | undefined;
  retry?: number | undefined;
}

export interface UrlDraft {
  path?: string | undefined;
  status?: string | undefined;
  host?: string | undefined;
}

/** What checks have that say nothing else, of a real_server, or else of its virtual_server. */
export interface CheckDefaults {
  intervalMs?: number | undefined;
  timeoutMs?: number | undefined;
  retry?: number | undefined;
  retryMs?: number | undefined;
  isAlpha?: boolean | undefined;
  virtualHost?: string | undefined;
}

export interface RealServerDraft extends CheckDefaults, Endpoint {
  readonly place: Place;
  weight?: number | undefined;
  up?: Placed<Program> | undefined;
  down?: Placed<Program> | undefined;
  readonly checks: CheckDraft[];
  connectionsMax?: number | undefined;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface ServerGroupDraft {
  readonly name: string;
  readonly place: Place;
  readonly endpoints: readonly Endpoint[];
}

export interface VirtualServerDraft extends CheckDefaults {
  /** Or the name of a group of them. */
  readonly at: Endpoint | string;
  readonly place: Place;
  isUdp?: boolean | undefined;
  /** Of its real servers that have none of their own. */
  weight?: number | undefined;
  quorum?: Placed<number> | undefined;
  hysteresis?: Placed<number> | undefined;
  up?: Placed<Program> | undefined;
  down?: Placed<Program> | undefined;
  isOmega?: boolean | undefined;
  balance?: string | undefined;
  method?: Placed<string> | undefined;
  isPersistent?: Placed<boolean> | undefined;
  readonly servers: RealServerDraft[];
  sorry?: (Endpoint & { readonly place: Place }) | undefined;
}

export interface Drafts {
  readonly globals: Globals;
  readonly scripts: ScriptDraft[];
  readonly processes: ProcessDraft[];
  readonly files: FileDraft[];
  readonly instances: InstanceDraft[];
  readonly groups: GroupDraft[];
  readonly serverGroups: ServerGroupDraft[];
  readonly virtualServers: VirtualServerDraft[];
}
