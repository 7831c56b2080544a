/**
 * The control plane of one running load balancer: opens the listening sockets and the status board, starts the proxies and
 * keeps them alive, and keeps the server table true. Nothing of it is on a request's way; while it is busy, the
 * proxies serve on with what they know.
 */
import { setImmediate } from 'node:timers/promises';
import type { OverrideView } from '../api/data-plane.ts';
import type { GenerationsView } from '../api/generations.ts';
import type { DataPlaneStatus } from '../api/status.ts';
import type { Board } from '../base/board.ts';
import { SERVER_SLOTS_MAX } from '../base/limits.ts';
import { Prng } from '../base/prng.ts';
import { routeUnits } from '../base/traffic-cells.ts';
import type { ListenerPlan } from '../config/plan/listener.ts';
import type { Plan } from '../config/plan/plan.ts';
import type { ServerPlan } from '../config/plan/upstream.ts';
import { type Placed, placePlan, Places } from '../core/place.ts';
import type { SlotRange } from '../core/slots.ts';
import type { ProxyEvent } from '../port/control.ts';
import type { FindUser, Host, ProcessUser } from '../port/host.ts';
import { NO_MATERIAL, type TlsMaterial } from '../port/tls.ts';
import { ApplyError, PlanRefusal } from './apply-error.ts';
import type { Inheritance } from './generations/inheritance.ts';
import { DescriptorWarning } from './proxies/descriptor-warning.ts';
import { FailedRequests } from './api/failed-requests.ts';
import { GenerationTimes, generationsView } from './api/generations.ts';
import { NO_TABLES, type PlanFiles, PlanFileWriter, type SharedTables } from './proxies/plan-files.ts';
import type { ProxyTitles } from './proxies/proxy-arguments.ts';
import { ProxyStarter } from './proxies/proxy-starter.ts';
import { LISTENER_SLOTS, SharedBoard } from './proxies/shared-board.ts';
import { TicketSecretsInUse } from './proxies/ticket-keys.ts';
import { credentialServer, fileServer } from './own-servers/own-servers.ts';
import type { OwnServer } from './own-servers/own-server.ts';
import { KernelForwarding } from './forwarding/kernel-forwarding.ts';
import { type CountMemory, FormerCounts } from './generations/former-counts.ts';
import { CommandUsers } from './ha/command-user.ts';
import { runCommand } from './ha/command.ts';
import { HealthRegistry } from './servers/health.ts';
import { ProgramChecks } from './servers/program-checks.ts';
import { ServerPrograms } from './servers/server-programs.ts';
import {
  bindText,
  describeOpen,
  isClosed,
  ListenerStore,
  type OpenListener,
  type PreparedListeners,
} from './proxies/listeners.ts';
import type { Log } from './log/log.ts';
import { logProxyState } from './log/proxy-state.ts';
import { ServerChecks } from './servers/server-checks.ts';
import { ServerNames } from './servers/server-names.ts';
import { WantedNames } from './servers/wanted-names.ts';
import { PortRelief } from './servers/port-relief.ts';
import { StartError } from './start-error.ts';
import { SessionMoves } from './proxies/session-moves.ts';
import type { StrayProxies } from './proxies/stray-proxies.ts';
import { type BeatAges, type DataPlaneFacts, dataPlaneStatus } from './api/status.ts';
import { proxyCount, Supervisor } from './proxies/supervisor.ts';
import { TrafficLog } from './log/traffic-log.ts';
import { type TrafficMemory, TrafficTotals } from './traffic/totals.ts';

export interface KeeperOptions {
  /** The most proxies that a plan may have. */
  readonly workersMax: number;
  readonly host: Host;
  readonly log: Log;
  /** The user that the proxies run as. Null: that of this process. */
  readonly user: ProcessUser | null;
  /** The program and its arguments that are a proxy; the one of proxy-arguments.ts follows as the last one. */
  readonly proxyCommand: readonly [program: string, ...args: string[]];
  /** A first plan of which a listener cannot be opened is not applied, like any later one. */
  readonly startsWhole?: boolean;
  /** The program and its arguments that becomes a process which proxies ask; what it is to be follows. */
  readonly ownServerCommand: readonly [program: string, ...args: string[]];
  /** The user of this name whom the one that reads files may run as; null: there is none. */
  readonly findFilesUser: (name: string) => ProcessUser | null;
  /** What the processes of the proxies are called. */
  readonly proxyTitles?: ProxyTitles;
  /** Who runs programs that check servers. */
  readonly findUser: FindUser;
  /** From a predecessor that is in charge until `settle` is called. Null: there is none. */
  readonly inherited?: Inherited | null;
  /** Those of keepers that were killed; and where ours are found if this one is. Null: there is no place for that. */
  readonly strays?: StrayProxies | null;
  /** No proxy can be started any more, for the program on disk is another one. */
  readonly onOtherProgram?: () => void;
  /** Of the kernel's table in which connections are forwarded; another instance has another one. */
  readonly forwardingTable?: string;
  /** There is something else to do, so that it is right to have no listener: then nothing is started but health checks. */
  readonly mayBeIdle?: () => boolean;
}

