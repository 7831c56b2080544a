/**
 * One value of a request: where its bytes are. A source never copies what the request has; addresses are written into a
 * scratch of its own. What may be done with the bytes is the template's business: they are a peer's, and not to be trusted.
 */
import { assert } from '../../base/assert.ts';
import { HTTP_DATE_BYTES, ISO_TIME_BYTES, writeHttpDate, writeIsoTime } from '../../base/date-text.ts';
import { HEAD_BYTES_MAX } from '../../base/limits.ts';
import { encodeUtf8 } from '../../base/text.ts';
import { parseProxyTlv, type ProxyTlv } from '../../config/words/proxy-tlv.ts';
import { parseOffset, type SourcePlan } from '../../config/words/template.ts';
import { ascii, LOWER } from '../../wire/http1/classes.ts';
import { FOLDED_NAME } from '../../wire/http1/fields.ts';
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
import { emitIpText, IP_TEXT_BYTES_MAX, IpWords, isNoIp, isV4, readIp, writeIp } from '../../wire/ip-text.ts';
import { findCookie, findField, findParameter, hasLookalike, onlyFieldWithId } from './lookup.ts';
import { DOT, escapedByte, isEscape, NormalPath, pathLength, PERCENT, READ_SLASH } from './path.ts';
import type { Connection, RequestView } from './request-view.ts';
import {
  ARGUMENTS,
  AUTHORITY,
  CAPTURE,
  CLIENT,
  CLIENT_BYTES,
  CONNECTION,
  CONNECTION_REQUESTS,
  CONNECTION_TIME,
  COOKIE,
  DATE,
  DECODED_PATH,
  FORWARDED_FOR,
  HEADER,
  HOST,
  HOSTNAME,
  IN_HEAD,
  ISO_TIME,
  KINDS,
  LOCAL,
  LOCAL_PORT,
  METHOD,
  NAMED_KINDS,
  NORMAL_PATH,
  PAGE_STATUS,
  PARAMETER,
  PARENT_SPAN_ID,
  PATH,
  PEER,
  PEER_PORT,
  PROTOCOL,
  PROXY_AUTHORITY,
  PROXY_CLIENT,
  PROXY_CLIENT_PORT,
  PROXY_LOCAL,
  PROXY_LOCAL_PORT,
  PROXY_TLV,
  PROXY_UNIQUE_ID,
  QUERY,
  QUESTION_MARK,
  REQUEST_ID,
  REQUEST_LINE,
  SCHEME,
  SENDER,
  SENDER_PORT,
  SERVER_BY,
  SERVER_BY_PORT,
  SENT_PATH,
  SENT_QUERY,
  SPAN_ID,
  TIME,
  TLS,
  TLS_CIPHER,
  TLS_CLIENT_CERTIFICATE,
  TLS_CLIENT_DAYS_LEFT,
  TLS_CLIENT_FINGERPRINT,
  TLS_CLIENT_ISSUER,
  TLS_CLIENT_NOT_AFTER,
  TLS_CLIENT_NOT_BEFORE,
  TLS_CLIENT_OLD_FINGERPRINT,
  TLS_CLIENT_OLD_ISSUER,
  TLS_CLIENT_OLD_SUBJECT,
  TLS_CLIENT_PEM,
  TLS_CLIENT_SERIAL,
  TLS_CLIENT_SUBJECT,
  TLS_CLIENT_VERIFIED,
  TLS_GROUP,
  TLS_OFFERED_CIPHERS,
  TLS_OFFERED_GROUPS,
  TLS_PROTOCOL,
  TLS_RESUMED,
  TLS_SERVER_NAME,
  TLS_SESSION,
  TLS_VERSION,
  TRACE_ID,
  TRACE_SAMPLED,
  TRACEPARENT,
  TRACESTATE,
  VARIABLE,
  type Kind,
} from './source-kind.ts';
import { findProxyTlv } from './proxy-tlv.ts';
import { Span } from './span.ts';
import { findTrace } from './trace-values.ts';
import { variableNumber } from './variables.ts';

