/**
 * The head that goes to a server, written from the head that came from the client: RFC 9110 section 7.6 (what a proxy
 * forwards) and RFC 9112. Kept fields are copied in runs; nothing is turned into strings.
 */
import {
  FIELD_ID,
  FIELD_NAME,
  FIELD_NAME_LENGTH,
  FIELD_VALUE,
  FIELD_VALUE_LENGTH,
  FIELD_WORDS,
  BODY_CHUNKED,
  F_EXPECT,
  F_HOST,
  F_X_FORWARDED_FOR,
  F_X_FORWARDED_HOST,
  F_X_FORWARDED_PROTO,
  F_X_REQUEST_ID,
  type RequestHead,
} from '../../wire/http1/head.ts';
import { ascii, droppedIds, emitBytes, emitCrlf, emitFragment, emitKeptFields } from '../../wire/http1/emit.ts';
import { writeOriginForm } from '../../core/route/rewrite.ts';
import type { Prng } from '../../base/prng.ts';
import { HOP_BY_HOP } from './hop-by-hop.ts';
import type { Route } from './route.ts';

const HTTP_1_1 = ascii(' HTTP/1.1\r\n');
const HOST = ascii('Host: ');
const X_FORWARDED_FOR = ascii('X-Forwarded-For: ');
const X_FORWARDED_PROTO_HTTP = ascii('X-Forwarded-Proto: http\r\n');
const X_FORWARDED_HOST = ascii('X-Forwarded-Host: ');
const X_REQUEST_ID = ascii('X-Request-Id: ');
const TRANSFER_ENCODING_CHUNKED = ascii('Transfer-Encoding: chunked\r\n');
const CONNECTION_UPGRADE = ascii('Connection: upgrade\r\nUpgrade: ');
const COMMA = ascii(', ');
const HEX = ascii('0123456789abcdef');

/** All that is added at most besides the route's own: names, an IPv6 address, an identifier. */
const ADDED_BYTES_MAX = 320;

/** The peer of a connection, as the sixteen bytes of an IPv6 address in four words; all zero for a Unix socket. */
export interface ClientAddress {
  readonly ip0: number;
  readonly ip1: number;
  readonly ip2: number;
  readonly ip3: number;
}

/** Fields that are never copied, whatever the route. */
const DROPPED = droppedIds(...HOP_BY_HOP);

/** Which fields a route copies: its own table, made once. */
export function requestDropTable(route: Route): Uint8Array {
  const table = DROPPED.slice();
  if (route.addsForwardedFor) table[F_X_FORWARDED_FOR] = 1;
  if (route.addsForwardedProto) table[F_X_FORWARDED_PROTO] = 1;
  if (route.addsForwardedHost) table[F_X_FORWARDED_HOST] = 1;
  return table;
}

export class RequestEmitter {
  private readonly memory: Uint8Array;
  private readonly prng: Prng;
  private readonly via: Uint8Array;

  /** `via`: a complete Via line, or empty. */
  constructor(memory: Uint8Array, prng: Prng, via: Uint8Array) {
    this.memory = memory;
    this.prng = prng;
    this.via = via;
  }

  /** An upper bound for what `emit` will write, to choose a slot by. */
  bound(head: RequestHead, headLength: number, route: Route): number {
    const targetGrowth = route.rewrite === null ? 0 : head.targetLength * 2;
    const growth = route.requestGrowthMax + targetGrowth;
    return headLength + head.authorityLength * 2 + this.via.length + growth + ADDED_BYTES_MAX;
  }

