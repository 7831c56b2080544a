/**
 * The head of a request (RFC 9113 sections 8.2 and 8.3.1), as strict as that of HTTP/1, and written as one: whoever routes, edits or
 * passes it on need not know that it came otherwise. The authority is its Host field, the first of all, and its version 20. A CONNECT that asks
 * for a WebSocket (RFC 8441) is the GET with Upgrade that asks for one in HTTP/1.
 */
import { HEAD_SLOT_BYTES } from '../../base/limits.ts';
import {
  COLON,
  CR,
  LF,
  LOWER,
  QUESTION,
  SLASH,
  SP,
  TARGET_CLASS,
  TOKEN_LOWER,
  ascii,
  equalsIgnoringCase,
} from '../http1/classes.ts';
import { emitBytes, emitFragment } from '../http1/emit.ts';
import { ERR_CONNECT, ERR_HEAD_TOO_LARGE } from '../http1/errors.ts';
import {
  BODY_NONE,
  F_EXPECT,
  F_HOST,
  F_OTHER,
  F_UPGRADE,
  METHOD_CONNECT,
  METHOD_GET,
  METHOD_OPTIONS,
  METHOD_OTHER,
} from '../http1/head.ts';
import type { HeadLimits, RequestHead } from '../http1/head.ts';
import { hostLengthOf } from '../http1/host.ts';
import { methodOf } from '../http1/request.ts';
import { KEY_BYTES } from '../http1/websocket.ts';
import {
  FAULT_STREAM_AUTHORITY,
  FAULT_STREAM_CONTENT_LENGTH,
  FAULT_STREAM_HOST,
  FAULT_STREAM_METHOD,
  FAULT_STREAM_PATH,
  FAULT_STREAM_PSEUDO_FIELD,
  FAULT_STREAM_PSEUDO_MISSING,
  FAULT_STREAM_PSEUDO_ORDER,
  FAULT_STREAM_PSEUDO_REPEATED,
  FAULT_STREAM_SCHEME,
} from './faults.ts';
import { PSEUDO_AUTHORITY, PSEUDO_METHOD, PSEUDO_PATH, PSEUDO_PROTOCOL, PSEUDO_SCHEME } from './field-kinds.ts';
import { BLOCK_END, BLOCK_FIELD } from './hpack/decoder.ts';
import type { HpackDecoder } from './hpack/decoder.ts';
import { SectionReader } from './section.ts';

const HTTP_2 = ascii(' HTTP/2.0\r\n');
const HOST = ascii('host: ');
const CONTINUE = ascii('100-continue');
const GET = ascii('GET');
const WEBSOCKET = ascii('websocket');
const UPGRADE = ascii('upgrade: ');
const KEY = ascii('sec-websocket-key: ');
const KEY_NAME = ascii('sec-websocket-key');
const HTTP = ascii('http');
const HTTPS = ascii('https');
const HTTP_PORT = 80;
const HTTPS_PORT = 443;
const ASTERISK = 0x2a;
const PADDING = 0x3d;

/** Of a request that says all that it has to. */
const METHOD_BIT = 1;
const SCHEME_BIT = 1 << (PSEUDO_SCHEME - PSEUDO_METHOD);
const AUTHORITY_BIT = 1 << (PSEUDO_AUTHORITY - PSEUDO_METHOD);
const PATH_BIT = 1 << (PSEUDO_PATH - PSEUDO_METHOD);
const PROTOCOL_BIT = 1 << (PSEUDO_PROTOCOL - PSEUDO_METHOD);

/**
 * Where pseudo-fields stand before their line can be written, for they come in any order, and the first field behind them. As nothing of
 * it is kept between two calls, all readers share it.
 */
const PSEUDO = new Uint8Array(HEAD_SLOT_BYTES);

/** Reads one head after the other; connections can share it. */
export class RequestReader extends SectionReader {
  /**
   * `:protocol` is allowed (RFC 8441), and says `websocket`: the head has Upgrade, and whoever goes on with it writes a key of KEY_BYTES at `keyAt`
   * of what was written.
   */
  hasProtocol = false;
  keyAt = 0;

  private readonly takesProtocol: boolean;
  private head!: RequestHead;
  /** Bit by kind from PSEUDO_METHOD on. */
  private seen = 0;
  private readonly valueAt = new Int32Array(8);
  private readonly valueLength = new Int32Array(8);
  private hasHost = false;

  constructor(takesProtocol: boolean) {
    super();
    this.takesProtocol = takesProtocol;
  }

