/**
 * The health of one upstream's servers, and the rules that concern all of them together. Pure: addresses, probe results,
 * failures of real traffic and the time come in; the server table's entries, the probes to make and what people should
 * read come out. Calls may come in any order; `now` never goes back.
 *
 * Ejection never takes the last server away. What real traffic tells is a guess (a client that goes away in the middle of
 * each upload looks like a failing server), and traffic to a doubtful server is better than none:
 * - the last usable server is not ejected ("spared"; nginx ignores max_fails for a single server, Envoy has a maximum share);
 * - when probes, or an operator, take the last usable one, the ejected ones come back at once.
 *
 * Who is drained or disabled is probed as before, so that it is known how it is when it is enabled again.
 */
import { type Address, addressBytes, addressText } from '../../base/address.ts';
import {
  SERVER_DOWN,
  SERVER_DRAINING,
  SERVER_EMPTY,
  SERVER_UP,
  type ServerSlot,
  type ServerState,
  WEIGHT_UNIT,
} from '../../base/board.ts';
import type { Prng } from '../../base/prng.ts';
import type { AdminState } from '../../config/plan/upstream.ts';
import type { Place } from '../slots.ts';
import { assignAddresses, type FoundAddress } from './addresses.ts';
import { Quorum, type QuorumOptions } from './quorum.ts';
import {
  type ActiveOptions,
  EJECTION_OVER,
  type EndpointAccount,
  EndpointHealth,
  type EndpointMemory,
  type HealthOptions,
  type PassiveOptions,
  type ProbeVerdict,
} from './endpoint-health.ts';

export interface UpstreamHealthOptions extends HealthOptions {
  /** Null: it is no matter how many are up, as long as one is. */
  readonly quorum: QuorumOptions | null;
  readonly servers: readonly ServerOptions[];
}

export interface ServerOptions {
  readonly weight: number;
  readonly state: AdminState;
  readonly backup: boolean;
  readonly firstSlot: number;
  readonly slotCount: number;
  /** How often these slots had been another server's before. */
  readonly epoch: number;
  /** Null: the upstream's. */
  readonly passive: PassiveOptions | null;
  /** How it is checked. Null: as the upstream's are. */
  readonly health: ActiveOptions | null;
}

export interface HealthEvent {
  /** `still-down`: for another reason than before. */
  readonly kind:
    | 'down'
    | 'still-down'
    | 'up'
    | 'ejected'
    | 'readmitted'
    | 'assumed'
    | 'spared'
    | 'added'
    | 'removed'
    | 'surplus';
  /** Index into the options' servers. */
  readonly server: number;
  /** Null for `surplus`. */
  readonly address: Address | null;
  readonly reason: string;
}

/** What is known of one address of a server. */
export interface ServerAccount extends EndpointAccount {
  readonly address: Address;
  /** What it has but for a slow start. */
  readonly weight: number;
  readonly isBackup: boolean;
}

export interface Probe {
  readonly server: number;
  readonly slot: number;
  readonly address: Address;
}

/** Of a server, by its index, at this address. Undefined: nothing. */
export type Recall = (server: number, address: Address) => EndpointMemory | undefined;

export class UpstreamHealth {
  private options: UpstreamHealthOptions;
  private readonly prng: Prng;
  private readonly recall: Recall;
  /** Per server, per slot of it. */
  private endpoints: (EndpointHealth | null)[][] = [];
  private readonly serverOfSlot = new Map<number, number>();
  /** Until the first probe has ended, or the first change came, nobody is known to work: nobody is waited for. */
  private isNew = true;
  private events: HealthEvent[] = [];
  private sparedUntil = -1;
  private readonly quorum = new Quorum();
  /** Backup servers stand in for all others. */
  private isStoodIn = false;

  /** `recall`: what a predecessor has found out. */
  constructor(options: UpstreamHealthOptions, prng: Prng, recall: Recall = () => undefined) {
    this.options = options;
    this.prng = prng;
    this.recall = recall;
    this.setServers(options.servers, () => null);
  }

  // --- in ---

