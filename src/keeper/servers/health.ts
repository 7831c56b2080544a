/**
 * What is known of every server, why, and since when: feeds the health machines with addresses, probe results, failures of
 * real traffic and the time, and makes the probes they ask for. It decides nothing itself. The status board has what proxies
 * need of it, the log what changed; who wants to know why asks here.
 */
import { type Address, addressText } from '../../base/address.ts';
import { type Board, emptySlot, SERVER_EJECTED, SERVER_EMPTY, SERVER_UP, type ServerSlot } from '../../base/board.ts';
import type { Prng } from '../../base/prng.ts';
import { type AdminState, type ServerPlan, type UpstreamPlan } from '../../config/plan/upstream.ts';
import { healthOf } from '../../config/plan/upstream.ts';
import { type HealthPlan } from '../../config/plan/health.ts';
import { type Plan } from '../../config/plan/plan.ts';
import type { EndpointMemory } from '../../core/health/endpoint-health.ts';
import {
  type HealthEvent,
  type Probe,
  type Recall,
  type ServerAccount,
  serverText,
  UpstreamHealth,
  type UpstreamHealthOptions,
} from '../../core/health/upstream-health.ts';
import { askedFor, askedText, type AskedName } from '../../core/asked-name.ts';
import type { Place } from '../../core/slots.ts';
import { identityOf, type ServerIdentity } from '../../core/tls/server-identity.ts';
import type { ServerMemory } from '../generations/inheritance.ts';
import type { Log } from '../log/log.ts';
import type { NameAnswer } from './names.ts';
import { type ProbeResult, REASON_NO_PORT } from './probe.ts';
import type { ServerPrograms, Subject } from './server-programs.ts';
import { type Recurring, RecurringLog } from '../log/recurring-log.ts';

/** `sources`: what the probe comes from; none: any. `identity`: with TLS, who the server has to be. */
export type MakeProbe = (
  health: HealthPlan,
  address: Address,
  serverName: string,
  sources?: readonly Address[],
  identity?: ServerIdentity | null,
) => Promise<ProbeResult>;

export interface HealthRegistryOptions {
  readonly board: Board;
  readonly prng: Prng;
  readonly log: Log;
  readonly makeProbe: MakeProbe;
  readonly programs: Pick<ServerPrograms, 'tell'>;
  /** The server table may have changed, or what is behind it. */
  readonly onSettled: () => void;
  /** A probe of the server in this slot found no local port. */
  readonly onNoPort: (slot: number) => void;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  /** What a predecessor has found out. */
  readonly memories?: readonly ServerMemory[];
}

/** Probes on their way at the same time, besides programs; more would be a burst of descriptors and no faster answer. */
const PROBES_MAX = 256;
/** In one line of the log. */
const NAMES_SHOWN = 8;
/** setTimeout's bound; a deadline that is further away is looked at again then. */
const SLEEP_MS_MAX = 60_000;

interface Upstream {
  plan: UpstreamPlan;
  readonly health: UpstreamHealth;
  /** No server takes new clients. */
  isOut: boolean;
  /** The plan has left it so, which is not in the log yet. */
  isIdled: boolean;
  /** What was told last: that its quorum is there, or not. */
  toldQuorum: boolean;
  /** So often one of its servers was ejected. */
  ejections: number;
}

/** One address of a configured server, or the server itself while its name has none. */
export interface ServerHealth {
  /** Of the server table. */
  readonly slot: number;
  readonly address: Address | null;
  /** Null: no address. */
  readonly account: ServerAccount | null;
}

export class HealthRegistry {
  private readonly options: HealthRegistryOptions;
  private upstreams: readonly Upstream[] = [];
  private upstreamOfSlot = new Map<number, Upstream>();
  private readonly recurring: RecurringLog;
  /** Of a predecessor, until it is recalled. */
  private readonly memoryOf: Map<string, EndpointMemory>;
  private readonly onBoard = emptySlot();
  private readonly wanted = emptySlot();
  private probesUnderway = 0;
  private timer: NodeJS.Timeout | undefined;
  private isStarted = false;
  private isStopped = false;
  /** What was up has been told to stop, and nothing is told any more. */
  private isOver = false;

