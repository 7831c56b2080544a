/**
 * What a router saw that an operator should know, at a bearable rate (RFC 9568 section 7.1: logged, rate-limited).
 */
import { formatIP } from '../../base/address.ts';
import { PRIORITY_OWNER, PRIORITY_RELEASE } from '../../wire/vrrp/advert.ts';
import type { HeardAdvert } from './heard-advert.ts';
import { DOWN_ADVERTS, US_PER_S } from './intervals.ts';
import type { Refusal } from './refusals.ts';
import type { Severity } from './severity.ts';

export type EvidenceKind = keyof typeof KINDS | `refused-${Refusal}`;

/** What was seen, and how loud it is told. */
const KINDS = {
  rival: 'warning', // another router advertises while this one is active, with less right
  superior: 'info', // another router advertises while this one is active, with more right
  'deaf-rival': 'error', // a rival goes on although this router answers: it does not hear us, or refuses what it hears
  'second-owner': 'error', // another router claims to own the addresses too (priority 255)
  'same-priority': 'warning', // another router has the same priority: which one wins depends on addresses
  'address-list': 'warning', // a peer advertises other addresses than this router has
  'other-pair': 'error', // routers of the same id advertise none of this router's addresses
  interval: 'warning', // a peer advertises another interval
  'interval-doubted': 'warning', // a peer advertises an interval that is far longer, and not yet believed
  stall: 'warning', // this process did not run
  'address-conflict': 'error', // a foreign machine answers for an address that this router holds
  'held-by-peer': 'warning', // a peer's machine answers for an address that no peer advertises: not taken yet
  'held-by-stranger': 'error', // another machine does: not taken
  'left-here': 'warning', // at the start another program's addresses were here: they stay until a peer is heard, or this node takes them
  unheld: 'error', // no active router is heard, and a guard or the group keeps this one from being it
  'address-removed': 'warning', // somebody removed an address that this router holds; it is put back
  'address-expired': 'warning', // the kernel removed an address, because this process did not run
  flood: 'warning', // so many adverts are refused that the kernel drops most of them
  unsent: 'error', // adverts do not leave this machine
  'no-successor': 'error', // a hand-over or a stop found nobody to take over
} as const satisfies Record<string, Severity>;

/** Beside the refusals. */
export const EVIDENCE_KINDS: readonly string[] = Object.keys(KINDS);

/** An advert that was not believed is a warning. */
function severityOf(kind: EvidenceKind): Severity {
  return kind in KINDS ? KINDS[kind as keyof typeof KINDS] : 'warning';
}

/** A rival that still advertises after this many answers does not hear them. */
const DEAF_ADVERTS = 4;
/** The same kind is told again after this long, with the number that happened meanwhile. */
const SILENCE_US = 60 * US_PER_S;

export interface Evidence {
  readonly kind: EvidenceKind;
  /** For people. */
  readonly detail: string;
  readonly severity: Severity;
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

  /** Counts, and tells unless this kind was told less than a minute ago. `count`: it happened so often. */
  note(kind: EvidenceKind, detail: () => string, nowUs: number, count = 1): void {
    let tally = this.tallies.get(kind);
    if (tally === undefined) {
      tally = { total: 0, lastUs: nowUs, suppressed: 0, toldUs: Number.NEGATIVE_INFINITY };
      this.tallies.set(kind, tally);
    }
    tally.total += count;
    tally.lastUs = nowUs;
    if (nowUs - tally.toldUs < SILENCE_US) {
      tally.suppressed += count;
      return;
    }
    this.tell({ kind, detail: detail(), severity: severityOf(kind), suppressed: tally.suppressed });
    tally.toldUs = nowUs;
    tally.suppressed = count - 1;
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
    const { addresses, foreignAddress, intervalUs, priority } = advert;
    if (addresses === 'some') {
      const which = (): string => (foreignAddress === null ? 'fewer addresses' : `${foreignAddress} too`);
      this.note('address-list', () => `${who(advert)} advertises ${which()}`, nowUs);
    } else if (addresses === 'none') {
      const told = (): string =>
        `${who(advert)} advertises ${foreignAddress ?? 'nothing'} and no address of this router: another pair has the ` +
        'same router-id on this network; give one of them another one';
      this.note('other-pair', told, nowUs);
    }
    if (intervalUs !== ownIntervalUs) {
      const own = seconds(ownIntervalUs);
      this.note(
        'interval',
        () => `${who(advert)} advertises every ${seconds(intervalUs)} s, this node ${own} s`,
        nowUs,
      );
    }
    if (priority !== ownPriority || priority === PRIORITY_RELEASE) return;
    const kind = priority === PRIORITY_OWNER ? 'second-owner' : 'same-priority';
    this.note(kind, () => `${who(advert)} has priority ${priority} too`, nowUs);
  }

  /** An advert with less right than this router's own came in while it is active. */
  noteRival(advert: HeardAdvert, ownPriority: number, nowUs: number): void {
    const { intervalUs, priority } = advert;
    this.note('rival', () => `${who(advert)} of priority ${priority} is active too; ours is ${ownPriority}`, nowUs);
    const isOld = nowUs - this.lastRivalUs > DOWN_ADVERTS * intervalUs;
    this.rivalAdverts = isOld ? 1 : this.rivalAdverts + 1;
    this.lastRivalUs = nowUs;
    if (this.rivalAdverts < DEAF_ADVERTS) return;
    const why = 'it does not hear us, or refuses what it hears';
    this.note('deaf-rival', () => `${who(advert)} goes on although we answer: ${why}`, nowUs);
  }
}

function who({ source }: HeardAdvert): string {
  return formatIP(source);
}

export function seconds(us: number): string {
  return (us / US_PER_S).toFixed(us < US_PER_S ? 3 : 1);
}
