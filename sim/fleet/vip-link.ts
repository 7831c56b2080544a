/**
 * A keeper's end of its vip processes: core/vip-succession decides which of them lives. What is here stands for keeper/ha/vip-link.ts and
 * keeper/ha/vip-estate.ts, with one virtual router, and is to be as stupid as they are.
 */
import type { Prng } from '../../src/base/prng.ts';
import {
  LOOK_INTERVAL_MS,
  type OwnedRouter,
  PREDECESSOR_ID,
  Succession,
  type SuccessionAction,
  type SuccessionEvent,
} from '../../src/core/vip-succession/succession.ts';
import type { World } from '../world.ts';
import { ADVERT_US, type VipBoard, VipProcess, type VipRole } from './vip-process.ts';

/** What a keeper leaves to its successor. */
export interface VipHeritage {
  readonly board: VipBoard;
  readonly speaker: VipProcess;
}

/** `keeps-standby`: none of those that stand by ends for the successor's. `never-gives-up`: what nobody has any more stays. */
export type VipSabotage = 'keeps-standby' | 'never-gives-up';

export interface VipLinkOptions {
  readonly world: World;
  readonly prng: Prng;
  readonly keeper: { readonly isGone: boolean };
  readonly heritage: VipHeritage | null;
  readonly sabotage: string;
  readonly nextPid: () => number;
  /** One has been started. */
  readonly handleBorn: (process: VipProcess) => void;
  readonly handleFailed: (reason: string) => void;
}

const ROUTERS: readonly OwnedRouter[] = [{ name: 'VI_1', slot: 0, intervalUs: ADVERT_US }];

export class VipLink {
  readonly board: VipBoard;
  private readonly options: VipLinkOptions;
  private readonly succession: Succession;
  private readonly processes = new Map<number, VipProcess>();
  private readonly settled = new Set<SuccessionEvent['kind']>();
  private waiters: { readonly kind: SuccessionEvent['kind']; readonly resolve: () => void }[] = [];
  private generation = 0;
  private bequeathed: VipProcess | null = null;
  private wakeUs = Number.POSITIVE_INFINITY;

  constructor(options: VipLinkOptions) {
    const { heritage, world } = options;
    this.options = options;
    const board: VipBoard = heritage?.board ?? { heartbeat: 0, advertUs: null };
    this.board = board;
    this.succession = new Succession({
      get heartbeat() {
        return board.heartbeat;
      },
      lastAdvertUs: () => board.advertUs,
    });
    if (heritage !== null) {
      this.processes.set(PREDECESSOR_ID, heritage.speaker);
      this.succession.handlePredecessor(world.nowUs);
    }
    this.apply();
    this.look();
  }

  /** One takes part and another one stands by. */
  get isAtRest(): boolean {
    return this.succession.hasStandby && typeof this.succession.speakerId === 'number';
  }

  /** Of a reload too. */
  apply(): void {
    this.succession.handlePlan(this.options.world.nowUs, ++this.generation, ROUTERS);
    this.act();
  }

  // --- an upgrade ---

  /** Null: none takes part, or that is just being found out. */
  bequeath(): VipHeritage | null {
    const speaker = this.speaker;
    this.bequeathed = speaker;
    return speaker === null ? null : { board: this.board, speaker };
  }

  /** Resolves with false if it is another one by now. */
  async part(): Promise<boolean> {
    if (this.bequeathed === null || this.speaker !== this.bequeathed) return false;
    if (this.options.sabotage === 'keeps-standby') return true;
    this.settled.delete('alone');
    this.succession.handleAlone();
    this.act();
    await this.until('alone');
    return true;
  }

  rejoin(): void {
    this.bequeathed = null;
    this.succession.handleTogether(this.options.world.nowUs);
    this.act();
  }

  async yield(): Promise<void> {
    if (this.options.sabotage === 'keeps-standby') return this.speaker?.yield();
    this.succession.handleYield(this.options.world.nowUs);
    this.act();
    await this.until('over');
  }

  /** One stands by for the predecessor's. */
  prepared(): Promise<void> {
    return this.until('prepared');
  }

