/** What watches each kind of thing that is tracked, for virtual routers and announcements. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Board } from '../../base/board.ts';
import { watchName } from '../../config/compile/ha.ts';
import type { WatchPlan } from '../../config/plan/ha.ts';
import type { ServerPlan } from '../../config/plan/upstream.ts';
import type { Log } from '../log/log.ts';
import type { CommandUsers } from './command-user.ts';
import type { RunCommand } from './command.ts';
import { FileWatch } from './file-watch.ts';
import { type Look, LookWatch, lookAtInterface, lookAtProxies, lookAtUpstream, lookForProcess } from './look-watch.ts';
import { ScriptWatch } from './script-watch.ts';
import type { Watch } from './watch.ts';

export interface WatchMakerOptions {
  readonly board: Board;
  /** The servers of an upstream, by the plan that is in force. */
  readonly serversOf: (upstream: string) => readonly ServerPlan[];
  /** Listeners of which no address could be opened. */
  readonly closedListeners: () => readonly string[];
  readonly runCommand: RunCommand;
  readonly userFor: CommandUsers['of'];
  readonly log: Log;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

export function watchMaker(options: WatchMakerOptions): (plan: WatchPlan) => Watch {
  const { log, now, runCommand, userFor } = options;
  return (plan) => {
    const name = watchName(plan);
    if (plan.kind === 'file') return new FileWatch(name, plan, log, now);
    if (plan.kind !== 'script') return new LookWatch(name, lookOf(plan, options), log, now);
    return new ScriptWatch({ plan, name, user: userFor(plan.user), run: runCommand, log, now });
  };
}

function lookOf(
  plan: Exclude<WatchPlan, { kind: 'script' | 'file' }>,
  { board, closedListeners, serversOf }: WatchMakerOptions,
): Look {
  switch (plan.kind) {
    case 'proxy':
      return lookAtProxies(board, closedListeners);
    case 'process':
      return lookForProcess(plan, readText, listProcesses);
    case 'interface':
      return lookAtInterface(plan.interfaceName, readText);
    case 'upstream':
      return lookAtUpstream(board, () => serversOf(plan.upstream));
  }
}

/** None if there is no descriptor left to look with. */
function listProcesses(): readonly string[] {
  try {
    return readdirSync('/proc');
  } catch {
    return [];
  }
}

/** A file of the kernel's: it is read without waiting for a disk. */
function readText(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null;
  }
}
