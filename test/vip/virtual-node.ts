/**
 * Nodes on a segment, for tests as root: a bridge and its hosts, each in a network namespace of its own, and on the hosts
 * the real vip process under the real keeper's half (node.ts). Everything is gone when the test is over.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { OwnerView } from '../../src/api/virtual-routers.ts';
import type { ServingVerdict } from '../../src/core/vrrp/occupant.ts';
import type { Evidence } from '../../src/core/vrrp/observer.ts';
import { killAtOnce } from '../../src/lab/processes.ts';
import type { Verdict } from '../../src/vip/messages.ts';
import type { VipPlan, VirtualRouterPlan } from '../../src/vip/plan.ts';
import type { RestraintChange, RoleChange, RouterStatus } from '../../src/vip/status.ts';
import { routerPlan } from '../../src/vip/testing/router-plan.ts';
import { Change, until } from '../waiting.ts';

export type NodeCommand =
  | Verdict
  | { readonly type: 'hand-over' | 'resume'; readonly router: string }
  | { readonly type: 'serving'; readonly router: string; readonly verdict: ServingVerdict }
  /** From now on no vip process lives. */
  | { readonly type: 'apply'; readonly plan: VipPlan }
  | { readonly type: 'break'; readonly isBroken: boolean }
  | { readonly type: 'status' | 'stop' | 'kill' };

export type NodeMessage =
  | { readonly type: 'started' | 'applied' }
  | { readonly type: 'change'; readonly change: RoleChange }
  | { readonly type: 'evidence'; readonly router: string; readonly evidence: Evidence }
  | { readonly type: 'restraint'; readonly change: RestraintChange }
  | { readonly type: 'ask-serving'; readonly router: string }
  | NodeStatus;

export interface NodeStatus {
  readonly type: 'status';
  readonly status: readonly RouterStatus[];
  readonly process: OwnerView;
}

/** For a test's options: why it cannot run here. What takes this long hangs. */
export const needsNamespaces: { readonly skip: string | false; readonly timeout: number } = {
  skip: findObstacle(),
  timeout: 180_000,
};

/** The same for what is judged by tcpdump. */
export const needsTcpdump: typeof needsNamespaces = {
  ...needsNamespaces,
  skip: needsNamespaces.skip || (spawnSync('tcpdump', ['--version']).error === undefined ? false : 'needs tcpdump'),
};

function findObstacle(): string | false {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0) return 'needs root, for network namespaces';
  const name = `ek${process.pid}probe`;
  const made = spawnSync('ip', ['netns', 'add', name]);
  if (made.status !== 0)
    return `needs network namespaces: ${made.stderr?.toString().trim() ?? 'there is no ip command'}`;
  spawnSync('ip', ['netns', 'delete', name]);
  return false;
}

let segments = 0;

/** A bridge without snooping, so that it is known who hears what. */
export class Segment {
  readonly directory: string;
  private readonly t: Pick<TestContext, 'after'>;
  private readonly prefix: string;
  /** The namespace that the switch is in. */
  readonly bridge: string;
  private readonly hosts: Host[] = [];
  private readonly unplugged = new Set<string>();

  constructor(t: Pick<TestContext, 'after'>) {
    this.t = t;
    this.prefix = `ek${process.pid}-${segments++}`;
    this.bridge = `${this.prefix}-sw`;
    this.directory = mkdtempSync(join(tmpdir(), 'evenkeel-vip-'));
    ip('netns', 'add', this.bridge);
    t.after(async () => {
      // Processes first: one that lives writes into the directory again.
      for (const host of this.hosts) await host.remove();
      ip('netns', 'delete', this.bridge);
      rmSync(this.directory, { recursive: true, force: true });
    });
    ip('-n', this.bridge, 'link', 'add', 'br0', 'type', 'bridge', 'mcast_snooping', '0');
    ip('-n', this.bridge, 'link', 'set', 'br0', 'up');
  }

  /** A host whose `eth0` has 192.168.15.`number`, and no duplicate address detection to wait for. */
  host(number: number): Host {
    const name = `${this.prefix}-${number}`;
    ip('netns', 'add', name);
    const host = new Host(this.t, this, name, `p${this.hosts.length}`, number);
    this.hosts.push(host);
    return host;
  }

