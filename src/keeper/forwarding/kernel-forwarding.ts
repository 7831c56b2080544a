/**
 * Listeners of which the kernel forwards the connections: gives it rules when a plan asks for them, and moves buckets when servers
 * come and go. What is in the kernel works without this process; a successor finds it, and goes on from there.
 */
import { networkInterfaces } from 'node:os';
import { type Address, addressText, formatIP } from '../../base/address.ts';
import { type Board, emptySlot, SERVER_UP, type ServerSlot } from '../../base/board.ts';
import type { Plan } from '../../config/plan/plan.ts';
import type { BucketChange, Buckets, ForwardedCounts, Forwarder, ForwardingRules } from '../../port/forwarding.ts';
import type { PeerMessage } from '../../core/peers/messages.ts';
import type { Log } from '../log/log.ts';
import { type ForwardingPeers, type KeptAccount, KeptConnections } from './kept-connections.ts';
import { bucketsOf, type KnownServer, type PlannedRules, rulesOf, takersOf } from './plan-rules.ts';

export interface KernelForwardingOptions {
  readonly board: Board;
  readonly log: Log;
  /** Throws if this machine, or user, cannot. */
  readonly open: () => Forwarder;
  /** No check of the server in this slot has ended yet. */
  readonly isAssumed: (slot: number) => boolean;
  /** A predecessor is in charge: nothing is done until `settle`. */
  readonly isDeferred: boolean;
  /** Which addresses this machine has now. */
  readonly here?: () => (address: Address) => boolean;
  readonly now?: () => number;
}

/** How often it is looked whether anybody has changed the kernel's table. */
const LOOK_MS = 500;
/** Whoever asks about many servers at once has one answer. */
const COUNTS_MS = 200;
const NO_RULES: PlannedRules = { services: [], maps: [] };

export class KernelForwarding {
  private readonly options: KernelForwardingOptions;
  private readonly here: () => (address: Address) => boolean;
  private plan: Plan | null = null;
  private forwarder: Forwarder | null = null;
  private isDeferred: boolean;
  private rules: PlannedRules = NO_RULES;
  /** By the name of a map: what the kernel has. */
  private readonly buckets = new Map<string, Buckets>();
  /** By the name of a map: whom it is for, as text. */
  private readonly takers = new Map<string, string>();
  /** What a predecessor had taken its buckets from, until a check has said how it is. */
  private readonly distrusted = new Set<string>();
  /** Of UDP: who had buckets, by its text. */
  private datagramServers = new Map<string, Address>();
  private looking: NodeJS.Timeout | undefined;
  /** Counted by rules that were replaced. */
  private former: ForwardedCounts = { services: [], servers: new Map() };
  /** Of the server table, when it was looked at last. */
  private generation = -1;
  /** The rules and buckets are what the kernel has. */
  private isInKernel = false;
  private fault = '';
  private refusedSettings = '';
  private counted: ForwardedCounts | null = null;
  private countedAtMs = -Infinity;
  private readonly kept: KeptConnections;
  /** There was no table of a predecessor. */
  private foundNothing = true;
  private peers: ForwardingPeers | null = null;
  private readonly slot = emptySlot();

  constructor(options: KernelForwardingOptions) {
    this.options = options;
    this.here = options.here ?? hereNow;
    this.isDeferred = options.isDeferred;
    this.kept = new KeptConnections({
      log: options.log,
      forwarder: () => this.forwarder,
      now: options.now ?? (() => performance.now()),
      peers: () => this.peers,
      onKept: () => this.update(),
    });
  }

  // --- peers ---

  linkTo(peers: ForwardingPeers): void {
    this.peers = peers;
  }

  handlePeerUp(peer: string): void {
    if (!this.isDeferred) this.kept.handlePeerUp(peer);
  }

  handlePeerMessage(peer: string, message: PeerMessage): void {
    if (!this.isDeferred) this.kept.handlePeerMessage(peer, message);
  }

  // --- what is forwarded ---

  /** The server table has its servers. */
  apply(plan: Plan): void {
    this.plan = plan.listeners.some(({ inKernel }) => inKernel !== undefined) ? plan : null;
    if (this.plan !== null) this.update();
    else if (this.forwarder !== null) this.end(true);
  }

  /** Something may have happened to servers: every check of any server comes by here. What was refused is tried again in its time. */
  refresh(): void {
    const isKnown = this.options.board.generation === this.generation && this.distrusted.size === 0;
    if (!isKnown && this.fault === '') this.update();
  }

  /** The predecessor has given way. */
  settle(): void {
    this.isDeferred = false;
    this.update();
  }

  /**
   * This node has given these addresses up. What it knows of their connections is of no use when it gets them back: they may
   * have other servers then.
   */
  abandon(addresses: readonly string[]): void {
    for (const service of this.rules.services) {
      const { protocol, address } = service;
      if (!addresses.includes(address.host)) continue;
      this.kept.abandon(service);
      this.forwarder?.forgetService(protocol, address);
    }
  }

