/** By which field of a response its request goes on elsewhere, prepared; and what such a response has that stays. */
import { RESPONSE_EDIT_BYTES_MAX } from '../../base/limits.ts';
import { encodeUtf8 } from '../../base/text.ts';
import type { TargetByPlan } from '../../config/plan/route.ts';
import { findField } from '../../core/value/lookup.ts';
import type { RequestView } from '../../core/value/request-view.ts';
import { Span } from '../../core/value/span.ts';
import { mayClimb } from '../../core/route/rewrite.ts';
import { putEscape } from '../../core/value/path.ts';
import { ascii } from '../../wire/http1/emit.ts';
import { FIELD_NAME_LENGTH, FIELD_WORDS, type ResponseHead } from '../../wire/http1/head.ts';
import type { HeaderEdit } from './header-edit.ts';
import { joined, linesOf } from './response-lines.ts';

const CONTENT_TYPE = ascii('content-type');
const KEPT = ['set-cookie', 'content-disposition', 'cache-control', 'expires'].map(ascii);
const SLASH = 0x2f;
const QUESTION = 0x3f;
const NOTHING: Uint8Array = new Uint8Array(0);

const span = new Span();

export class TargetBy {
  /** In lower case. */
  private readonly field: Uint8Array;
  private readonly calls: ReadonlyMap<string, string>;

  constructor({ field, calls }: TargetByPlan) {
    this.field = encodeUtf8(field.toLowerCase());
    this.calls = new Map(calls);
  }

  /** What the field says, in bytes of its own; null: the response has none, as almost all. */
  find(bytes: Uint8Array, head: ResponseHead): Uint8Array | null {
    const { length } = this.field;
    const { fields, fieldCount } = head;
    for (let word = FIELD_NAME_LENGTH; word < fieldCount * FIELD_WORDS; word += FIELD_WORDS) {
      if (fields[word] !== length) continue;
      if (!findField(bytes, head, this.field, 0, span)) return null;
      return bytes.slice(span.at, span.end);
    }
    return null;
  }

  /** The name of the route that it calls; null: it is a target. */
  calledBy(text: Uint8Array): string | null {
    return this.calls.get(String.fromCharCode(...text)) ?? null;
  }
}

/** The lines of a response that stay; `edit`: what its route takes out. */
export function keptLines(bytes: Uint8Array, head: ResponseHead, edit: HeaderEdit): Uint8Array {
  let lines = NOTHING;
  for (const name of KEPT) {
    if (!edit.dropsName(name)) lines = joined(lines, linesOf(bytes, head, name, RESPONSE_EDIT_BYTES_MAX));
  }
  return lines;
}

/** The line of its Content-Type, which is that of a file that is answered. */
export function typeLine(bytes: Uint8Array, head: ResponseHead): Uint8Array {
  return linesOf(bytes, head, CONTENT_TYPE, RESPONSE_EDIT_BYTES_MAX);
}

/** Makes the text the request's target. False: it is none, too long, or leads out of where it was put. */
export function takeTarget(text: Uint8Array, view: RequestView): boolean {
  const target = new Uint8Array(text.length * 3);
  let length = 0;
  let question = -1;
  for (const byte of text) {
    if (byte === QUESTION && question < 0) question = length;
    if (byte > 0x20 && byte < 0x7f) target[length++] = byte;
    else length = putEscape(target, length, byte);
  }
  const end = question < 0 ? length : question;
  if (target[0] !== SLASH || mayClimb(target, end)) return false;
  return view.rewrite(target, end, length);
}
