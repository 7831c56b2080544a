/**
 * Which responses a route compresses, and in which coding. Half of that is known when the request is here, half when the response is.
 * Never: what is compressed already, a part of something, what its server wants as it is (`no-transform`), gRPC, and what has trailers
 * to come.
 */
import { parseHttpDate } from '../../base/date-text.ts';
import { latin1 } from '../../base/text.ts';
import type { CodingName, CompressPlan, ProxiedReason } from '../../config/plan/response.ts';
import { ascii } from '../../wire/http1/classes.ts';
import { BODY_LENGTH, F_VIA, type RequestHead, type ResponseHead } from '../../wire/http1/head.ts';
import { isOfGrpc } from '../grpc/grpc.ts';
import { hasWord } from '../value/field-words.ts';
import { findField } from '../value/lookup.ts';
import { Span } from '../value/span.ts';
import { weightOf } from './accept-encoding.ts';
import { MediaTypes } from './media-types.ts';

const CACHE_CONTROL = ascii('cache-control');
const CONTENT_ENCODING = ascii('content-encoding');
const CONTENT_RANGE = ascii('content-range');
const CONTENT_TYPE = ascii('content-type');
const AUTHORIZATION = ascii('authorization');
const LAST_MODIFIED = ascii('last-modified');
const EXPIRES = ascii('expires');
const DATE = ascii('date');
const ETAG = ascii('etag');
const TRAILER = ascii('trailer');
const CACHE_WORDS = ['no-cache', 'no-store', 'private'] as const;

const span = new Span();

/** What of a request the response to it will be judged by. */
export interface Wish {
  /** Index into `codings` of the plan; -1: the client takes none of them, or is not to get one. */
  coding: number;
  /** A proxy has sent the request, and its response is only compressed for a reason. */
  isProxied: boolean;
  hasCredentials: boolean;
}

export class CompressionRule {
  readonly codings: readonly { readonly name: CodingName; readonly token: Uint8Array }[];
  readonly level: number;
  readonly saysVary: boolean;
  private readonly minBytes: number;
  private readonly types: MediaTypes;
  private readonly reasons: ReadonlySet<ProxiedReason>;

  constructor({ codings, level, minBytes, proxied, saysVary, types }: CompressPlan) {
    this.codings = codings.map((name) => ({ name, token: ascii(name) }));
    this.level = level;
    this.minBytes = minBytes;
    this.saysVary = saysVary;
    this.types = new MediaTypes(types);
    this.reasons = new Set(proxied);
  }

  /** Notes in `wish` what the request whose head this is says of it. */
  ask(bytes: Uint8Array, head: RequestHead, wish: Wish): void {
    wish.coding = -1;
    if (head.version < 11) return;
    wish.isProxied = (head.seen & (1 << F_VIA)) !== 0 && !this.reasons.has('any');
    if (wish.isProxied && this.reasons.size === 0) return;
    wish.hasCredentials = wish.isProxied && findField(bytes, head, AUTHORIZATION, 0, span);
    let most = 0;
    for (let i = 0; i < this.codings.length; i++) {
      const weight = weightOf(bytes, head, this.codings[i].token);
      if (weight <= most) continue;
      most = weight;
      wish.coding = i;
    }
  }

  /** Whether a response with this head is one that is compressed for clients that take it: for such it varies. One to HEAD says what GET would. */
  isFor(bytes: Uint8Array, head: ResponseHead): boolean {
    const { body, status } = head;
    if (status !== 200 && status !== 403 && status !== 404) return false;
    if (body === BODY_LENGTH && head.contentLength < this.minBytes) return false;
    if (!findField(bytes, head, CONTENT_TYPE, 0, span) || !this.types.has(span.bytes, span.at, span.length))
      return false;
    if (isOfGrpc(span.bytes, span.at, span.length)) return false;
    if (findField(bytes, head, CONTENT_ENCODING, 0, span) || findField(bytes, head, CONTENT_RANGE, 0, span))
      return false;
    return !findField(bytes, head, TRAILER, 0, span) && !hasWord(bytes, head, CACHE_CONTROL, 'no-transform');
  }

  /** Whether one that the rule is for is compressed although a proxy has asked for it, as nginx has it: one that nobody may keep. */
  isForProxy(bytes: Uint8Array, head: ResponseHead, { hasCredentials }: Wish, nowMs: number): boolean {
    const { reasons } = this;
    if (hasCredentials && reasons.has('auth')) return true;
    if (findField(bytes, head, EXPIRES, 0, span)) return reasons.has('expired') && isExpired(bytes, head, nowMs);
    if (findField(bytes, head, CACHE_CONTROL, 0, span))
      return CACHE_WORDS.some((word) => reasons.has(word) && hasWord(bytes, head, CACHE_CONTROL, word));
    if (reasons.has('no-last-modified') && findField(bytes, head, LAST_MODIFIED, 0, span)) return false;
    return !(reasons.has('no-etag') && findField(bytes, head, ETAG, 0, span));
  }
}

/** By its server's clock, or ours where that says nothing. */
function isExpired(bytes: Uint8Array, head: ResponseHead, nowMs: number): boolean {
  const hasDate = findField(bytes, head, DATE, 0, span);
  return dateOf(bytes, head, EXPIRES) < (hasDate ? dateOf(bytes, head, DATE) : nowMs);
}

/** NaN: it has none. */
function dateOf(bytes: Uint8Array, head: ResponseHead, name: Uint8Array): number {
  if (!findField(bytes, head, name, 0, span)) return Number.NaN;
  return parseHttpDate(latin1(span.bytes, span.at, span.length));
}
