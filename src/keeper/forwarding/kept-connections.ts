/**
 * Has the connections of a pair outlive both their balancer and changes of servers (core/forwarding/continuity.ts): looks at what the kernel knows, tells
 * peers, takes what they tell, and says what the kernel's table is to have for it. Of TCP: no datagram says that it is not the first one.
 */
import { type Address, addressText, formatIP } from '../../base/address.ts';
import { bucketOfClient } from '../../base/packet-bucket.ts';
import { Continuity, type KnownFlow, Table } from '../../core/forwarding/continuity.ts';
import { type FlowWord, FLOWS_TOLD_MAX, formatWay, KEPT_SERVERS_MAX, wayIn } from '../../core/forwarding/words.ts';
import type { BucketServer } from '../../core/forwarding/bucket-table.ts';
import type { PeerMessage } from '../../core/peers/messages.ts';
import type { Buckets, ForwardedFlow, ForwardedService, Forwarder, TrackedFlow } from '../../port/forwarding.ts';
import type { Log } from '../log/log.ts';

export interface KeptConnectionsOptions {
  readonly log: Log;
  readonly forwarder: () => Forwarder | null;
  readonly now: () => number;
  readonly peers: () => ForwardingPeers | null;
  /** Others are kept than those that the kernel's table is for. */
  readonly onKept: () => void;
}

export interface ForwardingPeers {
  /** Of the configuration. */
  readonly count: () => number;
  /** To one of them, or to all that are linked. */
  readonly tell: (message: PeerMessage, peer?: string) => void;
}

/** Of one service: whose servers it has, as this node sees them now. */
export interface ServedService {
  readonly service: ForwardedService;
  readonly takers: readonly BucketServer[];
  readonly size: number;
}

/** How it stands with one service. */
export interface KeptAccount {
  readonly epoch: number;
  readonly isInCharge: boolean;
  readonly exceptions: number;
  readonly leftOut: number;
  /** For how long connections that are exceptions may have begun and are not known to be. Null: since the beginning. */
  readonly lookedAgeMs: number | null;
}

/** While connections may differ from the table, it is looked again after so long, and longer if looking takes long. */
const LOOK_MS = 1_000;
const LOOK_SHARE = 20;
/** In one turn. */
const SLICE_MS = 5;

interface Kept {
  served: ServedService;
  readonly continuity: Continuity;
  /** What peers have been told of exceptions. */
  readonly told: Map<string, string>;
  /** Who has told what is kept here: what they say of exceptions counts. */
  believed: string | null;
  /** What is in the kernel: by client. */
  readonly inKernel: Map<string, string>;
  isLooking: boolean;
  lookAtMs: number;
  /** When it began to look, the last time that it did. Null: it has not yet. */
  lookedMs: number | null;
  wasLeftOut: boolean;
}

export class KeptConnections {
  private readonly options: KeptConnectionsOptions;
  private readonly services = new Map<string, Kept>();

  constructor(options: KeptConnectionsOptions) {
    this.options = options;
  }

  /** `isHere`: which of the addresses this machine has. `isAnew`: whatever began at those is known to the kernel. */
  apply(served: readonly ServedService[], isHere: (address: Address) => boolean, isAnew: boolean): void {
    const { now } = this.options;
    const names = new Set<string>();
    for (const one of served) {
      if (one.service.protocol !== 'tcp') continue;
      const name = addressText(one.service.address);
      names.add(name);
      const table = new Table(one.takers, one.size);
      let kept = this.services.get(name);
      if (
        kept === undefined ||
        kept.continuity.current.size !== one.size ||
        kept.served.service.by !== one.service.by
      ) {
        const here = isHere(one.service.address);
        const continuity = new Continuity(table, here && isAnew);
        if (here && !isAnew) continuity.handleCharge(true, now());
        kept = {
          served: one,
          continuity,
          told: new Map(),
          believed: null,
          inKernel: new Map(),
          isLooking: false,
          lookAtMs: 0,
          lookedMs: null,
          wasLeftOut: false,
        };
        this.services.set(name, kept);
        this.tellKept(kept);
      } else if (table.text !== kept.continuity.current.text) {
        // Before servers change: connections by the former table may be there.
        if (isHere(one.service.address)) this.take(kept);
        kept.continuity.handleCurrent(table);
        kept.lookAtMs = 0;
      }
      kept.served = one;
    }
    for (const name of this.services.keys()) if (!names.has(name)) this.services.delete(name);
  }

  /** By bucket: whose a segment is that is not the first one, where this differs from the current table. */
  bucketsOf(service: ForwardedService): Buckets {
    const { continuity, served } = this.services.get(addressText(service.address))!;
    const { kept, current } = continuity;
    if (kept.text === current.text) return new Array<null>(kept.size).fill(null);
    const known = new Map(served.service.servers.map((server) => [addressText(server), server]));
    return Array.from({ length: kept.size }, (_, bucket) => {
      const server = kept.serverOf(bucket);
      return server === null || server === current.serverOf(bucket) ? null : (known.get(server) ?? null);
    });
  }

