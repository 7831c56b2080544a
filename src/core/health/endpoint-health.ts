/**
 * One address of one server: what active probes, real traffic and slow start say together. Pure.
 *
 * The three are independent: probes decide between up and down, failures of real traffic eject for a time, and whatever
 * ends a time without work begins a slow start. Being down is stronger than being ejected, and probes that pass after a
 * failure end an ejection.
 */
import type { Address } from '../../base/address.ts';
import { SERVER_DOWN, SERVER_EJECTED, SERVER_UP, type ServerState } from '../../base/board.ts';
import type { Prng } from '../../base/prng.ts';
import { ActiveHealth, type ActiveState } from './active.ts';
import { FailureWindow } from './passive.ts';
import type { ServiceRecord } from './addresses.ts';
import { nextStepMs, slowStartShare } from './slow-start.ts';

export interface HealthOptions {
  readonly active: ActiveOptions | null;
  readonly passive: PassiveOptions | null;
  /** 0: a server that comes back has its full weight at once. */
  readonly slowStartMs: number;
}

export interface ActiveOptions {
  readonly intervalMs: number;
  readonly rise: number;
  readonly fall: number;
  /** 0..1: each interval is lengthened or shortened by up to this share of it. */
  readonly jitter: number;
  /** From a probe that has failed to the next one while it is up. Null: as ever. */
  readonly retryMs: number | null;
  /** What it is thought to be before its first probe. */
  readonly initial: 'up' | 'down';
}

export interface PassiveOptions {
  readonly failures: number;
  readonly withinMs: number;
  readonly ejectMs: number;
}

/** `unchecked`: nothing has been found out yet, or nobody asks; it gets work. */
export type EndpointState = 'unchecked' | 'up' | 'down' | 'ejected';

/** Whether a probe passed. Null: it could not be made, for want of something on this machine. */
export type ProbeVerdict = boolean | null;

/** What came of it. `changed`: it is known to be up or down, and was not before. `other-reason`: it is down as before, for another one. */
export type ProbeEffect = 'none' | 'changed' | 'other-reason';

/** Something that was seen of it. */
export interface Sighting {
  readonly atMs: number;
  /** For people: `status 500`, `connection refused`. */
  readonly detail: string;
}

/** What is known of an endpoint, and from when. Times are of the clock that `now` is. */
export interface EndpointAccount {
  readonly state: EndpointState;
  /** Why it is in this state, for people. */
  readonly reason: string;
  readonly sinceMs: number;
  /** Null: none has ended yet. */
  readonly lastProbe: (Sighting & { readonly isPassed: ProbeVerdict }) | null;
  /** Of real traffic; null: none. */
  readonly lastFailure: Sighting | null;
  /** Null: it is not ejected. */
  readonly ejectedUntilMs: number | null;
  /** The part of its weight that it has now: 0..1. */
  readonly share: number;
  /** What its last probe has said of its weight; null: nothing. */
  readonly weight: number | null;
}

/** What a keeper knows of an endpoint, for its successor: by ages, for their clocks differ. */
export interface EndpointMemory {
  /** By probes; null: nobody asks. */
  readonly active: ActiveState | null;
  readonly reason: string;
  readonly sinceAgoMs: number;
  readonly lastProbe: (Sighting & { readonly isPassed: ProbeVerdict; readonly agoMs: number }) | null;
  readonly lastFailure: (Sighting & { readonly agoMs: number }) | null;
  /** Null: it is not ejected. */
  readonly ejectedForMs: number | null;
  /** How long its slow start has taken so far; null: it is in none. Keepers up to 0.1.0 do not say it. */
  readonly slowStartMs?: number | null;
  /** What its last probe has said of its weight. Keepers up to 0.1.0 do not say it. */
  readonly weight?: number | null;
}

/** How the reason of a probe begins that was not answered at all. */
export const SILENCE = 'no answer within';
/**
 * So long a server that has said why it does not serve is believed over its silence: a machine says only once a second or so that a port of UDP is closed
 * (net.ipv4.icmp_ratelimit), and checks that come between hear nothing.
 */
const SILENCE_MS = 10_000;

const NEVER = Infinity;
export const EJECTION_OVER = 'its ejection is over';

export class EndpointHealth {
  readonly address: Address;
  private options: HealthOptions;
  private active: ActiveHealth | null;
  private failures: FailureWindow | null;
  private ejectedUntil = -1;
  private recoveredAt = -1;
  private nextProbeAt: number;
  private probeStartedAt = -1;
  private probeCount = 0;
  private lastProbe: EndpointAccount['lastProbe'] = null;
  private lastFailure: Sighting | null = null;
  /** What its last probe that passed has said of its weight; null: nothing. */
  weight: number | null = null;
  /** What is said of it where its address is; null: nothing. */
  record: ServiceRecord | null = null;
  private reason: string;
  private sinceMs: number;
  /** When a probe last failed by something that was said. */
  private refusedAt = -NEVER;

