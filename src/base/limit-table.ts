/**
 * What limits count, in memory that the proxies of a node share: how fast requests of a key have come, and how many of a key are
 * under way. All proxies write it, and nobody waits for anybody: each change is one atomic operation, which is tried again where another
 * proxy was first. A key is a hash (base/keyed-hash.ts), and has its cell in one small bucket.
 *
 *   header  the keys of the hash (2 words), how many rows there are in use (1)
 *   rate    id, level, time, whose level that is (a word each)
 *   held    id; and in a table of its own a count for each row
 *
 * **Rates.** A leaky bucket as nginx has it: each request puts 1,000 units in, and `rate` of them leave per second. The cell has the
 * level as the number on a meter that runs at that rate: the moment at which it will be empty. So it is one word, and the time that
 * passes changes nothing in memory. A cell that no request came for long enough is empty, whatever its word says. Where a bucket has no
 * room the cell goes whose last request is longest ago. The level of a cell is its key's only when it says so: until then whoever comes empties it, which works only
 * for who is first, so that two that make the same cell at one instant count into one level.
 *
 * **Counts.** Each process has a column of its own, and the count of a key is the sum of its row: what a killed process held is given back
 * by emptying its column. A cell that is in use is never forgotten: without room a key gets none. A process counts itself in before it
 * looks at the sum, so that there are never more than the limit; two that come at the same instant for the last place may both be refused.
 * A cell that counts nothing may become another key's. Who has counted into it at that very instant counts there until it ends.
 */
import { assert } from './assert.ts';

const HEADER_WORDS = 16;
const H_KEY0 = 0;
const H_KEY1 = 1;
const H_ROWS = 2;

const BUCKET = 8;
/** Twice as many as keys that are to be remembered: places that are full are few then (core/limit/exactness.test.ts). */
const RATE_CELLS = 2 ** 21;
const RATE_WORDS = 4;
const C_ID = 0;
const C_LEVEL = 1;
const C_TIME = 2;
const C_WHOSE = 3;

const HELD_CELLS = 2 ** 15;

/** What a request puts in. */
export const UNITS_PER_REQUEST = 1000;
/** A level is nothing where the meter has run on by so much: half of what can be told apart. */
const UNITS_MAX = 2 ** 30;
/** Clocks of processes are not read at the same instant. */
const SLACK_MS = 60_000;
const TRIES_MAX = 64;

export const REFUSED = -1;
/** There is no room for this key. */
export const NO_ROOM = -2;

export class LimitTable {
  readonly rows: number;
  private readonly header: Int32Array;
  private readonly rates: Int32Array;
  private readonly ids: Int32Array;
  private readonly counts: Int32Array;
  /** Of the request that was taken in last: what `untake` needs. */
  lastCell = 0;
  lastUnits = 0;

  static bytesFor(rows: number): number {
    return 4 * (HEADER_WORDS + RATE_CELLS * RATE_WORDS + HELD_CELLS * (1 + rows));
  }

  /** Zeroed memory of `bytesFor` bytes, or that of another process's table. */
  constructor(buffer: ArrayBufferLike, rows: number) {
    assert(buffer.byteLength >= LimitTable.bytesFor(rows), 'too little memory for a table of limits');
    this.rows = rows;
    let at = 0;
    const words = (count: number): Int32Array => {
      const array = new Int32Array(buffer, at, count);
      at += 4 * count;
      return array;
    };
    this.header = words(HEADER_WORDS);
    this.rates = words(RATE_CELLS * RATE_WORDS);
    this.ids = words(HELD_CELLS);
    this.counts = words(HELD_CELLS * rows);
  }

  /** Once, by who has made the memory: two random words. */
  setKeys(key0: number, key1: number): void {
    this.header[H_KEY0] = key0;
    this.header[H_KEY1] = key1;
  }

  get key0(): number {
    return this.header[H_KEY0];
  }

  get key1(): number {
    return this.header[H_KEY1];
  }

  /** A process counts in this row from now on. */
  join(row: number): void {
    assert(row >= 0 && row < this.rows, 'row out of range');
    for (;;) {
      const used = Atomics.load(this.header, H_ROWS);
      if (used > row || Atomics.compareExchange(this.header, H_ROWS, used, row + 1) === used) return;
    }
  }

  /** The process of this row is gone: what it held is given back. */
  clearRow(row: number): void {
    for (let at = row; at < this.counts.length; at += this.rows) {
      if (Atomics.load(this.counts, at) !== 0) Atomics.store(this.counts, at, 0);
    }
  }

  // --- rates ---

