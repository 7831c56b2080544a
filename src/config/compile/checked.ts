/** Values of a document that was checked, in the units of a plan. */
import { assert } from '../../base/assert.ts';
import { parseDuration, parseSize } from '../words/units.ts';

export function ms(duration: string): number {
  return checked(parseDuration(duration), duration);
}

export function bytes(size: string | number): number {
  return checked(parseSize(String(size)), String(size));
}

function checked(value: number | null, text: string): number {
  assert(value !== null, `${text} was checked`);
  return value;
}
