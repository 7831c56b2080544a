/** What can happen to the active node, and how the lab makes it happen. */
import type { Balancer, Pair } from '../../src/lab/pair.ts';
import { killAtOnce, signalAll } from '../../src/lab/processes.ts';
import type { Contender, Part } from './contender.ts';

export interface FailoverEvent {
  /** As `--only` takes it. */
  readonly name: string;
  readonly title: string;
  /** The highest that is good enough, in ms, for the time in which requests fail; undefined: not worse than the other. */
  readonly wantedGapMs?: (downIntervalMs: number) => number;
  /** The same for the time with two holders. */
  readonly wantedTwoHoldersMs?: (intervalMs: number) => number | undefined;
  happen(contender: Contender, pair: Pair, host: Balancer): Promise<void>;
}

/** Of the client's clock, the lab's own steps, and the kernel's timers. */
const ALLOWANCE_MS = 20;
const HAND_OVER_MS_MAX = 50;
/** With adverts a second apart the kernel lifetime, of whole seconds, ends before the other node takes over. */
const zeroIfSlow = (intervalMs: number): number | undefined => (intervalMs >= 1000 ? 0 : undefined);
const downIntervalMsMax = (downIntervalMs: number): number => downIntervalMs + ALLOWANCE_MS;
const handOverMsMax = (): number => HAND_OVER_MS_MAX;

export const EVENTS: readonly FailoverEvent[] = [
  {
    ...signal('kill-node', 'kill -9 of everything on the active node', 'node', 'SIGKILL'),
    wantedGapMs: downIntervalMsMax,
    wantedTwoHoldersMs: zeroIfSlow,
  },
  {
    ...signal('freeze-node', 'everything on the active node frozen (SIGSTOP)', 'node', 'SIGSTOP'),
    wantedTwoHoldersMs: zeroIfSlow,
  },
  signal('kill-daemon', 'kill -9 of what holds the address and its supervisor', 'owner and supervisor', 'SIGKILL'),
  signal('kill-owner', 'kill -9 of the process that holds the address, alone', 'owner', 'SIGKILL'),
  {
    name: 'link',
    title: 'link of the active node cut',
    happen: (_, pair, host) => pair.network.cutLink(host),
  },
  {
    name: 'stop',
    title: 'clean stop',
    wantedGapMs: handOverMsMax,
    happen: (contender, pair, host) => contender.stop(pair, host),
  },
  {
    name: 'hand-over',
    title: 'planned hand-over',
    wantedGapMs: handOverMsMax,
    happen: async (contender, pair, host) => contender.handOver?.(pair, host),
  },
  signal('kill-proxy', 'web proxy killed (kill -9)', 'proxy', 'SIGKILL'),
  signal('freeze-proxy', 'web proxy hangs (SIGSTOP)', 'proxy', 'SIGSTOP'),
];

function signal(name: string, title: string, part: Part, signal: NodeJS.Signals): FailoverEvent {
  return {
    name,
    title,
    happen: async (contender, pair, host) => {
      const pids = contender.pids(pair, host, part);
      const struck = signal === 'SIGKILL' ? killAtOnce(pids) : signalAll(pids, signal);
      if (struck.length === 0) throw new Error(`${contender.name} has no process that is the ${part}`);
    },
  };
}
