/**
 * What a keeper leaves of its vip processes to its successor, and in which order: the board, and the lifeline of the process that
 * takes part, so that one of the successor's goes on the moment that this one is gone. core/vip-succession decides who lives.
 */
import { VIP_BOARD_FORMAT } from '../../vip/board.ts';
import { routerKey, type VipPlan } from '../../vip/plan.ts';
import type { VipHeritage } from './heritage.ts';

export interface EstateOptions {
  readonly boardDescriptor: number;
  readonly plan: () => VipPlan;
  readonly slotsUsed: () => number;
  /** The process that takes part; null: none does. `changing`: that is just being found out. */
  readonly speaker: () => { readonly id: number; readonly pid: number; readonly lifeline: number } | 'changing' | null;
  readonly createLifeline: () => { readonly heldEnd: number; readonly watchedEnd: number };
  readonly closeDescriptor: (descriptor: number) => void;
  /** What is asked of the succession. */
  readonly handle: (event: 'alone' | 'together' | 'yield') => void;
}

interface Bequest {
  /** Null: there is none, and the lifeline is that of nobody. */
  readonly id: number | null;
  /** Its two ends; of a process the keeper has only one, which is closed with that. */
  readonly ends: { readonly heldEnd: number; readonly watchedEnd: number } | null;
}

export class VipEstate {
  private readonly options: EstateOptions;
  private bequest: Bequest | null = null;
  private settleAlone: () => void = () => undefined;
  private settleOver: () => void = () => undefined;

  constructor(options: EstateOptions) {
    this.options = options;
  }

  /** With descriptors, which stay ours. Throws if there is nothing that could be left just now. */
  bequeath(): { readonly heritage: VipHeritage; readonly descriptors: readonly number[] } {
    const { boardDescriptor, plan, slotsUsed, speaker, createLifeline } = this.options;
    const found = speaker();
    if (found === 'changing') throw new Error('a vip process is taking the place of another one; try again');
    const ends = found === null ? createLifeline() : null;
    this.bequest = { id: found?.id ?? null, ends };
    const routers = plan().routers.map((router) => ({ name: router.name, key: routerKey(router), slot: router.slot }));
    return {
      heritage: { format: VIP_BOARD_FORMAT, pid: found?.pid ?? null, routers, slotsUsed: slotsUsed() },
      descriptors: [boardDescriptor, found?.lifeline ?? ends!.watchedEnd],
    };
  }

  /** None is left that would go on by itself, but the one whose lifeline was bequeathed. Rejects if that is another one by now. */
  async part(): Promise<void> {
    const found = this.options.speaker();
    if (found === 'changing' || (found?.id ?? null) !== this.bequest?.id) {
      throw new Error('another vip process has the virtual addresses by now; try again');
    }
    const alone = new Promise<void>((resolve) => {
      this.settleAlone = resolve;
    });
    this.options.handle('alone');
    await alone;
  }

  /** After `part`, as if nothing had been; or after `bequeath`. */
  rejoin(): void {
    if (this.bequest === null) return;
    this.release();
    this.options.handle('together');
  }

  /** After `part`: resolves when nothing is left here, and nothing was given up. */
  async yield(): Promise<void> {
    const over = new Promise<void>((resolve) => {
      this.settleOver = resolve;
    });
    this.options.handle('yield');
    await over;
    // Of a process it is over already.
    this.release();
  }

  // --- what the succession tells ---

  handleAlone(): void {
    this.settleAlone();
  }

  handleOver(): void {
    this.settleOver();
  }

  private release(): void {
    const ends = this.bequest?.ends ?? null;
    this.bequest = null;
    if (ends === null) return;
    this.options.closeDescriptor(ends.heldEnd);
    this.options.closeDescriptor(ends.watchedEnd);
  }
}
