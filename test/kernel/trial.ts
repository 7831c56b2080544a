/**
 * One trial of a pair in kernel mode: sessions are opened, something happens to the balancer that carries them, and each has to go on; then
 * the balancer comes back, and each has to go on once more. At some time a server may come or go.
 */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestContext } from 'node:test';
import { killAtOnce, processesIn, signalAll } from '../../src/lab/processes.ts';
import { identityIn } from '../../src/keeper/peers/identity.ts';
import type { KeptView } from '../../src/api/data-plane.ts';
import { EvenkeelHost, stateOf } from '../vip/evenkeel-host.ts';
import { WAIT_MS } from '../waiting.ts';
import { ADDRESS, build, CLIENT_ADDRESS, GATEWAY, type Place } from './place.ts';
import { ECHO_PORT } from './echo.ts';
import { MARIADB_PORT, type RealKind, type RealServer, RealServers, type RealSession, SSH_PORT } from './real.ts';

export const EVENTS = ['kill -9', 'freeze', 'link cut', 'clean stop', 'hand-over', 'kill -9 twice'] as const;
export type TrialEvent = (typeof EVENTS)[number];

/** Of a server: it dies with its sessions; it takes nobody new, and keeps whom it has; it comes to those that are there. */
export const CHANGES = ['dies', 'refuses', 'comes'] as const;
/** Sessions are opened before it and after it. `before` the balancer's event, or `between` that and its return. */
export interface ServerChange {
  readonly what: (typeof CHANGES)[number];
  readonly when: 'before' | 'between';
}

export interface TrialResult {
  readonly event: TrialEvent;
  readonly change: ServerChange | null;
  readonly sessions: number;
  /** Of a server that has died. */
  readonly ended: number;
  /** What they were. */
  readonly lost: readonly string[];
}

export interface TrialOptions {
  /** Plain ones. */
  readonly connections: number;
  /** Of each kind of real ones; 0: there are none, nor their servers. */
  readonly real: number;
  /** What is waited for until a session is lost. */
  readonly patienceMs: number;
  readonly advertiseMs: number;
  readonly forward: 'nat' | 'dsr';
}

const REAL: readonly (readonly ['ssh' | 'mariadb', RealKind])[] = [
  ['ssh', 'waits'],
  ['ssh', 'speaks'],
  ['ssh', 'downloads'],
  ['ssh', 'uploads'],
  ['mariadb', 'waits'],
  ['mariadb', 'speaks'],
  ['mariadb', 'downloads'],
];
const SERVERS = [11, 12, 13];
/** The one that changes. */
const LAST = 2;
const BALANCERS = { lb01: 5, lb02: 6 } as const;
type Balancer = keyof typeof BALANCERS;

export class Trials {
  private readonly options: TrialOptions;
  private readonly place: Place;
  private readonly real: RealServers | null;
  private readonly realServers: RealServer[] = [];
  private readonly nodes = new Map<Balancer, EvenkeelHost>();
  private readonly peers: string;
  private sessions: RealSession[] = [];
  /** Of those of this trial: the first plain one. */
  private first = 0;

  static async create(t: Pick<TestContext, 'after'>, options: TrialOptions): Promise<Trials> {
    const place = await build(t, Object.values(BALANCERS), SERVERS, { isDirect: options.forward === 'dsr' });
    const trials = new Trials(place, options);
    await trials.start();
    return trials;
  }

  private constructor(place: Place, options: TrialOptions) {
    this.place = place;
    this.options = options;
    const nodes = Object.entries(BALANCERS).map(([name, number], i) => {
      const state = stateOf(place.hosts[i], name);
      mkdirSync(state, { recursive: true });
      return `  ${name}: { address: "10.9.2.${number}:7946", fingerprint: "${identityIn(state).fingerprint}" }\n`;
    });
    this.peers = `peers:\n${nodes.join('')}`;
    this.real = options.real === 0 ? null : new RealServers(place.segment.directory);
  }

  /** What each event is followed by: the first balancer comes back and takes its addresses. */
  async run(event: TrialEvent, change: ServerChange | null): Promise<TrialResult> {
    const { client } = this.place;
    this.first = client.servers.length;
    if (change?.what === 'comes') await this.serverIs('down', 'refuse');
    await this.open();
    if (change?.when === 'before') await this.change(change.what);
    await this.strike(event);
    const lost = new Set<string>();
    await this.check(lost, 0);
    if (change?.when === 'between') await this.change(change.what);
    await this.back(event);
    await this.check(lost, 1);
    if (event === 'kill -9 twice') {
      await this.strike('kill -9');
      await this.check(lost, 2);
      await this.back('kill -9');
      await this.check(lost, 3);
    }
    const isEnded = (server: string): boolean => change?.what === 'dies' && server === `server-${SERVERS[LAST]}`;
    const plain = client.servers.slice(this.first);
    const all = [...plain.map((server) => ({ server })), ...this.sessions];
    const result = {
      event,
      change,
      sessions: all.length,
      ended: all.filter(({ server }) => isEnded(server)).length,
      lost: [...lost].filter((one) => !isEnded(one.slice(one.lastIndexOf(' ') + 1))),
    };
    this.sessions.forEach((session) => session.end());
    this.sessions = [];
    if (change !== null && change.what !== 'comes') await this.restore(change.what);
    return result;
  }

