/** Kills processes at random moments, and knows what each of them carried: that may be lost, and nothing else. */
import type { Prng } from '../../src/base/prng.ts';
import { kill } from '../evenkeel.ts';
import { clientsOf, isStopped, type Process, processesBelow, proxiesOf } from './processes.ts';
import { CLOSED, type Failure } from './traffic.ts';

/** What a client sees of a connection that ends under it. */
const CUT = new Set(['ECONNRESET', 'EPIPE', CLOSED]);
/** The proxies of a keeper that is gone finish within `grace`, which is 30 s; the kernel and this process take their time. */
const GRACE_MS = 30_000 - 1_000;

const IN_CHARGE = 'keeper in charge';

interface Carried {
  readonly by: 'proxy' | 'keeper';
  readonly killedAtMs: number;
  /** When its connection was seen: a later one of the same port is another one. */
  readonly seenAtMs: number;
}

export interface KillerOptions {
  readonly prng: Prng;
  /** All processes descend from it. */
  readonly root: number;
  /** Of the traffic. */
  readonly ports: readonly number[];
  /** The keeper in charge, as it knows itself. */
  readonly inCharge: () => number;
  readonly mayKill: (role: string, process: Process) => boolean;
}

export class Killer {
  /** How many, by role. */
  readonly kills: Record<string, number> = {};
  private readonly options: KillerOptions;
  private readonly carried = new Map<number, Carried>();
  /** Proxies whose keeper was killed, and when. */
  private readonly left = new Map<number, number>();

  constructor(options: KillerOptions) {
    this.options = options;
  }

  /** One of all that there are. False: there was none that may be. */
  strike(): boolean {
    const { prng, root, mayKill } = this.options;
    const processes = processesBelow(root);
    const victims = processes
      .map((process) => ({ process, role: this.roleOf(process) }))
      .filter(({ process, role }) => mayKill(role, process));
    if (victims.length === 0) return false;
    const { process, role } = victims[prng.below(victims.length)];
    this.kills[role] = (this.kills[role] ?? 0) + 1;
    const isKeeper = process.kind === 'keeper';
    // A keeper that is to succeed the killed one ends with it, and leaves its proxies too.
    const ending = processes.filter(({ kind, startedAt }) => {
      return role === IN_CHARGE && kind === 'keeper' && startedAt > process.startedAt;
    });
    const carriers = isKeeper ? [process, ...ending].flatMap(({ pid }) => proxiesOf(pid)) : [process.pid];
    for (const proxy of carriers) stop(proxy);
    const killedAtMs = performance.now();
    for (const proxy of carriers) {
      if (isKeeper) this.left.set(proxy, killedAtMs);
      this.note(proxy, process.kind, killedAtMs);
    }
    const isKilled = kill(process.pid, 'SIGKILL');
    for (const proxy of carriers) kill(proxy, 'SIGCONT');
    return isKilled;
  }

  /** Proxies have taken what waited in their queues when their keeper was killed: to be called when others serve. */
  lookAgain(): void {
    for (const [proxy, killedAtMs] of this.left) this.note(proxy, 'keeper', killedAtMs);
    this.left.clear();
  }

  /** Why it is right that this has failed. */
  findExcuse({ kind, what, port, sinceMs, atMs }: Failure): string | null {
    const carried = this.carried.get(port);
    if (carried === undefined || sinceMs > carried.seenAtMs || !CUT.has(what)) return null;
    if (carried.by === 'proxy') return 'its proxy was killed';
    const isSession = kind === 'websocket' || kind === 'tcp';
    if (!isSession) return 'its keeper was killed: the connection was closed between two requests';
    return atMs - carried.killedAtMs < GRACE_MS ? null : 'its keeper was killed, and the time to finish was over';
  }

  private roleOf({ pid, kind, ownPid }: Process): string {
    const isOfCharge = kind === 'keeper' && ownPid === this.options.inCharge();
    if (isOfCharge) return IN_CHARGE;
    return kind === 'keeper'
      ? 'keeper that starts or finishes'
      : `proxy`.concat(this.isServing(pid) ? '' : ' of another keeper');
  }

  private isServing(proxy: number): boolean {
    const { root, inCharge } = this.options;
    const keeper = processesBelow(root).find(({ kind, ownPid }) => kind === 'keeper' && ownPid === inCharge());
    return keeper !== undefined && proxiesOf(keeper.pid).includes(proxy);
  }

  private note(proxy: number, by: Carried['by'], killedAtMs: number): void {
    const seenAtMs = performance.now();
    for (const port of clientsOf(proxy, this.options.ports)) {
      // Who has lost its keeper may still be killed itself.
      if (by === 'proxy' || this.carried.get(port)?.by !== 'proxy')
        this.carried.set(port, { by, killedAtMs, seenAtMs });
    }
  }
}

/** It accepts nothing more. */
function stop(pid: number): void {
  kill(pid, 'SIGSTOP');
  while (!isStopped(pid) && kill(pid, 0));
}
