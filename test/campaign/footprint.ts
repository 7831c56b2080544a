/** What the processes of one evenkeel take: memory and descriptors, as /proc tells. */
import { readdirSync, readFileSync } from 'node:fs';

export interface Footprint {
  readonly keeperKib: number;
  /** Of the largest one. */
  readonly proxyKib: number;
  readonly keeperDescriptors: number;
  /** Of all together. */
  readonly proxyDescriptors: number;
}

export function footprint(keeper: number, proxies: readonly number[]): Footprint {
  return {
    keeperKib: residentKib(keeper),
    proxyKib: Math.max(...proxies.map(residentKib)),
    keeperDescriptors: descriptors(keeper),
    proxyDescriptors: proxies.reduce((sum, pid) => sum + descriptors(pid), 0),
  };
}

function residentKib(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

function descriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
