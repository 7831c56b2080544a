/**
 * Values that are known when a response comes: until then a mark stands for each in the lines that a route adds. A mark is four
 * bytes, of which the first cannot be in a field's value.
 */
import { assert } from '../../base/assert.ts';
import { encodeUtf8 } from '../../base/text.ts';
import { parseLate, type LatePlan } from '../../config/words/template.ts';
import { CR, LF, SP, VALUE_CLASS } from '../../wire/http1/classes.ts';
import type { Span } from './span.ts';

const MARK = 1;
const FIRST = 0x21;
const DIGITS = 0x7e - FIRST + 1;
const COLON = 0x3a;
const QUESTION_MARK = 0x3f;

/** `lower`: the name in lower case. */
export type LateValue = LatePlan & { readonly lower: Uint8Array };

/** Of this process, and of all configurations that it has had: a mark is never another value's. */
const marked: LateValue[] = [];
const numbers = new Map<string, number>();

export interface LateValues {
  /** Leaves the value in `span`: empty if there is none. */
  find(value: LateValue, span: Span): void;
}

/** The text with a mark for each of these values. `hasGroups`: of an expression too, as `{capture:1}`. */
export function markLate(text: string, hasGroups = false): string {
  return parseLate(text, hasGroups)
    .map((part) => (typeof part === 'string' ? part : markOf(part)))
    .join('');
}

function markOf(plan: LatePlan): string {
  const key = `${plan.kind}:${plan.name}`;
  let number = numbers.get(key);
  if (number === undefined) {
    number = marked.length;
    marked.push({ ...plan, lower: encodeUtf8(plan.name.toLowerCase()) });
    numbers.set(key, number);
  }
  assert(number < DIGITS ** 3, 'more values of responses than marks');
  const digits = [Math.floor(number / DIGITS ** 2), Math.floor(number / DIGITS) % DIGITS, number % DIGITS];
  return String.fromCharCode(MARK, ...digits.map((digit) => FIRST + digit));
}

export function hasMarks(bytes: Uint8Array): boolean {
  return bytes.includes(MARK);
}

/** Writes `text` at `at`, not past `end`, with the values for its marks. The offset behind it, or -1: there is no room. */
export function expandText(
  text: Uint8Array,
  from: number,
  to: number,
  values: LateValues,
  span: Span,
  out: Uint8Array,
  at: number,
  end: number,
): number {
  for (let i = from; i < to; i++) {
    if (text[i] !== MARK) {
      if (at === end) return -1;
      out[at++] = text[i];
      continue;
    }
    values.find(marked[((text[i + 1] - FIRST) * DIGITS + text[i + 2] - FIRST) * DIGITS + text[i + 3] - FIRST], span);
    i += 3;
    if (at + span.length > end) return -1;
    for (let k = span.at; k < span.end; k++) {
      out[at++] = VALUE_CLASS[span.bytes[k]] === 0 ? QUESTION_MARK : span.bytes[k];
    }
  }
  return at;
}

/** The same for whole lines of a head: a field whose value turns out to be empty is not there. */
export function expandLines(
  lines: Uint8Array,
  values: LateValues,
  span: Span,
  out: Uint8Array,
  at: number,
  end: number,
): number {
  for (let from = 0; from < lines.length;) {
    const to = lines.indexOf(LF, from) + 1;
    const value = lines.indexOf(COLON, from) + 2;
    const written = expandText(lines, from, to, values, span, out, at, end);
    if (written < 0) return written;
    const isEmpty = written - at === value - from + 2 && out[written - 2] === CR && out[written - 3] === SP;
    if (!isEmpty || value + 2 === to) at = written;
    from = to;
  }
  return at;
}