const DAY_MS = 86_400_000;
const isoTime = new Uint8Array(ISO_TIME_BYTES);
const HTTP = ascii('http');
const HTTPS = ascii('https');
const NOTHING = new Uint8Array(0);
const HTTP_1_0 = ascii('HTTP/1.0');
const HTTP_1_1 = ascii('HTTP/1.1');
const HTTP_2_0 = ascii('HTTP/2.0');
const QUESTION = ascii('?');
const TRACESTATE_NAME = ascii('tracestate');
const address = new Uint8Array(16);
const addressIp = new IpWords();
const lowerHost = new Uint8Array(HEAD_BYTES_MAX);
const decimals = new Uint8Array(20);
const decodedPath = new Uint8Array(HEAD_BYTES_MAX);
const SLASH = ascii('/');
const addressText = new Uint8Array(IP_TEXT_BYTES_MAX);
const path = new NormalPath();
const COMMA = ascii(', ');
const SEMICOLON = ascii('; ');
/** A line of a field is longer than its value and a separator. */
const fieldList = new Uint8Array(HEAD_BYTES_MAX);
const other = new Span();
const forwardedFor = new Uint8Array(HEAD_BYTES_MAX + IP_TEXT_BYTES_MAX);

export class Source {
  readonly kind: Kind;
  private readonly name: Uint8Array;
  /** Of a field: its name in FOLDED_NAME's letters, and what stands between the values of several. */
  private readonly folded: Uint8Array;
  private readonly separator: Uint8Array;
  /** Of a variable or a capture; of a date: milliseconds from now. */
  private readonly number: number;
  private readonly tlv: ProxyTlv | null;
  /** Of a date: as text, and for which second of now. */
  private readonly dateText: Uint8Array;
  private dateSecond = -1;

  private constructor(kind: Kind, name: string) {
    this.kind = kind;
    this.name = encodeUtf8(name);
    this.folded = this.name.map((byte) => FOLDED_NAME[byte]);
    this.separator = name === 'cookie' ? SEMICOLON : COMMA;
    this.number = numberOf(kind, name);
    this.tlv = kind === PROXY_TLV ? parseProxyTlv(name) : null;
    this.dateText = kind === DATE ? new Uint8Array(HTTP_DATE_BYTES) : NOTHING;
  }

  /** The path in the form that routes are matched on: equal for equal paths, however they are spelt. */
  static readonly normalPath = new Source(NORMAL_PATH, '');

  /** The source of a placeholder, or the two of `{uri}`. */
  static allOf(plan: SourcePlan): readonly Source[] {
    return plan.kind === 'uri' ? [new Source(SENT_PATH, ''), new Source(SENT_QUERY, '')] : [Source.of(plan)];
  }

  static of(plan: SourcePlan): Source {
    if (plan.name !== null) {
      // With a target in absolute form HTTP/1.0 needs no Host, and servers go by the target.
      if (plan.kind === 'header' && plan.name.toLowerCase() === 'host') return new Source(AUTHORITY, '');
      return new Source(NAMED_KINDS[plan.kind], plan.kind === 'cookie' ? plan.name : lowerCase(plan.name));
    }
    assert(plan.kind !== 'uri', 'path and query are two values');
    return new Source(KINDS[plan.kind], '');
  }

  /** It is not in the request's head: the view must have been filled. */
  get needsView(): boolean {
    return !IN_HEAD.has(this.kind);
  }

