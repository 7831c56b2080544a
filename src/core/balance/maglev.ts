/**
 * Consistent hashing by a Maglev table (Eisenbud et al., NSDI 2016, section 3.4), with weights.
 *
 * Every key has a fixed order of preference among the endpoints: the table's entry for it, the entries for the key
 * hashed again and again, and at last rendezvous hashing over all. A pick is the first in that order that is usable,
 * not full and not tried. So when an endpoint goes down, its keys move, each to its own next choice, and no others do;
 * when it comes back, just those return. Health changes need no new table: it holds every endpoint that has an address
 * and a weight, and only a change of these makes it anew.
 *
 * An endpoint that only keeps its keys is skipped by all others: it is picked only where the table's own entry is its.
 *
 * The table depends on identities, weights and the number of endpoints, not on their order: two machines with the same
 * configuration agree. The number sets the table's size, which changes only at 1024 endpoints.
 */
import { hashBytes, mixHash } from '../../base/hash.ts';
import { encodeUtf8 } from '../../base/text.ts';
import { PICK_FULL, PICK_NONE, PICK_TRIED, type Endpoint, type Load } from './balancer.ts';
import { Tier, canWork, type Method } from './tier.ts';

/** Table entries tried before rendezvous hashing: with half of the endpoints down, one key in 256 gets that far. */
const PROBES = 8;
const SEED_OFFSET = 0x6f666673;
const SEED_SKIP = 0x736b6970;
const SEED_RENDEZVOUS = 0x72656e64;
const SEED_PROBE = 0x9e3779b9;
const EMPTY = 0xffff;

const NOBODY = 0;
const ITS_KEYS = 1;
const ANYBODY = 2;

/**
 * A prime. The more entries per endpoint, the closer the shares to the weights, and the fewer keys of other endpoints
 * move when one is added or taken out: with 65537 and 100 endpoints 0.6 %, with a table of a quarter 1.4 %. It is not
 * chosen more finely, because another size moves nearly all keys.
 */
export function tableSize(endpointCount: number): number {
  return endpointCount <= 1024 ? 65537 : 262147;
}

export class Maglev implements Method {
  private tier = new Tier([], () => false);
  private identities: string[] = [];
  private rendezvous = new Int32Array(0);
  /** Positions by hash. */
  private table: Uint16Array = new Uint16Array(0);
  /** NOBODY, ITS_KEYS or ANYBODY may be sent there. */
  private takes = new Uint8Array(0);
  private usableCount = 0;

  update(endpoints: readonly Endpoint[], isBackup: boolean): void {
    const tier = new Tier(endpoints, (one) => one.isBackup === isBackup && one.identity !== '' && one.weight > 0);
    const identities = Array.from(tier.numbers, (number) => endpoints[number].identity);
    const size = tableSize(endpoints.length);
    if (
      size !== this.table.length ||
      !isSame(identities, this.identities) ||
      !isSame(tier.weights, this.tier.weights)
    ) {
      this.table = buildTable(identities, tier.weights, size);
      this.rendezvous = Int32Array.from(identities, (identity) => hashText(identity, SEED_RENDEZVOUS));
    }
    this.tier = tier;
    this.identities = identities;
    this.takes = Uint8Array.from(tier.numbers, (number) => {
      const endpoint = endpoints[number];
      return canWork(endpoint) ? ANYBODY : endpoint.keepsKeys ? ITS_KEYS : NOBODY;
    });
    this.usableCount = this.takes.reduce((sum, takes) => sum + (takes === NOBODY ? 0 : 1), 0);
  }

  pick(load: Load, key: number, tried: Int32Array, triedCount: number): number {
    if (this.usableCount === 0) return PICK_NONE;
    const table = this.table;
    let hash = key;
    for (let probe = 0; probe < PROBES; probe++) {
      const position = table[(hash >>> 0) % table.length];
      const least = probe === 0 ? ITS_KEYS : ANYBODY;
      if (this.takes[position] >= least && this.isFree(position, load, tried, triedCount)) {
        return this.tier.numbers[position];
      }
      hash = mixHash((hash + SEED_PROBE) | 0);
    }
    return this.pickByRendezvous(load, key, tried, triedCount);
  }

  /**
   * Highest random weight: each endpoint draws a number from the key and its identity, the lowest for its weight wins.
   */
  private pickByRendezvous(load: Load, key: number, tried: Int32Array, triedCount: number): number {
    const tier = this.tier;
    let best = -1;
    let bestDraw = Infinity;
    let isAnyFull = false;
    let hasUsable = false;
    for (let position = 0; position < tier.count; position++) {
      if (this.takes[position] !== ANYBODY) continue;
      hasUsable = true;
      if (triedCount > 0 && tier.isTried(position, tried, triedCount)) continue;
      if (tier.isFull(position, load)) {
        isAnyFull = true;
        continue;
      }
      const unit = ((mixHash(key ^ this.rendezvous[position]) >>> 0) + 0.5) / 4294967296;
      const draw = -Math.log(unit) / tier.weights[position];
      if (draw < bestDraw) {
        best = position;
        bestDraw = draw;
      }
    }
    if (best >= 0) return tier.numbers[best];
    if (isAnyFull) return PICK_FULL;
    return hasUsable || triedCount > 0 ? PICK_TRIED : PICK_NONE;
  }

  private isFree(position: number, load: Load, tried: Int32Array, triedCount: number): boolean {
    if (triedCount > 0 && this.tier.isTried(position, tried, triedCount)) return false;
    return !this.tier.isFull(position, load);
  }
}

/**
 * Endpoints take turns, the heavier ones more often; in its turn each takes the first free entry of its own permutation
 * of the table (offset, offset + skip, ...). Exported for the bench.
 */
export function buildTable(identities: readonly string[], weights: Int32Array, size: number): Uint16Array {
  const table = new Uint16Array(size).fill(EMPTY);
  const count = identities.length;
  if (count === 0) return table;
  // whose turn comes first must not depend on the order that the endpoints were given in
  const order = identities.map((_, i) => i);
  order.sort((a, b) => compare(identities[a], identities[b]) || weights[a] - weights[b]);
  const next = Int32Array.from(order, (i) => (hashText(identities[i], SEED_OFFSET) >>> 0) % size);
  const skip = Int32Array.from(order, (i) => ((hashText(identities[i], SEED_SKIP) >>> 0) % (size - 1)) + 1);
  const heaviest = weights.reduce((a, b) => Math.max(a, b), 1);
  const credit = new Int32Array(count);
  let filled = 0;
  while (filled < size) {
    for (let i = 0; i < count && filled < size; i++) {
      credit[i] += weights[order[i]];
      if (credit[i] < heaviest) continue;
      credit[i] -= heaviest;
      let entry = next[i];
      while (table[entry] !== EMPTY) {
        entry += skip[i];
        if (entry >= size) entry -= size;
      }
      table[entry] = order[i];
      filled++;
      entry += skip[i];
      next[i] = entry >= size ? entry - size : entry;
    }
  }
  return table;
}

/** By UTF-16 code units: the same everywhere, unlike a locale's order. */
function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function hashText(text: string, seed: number): number {
  const bytes = encodeUtf8(text);
  return hashBytes(bytes, 0, bytes.length, seed);
}

function isSame<T>(a: ArrayLike<T>, b: ArrayLike<T>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) return false;
  }
  return true;
}
