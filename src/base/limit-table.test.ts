import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyedHash } from './keyed-hash.ts';
import { LimitTable, NO_ROOM, REFUSED, UNITS_PER_REQUEST } from './limit-table.ts';
import { Prng } from './prng.ts';

const ROWS = 3;
const memory = new ArrayBuffer(LimitTable.bytesFor(ROWS));

/** The same zeroed memory each time: it is large. */
function table(): LimitTable {
  new Int32Array(memory).fill(0);
  const made = new LimitTable(memory, ROWS);
  for (let row = 0; row < ROWS; row++) made.join(row);
  return made;
}

/** What nginx does with each request (ngx_http_limit_req_lookup): integers, and a truncation of less than a unit each time. */
class Nginx {
  private excess = 0;
  private last = -1;
  private readonly rate: number;
  private readonly burst: number;

  constructor(rate: number, burst: number) {
    this.rate = rate;
    this.burst = burst;
  }

  take(now: number): number {
    if (this.last < 0) {
      this.last = now;
      return 0;
    }
    const excess = Math.max(0, this.excess - Math.floor((this.rate * (now - this.last)) / 1000) + 1000);
    if (excess > this.burst) return REFUSED;
    this.excess = excess;
    this.last = now;
    return excess;
  }
}

test('rates are counted as nginx counts them', () => {
  const prng = new Prng(7);
  for (const [rate, burst] of [
    [1000, 0],
    [2000, 1000],
    [500, 5000],
    [16, 2000],
    [1_000_000, 1000],
    [300_000, 50_000],
  ]) {
    const own = table();
    const nginx = new Nginx(rate, burst);
    let now = 86_400_000 * 30;
    let sinceStart = 0;
    for (let i = 0; i < 2000; i++) {
      // so that one unit, or what nginx has lost by truncation, decides nothing
      const step = Math.ceil((((prng.nextU32() % 5) + 1) * 250_000) / rate);
      now += step;
      sinceStart += step;
      const [ours, theirs] = [own.take(1, 2, rate, burst, now), nginx.take(now)];
      const isNear = theirs !== REFUSED && ours !== REFUSED && Math.abs(ours - theirs) <= i + 1;
      assert.ok(ours === theirs || isNear, `${rate} ${burst} ${i} ${sinceStart}: ${ours} and ${theirs}`);
      if (rate % 1000 === 0) assert.ok(Math.abs(ours - theirs) <= 1, `${rate} ${i}: ${ours} and ${theirs}`);
    }
  }
});

test('who asks all the time is not forgotten for others, though it is refused', () => {
  const own = table();
  const take = (first: number, nowMs: number): number => own.take(first, 5, 16, 0, nowMs);
  assert.equal(take(1, 1000), 0);
  for (let other = 2; other <= 8; other++) assert.equal(take(other, 1000 + other), 0);
  assert.equal(take(1, 2000), REFUSED);
  assert.equal(take(9, 2001), 0);
  assert.equal(take(1, 2002), REFUSED);
  assert.equal(take(2, 2003), 0, 'the one that has come least lately is');
});

test('N per second let N per second through, whatever comes', () => {
  for (const perSecond of [1, 7, 100, 10_000]) {
    const own = table();
    let passed = 0;
    const seconds = 20;
    // more than one in a millisecond needs a burst
    const burst = Math.floor(perSecond / 500) * UNITS_PER_REQUEST;
    const perMs = Math.max(1, Math.ceil((perSecond * 3) / 1000));
    for (let ms = 0; ms < seconds * 1000; ms++)
      for (let i = 0; i < perMs; i++) if (own.take(5, 6, perSecond * 1000, burst, 5_000_000 + ms) !== REFUSED) passed++;
    assert.ok(
      Math.abs(passed - perSecond * seconds) <= Math.max(1, perSecond * seconds * 0.02),
      `${perSecond}: ${passed}`,
    );
  }
});

test('a key that was quiet is a new one, however long, and however far the meter has run', () => {
  const own = table();
  for (const quietMs of [1_000, 3_000_000, 2 ** 31, 2 ** 32 + 5, 3 * 2 ** 31]) {
    let now = 1_000_000;
    for (const rate of [1_000_000_000, 1000]) {
      const burst = 2 * UNITS_PER_REQUEST;
      const take = (): number => own.take(rate, 1, rate, burst, now);
      now += quietMs;
      assert.equal(take(), 0, `${quietMs} ${rate}`);
      if (rate === 1000) assert.deepEqual([take(), take(), take()], [1000, 2000, REFUSED]);
    }
    new Int32Array(memory).fill(0);
  }
});

