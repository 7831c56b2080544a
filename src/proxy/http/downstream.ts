/**
 * A client's connection and the exchange it is in: RFC 9112 from the server's side.
 *
 *   head -> body -> response -> head ...        a request with a body
 *   head -> response -> head ...                without
 *   any of them -> linger -> closed             no further request is wanted: FIN is sent, the rest is read and dropped
 *   response -> tunnel                          101 Switching Protocols: a Relay takes over both sockets
 *
 * One request is worked on at a time; pipelined ones wait in the input. A request is rebuilt into a slot of its own as soon
 * as its head is complete, and kept there until a response begins, so that a try that failed can be repeated on another
 * server if that is safe (`core/retry.ts`).
 */
import { hashWords } from '../../base/hash.ts';
import { SMALL_SLOT_BYTES, LARGE_SLOT_BYTES } from '../../base/limits.ts';
import { PICK_FULL, PICK_TRIED } from '../../core/balance/balancer.ts';
import {
  FAILED_BAD_RESPONSE,
  FAILED_CONNECT,
  FAILED_CONNECT_TIMEOUT,
  FAILED_RESET,
  FAILED_RESPONSE_TIMEOUT,
  FAILED_STATUS,
  SENT_EVERYTHING_KEPT,
  SENT_NOTHING,
  SENT_UNREPEATABLE,
  isIdempotent,
  mayRetry,
} from '../../core/retry.ts';
import { hashKey } from '../../core/route/hash-key.ts';
import { redirectLocation } from '../../core/route/rewrite.ts';
import { ROUTE_ABOVE_ROOT } from '../../core/route/table.ts';
import type { ProxyActionPlan } from '../../config/plan.ts';
import type { Socket, SocketHandler } from '../../port/transport.ts';
import { emitBytes } from '../../wire/http1/emit.ts';
import { ERR_HEAD_TOO_LARGE, httpError } from '../../wire/http1/errors.ts';
import {
  BODY_LENGTH,
  BODY_NONE,
  FIELD_VALUE,
  FIELD_VALUE_LENGTH,
  FIELD_WORDS,
  METHOD_GET,
  METHOD_HEAD,
  METHOD_OTHER,
  type RequestHead,
} from '../../wire/http1/head.ts';
import { parseRequestHead } from '../../wire/http1/request.ts';
import { Relay, type RelayOwner } from '../relay.ts';
import type { Context } from '../context.ts';
import type { Stash } from '../stash.ts';
import { Waiter, type Upstream } from '../upstream.ts';
import type { HeaderEdit } from './header-edit.ts';
import type { HttpListener } from './listener.ts';
import {
  FRAME_AS_IS,
  MessageReader,
  PENDING_ENOUGH,
  READ_BLOCKED,
  READ_DONE,
  READ_MORE,
  READ_NO_MEMORY,
  READ_TOO_LARGE,
  sendHeadAndBody,
} from './message-reader.ts';
import * as own from './own-responses.ts';
import type { ClientAddress } from './request-emitter.ts';
import { CLOSE, PERSIST_EXPLICITLY, PERSIST_SILENTLY, type ResponseEmitter } from './response-emitter.ts';
import type { Route } from './route.ts';
import { UpstreamConnection } from './upstream-connection.ts';

const HEAD = 0;
const BODY = 1;
const RESPONSE = 2;
const LINGER = 3;
const TUNNEL = 4;
const CLOSED = 5;

/** A client that was told to go has this long to close. */
const LINGER_MS = 2000;
/**
 * A client that has sent FIN may be gone or may still read; TCP does not tell. A response that begins within this time is
 * delivered; after it the exchange is given up, as nginx does at once.
 */
const HALF_CLOSED_MS = 1000;

const addressBytes = new Uint8Array(16);
const addressWords = new DataView(addressBytes.buffer);

export class HttpDownstream extends Waiter implements SocketHandler, RelayOwner, ClientAddress {
  readonly socket: Socket;
  private readonly listener: HttpListener;
  private readonly context: Context;
  private readonly reader: MessageReader;
  private state = HEAD;
  private isPumping = false;