  connect(namespace: string, port: string, address: string): void {
    ip('-n', this.bridge, 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
    ip('-n', this.bridge, 'link', 'set', port, 'master', 'br0', 'up');
    ip('netns', 'exec', namespace, 'sysctl', '-qw', 'net.ipv6.conf.eth0.accept_dad=0');
    ip('-n', namespace, 'link', 'set', 'lo', 'up');
    ip('-n', namespace, 'address', 'add', address, 'dev', 'eth0');
    ip('-n', namespace, 'link', 'set', 'eth0', 'up');
  }

  isPlugged(port: string): boolean {
    return !this.unplugged.has(port);
  }

  /** Cuts the cable at the bridge's end: the host loses its carrier. Or plugs it in again. */
  setPort(port: string, isUp: boolean): void {
    if (isUp) this.unplugged.delete(port);
    else this.unplugged.add(port);
    ip('-n', this.bridge, 'link', 'set', port, isUp ? 'up' : 'down');
  }
}

export class Host {
  readonly name: string;
  readonly port: string;
  readonly segment: Segment;
  readonly address: string;
  private readonly t: Pick<TestContext, 'after'>;
  private readonly running = new Set<ChildProcess>();

  constructor(t: Pick<TestContext, 'after'>, segment: Segment, name: string, port: string, number: number) {
    this.t = t;
    this.segment = segment;
    this.name = name;
    this.port = port;
    this.address = `192.168.15.${number}`;
    segment.connect(name, port, `${this.address}/24`);
  }

  /** Ends everything on it; to be called once, at the end. */
  async remove(): Promise<void> {
    for (const pid of ip('netns', 'pids', this.name).split('\n').filter(Boolean)) signal(Number(pid), 'SIGKILL');
    await until(() => this.running.size === 0);
    ip('netns', 'delete', this.name);
  }