  /**
   * Leaves the value in `span`: of several fields the list that they are, of several cookies or parameters the first. It holds until
   * the next call. False: the request has none, the span is empty.
   */
  find(view: RequestView, span: Span): boolean {
    const { bytes, head } = view;
    switch (this.kind) {
      case CLIENT:
        return findAddress(view.client, span);
      case PEER:
        return findAddress(view.peer, span);
      case HOST:
        return findHost(bytes, head, span);
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
        if (view.requestIdLength === 0) view.identifier?.identify(view);
        return leave(span, view.requestIdBytes, view.requestId, view.requestIdLength);
      case TRACE_ID:
      case SPAN_ID:
      case PARENT_SPAN_ID:
      case TRACE_SAMPLED:
      case TRACEPARENT:
        return findTrace(view, this.kind, span);
      case TRACESTATE:
        return this.findTraceState(view, span);
      case FORWARDED_FOR:
        return findForwardedFor(view, span);
      case HEADER:
        return this.findNamed(view, 0, span) && this.findList(view, this.name, span);
      case COOKIE:
      case PARAMETER:
        return this.findNamed(view, 0, span);
      case VARIABLE:
        return view.variables.find(this.number, view, span);
      case CAPTURE:
        return view.variables.captures.find(this.number, span);
      case SENT_PATH:
        if (!view.isRewritten) return findPath(bytes, head, span);
        return leave(span, bytes, view.sentPath, view.sentPathLength);
      case SENT_QUERY:
        if (!view.isRewritten) return leave(span, bytes, head.query, head.queryLength);
        return leave(span, bytes, view.sentQuery, view.sentQueryLength);
      case DECODED_PATH:
        return findDecodedPath(bytes, head, span);
      case ARGUMENTS:
        return leave(span, bytes, head.query + 1, Math.max(0, head.queryLength - 1));
      case QUESTION_MARK:
        return leave(span, QUESTION, 0, head.queryLength > 1 ? 1 : 0);
      case PEER_PORT:
        return leaveNumber(span, view.connection === null ? 0 : view.connection.remoteAddress(address, 0));
      case SENDER:
        view.connection?.senderAddress(address, 0);
        return leaveAddress(span, view.connection !== null);
      case SENDER_PORT:
        return leaveNumber(span, view.connection === null ? 0 : view.connection.senderAddress(address, 0));
      case LOCAL:
        view.connection?.localAddress(address, 0);
        return leaveAddress(span, view.connection !== null);
      case LOCAL_PORT:
        return leaveNumber(span, view.connection === null ? 0 : view.connection.localAddress(address, 0));
      case PROTOCOL:
        return leave(span, protocolOf(head.version), 0, HTTP_1_0.length);
      case REQUEST_LINE:
        return leave(span, bytes, head.start, head.fieldsStart - 2 - head.start);
      case CONNECTION:
        return leaveNumber(span, view.connection === null ? 0 : view.connection.number);
      case CONNECTION_REQUESTS:
        return leaveNumber(span, view.connection === null ? 0 : view.connection.requests);
      case PAGE_STATUS:
        return leaveNumber(span, view.answerStatus);
      case CONNECTION_TIME:
        return leaveSeconds(span, view.connection === null ? 0 : view.connection.ageMs);
      case CLIENT_BYTES:
        return leaveBytes(span, view.client);
      case TIME:
        return leaveSeconds(span, view.wallClockMs());
      case ISO_TIME:
        writeIsoTime(isoTime, view.wallClockMs());
        return leave(span, isoTime, 0, isoTime.length);
      case HOSTNAME:
        return leave(span, view.hostname, 0, view.hostname.length);
      case SERVER_BY:
        return leave(span, view.serverBy, 0, view.serverBy.length);
      case SERVER_BY_PORT:
        return leave(span, view.serverByPort, 0, view.serverByPort.length);
      case DATE:
        return this.findDate(Math.floor(view.wallClockMs() / 1000), span);
      case PROXY_CLIENT:
      case PROXY_CLIENT_PORT:
      case PROXY_LOCAL:
      case PROXY_LOCAL_PORT:
        return findTold(view.connection?.told ?? null, this.kind, span);
      case PROXY_AUTHORITY:
        return leaveText(span, view.connection?.told?.authority ?? '');
      case PROXY_UNIQUE_ID:
        return leaveText(span, view.connection?.told?.uniqueId ?? '');
      case PROXY_TLV:
        return findProxyTlv(view.connection?.told ?? null, this.tlv as ProxyTlv, span);
      case TLS:
      case TLS_VERSION:
      case TLS_CIPHER:
      case TLS_SERVER_NAME:
      case TLS_GROUP:
      case TLS_OFFERED_CIPHERS:
      case TLS_OFFERED_GROUPS:
      case TLS_PROTOCOL:
      case TLS_SESSION:
      case TLS_RESUMED:
        return findTls(view.connection?.tls ?? null, this.kind, span);
      case TLS_CLIENT_VERIFIED:
      case TLS_CLIENT_SUBJECT:
      case TLS_CLIENT_ISSUER:
      case TLS_CLIENT_SERIAL:
      case TLS_CLIENT_FINGERPRINT:
      case TLS_CLIENT_OLD_FINGERPRINT:
      case TLS_CLIENT_NOT_BEFORE:
      case TLS_CLIENT_NOT_AFTER:
      case TLS_CLIENT_DAYS_LEFT:
      case TLS_CLIENT_CERTIFICATE:
      case TLS_CLIENT_OLD_SUBJECT:
      case TLS_CLIENT_OLD_ISSUER:
      case TLS_CLIENT_PEM:
        return findTlsClient(view, this.kind, span);
      default:
        assert(false, 'a source of no kind');
    }
  }

