/**
 * What a virtual router does while it is active: adverts, the life of its addresses in the kernel, what the segment is told
 * of them, and what it sees of somebody else who has them too. When it becomes active, and ceases to be, is router.ts's
 * matter; so is the priority that it has just now.
 */
import { PRIORITY_RELEASE } from '../../wire/vrrp/advert.ts';
import { Announcer, contestedForUs } from './announcer.ts';
import type { RouterAction } from './events.ts';
import { US_PER_S } from './intervals.ts';
import { addressLifetimeS, RENEWAL_LATE_US_MAX, renewalsUs } from './lifetime.ts';
import { type Observer, seconds } from './observer.ts';
import type { RouterSettings } from './settings.ts';

const NEVER = Number.POSITIVE_INFINITY;
const LONG_AGO = Number.NEGATIVE_INFINITY;

/** It asks at most this often whether somebody else has the addresses too. */
const ASK_GAP_US = 750_000;
/** A successor may be heard to announce the addresses before its advert is: only then that is a conflict. */
const CONFLICT_US = 100_000;
/** The kernel's lifetimes are whole seconds: adverts every 10 ms need not lengthen them a hundred times a second. */
const REFRESH_GAP_US = 200_000;
/** Connections that the predecessor has are passed on to it: those that began while the caches of the segment were turned. */
const RELAY_US = 500_000;
/** Between two times that an address is put back. */
const PUT_BACK_GAP_US = 50_000;

interface Conflict {
  readonly address: string;
  /** A MAC address. */
  readonly by: string;
  /** Whose that is; null: nobody's who was heard. */
  readonly peer: string | null;
  readonly dueUs: number;
}

export class Tenure {
  private settings: RouterSettings;
  /** From one advert to the next: what is configured, or for a while what was. */
  private intervalUs: number;
  /** When that becomes what is configured. */
  private paceEndUs = LONG_AGO;
  private readonly observer: Observer;
  private readonly act: (action: RouterAction) => void;
  private readonly announcer: Announcer;
  /** Adver_Timer. */
  private adverUs = NEVER;
  private sentUs = LONG_AGO;
  private heldUs = LONG_AGO;
  /** After an advert: see lifetime.ts. */
  private renewals: readonly number[];
  private nextRenewal = 0;
  private answeredUs = LONG_AGO;
  private askedUs = LONG_AGO;
  private putBackUs = LONG_AGO;
  /** Somebody else answered for the addresses, and when that is told if they are still held. */
  private conflict: Conflict | null = null;
  /** When a rival was last seen. */
  private rivalUs = LONG_AGO;
  private relayEndUs = NEVER;

  constructor(settings: RouterSettings, observer: Observer, act: (action: RouterAction) => void) {
    this.settings = settings;
    this.intervalUs = settings.intervalUs;
    this.observer = observer;
    this.act = act;
    this.announcer = new Announcer(settings.intervalUs);
    this.renewals = renewalsUs(settings.version, settings.intervalUs);
  }

  /**
   * Goes by these from now on; while it is active, `change` follows. Where the interval is longer, adverts come as often as
   * before for as long as a new interval lasts: peers count with the old one until they have heard of the new one, and believe
   * a much longer one only when adverts that name it have come that far apart (interval-belief.ts).
   */
  apply(settings: RouterSettings, nowUs: number): void {
    const { intervalUs } = this.settings;
    this.settings = settings;
    this.announcer.apply(settings.intervalUs);
    if (settings.intervalUs !== intervalUs) this.paceEndUs = nowUs + settings.intervalUs;
    this.setInterval(Math.min(this.intervalUs, settings.intervalUs));
  }

  /** Tells what has changed in an advert at once, and the segment if it is the addresses. */
  change(priority: number, hasOtherAddresses: boolean, nowUs: number): void {
    if (hasOtherAddresses) this.announcer.begin(nowUs);
    this.hold(nowUs);
    this.advertiseNow(priority, nowUs);
    this.announceIfDue(nowUs);
  }

