/**
 * A new target for a request: a path and perhaps a query, with values of the request in them. Values are text, and are escaped
 * where they could be anything else; the query that the request has is added, unless a `?` at the end says otherwise.
 */
import { HEAD_BYTES_MAX } from '../../base/limits.ts';
import { encodeUtf8 } from '../../base/text.ts';
import { SLASH } from '../../wire/http1/classes.ts';
import { putEscape } from '../value/path.ts';
import type { RequestView } from '../value/request-view.ts';
import { CAPTURE } from '../value/source-kind.ts';
import { Span } from '../value/span.ts';
import { Template } from '../value/template.ts';
import { mayClimb } from './rewrite.ts';

const QUESTION = 0x3f;
const AMPERSAND = 0x26;
const PERCENT = 0x25;
const PLUS = 0x2b;
/** By byte, 1: escaped in a path, 2: only where a value stands in a query. As nginx 1.21.1 and later do it. */
const ESCAPED = new Uint8Array(256).fill(1, 0x7f);
ESCAPED.fill(1, 0, 0x21);
for (const char of '"#%<>?\\^`{|}') ESCAPED[char.charCodeAt(0)] = 1;
for (const char of '&+;') ESCAPED[char.charCodeAt(0)] = 2;

const plain = new Uint8Array(HEAD_BYTES_MAX);
const target = new Uint8Array(HEAD_BYTES_MAX);
const span = new Span();

export class TargetTemplate {
  private readonly path: Template;
  /** Null: nothing is said of one. */
  private readonly query: Template | null;
  private readonly keepsQuery: boolean;

  constructor(to: string) {
    const question = to.indexOf('?');
    this.path = new Template(question < 0 ? to : to.slice(0, question), encodeUtf8);
    this.keepsQuery = !to.endsWith('?');
    const query = question < 0 ? null : to.slice(question + 1, this.keepsQuery ? to.length : -1);
    this.query = query === null ? null : new Template(query, encodeUtf8);
  }

  /** Makes it the request's target. False: it is too long, or leads out of where it was put. */
  apply(view: RequestView): boolean {
    const hadEscapes = hasEscapes(view);
    const pathLength = this.path.emitAsIs(view, plain, 0);
    if (pathLength < 0) return false;
    let length = plain[0] === SLASH && pathLength > 0 ? 0 : put(0, SLASH);
    for (let i = 0; i < pathLength && length >= 0; i++) length = putOrEscape(length, plain[i], 1);
    if (length < 0 || mayClimb(target, length)) return false;
    const question = length;
    if (this.query !== null) length = this.writeQuery(this.query, view, length, hadEscapes);
    if (this.query === null || (this.keepsQuery && length >= 0)) length = appendQuery(view, length, question);
    return length >= 0 && view.rewrite(target, question, length);
  }

  private writeQuery(query: Template, view: RequestView, length: number, hadEscapes: boolean): number {
    if (query.parts.length === 0) return length;
    length = put(length, QUESTION);
    for (const part of query.parts) {
      if (part instanceof Uint8Array) span.set(part, 0, part.length);
      else part.find(view, span);
      const mask = !(part instanceof Uint8Array) && part.kind === CAPTURE && hadEscapes ? 3 : 0;
      for (let i = span.at; i < span.end && length >= 0; i++) length = putOrEscape(length, span.bytes[i], mask);
    }
    return length;
  }
}

/** What nginx goes by: a path without is passed on as it came, and so is what is captured of it. */
function hasEscapes({ bytes, head }: RequestView): boolean {
  for (let i = head.path, end = head.query; i < end; i++) if (bytes[i] === PERCENT || bytes[i] === PLUS) return true;
  return false;
}

/** Behind the query that stands at `question`, or as the only one. */
function appendQuery({ bytes, head }: RequestView, length: number, question: number): number {
  if (head.queryLength <= 1) return length;
  length = put(length, length === question ? QUESTION : AMPERSAND);
  for (let i = head.query + 1; i < head.query + head.queryLength && length >= 0; i++) length = put(length, bytes[i]);
  return length;
}

/** `mask`: which of ESCAPED are escaped; what is no visible ASCII is in any case. */
function putOrEscape(length: number, byte: number, mask: number): number {
  const isBad = byte <= 0x20 || byte >= 0x7f;
  if (!isBad && (ESCAPED[byte] & mask) === 0) return put(length, byte);
  return length < 0 || length + 3 > target.length ? -1 : putEscape(target, length, byte);
}

function put(length: number, byte: number): number {
  if (length < 0 || length >= target.length) return -1;
  target[length] = byte;
  return length + 1;
}
