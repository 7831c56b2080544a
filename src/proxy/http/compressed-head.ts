/** What the head of a response says otherwise where its body is compressed, or would be for another client. */
import type { CodingName } from '../../config/plan/response.ts';
import { hasWord } from '../../core/value/field-words.ts';
import { findField } from '../../core/value/lookup.ts';
import { Span } from '../../core/value/span.ts';
import { latin1 } from '../../base/text.ts';
import { ascii } from '../../wire/http1/emit.ts';
import type { ResponseHead } from '../../wire/http1/head.ts';
import type { HeaderEdit } from './header-edit.ts';
import { joined, takeOut } from './response-lines.ts';

const VARY = ascii('vary');
const VARY_LINE = ascii('Vary: Accept-Encoding\r\n');
const ETAG = ascii('etag');
/** Of bytes as they are. */
const GONE = ['accept-ranges', 'content-md5', 'digest', 'content-digest', 'repr-digest'].map(ascii);
const QUOTE = 0x22;
const W = 0x57;

const span = new Span();

/** `lines` with `Vary: Accept-Encoding`, unless the server says it itself. */
export function variedLines(memory: Uint8Array, head: ResponseHead, lines: Uint8Array): Uint8Array {
  if (hasWord(memory, head, VARY, 'accept-encoding') || hasWord(memory, head, VARY, '*')) return lines;
  return joined(lines, VARY_LINE);
}

/** `lines` with those that say how it is compressed; what is not true of it any more is taken out of the head. */
export function compressedLines(
  memory: Uint8Array,
  head: ResponseHead,
  edit: HeaderEdit,
  lines: Uint8Array,
  coding: CodingName,
): Uint8Array {
  for (const field of GONE) takeOut(memory, head, field);
  const tag = weakTag(memory, head, edit);
  return joined(lines, ascii(`${tag}Content-Encoding: ${coding}\r\n`));
}

/** A strong entity tag is of these very bytes (RFC 9110 section 8.8.3). */
function weakTag(memory: Uint8Array, head: ResponseHead, edit: HeaderEdit): string {
  if (edit.dropsName(ETAG) || !findField(memory, head, ETAG, 0, span) || memory[span.at] === W) return '';
  const tag = memory[span.at] === QUOTE ? `ETag: W/${latin1(memory, span.at, span.length)}\r\n` : '';
  takeOut(memory, head, ETAG);
  return tag;
}
