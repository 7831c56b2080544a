/** What filters of adverts have in common: where they look, and how they end. */
import { NARROW_SAMPLE, STRANGER_SAMPLE } from '../../../port/segment.ts';
import { ACCEPT, type Filter, op, REFUSE } from '../socket-filter.ts';

/** Loads relative to the network header, and a random number (linux/filter.h). */
export const NET_OFF = -0x100000;
const RANDOM = -0x1000 + 56;

/** Of what will be refused; the end of a program. */
export const SAMPLE = oneIn(NARROW_SAMPLE);
/** Of what may be right, and of whom nothing was right yet. */
export const STRANGERS = oneIn(STRANGER_SAMPLE);

/** `count` is a power of two. */
function oneIn(count: number): Filter {
  return [
    { code: op.LOAD_WORD, operand: RANDOM },
    { code: op.JUMP_IF_BITS, operand: count - 1, skips: [0, 1] },
    REFUSE,
    ACCEPT,
  ];
}