  /**
   * Reads the block that the decoder was begun with into `head` and out[at..limit). Returns the offset behind the head, or 0: then `fault`
   * or `error` tells why not, and `head` means nothing. `limits.headBytes` bounds the list as SETTINGS_MAX_HEADER_LIST_SIZE does. Of a
   * body whose length nobody knows `head.body` is BODY_CHUNKED.
   */
  read(
    decoder: HpackDecoder,
    endsStream: boolean,
    limits: HeadLimits,
    out: Uint8Array,
    at: number,
    limit: number,
    head: RequestHead,
  ): number {
    this.begin(out, at, limit);
    this.head = head;
    this.hasProtocol = false;
    const first = this.readPseudoFields(decoder, limits);
    if (first < 0 || !this.emitStart(decoder)) return 0;
    this.beginFields(head, limits.headers);
    if (!this.emitHost(decoder) || (this.hasProtocol && !this.emitUpgrade(decoder))) return 0;
    if (first > 0 && !this.takeFirst(decoder, limits, first - 1)) return 0;
    if (!this.readFields(decoder, limits)) return 0;
    const end = this.finish();
    return end !== 0 && this.readMeaning(endsStream) ? end : 0;
  }

  /** Returns 0 if there is nothing behind the pseudo-fields, 1 more than where in PSEUDO the first field behind them stands, or -1. */
  private readPseudoFields(decoder: HpackDecoder, limits: HeadLimits): number {
    this.seen = 0;
    let at = 0;
    for (;;) {
      const result = decoder.next(PSEUDO, at, PSEUDO.length);
      if (result === BLOCK_END) return 0;
      if (result !== BLOCK_FIELD) {
        this.lose(result);
        return -1;
      }
      if (decoder.isCut || decoder.listBytes > limits.headBytes) {
        this.refuse(decoder, ERR_HEAD_TOO_LARGE);
        return -1;
      }
      const { end, flaw, kind, nameLength, valueLength } = decoder;
      if (kind < PSEUDO_METHOD && flaw === 0) return at + 1;
      const fault = flaw === 0 ? this.pseudoFault(kind) : flaw;
      if (fault !== 0) {
        this.fail(decoder, fault);
        return -1;
      }
      this.seen |= 1 << (kind - PSEUDO_METHOD);
      this.valueAt[kind - PSEUDO_METHOD] = at + nameLength + 2;
      this.valueLength[kind - PSEUDO_METHOD] = valueLength;
      at = end;
    }
  }

  private pseudoFault(kind: number): number {
    const isRequests = kind <= PSEUDO_PATH || (kind === PSEUDO_PROTOCOL && this.takesProtocol);
    if (!isRequests) return FAULT_STREAM_PSEUDO_FIELD;
    return (this.seen & (1 << (kind - PSEUDO_METHOD))) === 0 ? 0 : FAULT_STREAM_PSEUDO_REPEATED;
  }

