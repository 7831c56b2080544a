/**
 * Which transport the proxies run on. Decided once, by the keeper, so that all proxies run on the same; by trying it, since
 * kernel version, sysctl, seccomp filter and container runtime each may forbid io_uring in their own way.
 */
import { spawn } from 'node:child_process';
import { LARGE_SLOTS, SMALL_SLOTS } from './base/limits.ts';
import type { Transport } from './port/transport.ts';

export type EngineName = 'uring' | 'node';

export interface EngineChoice {
  readonly engine: EngineName;
  /** `uring`, or `node because io_uring is disabled by ...`. */
  readonly text: string;
}

/** The engine that was asked for cannot run here. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
}

/** Imported only by the process that uses it: the other engine's code is never loaded. */
export async function createTransport(engine: EngineName): Promise<Transport> {
  if (engine === 'node') {
    const { createNodeTransport } = await import('./io/node/node-transport.ts');
    return createNodeTransport({ largeSlots: LARGE_SLOTS, smallSlots: SMALL_SLOTS });
  }
  const { createUringTransport } = await import('./io/uring/transport.ts');
  return createUringTransport();
}

/** `wanted` null: the best that works here. `probeCommand` is what ends in `runProbe`, in a process of its own. */
export async function chooseEngine(
  wanted: EngineName | null,
  probeCommand: readonly [program: string, ...args: string[]],
): Promise<EngineChoice> {
  if (wanted === 'node') return { engine: 'node', text: 'node (asked for)' };
  const refusal = process.platform === 'linux' ? await askProbe(probeCommand) : 'io_uring is Linux only';
  if (refusal === null) return { engine: 'uring', text: 'uring' };
  if (wanted === 'uring') throw new EngineError(`engine uring cannot run here: ${refusal}`);
  return { engine: 'node', text: `node because ${refusal}` };
}

/**
 * Null, or why not. In a process of its own, because some sandboxes do not refuse the system call but kill the process that
 * makes it.
 */
async function askProbe([program, ...args]: readonly [string, ...string[]]): Promise<string | null> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let said = '';
  child.stdout.on('data', (data: Buffer) => {
    said += data.toString();
  });
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(`the probe could not be started: ${error.message}`));
    child.on('close', (code, signal) => {
      if (code === 0) resolve(null);
      else if (signal !== null) resolve(`a process that uses io_uring is killed here (${signal})`);
      else resolve(said.trim() || `the probe ended with exit code ${code}`);
    });
  });
}

/** The probe process. */
export async function runProbe(): Promise<number> {
  const { probeUring } = await import('./io/uring/probe.ts');
  const probe = probeUring();
  if (probe.ok) return 0;
  process.stdout.write(`${probe.reason}; ${probe.remedy}\n`);
  return 1;
}