/** What a predecessor leaves of the data plane. */
export interface Inherited extends Pick<Inheritance, 'servers' | 'names'>, SharedTables {
  /** Null: it has none. */
  readonly ticketSecret: Uint8Array | null;
  /** Listening sockets. */
  readonly sockets: readonly number[];
  /** Those of UDP whose sessions come too, and whence: descriptors by descriptors. */
  readonly udpSessions: ReadonlyMap<number, number>;
}

/** What is in force. */
interface Generation {
  readonly number: number;
  readonly plan: Plan;
  readonly material: TlsMaterial;
  readonly files: PlanFiles;
}

/** How often a listener is tried again that could not be opened. */
const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 10_000;
/** How often it is looked which connections a stop still waits for. */
const LEFT_LOOK_MS = 200;
const STOPPING = 'it is stopping';

const NO_DISCOVERY: DataPlaneFacts['discoveryOf'] = () => null;

export class Keeper {
  readonly board: Board;
  readonly failedRequests = new FailedRequests(Date.now);
  private readonly times = new GenerationTimes(Date.now);
  private readonly options: KeeperOptions;
  private readonly health: HealthRegistry;
  private readonly programs: ProgramChecks;
  private readonly serverPrograms: ServerPrograms;
  private readonly checks: ServerChecks;
  private readonly names: ServerNames;
  private readonly wantedNames: WantedNames;
  private readonly traffic: TrafficLog;
  private readonly supervisor: Supervisor;
  /** Unused connections of any proxy may have the ports that others lack. */
  private readonly ports = new PortRelief((slot) => this.supervisor.advise({ type: 'free-port', slot }), monotonicMs);
  private readonly store: ListenerStore;
  /** Sessions of UDP that go from one proxy to another. */
  private readonly moves: SessionMoves;
  /** Processes of ours that proxies ask as they ask servers. */
  private readonly ownServers: readonly OwnServer[];
  readonly forwarding: KernelForwarding;
  /** Of the keepers before this one. */
  private readonly former = new FormerCounts();
  private readonly totals: TrafficTotals;
  private readonly places = new Places(SERVER_SLOTS_MAX, LISTENER_SLOTS, routeUnits(SERVER_SLOTS_MAX));
  private readonly planFiles: PlanFileWriter;
  private readonly tickets: TicketSecretsInUse;
  private readonly descriptors: DescriptorWarning;
  private generation: Generation | null = null;
  private applying: Promise<unknown> = Promise.resolve();
  private isStopping = false;
  private isResting = false;
  private retry: NodeJS.Timeout | undefined;
  /** Places that were opened late, and that no proxy serves yet. */
  private late: string[] = [];

