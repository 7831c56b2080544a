/**
 * When a certificate is ordered: at once where there is none for these names, else at the time that its server suggests (ACME Renewal Information,
 * RFC 9773), else when two thirds of its lifetime are over. What fails is tried again later and later. Pure: each event brings the
 * time, and `next` says what is to be done.
 *
 *   none ──order──> ordering ──ordered──> held ──due: order──> ordering
 *                      └──failed──> waiting ──retry: order──> ordering
 *
 * A failure takes nothing away: a certificate that is held is used until another one is there.
 */
import { printable, type AcmeFailure } from './failure.ts';

/** Unix time. */
export interface Lifetime {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** What the server suggests, Unix time. */
export interface RenewalWindow {
  readonly startMs: number;
  readonly endMs: number;
}

export type AcmeAction =
  | { readonly kind: 'order' }
  /** The server is to be asked for its renewal information. */
  | { readonly kind: 'ask' }
  /** Nothing before that time. */
  | { readonly kind: 'wait'; readonly untilMs: number };

/** What a restart must not forget, so that one that repeats does not repeat orders. */
export interface AcmeMemory {
  readonly failures: number;
  readonly retryAtMs: number;
  readonly failedAtMs: number;
  readonly text: string;
  readonly isLimited: boolean;
}

export interface AcmeState {
  readonly state: 'held' | 'ordering' | 'waiting' | 'due';
  /** Since when it is so. */
  readonly sinceMs: number;
  /** The next order. Null: it is under way. */
  readonly nextMs: number | null;
  readonly failures: number;
  /** Of the last order, if it failed. */
  readonly failure: { readonly text: string; readonly atMs: number } | null;
}

/** Servers count orders that fail, Let's Encrypt five in an hour: the first five of ours take longer. */
const REFUSED_MS_MIN = 5 * 60_000;
const REFUSED_MS_MAX = 12 * 3_600_000;
/** Who is not reached counts nothing. */
const UNREACHABLE_MS_MIN = 10_000;
const UNREACHABLE_MS_MAX = 3_600_000;
/** What is added at most, so that not all of a site come at the same moment. */
const JITTER = 0.1;
/** RFC 9773 section 4.3: from a minute to a day; and where nothing is said, or nobody answers. */
const ASK_MS_MIN = 60_000;
const ASK_MS_MAX = 86_400_000;
const ASK_MS = 6 * 3_600_000;

export class Schedule {
  /** From 0 to 1: where in a span of time this certificate's turn is. */
  private readonly fraction: number;
  private held: Lifetime | null = null;
  private window: RenewalWindow | null = null;
  private askAtMs = 0;
  private memory: AcmeMemory | null;
  private beganMs: number | null = null;
  private sinceMs: number;

  constructor(nowMs: number, fraction: number, memory: AcmeMemory | null) {
    this.sinceMs = nowMs;
    this.fraction = fraction;
    this.memory = memory;
  }

  /** The certificate for these names; null: there is none. */
  handleHeld(held: Lifetime | null, nowMs: number): void {
    this.held = held;
    this.window = null;
    this.askAtMs = nowMs;
    this.sinceMs = nowMs;
  }

  /** Null: the server has none, or could not be asked. `retryAfterMs`: when it wants to be asked again. */
  handleRenewalInfo(window: RenewalWindow | null, retryAfterMs: number | null, nowMs: number): void {
    // What it said before counts on while it says nothing.
    if (window !== null && window.endMs > window.startMs) this.window = window;
    this.askAtMs = nowMs + Math.min(Math.max(retryAfterMs ?? ASK_MS, ASK_MS_MIN), ASK_MS_MAX);
  }

  handleOrderBegun(nowMs: number): void {
    this.beganMs = nowMs;
    this.sinceMs = nowMs;
  }

  handleOrdered(held: Lifetime, nowMs: number): void {
    this.beganMs = null;
    this.memory = null;
    this.handleHeld(held, nowMs);
  }

  handleFailed(failure: AcmeFailure, nowMs: number): void {
    this.beganMs = null;
    this.sinceMs = nowMs;
    this.memory = this.failed(failure, nowMs);
  }

  /** It came to nothing, and nobody is to blame: as if it had not begun. */
  handleAbandoned(nowMs: number): void {
    this.beganMs = null;
    this.sinceMs = nowMs;
  }

  /** Somebody has set things right, perhaps: the next order need not wait, unless the server said how long. */
  handleReload(nowMs: number): void {
    const { memory } = this;
    if (memory === null || memory.isLimited || memory.retryAtMs <= nowMs) return;
    this.memory = { ...memory, retryAtMs: nowMs };
  }

  next(nowMs: number): AcmeAction {
    if (this.beganMs !== null) return { kind: 'wait', untilMs: Number.POSITIVE_INFINITY };
    const orderAtMs = this.orderAtMs();
    if (orderAtMs <= nowMs) return { kind: 'order' };
    if (this.held === null) return { kind: 'wait', untilMs: orderAtMs };
    return this.askAtMs <= nowMs ? { kind: 'ask' } : { kind: 'wait', untilMs: Math.min(orderAtMs, this.askAtMs) };
  }

  /** To be written down. While an order is under way, as if it had failed: whoever reads this was ended in its midst. */
  toRemember(nowMs: number): AcmeMemory | null {
    if (this.beganMs === null) return this.memory;
    const text = 'evenkeel ended in the middle of the order';
    return this.failed({ kind: 'refused', text, type: '', retryAfterMs: null }, nowMs);
  }

  state(nowMs: number): AcmeState {
    const { memory, sinceMs } = this;
    const failures = memory?.failures ?? 0;
    const failure = memory === null ? null : { text: memory.text, atMs: memory.failedAtMs };
    if (this.beganMs !== null) return { state: 'ordering', sinceMs, nextMs: null, failures, failure };
    const nextMs = this.orderAtMs();
    const state = memory !== null && nextMs > nowMs ? 'waiting' : nextMs > nowMs ? 'held' : 'due';
    return { state, sinceMs, nextMs, failures, failure };
  }

  private orderAtMs(): number {
    return Math.max(this.dueMs(), this.memory?.retryAtMs ?? 0);
  }

  private dueMs(): number {
    const { held, window, fraction } = this;
    if (held === null) return 0;
    if (window !== null) return window.startMs + fraction * (window.endMs - window.startMs);
    return held.notBeforeMs + (2 * (held.notAfterMs - held.notBeforeMs)) / 3;
  }

  private failed({ kind, text, retryAfterMs }: AcmeFailure, nowMs: number): AcmeMemory {
    const failures = (this.memory?.failures ?? 0) + 1;
    const isUnreachable = kind === 'trouble';
    const [min, max] = isUnreachable ? [UNREACHABLE_MS_MIN, UNREACHABLE_MS_MAX] : [REFUSED_MS_MIN, REFUSED_MS_MAX];
    const delayMs = Math.min(min * 2 ** Math.min(failures - 1, 30), max) * (1 + JITTER * this.fraction);
    return {
      failures,
      retryAtMs: nowMs + Math.max(delayMs, retryAfterMs ?? 0),
      failedAtMs: nowMs,
      text: printable(text),
      isLimited: kind === 'limited' || retryAfterMs !== null,
    };
  }
}