  // --- the client ---
  ip0 = 0;
  ip1 = 0;
  ip2 = 0;
  ip3 = 0;
  private hasAddress = false;
  /** Has sent FIN. */
  private hasEnded = false;

  // --- the exchange ---
  method = METHOD_OTHER;
  /** The client's: 10 or 11. */
  version = 11;
  /** The client wants another exchange on this connection, and so do we. */
  isPersistent = true;
  wantsUpgrade = false;
  /** Every byte of the request has been handed to the server's socket, or there is none left to hand over. */
  isRequestComplete = true;
  /** The head of a final response has been sent. */
  private hasResponse = false;
  /** The response's end is the connection's end. */
  private isEndedByClose = false;
  private route: Route | null = null;
  private server: UpstreamConnection | null = null;
  /** Number of the server in use. */
  private picked = -1;
  private tries = 0;
  /** A pooled connection turned out to be dead: the next try makes a new one. */
  private needsFreshConnection = false;
  /** What to answer if no further try is possible. */
  private failure: own.OwnResponse = own.NO_SERVER;
  /** The rebuilt request: head, and the body if it is small. Kept until a response begins. */
  private requestSlot = -1;
  private requestLength = 0;
  /** More of the body than is kept has been sent: the request cannot be repeated. */
  private isRequestSpent = false;

  // --- deadlines besides the one that is armed; 0: none ---
  private exchangeDeadline = 0;
  private queueDeadline = 0;
  private bodyDeadline = 0;
  private halfClosedDeadline = 0;
  /** The client does not take what waits for it. */
  private stallDeadline = 0;

  constructor(listener: HttpListener, socket: Socket) {
    super();
    this.listener = listener;
    this.context = listener.context;
    this.socket = socket;
    this.reader = new MessageReader(listener.context);
    socket.handler = this;
    this.armIdle();
  }

  get responseEmitter(): ResponseEmitter {
    return this.listener.responseEmitter;
  }

  get responseEdit(): HeaderEdit {
    return (this.route as Route).responseEdit;
  }

  // --- events of the socket ---

  handleConnect(): void {
    // accepted, never connected
  }

  handleData(_socket: Socket, slot: number, offset: number, length: number): void {
    if (this.state === LINGER) {
      this.context.arena.release(slot);
      return;
    }
    this.reader.accept(slot, offset, length);
    this.pump();
  }

  handleEnd(): void {
    this.hasEnded = true;
    switch (this.state) {
      case HEAD:
      case LINGER:
        this.linger();
        return;
      case BODY:
        this.abort();
        return;
      case RESPONSE:
        if (this.hasResponse) return;
        this.halfClosedDeadline = this.context.transport.now + HALF_CLOSED_MS;
        this.armEarliest();
        return;
      default:
    }
  }

  handleDrain(): void {
    this.stallDeadline = 0;
    if (this.state === LINGER) this.linger();
    else if (this.server !== null) this.server.pump();
    else if (this.reader.length > 0) this.pump();
  }

  handleClose(): void {
    this.abort();
  }

  override handleExpiry(now: number): void {
    if (isPast(this.stallDeadline, now)) {
      this.abort();
      return;
    }
    switch (this.state) {
      case HEAD:
        if (this.reader.stash === null || this.reader.stash.isEmpty) this.linger();
        else this.refuse(own.HEAD_TIMEOUT);
        return;
      case BODY:
      case RESPONSE:
        if (isPast(this.exchangeDeadline, now)) this.giveUp(own.EXCHANGE_TIMEOUT);
        else if (isPast(this.queueDeadline, now)) this.giveUp(own.QUEUE_TIMEOUT);
        else if (isPast(this.halfClosedDeadline, now) && !this.hasResponse) this.abort();
        else if (this.isBodyLate(now)) this.giveUp(own.BODY_TIMEOUT);
        else this.armEarliest();
        return;
      case LINGER:
        this.close();
        return;
      default:
    }
  }