  constructor(options: KeeperOptions) {
    const { workersMax, host, log } = options;
    this.options = options;
    this.tickets = new TicketSecretsInUse(options.inherited?.ticketSecret ?? null, () => this.renewTickets());
    this.descriptors = new DescriptorWarning(host, log);
    const memory = new SharedBoard(host, workersMax);
    this.board = memory.board;
    const { rows } = this.board.shape;
    this.planFiles = new PlanFileWriter(host, log, options.inherited ?? NO_TABLES, rows, () =>
      options.onOtherProgram?.(),
    );
    this.totals = new TrafficTotals(this.board);
    const starter = new ProxyStarter({
      host,
      log,
      memory,
      command: options.proxyCommand,
      user: options.user,
      titles: options.proxyTitles ?? 'own',
      strays: this.strays,
    });
    this.store = new ListenerStore(host, log);
    this.moves = new SessionMoves(host);
    const ofOwnServers = {
      host,
      log,
      command: options.ownServerCommand,
      user: options.user,
      onOtherProgram: () => options.onOtherProgram?.(),
    };
    this.ownServers = [fileServer(ofOwnServers, options.findFilesUser), credentialServer(ofOwnServers)];
    const users = new CommandUsers(process.getuid?.() ?? -1, options.findUser);
    this.programs = new ProgramChecks({ run: runCommand, users });
    this.checks = new ServerChecks({
      programs: this.programs,
      user: options.user,
      material: () => this.wanted.material,
    });
    this.serverPrograms = new ServerPrograms({ run: runCommand, users, log });
    this.health = new HealthRegistry({
      programs: this.serverPrograms,
      onNoPort: (slot) => this.ports.handleNoPort(slot),
      onSettled: () => this.forwarding.refresh(),
      board: this.board,
      prng: new Prng(process.pid ^ Date.now()),
      log,
      makeProbe: this.checks.make,
      now: monotonicMs,
      memories: options.inherited?.servers ?? [],
    });
    this.forwarding = new KernelForwarding({
      board: this.board,
      log,
      open: () => host.openForwarder(options.forwardingTable ?? 'evenkeel'),
      isAssumed: (slot) => this.health.isAssumed(slot),
      isDeferred: Boolean(options.inherited),
    });
    this.traffic = new TrafficLog(log, monotonicMs);
    this.wantedNames = new WantedNames(log, monotonicMs);
    this.names = new ServerNames(this.health, log, options.inherited?.names);
    this.supervisor = new Supervisor({
      board: this.board,
      log,
      spawn: (row, worker, handler) => {
        // It reads the board from now on, by this plan or a later one.
        this.acknowledge(row, this.generation!.number);
        return starter.start(row, worker, handler);
      },
      descriptorsOf: (_, worker) => this.descriptorsOf(worker),
      takeSessionEnds: (worker) => this.moves.takeFor(worker),
      closeDescriptor: (descriptor) => host.closeDescriptor(descriptor),
      onApplied: (row, number) => this.acknowledge(row, number),
      onGone: (row) => this.forget(row),
      onOtherProgram: () => options.onOtherProgram?.(),
      onEvent: (event, worker) => this.handleEvent(event, worker),
      now: monotonicMs,
    });
  }

  /** Resolves when every listener accepts, with what they listen on: `web *:80, mysql *:3306`. Rejects with StartError. */
  async start(plan: Plan, material: TlsMaterial = NO_MATERIAL): Promise<string> {
    const { inherited, host } = this.options;
    if (inherited) this.store.adoptDeferred(inherited.sockets);
    else this.store.adopt([...host.takeKeptDescriptors(), ...((await this.strays?.find()) ?? [])]);
    try {
      await this.apply(plan, material);
      this.strays?.supersede(plan.drainMs);
    } catch (error) {
      // A successor's proxies may have accepted some of the predecessor's clients: they finish them when this process is gone.
      if (!inherited) this.kill();
      throw error instanceof ApplyError ? new StartError(error.message, error.failures) : error;
    }
    return describeOpen(this.listeners);
  }

  /**
   * Goes on by this plan: the start is the first one. Resolves when every proxy serves by it. Rejects with ApplyError if it
   * cannot be applied; then nothing has changed. Plans are applied one after the other. `material`: of its TLS.
   */
  apply(plan: Plan, material: TlsMaterial = NO_MATERIAL): Promise<void> {
    this.isResting = false;
    return this.applyInTurn(() => ({ plan, material }));
  }

  /** Lets the proxies finish and go, and keeps the listening sockets, until another plan is applied. */
  rest(): Promise<void> {
    this.isResting = true;
    return this.applyInTurn(() => this.wanted);
  }

  /** Log files may have been moved away: they are opened anew. Rejects with ApplyError, and then lines go where they went. */
  reopenLogs(): Promise<void> {
    return this.plan.accessLogs.length === 0 ? Promise.resolve() : this.applyInTurn(() => this.wanted);
  }

  /** Of an upstream, as placed on the board; none if there is no such upstream. */
  serversOf(upstream: string): readonly ServerPlan[] {
    return this.plan.upstreams.find(({ name }) => name === upstream)?.servers ?? [];
  }

  get listeners(): readonly OpenListener[] {
    return this.store.listeners;
  }

