/**
 * What the proxies stand on: the user that they run as, and their engine. Both are found out by trying, before anything
 * serves, with the limits and as the user that the proxies will have.
 */
import { askProbe, chooseEngine, type EngineChoice, EngineError, type EngineName, trialArguments } from './engine.ts';
import { raiseLockedMemory } from './io/linux/privileges.ts';
import { findDefaultUser, findProxyUser } from './keeper/proxy-user.ts';
import type { ProcessUser } from './port/host.ts';

export interface FootingOptions {
  /** As configured; null: the default. */
  readonly user: string | null;
  readonly engine: EngineName | null;
  readonly workers: number;
  /** Ends in `runProbe`. */
  readonly probeCommand: readonly [string, ...string[]];
}

export interface Footing {
  readonly engine: EngineChoice;
  /** Null: the user of this process. */
  readonly user: ProcessUser | null;
  /** What is less than it should be, with a remedy. */
  readonly problems: readonly string[];
}

/**
 * A ring takes 107 KiB of the locked memory that all processes of a user may have together. While a proxy is replaced both
 * rings may be there, and probes have small ones.
 */
const LOCKED_BYTES_PER_PROXY = 512 * 1024;

/** Rejects with EngineError where what was asked for is not to be had. */
export async function findFooting({ user: name, engine, workers, probeCommand }: FootingOptions): Promise<Footing> {
  raiseLockedMemory(workers * LOCKED_BYTES_PER_PROXY);
  const problems: string[] = [];
  const user = await findUser(name, [...probeCommand], problems);
  const trial = trialArguments({ user, rings: workers });
  const choice = await chooseEngine(engine, [...probeCommand, ...trial]);
  if (choice.fallback !== null) problems.push(`the slower engine, node, is used, because ${choice.fallback}`);
  return { engine: choice, user, problems };
}

async function findUser(
  name: string | null,
  probeCommand: [string, ...string[]],
  problems: string[],
): Promise<ProcessUser | null> {
  if (process.getuid?.() !== 0) {
    if (name !== null && (findProxyUser(name) as Partial<ProcessUser>).uid !== process.getuid?.()) {
      problems.push(`\`user: ${name}\` has no effect, because evenkeel was not started as root`);
    }
    return null;
  }
  const found = name === null ? findDefaultUser() : findProxyUser(name);
  if (found !== null && 'reason' in found) {
    throw new EngineError(`the proxies cannot run as user ${name}: ${found.reason}; ${found.fix}`);
  }
  const refusal =
    found === null
      ? 'no number is left for a user'
      : await askProbe([...probeCommand, ...trialArguments({ user: found, rings: 0 })]);
  if (refusal === null) return found;
  if (name !== null) {
    throw new EngineError(
      `the proxies cannot run as user ${name}: ${refusal}; give evenkeel CAP_SETUID and CAP_SETGID`,
    );
  }
  problems.push(`the proxies run as root, because ${refusal}; give evenkeel CAP_SETUID and CAP_SETGID`);
  return null;
}