  /** What `bucketsOf` depends on, as text. */
  stateOf(service: ForwardedService): string {
    const { kept, current } = this.services.get(addressText(service.address))!.continuity;
    return kept.text === current.text ? '' : `${kept.text} ${current.text}`;
  }

  /** Exceptions, for a table that is made anew: the kernel has them then. */
  allFlows(): readonly ForwardedFlow[] {
    const flows: ForwardedFlow[] = [];
    for (const kept of this.services.values()) {
      kept.inKernel.clear();
      for (const [client, server] of kept.continuity.exceptions) {
        kept.inKernel.set(client, server);
        flows.push(flowOf(kept, client, server));
      }
    }
    return flows;
  }

  /** At this address. Null: there is none. */
  accountOf(service: Address): KeptAccount | null {
    const kept = this.services.get(addressText(service));
    if (kept === undefined) return null;
    const { continuity, lookedMs } = kept;
    const { epoch, exceptions, leftOut, isInCharge, isUnsettled } = continuity;
    const lookedAgeMs = !isUnsettled || !this.hasPeers ? 0 : lookedMs === null ? null : this.options.now() - lookedMs;
    return { epoch, isInCharge, exceptions: exceptions.size, leftOut, lookedAgeMs };
  }

  /** From time to time. */
  look(isHere: (address: Address) => boolean): void {
    const nowMs = this.options.now();
    for (const kept of this.services.values()) {
      const { continuity, served } = kept;
      if (isHere(served.service.address)) this.take(kept);
      else if (continuity.isInCharge) this.lose(kept);
      const isQuiet = !continuity.isUnsettled && served.service.forward !== 'snat';
      if (!this.hasPeers || isQuiet || kept.isLooking || nowMs < kept.lookAtMs) continue;
      void this.readFlows(kept);
    }
  }

  /** This node has given the address up: what its kernel knows is looked at once more, before it is forgotten. */
  abandon(service: ForwardedService): void {
    const kept = this.services.get(addressText(service.address));
    if (kept?.continuity.isInCharge === true) this.lose(kept);
  }

  handlePeerUp(peer: string): void {
    for (const kept of this.services.values()) {
      if (!kept.continuity.hasPast) continue;
      this.tellKept(kept, peer);
    }
  }

  handlePeerMessage(peer: string, message: PeerMessage): void {
    if (message.type === 'kept') {
      const kept = this.services.get(message.service);
      if (kept === undefined) return;
      const { epoch, isInCharge, size, digest } = message;
      const table = new Table(
        message.servers.map(([identity, weight]) => ({ identity, weight })),
        size,
      );
      // Another version would have to compute tables in another way.
      if (size !== kept.continuity.current.size || table.digest !== digest) return;
      const isTaken = kept.continuity.handleKept({ epoch, isInCharge, table }, this.options.now());
      if (isTaken) {
        kept.believed = peer;
        this.options.onKept();
        this.syncKernel(kept);
      }
      // Who has just given the address up may have been told too early.
      if (kept.continuity.isInCharge && !isInCharge) this.tellKept(kept, isTaken ? undefined : peer);
    } else if (message.type === 'exceptions') {
      const kept = this.services.get(message.service);
      if (kept === undefined || kept.believed !== peer || kept.continuity.isSettled(this.options.now())) return;
      const { family } = kept.served.service.address;
      for (const [client, server] of message.flows) {
        if (client.includes(':') !== (family === 6) || (server?.startsWith('[') ?? family === 6) !== (family === 6))
          continue;
        kept.continuity.handleException(client, server);
      }
      this.syncKernel(kept);
    }
  }

  // --- inside ---

  private get hasPeers(): boolean {
    return (this.options.peers()?.count() ?? 0) > 0;
  }

  private take(kept: Kept): void {
    if (kept.continuity.isInCharge) return;
    kept.continuity.handleCharge(true, this.options.now());
    kept.lookAtMs = 0;
    this.tellKept(kept);
  }

  private lose(kept: Kept): void {
    const { continuity, served } = kept;
    const flows = this.hasPeers ? this.options.forwarder()?.flowsOf(served.service.address) : undefined;
    let step = flows?.next();
    while (step?.done === false) step = flows!.next();
    if (step?.done === true) this.compare(kept, step.value);
    continuity.handleCharge(false, this.options.now());
    // What will have begun when it comes back nobody will tell.
    if (!this.hasPeers) {
      continuity.forget();
      this.options.onKept();
      this.syncKernel(kept);
    }
    // When the address comes back they may have other servers.
    this.options.forwarder()?.forgetService('tcp', served.service.address);
    this.tellKept(kept);
  }