  /** Writes the head for a server at `at` and returns the offset behind it, or a negative REWRITE_ code. */
  emit(head: RequestHead, route: Route, client: ClientAddress, isUpgrade: boolean, at: number): number {
    const memory = this.memory;
    at = this.emitRequestLine(head, route, at);
    if (at < 0) return at;
    at = this.emitFields(head, route, at);
    if (head.isAbsoluteForm) {
      // RFC 9112 section 3.2.2: the target's authority is the host.
      at = emitFragment(memory, at, HOST);
      at = emitBytes(memory, at, memory, head.authority, head.authorityLength);
      at = emitCrlf(memory, at);
    } else if (head.authorityLength === 0 && !route.setsHost) {
      // HTTP/1.0 may come without Host; HTTP/1.1 may not be sent without.
      at = emitFragment(memory, at, HOST);
      at = emitFragment(memory, at, route.upstreamName);
      at = emitCrlf(memory, at);
    }
    if (route.addsForwardedFor) at = this.emitForwardedFor(head, client, at);
    if (route.addsForwardedProto) at = emitFragment(memory, at, X_FORWARDED_PROTO_HTTP);
    if (route.addsForwardedHost && head.authorityLength > 0) {
      at = emitFragment(memory, at, X_FORWARDED_HOST);
      at = emitBytes(memory, at, memory, head.authority, head.authorityLength);
      at = emitCrlf(memory, at);
    }
    if (route.addsRequestId && (head.seen & (1 << F_X_REQUEST_ID)) === 0) at = this.emitRequestId(at);
    if (this.via.length > 0) at = emitFragment(memory, at, this.via);
    if (head.body === BODY_CHUNKED) at = emitFragment(memory, at, TRANSFER_ENCODING_CHUNKED);
    if (isUpgrade) {
      const field = head.upgradeField * FIELD_WORDS;
      at = emitFragment(memory, at, CONNECTION_UPGRADE);
      at = emitBytes(memory, at, memory, head.fields[field + FIELD_VALUE], head.fields[field + FIELD_VALUE_LENGTH]);
      at = emitCrlf(memory, at);
    }
    at = emitFragment(memory, at, route.requestEdit.appendix);
    return emitCrlf(memory, at);
  }

  private emitRequestLine(head: RequestHead, route: Route, at: number): number {
    const memory = this.memory;
    at = emitBytes(memory, at, memory, head.start, head.methodLength + 1);
    // what `bound` has reserved for it
    const end = at + head.targetLength * 3 + route.rewriteGrowthMax;
    if (route.rewrite !== null) at = route.rewrite.write(memory, head, memory, at, end);
    else if (head.isAbsoluteForm) at = writeOriginForm(memory, head, memory, at, end);
    else at = emitBytes(memory, at, memory, head.target, head.targetLength);
    return at < 0 ? at : emitFragment(memory, at, HTTP_1_1);
  }

  private emitFields(head: RequestHead, route: Route, at: number): number {
    const memory = this.memory;
    if (route.requestEdit.isEmpty && head.version === 11 && !head.isAbsoluteForm) {
      return emitKeptFields(memory, at, memory, head, route.requestDropTable);
    }
    const fields = head.fields;
    const count = head.fieldCount;
    for (let i = 0; i < count; i++) {
      const field = i * FIELD_WORDS;
      const id = fields[field + FIELD_ID];
      if (route.requestDropTable[id] === 1) continue;
      if (id === F_HOST && head.isAbsoluteForm) continue;
      // RFC 9110 section 10.1.1: an expectation in an HTTP/1.0 request is ignored.
      if (id === F_EXPECT && head.version === 10) continue;
      const name = fields[field + FIELD_NAME];
      if (route.requestEdit.drops(memory, name, fields[field + FIELD_NAME_LENGTH])) continue;
      const next = i + 1 < count ? fields[field + FIELD_WORDS + FIELD_NAME] : head.fieldsEnd;
      at = emitBytes(memory, at, memory, name, next - name);
    }
    return at;
  }

