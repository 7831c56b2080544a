/** What filters of adverts have in common: where they look, and how they end. */
import { NARROW_SAMPLE } from '../../../port/segment.ts';
import { ACCEPT, type Filter, op, REFUSE } from '../socket-filter.ts';

/** Loads relative to the network header, and a random number (linux/filter.h). */
export const NET_OFF = -0x100000;
const RANDOM = -0x1000 + 56;

/** One in NARROW_SAMPLE; the end of a program. */
export const SAMPLE: Filter = [
  { code: op.LOAD_WORD, operand: RANDOM },
  { code: op.JUMP_IF_BITS, operand: NARROW_SAMPLE - 1, skips: [0, 1] },
  REFUSE,
  ACCEPT,
];
