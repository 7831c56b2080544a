/**
 * Where packets go of which the kernel does not know the connection, as after a takeover: pure, for one service of TCP.
 *
 * A first segment goes by the **current** table, that of the servers as this node sees them. Any other one belongs to a connection that began before, on
 * this node or on its peer, and goes by the **kept** table: the one by which connections were begun that the kernel in charge may not know, since nobody has
 * spoken on them. It is the same on both nodes, and changes neither at a takeover nor when servers change after one. A connection that is known,
 * and whose server is another one than the kept table has for it, is an **exception**: the node in charge finds them by looking at all that its kernel knows,
 * and tells its peer.
 *
 * The node in charge may put the current table in place of the kept one when its kernel knows all connections: as soon as it has been in charge for so long that
 * all of them must have been heard of. What differs then is an exception again.
 */
import { hashBytes } from '../../base/hash.ts';
import { assignBuckets, type BucketServer, NO_SERVER } from './bucket-table.ts';

/** Keep-alives of Linux begin after two hours of silence: by then every connection has been heard of. */
export const ALL_KNOWN_MS = 8_100_000;
/** Within this time of taking the address a peer that is not in charge may say how it was before. */
const NEWCOMER_MS = 30_000;
/** For each service. */
export const EXCEPTIONS_MAX = 10_000;

/** By which takers: sorted, so that both nodes number them alike. */
export class Table {
  readonly takers: readonly BucketServer[];
  readonly size: number;
  readonly text: string;
  private assigned: Uint16Array | null = null;

  constructor(takers: readonly BucketServer[], size: number) {
    this.takers = takers
      .map(({ identity, weight }) => ({ identity, weight }))
      .sort((a, b) => (a.identity < b.identity ? -1 : 1));
    this.size = size;
    this.text = JSON.stringify([size, this.takers.map(({ identity, weight }) => [identity, weight])]);
  }

  get buckets(): Uint16Array {
    return (this.assigned ??= assignBuckets(this.takers, this.size));
  }

  /** Null: nobody's. */
  serverOf(bucket: number): string | null {
    const index = this.buckets[bucket];
    return index === NO_SERVER ? null : this.takers[index].identity;
  }

  /** Of all buckets: by which both nodes see that they have the same ones. */
  get digest(): number {
    const { buckets } = this;
    return hashBytes(new Uint8Array(buckets.buffer), 0, buckets.byteLength, 0);
  }
}

/** A connection that the kernel knows. */
export interface KnownFlow {
  /** Address and port, as text. */
  readonly client: string;
  readonly bucket: number;
  readonly server: string;
  /** Both sides have said their last; it is not expected to go on. */
  readonly isOver: boolean;
}

/** What the peer says of its kept table. */
export interface KeptWord {
  readonly epoch: number;
  readonly isInCharge: boolean;
  readonly table: Table;
}

export class Continuity {
  current: Table;
  kept: Table;
  /** It grows whenever the kept table becomes another one, on whichever node. */
  epoch = 0;
  /** By client: the server. */
  readonly exceptions = new Map<string, string>();
  /** That there was no room for, when it was looked last. */
  leftOut = 0;
  /** This node has had connections, or been told of them: what it knows is worth telling. */
  hasPast = false;
  private isHere: boolean;
  private inChargeSinceMs: number;
  private hasHeard = false;
  /** Since it is in charge, and since its servers changed: what began before may differ, though the tables do not. */
  private hasLooked = false;
  /** That were told by the peer, and that the kernel here has not seen. Each is in `exceptions`. */
  private readonly inherited = new Set<string>();

  /** `isInCharge`: the address has been here, whatever began at it is known to the kernel. */
  constructor(current: Table, isInCharge: boolean) {
    this.current = current;
    this.kept = current;
    this.isHere = isInCharge;
    this.hasPast = isInCharge;
    this.inChargeSinceMs = isInCharge ? -Infinity : 0;
  }

  get isInCharge(): boolean {
    return this.isHere;
  }