  /** Listeners of which no address could be opened. */
  get closedListeners(): readonly string[] {
    return this.listeners.filter(isClosed).map(({ plan }) => plan.name);
  }

  /** As of HealthRegistry. */
  takeIdled(): readonly string[] {
    return this.health.takeIdled();
  }

  /** How everything stands. `ages` knows when each proxy gave its last sign of life, `overrides` what was said by hand, `discoveryOf` where servers were found. */
  status(ages: BeatAges, overrides: readonly OverrideView[], discoveryOf = NO_DISCOVERY): DataPlaneStatus {
    return dataPlaneStatus(this.facts(ages, overrides, discoveryOf));
  }

  /** What `status` is made of, now. */
  facts(
    ages: BeatAges,
    overrides: readonly OverrideView[],
    discoveryOf: DataPlaneFacts['discoveryOf'],
  ): DataPlaneFacts {
    return {
      plan: this.plan,
      board: this.board,
      ages,
      overrides,
      discoveryOf,
      nowMs: monotonicMs(),
      listeners: this.listeners,
      isStopping: this.isStopping,
      proxies: this.supervisor.accounts(),
      health: this.health,
      former: this.former,
      traffic: this.totals,
      forwarded: this.forwarding,
      failureOfName: (hostname) => this.names.failureOf(hostname),
    };
  }

  /** Which plan is in force, and what those before it still hold. */
  generations(): GenerationsView {
    const { board, places, plan, times } = this;
    const generation = this.generation?.number ?? 0;
    return generationsView({
      board,
      places,
      plan,
      times,
      generation,
      proxies: this.supervisor.accounts(),
      nowMs: Date.now(),
    });
  }

  /** These addresses are on another machine now: clients that came to them are not waited for. */
  abandon(addresses: readonly string[]): void {
    this.supervisor.abandon(addresses);
    this.forwarding.abandon(addresses);
  }

  // --- session tickets ---

  /** What this node makes them with. All proxies take the sessions that one of them has begun, also after an upgrade. */
  get ticketSecret(): Uint8Array {
    return this.tickets.own;
  }

  /** From now on they are made with the first of these, and those of the others are taken. */
  useTicketSecrets(secrets: readonly Uint8Array[]): void {
    this.tickets.use(secrets);
    this.renewTickets();
  }

  // --- succession ---

  /** What was counted of traffic. */
  get trafficMemories(): readonly TrafficMemory[] {
    return this.totals.memories(this.plan);
  }

  /** What the predecessor has counted. */
  recall(counts: CountMemory): void {
    this.former.recall(counts);
    this.totals.recall(counts.traffic ?? []);
    this.health.recallEjections(counts.ejections ?? []);
  }

  /** What it has counted since, of what it finishes. */
  recallLate(late: CountMemory): void {
    this.former.add(late);
    this.totals.add(late.traffic ?? []);
  }

  /** What a successor takes over. The sockets stay ours too; the ends for sessions are the successor's alone. */
  bequeath(): Inherited & { readonly ticketSecret: Uint8Array } {
    const { descriptors: sockets } = this.store;
    const { ticketSecret } = this;
    const { learned, sessions } = this.planFiles;
    const ends = this.moves.bequeath((worker, end) => this.supervisor.sendSessionEnd(worker, end));
    const udpSessions = new Map(ends.map(({ socket, descriptor }) => [this.store.descriptorOf(socket), descriptor]));
    return {
      servers: this.health.memories(),
      names: this.names.memories(),
      ticketSecret,
      sessions,
      learned,
      sockets,
      udpSessions,
    };
  }

  /** The addresses that are listened on. */
  get openAddresses(): readonly string[] {
    return this.store.names;
  }

  /** The predecessor has given way: what is said to the service manager counts from now on. */
  settle(): void {
    this.store.settle();
    this.forwarding.settle();
  }

  /** From now on the proxies serve on if this process ends without a word. */
  outlive(): void {
    this.supervisor.outlive();
  }

  /** A successor serves at these addresses. Resolves when everything here has ended, at the latest when `drain` is over. */
  async giveWay(addresses: readonly string[]): Promise<void> {
    const { drainMs } = this.plan;
    this.isStopping = true;
    clearTimeout(this.retry);
    this.forwarding.stop(false);
    this.health.stop();
    this.programs.stop();
    this.names.stop();
    this.wantedNames.stop();
    await this.store.emptyAllBut(addresses);
    this.store.closeAll();
    const programs = this.serverPrograms.finish(drainMs);
    await Promise.all([this.supervisor.drain(drainMs, true), this.strays?.finish(drainMs, true), programs]);
    this.release();
  }

