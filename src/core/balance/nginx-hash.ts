/**
 * The server that one worker of nginx would choose for the same key, so that who goes from one to the other keeps its servers:
 * `ip_hash`, `hash` and `hash ... consistent` (ketama). Servers that are down have their keys still, and lose them to others only
 * while they are. What Maglev (maglev.ts) does better is given up for that.
 */
import { WEIGHT_UNIT } from '../../base/board.ts';
import { CRC_START, crcEnd, crcUpdate } from '../../base/crc32.ts';
import { mixHash } from '../../base/hash.ts';
import { encodeUtf8 } from '../../base/text.ts';
import { PICK_FULL, PICK_NONE, PICK_TRIED, type Endpoint, type Load } from './balancer.ts';
import { canWork, type Method, Tier } from './tier.ts';

/** nginx gives up after as many, and takes turns. */
const ROUNDS_MAX = 20;
const POINTS_PER_WEIGHT = 160;

/** The endpoints that have keys, usable or not, and which of them may be picked. */
class Keepers {
  readonly tier: Tier;
  readonly weights: Int32Array;
  readonly total: number;
  private readonly isUsable: readonly boolean[];

  constructor(endpoints: readonly Endpoint[], isBackup: boolean) {
    this.tier = new Tier(endpoints, (one) => one.isBackup === isBackup && one.identity !== '' && one.weight > 0);
    this.weights = this.tier.weights.map((weight) => Math.max(1, Math.round(weight / WEIGHT_UNIT)));
    this.total = this.weights.reduce((sum, weight) => sum + weight, 0);
    this.isUsable = Array.from(this.tier.numbers, (number) => canWork(endpoints[number]));
  }

  /** The number of the endpoint at this position, or why it is not picked. */
  judge(position: number, load: Load, tried: Int32Array, triedCount: number): number {
    if (!this.isUsable[position]) return PICK_NONE;
    if (this.tier.isTried(position, tried, triedCount)) return PICK_TRIED;
    return this.tier.isFull(position, load) ? PICK_FULL : this.tier.numbers[position];
  }

  /** The first that may be picked from this position on. */
  next(position: number, load: Load, tried: Int32Array, triedCount: number): number {
    let reason = PICK_NONE;
    for (let i = 0; i < this.tier.count; i++) {
      const judged = this.judge((position + i) % this.tier.count, load, tried, triedCount);
      if (judged >= 0) return judged;
      if (judged === PICK_FULL || reason === PICK_NONE) reason = judged;
    }
    return reason;
  }
}

/** A remainder of the sum of all weights tells: `hash` by CRC-32, and `ip_hash` by the first three bytes of an address. */
export class RemainderHash implements Method {
  private keepers = new Keepers([], false);
  private readonly isAddress: boolean;

  constructor(isAddress: boolean) {
    this.isAddress = isAddress;
  }

  update(endpoints: readonly Endpoint[], isBackup: boolean): void {
    this.keepers = new Keepers(endpoints, isBackup);
  }

  pick(load: Load, key: number, tried: Int32Array, triedCount: number): number {
    const { keepers } = this;
    if (keepers.total === 0) return PICK_NONE;
    let hash = 0;
    let crc = key;
    let address = 89;
    for (let round = 0; round < ROUNDS_MAX; round++) {
      if (this.isAddress) {
        for (let shift = 16; shift >= 0; shift -= 8) address = (address * 113 + ((key >> shift) & 0xff)) % 6271;
        hash = address;
      } else {
        hash += (crc >> 16) & 0x7fff;
        crc = mixHash(crc + round);
      }
      const judged = keepers.judge(this.positionOf(hash % keepers.total), load, tried, triedCount);
      if (judged >= 0) return judged;
    }
    return keepers.next(0, load, tried, triedCount);
  }

  private positionOf(rest: number): number {
    const { weights } = this.keepers;
    let position = 0;
    for (; rest >= weights[position]; position++) rest -= weights[position];
    return position;
  }
}

/** Points on a circle, 160 for each unit of weight: the first behind the key has it. */
export class Ketama implements Method {
  private keepers = new Keepers([], false);
  private points = new Uint32Array(0);
  private owners = new Int32Array(0);

  update(endpoints: readonly Endpoint[], isBackup: boolean): void {
    const keepers = new Keepers(endpoints, isBackup);
    const all: { readonly point: number; readonly owner: number }[] = [];
    for (let position = 0; position < keepers.tier.count; position++) {
      const { identity } = endpoints[keepers.tier.numbers[position]];
      for (const point of pointsOf(identity, keepers.weights[position])) all.push({ point, owner: position });
    }
    all.sort((a, b) => a.point - b.point);
    const kept = all.filter(({ point }, i) => i === 0 || point !== all[i - 1].point);
    this.keepers = keepers;
    this.points = Uint32Array.from(kept, ({ point }) => point);
    this.owners = Int32Array.from(kept, ({ owner }) => owner);
  }

  pick(load: Load, key: number, tried: Int32Array, triedCount: number): number {
    const { keepers, owners, points } = this;
    if (points.length === 0) return PICK_NONE;
    const wanted = key >>> 0;
    let low = 0;
    let high = points.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (points[middle] < wanted) low = middle + 1;
      else high = middle;
    }
    for (let i = 0; i < points.length; i++) {
      const judged = keepers.judge(owners[(low + i) % points.length], load, tried, triedCount);
      if (judged >= 0) return judged;
    }
    return keepers.next(0, load, tried, triedCount);
  }
}

/** Of `host:port`: each is made of the one before. */
function pointsOf(identity: string, weight: number): number[] {
  const colon = identity.lastIndexOf(':');
  const isUnix = identity.startsWith('unix:');
  const host = encodeUtf8(isUnix ? identity.slice('unix:'.length) : identity.slice(0, colon));
  const port = encodeUtf8(isUnix ? '' : identity.slice(colon + 1));
  let base = crcUpdate(CRC_START, host, 0, host.length);
  base = crcUpdate(base, new Uint8Array(1), 0, 1);
  base = crcUpdate(base, port, 0, port.length);
  const points: number[] = [];
  const previous = new DataView(new ArrayBuffer(4));
  const bytes = new Uint8Array(previous.buffer);
  for (let i = 0; i < weight * POINTS_PER_WEIGHT; i++) {
    const point = crcEnd(crcUpdate(base, bytes, 0, 4));
    points.push(point >>> 0);
    previous.setInt32(0, point, true);
  }
  return points;
}
