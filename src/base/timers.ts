/**
 * Timeouts of many thousand connections: a hashed timing wheel (Varghese and Lauck, 1987, scheme 6) whose entries are
 * filed lazily.
 *
 * A connection's deadline moves with nearly every event, and nearly always to a later time. So a move to a later time
 * is only a number stored in the object; the wheel finds it out when it comes to the entry, and files it again. A busy
 * connection costs the wheel one look per timeout and not one per event. Only a move to an earlier time relinks the
 * entry.
 *
 * The wheel never fires early, and at most TICK_MS and the caller's own delay late. It allocates nothing after it is
 * made.
 */
import { assert } from './assert.ts';
import { TICK_MS } from './limits.ts';

/** Slots of the wheel, a power of two: 51.2 s round. A deadline further away is only looked at once per round. */
const SLOTS = 1024;
const SLOT_MASK = SLOTS - 1;
const NOT_FILED = Infinity;

/**
 * Something with one deadline: extend it. Its fields are set in the constructor: where many classes extend one, V8 defines fields with
 * initial values in the slow way, which costs each object most of a microsecond.
 */
export class Timed {
  /**
   * When it expires, in milliseconds of the clock given to `advance`; 0: never. May be read at any time. Storing 0
   * disarms it; storing a time that is later than the one it holds is allowed while that one is not 0. `Timers.arm` is
   * always right.
   */
  declare deadline: number;

  /** The wheel's own: when it will look, in ms, and the neighbours in its slot's ring. */
  declare wheelLook: number;
  declare wheelNext: Timed | null;
  declare wheelPrevious: Timed | null;

  constructor() {
    this.deadline = 0;
    this.wheelLook = NOT_FILED;
    this.wheelNext = null;
    this.wheelPrevious = null;
  }
}

export interface ExpiryHandler {
  /**
   * `timed.deadline` has passed. It is disarmed and no longer in the wheel; it may be armed again. Any other may be
   * armed, disarmed or removed here; what is armed here with a time that has already passed expires with the next tick.
   */
  handleExpiry(timed: Timed, now: number): void;
}

export class Timers {
  /** Rings, each closed by its own head. */
  private readonly slots: Timed[] = [];
  /** What is being looked at, off its slot, so that nothing filed meanwhile is looked at in the same round. */
  private readonly due = new Timed();
  /** Every slot up to that of this tick has been looked at. */
  private tick: number;
  private isAdvancing = false;

  /** `now`: milliseconds, >= 0, of the clock that `advance` will be given. */
  constructor(now: number) {
    this.tick = Math.floor(now / TICK_MS);
    for (let i = 0; i < SLOTS; i++) this.slots.push(emptyRing(new Timed()));
    emptyRing(this.due);
  }

  /**
   * Sets the deadline, to an earlier or a later time; > 0. Costs a store and a comparison unless it is an earlier one.
   */
  arm(timed: Timed, deadline: number): void {
    timed.deadline = deadline;
    if (deadline < timed.wheelLook) this.file(timed);
  }

  /**
   * Takes it out of the wheel, so that the wheel refers to it no longer. Idempotent. To disarm, storing 0 is enough.
   */
  remove(timed: Timed): void {
    timed.deadline = 0;
    unlink(timed);
  }

  /**
   * Calls `handler` once for each whose deadline is at or before `now`. A clock that stood still or ran back is a
   * no-op; after a long stall each slot is looked at once.
   */
  advance(now: number, handler: ExpiryHandler): void {
    const target = Math.floor(now / TICK_MS);
    if (target <= this.tick) return;
    assert(!this.isAdvancing, 'advance called by an expiry handler');
    this.isAdvancing = true;
    const first = Math.max(this.tick + 1, target - SLOT_MASK);
    this.tick = target;
    for (let tick = first; tick <= target; tick++) this.lookAt(this.slots[tick & SLOT_MASK], now, handler);
    this.isAdvancing = false;
  }

  private lookAt(slot: Timed, now: number, handler: ExpiryHandler): void {
    const due = this.due;
    moveRing(slot, due);
    while (due.wheelNext !== due) {
      const timed = due.wheelNext as Timed;
      const deadline = timed.deadline;
      unlink(timed);
      if (deadline === 0) continue;
      if (deadline > now) {
        this.file(timed);
        continue;
      }
      timed.deadline = 0;
      handler.handleExpiry(timed, now);
    }
  }

  /** Puts it where the wheel comes by at the first tick that is not before its deadline, or within one round. */
  private file(timed: Timed): void {
    unlink(timed);
    const wanted = Math.ceil(timed.deadline / TICK_MS);
    const tick = Math.min(Math.max(wanted, this.tick + 1), this.tick + SLOT_MASK);
    const head = this.slots[tick & SLOT_MASK];
    const last = head.wheelPrevious as Timed;
    timed.wheelLook = tick * TICK_MS;
    timed.wheelNext = head;
    timed.wheelPrevious = last;
    last.wheelNext = timed;
    head.wheelPrevious = timed;
  }
}

function emptyRing(head: Timed): Timed {
  head.wheelNext = head;
  head.wheelPrevious = head;
  return head;
}

/** Moves all entries of `from` to the empty ring `to`. */
function moveRing(from: Timed, to: Timed): void {
  const first = from.wheelNext as Timed;
  if (first === from) return;
  const last = from.wheelPrevious as Timed;
  to.wheelNext = first;
  to.wheelPrevious = last;
  first.wheelPrevious = to;
  last.wheelNext = to;
  emptyRing(from);
}

function unlink(timed: Timed): void {
  const next = timed.wheelNext;
  if (next === null) return;
  const previous = timed.wheelPrevious as Timed;
  previous.wheelNext = next;
  next.wheelPrevious = previous;
  timed.wheelNext = null;
  timed.wheelPrevious = null;
  timed.wheelLook = NOT_FILED;
}