  private isBodyLate(now: number): boolean {
    if (this.state !== BODY || !isPast(this.bodyDeadline, now)) return false;
    if (this.reader.length === 0) return true;
    // Body is here; it is the server that does not take it, and its own timeout sees to that.
    this.bodyDeadline = now + this.listener.plan.timeouts.bodyMs;
    return false;
  }

  // --- deadlines ---

  private armIdle(): void {
    this.context.timers.arm(this, this.context.transport.now + this.listener.plan.timeouts.idleMs);
  }

  private armEarliest(): void {
    let earliest = Infinity;
    if (this.exchangeDeadline > 0) earliest = this.exchangeDeadline;
    if (this.queueDeadline > 0 && this.queueDeadline < earliest) earliest = this.queueDeadline;
    if (this.halfClosedDeadline > 0 && this.halfClosedDeadline < earliest) earliest = this.halfClosedDeadline;
    if (this.stallDeadline > 0 && this.stallDeadline < earliest) earliest = this.stallDeadline;
    if (this.state === BODY && this.bodyDeadline < earliest) earliest = this.bodyDeadline;
    if (earliest === Infinity) this.deadline = 0;
    else this.context.timers.arm(this, earliest);
  }

  /** The server's side has more for the client than it takes. */
  noteBacklog(): void {
    if (this.stallDeadline !== 0) return;
    this.stallDeadline = this.context.transport.now + this.listener.plan.timeouts.bodyMs;
    this.armEarliest();
  }

  // --- the input ---

  /** Works on what has come in as far as possible; stops reading while something of it has to wait. */
  pump(): void {
    if (this.isPumping) return;
    this.isPumping = true;
    while (this.reader.length > 0 && this.step());
    this.isPumping = false;
    if (this.state >= TUNNEL) return;
    if (this.reader.length > 0) this.socket.pause();
    else this.socket.resume();
  }

  /** False: what is left has to wait. */
  private step(): boolean {
    switch (this.state) {
      case HEAD:
        return this.stepHead();
      case BODY:
        return this.stepBody();
      case LINGER:
        this.reader.consume(this.reader.length);
        return false;
      default:
        return false;
    }
  }

  private stepHead(): boolean {
    if (this.socket.pendingSegments >= PENDING_ENOUGH) return false;
    const { memory, arena, requestHead } = this.context;
    const limits = this.listener.headLimits;
    const reader = this.reader;
    const stash = reader.stash;
    if (stash === null || stash.isEmpty) {
      const end = reader.offset + reader.length;
      const used = parseRequestHead(memory, reader.offset, end, limits, requestHead);
      if (used > 0) {
        this.beginExchange(used, false);
        return true;
      }
      if (used < 0) {
        this.refuseCode(used);
        return true;
      }
      this.context.timers.arm(this, this.context.transport.now + this.listener.plan.timeouts.headMs);
    }
    const filled = reader.fillStash(limits.headBytes);
    if (filled === READ_MORE) return true;
    if (filled !== READ_DONE) {
      this.refuse(own.OUT_OF_MEMORY);
      return true;
    }
    const held = reader.stash as Stash;
    const start = arena.start(held.slot);
    const used = parseRequestHead(memory, start, start + held.length, limits, requestHead);
    if (used > 0) this.beginExchange(used, true);
    else if (used < 0) this.refuseCode(used);
    else if (held.length >= limits.headBytes) this.refuseCode(ERR_HEAD_TOO_LARGE);
    else held.continue();
    return true;
  }

  /** False: blocked. */
  private stepBody(): boolean {
    const server = this.server;
    if (server === null || !server.isReady) return false;
    // The table for trailers is the other direction's, which is not in use at this moment.
    const result = this.reader.relay(server.socket, this.context.responseHead, 0);
    if (result === READ_BLOCKED) return false;
    this.isRequestSpent = true;
    this.bodyDeadline = this.context.transport.now + this.listener.plan.timeouts.bodyMs;
    server.touch();
    if (result === READ_DONE) {
      this.isRequestComplete = true;
      this.state = RESPONSE;
    } else if (result === READ_TOO_LARGE) {
      this.giveUp(own.BODY_TOO_LARGE);
    } else if (result === READ_NO_MEMORY) {
      this.giveUp(own.OUT_OF_MEMORY);
    } else if (result !== READ_MORE) {
      const { status, text } = httpError(result);
      this.giveUp(own.errorResponse(status, text));
    }
    return true;
  }

