/**
 * One run: builds the world that a scenario describes, lets it go until everybody is done, drains the proxy, and checks
 * what must hold then.
 */
import { encodeUtf8 } from '../src/base/text.ts';
import { HOLD_MS_MAX } from '../src/core/balance/service-time.ts';
import { Board } from '../src/base/board.ts';
import type { Plan } from '../src/config/plan/plan.ts';
import type { ServerPlan } from '../src/config/plan/upstream.ts';
import { type PlannedSocket, Proxy, type ProxyOptions } from '../src/proxy/proxy.ts';
import type { TransportDriver } from '../src/port/transport.ts';
import { Openssl } from '../src/io/openssl/openssl.ts';
import { CheckedArena } from './checked-arena.ts';
import { SimCompression } from './compression.ts';
import { Judge } from './judge.ts';
import { Keeper } from './keeper.ts';
import { Ledger } from './ledger.ts';
import { Network } from './network.ts';
import { HostileClient } from './peers/hostile-client.ts';
import { HttpClient } from './peers/http-client.ts';
import { HttpServer } from './peers/http-server.ts';
import { TcpClient, TcpServer } from './peers/tcp-peers.ts';
import { Prng } from '../src/base/prng.ts';
import { drawLink, drawScenario, NO_OMISSIONS, type Omissions, type Scenario } from './scenario.ts';
import { GRACE_MS } from './scenario-plan.ts';
import { SimTransport, type Sabotage } from './transport.ts';
import { reorder, replaceServer } from './reload.ts';
import { Violation, World } from './world.ts';

/** What a driver under test must offer: the production proxy does, and the simulator's own small one. */
export interface Driver extends TransportDriver {
  apply(plan: Plan, sockets: readonly PlannedSocket[]): void;
  drain(withinMs: number): void;
}

export type CreateDriver = (options: ProxyOptions) => Driver;

export interface RunOptions {
  readonly isRecording?: boolean;
  readonly omissions?: Omissions;
  readonly sabotage?: Sabotage;
  readonly createDriver?: CreateDriver;
}

export interface RunResult {
  readonly seed: number;
  readonly scenario: Scenario;
  /** Null: everything held. */
  readonly invariant: string | null;
  readonly detail: string;
  readonly traceHash: string;
  readonly trace: readonly string[];
  readonly virtualMs: number;
  readonly actionCount: number;
  /** Exchanges that a server answered, and that ended otherwise. */
  readonly answered: number;
  readonly otherwise: number;
  /** Responses that were compressed, at least in part. */
  readonly compressed: number;
}

/** All peers are done by then, whatever happens to them: above every sum of timeouts that a scenario can have. */
const PEERS_DONE_US = 150_000_000;
/** All idle connections are closed by then. */
const IDLE_DONE_US = 60_000_000;
/** What is in flight at a drain has ended by then. */
const HELD_DONE_US = HOLD_MS_MAX * 1000 + 1_000_000;
const DRAIN_DONE_US = 60_000_000;

/** Slots that a connection may hold at once: a full send queue, a head in pieces, a kept request, unread input. */
const SLOTS_PER_SOCKET_MAX = 8;

const WALL_CLOCK_MS = Date.UTC(2030, 0, 1);

export function runSeed(seed: number, options: RunOptions = {}): RunResult {
  const scenario = drawScenario(seed, options.omissions ?? NO_OMISSIONS);
  const world = new World(seed, options.isRecording ?? false);
  const run = new Run(world, scenario, options);
  let invariant: string | null = null;
  let detail = '';
  try {
    run.go();
  } catch (error) {
    const violation = world.violation ?? error;
    if (violation instanceof Violation) {
      invariant = violation.invariant;
      detail = violation.message;
    } else {
      invariant = 'driver failed';
      detail = violation instanceof Error ? (violation.stack ?? violation.message) : String(violation);
      world.note('VIOLATION %a: %b', invariant, detail);
    }
  }
  run.arena.leave(invariant !== null);
  const outcomes = [...run.ledger.exchanges.values()];
  const answered = outcomes.filter((exchange) => exchange.outcome === 'answered').length;
  return {
    seed,
    scenario,
    invariant,
    detail,
    traceHash: world.traceHash,
    trace: world.trace(),
    virtualMs: world.nowUs / 1000,
    actionCount: world.actionCount,
    answered,
    otherwise: outcomes.length - answered,
    compressed: run.compression.bodies,
  };
}

