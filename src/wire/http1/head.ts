/**
 * HTTP/1 message heads: RFC 9112 sections 2 to 5, read strictly.
 *
 * A head is parsed in place. Nothing is allocated per message: the caller owns one `RequestHead` and one `ResponseHead`
 * and uses them for every message, and a field is five integers in a table. Offsets count from the first byte of the array
 * that was parsed, and hold as long as the caller keeps those bytes.
 *
 * Because only CR LF ends a line and obs-fold is refused, field i is exactly the bytes from its name to the next field's
 * name (or to `fieldsEnd`): kept fields can be copied in runs.
 */

/** Fields the proxy treats specially; every other one is F_OTHER. */
export const F_OTHER = 0;
export const F_CONNECTION = 1;
export const F_KEEP_ALIVE = 2;
export const F_PROXY_CONNECTION = 3;
export const F_TE = 4;
export const F_TRANSFER_ENCODING = 5;
export const F_CONTENT_LENGTH = 6;
export const F_UPGRADE = 7;
export const F_HOST = 8;
export const F_EXPECT = 9;
export const F_X_FORWARDED_FOR = 10;
export const F_X_FORWARDED_PROTO = 11;
export const F_X_FORWARDED_HOST = 12;
export const F_X_REQUEST_ID = 13;
export const F_VIA = 14;
export const F_DATE = 15;
export const F_COOKIE = 16;
export const F_HTTP2_SETTINGS = 17;
/** A field that the message's Connection field names (RFC 9110 section 7.6.1); to be removed. */
export const F_NOMINATED = 18;
/**
 * Content-Length, Transfer-Encoding or X-Forwarded-For, -Proto or -Host, spelt with `_` for `-`. A server that makes
 * environment variables of field names cannot tell the two apart, so such a head is refused; never in an accepted one.
 */
export const F_LOOKALIKE = 19;
/**
 * A field besides X-Forwarded-For by which some proxy or network says who the client is: Forwarded, X-Real-IP, True-Client-IP
 * and their like, also spelt with `_`. What a client says of itself in it must not reach a server.
 */
export const F_CLIENT_CLAIM = 20;
/** What else a proxy says of the request that it passes on: X-Forwarded-Port and every other X-Forwarded-..., X-Original-URL. */
export const F_PROXY_CLAIM = 21;

/** Words per field in `fields`. */
export const FIELD_WORDS = 5;
export const FIELD_NAME = 0; // offset of the name
export const FIELD_NAME_LENGTH = 1;
export const FIELD_VALUE = 2; // offset of the value, without surrounding whitespace
export const FIELD_VALUE_LENGTH = 3;
export const FIELD_ID = 4; // F_...

/** Methods the proxy treats specially. Methods are case-sensitive. */
export const METHOD_OTHER = 0;
export const METHOD_GET = 1;
export const METHOD_HEAD = 2;
export const METHOD_POST = 3;
export const METHOD_PUT = 4;
export const METHOD_DELETE = 5;
export const METHOD_OPTIONS = 6;
export const METHOD_TRACE = 7;
export const METHOD_CONNECT = 8;
export const METHOD_PATCH = 9;
/** By number; any other one is empty. */
export const METHOD_NAMES = [
  '',
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'CONNECT',
  'PATCH',
] as const;

/** How the end of a body is known (RFC 9112 section 6.3). */
export const BODY_NONE = 0;
export const BODY_LENGTH = 1;
export const BODY_CHUNKED = 2;
export const BODY_UNTIL_CLOSE = 3; // responses only

/** The bounds of one head. */
export interface HeadLimits {
  /** From the first byte to the empty line. */
  readonly headBytes: number;
  readonly headers: number;
  /** Of requests: a Host field that is another than that of an absolute target is none (RFC 9112 section 3.2.2). Else such are refused. */
  readonly ignoresOtherHost?: boolean;
}

/** What both kinds of head have. */
export class FieldTable {
  fields: Int32Array;
  fieldCount = 0;
  /** Bit `1 << F_...` for every id in the table. */
  seen = 0;
  /** Bit `1 << F_...` for every id that more than one field has. */
  repeated = 0;
  /** Offset of the first byte of the start line (leading empty lines are skipped). */
  start = 0;
  /** Offset of the first field's name. */
  fieldsStart = 0;
  /** Offset of the CR LF that ends the head. */
  fieldsEnd = 0;
  /** 10 or 11: HTTP/1.0 or HTTP/1.1. HTTP/1.2 and later 1.x count as 11. */
  version = 11;
  /** BODY_...; for a response what the head alone says, see `responseBody`. */
  body = BODY_NONE;
  /** Content-Length, when `body` is BODY_LENGTH; else -1 (a response to HEAD keeps its number). 0..2^53-1. */
  contentLength = -1;
  /** Content-Length is spelt with leading zeros or odd whitespace: its line is marked as nominated, and is written anew. */
  hasOddLength = false;
  /** The Connection field says `close`. */
  hasClose = false;
  /** The Connection field says `keep-alive`. */
  hasKeepAlive = false;
  /**
   * The Connection field says `upgrade`, and one Upgrade field names protocols of which none is h2c. False in HTTP/1.0
   * (RFC 9110 section 7.8). Any other wish to upgrade may be ignored, and is.
   */
  hasUpgrade = false;
  /** How many fields the Connection field names, besides those that are this hop's anyway. */
  nominations = 0;
  /** Index of the Upgrade field, or -1. */
  upgradeField = -1;

  constructor(fieldsMax: number) {
    this.fields = new Int32Array(fieldsMax * FIELD_WORDS);
  }
}

export class RequestHead extends FieldTable {
  method = METHOD_OTHER;
  methodLength = 0;
  /** The request target as sent. */
  target = 0;
  targetLength = 0;
  /**
   * The path and query in origin form, always beginning with `/` (or being `*`): for absolute-form what follows the
   * authority. `pathLength` is 0 for an absolute-form target without path: it means `/`, and `*` for OPTIONS (RFC 9112
   * section 3.2.4).
   */
  path = 0;
  pathLength = 0;
  /** Offset of the query's `?`, and its length with the `?`. Without query the end of the path, and 0. */
  query = 0;
  queryLength = 0;
  /** The host the request is for, without port, as sent; from the target in absolute form, else from Host. */
  host = 0;
  hostLength = 0;
  /** Host with its port, as sent. HTTP/1.0 without Host: length 0. */
  authority = 0;
  authorityLength = 0;
  isAbsoluteForm = false;
  /** Index of the Host field, or -1 (HTTP/1.0 only). */
  hostField = -1;
  /** `Expect: 100-continue`. */
  expectsContinue = false;

  /** No request, or none that could be read: every part of it is empty. */
  blank(): void {
    this.start = 0;
    this.fieldsStart = 2;
    this.fieldCount = this.seen = this.repeated = 0;
    this.method = METHOD_OTHER;
    this.methodLength = this.targetLength = this.pathLength = this.queryLength = 0;
    this.hostLength = this.authorityLength = 0;
    this.hostField = -1;
  }
}

export class ResponseHead extends FieldTable {
  status = 0;
}
