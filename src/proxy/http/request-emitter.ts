/**
 * The head that goes to a server, written from the head that came from the client: RFC 9110 section 7.6 (what a proxy
 * forwards) and RFC 9112. Kept fields are copied in runs; nothing is turned into strings.
 *
 * What a server is told of the client (X-Forwarded-..., X-Request-Id) is this proxy's own, or a trusted proxy's. What a client
 * says of itself in these fields and their like is dropped: docs/headers.md.
 */
import type { BelievedHops } from '../../core/client/forwarded-for.ts';
import { writeOriginForm } from '../../core/route/rewrite.ts';
import { fieldWithId, onlyFieldWithId } from '../../core/value/lookup.ts';
import type { RequestView } from '../../core/value/request-view.ts';
import type { Prng } from '../../base/prng.ts';
import { ascii, emitBytes, emitContentLength, emitCrlf, emitFragment, emitKeptFields } from '../../wire/http1/emit.ts';
import {
  BODY_CHUNKED,
  FIELD_ID,
  FIELD_NAME,
  FIELD_NAME_LENGTH,
  FIELD_VALUE,
  FIELD_VALUE_LENGTH,
  FIELD_WORDS,
  F_EXPECT,
  F_HOST,
  F_X_FORWARDED_FOR,
  F_X_FORWARDED_HOST,
  F_X_FORWARDED_PROTO,
  type RequestHead,
} from '../../wire/http1/head.ts';
import { emitIpText, isNoIp, isSameIp } from '../../wire/ip-text.ts';
import { viaLine } from './client-emitters.ts';
import { emitRequestId, type RequestIds, REQUEST_ID_BYTES_MAX } from './request-id.ts';
import type { Route } from './route.ts';

const HTTP_1_1 = ascii(' HTTP/1.1\r\n');
const HOST = ascii('Host: ');
const X_FORWARDED_FOR = ascii('X-Forwarded-For: ');
const X_FORWARDED_PROTO = ascii('X-Forwarded-Proto: ');
const X_FORWARDED_PROTO_HTTP = ascii('X-Forwarded-Proto: http\r\n');
const X_FORWARDED_PROTO_HTTPS = ascii('X-Forwarded-Proto: https\r\n');
const X_FORWARDED_HOST = ascii('X-Forwarded-Host: ');
const X_REQUEST_ID = ascii('X-Request-Id: ');
const TRANSFER_ENCODING_CHUNKED = ascii('Transfer-Encoding: chunked\r\n');
const CONNECTION_UPGRADE = ascii('Connection: upgrade\r\nUpgrade: ');
const COMMA = ascii(', ');
const HTTP_2 = 20;

/** All that is added at most besides the route's own: names, an IPv6 address, an identifier. */
const ADDED_BYTES_MAX = 320 + REQUEST_ID_BYTES_MAX;

export class RequestEmitter {
  private readonly memory: Uint8Array;
  private readonly prng: Prng;
  private readonly ids: RequestIds;
  private readonly via: Uint8Array;
  /** The same of a request that came over HTTP/2. */
  private readonly via2: Uint8Array;
  /** X-Forwarded-For is passed on from anybody. */
  private readonly appends: boolean;

  /** `via`: how Via names this proxy; null: it does not. */
  constructor(memory: Uint8Array, prng: Prng, ids: RequestIds, via: string | null, appends: boolean) {
    this.ids = ids;
    this.memory = memory;
    this.prng = prng;
    this.via = viaLine('1.1', via);
    this.via2 = viaLine('2.0', via);
    this.appends = appends;
  }

  /** An upper bound for what `emit` will write, to choose a slot by. */
  bound(view: RequestView, headLength: number, route: Route): number {
    const { head } = view;
    const targetGrowth =
      (route.rewrite === null ? 0 : head.targetLength * 2) + (view.isRewritten ? head.targetLength : 0);
    const growth = route.requestGrowthMax + targetGrowth + route.requestEdit.linesBound(view);
    const sent = route.send === null ? 0 : route.send.bound(view);
    return headLength + head.authorityLength * 2 + this.via.length + growth + sent + ADDED_BYTES_MAX;
  }

