/** What a simulation is asked for on its command line. */
import { parseArgs } from 'node:util';

export interface SeedsAsked {
  readonly first: number;
  readonly count: number;
  /** One seed alone, with its history. */
  readonly hasHistory: boolean;
  /** What is broken on purpose. */
  readonly canary: string;
}

/** `--seed N`, or `--from N --count K`; `--canary KIND`. */
export function seedsAsked(): SeedsAsked {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      from: { type: 'string', default: '1' },
      count: { type: 'string', default: '200' },
      canary: { type: 'string', default: 'none' },
    },
  });
  const { canary, count, from, seed } = values;
  return {
    first: Number(seed ?? from),
    count: seed === undefined ? Number(count) : 1,
    hasHistory: seed !== undefined,
    canary,
  };
}
