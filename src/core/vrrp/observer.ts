/**
 * What a router saw that an operator should know, at a bearable rate (RFC 9568 section 7.1: logged, rate-limited).
 */
import { PRIORITY_OWNER } from '../../wire/vrrp/advert.ts';
import type { HeardAdvert } from './events.ts';
import { DOWN_ADVERTS, US_PER_S } from './intervals.ts';
import type { Refusal } from './refusals.ts';

export type EvidenceKind =
  | 'rival' // another router advertises while this one is active, with less right
  | 'superior' // another router advertises while this one is active, with more right
  | 'deaf-rival' // a rival goes on although this router answers: it does not hear us, or refuses what it hears
  | 'second-owner' // another router claims to own the addresses too (priority 255)
  | 'same-priority' // another router has the same priority: which one wins depends on addresses
  | 'address-list' // a peer advertises other addresses than this router has
  | 'interval' // a peer advertises another interval
  | 'stall' // this process did not run
  | 'address-conflict' // a foreign machine answers for an address: while claiming, or while active
  | 'address-removed' // somebody removed an address that this router holds; it is put back
  | 'address-expired' // the kernel removed an address, because this process did not run
  | 'unsent' // adverts do not leave this machine
  | 'no-successor' // a hand-over or a stop found nobody to take over
  | `refused-${Refusal}`; // an advert was not believed

/** A rival that still advertises after this many answers does not hear them. */
const DEAF_ADVERTS = 4;
/** The same kind is told again after this long, with the number that happened meanwhile. */
const SILENCE_US = 60 * US_PER_S;

export interface Evidence {
  readonly kind: EvidenceKind;
  /** For people. */
  readonly detail: string;
  /** How many of this kind were not told since the last one. */
  readonly suppressed: number;
}

/** What was noted of one kind. */
export interface Sightings {
  readonly total: number;
  /** Also when it was not told, for being one of many. */
  readonly lastUs: number;
}

interface Tally {
  total: number;
  lastUs: number;
  suppressed: number;
  toldUs: number;
}

export class Observer {
  private readonly tell: (evidence: Evidence) => void;
  private readonly tallies = new Map<EvidenceKind, Tally>();
  private lastRivalUs = Number.NEGATIVE_INFINITY;
  private rivalAdverts = 0;

  constructor(tell: (evidence: Evidence) => void) {
    this.tell = tell;
  }

  /** Counts, and tells unless this kind was told less than a minute ago. */
  note(kind: EvidenceKind, detail: () => string, nowUs: number): void {
    let tally = this.tallies.get(kind);
    if (tally === undefined) {
      tally = { total: 0, lastUs: nowUs, suppressed: 0, toldUs: Number.NEGATIVE_INFINITY };
      this.tallies.set(kind, tally);
    }
    tally.total++;
    tally.lastUs = nowUs;
    if (nowUs - tally.toldUs < SILENCE_US) {
      tally.suppressed++;
      return;
    }
    this.tell({ kind, detail: detail(), suppressed: tally.suppressed });
    tally.toldUs = nowUs;
    tally.suppressed = 0;
  }

  /** How often it was noted. */
  total(kind: EvidenceKind): number {
    return this.tallies.get(kind)?.total ?? 0;
  }

  /** Everything noted so far, with how often, and when last. */
  totals(): Record<string, Sightings> {
    return Object.fromEntries(Array.from(this.tallies, ([kind, { total, lastUs }]) => [kind, { total, lastUs }]));
  }

  /** RFC 9568 sections 7.1 and 8.3.2: what does not match is told, and changes nothing. */
  noteMismatches(advert: HeardAdvert, ownPriority: number, ownIntervalUs: number, nowUs: number): void {
    if (!advert.hasOurAddresses) this.note('address-list', () => 'a peer advertises other addresses', nowUs);
    if (advert.intervalUs !== ownIntervalUs) {
      this.note('interval', () => `a peer advertises every ${seconds(advert.intervalUs)} s`, nowUs);
    }
    if (advert.priority !== ownPriority) return;
    const kind = advert.priority === PRIORITY_OWNER ? 'second-owner' : 'same-priority';
    this.note(kind, () => `a peer has priority ${advert.priority} too`, nowUs);
  }

  /** An advert with less right than this router's own came in while it is active. */
  noteRival(advert: HeardAdvert, ownPriority: number, nowUs: number): void {
    this.note('rival', () => `a peer of priority ${advert.priority} is active too; ours is ${ownPriority}`, nowUs);
    const isOld = nowUs - this.lastRivalUs > DOWN_ADVERTS * advert.intervalUs;
    this.rivalAdverts = isOld ? 1 : this.rivalAdverts + 1;
    this.lastRivalUs = nowUs;
    if (this.rivalAdverts < DEAF_ADVERTS) return;
    this.note(
      'deaf-rival',
      () => 'it goes on although we answer: it does not hear us, or refuses what it hears',
      nowUs,
    );
  }
}

export function seconds(us: number): string {
  return (us / US_PER_S).toFixed(us < US_PER_S ? 3 : 1);
}