  /**
   * Writes the head for a server at `at` and returns the offset behind it, or a negative REWRITE_ code. Leaves in the view
   * where the request's identifier stands.
   */
  emit(view: RequestView, hops: BelievedHops, route: Route, isUpgrade: boolean, at: number): number {
    const { memory } = this;
    const { head, isTrusted } = view;
    at = this.emitRequestLine(view, route, at);
    if (at < 0) return at;
    at = this.emitFields(head, route, isTrusted ? route.trustedDropTable : route.requestDropTable, at);
    if (head.isAbsoluteForm && !route.setsHost) {
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
    if (route.addsForwardedFor) at = this.emitForwardedFor(view, hops, at);
    if (route.addsForwardedProto) {
      const field = isTrusted ? onlyFieldWithId(head, F_X_FORWARDED_PROTO) : -1;
      if (field < 0) {
        const isTls = view.connection !== null && view.connection.tls !== null;
        at = emitFragment(memory, at, isTls ? X_FORWARDED_PROTO_HTTPS : X_FORWARDED_PROTO_HTTP);
      } else at = this.emitCopy(X_FORWARDED_PROTO, head, field, at);
    }
    if (route.addsForwardedHost) {
      const field = isTrusted ? onlyFieldWithId(head, F_X_FORWARDED_HOST) : -1;
      if (field >= 0) {
        at = this.emitCopy(X_FORWARDED_HOST, head, field, at);
      } else if (head.authorityLength > 0) {
        at = emitFragment(memory, at, X_FORWARDED_HOST);
        at = emitBytes(memory, at, memory, head.authority, head.authorityLength);
        at = emitCrlf(memory, at);
      }
    }
    if (route.addsRequestId) at = this.emitIdField(view, at);
    if (this.via.length > 0) at = emitFragment(memory, at, head.version === HTTP_2 ? this.via2 : this.via);
    if (head.hasOddLength) at = emitContentLength(memory, at, head.contentLength);
    if (head.body === BODY_CHUNKED) at = emitFragment(memory, at, TRANSFER_ENCODING_CHUNKED);
    if (isUpgrade) at = this.emitCopy(CONNECTION_UPGRADE, head, head.upgradeField, at);
    const { appendix, template } = route.requestEdit;
    at = template === null ? emitFragment(memory, at, appendix) : template.emit(view, memory, at, memory.length);
    return route.send === null ? emitCrlf(memory, at) : route.send.emitEnd(view, memory, at);
  }

  private emitRequestLine(view: RequestView, route: Route, at: number): number {
    const { memory } = this;
    const { head, isPlaced } = view;
    if (route.send === null) at = emitBytes(memory, at, memory, head.start, head.methodLength + 1);
    else at = route.send.emitMethod(view, memory, at);
    // what `bound` has reserved for it
    const end = at + head.targetLength * 3 + route.rewriteGrowthMax;
    if (route.rewrite !== null && isPlaced) at = route.rewrite.write(memory, head, memory, at, end);
    else if (head.isAbsoluteForm) at = writeOriginForm(memory, head, memory, at, end);
    else at = emitBytes(memory, at, memory, head.target, head.targetLength);
    return at < 0 ? at : emitFragment(memory, at, HTTP_1_1);
  }

  private emitFields(head: RequestHead, route: Route, drops: Uint8Array, at: number): number {
    const memory = this.memory;
    if (route.requestEdit.isEmpty && head.version !== 10 && !head.isAbsoluteForm) {
      return emitKeptFields(memory, at, memory, head, drops);
    }
    const fields = head.fields;
    const count = head.fieldCount;
    for (let i = 0; i < count; i++) {
      const field = i * FIELD_WORDS;
      const id = fields[field + FIELD_ID];
      if (drops[id] === 1) continue;
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

  /** One field with all hops that are passed on and this peer: a server that reads only one line must not read a forged one. */
  private emitForwardedFor({ head, peer, client, isTrusted }: RequestView, hops: BelievedHops, at: number): number {
    const memory = this.memory;
    const isUnix = isNoIp(peer);
    let first = -1;
    if (isTrusted) first = hops.field;
    else if (this.appends) first = fieldWithId(head, F_X_FORWARDED_FOR);
    // another field has named the client
    const isNamed = first < 0 && isTrusted && !isSameIp(client, peer);
    if (isUnix && first < 0 && !isNamed) return at;
    at = emitFragment(memory, at, X_FORWARDED_FOR);
    if (isNamed) {
      at = emitIpText(memory, at, client);
      if (!isUnix) at = emitFragment(memory, at, COMMA);
    }
    if (first >= 0) {
      const fields = head.fields;
      for (let i = first; i < head.fieldCount; i++) {
        const field = i * FIELD_WORDS;
        if (fields[field + FIELD_ID] !== F_X_FORWARDED_FOR) continue;
        const value = fields[field + FIELD_VALUE];
        const from = i === first && isTrusted ? hops.at : value;
        if (i !== first) at = emitFragment(memory, at, COMMA);
        at = emitBytes(memory, at, memory, from, value + fields[field + FIELD_VALUE_LENGTH] - from);
      }
      if (!isUnix) at = emitFragment(memory, at, COMMA);
    }
    if (!isUnix) at = emitIpText(memory, at, peer);
    return emitCrlf(memory, at);
  }

  /** A line with the value of this field of the request. */
  private emitCopy(name: Uint8Array, head: RequestHead, index: number, at: number): number {
    const memory = this.memory;
    const field = index * FIELD_WORDS;
    at = emitFragment(memory, at, name);
    at = emitBytes(memory, at, memory, head.fields[field + FIELD_VALUE], head.fields[field + FIELD_VALUE_LENGTH]);
    return emitCrlf(memory, at);
  }

  private emitIdField(view: RequestView, at: number): number {
    const memory = this.memory;
    at = emitFragment(memory, at, X_REQUEST_ID);
    const start = at;
    if (view.requestIdLength > 0 || this.ids.take(view)) {
      at = emitBytes(memory, at, view.requestIdBytes, view.requestId, view.requestIdLength);
    } else at = emitRequestId(memory, at, this.prng);
    view.requestIdBytes = memory;
    view.requestId = start;
    view.requestIdLength = at - start;
    return emitCrlf(memory, at);
  }
}