  /** After `giveWay`: within this time. */
  hasten(graceMs: number): void {
    void this.supervisor.drain(graceMs);
    this.strays?.supersede(graceMs, false);
  }

  /** Open connections by listener, `web 12, ssh 1`; empty: there are none. */
  connections(): string {
    return this.connectionsOf(this.plan.listeners);
  }

  /** The same of those that stay here in an upgrade: sessions of UDP that end by silence go to the successor. */
  connectionsToFinish(): string {
    return this.connectionsOf(
      this.plan.listeners.filter(({ udp }) => udp === null || udp.requests > 0 || udp.responses > 0),
    );
  }

  private connectionsOf(listeners: readonly ListenerPlan[]): string {
    return listeners
      .map(({ name, slot }) => [name, this.board.listenerConnections(slot)] as const)
      .filter(([, count]) => count > 0)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ');
  }

  /** Stops accepting and lets the proxies finish. Resolves when they are gone. */
  async stop(graceMs = this.plan.graceMs): Promise<void> {
    const { log } = this.options;
    this.isStopping = true;
    clearTimeout(this.retry);
    this.health.tellStop();
    await this.store.emptyAll();
    this.store.closeAll();
    let left = this.connections();
    // Not in the end: who has ended what was left says so later than it is seen to be gone.
    const lookUntil = performance.now() + graceMs - LEFT_LOOK_MS;
    const look = setInterval(() => {
      if (performance.now() < lookUntil) left = this.connections();
    }, LEFT_LOOK_MS);
    const programs = this.serverPrograms.finish(graceMs);
    const [cut] = await Promise.all([this.supervisor.drain(graceMs), this.strays?.finish(graceMs), programs]);
    clearInterval(look);
    if (cut > 0) {
      const which = left === '' ? '' : ` (${left})`;
      log.warn(`${proxyCount(cut)} had connections left after ${graceMs / 1000} s${which}: ended`);
    }
    if (this.generation !== null) await this.planFiles.finish(this.generation.files);
    this.forwarding.stop(true);
    this.release();
  }

  /** Ends everything now. */
  kill(): void {
    this.isStopping = true;
    this.supervisor.kill();
    this.strays?.kill();
    this.store.closeAll();
    this.forwarding.stop(true);
    this.release();
  }

  // --- applying a plan ---

  private applyInTurn(toApply: () => Pick<Generation, 'plan' | 'material'>): Promise<void> {
    const applied = this.applying.then(() => this.applyOrGoBack(toApply()));
    this.applying = applied.catch(() => undefined);
    return applied;
  }

  private get strays(): StrayProxies | null {
    return this.options.strays ?? null;
  }

  private get plan(): Plan {
    return this.generation?.plan ?? NO_PLAN;
  }

  /** What is in force, once more. */
  private get wanted(): Pick<Generation, 'plan' | 'material'> {
    return { plan: this.plan, material: this.generation?.material ?? NO_MATERIAL };
  }

  private async applyOrGoBack(given: Pick<Generation, 'plan' | 'material'>): Promise<void> {
    const former = this.generation;
    const isFirst = former === null;
    try {
      // A start serves what it can; a change of what runs is made whole or not at all.
      await this.applyNow(given, !isFirst || this.options.startsWhole === true);
    } catch (error) {
      // Of the proxies that were asked, the last one has ended.
      if (!isFirst && error instanceof StartError) throw new ApplyError(STOPPING);
      if (isFirst || !(error instanceof PlanRefusal)) throw error;
      // What some proxies may have applied already is taken back; so all of them mean the same again.
      await this.applyNow(former, false);
      throw error;
    }
  }

