/** Lines of a head as bytes, each with its CR LF: what answers of the proxy's own take from elsewhere. */
import { ascii, equalsIgnoringCase } from '../../wire/http1/classes.ts';
import {
  FIELD_ID,
  FIELD_NAME,
  FIELD_NAME_LENGTH,
  FIELD_VALUE,
  FIELD_VALUE_LENGTH,
  FIELD_WORDS,
  F_NOMINATED,
  type ResponseHead,
} from '../../wire/http1/head.ts';

const SPACE = 0x20;
const CR = 0x0d;
const LF = 0x0a;
const COLON = 0x3a;
const AROUND_VALUE = 4;
const CHALLENGE_BYTES_MAX = 1024;
const WWW_AUTHENTICATE = ascii('www-authenticate');
const NOTHING = new Uint8Array(0);
const OWN_NAMES = ['content-type', 'x-request-id', 'date'].map(ascii);

/** The lines of the fields of this lower-case name; none where they are longer than `max` bytes. */
export function linesOf(
  memory: Uint8Array,
  { fields, fieldCount }: ResponseHead,
  lower: Uint8Array,
  max: number,
): Uint8Array {
  const lines = new Uint8Array(max);
  let at = 0;
  for (let word = 0; word < fieldCount * FIELD_WORDS; word += FIELD_WORDS) {
    const name = fields[word + FIELD_NAME];
    const value = fields[word + FIELD_VALUE];
    const [nameLength, valueLength] = [fields[word + FIELD_NAME_LENGTH], fields[word + FIELD_VALUE_LENGTH]];
    if (!equalsIgnoringCase(memory, name, nameLength, lower)) continue;
    if (at + nameLength + valueLength + AROUND_VALUE > max) return NOTHING;
    lines.set(memory.subarray(name, name + nameLength), at);
    at += nameLength;
    lines[at++] = COLON;
    lines[at++] = SPACE;
    lines.set(memory.subarray(value, value + valueLength), at);
    at += valueLength;
    lines[at++] = CR;
    lines[at++] = LF;
  }
  return lines.subarray(0, at);
}

/** Those by which a response asks who its client is. */
export function challengeOf(memory: Uint8Array, head: ResponseHead): Uint8Array {
  return linesOf(memory, head, WWW_AUTHENTICATE, CHALLENGE_BYTES_MAX);
}

/** The fields of this lower-case name do not go on. How many bytes they had. */
export function takeOut(memory: Uint8Array, { fields, fieldCount }: ResponseHead, lower: Uint8Array): number {
  let taken = 0;
  for (let word = 0; word < fieldCount * FIELD_WORDS; word += FIELD_WORDS) {
    const length = fields[word + FIELD_NAME_LENGTH];
    if (!equalsIgnoringCase(memory, fields[word + FIELD_NAME], length, lower)) continue;
    taken += length + AROUND_VALUE + fields[word + FIELD_VALUE_LENGTH];
    fields[word + FIELD_ID] = F_NOMINATED;
  }
  return taken;
}

export function joined(lines: Uint8Array, more: Uint8Array): Uint8Array {
  if (more.length === 0) return lines;
  const both = new Uint8Array(lines.length + more.length);
  both.set(lines);
  both.set(more, lines.length);
  return both;
}

/** Lines without those that an error of the proxy's own has itself. */
export function withoutOwn(lines: Uint8Array): Uint8Array {
  const kept = new Uint8Array(lines.length);
  let at = 0;
  for (let from = 0; from < lines.length;) {
    const to = lines.indexOf(LF, from) + 1;
    const length = lines.indexOf(COLON, from) - from;
    if (!OWN_NAMES.some((name) => equalsIgnoringCase(lines, from, length, name))) {
      kept.set(lines.subarray(from, to), at);
      at += to - from;
    }
    from = to;
  }
  return kept.subarray(0, at);
}