  // --- what happens ---

  private async start(): Promise<void> {
    if (this.real !== null) {
      for (const [i, host] of this.place.serverHosts.entries()) {
        this.realServers.push(await this.real.start(host, SERVERS[i]));
      }
    }
    await this.startNode('lb01');
    await this.node('lb01').is('active');
    await this.startNode('lb02');
    await this.node('lb02').is('backup');
    await this.areLinked();
  }

  /** What is told over the link takes a moment; so it does before anything happens to anybody. */
  private async areLinked(): Promise<void> {
    for (const node of this.nodes.values()) {
      await node.eventually(async () => {
        const { peers } = await node.ask<Status>('GET', '/v1/status');
        return peers.peers[0].isUp;
      }, 'is not linked');
    }
  }

  /** The node in charge has looked at all that was opened, and those that are there know as much. */
  private async isTold(): Promise<void> {
    const openedMs = performance.now();
    const nodes = [...this.nodes.values()].filter((node) => this.isReachable(node));
    const [first] = nodes;
    await first.eventually(async () => {
      const askedMs = performance.now();
      const statuses = await Promise.all(nodes.map((node) => node.ask<Status>('GET', '/v1/status')));
      return statuses[0].listeners.every((_, i) => {
        const all = statuses.map(({ listeners }) => listeners[i].kept[0]);
        const active = all.find(({ isInCharge }) => isInCharge);
        if (active === undefined || active.lookedAgeMs === null) return false;
        const isLooked = active.lookedAgeMs === 0 || askedMs - active.lookedAgeMs > openedMs;
        return isLooked && all.every(({ exceptions }) => exceptions === active.exceptions);
      });
    }, 'has not told its peer');
  }

  private async startNode(name: Balancer): Promise<void> {
    const host = this.place.hosts[name === 'lb01' ? 0 : 1];
    const node = new EvenkeelHost(host, name, this.yaml(), undefined, [], this.nodes.get(name) ?? null);
    this.nodes.set(name, node);
    await node.said(/ready: /);
  }

  private node(name: Balancer): EvenkeelHost {
    return this.nodes.get(name)!;
  }

  private async strike(event: TrialEvent): Promise<void> {
    await this.isTold();
    const [host] = this.place.hosts;
    const node = this.node('lb01');
    switch (event) {
      case 'kill -9':
      case 'kill -9 twice':
        killAtOnce(processesIn(host.name));
        break;
      case 'freeze':
        // As a machine that is not scheduled: its kernel forwards no more either.
        signalAll(processesIn(host.name), 'SIGSTOP');
        this.place.segment.setPort(host.port, false);
        break;
      case 'link cut':
        this.place.segment.setPort(host.port, false);
        break;
      case 'clean stop':
        await node.stop();
        break;
      case 'hand-over':
        await node.ask('POST', '/v1/routers/VI_1/hand-over');
    }
    await this.node('lb02').is('active');
  }

  private async back(event: TrialEvent): Promise<void> {
    await this.isTold();
    const [host] = this.place.hosts;
    switch (event) {
      case 'kill -9':
      case 'kill -9 twice':
      case 'clean stop':
        await this.startNode('lb01');
        break;
      case 'freeze':
        this.place.segment.setPort(host.port, true);
        signalAll(processesIn(host.name), 'SIGCONT');
        break;
      case 'link cut':
        this.place.segment.setPort(host.port, true);
        break;
      case 'hand-over':
        await this.node('lb01').ask('POST', '/v1/routers/VI_1/resume');
    }
    await this.node('lb01').is('backup');
    // what has come to be known meanwhile it knows before it takes the addresses back
    await this.areLinked();
    await this.isTold();
    await this.node('lb02').ask('POST', '/v1/routers/VI_1/hand-over');
    await this.node('lb01').is('active');
    await this.node('lb02').is('backup');
    await this.node('lb02').ask('POST', '/v1/routers/VI_1/resume');
  }

  private async change(what: ServerChange['what']): Promise<void> {
    if (what === 'dies') {
      const { name } = this.place.serverHosts[LAST];
      killAtOnce(processesIn(name));
      await this.allSee('down');
    } else await this.serverIs(what === 'comes' ? 'up' : 'down', what === 'comes' ? 'accept' : 'refuse');
    await this.open();
  }

  private async serverIs(state: 'up' | 'down', order: string): Promise<void> {
    this.place.servers[LAST].tell(order);
    await this.allSee(state);
  }

