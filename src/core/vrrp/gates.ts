/**
 * What must be open before a router becomes active: every guard passes, nobody answers the probe, the group is ready.
 */
import { assert } from '../../base/assert.ts';
import { equalBytes } from '../../base/bytes.ts';
import { PRIORITY_RELEASE } from '../../wire/vrrp/advert.ts';
import type { HeardAdvert } from './heard-advert.ts';
import { Occupant } from './occupant.ts';
import { Probe } from './probe.ts';

const NEVER = Number.POSITIVE_INFINITY;
const LONG_AGO = Number.NEGATIVE_INFINITY;

export interface Predecessor {
  readonly source: Uint8Array;
  /** It gave the addresses up; or else it will when it hears this router. */
  readonly hasReleased: boolean;
}

export class Gates {
  readonly probe = new Probe();
  /** Who answers it. */
  readonly occupant = new Occupant();
  isGroupReady = false;
  private readonly guards = new Map<string, boolean>();
  /** Of a guard that passes for so long and no longer. */
  private readonly untilUs = new Map<string, number>();
  private probesAddresses: boolean;
  private isGrouped: boolean;
  private successionUs = LONG_AGO;
  private successionOf = new Uint8Array(0);
  private successionPriority = 0;

  /** A guard without a verdict does not pass. */
  constructor(guards: readonly string[], probesAddresses: boolean, isGrouped: boolean) {
    for (const name of guards) this.guards.set(name, false);
    this.probesAddresses = probesAddresses;
    this.isGrouped = isGrouped;
  }

  /** A guard that a router gets while it holds its addresses counts as passing until its first verdict. */
  apply(guards: readonly string[], probesAddresses: boolean, isGrouped: boolean, isHolding: boolean): void {
    for (const name of this.guards.keys()) {
      if (guards.includes(name)) continue;
      this.guards.delete(name);
      this.untilUs.delete(name);
    }
    for (const name of guards) if (!this.guards.has(name)) this.guards.set(name, isHolding);
    this.probesAddresses = probesAddresses;
    this.isGrouped = isGrouped;
    if (!isGrouped) this.isGroupReady = false;
  }

  get verdicts(): ReadonlyMap<string, boolean> {
    return this.guards;
  }

  /** `untilUs`: then it passes no more. Returns whether that is another verdict than before. */
  setGuard(name: string, passes: boolean, untilUs = NEVER): boolean {
    const before = this.guards.get(name);
    assert(before !== undefined, 'no such guard');
    this.guards.set(name, passes);
    if (passes && untilUs !== NEVER) this.untilUs.set(name, untilUs);
    else this.untilUs.delete(name);
    return before !== passes;
  }

  /** When the next guard passes no more. */
  get expiryUs(): number {
    return this.untilUs.size === 0 ? NEVER : Math.min(...this.untilUs.values());
  }

  /** A guard whose time is over, or null. */
  expired(nowUs: number): string | null {
    for (const [name, untilUs] of this.untilUs) if (nowUs >= untilUs) return name;
    return null;
  }

  /**
   * Until then the holder of the addresses is this peer, which gave up or will give way when it hears this router: it would
   * answer a probe, and that would mean nothing. Of several that advertise, it is the one of the highest priority: the
   * others give way to it.
   */
  expectSuccession({ source, priority }: HeardAdvert, nowUs: number, untilUs: number): void {
    const isKnown = nowUs <= this.successionUs;
    if (!isKnown || priority >= this.successionPriority || equalBytes(source, this.successionOf)) {
      this.successionOf = source.slice();
      this.successionPriority = priority;
    }
    this.successionUs = untilUs;
    this.probe.cancel();
  }

  /** An active router was heard, or nothing is known: the next takeover is for silence. */
  expectNothing(): void {
    this.successionUs = LONG_AGO;
    this.probe.cancel();
    this.occupant.forget();
  }

  /** Whose addresses this router takes at that time, with its consent; null: nobody's that is known. */
  predecessor(atUs: number): Predecessor | null {
    if (atUs > this.successionUs) return null;
    return { source: this.successionOf, hasReleased: this.successionPriority === PRIORITY_RELEASE };
  }

  /** Whether this router asks before it takes the addresses at that time. */
  needsProbe(atUs: number): boolean {
    return this.probesAddresses && atUs > this.successionUs;
  }

  /** The name of something that keeps the router from becoming active, or null. */
  closed(nowUs: number): string | null {
    return this.closedButGroup(nowUs) ?? (this.isGrouped && !this.isGroupReady ? 'group' : null);
  }

  /** The same without the group. */
  closedButGroup(nowUs: number): string | null {
    return this.failing ?? (this.needsProbe(nowUs) && !this.probe.isClear ? 'probe' : null);
  }

  /** A guard that does not pass, or null. */
  get failing(): string | null {
    for (const [name, passes] of this.guards) if (!passes) return name;
    return null;
  }
}
