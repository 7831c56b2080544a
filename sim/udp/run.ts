/** One run: a node whose listener of UDP is asked while it is reloaded, upgraded and broken; and what must hold. */
import { Prng } from '../../src/base/prng.ts';
import { World } from '../world.ts';
import type { UdpSabotage } from './datagrams.ts';
import { UdpKernel } from './kernel.ts';
import { Client, Ledger, type Place, Server } from './peers.ts';
import { Program, type Site } from './program.ts';
import { ACTIVE_US, drawUdpScenario, HARMFUL, IDLE_MS, type NodeEvent, PORTS, type UdpScenario } from './scenario.ts';

/** The process of whatever holds sockets before there is a program. */
const OPENER = 1;
const KEEPER_AT_FIRST = 2;
/** Proxies serve before anybody asks. */
const READY_US = 300_000;
/** What is under way has arrived, sessions have been silent for long enough, and proxies that finish have ended. */
const SILENT_US = IDLE_MS * 1000 + 12_000_000;
/** Down, or closed, for so long. */
const OUT_US = 600_000;
/** A server that is down is asked nothing by then. */
const HEARD_US = 400_000;

export interface UdpRun {
  readonly scenario: UdpScenario;
  readonly traceHash: string;
  readonly asked: number;
  readonly answered: number;
  /** Sessions that went from one process to another. */
  readonly handedOn: number;
}

export interface UdpRunOptions {
  readonly sabotage?: UdpSabotage;
  /** Its history goes there. */
  readonly world?: World;
}

/** Throws a Violation, or whatever a proxy throws. */
export function playUdp(seed: number, options: UdpRunOptions = {}): UdpRun {
  const world = options.world ?? new World(seed, false);
  const scenario = drawUdpScenario(seed);
  const run = new Run(world, scenario, options.sabotage ?? 'none');
  run.go();
  const { kernel, ledger } = run;
  const { asked, answered } = ledger;
  return { scenario, traceHash: world.traceHash, asked, answered: answered.size, handedOn: kernel.handedOn };
}

class Run {
  readonly ledger: Ledger;
  readonly kernel: UdpKernel;
  private readonly world: World;
  private readonly scenario: UdpScenario;
  private readonly site: Site;
  private readonly servers: readonly Server[];
  private readonly clients: readonly Client[];
  private readonly prng: Prng;
  private program: Program;
  /** The next one. */
  private starting: Program | null = null;
  /** What finishes. */
  private former: Program[] = [];
  /** Something is being done to the node: the next thing waits. */
  private isBusy = true;
  private readonly waiting: NodeEvent[] = [];
  private readonly isUp: boolean[];
  private workers: number;

  constructor(world: World, scenario: UdpScenario, sabotage: UdpSabotage) {
    this.world = world;
    this.scenario = scenario;
    this.prng = new Prng(scenario.seed ^ 0x5eed);
    const { faults, plan, rules } = scenario;
    this.workers = plan.workers;
    this.kernel = new UdpKernel(world, scenario.way);
    const has = (...some: readonly (typeof HARMFUL)[number][]): boolean => some.some((fault) => faults.has(fault));
    const isSilent = rules.requests === 0 && rules.responses < 0;
    const isBroken = has('kills', 'downs', 'refusing', 'openFails', 'fewSockets');
    this.ledger = new Ledger(world, this.kernel, {
      staysPut: isSilent && !isBroken && !has('crowd'),
      // a proxy that gets the sessions of two may have no room for them
      provenStayPut: isSilent && !isBroken && !faults.has('workers'),
      knowsAsked: !faults.has('engines'),
    });
    const most = plan.listeners[0].limits.connections;
    this.site = {
      world,
      kernel: this.kernel,
      transport: scenario.transport,
      sabotage,
      hasEngines: faults.has('engines'),
      watchTurn: (connections) => {
        if (connections < 0 || connections > most) world.fail('sessions', `${connections} of ${most}`);
      },
      nextProcess: KEEPER_AT_FIRST,
    };
    const place: Place = { world, kernel: this.kernel, ledger: this.ledger };
    this.servers = scenario.servers.map((spec) => new Server(place, spec));
    this.isUp = scenario.servers.map(() => true);
    const sockets = PORTS.flatMap((port) => this.kernel.bind(port, scenario.sockets, OPENER));
    this.program = new Program(this.site, plan, sockets, []);
    this.kernel.closeAllOf(OPENER);
    this.clients = [...scenario.clients, ...scenario.crowd].map((spec) => {
      return new Client(place, { ...spec, startUs: spec.startUs + READY_US });
    });
  }