  /** Starts a program in the namespace. */
  spawn(command: string, ...args: readonly string[]): ChildProcess {
    const child = spawn('ip', ['netns', 'exec', this.name, command, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.running.add(child);
    child.on('close', () => this.running.delete(child));
    return child;
  }

  /** Runs a program in the namespace; its output. */
  run(command: string, ...args: readonly string[]): string {
    return execFileSync('ip', ['netns', 'exec', this.name, command, ...args], { stdio: 'pipe' }).toString();
  }

  ip(...args: readonly string[]): string {
    return ip('-n', this.name, ...args);
  }

  /** Whether somebody there answers: that nothing listens on the discard port. */
  reaches(address: string): boolean {
    const script = `: < /dev/tcp/${address}/9`;
    const { stderr } = spawnSync('ip', ['netns', 'exec', this.name, 'timeout', '2', 'bash', '-c', script]);
    return stderr.toString().includes('refused');
  }

  /** Of eth0. */
  get mac(): string {
    return this.run('cat', '/sys/class/net/eth0/address').trim();
  }

  sysctl(name: string): string {
    return this.run('cat', `/proc/sys/${name}`).trim();
  }

  /** Links whose neighbours see that they have the address, with what the kernel says of it. */
  find(address: string): AddressInfo[] {
    const links = JSON.parse(ip('-n', this.name, '-json', '-details', 'address', 'show')) as LinkInfo[];
    const found: AddressInfo[] = [];
    for (const { ifname, addr_info } of links) {
      if (ifname === 'lo') continue;
      for (const info of addr_info ?? []) if (info.local === address) found.push({ ...info, link: ifname });
    }
    return found;
  }

  has(address: string): boolean {
    return this.find(address).length > 0;
  }

  /** Starts a node with this plan. */
  async start(plan: VipPlan): Promise<VirtualNode> {
    const node = new VirtualNode(this, plan);
    this.t.after(() => node.kill());
    await node.told((message) => message.type === 'started');
    return node;
  }
}

interface LinkInfo {
  readonly ifname: string;
  readonly addr_info?: readonly AddressInfo[];
}

export interface AddressInfo {
  readonly link: string;
  readonly local: string;
  readonly prefixlen: number;
  readonly valid_life_time: number;
  readonly protocol?: string;
}

let nodes = 0;

export class VirtualNode {
  readonly host: Host;
  readonly keeper: ChildProcess;
  readonly exit: Promise<number | string>;
  readonly messages: NodeMessage[] = [];
  log = '';
  private readonly change = new Change();
  private isGone = false;

  constructor(host: Host, plan: VipPlan) {
    this.host = host;
    const { directory } = host.segment;
    const file = join(directory, `plan-${nodes++}.json`);
    writeFileSync(file, JSON.stringify(plan));
    const script = fileURLToPath(new URL('node.js', import.meta.url));
    this.keeper = host.spawn(process.execPath, script, file, join(directory, 'run'));
    this.exit = once(this.keeper, 'close').then(([code, signal]) => (code ?? signal) as number | string);
    this.keeper.on('close', () => {
      this.isGone = true;
      this.change.wake();
    });
    createInterface(this.keeper.stdout!).on('line', (line) => {
      this.messages.push(JSON.parse(line) as NodeMessage);
      this.change.wake();
    });
    this.keeper.stderr!.on('data', (data: Buffer) => {
      this.log += data.toString();
      this.change.wake();
    });
  }

  send(command: NodeCommand): void {
    this.keeper.stdin!.write(`${JSON.stringify(command)}\n`);
  }

  /** Resolves with the first message from the `from`th on that is as wanted. */
  async told(isWanted: (message: NodeMessage) => boolean, from = 0): Promise<NodeMessage> {
    let i = from;
    await this.change.until(
      () => {
        for (; i < this.messages.length; i++) if (isWanted(this.messages[i])) return true;
        assert.ok(!this.isGone, `it ended: ${this.log}`);
        return false;
      },
      () => `${isWanted.toString()}; it told ${JSON.stringify(this.messages.slice(from))}\n${this.log}`,
    );
    return this.messages[i];
  }

  /** Resolves when it has logged this. */
  async logged(pattern: RegExp): Promise<void> {
    await this.change.until(
      () => {
        const hasLogged = pattern.test(this.log);
        if (!hasLogged) assert.ok(!this.isGone, `it ended: ${this.log}`);
        return hasLogged;
      },
      () => `it did not log ${pattern}: ${this.log}`,
    );
  }

  /** Resolves when a router, the only one if not named, becomes this from the `from`th message on. */
  async becomes(state: RoleChange['to'], router?: string, from = 0): Promise<RoleChange> {
    const isIt = (message: NodeMessage): boolean =>
      message.type === 'change' &&
      message.change.to === state &&
      (router ?? message.change.router) === message.change.router;
    const message = await this.told(isIt, from);
    assert.ok(message.type === 'change');
    return message.change;
  }

  /** Resolves when it goes by this plan. */
  async apply(plan: VipPlan): Promise<void> {
    const from = this.messages.length;
    this.send({ type: 'apply', plan });
    await this.told(({ type }) => type === 'applied', from);
  }

  changes(): RoleChange[] {
    return this.messages.flatMap((message) => (message.type === 'change' ? [message.change] : []));
  }

  async status(): Promise<NodeStatus> {
    const from = this.messages.length;
    this.send({ type: 'status' });
    const message = await this.told(({ type }) => type === 'status', from);
    assert.ok(message.type === 'status');
    return message;
  }

  /** Resolves when its only router has sent so many more adverts. */
  async sends(adverts: number): Promise<void> {
    await this.counts((router) => router.adverts.sent, adverts);
  }

  /** Resolves when its only router has believed so many more adverts. */
  async hears(adverts: number): Promise<void> {
    await this.counts((router) => router.adverts.accepted, adverts);
  }

  private async counts(countOf: (router: RouterStatus) => number, more: number): Promise<void> {
    const count = async (): Promise<number> => countOf((await this.status()).status[0]);
    const from = await count();
    while ((await count()) < from + more) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /** The process that owns the addresses now. */
  async vipPid(): Promise<number> {
    return (await this.status()).process.pid;
  }

  async stop(): Promise<void> {
    this.send({ type: 'stop' });
    await this.exit;
  }

  /** All its processes at once: else the owner of the addresses would hand over between the keeper's death and its own. */
  kill(): void {
    if (this.isGone) return;
    // From here on it starts no other one.
    signal(this.keeper.pid!, 'SIGSTOP');
    killAtOnce([this.keeper.pid!, ...this.children()]);
  }

  /** The vip processes that live. */
  children(): number[] {
    // `ip netns exec` is replaced by the program: its process is the keeper's.
    const keeper = this.keeper.pid!;
    const children = readFileSync(`/proc/${keeper}/task/${keeper}/children`, 'utf8').trim();
    return children.split(' ').filter(Boolean).map(Number);
  }
}

export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It is gone.
  }
}

export function ip(...args: readonly string[]): string {
  return execFileSync('ip', args, { stdio: 'pipe' }).toString();
}

export function planOf(changes: Partial<VirtualRouterPlan> = {}): VipPlan {
  return { routers: [routerPlan(changes)] };
}
