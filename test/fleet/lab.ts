/**
 * A fleet on one machine: balancers with BIRD beside them, a router with BIRD that has all of their ways to one address at once, and a client behind it,
 * as network namespaces on one switch.
 *
 *     client 10.8.0.1 -- router 10.8.0.254 / 10.9.0.254 -- lb01 10.9.0.1, lb02 10.9.0.2, ...   announced: 192.0.2.10
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '../../src/lab/client.ts';
import { Network } from '../../src/lab/network.ts';
import { HostProcess } from '../../src/lab/processes.ts';
import { program } from '../evenkeel.ts';
import { findProgram, run } from '../peers.ts';
import { until } from '../waiting.ts';

export const ADDRESS = '192.0.2.10';
export const ANNOUNCED = 'anycast';
export const LEAVING = 'leaving';

const ROUTER = 'router';
const CLIENT = 'client';
const ROUTER_AS = 65_100;
const NODE_AS = 65_001;

export interface FleetOptions {
  readonly nodes: readonly string[];
  /** Sessions end within a second when a node, or the way to it, is gone. Else by their hold time. */
  readonly hasBfd?: boolean;
  /** Seconds. */
  readonly holdTime?: number;
  /** Who says where the address is. Without it evenkeel, by BIRD. `bird`: BIRD alone, whatever serves there. `static`: nobody, the router has a route. */
  readonly by?: 'evenkeel' | 'bird' | 'static';
}

/** The part of an operator's bird.conf that has to do with evenkeel: docs/fleet.md. */
export const EXPORT = `filter announced {
  if ifname = "${LEAVING}" then bgp_community.add((65535, 0));
  accept;
}`;

export class Fleet {
  readonly network: Network;
  readonly nodes: readonly string[];
  private readonly options: FleetOptions;
  private readonly birds = new Map<string, HostProcess>();

  static async create(options: FleetOptions): Promise<Fleet> {
    const network = await Network.create();
    const fleet = new Fleet(network, options);
    try {
      await fleet.setUp();
    } catch (error) {
      await network.remove();
      throw error;
    }
    return fleet;
  }

  private constructor(network: Network, options: FleetOptions) {
    this.network = network;
    this.options = options;
    this.nodes = options.nodes;
  }

  /** The control socket of that host's BIRD. */
  birdSocket(host: string): string {
    return join(this.network.directory, `${host}.ctl`);
  }

  addressOf(node: string): string {
    return `10.9.0.${this.nodes.indexOf(node) + 1}`;
  }

  /** Those that the kernel of the router sends packets for the address to. */
  async ways(): Promise<readonly string[]> {
    const text = await this.network.ip(ROUTER, ['-j', 'route', 'show', ADDRESS]);
    const routes = JSON.parse(text || '[]') as { gateway?: string; nexthops?: { gateway: string }[] }[];
    const gateways = new Set(
      routes.flatMap(({ gateway, nexthops }) => nexthops?.map((each) => each.gateway) ?? gateway ?? []),
    );
    return this.nodes.filter((node) => gateways.has(this.addressOf(node)));
  }

  /** Resolves when these are all of them: after how many milliseconds. */
  async hasWays(...nodes: string[]): Promise<number> {
    let now: readonly string[] = [];
    return until(
      async () => {
        now = await this.ways();
        return now.join() === nodes.join();
      },
      () => `the ways are ${now.join()}, and not ${nodes.join()}\n${this.birds.get(ROUTER)?.output}`,
    );
  }

  /** What birdc says. */
  bird(host: string, ...question: string[]): string {
    return spawnSync(findProgram('birdc')!, ['-s', this.birdSocket(host), ...question], { encoding: 'utf8' }).stdout;
  }

  /** Who answers a request from behind the router; null: nobody within a second. */
  async ask(): Promise<string | null> {
    const inside = ['netns', 'exec', this.network.namespace(CLIENT)];
    const { code, stdout } = await run('ip', [...inside, 'curl', '-s', '--max-time', '1', `http://${ADDRESS}/`]);
    return code === 0 ? stdout.trim() : null;
  }

  startClient(intervalMs: number, deadlineMs: number): Client {
    return new Client({
      namespace: this.network.namespace(CLIENT),
      program: [process.execPath, program],
      address: ADDRESS,
      port: 80,
      intervalMs,
      deadlineMs,
    });
  }