  /** Checks method, scheme and path, and writes the request line. */
  private emitStart(decoder: HpackDecoder): boolean {
    const { head, out, seen } = this;
    const methodAt = this.valueAt[0];
    const methodLength = this.valueLength[0];
    if ((seen & METHOD_BIT) === 0) return this.fail(decoder, FAULT_STREAM_PSEUDO_MISSING);
    head.method = methodOf(PSEUDO, methodAt, methodLength);
    if (head.method === METHOD_OTHER && !isMethod(methodAt, methodLength))
      return this.fail(decoder, FAULT_STREAM_METHOD);
    this.hasProtocol = (seen & PROTOCOL_BIT) !== 0;
    if (head.method === METHOD_CONNECT && !this.hasProtocol) {
      // section 8.5: authority alone
      const isPlain = (seen & (SCHEME_BIT | PATH_BIT)) === 0 && (seen & AUTHORITY_BIT) !== 0;
      return isPlain ? this.refuse(decoder, ERR_CONNECT) : this.fail(decoder, FAULT_STREAM_PSEUDO_FIELD);
    }
    if (this.hasProtocol && head.method !== METHOD_CONNECT) return this.fail(decoder, FAULT_STREAM_PSEUDO_FIELD);
    if ((seen & SCHEME_BIT) === 0 || (seen & PATH_BIT) === 0) return this.fail(decoder, FAULT_STREAM_PSEUDO_MISSING);
    if (!isScheme(this.valueAt[PSEUDO_SCHEME - PSEUDO_METHOD], this.valueLength[PSEUDO_SCHEME - PSEUDO_METHOD]))
      return this.fail(decoder, FAULT_STREAM_SCHEME);

    const pathAt = this.valueAt[PSEUDO_PATH - PSEUDO_METHOD];
    const pathLength = this.valueLength[PSEUDO_PATH - PSEUDO_METHOD];
    const query = queryOf(pathAt, pathLength, head.method === METHOD_OPTIONS);
    if (query < 0) return this.fail(decoder, FAULT_STREAM_PATH);
    if (this.at + methodLength + pathLength + 1 + HTTP_2.length > this.limit)
      return this.refuse(decoder, ERR_HEAD_TOO_LARGE);
    head.start = this.at;
    let at = this.at;
    if (this.hasProtocol) {
      if (!this.isWebSocket) return this.refuse(decoder, ERR_CONNECT);
      head.method = METHOD_GET;
      at = emitFragment(out, at, GET);
    } else at = emitBytes(out, at, PSEUDO, methodAt, methodLength);
    head.methodLength = at - head.start;
    out[at++] = SP;
    head.target = head.path = at;
    head.targetLength = head.pathLength = pathLength;
    head.query = at + query - pathAt;
    head.queryLength = pathAt + pathLength - query;
    head.isAbsoluteForm = false;
    at = emitBytes(out, at, PSEUDO, pathAt, pathLength);
    this.at = emitFragment(out, at, HTTP_2);
    head.version = 20;
    head.expectsContinue = false;
    head.hostField = -1;
    head.authority = head.host = head.target;
    head.authorityLength = head.hostLength = 0;
    this.hasHost = false;
    return true;
  }

  private get isWebSocket(): boolean {
    const index = PSEUDO_PROTOCOL - PSEUDO_METHOD;
    return equalsIgnoringCase(PSEUDO, this.valueAt[index], this.valueLength[index], WEBSOCKET);
  }

  /** Writes what asks for a WebSocket in HTTP/1, with room for the key. */
  private emitUpgrade(decoder: HpackDecoder): boolean {
    const { out } = this;
    if (this.at + UPGRADE.length + WEBSOCKET.length + KEY.length + KEY_BYTES + 4 > this.limit)
      return this.refuse(decoder, ERR_HEAD_TOO_LARGE);
    let at = emitFragment(out, emitFragment(out, this.at, UPGRADE), WEBSOCKET);
    out[at++] = CR;
    out[at++] = LF;
    if (!this.keep(decoder, F_UPGRADE, UPGRADE.length - 2, WEBSOCKET.length, at)) return false;
    this.keyAt = emitFragment(out, at, KEY);
    at = this.keyAt + KEY_BYTES;
    out.fill(PADDING, this.keyAt, at);
    out[at++] = CR;
    out[at++] = LF;
    return this.keep(decoder, F_OTHER, KEY.length - 2, KEY_BYTES, at);
  }

  /** Writes `:authority` as the first field. */
  private emitHost(decoder: HpackDecoder): boolean {
    const { head } = this;
    if ((this.seen & AUTHORITY_BIT) === 0) return true;
    const valueAt = this.valueAt[PSEUDO_AUTHORITY - PSEUDO_METHOD];
    const length = this.valueLength[PSEUDO_AUTHORITY - PSEUDO_METHOD];
    const end = this.at + HOST.length + length + 2;
    if (end > this.limit) return this.refuse(decoder, ERR_HEAD_TOO_LARGE);
    let at = emitFragment(this.out, this.at, HOST);
    head.authority = at;
    at = emitBytes(this.out, at, PSEUDO, valueAt, length);
    this.out[at] = CR;
    this.out[at + 1] = LF;
    if (!this.setAuthority(length)) return this.fail(decoder, FAULT_STREAM_AUTHORITY);
    return this.keep(decoder, F_HOST, HOST.length - 2, length, end);
  }

  private setAuthority(length: number): boolean {
    const { head } = this;
    head.hostField = head.fieldCount;
    head.host = head.authority;
    head.authorityLength = length;
    head.hostLength = hostLengthOf(this.out, head.authority, length);
    return head.hostLength > 0;
  }

  /** The field that was decoded into PSEUDO, to find that it is none. */
  private takeFirst(decoder: HpackDecoder, limits: HeadLimits, from: number): boolean {
    const length = decoder.end - from;
    if (this.at + length > this.limit) return this.refuse(decoder, ERR_HEAD_TOO_LARGE);
    decoder.end = emitBytes(this.out, this.at, PSEUDO, from, length);
    return this.take(decoder, limits);
  }