  /** Why the kernel does not have the rules of the plan; null: it has them, or is not asked to yet. */
  get failure(): string | null {
    return this.fault === '' ? null : this.fault;
  }

  ofService(protocol: 'tcp' | 'udp', address: Address): number {
    if (this.plan === null) return 0;
    const at = this.rules.services.findIndex((service) => {
      return service.protocol === protocol && addressText(service.address) === addressText(address);
    });
    return (this.former.services[at] ?? 0) + (this.countsNow()?.services[at] ?? 0);
  }

  keptAt(address: Address): KeptAccount | null {
    return this.plan === null ? null : this.kept.accountOf(address);
  }

  ofServer(upstream: string, address: Address): number {
    if (this.plan === null) return 0;
    const index = this.plan.upstreams.findIndex(({ name }) => name === upstream);
    const names = new Set(this.rules.maps.filter((map) => map.upstream === index).map(({ name }) => name));
    const protocols = new Set(this.rules.services.filter(({ map }) => names.has(map)).map((one) => one.protocol));
    const now = this.countsNow();
    let sum = 0;
    for (const protocol of protocols) {
      const key = `${protocol} ${addressText(address)}`;
      sum += (this.former.servers.get(key) ?? 0) + (now?.servers.get(key) ?? 0);
    }
    return sum;
  }

  /** `isRemoved`: from the kernel too; else a successor goes on with it. */
  stop(isRemoved: boolean): void {
    this.plan = null;
    this.end(isRemoved && !this.isDeferred);
  }

  private update(): void {
    const { plan } = this;
    if (plan === null || this.isDeferred) return;
    this.generation = this.options.board.generation;
    const rules = rulesOf(plan, (upstream) => this.serversOf(upstream));
    this.looking ??= setInterval(() => this.look(), LOOK_MS).unref();
    if (this.forwarder === null && !this.begin(rules)) return;
    this.kept.apply(
      rules.services.map((service) => {
        const map = rules.maps.find(({ name }) => name === service.map)!;
        return { service, takers: takersOf(this.serversOf(map.upstream), map), size: map.size };
      }),
      this.here(),
      this.foundNothing,
    );
    const wanted = new Map(rules.maps.map((map) => [map.name, this.wantedOf(rules, map)]));
    if (this.isInKernel && JSON.stringify(rules) === JSON.stringify(this.rules)) this.moveBuckets(rules, wanted);
    else this.replace(rules, wanted);
    this.forgetDatagrams(plan);
  }

  private begin(rules: ForwardingRules): boolean {
    const { log } = this.options;
    try {
      this.forwarder = this.options.open();
    } catch (error) {
      this.tellFault(`it cannot be set up: ${(error as Error).message}`);
      return false;
    }
    const left = this.forwarder.adopt(rules.maps);
    this.foundNothing = left === null;
    if (left !== null) {
      log.info('kernel mode: goes on with the table that is there');
      this.distrust(rules, left);
    }
    const isHere = this.here();
    for (const { protocol, address } of rules.services) {
      // What was relayed before, or reset, would go on as it did; and what a killed predecessor knew may be long past.
      if ((left === null && protocol === 'udp') || !isHere(address)) this.forwarder.forgetService(protocol, address);
    }
    return true;
  }

  /** Who had no bucket was down, and is assumed to be so until somebody has asked. */
  private distrust(rules: ForwardingRules, left: ReadonlyMap<string, Buckets>): void {
    for (const { map, servers } of rules.services) {
      const had = new Set((left.get(map) ?? []).flatMap((server) => (server === null ? [] : [addressText(server)])));
      if (had.size === 0) continue;
      for (const server of servers) if (!had.has(addressText(server))) this.distrusted.add(addressText(server));
    }
  }

  private end(isRemoved: boolean): void {
    clearInterval(this.looking);
    this.looking = undefined;
    if (isRemoved) this.forwarder?.remove();
    this.forwarder?.close();
    this.forwarder = null;
    this.rules = NO_RULES;
    this.isInKernel = false;
    this.buckets.clear();
    this.takers.clear();
  }

  private replace(rules: PlannedRules, wanted: ReadonlyMap<string, Buckets>): void {
    const counts = this.totals(rules);
    const reason = this.forwarder!.replace(rules, wanted, this.kept.allFlows());
    if (reason !== null) {
      this.isInKernel = false;
      // what it has is not for those: whose it is to be is found out anew
      this.takers.clear();
      return this.tellFault(`the kernel refuses its rules: ${reason}`);
    }
    if (this.fault !== '') this.options.log.info('kernel mode: the kernel has its rules now');
    this.fault = '';
    this.isInKernel = true;
    this.tellRefusedSettings();
    this.former = counts;
    this.countedAtMs = -Infinity;
    this.rules = rules;
    this.buckets.clear();
    for (const [name, buckets] of wanted) this.buckets.set(name, buckets);
  }