  /**
   * One more request of the key with this hash. `rate`: units that leave per second, 1 to 1e9. `nowMs`: of a clock that never goes back and all
   * processes share. `burstUnits`: what may be in it above what this request puts in. What is in it above that then, or REFUSED: it is not counted.
   */
  take(first: number, second: number, rate: number, burstUnits: number, nowMs: number): number {
    const { rates } = this;
    const meter = meterAt(rate, nowMs);
    const now = nowMs | 0;
    const quietMs = Math.min(UNITS_MAX, Math.floor((UNITS_MAX / rate) * 1000));
    const id = first === 0 ? 1 : first;
    const cell = this.rateCellFor(id, second, now);
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const level = Atomics.load(rates, cell + C_LEVEL);
      // read behind the level: whose it is was said before the first request was counted into it
      if (Atomics.load(rates, cell + C_WHOSE) !== id) {
        this.begin(cell, id, level, (meter - UNITS_PER_REQUEST) | 0, now);
        continue;
      }
      const ageMs = (now - Atomics.load(rates, cell + C_TIME)) | 0;
      const isEmpty = ageMs > quietMs || ageMs < -SLACK_MS;
      // another proxy's turn may have begun later than this one's: it is no earlier here than there
      const isBehind = !isEmpty && ageMs < 0;
      const meterNow = isBehind ? meterAt(rate, nowMs - ageMs) : meter;
      const excess = isEmpty ? 0 : Math.max(0, ((level - meterNow) | 0) + UNITS_PER_REQUEST);
      // also who is refused has come just now: its cell is not the one to be forgotten
      if (!isBehind) Atomics.store(rates, cell + C_TIME, now);
      if (excess > burstUnits) return REFUSED;
      const next = (meterNow + excess) | 0;
      if (Atomics.compareExchange(rates, cell + C_LEVEL, level, next) !== level) continue;
      this.lastCell = cell;
      this.lastUnits = isEmpty ? UNITS_PER_REQUEST : Math.min(UNITS_PER_REQUEST, (next - level) | 0);
      return excess;
    }
    return REFUSED;
  }

  /** The level of this cell is another key's: unless somebody has changed it meanwhile it is this one's, and empty. */
  private begin(cell: number, id: number, former: number, empty: number, now: number): void {
    const { rates } = this;
    if (Atomics.compareExchange(rates, cell + C_LEVEL, former, empty) !== former) return;
    Atomics.store(rates, cell + C_TIME, now);
    Atomics.store(rates, cell + C_WHOSE, id);
  }

  /** A request that was taken in is not to count: another limit refuses it. */
  untake(cell: number, units: number): void {
    Atomics.sub(this.rates, cell + C_LEVEL, units);
  }

  /** That of the key, or one that is made its: free, or the one that nobody has come to for longest. */
  private rateCellFor(id: number, second: number, now: number): number {
    const { rates } = this;
    const start = (second & (RATE_CELLS / BUCKET - 1)) * BUCKET * RATE_WORDS;
    const end = start + BUCKET * RATE_WORDS;
    let oldest = start;
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      let oldestMs = -1;
      for (let cell = start; cell < end; cell += RATE_WORDS) {
        const found = Atomics.load(rates, cell + C_ID);
        if (found === id) return cell;
        const ageMs = found === 0 ? Infinity : Math.max(0, (now - Atomics.load(rates, cell + C_TIME)) | 0);
        if (ageMs <= oldestMs) continue;
        oldest = cell;
        oldestMs = ageMs;
      }
      const former = Atomics.load(rates, oldest + C_ID);
      if (Atomics.compareExchange(rates, oldest + C_ID, former, id) !== former) continue;
      Atomics.store(rates, oldest + C_TIME, now);
      return oldest;
    }
    return oldest;
  }

  // --- counts ---

  /** One more of the key with this hash is under way in the process of `row`, if there are no more than `max` then. Its cell, REFUSED or NO_ROOM. */
  hold(first: number, second: number, max: number, row: number): number {
    const { counts, ids, rows } = this;
    const id = first === 0 ? 1 : first;
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const cell = this.heldCellFor(id, second);
      if (cell < 0) return NO_ROOM;
      Atomics.add(counts, cell * rows + row, 1);
      const isOurs = Atomics.load(ids, cell) === id;
      if (isOurs && this.held(cell) <= max) return cell;
      Atomics.sub(counts, cell * rows + row, 1);
      if (isOurs) return REFUSED;
    }
    return NO_ROOM;
  }

  /** It is over. */
  release(cell: number, row: number): void {
    Atomics.sub(this.counts, cell * this.rows + row, 1);
  }

  private held(cell: number): number {
    const from = cell * this.rows;
    const used = Atomics.load(this.header, H_ROWS);
    let sum = 0;
    for (let row = 0; row < used; row++) sum += Atomics.load(this.counts, from + row);
    return sum;
  }

  private heldCellFor(id: number, second: number): number {
    const { ids } = this;
    const start = (second & (HELD_CELLS / BUCKET - 1)) * BUCKET;
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      let free = -1;
      let former = 0;
      for (let cell = start; cell < start + BUCKET; cell++) {
        const found = Atomics.load(ids, cell);
        if (found === id) return cell;
        if (free >= 0 || (found !== 0 && this.held(cell) > 0)) continue;
        free = cell;
        former = found;
      }
      if (free < 0) return -1;
      if (Atomics.compareExchange(ids, free, former, id) === former) return free;
    }
    return -1;
  }
}

/** What a meter that runs at `rate` per second shows, modulo 2^32. */
function meterAt(rate: number, nowMs: number): number {
  const seconds = Math.floor(nowMs / 1000);
  return (Math.imul(seconds, rate) + Math.floor(((nowMs - seconds * 1000) * rate) / 1000)) | 0;
}