  /**
   * Goes on by other options. A server that was there keeps its addresses and all that is known of them; a new one needs
   * `handleAddresses`. `isCheckNew`: the check of this server, by its index, asks for something else than before.
   */
  apply(now: number, options: UpstreamHealthOptions, isCheckNew: (server: number) => boolean): void {
    const former = new Map(
      this.options.servers.map((server, i) => [server.firstSlot, { server, at: this.endpoints[i] }]),
    );
    this.options = options;
    this.isNew = false;
    const enabled: (EndpointHealth | null)[] = [];
    this.setServers(options.servers, ({ firstSlot, epoch, state }) => {
      const known = former.get(firstSlot);
      if (known?.server.epoch !== epoch) return null;
      if (known.server.state === 'disabled' && state !== 'disabled') enabled.push(...known.at);
      return known.at;
    });
    this.forEach((endpoint, server) => endpoint.apply(now, this.optionsOf(server), isCheckNew(server)));
    for (const endpoint of enabled) endpoint?.beginSlowStart(now);
    this.readmitIfNoneIsUsable(now);
  }

  /** What a server's name resolves to now, or its fixed address. An empty answer changes nothing. */
  handleAddresses(now: number, server: number, addresses: readonly FoundAddress[]): void {
    const endpoints = this.endpoints[server];
    this.heedRecords(endpoints, addresses);
    const change = assignAddresses(
      endpoints.map((endpoint) => endpoint?.address ?? null),
      addresses,
    );
    if (change === null) return;
    const first = !this.isNew && this.usableCount() > 0 ? 'awaited' : 'assumed';
    change.slots.forEach((address, i) => {
      if (address === endpoints[i]?.address) return;
      endpoints[i] = address === null ? null : this.begin(now, server, address, first);
    });
    for (const address of change.added) this.tell('added', server, address, '');
    for (const address of change.removed) this.tell('removed', server, address, '');
    if (change.surplus > 0) this.tell('surplus', server, null, `${change.surplus}`);
    this.readmitIfNoneIsUsable(now);
  }

  /** A probe ended. `reason` says why it failed or could not be made, or what it saw; `weight` what it says of that, or null. */
  handleProbeResult(
    now: number,
    probe: Probe,
    isPassed: ProbeVerdict,
    reason: string,
    weight: number | null = null,
  ): void {
    const endpoint = this.endpointAt(probe.slot);
    // The name may have got another address since.
    if (endpoint === null || endpoint.address !== probe.address) return;
    this.isNew = false;
    const effect = endpoint.handleProbeResult(now, isPassed, reason, this.prng, weight);
    if (effect === 'none') return;
    const server = this.serverOfSlot.get(probe.slot)!;
    if (effect === 'other-reason') return this.tell('still-down', server, probe.address, reason);
    this.tell(isPassed === true ? 'up' : 'down', server, probe.address, endpoint.account(now).reason);
    if (isPassed !== true) this.readmitIfNoneIsUsable(now);
  }

  /** Real traffic met `count` failures at the server of this place. What concerns a former one of its slot is dropped. */
  handleFailures(now: number, { slot, epoch }: Place, count: number, reason: string): void {
    const server = this.serverOfSlot.get(slot);
    if (server === undefined || this.options.servers[server].epoch !== epoch) return;
    const endpoint = this.endpointAt(slot);
    if (endpoint === null || !endpoint.handleFailures(now, count, reason)) return;
    const { failures, withinMs, ejectMs } = this.optionsOf(server).passive!;
    const what = `${failures} failures within ${seconds(withinMs)}, last: ${reason}`;
    if (this.usableCount(endpoint) > 0) {
      endpoint.eject(now, what);
      this.tell('ejected', server, endpoint.address, `for ${seconds(ejectMs)}: ${what}`);
    } else if (now >= this.sparedUntil) {
      this.sparedUntil = now + ejectMs;
      this.tell('spared', server, endpoint.address, what);
    }
  }

  /** Time passed. Harmless when nothing is due. */
  handleTimer(now: number): void {
    this.forEach((endpoint, server) => {
      if (endpoint.handleTimer(now)) this.tell('readmitted', server, endpoint.address, EJECTION_OVER);
    });
  }

  // --- out ---

  /** When `handleTimer` should be called, or `nextProbe` has one, next. Infinity: when something else happens. */
  nextDeadline(now: number): number {
    let deadline = Infinity;
    this.forEach((endpoint) => {
      deadline = Math.min(deadline, endpoint.nextDeadline(now));
    });
    return deadline;
  }