  private async readFlows(kept: Kept): Promise<void> {
    const { now, forwarder } = this.options;
    const beganMs = now();
    let busyMs = 0;
    kept.isLooking = true;
    try {
      const flows = forwarder()?.flowsOf(kept.served.service.address);
      if (flows === undefined) return;
      for (;;) {
        const fromMs = now();
        let step = flows.next();
        while (step.done === false && now() - fromMs < SLICE_MS) step = flows.next();
        busyMs += now() - fromMs;
        if (step.done === true) {
          if (kept.continuity.isInCharge && this.services.get(addressText(kept.served.service.address)) === kept) {
            this.compare(kept, step.value);
            kept.lookedMs = beganMs;
          }
          return;
        }
        await new Promise(setImmediate);
      }
    } finally {
      kept.isLooking = false;
      kept.lookAtMs = beganMs + Math.max(LOOK_MS, LOOK_SHARE * busyMs);
    }
  }

  private compare(kept: Kept, flows: readonly TrackedFlow[]): void {
    const { continuity, served } = kept;
    const { by } = served.service;
    const { size } = continuity.current;
    const known = flows.map(({ client, port, server, via, isOver }): KnownFlow => {
      const bucket = bucketOfClient(client, by === 'source' ? null : port, size);
      return { client: `${formatIP(client)} ${port}`, bucket, server: formatWay(server, via), isOver };
    });
    const isAnew = continuity.handleFlows(known, this.options.now());
    const { leftOut } = continuity;
    if (leftOut > 0 && !kept.wasLeftOut) {
      this.options.log.warn(
        `kernel mode: ${leftOut} connections to ${addressText(served.service.address)} have other servers than the table, more than peers are told of: they end at a takeover`,
      );
    }
    kept.wasLeftOut = leftOut > 0;
    if (isAnew) {
      this.options.onKept();
      this.tellKept(kept);
    } else this.tellExceptions(kept);
    this.syncKernel(kept);
  }

  /** All of it. */
  private tellKept(kept: Kept, peer?: string): void {
    const { continuity, served } = kept;
    const { epoch, isInCharge } = continuity;
    const table = continuity.kept;
    if (table.takers.length > KEPT_SERVERS_MAX) return;
    const service = addressText(served.service.address);
    const servers = table.takers.map(({ identity, weight }) => [identity, weight] as const);
    const { size, digest } = table;
    this.options.peers()?.tell({ type: 'kept', service, epoch, isInCharge, size, servers, digest }, peer);
    this.tellFlows(service, [...continuity.exceptions], peer);
    if (peer !== undefined) return;
    kept.told.clear();
    for (const [client, server] of continuity.exceptions) kept.told.set(client, server);
  }

  /** What is new of them. */
  private tellExceptions(kept: Kept): void {
    const { exceptions } = kept.continuity;
    const words = differences(kept.told, exceptions);
    this.tellFlows(addressText(kept.served.service.address), words);
  }

  private tellFlows(service: string, flows: readonly FlowWord[], peer?: string): void {
    for (let from = 0; from < flows.length; from += FLOWS_TOLD_MAX) {
      this.options
        .peers()
        ?.tell({ type: 'exceptions', service, flows: flows.slice(from, from + FLOWS_TOLD_MAX) }, peer);
    }
  }

  private syncKernel(kept: Kept): void {
    const removed: ForwardedFlow[] = [];
    const added: ForwardedFlow[] = [];
    const former = new Map(kept.inKernel);
    for (const [client, server] of differences(kept.inKernel, kept.continuity.exceptions)) {
      const before = former.get(client);
      if (before !== undefined) removed.push(flowOf(kept, client, before));
      if (server !== null) added.push(flowOf(kept, client, server));
    }
    if (added.length + removed.length === 0) return;
    const reason = this.options.forwarder()?.changeFlows(added, removed) ?? null;
    // The table is made anew when that is seen, with all of them.
    if (reason !== null) this.options.log.warn(`kernel mode: the kernel refuses connections of its table: ${reason}`);
  }
}

/** What has to be said for `before` to be as `after`; it is so then. */
function differences(before: Map<string, string>, after: ReadonlyMap<string, string>): readonly FlowWord[] {
  const words: FlowWord[] = [];
  for (const client of before.keys()) {
    if (after.has(client)) continue;
    before.delete(client);
    words.push([client, null]);
  }
  for (const [client, server] of after) {
    if (before.get(client) === server) continue;
    before.set(client, server);
    words.push([client, server]);
  }
  return words;
}

function flowOf({ served }: Kept, client: string, server: string): ForwardedFlow {
  const { address } = served.service;
  const at = client.lastIndexOf(' ');
  const port = Number(client.slice(at + 1));
  return {
    service: address,
    client: { family: address.family, host: client.slice(0, at), port },
    ...wayIn(server)!,
  };
}