  /** One field with all earlier hops and this client: a server that reads only one line must not read a forged one. */
  private emitForwardedFor(head: RequestHead, client: ClientAddress, at: number): number {
    const memory = this.memory;
    const isUnix = (client.ip0 | client.ip1 | client.ip2 | client.ip3) === 0;
    const first = (head.seen & (1 << F_X_FORWARDED_FOR)) === 0 ? -1 : indexOfField(head, F_X_FORWARDED_FOR);
    if (isUnix && first < 0) return at;
    at = emitFragment(memory, at, X_FORWARDED_FOR);
    if (first >= 0) {
      const fields = head.fields;
      let isFirst = true;
      for (let i = first; i < head.fieldCount; i++) {
        const field = i * FIELD_WORDS;
        if (fields[field + FIELD_ID] !== F_X_FORWARDED_FOR) continue;
        if (!isFirst) at = emitFragment(memory, at, COMMA);
        at = emitBytes(memory, at, memory, fields[field + FIELD_VALUE], fields[field + FIELD_VALUE_LENGTH]);
        isFirst = false;
      }
      if (!isUnix) at = emitFragment(memory, at, COMMA);
    }
    if (!isUnix) at = writeAddress(memory, at, client);
    return emitCrlf(memory, at);
  }

  /** 128 random bits. Unique, not secret. */
  private emitRequestId(at: number): number {
    const memory = this.memory;
    at = emitFragment(memory, at, X_REQUEST_ID);
    for (let word = 0; word < 4; word++) {
      const random = this.prng.nextU32();
      for (let shift = 28; shift >= 0; shift -= 4) memory[at++] = HEX[(random >>> shift) & 15];
    }
    return emitCrlf(memory, at);
  }
}

function indexOfField(head: RequestHead, id: number): number {
  const fields = head.fields;
  for (let i = 0, at = FIELD_ID; i < head.fieldCount; i++, at += FIELD_WORDS) {
    if (fields[at] === id) return i;
  }
  return -1;
}

/** Dotted quad for an IPv4-mapped address, else as RFC 5952 recommends. */
export function writeAddress(memory: Uint8Array, at: number, client: ClientAddress): number {
  if (client.ip0 === 0 && client.ip1 === 0 && client.ip2 === 0xffff) {
    const ip = client.ip3;
    at = writeOctet(memory, at, (ip >>> 24) & 255);
    memory[at++] = 46;
    at = writeOctet(memory, at, (ip >>> 16) & 255);
    memory[at++] = 46;
    at = writeOctet(memory, at, (ip >>> 8) & 255);
    memory[at++] = 46;
    return writeOctet(memory, at, ip & 255);
  }
  return writeGroups(memory, at, client);
}

function writeOctet(memory: Uint8Array, at: number, octet: number): number {
  if (octet >= 100) {
    const hundreds = octet >= 200 ? 2 : 1;
    memory[at++] = 48 + hundreds;
    octet -= hundreds * 100;
    memory[at++] = 48 + ((octet / 10) | 0);
  } else if (octet >= 10) {
    memory[at++] = 48 + ((octet / 10) | 0);
  }
  memory[at++] = 48 + (octet % 10);
  return at;
}

/** Lower case, no leading zeros, and the first of the longest runs of two or more zero groups is `::`. */
function writeGroups(memory: Uint8Array, at: number, client: ClientAddress): number {
  let zerosAt = -1;
  let zeros = 1;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groupOf(client, end) === 0) end++;
    if (end - i > zeros) {
      zerosAt = i;
      zeros = end - i;
    }
    if (end > i) i = end;
  }
  for (let i = 0; i < 8; i++) {
    if (i === zerosAt) {
      memory[at++] = 58;
      i += zeros - 1;
      if (i === 7) memory[at++] = 58;
    } else {
      if (i > 0) memory[at++] = 58;
      at = writeGroup(memory, at, groupOf(client, i));
    }
  }
  return at;
}

function groupOf(client: ClientAddress, index: number): number {
  const half = index >> 1;
  const word = half === 0 ? client.ip0 : half === 1 ? client.ip1 : half === 2 ? client.ip2 : client.ip3;
  return (index & 1) === 0 ? word >>> 16 : word & 0xffff;
}

function writeGroup(memory: Uint8Array, at: number, group: number): number {
  if (group > 0xfff) memory[at++] = HEX[group >>> 12];
  if (group > 0xff) memory[at++] = HEX[(group >>> 8) & 15];
  if (group > 0xf) memory[at++] = HEX[(group >>> 4) & 15];
  memory[at++] = HEX[group & 15];
  return at;
}
