/**
 * One value of a request: where its bytes are. A source never copies what the request has; addresses are written into a
 * scratch of its own. What may be done with the bytes is the template's business: they are a peer's, and not to be trusted.
 */
import { assert } from '../../base/assert.ts';
import { encodeUtf8 } from '../../base/text.ts';
import type { SourcePlan } from '../../config/template.ts';
import { ascii } from '../../wire/http1/classes.ts';
import {
  FIELD_ID,
  FIELD_VALUE,
  FIELD_VALUE_LENGTH,
  FIELD_WORDS,
  F_X_FORWARDED_PROTO,
  type RequestHead,
} from '../../wire/http1/head.ts';
import { emitIpText, IP_TEXT_BYTES_MAX, isNoIp, type IpWords } from '../../wire/ip-text.ts';
import { pathLength } from '../route/path.ts';
import { findCookie, findField, findParameter, type Span } from './lookup.ts';
import type { RequestView } from './request-view.ts';

export const CLIENT = 0;
export const PEER = 1;
export const HOST = 2;
export const AUTHORITY = 3;
export const METHOD = 4;
export const PATH = 5;
export const QUERY = 6;
export const SCHEME = 7;
export const REQUEST_ID = 8;
export const HEADER = 9;
export const COOKIE = 10;
export const PARAMETER = 11;

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
} as const;
const NAMED_KINDS = { header: HEADER, cookie: COOKIE, query: PARAMETER } as const;

const HTTP = ascii('http');
const SLASH = ascii('/');
const addressText = new Uint8Array(IP_TEXT_BYTES_MAX);

export class Source {
  readonly kind: number;
  private readonly name: Uint8Array;

  private constructor(kind: number, name: string) {
    this.kind = kind;
    this.name = encodeUtf8(name);
  }

  /** The source of a placeholder, or the two of `{uri}`. */
  static of(plan: SourcePlan): readonly Source[] {
    if (plan.name !== null) {
      return [new Source(NAMED_KINDS[plan.kind], plan.kind === 'header' ? plan.name.toLowerCase() : plan.name)];
    }
    if (plan.kind === 'uri') return [new Source(PATH, ''), new Source(QUERY, '')];
    return [new Source(KINDS[plan.kind], '')];
  }

  /** Leaves the value's bytes in `span`; they hold until the next call. Length 0: the request has none. */
  find(view: RequestView, span: Span): void {
    const { bytes, head } = view;
    switch (this.kind) {
      case CLIENT:
        return findAddress(view.client, span);
      case PEER:
        return findAddress(view.peer, span);
      case HOST:
        return span.set(bytes, head.host, head.hostLength);
      case AUTHORITY:
        return span.set(bytes, head.authority, head.authorityLength);
      case METHOD:
        return span.set(bytes, head.start, head.methodLength);
      case PATH:
        return findPath(bytes, head, span);
      case QUERY:
        return span.set(bytes, head.query, head.queryLength);
      case SCHEME:
        return findScheme(view, span);
      case REQUEST_ID:
        return span.set(view.requestIdBytes, view.requestId, view.requestIdLength);
      case HEADER:
        findField(bytes, head, this.name, span);
        return;
      case COOKIE:
        findCookie(bytes, head, this.name, span);
        return;
      case PARAMETER:
        findParameter(bytes, head, this.name, span);
        return;
      default:
        assert(false, 'a source of no kind');
    }
  }
}

function findAddress(ip: IpWords, span: Span): void {
  span.set(addressText, 0, isNoIp(ip) ? 0 : emitIpText(addressText, 0, ip));
}

/** An absolute-form target may have no path: it means `/`. */
function findPath(bytes: Uint8Array, head: RequestHead, span: Span): void {
  const length = pathLength(head);
  if (length > 0) span.set(bytes, head.path, length);
  else span.set(SLASH, 0, 1);
}

/** This proxy is spoken to in plain HTTP; whoever ended the TLS in front of it says so. */
function findScheme({ bytes, head, isTrusted }: RequestView, span: Span): void {
  if (isTrusted && (head.seen & ~head.repeated & (1 << F_X_FORWARDED_PROTO)) !== 0) {
    const { fields } = head;
    for (let i = 0, word = 0; i < head.fieldCount; i++, word += FIELD_WORDS) {
      if (fields[word + FIELD_ID] !== F_X_FORWARDED_PROTO) continue;
      return span.set(bytes, fields[word + FIELD_VALUE], fields[word + FIELD_VALUE_LENGTH]);
    }
  }
  span.set(HTTP, 0, HTTP.length);
}