  /** When an advert was last sent, a release included. */
  get lastSentUs(): number {
    return this.sentUs;
  }

  get deadlineUs(): number {
    return Math.min(this.adverUs, this.announcer.deadlineUs, this.renewalUs(), this.conflict?.dueUs ?? NEVER);
  }

  /** Until when connections of the predecessor are passed on to it. */
  get relayUs(): number {
    return this.relayEndUs;
  }

  isContested(nowUs: number): boolean {
    return nowUs < this.rivalUs + contestedForUs(this.settings.intervalUs);
  }

  isAdvertDue(nowUs: number): boolean {
    return nowUs >= this.adverUs;
  }

  /** `predecessor` has given the addresses to this router, or is about to, and has connections. */
  begin(priority: number, predecessor: Uint8Array | null, isContested: boolean, nowUs: number): void {
    // First of all: once caches turn, what comes in may be for a connection of the predecessor's.
    if (predecessor !== null) {
      this.relayEndUs = nowUs + RELAY_US;
      this.act({ kind: 'relay', to: predecessor });
    }
    // Held before it is advertised: a peer that hands over gives the addresses up when it hears this advert.
    this.hold(nowUs);
    this.act({ kind: 'send-advert', priority });
    this.sentUs = nowUs;
    this.nextRenewal = 0;
    this.setInterval(this.settings.intervalUs);
    this.adverUs = nowUs + this.intervalUs;
    this.askedUs = nowUs;
    this.announcer.begin(nowUs);
    this.rivalUs = isContested ? nowUs : LONG_AGO;
    if (isContested) this.announcer.contest(nowUs);
    this.announceIfDue(nowUs);
  }

  /** To be called with what comes next: the addresses may be held on while a successor is found. */
  end(): void {
    this.announcer.end();
    this.conflict = null;
    this.endRelay();
    this.adverUs = NEVER;
  }

  tick(priority: number, nowUs: number): void {
    if (this.isAdvertDue(nowUs)) {
      const isPaceOver = nowUs >= this.paceEndUs && this.intervalUs !== this.settings.intervalUs;
      if (isPaceOver) this.setInterval(this.settings.intervalUs);
      const { intervalUs } = this;
      this.askForRivals(nowUs);
      this.advertise(priority, nowUs);
      // From the time it was due and not from now: lateness must not add up. After a gap, from now.
      this.adverUs = Math.max(this.adverUs + intervalUs, nowUs + intervalUs / 2);
    }
    this.renew(nowUs);
    this.announceIfDue(nowUs);
    this.tellConflict(nowUs);
  }

  /** Out of turn: the next advert is due an interval from now. */
  advertiseNow(priority: number, nowUs: number): void {
    this.advertise(priority, nowUs);
    this.adverUs = nowUs + this.intervalUs;
  }

  /** To one that advertises with less right every `intervalUs`: a rival, or who has not heard yet that it is none. */
  answer(priority: number, intervalUs: number, isRival: boolean, nowUs: number): void {
    if (isRival) this.rivalUs = nowUs;
    // At most one answer per interval, the shorter one of the two: two routers that each take themselves for the better one
    // (a clone with the same address) would otherwise answer each other's answers as fast as the wire allows.
    if (nowUs - this.answeredUs < Math.min(this.intervalUs, intervalUs)) return;
    this.answeredUs = nowUs;
    this.advertise(priority, nowUs);
    this.contest(nowUs);
  }

  /** Tells the peers to take over. */
  release(nowUs: number): void {
    this.act({ kind: 'send-advert', priority: PRIORITY_RELEASE });
    this.sentUs = nowUs;
  }

  hold(nowUs: number): void {
    this.heldUs = nowUs;
    this.act({ kind: 'hold-addresses', lifetimeS: addressLifetimeS(this.settings.version, this.intervalUs) });
  }