  protected takes(kind: number, end: number): boolean {
    if (kind >= PSEUDO_METHOD) return this.lose(FAULT_STREAM_PSEUDO_ORDER);
    if (kind === F_HOST) return this.takesHost(end);
    if (this.hasProtocol && this.isKey(end)) return false;
    if (kind === F_EXPECT) this.readExpect(end);
    return true;
  }

  /** A key of the client's own, which means nothing here (RFC 8441 section 5). */
  private isKey(end: number): boolean {
    const length = KEY_NAME.length;
    return (
      end - this.at > length &&
      this.out[this.at + length] === COLON &&
      equalsIgnoringCase(this.out, this.at, length, KEY_NAME)
    );
  }

  /** Host is kept where there is no authority; otherwise it must be the same (section 8.3.1). */
  private takesHost(end: number): boolean {
    const { head } = this;
    if (this.hasHost) return this.lose(FAULT_STREAM_HOST);
    this.hasHost = true;
    const at = this.at + HOST.length;
    const length = end - 2 - at;
    if ((this.seen & AUTHORITY_BIT) === 0) {
      head.authority = at;
      return this.setAuthority(length) || this.lose(FAULT_STREAM_AUTHORITY);
    }
    return !this.isAuthority(at, length) && this.lose(FAULT_STREAM_HOST);
  }

  /** Whether this is `:authority` when both are normalized: names in any case, the port of the scheme said or not. */
  private isAuthority(at: number, length: number): boolean {
    const { head, out } = this;
    const hostLength = hostLengthOf(out, at, length);
    if (hostLength !== head.hostLength) return false;
    for (let i = 0; i < hostLength; i++) if (LOWER[out[at + i]] !== LOWER[out[head.host + i]]) return false;
    const usual = this.valueLength[PSEUDO_SCHEME - PSEUDO_METHOD] === HTTPS.length ? HTTPS_PORT : HTTP_PORT;
    const portEnd = head.authority + head.authorityLength;
    return portOf(out, at + hostLength, at + length, usual) === portOf(out, head.host + hostLength, portEnd, usual);
  }

  private readExpect(end: number): void {
    const { out } = this;
    const at = this.at + 'expect: '.length;
    if (equalsIgnoringCase(out, at, end - 2 - at, CONTINUE)) this.head.expectsContinue = true;
  }

  /** What the fields say of the message. */
  private readMeaning(endsStream: boolean): boolean {
    const { head } = this;
    if (head.hostField < 0) return this.lose(FAULT_STREAM_AUTHORITY);
    if (!this.readLength(endsStream)) return false;
    if (this.hasProtocol) {
      head.hasUpgrade = true;
      head.body = BODY_NONE;
      return head.contentLength <= 0 || this.lose(FAULT_STREAM_CONTENT_LENGTH);
    }
    return !endsStream || head.contentLength <= 0 || this.lose(FAULT_STREAM_CONTENT_LENGTH);
  }
}

/** A token without small letters, as in HTTP/1. */
function isMethod(at: number, length: number): boolean {
  for (let i = at; i < at + length; i++) {
    const byte = PSEUDO[i];
    if (TOKEN_LOWER[byte] === 0 || (byte >= 0x61 && byte <= 0x7a)) return false;
  }
  return length > 0;
}

function isScheme(at: number, length: number): boolean {
  return equalsIgnoringCase(PSEUDO, at, length, HTTPS) || equalsIgnoringCase(PSEUDO, at, length, HTTP);
}

/** The number behind a colon, or the usual one. */
function portOf(bytes: Uint8Array, at: number, end: number, usual: number): number {
  let port = 0;
  for (let i = at + 1; i < end; i++) port = port * 10 + bytes[i] - 0x30;
  return at + 1 < end ? port : usual;
}

/** Where the query of a path begins, or its end; -1: it is no path. */
function queryOf(at: number, length: number, isOptions: boolean): number {
  const end = at + length;
  if (length === 0) return -1;
  if (PSEUDO[at] !== SLASH) return isOptions && length === 1 && PSEUDO[at] === ASTERISK ? end : -1;
  let i = at;
  while (i < end && TARGET_CLASS[PSEUDO[i]] === 1) i++;
  const query = i;
  if (i < end && PSEUDO[i] !== QUESTION) return -1;
  while (i < end && TARGET_CLASS[PSEUDO[i]] !== 0) i++;
  return i === end ? query : -1;
}
