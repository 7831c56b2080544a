/** A lab that people play with: the pair with evenkeel on both nodes, a client, and orders that break and mend things. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from './client.ts';
import { unixMsOfMonotonic } from './clock.ts';
import { EvenkeelNode, type HaOptions, type NodeStatus } from './evenkeel-node.ts';
import { BALANCERS, type Balancer, Pair, type Path } from './pair.ts';
import { killAtOnce, signalAll } from './processes.ts';
import { LabError } from './system.ts';

/** Gentle: a view needs no millisecond. */
const REQUEST_INTERVAL_MS = 5;
const CALM_MS = 100;
const WAIT_S_MAX = 3600;

export const ORDERS = [
  'kill',
  'freeze',
  'thaw',
  'cut',
  'isolate',
  'deafen',
  'heal',
  'stop',
  'start',
  'handover',
  'resume',
] as const;
export type Order = (typeof ORDERS)[number];

/** What happened, and when it did, which is a little before it is told. */
export type Tell = (event: string, unixMs: number) => void;

export interface NodeView {
  readonly name: Balancer;
  readonly process: 'running' | 'frozen' | 'gone';
  readonly link: 'up' | 'cut' | 'isolated';
  /** By its kernel. */
  readonly hasAddress: boolean;
  /** Null: it does not answer. */
  readonly status: NodeStatus | null;
}

export class LabSession {
  readonly pair: Pair;
  readonly client: Client;
  path: Path = { mac: null, port: null };
  /** The service has begun: what the client counts means something. */
  isServed = false;
  private readonly nodes: Readonly<Record<Balancer, EvenkeelNode>>;
  private readonly statuses: Record<Balancer, NodeStatus | null> = { lb01: null, lb02: null };
  private readonly links: Record<Balancer, NodeView['link']> = { lb01: 'up', lb02: 'up' };
  private readonly frozen = new Set<Balancer>();
  private readonly ha: HaOptions;
  private readonly tell: Tell;
  /** The last one that had the address: whom an order means that names nobody. */
  private last: Balancer = 'lb01';

  static async create(program: readonly string[], ha: HaOptions, tell: Tell): Promise<LabSession> {
    const pair = await Pair.create(program, ({ host, isHeld, atMs }) => {
      tell(isHeld ? `${host} has the address` : `${host} has the address no more`, unixMsOfMonotonic(atMs));
    });
    const session = new LabSession(pair, program, ha, tell);
    try {
      await Promise.all(BALANCERS.map((name) => session.nodes[name].start(ha)));
    } catch (error) {
      await pair.remove();
      throw error;
    }
    // What fails before anybody had the address is no outage.
    session.client.served(CALM_MS).then(
      () => session.beginCounting(),
      () => undefined,
    );
    return session;
  }

  private beginCounting(): void {
    this.client.restart();
    this.isServed = true;
  }

  private constructor(pair: Pair, program: readonly string[], ha: HaOptions, tell: Tell) {
    this.pair = pair;
    this.ha = ha;
    this.tell = tell;
    this.client = pair.startClient(REQUEST_INTERVAL_MS);
    const node = (name: Balancer): EvenkeelNode =>
      new EvenkeelNode(pair, name, program, (line) => {
        const said = /^(\S+Z) \S+ +virtual router \S+ (.*)/.exec(line);
        if (said !== null) tell(`${name}: ${said[2]}`, Date.parse(said[1]));
      });
    this.nodes = { lb01: node('lb01'), lb02: node('lb02') };
  }

  /** Asks the nodes and the switch. */
  async look(): Promise<void> {
    const [path, ...statuses] = await Promise.all([
      this.pair.path(),
      ...BALANCERS.map((name) => (this.frozen.has(name) ? null : this.nodes[name].status())),
    ]);
    this.path = path;
    BALANCERS.forEach((name, i) => {
      this.statuses[name] = statuses[i];
    });
  }

  views(): NodeView[] {
    const holders = this.pair.watch.holders();
    return BALANCERS.map((name) => ({
      name,
      process: !this.nodes[name].isRunning ? 'gone' : this.frozen.has(name) ? 'frozen' : 'running',
      link: this.links[name],
      hasAddress: holders.includes(name),
      status: this.statuses[name],
    }));
  }

  /** Does what a line says: `kill lb02`, `heal`, `wait 3`. Rejects with LabError if that makes no sense. */
  async obey(line: string): Promise<void> {
    const [word, argument] = line.trim().split(/\s+/);
    if (word === 'wait') {
      const seconds = Number(argument);
      if (!(seconds > 0 && seconds <= WAIT_S_MAX)) throw new LabError(`write for example: wait 3`);
      await sleep(seconds * 1000);
      return;
    }
    const order = ORDERS.find((each) => each === word);
    if (order === undefined) throw new LabError(`${word} is not among ${ORDERS.join(', ')}, wait, quit`);
    const name = BALANCERS.find((each) => each === argument);
    if (name === undefined && argument !== undefined) {
      throw new LabError(`${argument} is not among ${BALANCERS.join(', ')}`);
    }
    await this.perform(order, name ?? this.meantBy(order));
  }

  private meantBy(order: Order): Balancer {
    const [holder] = this.pair.watch.holders() as Balancer[];
    if (holder !== undefined) this.last = holder;
    const broken = BALANCERS.find((name) => (order === 'start' ? !this.nodes[name].isRunning : this.frozen.has(name)));
    if (order === 'start' || order === 'thaw') return broken ?? this.last;
    if (order === 'resume') return BALANCERS.find((name) => name !== holder) ?? this.last;
    return this.last;
  }

  private async perform(order: Order, name: Balancer): Promise<void> {
    const { network } = this.pair;
    const isGeneral = order === 'heal' || order === 'deafen';
    this.tell(`--- ${order}${isGeneral ? '' : ` ${name}`} ---`, Date.now());
    switch (order) {
      case 'kill':
        killAtOnce(this.pair.processes(name));
        this.frozen.delete(name);
        break;
      case 'freeze':
        signalAll(this.pair.processes(name), 'SIGSTOP');
        this.frozen.add(name);
        break;
      case 'thaw':
        signalAll(this.pair.processes(name), 'SIGCONT');
        this.frozen.delete(name);
        break;
      case 'cut':
        await network.cutLink(name);
        this.links[name] = 'cut';
        break;
      case 'isolate':
        await network.isolate(name);
        this.links[name] = 'isolated';
        break;
      case 'deafen':
        await network.cut([
          { from: 'lb01', to: 'lb02', what: 'vrrp' },
          { from: 'lb02', to: 'lb01', what: 'vrrp' },
        ]);
        break;
      case 'heal':
        await network.heal();
        for (const each of BALANCERS) this.links[each] = 'up';
        break;
      case 'stop':
        this.nodes[name].askToStop();
        break;
      case 'start':
        if (this.nodes[name].isRunning) throw new LabError(`${name} runs`);
        await this.nodes[name].start(this.ha);
        break;
      case 'handover':
        await this.nodes[name].handOver();
        break;
      case 'resume':
        await this.nodes[name].resume();
        this.tell(`${name} takes part as configured again, whatever was handed over`, Date.now());
        break;
    }
  }

  async end(): Promise<void> {
    await this.pair.remove();
  }
}