  /** A probe that should be made now; the caller answers each with `handleProbeResult`. Null: none is due. */
  nextProbe(now: number): Probe | null {
    for (let server = 0; server < this.endpoints.length; server++) {
      for (let i = 0; i < this.endpoints[server].length; i++) {
        const endpoint = this.endpoints[server][i];
        if (endpoint === null || !endpoint.isProbeDue(now)) continue;
        endpoint.handleProbeStart(now);
        return { server, slot: this.options.servers[server].firstSlot + i, address: endpoint.address };
      }
    }
    return null;
  }

  /** The slot's entry in the server table. */
  readSlot(now: number, slot: number, into: ServerSlot): void {
    const endpoint = this.endpointAt(slot);
    into.address.fill(0);
    if (endpoint === null) {
      into.state = SERVER_EMPTY;
      into.weight = 0;
      into.family = 0;
      into.port = 0;
      into.isBackup = false;
      return;
    }
    const server = this.options.servers[this.serverOfSlot.get(slot)!];
    const weight = weightOf(endpoint, server);
    into.isBackup = isBackup(endpoint, server);
    into.state = this.isStoodIn && !into.isBackup ? SERVER_DOWN : stateOnBoard({ ...server, weight }, endpoint.state);
    into.weight = weight === 0 ? 0 : Math.max(1, Math.round(weight * WEIGHT_UNIT * endpoint.share(now)));
    into.family = endpoint.address.family;
    into.port = endpoint.address.port;
    into.address.set(addressBytes(endpoint.address));
  }

  // --- the quorum ---

  /** To be called after anything has happened. */
  judgeQuorum(): void {
    const { quorum } = this.options;
    if (quorum !== null) this.quorum.judge(this.weightUp, quorum);
    this.isStoodIn = quorum !== null && !this.quorum.isMet && this.hasUsableBackup;
  }

  /** It was there before, as a predecessor knew: it takes more to lose it than to lack it. */
  assumeQuorum(): void {
    this.quorum.isMet = true;
  }

  get hasQuorum(): boolean {
    return this.quorum.isMet;
  }

  /** The weights of the servers that take clients, backups aside. */
  get weightUp(): number {
    let sum = 0;
    this.forEach((endpoint, server) => {
      const options = this.options.servers[server];
      if (!isBackup(endpoint, options) && this.isUsable(endpoint, options)) sum += weightOf(endpoint, options);
    });
    return sum;
  }

  private get hasUsableBackup(): boolean {
    let hasBackup = false;
    this.forEach((endpoint, server) => {
      const options = this.options.servers[server];
      if (isBackup(endpoint, options) && this.isUsable(endpoint, options)) hasBackup = true;
    });
    return hasBackup;
  }

  // --- what is known ---

  /** What is known of the server in this slot; null: the slot is empty. */
  accountOf(now: number, slot: number): ServerAccount | null {
    const endpoint = this.endpointAt(slot);
    if (endpoint === null) return null;
    const server = this.options.servers[this.serverOfSlot.get(slot)!];
    return {
      ...endpoint.account(now),
      address: endpoint.address,
      weight: weightOf(endpoint, server),
      isBackup: isBackup(endpoint, server),
    };
  }

  /** Of the server in this slot, for a successor; null: the slot is empty. */
  memoryOf(now: number, slot: number): { readonly address: Address; readonly memory: EndpointMemory } | null {
    const endpoint = this.endpointAt(slot);
    return endpoint === null ? null : { address: endpoint.address, memory: endpoint.memory(now) };
  }

  /** What happened since the last call, for the log. */
  takeEvents(): readonly HealthEvent[] {
    const { events } = this;
    this.events = [];
    return events;
  }

  // --- inside ---

  /** What holds for one server. */
  private optionsOf(server: number): HealthOptions {
    const { passive, health } = this.options.servers[server];
    if (passive === null && health === null) return this.options;
    return { ...this.options, passive: passive ?? this.options.passive, active: health ?? this.options.active };
  }

  private heedRecords(endpoints: readonly (EndpointHealth | null)[], addresses: readonly FoundAddress[]): void {
    const records = new Map(addresses.map((address) => [addressText(address), address.record]));
    for (const endpoint of endpoints) {
      const record = endpoint === null ? undefined : records.get(addressText(endpoint.address));
      if (endpoint !== null && record !== undefined) endpoint.record = record;
    }
  }