  /** `isWhole`: not without one of its listeners. */
  private async applyNow(given: Pick<Generation, 'plan' | 'material'>, isWhole: boolean): Promise<void> {
    if (this.isStopping) throw new ApplyError(STOPPING);
    const { material } = given;
    const plan = this.placeOwnServers(given.plan);
    const { workers } = plan;
    const isFirst = this.generation === null;
    const number = (this.generation?.number ?? 0) + 1;
    if (plan.listeners.length === 0 && this.options.mayBeIdle?.() !== true) {
      throw new ApplyError('the configuration has no listener');
    }
    const { workersMax } = this.options;
    if (workers > workersMax) {
      throw new ApplyError(`\`workers: ${workers}\` takes a restart: this one has room for ${workersMax}`);
    }
    const prepared = await this.store.prepare(plan.listeners, workers);
    await Promise.all(this.ownServers.map((server) => server.apply(plan)));
    // Of ten thousand routes each of these takes a while.
    await setImmediate();
    const placed = this.place(plan, number, prepared, isWhole);
    const files = this.writeFiles(placed.plan, material, prepared);
    await prepared.emptyGone();
    await setImmediate();
    // Meanwhile everything may have been closed.
    if (this.isStopping) {
      this.planFiles.close(files);
      prepared.abandon();
      throw new ApplyError(STOPPING);
    }
    // From here on nothing may fail: the keeper and every proxy have to mean the same by a number.
    placed.commit();
    const closeGone = prepared.commit();
    const former = this.generation;
    this.generation = { number, plan: placed.plan, material, files };
    this.times.note(number);
    this.descriptors.look(placed.plan);
    this.checks.warnOfFaults(placed.plan.upstreams, this.options.log);
    this.traffic.apply(placed.plan);
    this.health.apply(placed.plan);
    this.former.retain(placed.plan);
    this.totals.apply(placed.plan);
    if (isFirst) this.expectSessions();
    this.moves.handlePlan(this.store.listeners, workers, (worker, end) => this.supervisor.sendSessionEnd(worker, end));
    const named = this.names.apply();
    this.forwarding.apply(placed.plan);
    if (isFirst) this.health.start();
    const proxies = placed.plan.listeners.length === 0 || this.isResting ? 0 : workers;
    this.board.workers = proxies;
    try {
      await Promise.all([this.supervisor.apply(number, proxies, placed.plan.drainMs), isFirst ? named : null]);
    } finally {
      closeGone();
      this.retryLater(RETRY_MS_MIN);
      if (former !== null) this.planFiles.close(former.files);
    }
  }

  /** Of a predecessor. */
  private expectSessions(): void {
    for (const [descriptor, end] of this.options.inherited?.udpSessions ?? []) {
      const socket = this.store.socketOf(descriptor);
      if (socket === null) this.options.host.closeDescriptor(end);
      else this.moves.expect({ socket, descriptor: end });
    }
  }

  private placeOwnServers(plan: Plan): Plan {
    try {
      return this.ownServers.reduce((placed, server) => server.place(placed), plan);
    } catch (error) {
      throw new ApplyError((error as Error).message);
    }
  }

  /** Throws ApplyError, having undone what was prepared, if the plan cannot be applied. */
  private place(plan: Plan, number: number, prepared: PreparedListeners, isWhole: boolean): Placed {
    const failed = prepared.listeners.flatMap(({ failures }) => failures.filter(({ isOld }) => !isOld));
    const refuse = (reason: string): ApplyError => {
      prepared.abandon();
      return new ApplyError(reason, failed);
    };
    const failures = failed.map(({ listener, plan: bind, reason, remedy }) => {
      return `listener ${listener} ${bindText(bind)}: ${reason}; ${remedy}`;
    });
    if (isWhole && failures.length > 0) throw refuse(failures.join('; '));
    for (const failure of failures) this.options.log.error(`${failure}; it is tried again`);
    if (prepared.listeners.some(isClosed) && prepared.listeners.every(({ binds }) => binds.length === 0)) {
      throw refuse('no listener could be opened');
    }
    const placed = placePlan(plan, number, this.places, {
      servers: (range) => isQuiet(range, (slot) => this.board.serverConnections(slot)),
      listeners: (range) => isQuiet(range, (slot) => this.board.listenerConnections(slot)),
    });
    if (placed === null) {
      throw refuse(
        'there is no room for more servers while connections to former ones last; try again when they have ended, ' +
          'or with `evenkeel upgrade`, which waits for none of them',
      );
    }
    return placed;
  }

  /** Likewise. */
  private writeFiles(plan: Plan, material: TlsMaterial, prepared: PreparedListeners): PlanFiles {
    const { credentials, authorities, ticketSources } = material;
    const ticketKeys = this.tickets.keysWith(ticketSources);
    try {
      return this.planFiles.write(withoutSecrets(plan), { credentials, authorities, ticketKeys }, prepared.listeners);
    } catch (error) {
      prepared.abandon();
      throw error;
    }
  }