  // --- the beginning of an exchange ---

  /** A request's head is in `context.requestHead`: in the stash, or in the first `length` bytes of the input. */
  private beginExchange(length: number, isStashed: boolean): void {
    const { context, listener } = this;
    const head = context.requestHead;
    context.row.countRequest();
    this.method = head.method;
    this.version = head.version;
    this.isPersistent = (head.version === 11 ? !head.hasClose : head.hasKeepAlive) && !context.isDraining;
    this.isRequestComplete = head.body === BODY_NONE || (head.body === BODY_LENGTH && head.contentLength === 0);
    this.hasResponse = false;
    this.isEndedByClose = false;
    const index = listener.table.match(context.memory, head);
    if (index < 0) {
      this.answer(index === ROUTE_ABOVE_ROOT ? own.PATH_ABOVE_ROOT : own.NO_ROUTE);
      this.dropHead(length, isStashed);
      return;
    }
    const route = listener.routes[index];
    this.route = route;
    if (route.own !== null) {
      this.answerByRoute(route, head);
      this.dropHead(length, isStashed);
    } else if (head.body === BODY_LENGTH && head.contentLength > listener.plan.limits.bodyBytes) {
      this.answer(own.BODY_TOO_LARGE);
      this.dropHead(length, isStashed);
    } else {
      this.beginProxying(route, head, length, isStashed);
    }
  }

  private dropHead(length: number, isStashed: boolean): void {
    if (this.state === LINGER || this.state === CLOSED) return; // which has dropped all input
    if (isStashed) (this.reader.stash as Stash).clear(this.context.arena);
    else this.reader.consume(length);
  }

  private beginProxying(route: Route, head: RequestHead, length: number, isStashed: boolean): void {
    const { arena, memory, transport } = this.context;
    const upstream = route.upstream as Upstream;
    this.readAddress();
    this.wantsUpgrade = this.mayUpgrade(head);
    this.key = this.keyFor(upstream, head);
    this.tries = 0;
    this.forgetTried();
    this.needsFreshConnection = false;
    this.isRequestSpent = false;

    const emitter = this.listener.requestEmitter;
    const bound = emitter.bound(head, length, route);
    const slot =
      bound <= SMALL_SLOT_BYTES ? arena.allocateSmall() : bound <= LARGE_SLOT_BYTES ? arena.allocateLarge() : -1;
    if (slot < 0) {
      this.answer(bound > LARGE_SLOT_BYTES ? own.HEAD_GREW_TOO_LARGE : own.OUT_OF_MEMORY);
      this.dropHead(length, isStashed);
      return;
    }
    const start = arena.start(slot);
    this.requestSlot = slot;
    this.requestLength = emitter.emit(head, route, this, this.wantsUpgrade, start) - start;

    const bodyKind = head.body;
    const contentLength = head.contentLength;
    this.dropHead(length, isStashed);
    if (!this.isRequestComplete) this.beginBody(bodyKind, contentLength, memory);
    this.state = this.isRequestComplete ? RESPONSE : BODY;

    const timeoutMs = (route.proxy as ProxyActionPlan).timeoutMs;
    this.exchangeDeadline = timeoutMs === 0 ? 0 : transport.now + timeoutMs;
    this.queueDeadline = 0;
    this.halfClosedDeadline = 0;
    this.bodyDeadline = transport.now + this.listener.plan.timeouts.bodyMs;
    this.armEarliest();
    this.usePicked(upstream.pick(this));
  }

  /** A small body that is here already goes into the head's slot: one send, and it can be repeated. */
  private beginBody(kind: number, contentLength: number, memory: Uint8Array): void {
    const { arena } = this.context;
    const reader = this.reader;
    const at = arena.start(this.requestSlot) + this.requestLength;
    if (kind === BODY_LENGTH && contentLength <= reader.length && at + contentLength <= arena.end(this.requestSlot)) {
      emitBytes(memory, at, memory, reader.offset, contentLength);
      this.requestLength += contentLength;
      reader.consume(contentLength);
      this.isRequestComplete = true;
      return;
    }
    reader.beginBody(kind, contentLength, FRAME_AS_IS, this.listener.plan.limits.bodyBytes);
  }

