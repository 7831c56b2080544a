/**
 * How many sessions each source address has, whose are the most, and which of a source's began first. A source is an IPv4
 * address, or the /64 of an IPv6 one: who has one address of it has all.
 *
 * All in arrays of numbers that grow with the session table. Every call takes the same time however many there are: sources are
 * found by hash, and stand in a list of those that have as many sessions.
 */
import type { Correspondents } from '../../base/correspondents.ts';
import { hashWords } from '../../base/hash.ts';

const NONE = -1;
const MAPPED = 0xffff;

// A source's words.
const WORDS = 8;
const IP = 0; // 4 words
/** The next one with this hash; of a free place, the next free one. */
const CHAIN = 4;
const COUNT = 5;
// Its neighbours among those that have as many.
const PREVIOUS = 6;
const NEXT = 7;

export class SourceShares {
  private readonly seed: number;
  private capacity: number;
  private words: Int32Array;
  /** First sources by hash. */
  private buckets: Int32Array;
  private firstFree = NONE;
  /** Places that were never used begin here. */
  private used = 0;
  /** First sources by the number of their sessions. */
  private byCount: Int32Array;
  private most = 0;

  // Each source has two lists of sessions, in the order in which they began or were proven: 2n, and 2n + 1 of proven ones.
  private first: Int32Array;
  private last: Int32Array;
  // By the number of the session.
  private list: Int32Array;
  private older: Int32Array;
  private newer: Int32Array;

  /** `capacity`: sessions have smaller numbers; a power of two. `seed`: any 32-bit integer that nobody can guess. */
  constructor(capacity: number, seed: number) {
    this.seed = seed;
    this.capacity = capacity;
    this.words = new Int32Array(capacity * WORDS);
    this.buckets = new Int32Array(capacity).fill(NONE);
    this.byCount = new Int32Array(capacity + 1).fill(NONE);
    this.first = new Int32Array(capacity * 2).fill(NONE);
    this.last = new Int32Array(capacity * 2).fill(NONE);
    this.list = new Int32Array(capacity);
    this.older = new Int32Array(capacity);
    this.newer = new Int32Array(capacity);
  }

  /** The source that has the most sessions, or -1: there are none. */
  get top(): number {
    return this.most === 0 ? NONE : this.byCount[this.most];
  }

  /** Sessions of `top`. */
  get topCount(): number {
    return this.most;
  }

  /** The source of this client, or -1: it has no session. */
  find(of: Correspondents): number {
    const { words } = this;
    const isV4 = isMapped(of);
    const ip2 = isV4 ? MAPPED : 0;
    const ip3 = isV4 ? of.ip3 : 0;
    let source = this.buckets[this.hash(of.ip0, of.ip1, ip2, ip3)];
    while (source !== NONE) {
      const at = source * WORDS;
      if (
        words[at + IP + 3] === ip3 &&
        words[at + IP + 2] === ip2 &&
        words[at + IP + 1] === of.ip1 &&
        words[at + IP] === of.ip0
      ) {
        return source;
      }
      source = words[at + CHAIN];
    }
    return NONE;
  }

  countOf(source: number): number {
    return source === NONE ? 0 : this.words[source * WORDS + COUNT];
  }

  /** Its session that has to end first: the oldest one that is not proven, else the oldest. */
  oldestOf(source: number): number {
    const unproven = this.first[source * 2];
    return unproven === NONE ? this.first[source * 2 + 1] : unproven;
  }

  /** A session has begun. */
  enter(session: number, of: Correspondents): void {
    let source = this.find(of);
    if (source === NONE) source = this.add(of);
    else this.leaveRank(source);
    this.words[source * WORDS + COUNT]++;
    this.enterRank(source);
    this.most = Math.max(this.most, this.words[source * WORDS + COUNT]);
    this.append(session, source * 2);
  }

  /** It is proven now. */
  prove(session: number): void {
    const list = this.list[session];
    this.remove(session);
    this.append(session, list | 1);
  }

  /** It has ended. */
  leave(session: number): void {
    const source = this.list[session] >> 1;
    this.remove(session);
    this.leaveRank(source);
    const count = --this.words[source * WORDS + COUNT];
    if (count === 0) this.free(source);
    else this.enterRank(source);
    // The one that had the most has one less, so that there is one with as many.
    if (this.byCount[this.most] === NONE) this.most--;
  }

