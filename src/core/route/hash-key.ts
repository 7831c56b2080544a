/** The key that consistent hashing balances a request by: 32 bits of a header, cookie, query parameter or the path. */
import { hashBytes } from '../../base/hash.ts';
import { HEAD_BYTES_MAX } from '../../base/limits.ts';
import { encodeUtf8 } from '../../base/text.ts';
import type { HashKeyPlan } from '../../config/plan.ts';
import { equalsIgnoringCase } from '../../wire/http1/classes.ts';
import {
  FIELD_NAME,
  FIELD_NAME_LENGTH,
  FIELD_VALUE,
  FIELD_VALUE_LENGTH,
  FIELD_WORDS,
  type RequestHead,
} from '../../wire/http1/head.ts';
import { NormalPath, pathLength } from './path.ts';
import { findCookie, Span } from '../value/lookup.ts';
import { QueryCursor, decodeInto, skipDecoded } from './query.ts';

/** A part of what two machines must agree on: never changes. */
const SEED = 0x6b657931;

const HEADER = 0;
const COOKIE = 1;
const QUERY = 2;
const PATH = 3;
const KINDS = { header: HEADER, cookie: COOKIE, query: QUERY, path: PATH } as const;

const span = new Span();

const path = new NormalPath();
const cursor = new QueryCursor();
const decoded = new Uint8Array(HEAD_BYTES_MAX);

export class HashKey {
  private readonly kind: number;
  private readonly name: Uint8Array;

  constructor(plan: HashKeyPlan) {
    this.kind = KINDS[plan.kind];
    this.name = encodeUtf8(plan.kind === 'path' ? '' : plan.name);
  }

  /**
   * The key of the request that `head` describes in `bytes`: a signed 32-bit integer, the same for the same value. Of
   * several fields, cookies or parameters of the name the first counts. A request that has none, or an empty one, gets
   * `fallback`: one key for all of them would send them all to one server.
   */
  of(bytes: Uint8Array, head: RequestHead, fallback: number): number {
    switch (this.kind) {
      case HEADER:
        return this.ofHeader(bytes, head, fallback);
      case COOKIE:
        return this.ofCookie(bytes, head, fallback);
      case QUERY:
        return this.ofQuery(bytes, head, fallback);
      default:
        // equal paths must meet in one server's cache however they are spelt
        if (path.readFrom(bytes, head)) return hash(path.bytes, path.at, path.length, fallback);
        return hash(bytes, head.path, pathLength(head), fallback);
    }
  }

  private ofHeader(bytes: Uint8Array, head: RequestHead, fallback: number): number {
    const { fields } = head;
    const words = head.fieldCount * FIELD_WORDS;
    for (let word = 0; word < words; word += FIELD_WORDS) {
      if (equalsIgnoringCase(bytes, fields[word + FIELD_NAME], fields[word + FIELD_NAME_LENGTH], this.name)) {
        return hash(bytes, fields[word + FIELD_VALUE], fields[word + FIELD_VALUE_LENGTH], fallback);
      }
    }
    return fallback;
  }

  private ofCookie(bytes: Uint8Array, head: RequestHead, fallback: number): number {
    if (!findCookie(bytes, head, this.name, span)) return fallback;
    return hash(span.bytes, span.at, span.length, fallback);
  }

  private ofQuery(bytes: Uint8Array, head: RequestHead, fallback: number): number {
    cursor.start(bytes, head.query, head.queryLength);
    while (cursor.move(bytes)) {
      if (skipDecoded(bytes, cursor.name, cursor.nameEnd, this.name) !== cursor.nameEnd) continue;
      return hash(decoded, 0, decodeInto(decoded, bytes, cursor.value, cursor.end), fallback);
    }
    return fallback;
  }
}

function hash(bytes: Uint8Array, at: number, length: number, fallback: number): number {
  return length === 0 ? fallback : hashBytes(bytes, at, length, SEED);
}