  go(): void {
    const { world, kernel, scenario, ledger } = this;
    this.tellServers(this.program);
    this.program.apply(scenario.plan, () => this.goOn());
    for (const event of scenario.events) world.schedule(READY_US + event.atUs, () => this.handleEvent(event));
    world.run(READY_US + 4 * ACTIVE_US, () => this.clients.every(({ isDone }) => isDone) && this.isAtRest);
    if (!this.isAtRest) world.fail('node', 'what is done to it does not end');
    world.run(world.nowUs + SILENT_US, () => false);
    if (this.former.length > 0) world.fail('everything ends', this.former.map((each) => each.describe()).join('; '));
    if (this.program.connections > 0 || kernel.connectedCount > 0)
      world.fail('everything ends', `${this.program.describe()}; ${kernel.connectedCount} sockets`);
    this.checkAnswers(ledger);
    this.program.drain();
    if (!world.run(world.nowUs + SILENT_US, () => this.program.isOver))
      world.fail('drain', `does not end: ${this.program.describe()}`);
  }

  /** Where nothing harmful happened nothing is lost. */
  private checkAnswers(ledger: Ledger): void {
    const { faults, rules, clients } = this.scenario;
    if (this.kernel.overflowed > 0 || HARMFUL.some((fault) => faults.has(fault))) return;
    for (const { id, questions } of clients) {
      for (let question = 0; question < questions; question++) {
        const key = `${id} ${question}`;
        if (!ledger.heard.has(key)) this.world.fail('lost', `question ${key}`);
        if (rules.responses !== 0 && !ledger.answered.has(key)) this.world.fail('lost', `answer to ${key}`);
      }
    }
  }

  private get isAtRest(): boolean {
    return !this.isBusy && this.waiting.length === 0;
  }

  private get programs(): readonly Program[] {
    return this.starting === null ? [...this.former, this.program] : [...this.former, this.program, this.starting];
  }

  private goOn(): void {
    this.isBusy = false;
    const next = this.waiting.shift();
    if (next !== undefined) this.perform(next);
  }

  private handleEvent(event: NodeEvent): void {
    const { world, servers } = this;
    world.note('%a %b', event.kind, event.number);
    switch (event.kind) {
      case 'kill':
        // that which hands its sessions on, perhaps
        (this.prng.oneIn(2) ? this.program : this.programs[0]).killProxy(event.number);
        break;
      case 'down':
        this.setServer(event.number, false);
        break;
      case 'close':
        servers[event.number].isClosed = true;
        world.schedule(OUT_US, () => (servers[event.number].isClosed = false));
        break;
      case 'reload':
      case 'workers':
      case 'upgrade':
      case 'failed-upgrade':
        if (this.isBusy) this.waiting.push(event);
        else this.perform(event);
    }
  }

  private setServer(server: number, isUp: boolean): void {
    if (this.isUp[server] === isUp) return;
    this.isUp[server] = isUp;
    for (const program of this.programs) program.setServer(server, isUp);
    this.servers[server].isDown = false;
    if (isUp) return;
    const heardUs = HEARD_US + 2 * (this.scenario.way.delayUs + this.scenario.way.jitterUs);
    this.world.schedule(heardUs, () => {
      if (!this.isUp[server]) this.servers[server].isDown = true;
    });
    this.world.schedule(heardUs + OUT_US, () => this.setServer(server, true));
  }

  private tellServers(program: Program): void {
    for (const [server, isUp] of this.isUp.entries()) program.setServer(server, isUp);
  }

  private perform({ kind, number }: NodeEvent): void {
    this.isBusy = true;
    const { plan } = this.scenario;
    if (kind === 'reload') this.program.apply(this.planNow, () => this.goOn());
    else if (kind === 'workers') {
      this.workers = 1 + number;
      this.program.apply(this.planNow, () => this.goOn());
    } else {
      const next = new Program(this.site, plan, this.program.descriptors, this.program.bequeath());
      this.starting = next;
      this.tellServers(next);
      if (kind === 'failed-upgrade') {
        next.apply(this.planNow, () => undefined);
        this.world.schedule(this.prng.below(150_000), () => {
          next.kill();
          this.starting = null;
          this.goOn();
        });
      } else next.apply(this.planNow, () => this.succeed(next));
    }
  }

  private get planNow(): UdpScenario['plan'] {
    const { plan } = this.scenario;
    const [upstream] = plan.upstreams;
    const servers = this.prng.oneIn(2) ? upstream.servers : upstream.servers.toReversed();
    return { ...plan, workers: this.workers, upstreams: [{ ...upstream, servers }] };
  }

  /** It serves: the one before finishes. */
  private succeed(next: Program): void {
    const { program: former, world } = this;
    world.note('the next program serves');
    this.program = next;
    this.starting = null;
    this.former.push(former);
    former.drain();
    const leave = (): void => {
      if (!former.isOver) {
        world.schedule(10_000, leave);
        return;
      }
      former.close();
      this.former = this.former.filter((each) => each !== former);
    };
    leave();
    this.goOn();
  }
}