  /** `first`: what is thought of it before its first probe. */
  constructor(address: Address, options: HealthOptions, now: number, first: 'assumed' | 'awaited') {
    this.address = address;
    this.options = options;
    this.active = activeOf(options, first);
    this.failures = failuresOf(options);
    this.nextProbeAt = this.active === null ? NEVER : now;
    this.reason = this.active === null ? 'no health check' : FIRST_REASONS[first];
    this.sinceMs = now;
  }

  memory(now: number): EndpointMemory {
    const { reason, sinceMs, lastProbe, lastFailure } = this;
    return {
      active: this.active?.state ?? null,
      reason,
      sinceAgoMs: now - sinceMs,
      lastProbe: lastProbe === null ? null : { ...lastProbe, agoMs: now - lastProbe.atMs },
      lastFailure: lastFailure === null ? null : { ...lastFailure, agoMs: now - lastFailure.atMs },
      ejectedForMs: this.isEjected ? Math.max(0, this.ejectedUntil - now) : null,
      slowStartMs: this.recoveredAt < 0 ? null : now - this.recoveredAt,
      weight: this.weight,
    };
  }

  /** Another one has found this out before. What is no longer asked for is not remembered. */
  recall(now: number, memory: EndpointMemory): void {
    const { lastProbe, lastFailure, ejectedForMs, slowStartMs = null } = memory;
    const { active } = this.options;
    if (active !== null && memory.active !== null) {
      this.active = new ActiveHealth(active.rise, active.fall, memory.active);
      this.lastProbe = lastProbe === null ? null : { ...lastProbe, atMs: now - lastProbe.agoMs };
      this.weight = memory.weight ?? null;
    }
    if (slowStartMs !== null && slowStartMs < this.options.slowStartMs) this.recoveredAt = now - slowStartMs;
    if (ejectedForMs !== null && this.options.passive !== null) this.ejectedUntil = now + ejectedForMs;
    this.lastFailure = lastFailure === null ? null : { ...lastFailure, atMs: now - lastFailure.agoMs };
    if ((active === null) !== (memory.active === null)) return;
    this.reason = memory.reason;
    this.sinceMs = now - memory.sinceAgoMs;
  }

  /** Goes on by other options. What was found out so far holds until something else is. `isCheckNew`: it asks otherwise. */
  apply(now: number, options: HealthOptions, isCheckNew: boolean): void {
    const before = this.options;
    this.options = options;
    if (
      before.passive?.failures !== options.passive?.failures ||
      before.passive?.withinMs !== options.passive?.withinMs
    ) {
      this.failures = failuresOf(options);
    }
    if (options.passive === null && this.isEjected) this.readmit(now, 'it is no longer ejected for failures');
    if (options.active === null) {
      if (this.active === null) return;
      this.active = null;
      this.weight = null;
      this.nextProbeAt = NEVER;
      this.explain(now, 'no health check');
    } else if (this.active === null) {
      this.active = activeOf(options, 'assumed');
      this.nextProbeAt = now;
      this.explain(now, FIRST_REASONS.assumed);
    } else {
      this.active.rise = options.active.rise;
      this.active.fall = options.active.fall;
      this.nextProbeAt = isCheckNew ? now : Math.min(this.nextProbeAt, now + options.active.intervalMs);
    }
  }

  /** It is awaited, and nobody else is left to do the work. True if it now gets some. */
  assume(now: number, reason: string): boolean {
    if (this.active?.state !== 'awaited' || this.options.active?.initial === 'down') return false;
    this.active.assume();
    this.explain(now, reason);
    return true;
  }

  account(now: number): EndpointAccount {
    const { reason, sinceMs, lastProbe, lastFailure } = this;
    const ejectedUntilMs = this.isEjected ? this.ejectedUntil : null;
    const { weight } = this;
    const share = this.share(now);
    return { state: this.stateText, reason, sinceMs, lastProbe, lastFailure, ejectedUntilMs, share, weight };
  }

  private get stateText(): EndpointState {
    if (this.isDown) return 'down';
    if (this.isEjected) return 'ejected';
    return this.active === null || this.active.state === 'assumed' ? 'unchecked' : 'up';
  }

  /** The state is another one than before, for this reason. */
  private explain(now: number, reason: string): void {
    this.reason = reason;
    this.sinceMs = now;
  }

  get state(): ServerState {
    if (this.isDown) return SERVER_DOWN;
    return this.isEjected ? SERVER_EJECTED : SERVER_UP;
  }

  get isDown(): boolean {
    return this.active !== null && (this.active.state === 'down' || this.active.state === 'awaited');
  }

  get isEjected(): boolean {
    return this.ejectedUntil >= 0;
  }

  /** The part of its weight that the server may have now: 0..1. */
  share(now: number): number {
    return this.recoveredAt < 0 ? 1 : slowStartShare(now - this.recoveredAt, this.options.slowStartMs);
  }

  // --- active ---

  isProbeDue(now: number): boolean {
    return this.probeStartedAt < 0 && now >= this.nextProbeAt;
  }

