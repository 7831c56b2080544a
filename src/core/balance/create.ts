/**
 * From the configured method to a balancer: one instance of the method for the primary endpoints, one for the backups.
 */
import type { Prng } from '../../base/prng.ts';
import type { Balance } from '../../config/plan/upstream.ts';
import { PICK_FULL, PICK_NONE, type Balancer, type Endpoint, type Load } from './balancer.ts';
import { LeastConnections } from './least-connections.ts';
import { Maglev } from './maglev.ts';
import { Ketama, RemainderHash } from './nginx-hash.ts';
import { RandomTwo } from './random-two.ts';
import { RoundRobin } from './round-robin.ts';
import { type Clock, LeastTime } from './least-time.ts';
import type { Method } from './tier.ts';
import { TurnsWithoutKey } from './turns-without-key.ts';

const METHODS: Record<Exclude<Balance, TimedBalance>, (prng: Prng, isAlone: boolean) => Method> = {
  'round-robin': (prng, isAlone) => new RoundRobin(prng, isAlone),
  'least-connections': (prng) => new LeastConnections(prng),
  'random-two': (prng) => new RandomTwo(prng),
  'source-hash': () => new Maglev(),
  hash: () => new Maglev(),
  'nginx-ip-hash': () => new RemainderHash(true),
  'nginx-hash': (prng, isAlone) => new TurnsWithoutKey(new RemainderHash(false), new RoundRobin(prng, isAlone)),
  ketama: (prng, isAlone) => new TurnsWithoutKey(new Ketama(), new RoundRobin(prng, isAlone)),
};

type TimedBalance = 'least-time' | 'least-whole-time';

const STOPPED: Clock = { now: 0 };

/**
 * `prng` sets where a round begins and what is drawn; consistent hashing does not depend on it. `isAlone`: no other proxy serves, so
 * that a round may begin with the first server. `spills`: nobody waits for a primary endpoint, and backups are picked also when all of
 * those are full.
 */
export function createBalancer(
  balance: Balance,
  prng: Prng,
  isAlone = false,
  spills = false,
  clock: Clock = STOPPED,
): Balancer {
  if (balance === 'least-time' || balance === 'least-whole-time') {
    const [primary, backup] = [new LeastTime(prng, clock), new LeastTime(prng, clock)];
    return new TimedBalancer(primary, backup, spills, balance === 'least-whole-time');
  }
  const create = METHODS[balance];
  return new TieredBalancer(create(prng, isAlone), create(prng, isAlone), spills);
}

class TieredBalancer implements Balancer {
  private readonly primary: Method;
  private readonly backup: Method;
  private readonly spills: boolean;

  constructor(primary: Method, backup: Method, spills: boolean) {
    this.primary = primary;
    this.backup = backup;
    this.spills = spills;
  }

  update(endpoints: readonly Endpoint[]): void {
    this.primary.update(endpoints, false);
    this.backup.update(endpoints, true);
  }

  pick(load: Load, key: number, tried: Int32Array, triedCount: number): number {
    const primary = this.primary.pick(load, key, tried, triedCount);
    if (primary >= 0 || (primary === PICK_FULL && !this.spills)) return primary;
    const backup = this.backup.pick(load, key, tried, triedCount);
    return backup === PICK_NONE ? primary : backup;
  }

  noteServed(_slot: number, _answeredMs: number, _tookMs: number): void {
    // only who goes by time wants to know
  }
}

class TimedBalancer extends TieredBalancer {
  private readonly tiers: readonly [LeastTime, LeastTime];
  private readonly isOfWhole: boolean;

  /** `isOfWhole`: what counts is when all of an answer was there, not when it began. */
  constructor(primary: LeastTime, backup: LeastTime, spills: boolean, isOfWhole: boolean) {
    super(primary, backup, spills);
    this.tiers = [primary, backup];
    this.isOfWhole = isOfWhole;
  }

  override noteServed(slot: number, answeredMs: number, tookMs: number): void {
    const [primary, backup] = this.tiers;
    const ms = this.isOfWhole ? tookMs : answeredMs;
    primary.note(slot, ms);
    backup.note(slot, ms);
  }
}
