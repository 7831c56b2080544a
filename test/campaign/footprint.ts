/** What the processes of one evenkeel take: memory and descriptors, as /proc tells, and buffers, as it tells itself. */
import { readdirSync, readFileSync } from 'node:fs';
import type { StatusDocument } from '../../src/api/status.ts';
import { family } from '../family.ts';

export interface Footprint {
  readonly keeperKib: number;
  /** Of the largest one. */
  readonly proxyKib: number;
  readonly keeperDescriptors: number;
  /** Of the one with most. */
  readonly proxyDescriptors: number;
  /** Buffers in use, of all proxies. */
  readonly slots: number;
  /** Processes that are, or descend from, the one that was started. */
  readonly processes: number;
}

/** Of the program in charge, which has told this of itself. `first`: the process that was started. */
export function footprint({ pid, proxies }: StatusDocument, first: number): Footprint {
  const pids = proxies.map((proxy) => proxy.pid).filter((each) => each > 0);
  const slots = proxies.map(({ memory }) =>
    memory === null ? 0 : memory.large + memory.small + memory.medium + memory.head,
  );
  return {
    keeperKib: residentKib(pid),
    proxyKib: Math.max(...pids.map(residentKib)),
    keeperDescriptors: descriptors(pid),
    proxyDescriptors: Math.max(...pids.map(descriptors)),
    slots: slots.reduce((sum, count) => sum + count, 0),
    processes: [...family(first)].length,
  };
}

function residentKib(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

function descriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
