/**
 * The real keepalived on a host of a segment: the same virtual router that a plan describes, in keepalived's words.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { VirtualRouterPlan } from '../../src/vip/plan.ts';
import { routerPlan } from '../../src/vip/testing/router-plan.ts';
import { Change } from '../waiting.ts';
import { type Host, needsNamespaces, signal } from './virtual-node.ts';

/**
 * Runs it at real-time priority, as evenkeel runs its vip process: whoever sends adverts is as late as the machine is busy, and
 * late for longer than its peers wait. In its own words this is `vrrp_rt_priority`.
 */
export const PUNCTUAL = ['chrt', '--fifo', '50'] as const;

/** For a test's options: why it cannot run here. What takes this long hangs. */
export const needsKeepalived: { readonly skip: string | false; readonly timeout: number } = {
  skip: needsNamespaces.skip === false ? findObstacle() : needsNamespaces.skip,
  timeout: 240_000,
};

function findObstacle(): string | false {
  const tools = [
    ['keepalived', '--version'],
    ['chrt', '--version'],
    ['tcpdump', '--version'],
    ['tshark', '--version'],
  ];
  const missing = tools.find(([tool, argument]) => spawnSync(tool, [argument], { stdio: 'ignore' }).status !== 0);
  return missing === undefined ? false : `there is no ${missing[0]}`;
}

export type KeepalivedState = 'MASTER' | 'BACKUP' | 'FAULT';

let instances = 0;

export class Keepalived {
  readonly host: Host;
  log = '';
  private readonly child: ChildProcess;
  private readonly exit: Promise<unknown>;
  private readonly change = new Change();
  private isGone = false;

  /** `addition` stands at the end of the instance's block. */
  constructor(host: Host, changes: Partial<VirtualRouterPlan>, addition = '') {
    this.host = host;
    const base = join(host.segment.directory, `keepalived-${instances++}`);
    writeFileSync(`${base}.conf`, keepalivedConfig(routerPlan(changes), addition));
    const files = ['--use-file', `${base}.conf`, '--pid', `${base}.pid`, '--vrrp_pid', `${base}.vrrp.pid`];
    this.child = host.spawn(
      ...PUNCTUAL,
      'keepalived',
      '--dont-fork',
      '--log-console',
      '--log-detail',
      '--vrrp',
      ...files,
    );
    this.exit = once(this.child, 'close');
    this.child.on('close', () => {
      this.isGone = true;
      this.change.wake();
    });
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      stream.on('data', (data: Buffer) => {
        this.log += data.toString();
        this.change.wake();
      });
    }
  }

  /** Resolves when it enters this state, after the `from`th character of its log. */
  async becomes(state: KeepalivedState, from = 0): Promise<void> {
    await this.change.until(
      () => {
        const hasEntered = this.log.slice(from).includes(`Entering ${state} STATE`);
        if (!hasEntered) assert.ok(!this.isGone, `keepalived ended: ${this.log}`);
        return hasEntered;
      },
      () => `keepalived is not ${state}: ${this.log}`,
    );
  }

  /** What it said it is, in order. */
  states(): KeepalivedState[] {
    return Array.from(
      this.log.matchAll(/Entering (MASTER|BACKUP|FAULT) STATE/g),
      ([, state]) => state as KeepalivedState,
    );
  }

  /** Asks it to end: it releases the addresses and says so with priority 0. */
  terminate(): void {
    signal(this.child.pid!, 'SIGTERM');
  }

  async stop(): Promise<void> {
    this.terminate();
    await this.exit;
  }

  /** Both its processes, as if at once: without its child the parent starts another, without its parent the child releases. */
  kill(): void {
    const parent = this.child.pid!;
    const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ').filter(Boolean);
    signal(parent, 'SIGSTOP');
    for (const pid of [...children.map(Number), parent]) signal(pid, 'SIGKILL');
  }
}

function keepalivedConfig(plan: VirtualRouterPlan, addition: string): string {
  const { unicast, source, password } = plan;
  const lines = [
    'state BACKUP',
    `interface ${plan.interfaceName}`,
    `virtual_router_id ${plan.virtualRouterId}`,
    `version ${plan.version}`,
    `priority ${plan.priority}`,
    `advert_int ${plan.intervalUs / 1_000_000}`,
    ...(plan.hasVirtualMac ? ['use_vmac'] : []),
    ...(plan.preempt ? [] : ['nopreempt']),
    ...(source === null ? [] : [`unicast_src_ip ${source}`]),
    // Over IPv6 it would send with the kernel's own hop limit.
    ...(unicast === null ? [] : ['unicast_ttl 255', 'unicast_peer {', ...unicast.peers, '}']),
    ...(password === null ? [] : ['authentication {', 'auth_type PASS', `auth_pass ${password}`, '}']),
    'virtual_ipaddress {',
    ...plan.addresses.map(({ address, prefixLength }) => `${address}/${prefixLength}`),
    '}',
    addition,
  ];
  return `global_defs {\nscript_user root\n}\nvrrp_instance ${plan.name} {\n${lines.join('\n')}\n}\n`;
}
