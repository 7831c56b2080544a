/**
 * Choosing a server: the contract between the data plane and the balancing methods.
 *
 * A balancer knows the endpoints of one upstream: every address of every configured server, in a fixed order. `update`
 * is called when something about them changed (a health change, a new address, a step of slow start); `pick` per
 * request.
 */

/** One address of one configured server. Its index in the array given to `update` is its number in `pick`. */
export interface Endpoint {
  /** Slot on the status board. */
  readonly slot: number;
  /**
   * Stable across restarts, reloads and machines: what consistent hashing places in its table (the address as text).
   * Empty while there is no address.
   */
  readonly identity: string;
  /** Effective weight in WEIGHT_UNITs. 0 takes no new work. */
  readonly weight: number;
  /** Has an address and is up. */
  readonly isUsable: boolean;
  /** Has an address and is up, but only for who belongs to it, by a key or otherwise: consistent hashing alone looks at this here. */
  readonly keepsKeys: boolean;
  readonly isBackup: boolean;
  /** 0: no limit. */
  readonly maxConnections: number;
}

export interface Load {
  /** Connections in use to the endpoint in this slot, of all proxies. */
  serverConnections(slot: number): number;
}

/** No endpoint is usable: answer at once. */
export const PICK_NONE = -1;
/** Usable endpoints exist, all at their connection limit: queue. */
export const PICK_FULL = -2;
/** Every usable endpoint was tried. */
export const PICK_TRIED = -3;
/** No balancer says so: there are no endpoints, because their name has no address. */
export const PICK_UNNAMED = -4;
/** No balancer says so: there are no endpoints, because the address that the request names is this proxy's own. */
export const PICK_OWN = -5;

/** In place of a key, which has 32 bits of nginx's hashes: there is none, and turns are taken. */
export const NO_KEY = 2 ** 40;

export interface Balancer {
  /** Copies what it needs; the endpoints may change afterwards. Not for every request: it may build tables. */
  update(endpoints: readonly Endpoint[]): void;

  /**
   * The endpoint for one more request, or PICK_NONE, PICK_FULL, PICK_TRIED.
   *
   * `key` is the 32-bit hash of what the request is balanced by; methods without a key ignore it. The first
   * `triedCount` entries of `tried` are the slots of endpoints that this request failed on; they are not picked again. Backup
   * endpoints are picked only when no other one is usable, or this request failed on every one that is; when the others are
   * only full, they are where nobody is queued.
   */
  pick(load: Load, key: number, tried: Int32Array, triedCount: number): number;

  /** The endpoint in this slot has served: it began to answer after `answeredMs`, and was done after `tookMs`. */
  noteServed(slot: number, answeredMs: number, tookMs: number): void;
}