  private begin(now: number, server: number, address: FoundAddress, first: 'assumed' | 'awaited'): EndpointHealth {
    const options = this.optionsOf(server);
    const endpoint = new EndpointHealth(address, options, now, options.active?.initial === 'down' ? 'awaited' : first);
    endpoint.record = address.record ?? null;
    const memory = this.recall(server, address);
    if (memory === undefined) return endpoint;
    endpoint.recall(now, memory);
    if (memory.lastProbe !== null) this.isNew = false;
    return endpoint;
  }

  private readmitIfNoneIsUsable(now: number): void {
    if (this.usableCount() > 0) return;
    const reason = 'no other server is left';
    this.forEach((endpoint, server) => {
      if (!takesClients(this.options.servers[server])) return;
      if (endpoint.assume(now, reason)) this.tell('assumed', server, endpoint.address, reason);
      if (!endpoint.isEjected || endpoint.isDown) return;
      endpoint.readmit(now, reason);
      this.tell('readmitted', server, endpoint.address, reason);
    });
  }

  private setServers(
    servers: readonly ServerOptions[],
    knownOf: (server: ServerOptions) => (EndpointHealth | null)[] | null,
  ): void {
    this.endpoints = servers.map(
      (server) => knownOf(server) ?? new Array<EndpointHealth | null>(server.slotCount).fill(null),
    );
    this.serverOfSlot.clear();
    servers.forEach(({ firstSlot, slotCount }, index) => {
      for (let i = 0; i < slotCount; i++) this.serverOfSlot.set(firstSlot + i, index);
    });
  }

  /** How many take new clients, `besides` this one. */
  private usableCount(besides: EndpointHealth | null = null): number {
    let count = 0;
    this.forEach((endpoint, server) => {
      if (this.isUsable(endpoint, this.options.servers[server]) && endpoint !== besides) count++;
    });
    return count;
  }

  private isUsable(endpoint: EndpointHealth, server: ServerOptions): boolean {
    if (endpoint.isDown || endpoint.isEjected) return false;
    return takesClients({ state: server.state, weight: weightOf(endpoint, server) });
  }

  private endpointAt(slot: number): EndpointHealth | null {
    const server = this.serverOfSlot.get(slot);
    return server === undefined ? null : this.endpoints[server][slot - this.options.servers[server].firstSlot];
  }

  private forEach(visit: (endpoint: EndpointHealth, server: number) => void): void {
    this.endpoints.forEach((endpoints, server) => {
      for (const endpoint of endpoints) if (endpoint !== null) visit(endpoint, server);
    });
  }

  private tell(kind: HealthEvent['kind'], server: number, address: Address | null, reason: string): void {
    this.events.push({ kind, server, address, reason });
  }
}

const WEIGHT_MAX = 256;

/** Its last probe goes before what the plan, and its record, say. */
function weightOf({ weight, record }: EndpointHealth, server: Pick<ServerOptions, 'weight'>): number {
  return weight ?? Math.min(WEIGHT_MAX, server.weight * (record?.weight ?? 1));
}

function isBackup({ record }: EndpointHealth, { backup }: Pick<ServerOptions, 'backup'>): boolean {
  return backup || record?.isBackup === true;
}

function takesClients({ state, weight }: Pick<ServerOptions, 'state' | 'weight'>): boolean {
  return state === 'enabled' && weight > 0;
}

/** What an operator says comes before what was found out, but for what is down: nobody can be sent there. */
export function stateOnBoard(server: Pick<ServerOptions, 'state' | 'weight'>, found: ServerState): ServerState {
  if (server.state === 'disabled') return SERVER_DOWN;
  return found === SERVER_UP && !takesClients(server) ? SERVER_DRAINING : found;
}

function seconds(ms: number): string {
  return `${ms / 1000} s`;
}

/** How people and logs name a server: as configured, and where a name has several addresses, which one. */
export function serverText(upstream: string, server: string, address: Address | null): string {
  const place = address === null ? '' : addressText(address);
  return place === '' || place === server ? `${upstream}/${server}` : `${upstream}/${server} (${place})`;
}
