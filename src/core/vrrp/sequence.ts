/**
 * The sequence of authenticated adverts: a clock in 2^-32 seconds whose last bits count, so that every advert of a sender
 * is newer than the one before, also over a restart. The clock is the wall clock: the peers' must agree to a few seconds.
 *
 * As keepalived 2.4.3 does it, where a clock that is set back does not silence a sender: it starts again from its clock,
 * and receivers forget a mark that lies in the future.
 */
import { formatHex, parseHex } from '../../base/bytes.ts';
import { US_PER_S } from './intervals.ts';

/** Senders whose last sequence is kept: more than a segment has routers, fewer than would be a burden. */
const SENDERS_MAX = 16;
const WINDOW_US_MIN = 5 * US_PER_S;

/** How far a sender's clock may be from this one: three adverts, at least five seconds. */
export function windowUs(intervalUs: number): number {
  return Math.max(3 * intervalUs, WINDOW_US_MIN);
}

export class SendSequence {
  private window = 0n;
  private last = 0n;

  constructor(intervalUs: number) {
    this.apply(intervalUs);
  }

  /** The interval is another one now. */
  apply(intervalUs: number): void {
    this.window = sequenceAt(windowUs(intervalUs));
  }

  /** The sequence of the next advert; `unixUs` is the time since 1970. */
  next(unixUs: number): bigint {
    const clock = sequenceAt(unixUs);
    const isBehindClock = clock > this.last;
    const isAheadOfWindow = this.last > clock + this.window;
    this.last = isBehindClock || isAheadOfWindow ? clock : this.last + 1n;
    return this.last;
  }
}

export class ReplayGuard {
  private window = 0n;
  /** The last sequence of every sender; the longest unheard one first. */
  private readonly marks = new Map<string, bigint>();

  constructor(intervalUs: number) {
    this.apply(intervalUs);
  }

  /** The interval is another one now. */
  apply(intervalUs: number): void {
    this.window = sequenceAt(windowUs(intervalUs));
  }

  /** Whether the time in a sequence is near this clock. Cheap, and says nothing before the advert is authenticated. */
  isInWindow(sequence: bigint, unixUs: number): boolean {
    const clock = sequenceAt(unixUs);
    return sequence >= clock - this.window && sequence <= clock + this.window;
  }

  /** Who sent an authenticated advert. */
  get senders(): readonly Uint8Array[] {
    return Array.from(this.marks.keys(), (sender) => parseHex(sender)!);
  }

  get hasSenders(): boolean {
    return this.marks.size > 0;
  }

  knows(source: Uint8Array): boolean {
    return this.marks.has(formatHex(source));
  }

  /** Whether there was one of this sender that is not older. Of one that is not authenticated it says nothing more. */
  isOld(source: Uint8Array, sequence: bigint, unixUs: number): boolean {
    const mark = this.marks.get(formatHex(source));
    if (mark === undefined || sequence > mark) return false;
    return mark <= sequenceAt(unixUs) + this.window;
  }

  /** Of an authenticated advert: whether it is newer than the last one of its sender. If so, it is now the last one. */
  accept(source: Uint8Array, sequence: bigint, unixUs: number): boolean {
    if (this.isOld(source, sequence, unixUs)) return false;
    const sender = formatHex(source);
    this.marks.delete(sender);
    this.marks.set(sender, sequence);
    if (this.marks.size > SENDERS_MAX) this.forgetOldest();
    return true;
  }

  private forgetOldest(): void {
    for (const sender of this.marks.keys()) {
      this.marks.delete(sender);
      return;
    }
  }
}

/** How far the time in a sequence is ahead of this clock; less than 0: behind. */
export function leadUs(sequence: bigint, unixUs: number): number {
  return Number((sequence - sequenceAt(unixUs)) >> 16n) * (US_PER_S / 65536);
}

/** Microseconds as 32 bits of seconds, 16 bits of fraction, and 16 bits for counting. */
function sequenceAt(us: number): bigint {
  const whole = Math.floor(us / US_PER_S);
  const fraction = Math.floor(((us - whole * US_PER_S) * 65536) / US_PER_S);
  return (BigInt(whole) << 32n) | (BigInt(fraction) << 16n);
}
