/** The processes of one evenkeel, and what each of them carries. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { kill } from '../evenkeel.ts';
import { childrenOf, family } from '../family.ts';

export interface Process {
  readonly pid: number;
  readonly kind: 'keeper' | 'proxy';
  /** As it knows itself: in a PID namespace it has another number there. */
  readonly ownPid: number;
}

/** All that descend from this one. */
export function processesBelow(root: number): readonly Process[] {
  return [...family(root)].flatMap((pid): Process[] => {
    const kind = kindOf(pid);
    if (kind === null) return [];
    const ownPid = Number(/^NSpid:.*?(\d+)$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0);
    return [{ pid, kind, ownPid }];
  });
}

/** The proxies of a keeper. */
export function proxiesOf(keeper: number): readonly number[] {
  return childrenOf(keeper).filter((pid) => kindOf(pid) === 'proxy');
}

/** The ports of clients whose connections to one of these ports this process has accepted. */
export function clientsOf(pid: number, ports: readonly number[]): readonly number[] {
  const inodes = new Set<string>();
  for (const descriptor of entries(`/proc/${pid}/fd`)) {
    const inode = /^socket:\[(\d+)\]$/.exec(link(`/proc/${pid}/fd/${descriptor}`))?.[1];
    if (inode !== undefined) inodes.add(inode);
  }
  return connectionsSeenBy(pid, ports).flatMap(({ client, inode }) => (inodes.has(inode) ? [client] : []));
}

interface Connection {
  /** Its port. */
  readonly client: number;
  /** `0` while nobody has accepted it. */
  readonly inode: string;
}

/** A socket of `*` is in the second one. */
export const TABLES = ['tcp', 'tcp6'] as const;

/** Of the network namespace of this process. */
export function tableOf(pid: number, table: (typeof TABLES)[number]): string {
  return `/proc/${pid}/net/${table}`;
}

/** Established in the network namespace of this process, to one of these ports. */
export function connectionsSeenBy(pid: number, ports: readonly number[]): readonly Connection[] {
  return TABLES.flatMap((table) => connectionsIn(read(tableOf(pid, table)), ports));
}

/** proc(5), /proc/net/tcp: sl, local, remote, state, queues, timer, retransmits, uid, timeout, inode. */
export function connectionsIn(table: string, ports: readonly number[]): readonly Connection[] {
  return table
    .split('\n')
    .filter((line) => line.includes(' 01 '))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local]) => ports.includes(portOf(local)))
    .map(([, , remote, , , , , , , inode]) => ({ client: portOf(remote), inode }));
}

/** It accepts nothing more when this returns. */
export function stop(pid: number): void {
  kill(pid, 'SIGSTOP');
  while (!isStopped(pid) && kill(pid, 0));
}

/** Or it has ended. */
function isStopped(pid: number): boolean {
  return /^State:\s+[TZX]/m.test(read(`/proc/${pid}/status`));
}

function kindOf(pid: number): Process['kind'] | null {
  const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
  if (/^evenkeel: proxy |bin\/evenkeel __proxy |main\.js __proxy /.test(command)) return 'proxy';
  return /^evenkeel: run |bin\/evenkeel run /.test(command) ? 'keeper' : null;
}

function portOf(address: string): number {
  return Number.parseInt(address.slice(address.indexOf(':') + 1), 16);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // the process is gone
  }
}

function entries(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