  watch(): Promise<void> {
    this.succession.handleWatch();
    this.act();
    return this.until('watching');
  }

  adopt(): void {
    this.succession.handlePredecessorGone(this.options.world.nowUs);
    this.act();
  }

  // --- inside ---

  private get speaker(): VipProcess | null {
    const id = this.succession.speakerId;
    return (typeof id === 'number' ? this.processes.get(id) : undefined) ?? null;
  }

  private look(): void {
    const { world, keeper } = this.options;
    if (keeper.isGone) return;
    this.succession.handleLook(world.nowUs);
    this.act();
    world.schedule(LOOK_INTERVAL_MS * 1_000, () => this.look());
  }

  private act(): void {
    const { world, keeper } = this.options;
    if (keeper.isGone) return;
    for (const action of this.succession.takeActions()) this.perform(action);
    const { deadlineUs } = this.succession;
    if (deadlineUs === this.wakeUs || deadlineUs === Number.POSITIVE_INFINITY) return;
    this.wakeUs = deadlineUs;
    world.schedule(deadlineUs - world.nowUs, () => this.wake());
  }

  private wake(): void {
    const { world, keeper } = this.options;
    this.wakeUs = Number.POSITIVE_INFINITY;
    if (keeper.isGone) return;
    if (world.nowUs >= this.succession.deadlineUs) this.succession.handleTime(world.nowUs);
    this.act();
  }

  private perform(action: SuccessionAction): void {
    switch (action.kind) {
      case 'spawn':
        return this.spawn(action.id, action.watched);
      case 'apply':
        return this.processes.get(action.id)?.apply(this.generation);
      case 'begin':
        return this.processes.get(action.id)?.begin();
      case 'watch':
        return this.processes.get(action.id)?.watch();
      case 'yield':
        return this.processes.get(action.id)?.yield();
      case 'kill':
        return this.processes.get(action.id)?.kill();
      case 'give-up':
        if (this.options.sabotage === 'never-gives-up') return;
        this.options.world.note('the address is given up: %a', action.why);
        this.board.advertUs = null;
        return;
      case 'tell':
        return this.handleEvent(action.event);
      // A keeper that stops is not played.
      case 'stop':
      case 'clean-up':
    }
  }

  private spawn(id: number, watched: number | null): void {
    const { world, prng, keeper, nextPid, handleBorn } = this.options;
    const { succession, generation } = this;
    const role: VipRole = watched === null ? 'first' : watched === PREDECESSOR_ID ? 'heir' : 'standby';
    const hear = (handle: () => void): void => {
      handle();
      this.act();
    };
    const process = new VipProcess(world, prng, {
      pid: nextPid(),
      role,
      watched: watched === null ? null : (this.processes.get(watched) ?? null),
      board: this.board,
      generation,
      keeper,
      events: {
        ready: (of) => hear(() => succession.handleReady(world.nowUs, id, of)),
        applied: (of) => hear(() => succession.handleApplied(id, of)),
        watching: () => hear(() => succession.handleWatching(id)),
        started: () => hear(() => succession.handleStarted(world.nowUs, id)),
        exited: (hasStopped) => hear(() => succession.handleExit(world.nowUs, id, 'it ended', hasStopped)),
      },
    });
    world.note('vip process %a starts, as %b', process.pid, role);
    this.processes.set(id, process);
    handleBorn(process);
  }

  private handleEvent(event: SuccessionEvent): void {
    if (event.kind === 'start-failed') return this.options.handleFailed(event.reason);
    this.settled.add(event.kind);
    for (const { resolve } of this.waiters.filter(({ kind }) => kind === event.kind)) resolve();
    this.waiters = this.waiters.filter(({ kind }) => kind !== event.kind);
  }

  /** Resolves when the succession tells it, or has. */
  private until(kind: SuccessionEvent['kind']): Promise<void> {
    if (this.settled.has(kind)) return Promise.resolve();
    return new Promise((resolve) => this.waiters.push({ kind, resolve }));
  }
}