  /** Starts BIRD, as it is after a boot of that host. */
  async startBird(host: string): Promise<void> {
    const file = join(this.network.directory, `${host}.conf`);
    writeFileSync(file, host === ROUTER ? this.routerConfig() : this.nodeConfig(host));
    const args = ['-f', '-c', file, '-s', this.birdSocket(host), '-P', `${file}.pid`];
    const bird = new HostProcess(this.network.namespace(host), [findProgram('bird')!, ...args]);
    this.birds.set(host, bird);
    await until(
      () => this.bird(host, 'show', 'status').includes('up and running'),
      () => `BIRD does not answer on ${host}: ${bird.output}`,
    );
  }

  birdOf(host: string): HostProcess {
    return this.birds.get(host)!;
  }

  async remove(): Promise<void> {
    await this.network.remove();
  }

  private async setUp(): Promise<void> {
    const { network, nodes } = this;
    await network.addHosts({
      [ROUTER]: ['10.9.0.254/24', '10.8.0.254/24'],
      [CLIENT]: ['10.8.0.1/24'],
      ...Object.fromEntries(nodes.map((node) => [node, [`${this.addressOf(node)}/24`]])),
    });
    await network.ip(CLIENT, ['route', 'add', 'default', 'via', '10.8.0.254']);
    await this.set(ROUTER, { 'net.ipv4.ip_forward': 1, 'net.ipv4.fib_multipath_hash_policy': 1 });
    await this.set(ROUTER, { 'net.ipv4.conf.all.send_redirects': 0, 'net.ipv4.conf.eth0.send_redirects': 0 });
    for (const node of nodes) {
      await network.ip(node, ['route', 'add', 'default', 'via', '10.9.0.254']);
      for (const name of [ANNOUNCED, LEAVING]) await this.addInterface(node, name);
      if (this.isForGood) await network.ip(node, ['address', 'add', `${ADDRESS}/32`, 'dev', ANNOUNCED]);
    }
    if (this.options.by === 'static') return this.addStaticRoute();
    for (const host of [ROUTER, ...nodes]) await this.startBird(host);
  }

  private async addStaticRoute(): Promise<void> {
    const ways = this.nodes.flatMap((node) => ['nexthop', 'via', this.addressOf(node)]);
    await this.network.ip(ROUTER, ['route', 'add', ADDRESS, ...ways]);
  }

  private async set(host: string, settings: Readonly<Record<string, number>>): Promise<void> {
    const all = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
    const { code, stderr } = await run('ip', ['netns', 'exec', this.network.namespace(host), 'sysctl', '-qw', ...all]);
    assert.equal(code, 0, stderr);
  }

  /** Of type dummy; where the kernel has none a bridge without ports does the same. */
  private async addInterface(node: string, name: string): Promise<void> {
    const { network } = this;
    await network
      .ip(node, ['link', 'add', name, 'type', 'dummy'])
      .catch(async () => network.ip(node, ['link', 'add', name, 'type', 'bridge']));
    await network.ip(node, ['link', 'set', name, 'up']);
  }

  private nodeConfig(node: string): string {
    return `
router id ${this.addressOf(node)};
protocol device { }
protocol direct { ipv4; interface "${ANNOUNCED}", "${LEAVING}"; }
${this.bfd}
${EXPORT}
protocol bgp edge {
  local ${this.addressOf(node)} as ${NODE_AS};
  neighbor 10.9.0.254 as ${ROUTER_AS};
  ${this.session}
  ipv4 { import none; export filter announced; next hop self; };
}
`;
  }

  private routerConfig(): string {
    const sessions = this.nodes.map(
      (node) => `
protocol bgp ${node} {
  local 10.9.0.254 as ${ROUTER_AS};
  neighbor ${this.addressOf(node)} as ${NODE_AS};
  ${this.session}
  ipv4 {
    import filter {
      if (65535, 0) ~ bgp_community then { print "graceful shutdown of ${node}"; bgp_local_pref = 0; }
      accept;
    };
    export none;
  };
}`,
    );
    return `
log stderr all;
router id 10.9.0.254;
protocol device { }
protocol kernel { merge paths on; ipv4 { import none; export all; }; }
${this.bfd}
${sessions.join('\n')}
`;
  }

  /** The address is on each node, whatever happens. */
  private get isForGood(): boolean {
    const { by = 'evenkeel' } = this.options;
    return by !== 'evenkeel';
  }

  private get bfd(): string {
    return this.options.hasBfd === true ? 'protocol bfd { interface "eth0" { interval 200 ms; multiplier 4; }; }' : '';
  }

  private get session(): string {
    const { hasBfd = false, holdTime = 90 } = this.options;
    return `hold time ${holdTime}; connect delay time 1; connect retry time 2; error wait time 1, 2; ${hasBfd ? 'bfd on;' : ''}`;
  }
}