class Run {
  readonly ledger: Ledger;
  private readonly world: World;
  private readonly scenario: Scenario;
  private readonly network: Network;
  readonly arena: CheckedArena;
  private readonly transport: SimTransport;
  readonly compression: SimCompression;
  private readonly board: Board;
  private readonly keeper: Keeper;
  private readonly judge: Judge;
  private readonly driver: Driver;
  private readonly reloadPrng: Prng;
  /** What was applied last, in its first order. */
  private plan: Plan;
  private readonly clients: { isDone: boolean; describe(): string }[] = [];
  private readonly servers: (HttpServer | TcpServer)[];
  private slotsAtRest = 0;
  private lastTurnUs = 0;

  constructor(world: World, scenario: Scenario, options: RunOptions) {
    this.world = world;
    this.scenario = scenario;
    this.plan = scenario.plan;
    this.reloadPrng = new Prng(scenario.seed ^ 0xa00a);
    this.ledger = new Ledger(world, scenario);
    this.network = new Network(world);
    this.arena = new CheckedArena(world, scenario.largeSlots, scenario.smallSlots);
    this.transport = new SimTransport(this.network, this.arena, scenario.transport);
    const isShort = scenario.faults.has('shortages');
    this.compression = new SimCompression(world, this.arena.memory, new Prng(scenario.seed ^ 0xb00b), isShort);
    this.transport.sabotage = options.sabotage ?? 'none';
    this.judge = new Judge(world, this.ledger);
    const { plan } = scenario;
    const shape = { servers: plan.serverSlots, listeners: plan.listeners.length, rows: 1 };
    this.board = Board.createAlone(shape);
    this.servers = scenario.servers.map((server) => {
      const Kind = server.protocol === 'http' ? HttpServer : TcpServer;
      return new Kind(world, this.ledger, server, scenario.seed, scenario.link);
    });
    this.keeper = new Keeper(world, this.network, this.board, scenario, this.servers);
    const create: CreateDriver = options.createDriver ?? ((proxyOptions) => new Proxy(proxyOptions));
    this.driver = create({
      transport: this.transport,
      board: this.board,
      row: 0,
      seed: scenario.seed,
      wallClockMs: () => WALL_CLOCK_MS + Math.floor(world.nowUs / 1000),
      hostname: encodeUtf8('sim'),
      machineAddresses: () => [],
      report: (event) => this.keeper.handleEvent(event),
      descriptors: scenario.transport.socketsMax,
      openTls: () => Openssl.open(this.transport.arena.memory),
      openCompression: () => this.compression,
    });
  }

  go(): void {
    const { world, scenario, transport, arena } = this;
    this.ledger.watchArrival = (server, begunAtUs) => this.keeper.checkArrival(server, begunAtUs);
    transport.watchConnect = (address) => this.checkConnect(address);
    transport.watchTurn = () => this.checkTurn();
    this.slotsAtRest = arena.usedSlots;
    const linkPrng = new Prng(scenario.seed ^ 0x8008);
    const link = () => drawLink(linkPrng, scenario.link);
    let socketCount = 0;
    const sockets = scenario.plan.listeners.flatMap((plan, listener) =>
      plan.binds.map(({ address }) => {
        const descriptor = transport.openListener(`${address.host}:${address.port}`, link);
        return { id: socketCount++, listener, descriptor };
      }),
    );
    this.driver.apply(scenario.plan, sockets);
    void transport.run(this.driver);
    this.startClients();
    for (const atUs of scenario.reloadsAtUs) world.schedule(atUs, () => this.reload(sockets));
    if (scenario.drainAtUs > 0) world.schedule(scenario.drainAtUs, () => this.beginDrain());
    const isDone = world.run(PEERS_DONE_US, () => this.clients.every((client) => client.isDone));
    if (!isDone) {
      const waiting = this.clients.filter((client) => !client.isDone).map((client) => client.describe());
      world.fail('everything ends', `${waiting.join('; ')}; the proxy has ${transport.describeSockets()}`);
    }
    world.note('all clients are done');
    this.checkIdle();
    this.finish();
    this.judge.checkOutcomes();
  }

  private reload(sockets: readonly PlannedSocket[]): void {
    const { world, reloadPrng } = this;
    let replaced: ServerPlan | null = null;
    if (reloadPrng.oneIn(2)) ({ plan: this.plan, replaced } = replaceServer(reloadPrng, this.plan));
    const { plan, sockets: moved } = reorder(reloadPrng, this.plan, sockets);
    world.note('the plan is applied again, in another order; server %a is another one', replaced?.firstSlot ?? 'none');
    // what has waited goes to the other server at once
    if (replaced !== null) this.keeper.handleReplaced(replaced.firstSlot, replaced.slotCount, replaced.epoch);
    this.driver.apply(plan, moved);
  }