  constructor(options: HealthRegistryOptions) {
    this.options = options;
    this.recurring = new RecurringLog(options.log, options.now);
    this.memoryOf = new Map(
      options.memories?.map(({ upstream, server, address, memory }) => [memoryKey(upstream, server, address), memory]),
    );
  }

  /**
   * Goes on by this plan. What is known of a server that an earlier plan had stays known. Servers with fixed addresses are on
   * the board when this returns; those with names follow with `handleName`.
   */
  apply(plan: Plan): void {
    const now = this.options.now();
    const former = new Map(this.upstreams.map((upstream) => [upstream.plan.name, upstream]));
    this.upstreams = plan.upstreams.map((upstreamPlan) => {
      const known = former.get(upstreamPlan.name);
      if (known === undefined) {
        const { name } = upstreamPlan;
        const health = new UpstreamHealth(optionsOf(upstreamPlan), this.options.prng, this.recallOf(name));
        // a predecessor has told it
        const isInherited = this.options.memories?.some(({ upstream }) => upstream === name) === true;
        if (isInherited) health.assumeQuorum();
        return { plan: upstreamPlan, health, isOut: false, isIdled: false, toldQuorum: isInherited, ejections: 0 };
      }
      known.health.apply(now, optionsOf(upstreamPlan), newChecks(known.plan, upstreamPlan));
      known.plan = upstreamPlan;
      return known;
    });
    this.upstreamOfSlot = new Map();
    for (const upstream of this.upstreams) {
      upstream.plan.servers.forEach((server, index) => {
        for (let i = 0; i < server.slotCount; i++) this.upstreamOfSlot.set(server.firstSlot + i, upstream);
        if (!('hostname' in server.target)) upstream.health.handleAddresses(now, index, [server.target]);
      });
      upstream.health.judgeQuorum();
      this.write(upstream);
      // That a server has the address that the file says is no news.
      const events = upstream.health.takeEvents().filter(({ kind }) => kind !== 'added');
      for (const event of events) this.tell(upstream, event);
      this.tellOutage(upstream, true);
      this.tellQuorum(upstream);
    }
    if (this.isStarted) this.pump();
  }

  /** Of the upstream with this index. */
  ejectionsOf(index: number): number {
    return this.upstreams[index].ejections;
  }

  /** What the predecessor has counted. */
  recallEjections(counts: readonly { readonly upstream: string; readonly ejections: number }[]): void {
    for (const { upstream: name, ejections } of counts) {
      const known = this.upstreams.find(({ plan }) => plan.name === name);
      if (known !== undefined) known.ejections += ejections;
    }
  }

  /** Begins with the probes. */
  start(): void {
    this.isStarted = true;
    for (const upstream of this.upstreams) this.tellQuorum(upstream);
    this.pump();
  }

  /** Programs are run that were to be when evenkeel stops, and none after. */
  tellStop(): void {
    for (const upstream of this.upstreams) {
      const { plan, health } = upstream;
      for (const server of plan.servers) {
        for (const { address, account } of this.accountsOf(upstream, server)) {
          if (account.state !== 'down') this.tellServer(upstream, server, address, 'stop', 'evenkeel stops');
        }
      }
      if (health.hasQuorum) this.tellUpstream(upstream, 'stop', 'evenkeel stops');
    }
    this.isOver = true;
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
    this.recurring.stop();
  }

  /**
   * Upstreams of which the plan has taken out the last server that could take clients, each once: for whoever has it applied to
   * tell, behind what was ordered.
   */
  takeIdled(): readonly string[] {
    const idled = this.upstreams.filter(({ isIdled }) => isIdled);
    for (const upstream of idled) upstream.isIdled = false;
    return idled.map((upstream) => this.outageText(upstream));
  }