  /** Upgrade is passed on for a plain GET; h2c never is (RFC 9113 section 3.1 has removed it). */
  private mayUpgrade(head: RequestHead): boolean {
    if (!head.hasUpgrade || head.version !== 11 || head.method !== METHOD_GET || head.body !== BODY_NONE) return false;
    const field = head.upgradeField * FIELD_WORDS;
    return !namesH2c(this.context.memory, head.fields[field + FIELD_VALUE], head.fields[field + FIELD_VALUE_LENGTH]);
  }

  private keyFor(upstream: Upstream, head: RequestHead): number {
    if (upstream.plan.balance === 'source-hash') return hashWords(this.ip0, this.ip1, this.ip2, this.ip3);
    return upstream.plan.hash === null ? 0 : hashKey(this.context.memory, head, upstream.plan.hash);
  }

  private readAddress(): void {
    if (this.hasAddress) return;
    this.hasAddress = true;
    this.socket.remoteAddress(addressBytes, 0);
    this.ip0 = addressWords.getInt32(0);
    this.ip1 = addressWords.getInt32(4);
    this.ip2 = addressWords.getInt32(8);
    this.ip3 = addressWords.getInt32(12);
  }

  // --- tries ---

  override handlePicked(picked: number): void {
    this.queueDeadline = 0;
    this.armEarliest();
    this.usePicked(picked);
    this.pump();
  }

  private usePicked(picked: number): void {
    const upstream = (this.route as Route).upstream as Upstream;
    if (picked < 0) {
      this.handleNoServer(upstream, picked);
      return;
    }
    const server = upstream.servers[picked];
    this.picked = picked;
    this.tries++;
    upstream.take(server);
    const idle = this.needsFreshConnection ? null : server.idle.take();
    if (idle !== null) {
      this.server = idle;
      idle.reuse(this);
      this.sendRequest(idle);
      return;
    }
    this.server = UpstreamConnection.connect(this.context, upstream, server, this);
    if (this.server !== null) return;
    upstream.give(server);
    this.judgeFailure(FAILED_CONNECT, 0, false, SENT_NOTHING);
  }

  private handleNoServer(upstream: Upstream, picked: number): void {
    if (picked === PICK_FULL) {
      if (upstream.enqueue(this)) {
        this.queueDeadline = this.context.transport.now + upstream.plan.timeouts.queueMs;
        this.armEarliest();
      } else {
        this.answer(own.QUEUE_FULL);
      }
    } else {
      this.answer(picked === PICK_TRIED ? this.failure : own.NO_SERVER);
    }
  }

  /** The connection to the server stands. */
  handleServerReady(): void {
    this.sendRequest(this.server as UpstreamConnection);
    this.pump();
  }

  private sendRequest(server: UpstreamConnection): void {
    const { arena } = this.context;
    arena.retain(this.requestSlot);
    const isMoreHere = this.state === BODY && this.reader.length > 0;
    server.socket.send(this.requestSlot, arena.start(this.requestSlot), this.requestLength, isMoreHere);
  }

  /** The try on `connection` failed before a response began: how (FAILED_...), or with which status. */
  handleTryFailed(how: number, status: number, connection: UpstreamConnection): void {
    this.server = null;
    const wasConnecting = how === FAILED_CONNECT || how === FAILED_CONNECT_TIMEOUT;
    const sent = wasConnecting ? SENT_NOTHING : this.isRequestSpent ? SENT_UNREPEATABLE : SENT_EVERYTHING_KEPT;
    const isStale = connection.isReused && !connection.hasResponded && how === FAILED_RESET;
    this.judgeFailure(how, status, isStale, sent);
    this.pump();
  }

