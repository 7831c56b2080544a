/**
 * What a router asks before it becomes active, and while it cannot: who answers for the addresses (probe.ts), whether that one
 * serves (occupant.ts), and what it waits for. Whether it becomes active is router.ts's matter.
 */
import type { RouterAction } from './events.ts';
import type { Following } from './following.ts';
import type { Gates } from './gates.ts';
import { US_PER_S } from './intervals.ts';
import type { Observer } from './observer.ts';
import { PROBE_US } from './probe.ts';

const NEVER = Number.POSITIVE_INFINITY;

/** A claim that lasts this long is told: nobody is active, and something keeps this router from it. */
const CLAIM_TOLD_US = US_PER_S;

export class Inquiry {
  private readonly gates: Gates;
  private readonly following: Following;
  private readonly observer: Observer;
  private readonly act: (action: RouterAction) => void;

  constructor(gates: Gates, following: Following, observer: Observer, act: (action: RouterAction) => void) {
    this.gates = gates;
    this.following = following;
    this.observer = observer;
    this.act = act;
  }

  /** When to begin to ask: early, while the last adverts are overdue, so that a takeover need not wait for the answer. */
  startUs(priority: number): number {
    const { probe } = this.gates;
    const { downUs, intervalUs } = this.following;
    const startUs = downUs - Math.min(PROBE_US, intervalUs + this.following.skew(priority));
    return probe.isRunning || probe.isClear || !this.gates.needsProbe(startUs) ? NEVER : startUs;
  }

  run(priority: number, nowUs: number): void {
    const { probe } = this.gates;
    const isOverdue =
      nowUs >= this.following.downUs && !probe.isRunning && !probe.isClear && this.gates.needsProbe(nowUs);
    if (isOverdue || nowUs >= this.startUs(priority)) probe.start(nowUs);
    if (probe.shouldAsk(nowUs)) this.act({ kind: 'probe' });
  }

  /** Somebody answers for an address: a peer, or a stranger (null). */
  handleAnswer(by: string, peer: string | null, nowUs: number): void {
    const { probe, occupant } = this.gates;
    if (!probe.isRunning && (!probe.isClear || probe.isOverruled)) return;
    occupant.handleAnswer(by, peer, nowUs);
    if (peer === null) {
      const told = (): string => `${by}, which is no peer's, answers for an address: it is never taken from there`;
      this.observer.note('held-by-stranger', told, nowUs);
    } else {
      const told = (): string => `${by} (${peer}) answers for an address, and nobody is active: not taken yet`;
      this.observer.note('held-by-peer', told, nowUs);
    }
    probe.handleAnswer(nowUs);
  }

  /** A claim that has lasted since `sinceUs`: what it waits for, and what may end it. */
  watchClaim(sinceUs: number, nowUs: number): void {
    if (nowUs - sinceUs < CLAIM_TOLD_US) return;
    const { occupant } = this.gates;
    if (occupant.shouldAsk(nowUs)) this.act({ kind: 'ask-serving' });
    if (occupant.view(nowUs) !== null) return;
    const told = (): string => `nobody is active, and ${this.gates.closed(nowUs)} keeps this node from it`;
    this.observer.note('unheld', told, nowUs);
  }
}
