/** Whether a field that is a list of words has one of them: its lines together, compared without case, without what follows a `=`. */
import { latin1 } from '../../base/text.ts';
import type { FieldTable } from '../../wire/http1/head.ts';
import { findField } from './lookup.ts';
import { Span } from './span.ts';

const span = new Span();

/** `lower`: the name, and `word`: the word, both in lower case. */
export function hasWord(bytes: Uint8Array, table: FieldTable, lower: Uint8Array, word: string): boolean {
  for (let from = 0; findField(bytes, table, lower, from, span); from = span.at + 1) {
    const words = latin1(span.bytes, span.at, span.length).toLowerCase().split(',');
    if (words.some((one) => one.split('=', 1)[0].trim() === word)) return true;
  }
  return false;
}
