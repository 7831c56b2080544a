/**
 * One value of a request: where its bytes are. A source never copies what the request has; addresses are written into a
 * scratch of its own. What may be done with the bytes is the template's business: they are a peer's, and not to be trusted.
 */
import { assert } from '../../base/assert.ts';
import { HEAD_BYTES_MAX } from '../../base/limits.ts';
import { encodeUtf8 } from '../../base/text.ts';
import type { SourcePlan } from '../../config/template.ts';
import { ascii } from '../../wire/http1/classes.ts';
import {
  FIELD_ID,
  FIELD_VALUE,
  FIELD_VALUE_LENGTH,
  FIELD_WORDS,
  F_X_FORWARDED_FOR,
  F_X_FORWARDED_PROTO,
  type RequestHead,
} from '../../wire/http1/head.ts';
import { emitBytes, emitFragment } from '../../wire/http1/emit.ts';
import { emitIpText, IP_TEXT_BYTES_MAX, isNoIp, type IpWords } from '../../wire/ip-text.ts';
import { findCookie, findField, findParameter, onlyFieldWithId } from './lookup.ts';
import { NormalPath, pathLength } from './path.ts';
import type { RequestView } from './request-view.ts';
import type { Span } from './span.ts';

export const CLIENT = 0;
export const PEER = 1;
export const HOST = 2;
export const AUTHORITY = 3;
export const METHOD = 4;
export const PATH = 5;
export const NORMAL_PATH = 6;
export const QUERY = 7;
export const SCHEME = 8;
export const REQUEST_ID = 9;
export const FORWARDED_FOR = 10;
// those with a name, which may be there several times
export const HEADER = 11;
export const COOKIE = 12;
export const PARAMETER = 13;

type Kind =
  | typeof CLIENT
  | typeof PEER
  | typeof HOST
  | typeof AUTHORITY
  | typeof METHOD
  | typeof PATH
  | typeof NORMAL_PATH
  | typeof QUERY
  | typeof SCHEME
  | typeof REQUEST_ID
  | typeof FORWARDED_FOR
  | typeof HEADER
  | typeof COOKIE
  | typeof PARAMETER;

const KINDS = {
  client: CLIENT,
  peer: PEER,
  host: HOST,
  authority: AUTHORITY,
  method: METHOD,
  path: PATH,
  query: QUERY,
  scheme: SCHEME,
  'request-id': REQUEST_ID,
  'forwarded-for': FORWARDED_FOR,
} as const;
const NAMED_KINDS = { header: HEADER, cookie: COOKIE, query: PARAMETER } as const;
const OUTSIDE_HEAD: ReadonlySet<number> = new Set([CLIENT, PEER, REQUEST_ID, SCHEME, FORWARDED_FOR]);

const HTTP = ascii('http');
const SLASH = ascii('/');
const addressText = new Uint8Array(IP_TEXT_BYTES_MAX);
const path = new NormalPath();
const COMMA = ascii(', ');
const forwardedFor = new Uint8Array(HEAD_BYTES_MAX + IP_TEXT_BYTES_MAX);

export class Source {
  readonly kind: Kind;
  private readonly name: Uint8Array;

  private constructor(kind: Kind, name: string) {
    this.kind = kind;
    this.name = encodeUtf8(name);
  }

  /** The path in the form that routes are matched on: equal for equal paths, however they are spelt. */
  static readonly normalPath = new Source(NORMAL_PATH, '');

  /** The source of a placeholder, or the two of `{uri}`. */
  static allOf(plan: SourcePlan): readonly Source[] {
    return plan.kind === 'uri' ? [new Source(PATH, ''), new Source(QUERY, '')] : [Source.of(plan)];
  }

  static of(plan: SourcePlan): Source {
    if (plan.name !== null) {
      return new Source(NAMED_KINDS[plan.kind], plan.kind === 'header' ? plan.name.toLowerCase() : plan.name);
    }
    assert(plan.kind !== 'uri', 'path and query are two values');
    return new Source(KINDS[plan.kind], '');
  }

