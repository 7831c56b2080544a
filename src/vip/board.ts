/**
 * What the vip process leaves in shared memory for the case that it cannot say anything any more: that its loop turns, for
 * every router that holds addresses, when it sent its last advert, for every router that is restrained, why and until
 * when, and for every backup, how often the active router advertises. From there its successor goes on. A router has a slot to itself, whatever else a plan has (core/slots.ts). One writer
 * at a time: the process that takes part, and while there is none, the keeper; and the keeper in charge always of its own
 * heartbeat. Every number is written whole.
 *
 * In an upgrade the next program goes on with the same board. So what is here keeps its place from version to version, and new
 * words are those at the end of a router's; what cannot be done like that is another VIP_BOARD_FORMAT, and then no upgrade.
 */
import { assert } from '../base/assert.ts';
import { ROUTERS_MAX } from '../base/limits.ts';
import type { Restraint, RestraintReason } from '../core/vrrp/restraint.ts';

const HEARTBEAT = 0;
const KEEPER_HEARTBEAT = 1;
const FIRST_ROUTER = 2;
/** Of a router. */
const LAST_ADVERT = 0;
const RESTRAINT_REASON = 1;
const RESTRAINT_SINCE = 2;
const RESTRAINT_UNTIL = 3;
const FOLLOWED = 4;
/** With room for later versions. */
const WORDS_PER_ROUTER = 8;
/** Those of an earlier plan keep their places while they leave. */
export const ROUTER_SLOTS_MAX = 2 * ROUTERS_MAX;
const WORDS = FIRST_ROUTER + WORDS_PER_ROUTER * ROUTER_SLOTS_MAX;

/** Of what is laid out like this. */
export const VIP_BOARD_FORMAT = 1;

/** By their number on the board; 0: none. */
const REASONS: readonly (RestraintReason | null)[] = [null, 'hand-over', 'late', 'start', 'mute', 'certificates'];

const NOT_HELD = 0;
const GIVEN_UP = -1;

export class VipBoard {
  static readonly bytes: number = 8 * WORDS;
  private readonly words: Float64Array;

  constructor(buffer: ArrayBufferLike) {
    this.words = new Float64Array(buffer, 0, WORDS);
  }

  get heartbeat(): number {
    return this.words[HEARTBEAT];
  }

  beat(): void {
    this.words[HEARTBEAT]++;
  }

  get keeperHeartbeat(): number {
    return this.words[KEEPER_HEARTBEAT];
  }

  beatAsKeeper(): void {
    this.words[KEEPER_HEARTBEAT]++;
  }

  /** Null: it holds no addresses. */
  lastAdvertUs(slot: number): number | null {
    const word = this.read(slot, LAST_ADVERT);
    return word > 0 ? word : null;
  }

  setLastAdvertUs(slot: number, us: number | null): void {
    this.write(slot, LAST_ADVERT, us ?? NOT_HELD);
  }

  /** It was held by a process that is gone, and has been given up in its place. */
  wasGivenUp(slot: number): boolean {
    return this.read(slot, LAST_ADVERT) === GIVEN_UP;
  }

  giveUp(slot: number): void {
    this.write(slot, LAST_ADVERT, GIVEN_UP);
  }

  restraint(slot: number): Restraint | null {
    const reason = REASONS[this.read(slot, RESTRAINT_REASON)] ?? null;
    if (reason === null) return null;
    return { reason, sinceUs: this.read(slot, RESTRAINT_SINCE), untilUs: this.read(slot, RESTRAINT_UNTIL) };
  }

  setRestraint(slot: number, restraint: Restraint | null): void {
    if (restraint !== null) {
      this.write(slot, RESTRAINT_SINCE, restraint.sinceUs);
      this.write(slot, RESTRAINT_UNTIL, restraint.untilUs);
    }
    // Last: whoever reads it finds the rest.
    this.write(slot, RESTRAINT_REASON, REASONS.indexOf(restraint?.reason ?? null));
  }

  /** What a backup believes of the interval of the active router. Null: this is no backup. */
  followedUs(slot: number): number | null {
    const word = this.read(slot, FOLLOWED);
    return word > 0 ? word : null;
  }

  setFollowedUs(slot: number, us: number | null): void {
    this.write(slot, FOLLOWED, us ?? 0);
  }

  private read(slot: number, word: number): number {
    assert(slot < ROUTER_SLOTS_MAX, 'more routers than the board has room for');
    return this.words[FIRST_ROUTER + slot * WORDS_PER_ROUTER + word];
  }

  private write(slot: number, word: number, value: number): void {
    assert(slot < ROUTER_SLOTS_MAX, 'more routers than the board has room for');
    this.words[FIRST_ROUTER + slot * WORDS_PER_ROUTER + word] = value;
  }
}
