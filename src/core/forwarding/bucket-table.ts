/**
 * Which server each bucket of a kernel's map belongs to. The kernel hashes a packet to a bucket; whoever has the same servers
 * has the same table, on any node and at any time: nothing of the past is in it.
 *
 * Every server comes to all buckets in an order of its own, and the heavier it is the sooner. A bucket is of the server that
 * comes first: weighted rendezvous, computed along the time instead of by bucket, so that it takes milliseconds for hundreds of
 * servers. One server more takes the buckets that it is first at, each from whoever had it; of one less each bucket is of the
 * one that came next. What must move moves, and no other bucket. (In a Maglev table, which looks similar, a server whose
 * turn it is goes on to the next free bucket: shares are even, and one server more moves buckets among the others.) Shares differ from the
 * weights by chance instead: docs/decisions/kernel-mode.md has how much.
 */
import { hashBytes } from '../../base/hash.ts';
import { encodeUtf8 } from '../../base/text.ts';

export interface BucketServer {
  /** What both nodes know it by: its address and port. */
  readonly identity: string;
  /** 0: it has no buckets. */
  readonly weight: number;
}

/** In a table: nobody's. */
export const NO_SERVER = 0xffff;

/** Primes p with p % 3 = 2: every number is one other's cube. */
const SIZE = 16_361;
const SIZE_MAX = 65_537;
/** With fewer in the small table chance shows. */
const BUCKETS_PER_SERVER = 1000;

const SEED_FACTOR = 0x66616374;
const SEED_BEGIN = 0x62656769;
const SEED_SHIFT = 0x73686966;

/**
 * How many buckets there are for so many servers: all that are configured, whatever their state, for another size moves nearly
 * everything. 655 servers have 100 each.
 */
export function bucketCount(servers: number): number {
  return servers * BUCKETS_PER_SERVER <= SIZE ? SIZE : SIZE_MAX;
}

/** By bucket: the index of its server. `size`: of `bucketCount`. At most 65535 servers, each with another identity. */
export function assignBuckets(servers: readonly BucketServer[], size: number): Uint16Array {
  const table = new Uint16Array(size).fill(NO_SERVER);
  const groups = groupsOf(servers, size);
  let left = groups.length === 0 ? 0 : size;
  while (left > 0) {
    const group = groups[0];
    left -= visit(group, table);
    group.visits++;
    group.time = timeOf(group.visits, size) / group.weight;
    sink(groups);
  }
  return table;
}

/**
 * Servers of one weight, which move at the same pace. The visits of each are factor * (visit + begin)^3 + shift, modulo the
 * table's size: a permutation, and two servers' meet at three visits at most. They are summed up from their differences.
 */
interface Group {
  readonly weight: number;
  readonly members: Uint16Array;
  readonly bucket: Uint32Array;
  readonly first: Uint32Array;
  readonly second: Uint32Array;
  readonly third: Uint32Array;
  visits: number;
  /** Of the next visit. */
  time: number;
}

/** All members go to their next buckets; returns how many of these were free. */
function visit({ members, bucket, first, second, third }: Group, table: Uint16Array): number {
  const size = table.length;
  let taken = 0;
  for (let i = 0; i < members.length; i++) {
    const at = bucket[i];
    if (table[at] === NO_SERVER) {
      table[at] = members[i];
      taken++;
    }
    const next = at + first[i];
    bucket[i] = next >= size ? next - size : next;
    const faster = first[i] + second[i];
    first[i] = faster >= size ? faster - size : faster;
    const more = second[i] + third[i];
    second[i] = more >= size ? more - size : more;
  }
  return taken;
}

/** When a server of weight 1 makes this visit: so that each bucket's first one is at a time of the exponential distribution. */
function timeOf(visits: number, size: number): number {
  return -Math.log(1 - (visits + 0.5) / size);
}

/** A heap by time. */
function groupsOf(servers: readonly BucketServer[], size: number): Group[] {
  const byWeight = new Map<number, number[]>();
  servers.forEach(({ weight }, index) => {
    if (weight <= 0) return;
    const members = byWeight.get(weight);
    if (members === undefined) byWeight.set(weight, [index]);
    else members.push(index);
  });
  return [...byWeight].sort(([a], [b]) => b - a).map(([weight, members]) => groupOf(weight, members, servers, size));
}

function groupOf(weight: number, indexes: readonly number[], servers: readonly BucketServer[], size: number): Group {
  const orders = indexes.map((index) => {
    const { identity } = servers[index];
    const factor = 1 + seed(identity, SEED_FACTOR, size - 1);
    const begin = seed(identity, SEED_BEGIN, size);
    const shift = seed(identity, SEED_SHIFT, size);
    const at = (visits: number): number => (((factor * cube(visits + begin, size)) % size) + shift) % size;
    return { index, identity, shift, at };
  });
  // Who is first when two come to a bucket at one time must not depend on the order that they were given in.
  orders.sort((a, b) => a.shift - b.shift || (a.identity < b.identity ? -1 : 1));
  const differences = (of: (at: (visits: number) => number) => number): Uint32Array =>
    Uint32Array.from(orders, ({ at }) => ((of(at) % size) + size) % size);
  return {
    weight,
    members: Uint16Array.from(orders, ({ index }) => index),
    bucket: differences((at) => at(0)),
    first: differences((at) => at(1) - at(0)),
    second: differences((at) => at(2) - 2 * at(1) + at(0)),
    third: differences((at) => at(3) - 3 * at(2) + 3 * at(1) - at(0)),
    visits: 0,
    time: timeOf(0, size) / weight,
  };
}

function cube(value: number, size: number): number {
  const base = value % size;
  return (((base * base) % size) * base) % size;
}

/** The group at the top has moved on in time. */
function sink(groups: Group[]): void {
  const moved = groups[0];
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= groups.length) break;
    if (child + 1 < groups.length && isBefore(groups[child + 1], groups[child])) child++;
    if (!isBefore(groups[child], moved)) break;
    groups[at] = groups[child];
    at = child;
  }
  groups[at] = moved;
}

function isBefore(a: Group, b: Group): boolean {
  return a.time < b.time || (a.time === b.time && a.weight > b.weight);
}

/** 0..below-1 */
function seed(identity: string, kind: number, below: number): number {
  const bytes = encodeUtf8(identity);
  return (hashBytes(bytes, 0, bytes.length, kind) >>> 0) % below;
}
