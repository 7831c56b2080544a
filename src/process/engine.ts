/**
 * Which transport the proxies run on. Decided once, by the keeper, so that all proxies run on the same; by trying it, since
 * kernel version, sysctl, seccomp filter and container runtime each may forbid io_uring in their own way.
 */
import { acceptsSingly, descriptorReserve } from '../core/descriptors.ts';
import { systemReason } from '../base/system-error.ts';
import { spawn } from 'node:child_process';
import { LARGE_SLOTS, SMALL_SLOTS } from '../base/limits.ts';
import type { ProcessUser } from '../port/host.ts';
import type { Transport } from '../port/transport.ts';

export type EngineName = 'uring' | 'node';

export interface EngineChoice {
  readonly engine: EngineName;
  /** `uring`, or `node because io_uring is disabled by ...`. */
  readonly text: string;
  /** Why it is not the faster one, though nobody asked for that; or null. */
  readonly fallback: string | null;
}

/** The engine that was asked for cannot run here. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
}

export type ProbeCommand = readonly [program: string, ...args: string[]];

/**
 * Imported only by the process that uses it: the other engine's code is never loaded. Call the result to make one, with the
 * number of descriptors that there are for connections.
 */
export async function loadTransport(engine: EngineName): Promise<(descriptors: number) => Transport> {
  if (engine === 'node') {
    const { createNodeTransport } = await import('../io/node/node-transport.ts');
    return () => createNodeTransport({ largeSlots: LARGE_SLOTS, smallSlots: SMALL_SLOTS });
  }
  const { createUringTransport } = await import('../io/uring/transport.ts');
  return (descriptors) =>
    createUringTransport({
      descriptorReserve: descriptorReserve(descriptors),
      acceptsSingly: acceptsSingly(descriptors),
    });
}

/** Null, or why io_uring cannot be used. `probeCommand` is what ends in `runProbe`, in a process of its own. */
export async function refusalOfUring(probeCommand: ProbeCommand): Promise<string | null> {
  return process.platform === 'linux' ? askProbe(probeCommand) : 'io_uring is Linux only';
}

/** `wanted` null: the best that works here. `refusal`: of io_uring. */
export function engineFor(wanted: EngineName | null, refusal: string | null): EngineChoice {
  if (wanted === 'node') return { engine: 'node', text: 'node (asked for)', fallback: null };
  if (refusal === null) return { engine: 'uring', text: 'uring', fallback: null };
  if (wanted === 'uring') throw new EngineError(`engine uring cannot run here: ${refusal}`);
  return { engine: 'node', text: `node because ${refusal}`, fallback: refusal };
}

/**
 * Null, or why not. In a process of its own, because some sandboxes do not refuse the system call but kill the process that
 * makes it.
 */
export async function askProbe([program, ...args]: ProbeCommand): Promise<string | null> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let said = '';
  child.stdout.on('data', (data: Buffer) => {
    said += data.toString();
  });
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(`the probe could not be started: ${systemReason(error)}`));
    child.on('close', (code, signal) => {
      if (code === 0) resolve(null);
      else if (signal !== null) resolve(`a process that uses io_uring is killed here (${signal})`);
      else resolve(said.trim() || `the probe ended with exit code ${code}`);
    });
  });
}

/** What a probe is to try. */
export interface Trial {
  /** The user it runs as. Null: that of this process. */
  readonly user: ProcessUser | null;
  /** For so many proxies at the same time, which share one limit of locked memory; 0: only whether it can be that user. */
  readonly rings: number;
}

/** The arguments of a probe process for it. */
export function trialArguments(trial: Trial): readonly string[] {
  return [JSON.stringify(trial)];
}

/** The probe process. Without arguments: one ring, as it is. */
export async function runProbe([text]: readonly string[]): Promise<number> {
  const { user, rings } = text === undefined ? { user: null, rings: 1 } : (JSON.parse(text) as Trial);
  const refusal = await tryOut(user, rings);
  if (refusal === null) return 0;
  process.stdout.write(`${refusal}\n`);
  return 1;
}

async function tryOut(user: ProcessUser | null, rings: number): Promise<string | null> {
  const [{ dropPrivileges }, { probeUring }] = await Promise.all([
    import('../io/linux/privileges.ts'),
    import('../io/uring/probe.ts'),
  ]);
  try {
    dropPrivileges(user);
  } catch (error) {
    return (error as Error).message;
  }
  if (rings === 0) return null;
  const probe = probeUring(rings);
  return probe.ok ? null : `${probe.reason}; ${probe.remedy}`;
}