  handleProbeStart(now: number): void {
    this.probeStartedAt = now;
  }

  /** `detail` says why it failed, or what was seen. `weight`: what it has said of that; null: nothing. */
  handleProbeResult(
    now: number,
    isPassed: ProbeVerdict,
    detail: string,
    prng: Prng,
    weight: number | null = null,
  ): ProbeEffect {
    if (this.active === null) return 'none';
    this.nextProbeAt = Math.max(now, this.probeStartedAt + this.nextIntervalMs(prng));
    this.probeStartedAt = -1;
    this.lastProbe = { atMs: now, isPassed, detail };
    if (isPassed === null) return 'none';
    if (isPassed) this.weight = weight;
    else if (!detail.startsWith(SILENCE)) this.refusedAt = now;
    const before = this.active.state;
    const wasDown = this.isDown;
    this.active.handleResult(isPassed);
    const { retryMs } = this.options.active!;
    if (!isPassed && !this.isDown && retryMs !== null) this.nextProbeAt = now + retryMs;
    if (wasDown && !this.isDown) {
      this.ejectedUntil = -1;
      this.failures?.clear();
      this.beginSlowStart(now);
    }
    if (before === 'down' && this.active.state === 'down') return isPassed ? 'none' : this.failAgain(now, detail);
    if (this.active.state !== before) this.explain(now, this.probeText(isPassed, detail));
    // Nothing is known of one that was awaited: that it is down is news, though it gets no more than before.
    return wasDown !== this.isDown || before === 'awaited' ? 'changed' : 'none';
  }

  /** While it is down. Since when it is so stays. */
  private failAgain(now: number, detail: string): ProbeEffect {
    if (detail.startsWith(SILENCE) && now - this.refusedAt < SILENCE_MS) return 'none';
    if (this.reason.endsWith(`, ${LAST_FAILURE}${detail}`)) return 'none';
    this.reason = `checks still fail, ${LAST_FAILURE}${detail}`;
    return 'other-reason';
  }

  private probeText(isPassed: boolean, detail: string): string {
    const probes = this.probeStreak === 1 ? '1 probe' : `${this.probeStreak} probes`;
    return isPassed ? `${probes} passed` : `${probes} failed, ${LAST_FAILURE}${detail}`;
  }

  /** Equal probe results in a row. */
  get probeStreak(): number {
    return this.active === null ? 0 : this.active.streak;
  }

  /** After the first probe, servers that started together are spread over the interval. */
  private nextIntervalMs(prng: Prng): number {
    const { intervalMs, jitter } = this.options.active!;
    if (this.probeCount++ === 0) return intervalMs * prng.unit();
    return intervalMs * (1 + jitter * (2 * prng.unit() - 1));
  }

  // --- passive ---

  /** True if there were too many failures lately and the server could be ejected for it. */
  handleFailures(now: number, count: number, detail: string): boolean {
    this.lastFailure = { atMs: now, detail };
    if (this.failures === null || this.isDown || this.isEjected) return false;
    return this.failures.handleFailures(now, count);
  }

  eject(now: number, reason: string): void {
    this.explain(now, reason);
    this.ejectedUntil = now + this.options.passive!.ejectMs;
  }

  /** Ends the ejection. */
  readmit(now: number, reason: string): void {
    this.ejectedUntil = -1;
    if (this.isDown) return;
    this.explain(now, reason);
    this.beginSlowStart(now);
  }

  // --- time ---

  /** True if the ejection ended, and nothing else keeps it out. */
  handleTimer(now: number): boolean {
    if (this.recoveredAt >= 0 && now - this.recoveredAt >= this.options.slowStartMs) this.recoveredAt = -1;
    if (!this.isEjected || now < this.ejectedUntil) return false;
    this.readmit(now, EJECTION_OVER);
    return !this.isDown;
  }

  /** When `handleTimer` or a probe is due next. */
  nextDeadline(now: number): number {
    let deadline = this.probeStartedAt < 0 ? this.nextProbeAt : NEVER;
    if (this.isEjected) deadline = Math.min(deadline, this.ejectedUntil);
    if (this.recoveredAt >= 0) {
      deadline = Math.min(deadline, this.recoveredAt + nextStepMs(now - this.recoveredAt, this.options.slowStartMs));
    }
    return deadline;
  }

  beginSlowStart(now: number): void {
    this.recoveredAt = this.options.slowStartMs > 0 ? now : -1;
  }
}

const LAST_FAILURE = 'last: ';
const FIRST_REASONS = { assumed: 'not checked yet', awaited: 'waits for its first check' } as const;

function activeOf({ active }: HealthOptions, first: ActiveState): ActiveHealth | null {
  return active === null ? null : new ActiveHealth(active.rise, active.fall, first);
}

function failuresOf({ passive }: HealthOptions): FailureWindow | null {
  return passive === null ? null : new FailureWindow(passive.failures, passive.withinMs);
}
