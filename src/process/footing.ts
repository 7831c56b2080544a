/**
 * What the proxies stand on: the user that they run as, and their engine. Both are found out by trying, before anything
 * serves, with the limits and as the user that the proxies will have.
 */
import {
  askProbe,
  type EngineChoice,
  EngineError,
  engineFor,
  type EngineName,
  refusalOfUring,
  type Trial,
  trialArguments,
} from './engine.ts';
import { raiseLockedMemory } from '../io/linux/privileges.ts';
import { findDefaultUser, findProxyUser } from '../load/proxy-user.ts';
import type { ProcessUser } from '../port/host.ts';

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
  const ask = (trial: Trial): Promise<string | null> => askProbe([...probeCommand, ...trialArguments(trial)]);
  const askRings = async (user: ProcessUser | null): Promise<string | null> =>
    engine === 'node' ? null : refusalOfUring([...probeCommand, ...trialArguments({ user, rings: workers })]);
  const problems: string[] = [];
  const isRoot = process.getuid?.() === 0;
  let user = isRoot ? findCandidate(name) : null;
  let refusal = await askRings(user);
  if (isRoot) {
    // Who can have the rings as that user can be that user: as a rule one process tells both.
    const isTold = engine !== 'node' && refusal === null;
    const why = user === null ? 'no number is left for a user' : isTold ? null : await ask({ user, rings: 0 });
    if (why !== null) {
      problems.push(runsAsRoot(name, why));
      if (user !== null) refusal = await askRings(null);
      user = null;
    }
  } else if (name !== null && !isOwnUser(name)) {
    problems.push(`\`user: ${name}\` has no effect, because evenkeel was not started as root`);
  }
  const choice = engineFor(engine, refusal);
  if (choice.fallback !== null) problems.push(`the slower engine, node, is used, because ${choice.fallback}`);
  return { engine: choice, user, problems };
}

function isOwnUser(name: string): boolean {
  return (findProxyUser(name) as Partial<ProcessUser>).uid === process.getuid?.();
}

/** Of root, for its proxies; null: there is none. */
function findCandidate(name: string | null): ProcessUser | null {
  const found = name === null ? findDefaultUser() : findProxyUser(name);
  if (found !== null && 'reason' in found) {
    throw new EngineError(`the proxies cannot run as user ${name}: ${found.reason}; ${found.fix}`);
  }
  return found;
}

/** The problem that this is; throws if a user was asked for. */
function runsAsRoot(name: string | null, why: string): string {
  if (name !== null) {
    throw new EngineError(`the proxies cannot run as user ${name}: ${why}; give evenkeel CAP_SETUID and CAP_SETGID`);
  }
  return `the proxies run as root, because ${why}; give evenkeel CAP_SETUID and CAP_SETGID`;
}