  /** The same plan once more, with the keys of this time. */
  private renewTickets(): void {
    const usesTls = this.generation?.plan.listeners.some(({ tls }) => tls !== null) === true;
    if (!usesTls || this.isStopping) return;
    this.applyInTurn(() => this.wanted).catch((error: Error) => {
      if (!this.isStopping) this.options.log.warn(`the keys for session tickets stay what they are: ${error.message}`);
    });
  }

  private descriptorsOf(worker: number): readonly number[] {
    return this.planFiles.descriptorsOf(this.generation!.files, this.plan, this.store.listeners, worker);
  }

  private acknowledge(row: number, number: number): void {
    this.places.acknowledge(row, number);
  }

  private forget(row: number): void {
    this.strays?.close(row);
    this.planFiles.forgetRow(row);
    this.places.forget(row);
  }

  /** What could not be opened may be free later: another program ends, a directory is made. */
  private retryLater(delayMs: number): void {
    clearTimeout(this.retry);
    const isWhole = this.late.length === 0 && this.listeners.every(({ failures }) => failures.length === 0);
    if (this.isStopping || isWhole) return;
    this.retry = setTimeout(() => void this.openMore(delayMs), delayMs);
  }

  private async openMore(delayMs: number): Promise<void> {
    const { log } = this.options;
    this.late.push(...this.store.openMore(this.plan.workers));
    if (this.late.length > 0) {
      try {
        await this.applyInTurn(() => this.wanted);
        for (const place of this.late.splice(0)) log.info(`listener ${place} accepts now`);
      } catch (error) {
        if (!(error instanceof ApplyError)) throw error;
        if (!this.isStopping) log.warn(`${this.late.join(', ')}: open, and not served yet: ${error.message}`);
      }
    }
    this.retryLater(Math.min(2 * delayMs, RETRY_MS_MAX));
  }

  private release(): void {
    clearTimeout(this.retry);
    this.health.stop();
    this.programs.stop();
    this.serverPrograms.stop();
    this.names.stop();
    this.wantedNames.stop();
    this.traffic.stop();
    this.tickets.stop();
    for (const server of this.ownServers) server.stop();
  }

  private async answerName(upstream: string, hostname: string, worker: number): Promise<void> {
    const plan = this.plan.upstreams.find(({ name }) => name === upstream);
    if (plan === undefined) return;
    const { addresses, ttlMs } = await this.wantedNames.find(plan, hostname);
    this.supervisor.tell(worker, { type: 'name', upstream, hostname, addresses, ttlMs: ttlMs ?? 0 });
  }

  private handleEvent(event: ProxyEvent, proxyIndex: number): void {
    const { log } = this.options;
    switch (event.kind) {
      case 'server-failed':
        this.traffic.handleFailure(event);
        return this.health.handleServerFailed(event, event.count, event.reason);
      case 'failed-requests':
        return this.failedRequests.handleReport(event);
      case 'answered':
        return this.traffic.handleAnswered(event);
      case 'shortage':
        if (this.traffic.handleShortage(event) && event.shortage === 'port') this.ports.handleNoPort(event.slot);
        return undefined;
      case 'name-wanted':
        void this.answerName(event.upstream, event.hostname, proxyIndex);
        return undefined;
      case 'accept-paused':
      case 'accept-resumed':
      case 'idle-closed':
      case 'memory-short':
      case 'memory-recovered':
      case 'log-stuck':
      case 'log-written':
      case 'cut':
      case 'drained':
        return logProxyState(log, event, proxyIndex);
    }
  }
}

const NO_PLAN: Plan = {
  workers: 0,
  listeners: [],
  upstreams: [],
  values: [],
  files: null,
  admin: null,
  accessLogs: [],
  serverSlots: 0,
  graceMs: 0,
  drainMs: 0,
};

/** For proxies, which need no passwords. */
function withoutSecrets(plan: Plan): Plan {
  return plan.credentials === undefined ? plan : { ...plan, credentials: { checks: [] } };
}

function isQuiet({ first, count }: SlotRange, connections: (slot: number) => number): boolean {
  for (let slot = first; slot < first + count; slot++) if (connections(slot) !== 0) return false;
  return true;
}

function monotonicMs(): number {
  return performance.now();
}