  /** As `find`, but of several fields too the first: for who asks for the others then. */
  findFirst(view: RequestView, span: Span): boolean {
    return this.kind === HEADER ? this.findNamed(view, 0, span) : this.find(view, span);
  }

  /** The next value of the same name: the one behind that in `span`. */
  findNext(view: RequestView, span: Span): boolean {
    return this.kind >= HEADER && this.findNamed(view, span.end, span);
  }

  /** A field of the request may be this one for some servers and is not for others. */
  isDoubtful({ bytes, head }: RequestView): boolean {
    return this.kind === HEADER && hasLookalike(bytes, head, this.name, this.folded);
  }

  /** Whoever continues a trace hands this on as it came; without a trace that is valid it says nothing (Trace Context, section 3.3). */
  private findTraceState(view: RequestView, span: Span): boolean {
    span.clear();
    if (view.tracer === null || !view.tracer.traceOf(view).hasParent) return false;
    return findField(view.bytes, view.head, TRACESTATE_NAME, 0, span) && this.findList(view, TRACESTATE_NAME, span);
  }

  private findDate(second: number, span: Span): true {
    if (second !== this.dateSecond) {
      writeHttpDate(this.dateText, Math.max(0, second * 1000 + this.number));
      this.dateSecond = second;
    }
    span.set(this.dateText, 0, HTTP_DATE_BYTES);
    return true;
  }

  /** `span` has the first field. If there are others, the list of all: they mean the same (RFC 9110 section 5.3, RFC 9113 section 8.2.3). */
  private findList(view: RequestView, name: Uint8Array, span: Span): true {
    const { bytes, head } = view;
    if (!findField(bytes, head, name, span.end, other)) return true;
    let length = emitBytes(fieldList, 0, bytes, span.at, span.length);
    do {
      length = emitFragment(fieldList, length, this.separator);
      length = emitBytes(fieldList, length, bytes, other.at, other.length);
    } while (findField(bytes, head, name, other.end, other));
    span.set(fieldList, 0, length);
    return true;
  }

  private findNamed({ bytes, head }: RequestView, from: number, span: Span): boolean {
    if (this.kind === HEADER) return findField(bytes, head, this.name, from, span);
    if (this.kind === COOKIE) return findCookie(bytes, head, this.name, from, span);
    return findParameter(bytes, head, this.name, from, span);
  }
}