  /** The names that servers are given by, by their text. */
  names(): ReadonlyMap<string, AskedName> {
    const names = new Map<string, AskedName>();
    for (const { plan } of this.upstreams) {
      if (plan.serverBy !== null) continue;
      for (const server of plan.servers) {
        const asked = askedFor(server, plan);
        if (asked !== null) names.set(askedText(asked), asked);
      }
    }
    return names;
  }

  /** What is known of each server of an upstream now: as many entries as it has addresses, but at least one. */
  serversOf(upstreamIndex: number): readonly (readonly ServerHealth[])[] {
    const upstream = this.upstreams[upstreamIndex];
    return upstream.plan.servers.map((server) => {
      const known = this.accountsOf(upstream, server);
      return known.length > 0 ? known : [{ slot: server.firstSlot, address: null, account: null }];
    });
  }

  /** The server in this slot is checked, and no check has ended yet: how it is is assumed. */
  isAssumed(slot: number): boolean {
    const upstream = this.upstreamOfSlot.get(slot);
    const server = upstream?.plan.servers.find(({ firstSlot, slotCount }) => {
      return slot >= firstSlot && slot < firstSlot + slotCount;
    });
    if (upstream === undefined || server === undefined || healthOf(upstream.plan, server) === null) return false;
    return upstream.health.accountOf(this.options.now(), slot)?.state === 'unchecked';
  }

  /** Whether enough of an upstream is up now, and how much is. Null: it has no quorum. */
  quorumOf(upstreamIndex: number): { readonly isMet: boolean; readonly weightUp: number } | null {
    const { plan, health } = this.upstreams[upstreamIndex];
    return plan.quorum === null ? null : { isMet: health.hasQuorum, weightUp: health.weightUp };
  }

  /** Everything that is known, for a successor. */
  memories(): readonly ServerMemory[] {
    const now = this.options.now();
    return this.upstreams.flatMap(({ plan, health }) =>
      plan.servers.flatMap(({ name, firstSlot, slotCount }) =>
        Array.from({ length: slotCount }, (_, i) => health.memoryOf(now, firstSlot + i)).flatMap((known) =>
          known === null
            ? []
            : [{ upstream: plan.name, server: name, address: addressText(known.address), memory: known.memory }],
        ),
      ),
    );
  }

  /** `name`: its text. */
  handleName(name: string, answer: NameAnswer): void {
    for (const upstream of this.upstreams) {
      const { serverBy, servers } = upstream.plan;
      if (serverBy !== null) continue;
      servers.forEach((server, index) => {
        const asked = askedFor(server, upstream.plan);
        if (asked === null || askedText(asked) !== name) return;
        const addresses = answer.addresses.map((address) => ({ port: server.target.port, ...address }));
        upstream.health.handleAddresses(this.options.now(), index, addresses);
      });
      this.settle(upstream);
    }
    this.pump();
  }

  /** A proxy met failures of real traffic, at the server that has this place, or had it before. */
  handleServerFailed(place: Place, count: number, reason: string): void {
    const upstream = this.upstreamOfSlot.get(place.slot);
    if (upstream === undefined) return;
    upstream.health.handleFailures(this.options.now(), place, count, reason);
    this.settle(upstream);
    this.pump();
  }

  // --- inside ---

  /** Once each: what comes to that address later is another one. */
  private recallOf(name: string): Recall {
    return (server, address) => {
      if (this.memoryOf.size === 0) return undefined;
      const { plan } = this.upstreams.find((upstream) => upstream.plan.name === name)!;
      const key = memoryKey(name, plan.servers[server].name, addressText(address));
      const memory = this.memoryOf.get(key);
      this.memoryOf.delete(key);
      return memory;
    };
  }