  /** Every node that runs and can. */
  private async allSee(state: 'up' | 'down'): Promise<void> {
    for (const node of this.nodes.values()) {
      if (!this.isReachable(node)) continue;
      await node.eventually(async () => {
        const { upstreams } = await node.ask<Status>('GET', '/v1/status');
        return upstreams[0].servers[LAST].state === state;
      }, `does not see the server ${state}`);
    }
  }

  private isReachable({ child, host }: EvenkeelHost): boolean {
    return child.exitCode === null && child.signalCode === null && this.place.segment.isPlugged(host.port);
  }

  private async restore(what: ServerChange['what']): Promise<void> {
    assert.equal(what, 'refuses', 'a server that has died is not started again');
    await this.serverIs('up', 'accept');
  }

  // --- sessions ---

  private async open(): Promise<void> {
    const { client, outside } = this.place;
    await client.open(ADDRESS, this.options.connections, CLIENT_ADDRESS);
    if (this.real === null) return;
    const opened: RealSession[] = [];
    for (let i = 0; i < this.options.real; i++) {
      for (const [program, kind] of REAL) {
        const isSsh = program === 'ssh' || kind === 'uploads';
        opened.push(
          isSsh ? this.real.ssh(outside, kind, ADDRESS) : this.real.mariadb(outside, kind, ADDRESS, this.realServers),
        );
      }
    }
    for (const session of opened) await session.greeted();
    this.sessions.push(...opened);
  }

  /** Of one server those speak first that can, and of the others their clients do. */
  private async check(lost: Set<string>, round: number): Promise<void> {
    const { client, servers } = this.place;
    servers[round % servers.length].tell('push');
    const { length } = client.lines;
    const said = client.say();
    this.sessions.forEach((session) => session.goOn());
    const deadline = performance.now() + this.options.patienceMs;
    const missing = (): string[] => {
      const heard = new Set<number>();
      for (const line of client.lines.slice(length))
        if (line.endsWith(` ${said}`)) heard.add(Number.parseInt(line, 10));
      const plain = client.servers
        .map((server, id) => ({ server, id }))
        .filter(({ id }) => id >= this.first && !heard.has(id))
        .map(({ server, id }) => `connection ${id} of ${server}`);
      const real = this.sessions.filter((session) => !session.hasGoneOn);
      return [...plain, ...real.map((session) => `${session.what} of ${session.server}`)];
    };
    while (missing().length > 0 && performance.now() < deadline) await sleep(50);
    for (const one of missing()) lost.add(one);
  }

  private yaml(): string {
    const bind = (port: number): string =>
      `bind: "${ADDRESS}:${port}", protocol: tcp, mode: kernel, forward: ${this.options.forward}`;
    const real =
      this.real === null
        ? ['', '']
        : [
            `  ssh: { ${bind(SSH_PORT)}, upstream: ssh }\n  mariadb: { ${bind(MARIADB_PORT)}, upstream: mariadb }\n`,
            `  ssh: ${upstream(SSH_PORT, 'ssh: true')}\n  mariadb: ${upstream(MARIADB_PORT, 'mysql: evenkeel')}\n`,
          ];
    return `
listeners:
  echo: { ${bind(ECHO_PORT)}, upstream: echo }
${real[0]}upstreams:
  echo: ${upstream(ECHO_PORT, 'tcp: true')}
${real[1]}ha:
  VI_1:
    interface: eth0
    router-id: 51
    priority: { lb01: 150, lb02: 100 }
    preempt: false
    advertise: ${this.options.advertiseMs}ms
    addresses: [ "${ADDRESS}/24", "${GATEWAY}/24" ]
    track: [ { interface: eth0 } ]
${this.peers}`;
  }
}

function upstream(port: number, health: string): string {
  const servers = SERVERS.map((number) => `"10.9.2.${number}:${port}"`).join(', ');
  return `{ servers: [${servers}], health: { ${health}, interval: 300ms, timeout: 2s, retry-after: 100ms, rise: 1, fall: 2 } }`;
}

interface Status {
  readonly listeners: readonly { readonly kept: readonly KeptView[] }[];
  readonly peers: { readonly peers: readonly { readonly isUp: boolean }[] };
  readonly upstreams: readonly { readonly servers: readonly { readonly state: string }[] }[];
}

/** Two trials, in which nothing is lost: plain sessions, and `real` of each kind of real ones. */
export async function assertGoOn(t: TestContext, real: number): Promise<void> {
  const plain = 20;
  const trials = await Trials.create(t, {
    connections: plain,
    real,
    patienceMs: WAIT_MS,
    advertiseMs: 300,
    forward: 'nat',
  });
  for (const [event, change] of [
    ['kill -9', { what: 'comes', when: 'before' }],
    ['link cut', { what: 'refuses', when: 'between' }],
  ] as const) {
    const { sessions, lost } = await trials.run(event, change);
    assert.equal(sessions, 2 * (plain + real * REAL.length));
    assert.deepEqual(lost, [], event);
  }
}