function numberOf(kind: Kind, name: string): number {
  if (kind === VARIABLE) return variableNumber(name);
  if (kind === CAPTURE) return Number(name);
  return kind === DATE ? (parseOffset(name) as number) : 0;
}

function lowerCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function leave(span: Span, bytes: Uint8Array, at: number, length: number): boolean {
  span.set(bytes, at, length);
  return length > 0;
}

function leaveNumber(span: Span, number: number): boolean {
  let at = decimals.length;
  for (let rest = number; rest > 0 || at === decimals.length; rest = Math.floor(rest / 10)) {
    decimals[--at] = 0x30 + (rest % 10);
  }
  return leave(span, decimals, at, number === 0 ? 0 : decimals.length - at);
}

/** With three decimals. */
function leaveSeconds(span: Span, ms: number): boolean {
  let at = decimals.length;
  let rest = Math.max(0, Math.floor(ms));
  for (let digits = 0; digits < 5 || rest > 0; digits++) {
    if (digits === 3) decimals[--at] = DOT;
    else {
      decimals[--at] = 0x30 + (rest % 10);
      rest = Math.floor(rest / 10);
    }
  }
  return leave(span, decimals, at, decimals.length - at);
}

function leaveBytes(span: Span, ip: IpWords): boolean {
  writeIp(address, 0, ip);
  const isShort = isV4(ip);
  return leave(span, address, isShort ? 12 : 0, isNoIp(ip) ? 0 : isShort ? 4 : 16);
}

/** That in `address`. */
function leaveAddress(span: Span, isKnown: boolean): boolean {
  if (!isKnown) return leave(span, addressText, 0, 0);
  readIp(address, 0, addressIp);
  return findAddress(addressIp, span);
}

function findTold(told: Connection['told'], kind: number, span: Span): boolean {
  const isClient = kind === PROXY_CLIENT || kind === PROXY_CLIENT_PORT;
  const port = isClient ? told?.remoteAddress(address, 0) : told?.localAddress(address, 0);
  if (kind === PROXY_CLIENT || kind === PROXY_LOCAL) return leaveAddress(span, told !== null);
  return leaveNumber(span, port ?? 0);
}

function findTls(tls: Connection['tls'], kind: number, span: Span): boolean {
  if (tls === null) return leave(span, NOTHING, 0, 0);
  switch (kind) {
    case TLS:
      return leaveText(span, 'on');
    case TLS_VERSION:
      return leaveText(span, tls.version);
    case TLS_CIPHER:
      return leaveText(span, tls.cipher);
    case TLS_GROUP:
      return leaveText(span, tls.group);
    case TLS_OFFERED_CIPHERS:
      return leaveText(span, tls.offeredCiphers);
    case TLS_OFFERED_GROUPS:
      return leaveText(span, tls.offeredGroups);
    case TLS_PROTOCOL:
      return leaveText(span, tls.protocol ?? '');
    case TLS_SESSION:
      return leaveText(span, tls.sessionId);
    case TLS_RESUMED:
      return leaveText(span, tls.isResumed ? 'r' : '.');
    default:
      return leaveText(span, tls.serverName);
  }
}

