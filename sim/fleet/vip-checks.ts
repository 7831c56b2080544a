/** What must hold of the vip processes of one node, whoever started them. */
import type { Prng } from '../../src/base/prng.ts';
import type { World } from '../world.ts';
import type { KeeperProcess } from './keeper-process.ts';
import { ADVERT_US, type VipProcess } from './vip-process.ts';

const CHECK_US = 5_000;
/** One that stands by turns every 10 ms. */
const TAKE_OVER_US_MAX = 30_000;
/** What peers wait for an advert, and a turn: by then another one sends it, or the address is given up. */
const HELD_US_MAX = 3 * ADVERT_US + 50_000;
/** Until one that hangs is known to, and dead. */
const HANGS_US_MAX = 1_500_000;
/** Until a successor that does not stand by is given up, and the keeper gives up in its place. */
const UPGRADE_US_MAX = 5_000_000;
/** Without kills: between two adverts, across an upgrade too. */
const APART_US_MAX = 1.2 * ADVERT_US;

export class VipChecks {
  private readonly world: World;
  private readonly keepers: () => readonly KeeperProcess[];
  private readonly hasFaults: boolean;
  private readonly processes: VipProcess[] = [];
  private readonly dueSinceUs = new Map<VipProcess, number>();
  private lastAdvertUs: number | null = null;
  private heldSinceUs = 0;
  private frozenUs = -HANGS_US_MAX;

  constructor(world: World, keepers: () => readonly KeeperProcess[], hasFaults: boolean) {
    this.world = world;
    this.keepers = keepers;
    this.hasFaults = hasFaults;
  }

  handleBorn(process: VipProcess): void {
    this.processes.push(process);
  }

  /** One that lives, or now and then all; empty: none does. */
  draw(prng: Prng): readonly VipProcess[] {
    const alive = this.processes.filter(({ isGone }) => !isGone);
    return alive.length === 0 || prng.oneIn(4) ? alive : [alive[prng.below(alive.length)]];
  }

  check(): void {
    this.checkSpeakers();
    this.checkStandby();
    this.checkHeld();
    this.world.schedule(CHECK_US, () => this.check());
  }

  /** One that is frozen says nothing, and before it does it sees what has happened. */
  private checkSpeakers(): void {
    const speaking = this.processes.filter(({ speaks, isFrozen }) => speaks && !isFrozen);
    if (speaking.length < 2) return;
    this.world.fail('one vip process speaks', `${speaking.map(({ pid }) => pid).join(' and ')} do`);
  }

  private checkStandby(): void {
    const { world, dueSinceUs } = this;
    for (const process of this.processes) {
      if (!process.isDue) dueSinceUs.delete(process);
      else if (!dueSinceUs.has(process)) dueSinceUs.set(process, world.nowUs);
      else if (world.nowUs - dueSinceUs.get(process)! > TAKE_OVER_US_MAX) {
        world.fail('a standby takes over', `${process.pid} does not, and the one that it watches is gone`);
      }
    }
  }

  private checkHeld(): void {
    const { world } = this;
    const keeper = this.keepers().find(({ isInCharge }) => isInCharge);
    const advertUs = keeper?.addresses?.board.advertUs ?? null;
    if (keeper === undefined || advertUs === null) {
      this.lastAdvertUs = null;
      return;
    }
    // What a keeper has not been there for is not its fault.
    if (this.lastAdvertUs === null) this.heldSinceUs = world.nowUs;
    else if (!this.hasFaults && advertUs - this.lastAdvertUs > APART_US_MAX) {
      world.fail('adverts in time', `${(advertUs - this.lastAdvertUs) / 1_000} ms apart`);
    }
    this.lastAdvertUs = advertUs;
    const silenceUs = world.nowUs - Math.max(advertUs, this.heldSinceUs);
    if (this.processes.some(({ isGone, isFrozen }) => !isGone && isFrozen)) this.frozenUs = world.nowUs;
    const hangsUs = world.nowUs - this.frozenUs < HELD_US_MAX ? HANGS_US_MAX : 0;
    const boundUs = HELD_US_MAX + hangsUs + (keeper.isUpgrading ? UPGRADE_US_MAX : 0);
    if (silenceUs > boundUs) {
      world.fail('an address is held by somebody', `nobody has advertised it for ${silenceUs / 1_000} ms`);
    }
  }
}