  private judgeFailure(how: number, status: number, isStale: boolean, sent: number): void {
    const route = this.route as Route;
    const upstream = route.upstream as Upstream;
    const retry = (route.proxy as ProxyActionPlan).retry;
    this.failure = failureOf(how);
    if (!isStale) this.context.noteFailure(upstream.servers[this.picked].slot, how, status);
    const isRepeatable = mayRetry(retry, isIdempotent(this.method), sent, how, status, isStale, this.tries);
    if (!isRepeatable) {
      this.answer(this.failure);
      return;
    }
    if (isStale) {
      this.needsFreshConnection = true;
      this.tries--;
    } else {
      this.needsFreshConnection = false;
      this.markTried(this.picked);
    }
    this.usePicked(upstream.pick(this));
  }

  // --- the response ---

  /** Whether a response with this status is to be dropped and the request tried elsewhere. */
  retriesStatus(status: number): boolean {
    if (status < 429) return false;
    const { retry } = (this.route as Route).proxy as ProxyActionPlan;
    if (!retry.statuses.includes(status)) return false;
    const sent = this.isRequestSpent ? SENT_UNREPEATABLE : SENT_EVERYTHING_KEPT;
    return mayRetry(retry, isIdempotent(this.method), sent, FAILED_STATUS, status, false, this.tries);
  }

  /** A final response's head is about to be sent. `isEndedByClose`: its end will be the connection's. */
  beginResponse(isEndedByClose: boolean): void {
    this.hasResponse = true;
    this.isEndedByClose = isEndedByClose;
    if (isEndedByClose || this.hasEnded || this.context.isDraining) this.isPersistent = false;
    this.releaseRequest();
  }

  handleResponseComplete(): void {
    this.server = null;
    this.endExchange();
    this.pump();
  }

  /** The server's side ended in the middle of the response. The client must be able to tell. */
  handleResponseBroken(): void {
    this.server = null;
    if (this.isEndedByClose) this.abortWithReset();
    else this.linger();
  }

  /** The response is complete: on to the next request, or no further. */
  private endExchange(): void {
    this.releaseRequest();
    this.route = null;
    if (!this.isPersistent || !this.isRequestComplete || this.hasEnded) {
      this.linger();
      return;
    }
    this.state = HEAD;
    this.armIdle();
  }

  // --- the proxy's own answers ---

  private answerByRoute(route: Route, head: RequestHead): void {
    const response = route.own as own.OwnResponse;
    const { arena, memory, scratchSlot } = this.context;
    let location: Uint8Array = own.NOTHING;
    if (route.action.kind === 'redirect') {
      // Written behind where the response will stand, then copied out: rare enough to allocate.
      const at = arena.start(scratchSlot);
      const end = redirectLocation(route.action, memory, head, memory, at);
      location = own.locationLine(memory.subarray(at, end));
    }
    this.answerWith(response, route.ownContentType, location, route.responseEdit.appendix);
  }

  private answer(response: own.OwnResponse): void {
    this.answerWith(response, own.TEXT_PLAIN, own.NOTHING, own.NOTHING);
  }

  private answerWith(
    response: own.OwnResponse,
    contentType: Uint8Array,
    location: Uint8Array,
    edits: Uint8Array,
  ): void {
    const { arena, scratchSlot } = this.context;
    if (!this.isRequestComplete || this.hasEnded) this.isPersistent = false;
    const connection = this.connectionWord;
    const start = arena.start(scratchSlot);
    const end = this.responseEmitter.emitOwn(
      response,
      contentType,
      location,
      edits,
      this.method === METHOD_HEAD,
      connection,
      start,
    );
    this.hasResponse = true;
    if (!sendHeadAndBody(this.context, this.socket, end - start, -1, 0, 0)) {
      this.abort();
      return;
    }
    this.endExchange();
  }

  /** What a response says about the connection. */
  get connectionWord(): number {
    if (!this.isPersistent) return CLOSE;
    return this.version === 11 ? PERSIST_SILENTLY : PERSIST_EXPLICITLY;
  }

  /** What came is not a request, or not in time: answer, and close. */
  private refuse(response: own.OwnResponse): void {
    this.isPersistent = false;
    this.method = METHOD_OTHER;
    this.answer(response);
  }