test('a proxy whose turn has begun earlier finds the burst that there is', () => {
  const own = table();
  const take = (nowMs: number): number => own.take(3, 4, 1000, UNITS_PER_REQUEST, nowMs);
  assert.deepEqual([take(100_005), take(100_000)], [0, 1000]);
  assert.deepEqual([take(100_004), take(100_005)], [REFUSED, REFUSED]);
  assert.equal(take(101_005), 1000);
});

test('what another limit refuses is taken back', () => {
  const own = table();
  const take = (): number => own.take(1, 1, 1000, 2000, 50_000);
  assert.deepEqual([take(), take()], [0, 1000]);
  own.untake(own.lastCell, own.lastUnits);
  assert.deepEqual([take(), take(), take()], [1000, 2000, REFUSED]);
});

test('the cell that nobody has come to for longest is forgotten, and others are not', () => {
  const own = table();
  const at = (id: number, now: number): number => own.take(id, 9, 1, 0, now);
  for (let id = 1; id <= 8; id++) assert.equal(at(id, 1000 + id), 0);
  for (let id = 2; id <= 8; id++) assert.equal(at(id, 2000), REFUSED);
  assert.equal(at(100, 2001), 0);
  for (let id = 2; id <= 8; id++) assert.equal(at(id, 2002), REFUSED);
  assert.equal(at(1, 2003), 0, 'it was forgotten');
});

test('counts are of all rows, never above the limit, and those of a row are given back together', () => {
  const own = table();
  const cells = [0, 1, 2, 0].map((row) => own.hold(7, 7, 4, row));
  assert.equal(new Set(cells).size, 1);
  assert.equal(own.hold(7, 7, 4, 1), REFUSED);
  assert.notEqual(own.hold(8, 7, 4, 1), REFUSED, 'another key');
  own.release(cells[0], 2);
  assert.equal(own.hold(7, 7, 4, 1), cells[0]);
  own.clearRow(0);
  assert.deepEqual([own.hold(7, 7, 4, 1), own.hold(7, 7, 4, 1), own.hold(7, 7, 4, 1)], [cells[0], cells[0], REFUSED]);
});

test('what is in use is never forgotten: without room there is none', () => {
  const own = table();
  const cells = Array.from({ length: 8 }, (_, i) => own.hold(i + 1, 3, 1, 0));
  assert.equal(new Set(cells).size, 8);
  assert.equal(own.hold(100, 3, 1, 0), NO_ROOM);
  for (let i = 0; i < 8; i++) assert.equal(own.hold(i + 1, 3, 1, 1), REFUSED);
  own.release(cells[4], 0);
  assert.equal(own.hold(100, 3, 1, 0), cells[4]);
});

test('the hash depends on every byte, the length and the key, and spreads', () => {
  const hash = new KeyedHash();
  const of = (text: string, key0 = 1, key1 = 2): string => {
    const bytes = Buffer.from(`<${text}>`);
    hash.hash(bytes, 1, bytes.length - 2, key0, key1);
    return `${hash.first} ${hash.second}`;
  };
  const texts = Array.from({ length: 20_000 }, (_, i) => `10.${i & 255}.${i >> 8}`);
  assert.equal(new Set(texts.map((text) => of(text))).size, texts.length);
  assert.equal(new Set(['', '\0', '\0\0', '\0\0\0', '\0\0\0\0', '\0\0\0\0\0'].map((text) => of(text))).size, 6);
  assert.notEqual(of('a'), of('a', 1, 3));
  assert.notEqual(of('a'), of('a', 2, 2));
  const buckets = new Int32Array(64);
  for (const text of texts) buckets[Number(of(text).split(' ')[1]) & 63]++;
  assert.ok(Math.max(...buckets) < 450 && Math.min(...buckets) > 200, buckets.join(' '));
});

test('two that make the cell of a key at one instant count into one level', () => {
  const limits = table();
  const { compareExchange } = Atomics;
  for (const step of [1, 2, 3]) {
    let calls = 0;
    let second = Number.NaN;
    // another process comes right behind the nth exchange of this one
    Atomics.compareExchange = ((words: Int32Array, at: number, from: number, to: number) => {
      const found = compareExchange(words, at, from, to);
      if (++calls === step) {
        Atomics.compareExchange = compareExchange;
        second = limits.take(step, step, 1_000, 0, 5_000);
      }
      return found;
    }) as typeof compareExchange;
    const first = limits.take(step, step, 1_000, 0, 5_000);
    Atomics.compareExchange = compareExchange;
    assert.deepEqual(
      [first, second].toSorted((a, b) => a - b),
      [REFUSED, 0],
      `behind exchange ${step}`,
    );
  }
});