  /** Twice the room. */
  grow(): void {
    const { capacity } = this;
    this.words = grown(this.words, capacity * 2 * WORDS);
    this.byCount = grown(this.byCount, capacity * 2 + 1).fill(NONE, capacity + 1);
    this.first = grown(this.first, capacity * 4).fill(NONE, capacity * 2);
    this.last = grown(this.last, capacity * 4).fill(NONE, capacity * 2);
    this.list = grown(this.list, capacity * 2);
    this.older = grown(this.older, capacity * 2);
    this.newer = grown(this.newer, capacity * 2);
    this.buckets = new Int32Array(capacity * 2).fill(NONE);
    this.capacity = capacity * 2;
    for (let source = 0; source < this.used; source++) if (this.countOf(source) > 0) this.chain(source);
  }

  private add(of: Correspondents): number {
    let source = this.firstFree;
    if (source === NONE) source = this.used++;
    else this.firstFree = this.words[source * WORDS + CHAIN];
    const { words } = this;
    const at = source * WORDS;
    const isV4 = isMapped(of);
    words[at + IP] = of.ip0;
    words[at + IP + 1] = of.ip1;
    words[at + IP + 2] = isV4 ? MAPPED : 0;
    words[at + IP + 3] = isV4 ? of.ip3 : 0;
    words[at + COUNT] = 0;
    this.chain(source);
    return source;
  }

  private free(source: number): void {
    const { buckets, words } = this;
    const bucket = this.bucketOf(source);
    if (buckets[bucket] === source) {
      buckets[bucket] = words[source * WORDS + CHAIN];
    } else {
      let before = buckets[bucket] * WORDS;
      while (words[before + CHAIN] !== source) before = words[before + CHAIN] * WORDS;
      words[before + CHAIN] = words[source * WORDS + CHAIN];
    }
    words[source * WORDS + CHAIN] = this.firstFree;
    this.firstFree = source;
  }

  private chain(source: number): void {
    const bucket = this.bucketOf(source);
    this.words[source * WORDS + CHAIN] = this.buckets[bucket];
    this.buckets[bucket] = source;
  }

  private bucketOf(source: number): number {
    const { words } = this;
    const at = source * WORDS + IP;
    return this.hash(words[at], words[at + 1], words[at + 2], words[at + 3]);
  }

  private hash(ip0: number, ip1: number, ip2: number, ip3: number): number {
    return hashWords(ip0 ^ this.seed, ip1, ip2, ip3 ^ this.seed) & (this.capacity - 1);
  }

  private enterRank(source: number): void {
    const { byCount, words } = this;
    const at = source * WORDS;
    const next = byCount[words[at + COUNT]];
    words[at + PREVIOUS] = NONE;
    words[at + NEXT] = next;
    if (next !== NONE) words[next * WORDS + PREVIOUS] = source;
    byCount[words[at + COUNT]] = source;
  }

  private leaveRank(source: number): void {
    const { byCount, words } = this;
    const at = source * WORDS;
    const previous = words[at + PREVIOUS];
    const next = words[at + NEXT];
    if (previous === NONE) byCount[words[at + COUNT]] = next;
    else words[previous * WORDS + NEXT] = next;
    if (next !== NONE) words[next * WORDS + PREVIOUS] = previous;
  }

  private append(session: number, list: number): void {
    const { first, last, list: lists, newer, older } = this;
    lists[session] = list;
    older[session] = last[list];
    newer[session] = NONE;
    if (last[list] === NONE) first[list] = session;
    else newer[last[list]] = session;
    last[list] = session;
  }

  private remove(session: number): void {
    const { first, last, list: lists, newer, older } = this;
    const list = lists[session];
    if (older[session] === NONE) first[list] = newer[session];
    else newer[older[session]] = newer[session];
    if (newer[session] === NONE) last[list] = older[session];
    else older[newer[session]] = older[session];
  }
}

function isMapped(of: Correspondents): boolean {
  return of.ip2 === MAPPED && of.ip0 === 0 && of.ip1 === 0;
}

function grown(array: Int32Array, length: number): Int32Array {
  const result = new Int32Array(length);
  result.set(array);
  return result;
}