  private refuseCode(code: number): void {
    const { status, text } = httpError(code);
    this.refuse(own.errorResponse(status, text));
  }

  /** The exchange cannot go on: the client gets this answer if it can still be given one. */
  private giveUp(response: own.OwnResponse): void {
    this.leaveServer();
    if (this.hasResponse) this.handleResponseBroken();
    else this.answer(response);
    this.pump();
  }

  // --- tunnels ---

  /** The server has switched protocols and the client has been told: both sockets are a relay's from here. */
  beginTunnel(connection: UpstreamConnection, socket: Socket): void {
    const upstream = connection.upstream;
    this.server = connection;
    this.state = TUNNEL;
    this.releaseRequest();
    this.context.timers.remove(this);
    this.listener.forget(this);
    const reader = this.reader;
    if (reader.length > 0) reader.sendAll(socket);
    reader.clear();
    const relay = Relay.join(this.context, this.socket, socket, upstream.plan.timeouts.tunnelMs, this);
    if (this.hasEnded) relay.endDownstream();
  }

  handleRelayEnd(): void {
    const connection = this.server as UpstreamConnection;
    this.server = null;
    this.state = CLOSED;
    this.listener.release();
    connection.upstream.give(connection.server);
  }

  // --- ends ---

  /** No kept-alive connection stays: called once, when the proxy is to end. */
  drain(): void {
    if (this.state === HEAD && (this.reader.stash === null || this.reader.stash.isEmpty)) this.linger();
    else this.isPersistent = false;
  }

  /** Nothing more is wanted of this client: sends FIN behind what is queued, and closes when the client has closed. */
  private linger(): void {
    this.releaseRequest();
    if (this.state !== LINGER) {
      this.state = LINGER;
      this.reader.clear();
      this.socket.end();
      this.socket.resume();
    }
    const isFlushed = this.socket.pendingSegments === 0;
    if (isFlushed && this.hasEnded) {
      this.close();
      return;
    }
    const { now } = this.context.transport;
    this.context.timers.arm(this, now + (isFlushed ? LINGER_MS : this.listener.plan.timeouts.bodyMs));
  }

  /** The client is gone. */
  private abort(): void {
    this.leaveServer();
    this.close();
  }

  private abortWithReset(): void {
    this.socket.reset();
    this.close();
  }

  /** Gives up the try that is under way, or the place in the queue. */
  private leaveServer(): void {
    if (this.isQueued) ((this.route as Route).upstream as Upstream).dequeue(this);
    const server = this.server;
    this.server = null;
    if (server !== null) server.abandon();
  }

  private releaseRequest(): void {
    if (this.requestSlot < 0) return;
    this.context.arena.release(this.requestSlot);
    this.requestSlot = -1;
  }

  private close(): void {
    if (this.state === CLOSED) return;
    this.state = CLOSED;
    this.releaseRequest();
    this.reader.clear();
    this.context.timers.remove(this);
    this.socket.close();
    this.listener.forget(this);
    this.listener.release();
  }
}

function isPast(deadline: number, now: number): boolean {
  return deadline !== 0 && now >= deadline;
}

/** Whether an Upgrade field's value has `h2c` in it, in any case. */
function namesH2c(bytes: Uint8Array, at: number, length: number): boolean {
  for (let i = at; i + 3 <= at + length; i++) {
    if ((bytes[i] | 32) === 104 && bytes[i + 1] === 50 && (bytes[i + 2] | 32) === 99) return true;
  }
  return false;
}

function failureOf(how: number): own.OwnResponse {
  switch (how) {
    case FAILED_CONNECT:
      return own.CONNECT_FAILED;
    case FAILED_CONNECT_TIMEOUT:
      return own.CONNECT_TIMEOUT;
    case FAILED_RESPONSE_TIMEOUT:
      return own.SERVER_TIMEOUT;
    case FAILED_BAD_RESPONSE:
      return own.SERVER_INVALID;
    default:
      return own.SERVER_RESET;
  }
}
