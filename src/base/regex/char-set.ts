/** Sets of Unicode code points, as what a regular expression's classes are made of. */

/** Inclusive ranges in ascending order that do not touch: `[from, to, from, to, ...]`. */
export type CharSet = readonly number[];

export const CODE_POINT_MAX = 0x10ffff;

/** The union of inclusive ranges in any order: `[from, to, from, to, ...]`. */
export function charSet(ranges: readonly number[]): CharSet {
  const pairs: [number, number][] = [];
  for (let i = 0; i < ranges.length; i += 2) pairs.push([ranges[i], ranges[i + 1]]);
  pairs.sort(([a], [b]) => a - b);
  const set: number[] = [];
  for (const [from, to] of pairs) {
    if (set.length > 0 && from <= set[set.length - 1] + 1) set[set.length - 1] = Math.max(set[set.length - 1], to);
    else set.push(from, to);
  }
  return set;
}

/** Every code point that is not in the set. */
export function complement(set: CharSet): CharSet {
  const rest: number[] = [];
  let from = 0;
  for (let i = 0; i < set.length; i += 2) {
    if (set[i] > from) rest.push(from, set[i] - 1);
    from = set[i + 1] + 1;
  }
  if (from <= CODE_POINT_MAX) rest.push(from, CODE_POINT_MAX);
  return rest;
}

export function hasChar(set: CharSet, code: number): boolean {
  for (let i = 0; i < set.length; i += 2) {
    if (code >= set[i] && code <= set[i + 1]) return true;
  }
  return false;
}

/** ECMA-262 section 22.2.2.9: `\d`, `\w`, `\s` and what `.` leaves out. */
export const DIGITS: CharSet = [0x30, 0x39];
export const WORD_CHARS: CharSet = charSet([0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a]);
export const SPACES: CharSet = charSet(
  [0x09, 0x0d, 0x20, 0x20, 0xa0, 0xa0, 0x1680, 0x1680, 0x2000, 0x200a, 0x2028, 0x2029, 0x202f, 0x202f].concat([
    0x205f, 0x205f, 0x3000, 0x3000, 0xfeff, 0xfeff,
  ]),
);
export const LINE_ENDS: CharSet = charSet([0x0a, 0x0a, 0x0d, 0x0d, 0x2028, 0x2029]);