  knowsAll(nowMs: number): boolean {
    return this.isHere && nowMs - this.inChargeSinceMs >= ALL_KNOWN_MS;
  }

  /** In charge for so long that whoever was before has said all. */
  isSettled(nowMs: number): boolean {
    return this.isHere && nowMs - this.inChargeSinceMs >= NEWCOMER_MS;
  }

  /** Connections may differ from the kept table, or do: it is worth looking at them again and again. */
  get isUnsettled(): boolean {
    return this.isHere && (!this.hasLooked || this.kept.text !== this.current.text || this.exceptions.size > 0);
  }

  /** Other servers, or other weights, as this node sees them. */
  handleCurrent(table: Table): void {
    this.current = table;
    this.hasLooked = false;
    // Nobody has connections by it yet.
    if (!this.hasPast) this.kept = table;
  }

  /** The service's address is here now, or not any more. */
  handleCharge(isInCharge: boolean, nowMs: number): void {
    if (isInCharge === this.isHere) return;
    this.isHere = isInCharge;
    this.hasLooked = false;
    this.inChargeSinceMs = nowMs;
    if (isInCharge) {
      this.hasPast = true;
      for (const client of this.exceptions.keys()) this.inherited.add(client);
    }
  }

  /** Not in charge: what was kept is of no use any more. */
  forget(): void {
    this.hasPast = false;
    this.kept = this.current;
    this.exceptions.clear();
    this.inherited.clear();
  }

  /** All connections that the kernel knows. Only while in charge, or at its end. True: the kept table is another one. */
  handleFlows(flows: Iterable<KnownFlow>, nowMs: number): boolean {
    this.hasLooked = true;
    const isAnew = this.knowsAll(nowMs) && this.kept.text !== this.current.text;
    const known = Array.isArray(flows) ? (flows as readonly KnownFlow[]) : [...flows];
    if (isAnew) {
      this.keep(this.current);
      this.inherited.clear();
    }
    if (this.except(known)) return isAnew;
    // Rather those that are known than those that may be.
    const former = this.kept;
    if (former.text !== this.current.text) {
      this.keep(this.current);
      this.inherited.clear();
      this.except(known);
    }
    return isAnew || former !== this.kept;
  }

  /** Of a peer. False: it is not for this node to take it. */
  handleKept({ epoch, isInCharge, table }: KeptWord, nowMs: number): boolean {
    if (table.size !== this.current.size) return false;
    // Whoever is in charge knows better, unless it has taken the address just now, before it was told anything.
    const isNewcomer = this.isHere && !this.hasHeard && !this.isSettled(nowMs);
    if (this.isHere ? !isNewcomer : !isInCharge) return false;
    this.hasHeard = true;
    this.hasPast = true;
    this.kept = table;
    this.epoch = Math.max(epoch, this.epoch);
    this.exceptions.clear();
    this.inherited.clear();
    return true;
  }

  /** After `handleKept` was true. */
  handleException(client: string, server: string | null): void {
    if (server === null) {
      this.exceptions.delete(client);
      this.inherited.delete(client);
    } else if (this.exceptions.size < EXCEPTIONS_MAX) {
      this.exceptions.set(client, server);
      if (this.isHere) this.inherited.add(client);
    }
  }

  /** False: there is no room for all. */
  private except(known: readonly KnownFlow[]): boolean {
    const former = new Map(this.exceptions);
    this.exceptions.clear();
    this.leftOut = 0;
    for (const { client, bucket, server, isOver } of known) {
      this.inherited.delete(client);
      if (isOver || this.kept.serverOf(bucket) === server) continue;
      if (this.exceptions.size < EXCEPTIONS_MAX) this.exceptions.set(client, server);
      else this.leftOut++;
    }
    for (const client of this.inherited) {
      if (this.exceptions.size < EXCEPTIONS_MAX) this.exceptions.set(client, former.get(client)!);
      else {
        this.leftOut++;
        this.inherited.delete(client);
      }
    }
    return this.leftOut === 0;
  }

  private keep(table: Table): void {
    this.kept = table;
    this.epoch++;
  }
}
