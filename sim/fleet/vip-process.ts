/**
 * A stand-in for a vip process: gets ready, takes part when it is told to or when the process that it watches is gone, sends
 * adverts, yields, hands over. It says nothing to peers and decides nothing about addresses: `process/vip.ts` as far as it matters
 * who speaks.
 */
import type { Prng } from '../../src/base/prng.ts';
import type { World } from '../world.ts';

/** What the process that takes part leaves in shared memory. */
export interface VipBoard {
  heartbeat: number;
  /** Null: the address is not held. */
  advertUs: number | null;
}

/** `heir`: the one that it stands by for is another keeper's. */
export type VipRole = 'first' | 'standby' | 'heir';

export interface VipEvents {
  ready(generation: number): void;
  applied(generation: number): void;
  watching(): void;
  started(): void;
  exited(hasStopped: boolean): void;
}

export interface VipStart {
  readonly pid: number;
  readonly role: VipRole;
  readonly watched: VipProcess | null;
  readonly board: VipBoard;
  readonly generation: number;
  readonly keeper: { readonly isGone: boolean };
  readonly events: VipEvents;
}

export const ADVERT_US = 500_000;
const TURN_US = 10_000;
const START_US = 100_000;
/** One start in eight takes longer than the peers' patience. */
const SLOW_START_US = 3_000_000;
/** A good moment to yield is just after an advert. */
const GOOD_US = 50_000;
const WORD_US = 30_000;

export class VipProcess {
  readonly pid: number;
  isGone = false;
  isFrozen = false;
  isReady = false;
  private readonly world: World;
  private readonly prng: Prng;
  private readonly start: VipStart;
  private readonly inbox: (() => void)[] = [];
  private hasBegun = false;
  private watches: boolean;
  private isYielding = false;
  private isOrphan = false;
  /** When it has handed over; null: it does not. */
  private stopAtUs: number | null = null;
  private lastSaidUs = 0;

  constructor(world: World, prng: Prng, start: VipStart) {
    this.world = world;
    this.prng = prng;
    this.start = start;
    this.pid = start.pid;
    this.watches = start.role === 'standby';
    const startUs = prng.oneIn(8) ? SLOW_START_US : START_US + prng.below(4 * START_US);
    world.schedule(startUs, () => {
      this.inbox.push(() => this.getReady());
      this.turn();
    });
  }

  /** It advertises, or would if it were not frozen. One that hands over is heard no more. */
  get speaks(): boolean {
    return this.hasBegun && !this.isGone && this.stopAtUs === null;
  }

  /** The one that it stands by for is gone, and nothing hinders it. */
  get isDue(): boolean {
    const { watched } = this.start;
    const isFree = !this.isGone && !this.isFrozen && !this.hasBegun && !this.isOrphan;
    return isFree && this.isReady && this.watches && watched?.isGone === true;
  }

  // --- by its keeper ---

  apply(generation: number): void {
    this.inbox.push(() => this.say((events) => events.applied(generation)));
  }

  begin(): void {
    this.inbox.push(() => this.takePart());
  }

  watch(): void {
    this.inbox.push(() => {
      this.watches = true;
      this.say((events) => events.watching());
    });
  }

  yield(): void {
    this.inbox.push(() => (this.isYielding = true));
  }

  kill(): void {
    this.exit('is killed');
  }

  // --- by whoever harms it ---

  freeze(forUs: number): void {
    this.world.note('vip process %a hangs', this.pid);
    this.isFrozen = true;
    this.world.schedule(forUs, () => (this.isFrozen = false));
  }

  // --- inside ---

  private turn(): void {
    if (this.isGone) return;
    if (!this.isFrozen) {
      for (const act of this.inbox.splice(0)) act();
      if (this.start.keeper.isGone) this.handleKeeperGone();
      if (this.watches && this.start.watched?.isGone === true) this.handleWatchedGone();
      this.speak();
    }
    this.world.schedule(TURN_US, () => this.turn());
  }

  private getReady(): void {
    this.isReady = true;
    this.say((events) => events.ready(this.start.generation));
  }

  private takePart(): void {
    if (this.hasBegun || this.isGone || !this.isReady) return;
    this.hasBegun = true;
    this.watches = false;
    this.world.note('vip process %a takes part', this.pid);
    this.advertise();
    this.say((events) => events.started());
  }

  private speak(): void {
    if (this.isGone || !this.hasBegun) return;
    const { board } = this.start;
    const { nowUs } = this.world;
    if (this.stopAtUs !== null) {
      if (nowUs < this.stopAtUs) return;
      board.advertUs = null;
      return this.exit('has handed over', true);
    }
    board.heartbeat++;
    if (nowUs >= (board.advertUs ?? 0) + ADVERT_US) this.advertise();
    // What it has left stays: whoever watches it goes on with that.
    if (this.isYielding && nowUs - board.advertUs! <= GOOD_US) this.exit('yields');
  }

  private advertise(): void {
    this.start.board.advertUs = this.world.nowUs;
  }

  private handleKeeperGone(): void {
    if (this.isYielding || this.isGone) return;
    if (this.start.role === 'heir' && !this.hasBegun) this.exit('has nobody to stand by for');
    else if (this.start.role === 'standby' && !this.hasBegun) this.isOrphan = true;
    else this.stop();
  }

  private handleWatchedGone(): void {
    if (this.isGone) return;
    if (!this.isOrphan || this.start.board.advertUs !== null) this.takePart();
    if (this.isOrphan) this.stop();
  }

  private stop(): void {
    if (!this.hasBegun) this.exit('has nothing to hand over', true);
    else this.stopAtUs ??= this.world.nowUs + ADVERT_US;
  }

  private exit(how: string, hasStopped = false): void {
    if (this.isGone) return;
    this.isGone = true;
    this.world.note('vip process %a %b', this.pid, how);
    this.say((events) => events.exited(hasStopped));
  }

  /** In order; what several say arrives in any. */
  private say(word: (events: VipEvents) => void): void {
    const { world, prng } = this;
    const atUs = Math.max(world.nowUs + prng.below(WORD_US), this.lastSaidUs);
    this.lastSaidUs = atUs;
    world.schedule(atUs - world.nowUs, () => {
      if (!this.start.keeper.isGone) word(this.start.events);
    });
  }
}
