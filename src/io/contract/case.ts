/** One test of the contract. */
import type { Script, Stage } from './stage.ts';
import type { AddressKind } from './world.ts';

export interface Case {
  /** A sentence of the contract. */
  readonly name: string;
  readonly script: (stage: Stage) => Script;
  /** Skipped where the world has no such sockets. */
  readonly kind?: AddressKind;
  /** Large slots of the arena; ARENA_LARGE_SLOTS unless it matters. */
  readonly largeSlots?: number;
}

export const ARENA_LARGE_SLOTS = 512;
export const ARENA_SMALL_SLOTS = 512;

/** Pieces as uneven as a network makes them, and the same in every run. */
export const SPLITS: readonly number[] = [1, 1, 2, 700, 1460, 3, 9000, 1, 32768, 5, 16384, 512, 65536, 4096];