  /** It is not in the request's head: the view must have been filled. */
  get needsView(): boolean {
    return OUTSIDE_HEAD.has(this.kind);
  }

  /** Leaves the value in `span`, of several the first; it holds until the next call. False: the request has none, the span is empty. */
  find(view: RequestView, span: Span): boolean {
    const { bytes, head } = view;
    switch (this.kind) {
      case CLIENT:
        return findAddress(view.client, span);
      case PEER:
        return findAddress(view.peer, span);
      case HOST:
        return leave(span, bytes, head.host, head.hostLength);
      case AUTHORITY:
        return leave(span, bytes, head.authority, head.authorityLength);
      case METHOD:
        return leave(span, bytes, head.start, head.methodLength);
      case PATH:
        return findPath(bytes, head, span);
      case NORMAL_PATH:
        return path.readFrom(bytes, head) ? leave(span, path.bytes, path.at, path.length) : findPath(bytes, head, span);
      case QUERY:
        return leave(span, bytes, head.query, head.queryLength);
      case SCHEME:
        return findScheme(view, span);
      case REQUEST_ID:
        return leave(span, view.requestIdBytes, view.requestId, view.requestIdLength);
      case FORWARDED_FOR:
        return findForwardedFor(view, span);
      case HEADER:
      case COOKIE:
      case PARAMETER:
        return this.findNamed(view, 0, span);
      default:
        assert(false, 'a source of no kind');
    }
  }

  /** The next value of the same name: the one behind that in `span`. */
  findNext(view: RequestView, span: Span): boolean {
    return this.kind >= HEADER && this.findNamed(view, span.end, span);
  }

  private findNamed({ bytes, head }: RequestView, from: number, span: Span): boolean {
    if (this.kind === HEADER) return findField(bytes, head, this.name, from, span);
    if (this.kind === COOKIE) return findCookie(bytes, head, this.name, from, span);
    return findParameter(bytes, head, this.name, from, span);
  }
}

function leave(span: Span, bytes: Uint8Array, at: number, length: number): boolean {
  span.set(bytes, at, length);
  return length > 0;
}

function findAddress(ip: IpWords, span: Span): boolean {
  return leave(span, addressText, 0, isNoIp(ip) ? 0 : emitIpText(addressText, 0, ip));
}

/** All fields as one list, as several are one (RFC 9110 section 5.3), and the client behind it. */
function findForwardedFor({ bytes, head, client }: RequestView, span: Span): boolean {
  let length = 0;
  if ((head.seen & (1 << F_X_FORWARDED_FOR)) !== 0) {
    for (let word = 0; word < head.fieldCount * FIELD_WORDS; word += FIELD_WORDS) {
      const { fields } = head;
      if (fields[word + FIELD_ID] !== F_X_FORWARDED_FOR) continue;
      if (length > 0) length = emitFragment(forwardedFor, length, COMMA);
      length = emitBytes(forwardedFor, length, bytes, fields[word + FIELD_VALUE], fields[word + FIELD_VALUE_LENGTH]);
    }
  }
  if (!isNoIp(client)) {
    if (length > 0) length = emitFragment(forwardedFor, length, COMMA);
    length = emitIpText(forwardedFor, length, client);
  }
  return leave(span, forwardedFor, 0, length);
}

/** An absolute-form target may have no path: it means `/`. */
function findPath(bytes: Uint8Array, head: RequestHead, span: Span): boolean {
  const length = pathLength(head);
  return length > 0 ? leave(span, bytes, head.path, length) : leave(span, SLASH, 0, 1);
}

/** This proxy is spoken to in plain HTTP; whoever ended the TLS in front of it says so. */
function findScheme({ bytes, head, isTrusted }: RequestView, span: Span): boolean {
  const field = isTrusted ? onlyFieldWithId(head, F_X_FORWARDED_PROTO) : -1;
  if (field < 0) return leave(span, HTTP, 0, HTTP.length);
  const word = field * FIELD_WORDS;
  return leave(span, bytes, head.fields[word + FIELD_VALUE], head.fields[word + FIELD_VALUE_LENGTH]);
}
