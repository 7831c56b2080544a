/** Kills processes at random moments, and knows what each of them carried: that may be lost, and nothing else. */
import type { Prng } from '../../src/base/prng.ts';
import { kill } from '../evenkeel.ts';
import { clientsOf, type Process, processesBelow, proxiesOf, stop } from './processes.ts';
import { CLOSED, type Failure } from './traffic.ts';

/** What a client sees of a connection that ends under it. */
const CUT = new Set(['ECONNRESET', 'EPIPE', CLOSED]);
/** The proxies of a keeper that is gone finish within `grace`, which is 30 s; the kernel and this process take their time. */
const GRACE_MS = 30_000 - 1_000;

export const IN_CHARGE = 'keeper in charge';
/** What is told of a victim, by whether it is, or is one of, the keeper in charge. */
const KEEPERS = { true: IN_CHARGE, false: 'keeper that starts or finishes' };
const PROXIES = { true: 'proxy', false: 'proxy of another keeper' };

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
  /** The proxies of the keeper in charge serve on without it; else they finish what they have within `grace`. */
  readonly servesOn: boolean;
}

export class Killer {
  /** How many, by role. */
  readonly kills: Record<string, number> = {};
  private readonly options: KillerOptions;
  /** By port. Who has lost one keeper may lose another one, or be killed itself. */
  private readonly carried = new Map<number, Carried[]>();
  /** Proxies whose keeper was killed, and when. */
  private readonly left = new Map<number, number>();

  constructor(options: KillerOptions) {
    this.options = options;
  }

  /** One of all that there are: its role. `inCharge`: the keeper, as it knows itself; `isUpgrade`: another one may be by now. */
  strike(inCharge: number, isUpgrade: boolean): string {
    const { prng, root, servesOn } = this.options;
    const victims = processesBelow(root);
    const keeper = victims.find(({ kind, ownPid }) => kind === 'keeper' && ownPid === inCharge);
    const own = keeper === undefined ? [] : proxiesOf(keeper.pid);
    const { pid, kind } = victims[prng.below(victims.length)];
    const role = kind === 'keeper' ? KEEPERS[`${pid === keeper?.pid}`] : PROXIES[`${own.includes(pid)}`];
    this.kills[role] = (this.kills[role] ?? 0) + 1;
    const carriers = kind === 'proxy' ? [pid] : pid === keeper?.pid ? proxiesAmong(victims) : proxiesOf(pid);
    const ending = carriers.filter((each) => kind === 'proxy' || !servesOn || isUpgrade || !own.includes(each));
    if (kind === 'proxy') stop(pid);
    const note = (): void => ending.forEach((proxy) => this.note(proxy, kind, killedAtMs));
    const killedAtMs = performance.now();
    note();
    kill(pid, 'SIGKILL');
    if (kind === 'keeper') {
      for (const proxy of ending) this.left.set(proxy, killedAtMs);
      // What they have accepted meanwhile.
      note();
    }
    return role;
  }

  /** Proxies have taken what waited in their queues when their keeper was killed: to be called when others serve. */
  lookAgain(): void {
    for (const [proxy, killedAtMs] of this.left) this.note(proxy, 'keeper', killedAtMs);
    this.left.clear();
  }

  /** Why it is right that this has failed. */
  findExcuse({ kind, what, port, sinceMs, atMs }: Failure): string | null {
    const carried = (this.carried.get(port) ?? []).filter(({ seenAtMs }) => sinceMs <= seenAtMs);
    if (carried.length === 0 || !CUT.has(what)) return null;
    if (carried.some(({ by }) => by === 'proxy')) return 'its proxy was killed';
    const isSession = kind === 'websocket' || kind === 'tcp';
    if (!isSession) return 'its keeper was killed: the connection was closed between two requests';
    const isOver = carried.some(({ killedAtMs }) => atMs - killedAtMs >= GRACE_MS);
    return isOver ? 'its keeper was killed, and the time to finish was over' : null;
  }

  private note(proxy: number, by: Carried['by'], killedAtMs: number): void {
    const seenAtMs = performance.now();
    for (const port of clientsOf(proxy, this.options.ports)) {
      const before = this.carried.get(port) ?? [];
      this.carried.set(port, [...before, { by, killedAtMs, seenAtMs }]);
    }
  }
}

function proxiesAmong(processes: readonly Process[]): readonly number[] {
  return processes.filter(({ kind }) => kind === 'proxy').map(({ pid }) => pid);
}