  /** Does what is due, and sleeps until more is. */
  private pump(): void {
    if (this.isStopped) return;
    clearTimeout(this.timer);
    const now = this.options.now();
    let deadline = Infinity;
    for (const upstream of this.upstreams) {
      if (upstream.health.nextDeadline(now) <= now) {
        upstream.health.handleTimer(now);
        this.beginProbes(upstream, now);
        this.settle(upstream);
      }
      deadline = Math.min(deadline, upstream.health.nextDeadline(now));
    }
    // Probes that had to wait are due already: the end of another one calls again.
    if (deadline <= now && this.probesUnderway >= PROBES_MAX) return;
    if (deadline === Infinity) return;
    this.timer = setTimeout(() => this.pump(), Math.min(SLEEP_MS_MAX, Math.max(1, Math.ceil(deadline - now))));
  }

  private beginProbes(upstream: Upstream, now: number): void {
    while (this.probesUnderway < PROBES_MAX) {
      const probe = upstream.health.nextProbe(now);
      if (probe === null) return;
      void this.runProbe(upstream, probe);
    }
  }

  private async runProbe(upstream: Upstream, probe: Probe): Promise<void> {
    const { servers, sources } = upstream.plan;
    const server = servers[probe.server];
    const health = healthOf(upstream.plan, server)!;
    const places = health.probe.kind === 'run' ? 0 : 1;
    this.probesUnderway += places;
    const { name, service, target } = server;
    const serverName = service !== undefined && 'hostname' in target ? target.hostname : name.replace(/#[0-9]+$/, '');
    const identity = health.tls === null ? null : identityOf(health.tls, server);
    const result = await this.options.makeProbe(health, probe.address, serverName, sources, identity);
    const { isPassed, reason, weight = null } = result;
    this.probesUnderway -= places;
    if (this.isStopped) return;
    if (isPassed === null) {
      if (reason === REASON_NO_PORT) this.options.onNoPort(probe.slot);
      const text = serverText(upstream.plan.name, serverName, probe.address);
      this.recurring.handle(reason, shortage(text, reason), 1, '');
    }
    upstream.health.handleProbeResult(this.options.now(), probe, isPassed, reason, weight);
    this.settle(upstream);
    this.pump();
  }

  /** After anything happened to an upstream: the board, the kernel and the log say so, in this order. */
  private settle(upstream: Upstream): void {
    upstream.health.judgeQuorum();
    this.write(upstream);
    this.options.onSettled();
    for (const event of upstream.health.takeEvents()) this.tell(upstream, event);
    this.tellOutage(upstream, false);
    this.tellQuorum(upstream);
  }

  /** One server less is a warning; the last one is an error, unless somebody has taken it out. */
  private tellOutage(upstream: Upstream, isByPlan: boolean): void {
    const states = upstream.plan.servers.flatMap((server) => this.statesOf(server));
    const isOut = !states.includes(SERVER_UP) && states.some((state) => state !== SERVER_EMPTY);
    if (isOut === upstream.isOut) return;
    upstream.isOut = isOut;
    if (isOut && isByPlan && this.hasTakenOut(upstream)) upstream.isIdled = true;
    else if (isOut) this.options.log.error(this.outageText(upstream));
    else if (upstream.isIdled) upstream.isIdled = false;
    else this.options.log.info(`upstream ${upstream.plan.name}: a server takes clients again`);
  }

  private outageText(upstream: Upstream): string {
    const { name, servers } = upstream.plan;
    if (!this.hasTakenOut(upstream)) return `upstream ${name}: no server is up`;
    const shown = servers.slice(0, NAMES_SHOWN).map((server) => `${server.name} ${this.obstacleOf(server)}`);
    const rest = servers.length > shown.length ? `, and ${servers.length - shown.length} more` : '';
    return `upstream ${name}: no server takes new clients any more: ${shown.join(', ')}${rest}`;
  }

  /** Whether there is one that could take clients, and may not. */
  private hasTakenOut({ plan, health }: Upstream): boolean {
    const now = this.options.now();
    return plan.servers.some(({ state, weight, firstSlot, slotCount }) => {
      if (state === 'enabled' && weight > 0) return false;
      const found = new Set(Array.from({ length: slotCount }, (_, i) => health.accountOf(now, firstSlot + i)?.state));
      return found.has('up') || found.has('unchecked');
    });
  }

  /** Why it gets no new clients: `is drained`. */
  private obstacleOf(server: ServerPlan): string {
    if (server.state !== 'enabled') return server.state === 'drain' ? 'is drained' : 'is disabled';
    if (server.weight === 0) return 'has weight 0';
    const states = this.statesOf(server);
    if (states.includes(SERVER_EJECTED)) return 'is ejected';
    return states.every((state) => state === SERVER_EMPTY) ? 'has no address' : 'is down';
  }

  private statesOf({ firstSlot, slotCount }: ServerPlan): readonly number[] {
    return Array.from({ length: slotCount }, (_, i) => {
      this.options.board.readServer(firstSlot + i, this.onBoard);
      return this.onBoard.state;
    });
  }

  private write(upstream: Upstream): void {
    const now = this.options.now();
    const { board } = this.options;
    const changed: number[] = [];
    for (const { firstSlot, slotCount } of upstream.plan.servers) {
      for (let slot = firstSlot; slot < firstSlot + slotCount; slot++) {
        upstream.health.readSlot(now, slot, this.wanted);
        // Nobody else writes the table, so reading it needs no care.
        board.readServer(slot, this.onBoard);
        if (!isSame(this.wanted, this.onBoard)) changed.push(slot);
      }
    }
    if (changed.length === 0) return;
    board.update((set) => {
      for (const slot of changed) {
        upstream.health.readSlot(now, slot, this.wanted);
        set(slot, this.wanted);
      }
    });
  }

  /** Not before checks begin. */
  private tellQuorum(upstream: Upstream): void {
    const { plan, health } = upstream;
    if (plan.quorum === null) upstream.toldQuorum = false;
    if (plan.quorum === null || !this.isStarted || health.hasQuorum === upstream.toldQuorum) return;
    upstream.toldQuorum = health.hasQuorum;
    const { weight } = plan.quorum;
    const isLost = !health.hasQuorum;
    const reason = `servers of weight ${health.weightUp} are up, and its quorum is ${weight}`;
    const rest = isLost && plan.servers.some(({ backup }) => backup) ? ': backup servers take its clients' : '';
    if (isLost) this.options.log.warn(`upstream ${plan.name} has lost its quorum: ${reason}${rest}`);
    else this.options.log.info(`upstream ${plan.name} has its quorum: ${reason}`);
    this.tellUpstream(upstream, isLost ? 'down' : 'up', reason);
  }

  private tellUpstream({ plan: { name, quorum } }: Upstream, state: 'up' | 'down' | 'stop', reason: string): void {
    const environment = { EVENKEEL_UPSTREAM: name };
    this.run({ name: `upstream ${name}`, programs: quorum?.programs ?? null, environment }, state, reason);
  }

  private tellServer(
    { plan: { name: upstream } }: Upstream,
    { name: server, notify: programs }: ServerPlan,
    address: Address,
    state: 'up' | 'down' | 'stop',
    reason: string,
  ): void {
    const environment = {
      EVENKEEL_UPSTREAM: upstream,
      EVENKEEL_SERVER: server,
      EVENKEEL_ADDRESS: addressText(address),
    };
    this.run({ name: `server ${serverText(upstream, server, address)}`, programs, environment }, state, reason);
  }

  private run(subject: Subject, state: 'up' | 'down' | 'stop', reason: string): void {
    if (!this.isOver) this.options.programs.tell(subject, state, reason);
  }

  private accountsOf(
    { health }: Upstream,
    { firstSlot, slotCount }: ServerPlan,
  ): (ServerHealth & { readonly address: Address; readonly account: ServerAccount })[] {
    const now = this.options.now();
    return Array.from({ length: slotCount }, (_, i) => firstSlot + i).flatMap((slot) => {
      const account = health.accountOf(now, slot);
      return account === null ? [] : [{ slot, address: account.address, account }];
    });
  }

  private tell(upstream: Upstream, event: HealthEvent): void {
    const { kind, address, reason } = event;
    if (kind === 'ejected') upstream.ejections++;
    if ((kind === 'up' || kind === 'down') && address !== null)
      this.tellServer(upstream, upstream.plan.servers[event.server], address, kind, reason);
    this.log(upstream, event);
  }

  private log(upstream: Upstream, event: HealthEvent): void {
    const { log } = this.options;
    const { name, state } = upstream.plan.servers[event.server];
    const server = serverText(upstream.plan.name, name, event.address);
    switch (event.kind) {
      case 'down':
        // Nobody is missing it.
        if (state === 'disabled') return log.info(`server ${server}, which is disabled, down: ${event.reason}`);
        return log.warn(`server ${server} down: ${event.reason}`);
      case 'still-down':
        return this.recurring.handle(`${server} ${event.reason}`, stillDown(server, state, event.reason), 1, '');
      case 'up':
        return log.info(`server ${server} up: ${event.reason}`);
      case 'ejected':
        return log.warn(`server ${server} ejected ${event.reason}`);
      case 'readmitted':
        return log.info(`server ${server} takes requests again: ${event.reason}`);
      case 'assumed':
        return log.info(`server ${server} takes requests before its first check: ${event.reason}`);
      case 'spared':
        return log.warn(`server ${server} fails but is the last one and stays: ${event.reason}`);
      case 'added':
        return log.info(`server ${server} has an address`);
      case 'removed':
        return log.info(`server ${server} is gone from its name's addresses`);
      case 'surplus':
        return log.warn(`server ${server}: ${event.reason} more addresses than can be used`);
    }
  }
}

/** Checks that this machine could not make: one line for all servers, whom it says nothing of. */
function shortage(server: string, reason: string): Recurring {
  return {
    level: 'warn',
    text: (count, within) =>
      within === ''
        ? `server ${server} could not be checked and keeps its state: ${reason}`
        : `${count} health checks${within} could not be made, and servers keep their states: ${reason}`,
    details: { reason: 'check-impossible' },
  };
}

/** Its checks fail for another reason than before; one that changes to and fro is told of once a minute for each. */
function stillDown(server: string, state: AdminState, reason: string): Recurring {
  return {
    level: state === 'disabled' ? 'info' : 'warn',
    text: (count, within) => {
      const often = within === '' ? '' : ` (${count} times${within})`;
      return `server ${server} still down, now for another reason: ${reason}${often}`;
    },
    details: { reason: 'still-down' },
  };
}

function memoryKey(upstream: string, server: string, address: string): string {
  return `${upstream}/${server} ${address}`;
}

function optionsOf({ servers, health, quorum, passive, slowStartMs }: UpstreamPlan): UpstreamHealthOptions {
  return { servers, active: health, quorum, passive, slowStartMs };
}

function askedOf(upstream: UpstreamPlan, server: ServerPlan): string {
  return JSON.stringify(healthOf(upstream, server));
}

/** Whether a server, by its index in `to`, is asked for something else than whoever had its slots in `from`. */
function newChecks(from: UpstreamPlan, to: UpstreamPlan): (server: number) => boolean {
  const former = new Map(from.servers.map((server) => [server.firstSlot, askedOf(from, server)]));
  return (index) => former.get(to.servers[index].firstSlot) !== askedOf(to, to.servers[index]);
}

function isSame(a: ServerSlot, b: ServerSlot): boolean {
  return (
    a.state === b.state &&
    a.weight === b.weight &&
    a.family === b.family &&
    a.port === b.port &&
    a.isBackup === b.isBackup &&
    a.address.every((byte, i) => byte === b.address[i])
  );
}