  private startClients(): void {
    const { world, scenario, network, ledger } = this;
    for (const spec of scenario.httpClients) this.clients.push(new HttpClient(network, ledger, this.judge, spec));
    const later = (atUs: number, create: () => { isDone: boolean; describe(): string }): void => {
      const index = this.clients.push({ isDone: false, describe: () => 'a client not started' }) - 1;
      world.schedule(atUs, () => (this.clients[index] = create()));
    };
    for (const spec of scenario.hostileClients)
      later(spec.startUs, () => new HostileClient(network, scenario.plan, spec));
    for (const spec of scenario.tcpClients) later(spec.startUs, () => new TcpClient(network, ledger, spec));
  }

  /** Without clients, pooled connections time out and nothing remains. */
  private checkIdle(): void {
    const { world, transport } = this;
    const isIdle = world.run(world.nowUs + IDLE_DONE_US, () => transport.openSockets === 0);
    if (!isIdle) world.fail('everything ends', `without clients there is still ${transport.describeSockets()}`);
  }

  private beginDrain(): void {
    this.world.note('drain');
    this.driver.drain(GRACE_MS);
    // whoever waits in a backlog is refused when the last holder closes the socket
    this.world.schedule(100_000, () => this.transport.closeListeners());
  }

  private finish(): void {
    const { world, transport, arena, board } = this;
    this.driver.drain(GRACE_MS);
    const isDrained = world.run(world.nowUs + DRAIN_DONE_US, () => this.keeper.isDrained);
    if (!isDrained) world.fail('drain', `not done; ${transport.describeSockets()}`);
    // the kernel may hold slots of sends that were cut for a moment, and a shortage may not be over
    transport.isCalm = true;
    world.run(world.nowUs + 400_000, () => false);
    if (transport.openSockets > 0) world.fail('drain', `reported, but there is still ${transport.describeSockets()}`);
    if (arena.usedSlots !== this.slotsAtRest) {
      world.fail('slot leak', `${arena.usedSlots} slots are in use, ${this.slotsAtRest} at the start`);
    }
    if (this.compression.openBodies > 0)
      world.fail('compression', `${this.compression.openBodies} encoders were not released`);
    const row = board.worker(0);
    // tries that failed may count on for a while
    world.run(world.nowUs + HELD_DONE_US, () => {
      for (let slot = 0; slot < board.shape.servers; slot++) if (row.serverConnections(slot) > 0) return false;
      return true;
    });
    for (let slot = 0; slot < board.shape.servers; slot++) {
      if (row.serverConnections(slot) !== 0)
        world.fail('gauges', `server ${slot}: ${row.serverConnections(slot)} connections remain`);
    }
    for (let listener = 0; listener < board.shape.listeners; listener++) {
      if (row.listenerConnections(listener) !== 0) {
        world.fail('gauges', `listener ${listener}: ${row.listenerConnections(listener)} connections remain`);
      }
    }
    world.run(world.nowUs + PEERS_DONE_US, () => this.servers.every((server) => server.openConnections === 0));
    for (const server of this.servers) {
      if (server.openConnections > 0)
        world.fail('everything ends', `server ${server.spec.index} still has ${server.openConnections} connections`);
    }
  }

  private checkConnect(address: string): void {
    if (!this.keeper.isUsable(address, this.lastTurnUs)) {
      this.world.fail('server that is down', `connect to ${address}, which is not up on the board`);
    }
    this.keeper.noteConnect(address);
  }

  private checkTurn(): void {
    const { world, scenario, arena, transport } = this;
    this.lastTurnUs = world.nowUs;
    const row = this.board.worker(0);
    for (const upstream of scenario.plan.upstreams) {
      for (const server of upstream.servers) {
        for (let slot = server.firstSlot; slot < server.firstSlot + server.slotCount; slot++) {
          const count = row.serverConnections(slot);
          if (count < 0) world.fail('gauges', `slot ${slot}: ${count} connections`);
          if (server.maxConnections > 0 && count > server.maxConnections) {
            world.fail('connection limit', `slot ${slot}: ${count} of ${server.maxConnections} connections`);
          }
        }
      }
    }
    scenario.plan.listeners.forEach((listener, index) => {
      const count = row.listenerConnections(index);
      // a few may have been on their way to each socket when accepting was paused
      if (count < 0 || count > listener.limits.connections + 2 * listener.binds.length) {
        world.fail('connection limit', `listener ${index}: ${count} of ${listener.limits.connections} connections`);
      }
    });
    const bound = this.slotsAtRest + SLOTS_PER_SOCKET_MAX * transport.openSockets;
    if (arena.slotsOfDriver > bound) {
      world.fail('bounded memory', `${arena.slotsOfDriver} slots held with ${transport.openSockets} connections`);
    }
  }
}