function findTlsClient({ connection, wallClockMs }: RequestView, kind: number, span: Span): boolean {
  const tls = connection === null ? null : connection.tls;
  if (tls === null) return leave(span, NOTHING, 0, 0);
  const { client } = tls;
  if (client === null) return leaveText(span, kind === TLS_CLIENT_VERIFIED ? 'NONE' : '');
  switch (kind) {
    case TLS_CLIENT_VERIFIED:
      return leaveText(span, client.verified);
    case TLS_CLIENT_SUBJECT:
      return leaveText(span, client.subject);
    case TLS_CLIENT_ISSUER:
      return leaveText(span, client.issuer);
    case TLS_CLIENT_SERIAL:
      return leaveText(span, client.serial);
    case TLS_CLIENT_FINGERPRINT:
      return leaveText(span, client.fingerprint);
    case TLS_CLIENT_OLD_FINGERPRINT:
      return leaveText(span, client.oldFingerprint);
    case TLS_CLIENT_NOT_BEFORE:
      return leaveText(span, client.notBefore);
    case TLS_CLIENT_NOT_AFTER:
      return leaveText(span, client.notAfter);
    case TLS_CLIENT_DAYS_LEFT:
      return leaveText(span, daysLeft(client.notAfterMs, wallClockMs()));
    case TLS_CLIENT_OLD_SUBJECT:
      return leaveText(span, client.oldSubject);
    case TLS_CLIENT_OLD_ISSUER:
      return leaveText(span, client.oldIssuer);
    case TLS_CLIENT_PEM:
      return leaveText(span, client.pemLine);
    default:
      return leaveText(span, client.escapedPem);
  }
}

function daysLeft(untilMs: number, nowMs: number): string {
  return String(Math.max(0, Math.floor((untilMs - nowMs) / DAY_MS)));
}

function leaveText(span: Span, text: string): boolean {
  const bytes = encodeUtf8(text);
  return leave(span, bytes, 0, bytes.length);
}

/** Without a single escape: for whoever looks at it, and never for a target. */
function findDecodedPath(bytes: Uint8Array, head: RequestHead, span: Span): boolean {
  if (!path.readFrom(bytes, head, READ_SLASH)) return findPath(bytes, head, span);
  const end = path.at + path.length;
  let first = path.at;
  while (first < end && path.bytes[first] !== PERCENT) first++;
  if (first === end) return leave(span, path.bytes, path.at, path.length);
  let length = 0;
  for (let i = path.at; i < end; i++) {
    if (isEscape(path.bytes, i, end)) {
      decodedPath[length++] = escapedByte(path.bytes, i);
      i += 2;
    } else decodedPath[length++] = path.bytes[i];
  }
  return leave(span, decodedPath, 0, length);
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

/** In lower case: names are compared so (RFC 4343). */
function findHost(bytes: Uint8Array, { host, hostLength }: RequestHead, span: Span): boolean {
  // The dot at its end says that the name is complete (RFC 1034 section 3.1): it is the same name.
  const length = hostLength > 0 && bytes[host + hostLength - 1] === DOT ? hostLength - 1 : hostLength;
  let first = 0;
  while (first < length && LOWER[bytes[host + first]] === bytes[host + first]) first++;
  if (first === length || length > lowerHost.length) return leave(span, bytes, host, length);
  for (let i = 0; i < length; i++) lowerHost[i] = LOWER[bytes[host + i]];
  return leave(span, lowerHost, 0, length);
}

/** An absolute-form target may have no path: it means `/`. */
function findPath(bytes: Uint8Array, head: RequestHead, span: Span): boolean {
  const length = pathLength(head);
  // what is no request has no path either
  return length > 0 ? leave(span, bytes, head.path, length) : leave(span, SLASH, 0, head.methodLength > 0 ? 1 : 0);
}

/** This proxy is spoken to in plain HTTP; whoever ended the TLS in front of it says so. */
function findScheme({ bytes, connection, head, isTrusted }: RequestView, span: Span): boolean {
  const field = isTrusted ? onlyFieldWithId(head, F_X_FORWARDED_PROTO) : -1;
  if (field < 0) {
    const own = connection === null || connection.tls === null ? HTTP : HTTPS;
    return leave(span, own, 0, own.length);
  }
  const word = field * FIELD_WORDS;
  return leave(span, bytes, head.fields[word + FIELD_VALUE], head.fields[word + FIELD_VALUE_LENGTH]);
}

/** As requests over them are logged: all names are equally long. */
function protocolOf(version: number): Uint8Array {
  if (version === 11) return HTTP_1_1;
  return version === 10 ? HTTP_1_0 : HTTP_2_0;
}
