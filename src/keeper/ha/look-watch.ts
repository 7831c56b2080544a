/**
 * What is looked at several times a second, because nobody says when it changes: processes, interfaces, this node's own proxies and its
 * servers. A look costs microseconds; a search for a process that is gone costs milliseconds, and is made less often.
 * (Those of virtual routers are followed by the owner of the addresses, which the kernel tells.)
 */
import {
  type Board,
  MEMORY_EXHAUSTED,
  SERVER_UP,
  emptySlot,
  WORKER_SERVING,
  type WorkerRow,
} from '../../base/board.ts';
import type { ProcessPlan } from '../../config/plan/ha.ts';
import type { ServerPlan } from '../../config/plan/upstream.ts';
import { hasArguments, isProcessNamed, parseProcessStat, ProcessTrack } from '../../core/track/process.ts';
import { ProxiesTrack } from '../../core/track/proxies.ts';
import type { Log } from '../log/log.ts';
import type { WatchMemory } from './heritage.ts';
import { Verdict, type Watch, type WatchStatus } from './watch.ts';

export const LOOK_INTERVAL_MS = 100;

/** What one look sees. */
export interface Sight {
  /** Null: no verdict yet. */
  readonly isUp: boolean | null;
  readonly detail: string;
}

/** One look at the time `nowMs`. */
export type Look = (nowMs: number) => Sight;

export class LookWatch implements Watch {
  private readonly name: string;
  private readonly look: Look;
  private readonly log: Log;
  private readonly now: () => number;
  private readonly verdict = new Verdict();
  private timer: NodeJS.Timeout | undefined;

  /** `now`: milliseconds of a monotonic clock. */
  constructor(name: string, look: Look, log: Log, now: () => number) {
    this.name = name;
    this.look = look;
    this.log = log;
    this.now = now;
  }

  start(onVerdict: (isUp: boolean) => void, memory: WatchMemory | null): void {
    this.verdict.start(this.now(), onVerdict, memory);
    this.lookOnce();
    this.timer = setInterval(() => this.lookOnce(), LOOK_INTERVAL_MS);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  status(): WatchStatus {
    return this.verdict.status();
  }

  private lookOnce(): void {
    const nowMs = this.now();
    const before = this.verdict.status().isUp;
    const { isUp, detail } = this.look(nowMs);
    if (!this.verdict.handle(nowMs, isUp, detail)) return;
    if (isUp === false) this.log.warn(`${this.name} fails: ${detail}`);
    else if (before !== null) this.log.info(`${this.name} recovered: ${detail}`);
  }
}

/** Reads a small file of the kernel's, or null. */
export type ReadText = (path: string) => string | null;

// --- processes ---

const SEARCH_INTERVAL_MS = 500;

/** `list` gives the names in /proc. */
export function lookForProcess(plan: ProcessPlan, read: ReadText, list: () => readonly string[]): Look {
  const { processName: name, arguments: args, match } = plan;
  const track = new ProcessTrack();
  let found: { readonly pid: string; readonly startedAt: string } | null = null;
  let searchedMs = Number.NEGATIVE_INFINITY;

  const search = (): typeof found => {
    for (const pid of list()) {
      if (!/^[0-9]+$/.test(pid)) continue;
      const stat = parseProcessStat(read(`/proc/${pid}/stat`) ?? '');
      if (stat === null || !stat.isAlive) continue;
      // Most are of another name, which costs no second file.
      const isLong = name.length > stat.comm.length;
      if (!isLong && !isProcessNamed(name, stat.comm, '')) continue;
      const commandLine = isLong || args !== null ? (read(`/proc/${pid}/cmdline`) ?? '') : '';
      if (!isProcessNamed(name, stat.comm, commandLine.split('\0')[0])) continue;
      if (args === null || hasArguments({ arguments: args, match }, commandLine)) {
        return { pid, startedAt: stat.startedAt };
      }
    }
    return null;
  };

  return (nowMs) => {
    if (found !== null) {
      const stat = parseProcessStat(read(`/proc/${found.pid}/stat`) ?? '');
      if (stat === null || !stat.isAlive || stat.startedAt !== found.startedAt) {
        found = null;
        searchedMs = Number.NEGATIVE_INFINITY;
      }
    }
    if (found === null && nowMs - searchedMs >= SEARCH_INTERVAL_MS) {
      searchedMs = nowMs;
      found = search();
    }
    track.handleLook(nowMs, found !== null);
    return { isUp: track.isUp, detail: found === null ? 'no such process' : `pid ${found.pid}` };
  };
}

// --- interfaces ---

/** A file is there to be read while the interface is up: `1` with a carrier. */
export function lookAtInterface(name: string, read: ReadText): Look {
  return () => {
    const carrier = read(`/sys/class/net/${name}/carrier`)?.trim();
    if (carrier === '1') return { isUp: true, detail: 'up' };
    const isThere = read(`/sys/class/net/${name}/ifindex`) !== null;
    return { isUp: false, detail: !isThere ? 'no such interface' : carrier === '0' ? 'no carrier' : 'down' };
  };
}

// --- this node's own data plane ---

/** `closed`: listeners of which no address could be opened. */
export function lookAtProxies(board: Board, closedListeners: () => readonly string[]): Look {
  const rows = Array.from({ length: board.shape.rows }, (_, index) => board.worker(index));
  let track = new ProxiesTrack(board.workers, LOOK_INTERVAL_MS);
  let workers = board.workers;
  return (nowMs) => {
    if (workers !== board.workers) {
      ({ workers } = board);
      track = new ProxiesTrack(workers, LOOK_INTERVAL_MS);
    }
    track.handleLook(
      nowMs,
      Array.from({ length: workers }, (_, worker) => {
        const row = rows.find((each) => each.worker === worker && canServe(each));
        return row === undefined ? null : row.heartbeat;
      }),
    );
    const closed = closedListeners();
    if (closed.length > 0) return { isUp: false, detail: `listener ${closed.join(', ')} could not be opened` };
    const { index, ms } = track.missing;
    const isMissing = ms > 2 * LOOK_INTERVAL_MS;
    const why = rows[index].memoryLevel === MEMORY_EXHAUSTED ? ': it is out of memory for connections' : '';
    const missing = `proxy ${index} has not served for ${(ms / 1000).toFixed(1)} s${why}`;
    const detail = isMissing ? missing : workers === 1 ? 'it serves' : `all ${workers} serve`;
    return { isUp: track.isUp, detail };
  };
}

/** A proxy without a free buffer beats, and serves nobody. */
function canServe(row: WorkerRow): boolean {
  return row.state === WORKER_SERVING && row.memoryLevel !== MEMORY_EXHAUSTED;
}

/** Whether a server of the upstream is up. */
export function lookAtUpstream(board: Board, servers: () => readonly ServerPlan[]): Look {
  const slot = emptySlot();
  return () => {
    let up = 0;
    for (const { firstSlot, slotCount } of servers()) {
      for (let i = firstSlot; i < firstSlot + slotCount; i++) {
        board.readServer(i, slot);
        if (slot.state === SERVER_UP) up++;
      }
    }
    return {
      isUp: up > 0,
      detail: up === 0 ? 'no server is up' : `${up} ${up === 1 ? 'server is' : 'servers are'} up`,
    };
  };
}