  private moveBuckets(rules: PlannedRules, wanted: ReadonlyMap<string, Buckets>): void {
    for (const map of rules.maps) {
      const before = this.buckets.get(map.name)!;
      const after = wanted.get(map.name)!;
      if (before === after) continue;
      const changes: BucketChange[] = [];
      after.forEach((to, bucket) => {
        const from = before[bucket];
        if (!isSame(from, to)) changes.push({ bucket, from, to });
      });
      if (changes.length === 0) continue;
      const reason = this.forwarder!.change(map, changes);
      this.buckets.set(map.name, after);
      // It is not as was thought.
      if (reason !== null) return this.replace(rules, wanted);
    }
  }

  private look(): void {
    this.kept.look(this.here());
    const what = this.isInKernel ? this.forwarder!.verify(this.buckets) : null;
    if (what === null && this.fault === '') return;
    if (what !== null)
      this.options.log.warn(`kernel mode: the table in the kernel is not ours any more: ${what}; it is made again`);
    this.isInKernel = false;
    this.update();
  }

  /** The same array as before, if nothing has changed. */
  private wantedOf(rules: PlannedRules, map: PlannedRules['maps'][number]): Buckets {
    const service = rules.services.find(({ kept }) => kept === map.name);
    const takers = service === undefined ? takersOf(this.serversOf(map.upstream), map) : [];
    const text =
      service === undefined
        ? JSON.stringify([map.size, takers.map(({ identity, weight }) => [identity, weight])])
        : this.kept.stateOf(service);
    const known = this.buckets.get(map.name);
    if (known !== undefined && this.takers.get(map.name) === text) return known;
    this.takers.set(map.name, text);
    return service === undefined ? bucketsOf(takers, map.size) : this.kept.bucketsOf(service);
  }

  private serversOf(upstream: number): readonly KnownServer[] {
    const { board, isAssumed } = this.options;
    return this.plan!.upstreams[upstream].servers.flatMap(({ firstSlot, slotCount, backup, target }) =>
      Array.from({ length: slotCount }, (_, i) => firstSlot + i).flatMap((slot): KnownServer[] => {
        board.readServer(slot, this.slot);
        const address = addressOf(this.slot, target);
        if (address === null) return [];
        const identity = addressText(address);
        if (this.distrusted.has(identity) && !isAssumed(slot)) this.distrusted.delete(identity);
        const isUp = this.slot.state === SERVER_UP && !this.distrusted.has(identity);
        return [{ address, isUp, weight: this.slot.weight, isBackup: backup || this.slot.isBackup }];
      }),
    );
  }

  /** A sender of datagrams never ends by itself: it would go on to a server that is down. */
  private forgetDatagrams(plan: Plan): void {
    const now = new Map<string, Address>();
    for (const { inKernel, protocol, upstream } of plan.listeners) {
      if (inKernel === undefined || protocol !== 'udp') continue;
      for (const server of this.serversOf(upstream))
        if (server.isUp) now.set(addressText(server.address), server.address);
    }
    for (const [text, server] of this.datagramServers) if (!now.has(text)) this.forwarder?.forget('udp', server);
    this.datagramServers = now;
  }

  private countsNow(): ForwardedCounts | null {
    const now = performance.now();
    if (now - this.countedAtMs > COUNTS_MS) {
      this.countedAtMs = now;
      this.counted = this.forwarder?.counts() ?? null;
    }
    return this.counted;
  }

  /** What has been counted so far, in the order of these rules. */
  private totals({ services }: ForwardingRules): ForwardedCounts {
    this.countedAtMs = -Infinity;
    const servers = new Map(this.former.servers);
    for (const [server, count] of this.countsNow()?.servers ?? [])
      servers.set(server, (servers.get(server) ?? 0) + count);
    return { services: services.map(({ protocol, address }) => this.ofService(protocol, address)), servers };
  }

  private tellRefusedSettings(): void {
    const refused = this.forwarder!.refusedSettings.join(', ');
    if (refused !== '' && refused !== this.refusedSettings) {
      this.options.log.warn(`kernel mode: cannot set ${refused}: connections may end at a takeover`);
    }
    this.refusedSettings = refused;
  }

  private tellFault(fault: string): void {
    if (this.fault !== fault) this.options.log.error(`kernel mode: ${fault}; it is tried again`);
    this.fault = fault;
  }
}

/** Which addresses this machine has. */
function hereNow(): (address: Address) => boolean {
  const own = new Set(Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address)));
  return ({ host }) => own.has(host);
}

function addressOf(slot: ServerSlot, target: Address | { readonly hostname: string }): Address | null {
  if ('host' in target) return target.family === 0 ? null : target;
  if (slot.family === 0) return null;
  return { family: slot.family, host: formatIP(slot.address.subarray(0, slot.family === 4 ? 4 : 16)), port: slot.port };
}

function isSame(a: Address | null, b: Address | null): boolean {
  return a === b || (a !== null && b !== null && a.host === b.host && a.port === b.port);
}