  /** Somebody has removed an address, or its life has ended. */
  putBack(address: string, nowUs: number): void {
    const heldUs = nowUs - this.heldUs;
    if (heldUs >= addressLifetimeS(this.settings.version, this.intervalUs) * US_PER_S) {
      const what = `the life of ${address} ended, for it was not lengthened for ${seconds(heldUs)} s; it is put back`;
      this.observer.note('address-expired', () => what, nowUs);
    } else {
      this.observer.note('address-removed', () => `${address} was removed by somebody else and is put back`, nowUs);
    }
    // Not in a race with somebody who removes it as fast: the next advert holds it again.
    if (nowUs - this.putBackUs < PUT_BACK_GAP_US) return;
    this.putBackUs = nowUs;
    this.hold(nowUs);
    this.act({ kind: 'announce' });
  }

  /** The addresses are on another MAC address now. */
  announce(nowUs: number): void {
    this.announcer.begin(nowUs);
  }

  /** A foreign machine says that it has an address: a peer's, or a stranger's (null). */
  handleAddressAnswered(address: string, by: string, peer: string | null, nowUs: number): void {
    const { conflict } = this;
    if (conflict === null) this.conflict = { address, by, peer, dueUs: nowUs + CONFLICT_US };
    else if (conflict.by === by) this.conflict = { ...conflict, peer: peer ?? conflict.peer };
    this.contest(nowUs);
  }

  endRelay(): void {
    if (this.relayEndUs === NEVER) return;
    this.relayEndUs = NEVER;
    this.act({ kind: 'end-relay' });
  }

  private setInterval(intervalUs: number): void {
    this.intervalUs = intervalUs;
    this.renewals = renewalsUs(this.settings.version, intervalUs);
  }

  private advertise(priority: number, nowUs: number): void {
    this.act({ kind: 'send-advert', priority });
    this.sentUs = nowUs;
    this.nextRenewal = 0;
    const gapUs = this.renewals.length > 0 ? RENEWAL_LATE_US_MAX : REFRESH_GAP_US;
    if (nowUs - this.heldUs >= gapUs) this.hold(nowUs);
  }

  /** When the addresses' life is to be lengthened before the next advert does it. */
  private renewalUs(): number {
    return this.nextRenewal < this.renewals.length ? this.sentUs + this.renewals[this.nextRenewal] : NEVER;
  }

  private renew(nowUs: number): void {
    if (nowUs < this.renewalUs()) return;
    while (nowUs >= this.renewalUs()) this.nextRenewal++;
    // Later than the last time, it would be there when a peer asks for it.
    if (nowUs <= this.sentUs + this.renewals[this.renewals.length - 1] + RENEWAL_LATE_US_MAX) this.hold(nowUs);
  }

  /** Somebody else has the addresses, or may have had them a moment ago: the segment is told where they are. */
  private contest(nowUs: number): void {
    this.announcer.contest(nowUs);
    this.announceIfDue(nowUs);
  }

  private announceIfDue(nowUs: number): void {
    if (this.announcer.isDue(nowUs)) this.act({ kind: 'announce' });
  }

  /**
   * Before the advert, which ends a rival without a word: it answers while it has the addresses, and so is known to have
   * turned caches during a cut.
   */
  private askForRivals(nowUs: number): void {
    if (!this.settings.probesAddresses || nowUs - this.askedUs < ASK_GAP_US) return;
    this.askedUs = nowUs;
    this.act({ kind: 'probe' });
  }

  private tellConflict(nowUs: number): void {
    if (this.conflict === null || nowUs < this.conflict.dueUs) return;
    const { address, by, peer } = this.conflict;
    this.conflict = null;
    this.rivalUs = nowUs;
    const who = peer === null ? `${by}, which is no peer's,` : `${by} (${peer})`;
    this.observer.note('address-conflict', () => `${who} answers for ${address}, which this router holds`, nowUs);
  }
}
