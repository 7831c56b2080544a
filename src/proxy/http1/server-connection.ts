/**
 * One connection to a server: it carries one exchange at a time, and between exchanges rests in its server's pool.
 *
 *   connecting -> head -> body -> idle -> head ...
 *                           body -> rest -> idle      a response before the end of its request, by a server that reads on
 *
 * It reads the server's response and passes it to the exchange's client. What becomes of a failed try is the exchange's
 * decision, not this class's.
 */
import { PLENTY } from '../../base/arena.ts';
import { HEAD_BYTES_MAX } from '../../base/limits.ts';
import {
  FAILED_BAD_RESPONSE,
  FAILED_CONNECT,
  FAILED_CONNECT_TIMEOUT,
  FAILED_NO_BUFFER,
  FAILED_NO_RESOURCE,
  FAILED_RESET,
  FAILED_RESPONSE_TIMEOUT,
  FAILED_STATUS,
  isLocalFailure,
} from '../../core/retry.ts';
import type { CloseReason, Socket, SocketHandler } from '../../port/transport.ts';
import { BODY_CHUNKED, BODY_LENGTH, BODY_NONE, BODY_UNTIL_CLOSE, type HeadLimits } from '../../wire/http1/head.ts';
import { parseResponseHead, responseBody } from '../../wire/http1/response.ts';
import { connectFailure } from '../connect-failure.ts';
import type { Context } from '../context.ts';
import { Expiring } from '../expiring.ts';
import { redialAt } from '../redial.ts';
import type { Stash } from '../stash.ts';
import type { Server, Upstream } from '../upstream.ts';
import type { ClientConnection } from './client-connection.ts';
import type { Exchange } from '../http/exchange.ts';
import {
  FRAME_AS_IS,
  FRAME_DECODE,
  FRAME_ENCODE,
  MessageReader,
  READ_BLOCKED,
  READ_DONE,
  READ_MORE,
  READ_NO_MEMORY,
  sendHeadAndBody,
} from './message-reader.ts';

const CONNECTING = 0;
const HEAD = 1;
const BODY = 2;
const REST = 3;
const IDLE = 4;
const CLOSED = 5;

/** What a server may send: the proxy's own bounds, since the operator's are for clients. */
const RESPONSE_LIMITS: HeadLimits = { headBytes: HEAD_BYTES_MAX, headers: 1000 };

const SWITCHING_PROTOCOLS = 101;
const NO_CONTENT = 204;
/** This and above. */
const SERVER_ERRORS = 500;

export class ServerConnection extends Expiring implements SocketHandler {
  readonly server: Server;
  readonly upstream: Upstream;
  private readonly context: Context;
  private readonly reader: MessageReader;
  private socketOrNull: Socket | null = null;
  private exchange: Exchange | null = null;
  private state = CONNECTING;
  /** When this exchange took it. */
  private takenAt = 0;
  /** The response is one of the server's failures: 5xx. */
  private isServerError = false;
  /** When it has to stand. */
  private connectDeadline = 0;
  /** The response's framing and both sides' words allow another exchange. */
  private isReusable = false;
  /** Carried an exchange before this one: it may have been closed by the server meanwhile. */
  isReused = false;
  /** The connection stood at some time. */
  wasConnected = false;
  /** A byte of a response to this exchange has come in. */
  hasResponded = false;
  /** In the pool: since when, and its neighbours. */
  idleSince = 0;
  newer: ServerConnection | null = null;
  older: ServerConnection | null = null;

  private constructor(context: Context, upstream: Upstream, server: Server) {
    super();
    this.context = context;
    this.upstream = upstream;
    this.server = server;
    this.reader = new MessageReader(context);
  }

  /** Begins a connection for an exchange. Null: no socket could be made. */
  static connect(context: Context, upstream: Upstream, server: Server, exchange: Exchange): ServerConnection | null {
    const connection = new ServerConnection(context, upstream, server);
    connection.takenAt = context.transport.now;
    connection.connectDeadline = connection.takenAt + upstream.plan.timeouts.connectMs;
    if (!connection.dial()) return null;
    connection.exchange = exchange;
    return connection;
  }

  private dial(): boolean {
    const { timers, transport } = this.context;
    this.socketOrNull = transport.connect(this.server.preparedAddress, this);
    if (this.socketOrNull === null) return false;
    timers.arm(this, this.connectDeadline);
    return true;
  }

  get socket(): Socket {
    return this.socketOrNull as Socket;
  }

  /** The exchange may send. */
  get isReady(): boolean {
    return this.socketOrNull !== null && this.state >= HEAD && this.state <= REST;
  }

  /** A connection from the pool begins another exchange. */
  reuse(exchange: Exchange): void {
    this.exchange = exchange;
    this.isReused = true;
    this.takenAt = this.context.transport.now;
    this.beginResponse();
  }

  private beginResponse(): void {
    this.state = HEAD;
    this.hasResponded = false;
    this.touch();
  }

  /** The request or the response moved on. */
  touch(): void {
    this.context.timers.arm(this, this.context.transport.now + this.upstream.plan.timeouts.responseMs);
  }

  // --- events of the socket ---

  handleConnect(): void {
    this.wasConnected = true;
    this.beginResponse();
    (this.exchange as Exchange).handleServerReady();
  }

  handleData(_socket: Socket, slot: number, offset: number, length: number): void {
    if (this.state === IDLE) {
      // Nothing was asked: whatever this is, it must not become the answer to the next request.
      this.context.arena.release(slot);
      this.leavePool();
      return;
    }
    if (this.state === REST) {
      this.context.arena.release(slot);
      this.refuseRest();
      return;
    }
    this.hasResponded = true;
    this.reader.accept(slot, offset, length);
    this.touch();
    this.pump();
  }

  handleEnd(): void {
    switch (this.state) {
      case IDLE:
        this.leavePool();
        return;
      case BODY:
        if (this.reader.endsWithConnection) {
          this.isReusable = false;
          if (this.reader.finishUntilClose(this.downstream.socket)) this.finish();
          else this.breakOff();
        } else {
          this.breakOff();
        }
        return;
      case HEAD:
        this.fail(FAILED_RESET, 0);
        return;
      case REST:
        this.refuseRest();
        return;
      default:
    }
  }

  handleDrain(): void {
    if (this.exchange === null) return;
    this.touch();
    const { downstream } = this;
    if (this.state === REST && downstream.isRequestComplete) this.finishExchange();
    else downstream.pump();
  }

  handleClose(_socket: Socket, reason: CloseReason): void {
    const wasState = this.state;
    this.socketOrNull = null;
    switch (wasState) {
      case CONNECTING:
        this.handleNoConnection(reason);
        return;
      case HEAD:
      case BODY:
        // else when the client has taken what came before
        if (this.reader.length === 0) this.endBroken();
        return;
      case REST:
        this.refuseRest();
        return;
      case IDLE:
        this.leavePool();
        return;
      default:
    }
  }

  private handleNoConnection(reason: CloseReason): void {
    const { timers, transport } = this.context;
    const dialAt = redialAt(reason, transport.now, this.connectDeadline);
    if (dialAt > 0) timers.arm(this, dialAt);
    else this.fail(connectFailure(reason), 0);
  }

  private endBroken(): void {
    if (this.state === HEAD) this.fail(FAILED_RESET, 0);
    else this.breakOff();
  }

  override handleExpiry(now: number): void {
    switch (this.state) {
      case CONNECTING:
        if (now >= this.connectDeadline) this.fail(FAILED_CONNECT_TIMEOUT, 0);
        else if (!this.server.isUsable) this.fail(FAILED_CONNECT, 0);
        else if (!this.dial()) this.fail(FAILED_NO_RESOURCE, 0);
        return;
      case HEAD:
        if (this.isClientsTurn) this.touch();
        else this.fail(FAILED_RESPONSE_TIMEOUT, 0);
        return;
      case BODY:
        if (this.isClientsTurn) this.touch();
        else this.breakOff();
        return;
      case REST:
        if (this.isClientsTurn) this.touch();
        else this.refuseRest();
        return;
      default:
    }
  }

  /** The silence is not the server's: the client owes more of the request, or does not take the response. */
  private get isClientsTurn(): boolean {
    if (this.reader.length > 0 || this.isClientFull) return true;
    return !this.downstream.isRequestComplete && this.socket.pendingSegments === 0;
  }

  private get downstream(): ClientConnection {
    return (this.exchange as Exchange).downstream;
  }

  // --- for the memory guard ---

  /** Whether it keeps a slot of a size that is scarce. */
  get keepsScarce(): boolean {
    return this.reader.keepsScarce || this.socketOrNull?.keepsScarce === true;
  }

  get acknowledgedBytes(): number {
    return this.socketOrNull === null ? 0 : this.socketOrNull.acknowledgedBytes;
  }

  // --- the response ---

  /** Works on what has come in as far as the client takes it; otherwise stops reading. */
  pump(): void {
    while (this.reader.length > 0 && this.exchange !== null) {
      const goesOn = this.state === HEAD ? this.stepHead() : this.stepBody();
      if (!goesOn) break;
    }
    if (this.socketOrNull === null) {
      if (this.exchange !== null && this.state !== CONNECTING && this.reader.length === 0) this.endBroken();
      return;
    }
    if (this.reader.length > 0) {
      this.reader.settle();
      this.socketOrNull.pause();
    } else if (this.isClientFull) {
      this.downstream.noteBacklog();
      this.socketOrNull.pause();
    } else {
      this.socketOrNull.resume();
    }
  }

  /** Memory is tight, and the client has to take what it was sent before more of the response is received for it. */
  private get isClientFull(): boolean {
    if (this.context.arena.pressure === PLENTY || this.state !== BODY) return false;
    return this.downstream.socket.pendingSegments >= this.context.segmentsEnough;
  }

  /** False: blocked. */
  private stepHead(): boolean {
    const downstream = this.downstream;
    if (downstream.socket.pendingSegments >= this.context.segmentsEnough) {
      downstream.noteBacklog();
      return false;
    }
    const { memory, arena, responseHead } = this.context;
    const reader = this.reader;
    if (reader.isBetweenMessages) {
      const end = reader.offset + reader.length;
      const used = parseResponseHead(memory, reader.offset, end, RESPONSE_LIMITS, responseHead);
      if (used !== 0) {
        if (used > 0) this.takeHead(used, false);
        else this.fail(FAILED_BAD_RESPONSE, 0);
        return true;
      }
    }
    const filled = reader.fillStash(RESPONSE_LIMITS.headBytes);
    if (filled === READ_MORE) return true;
    if (filled !== READ_DONE) {
      this.fail(filled === READ_NO_MEMORY ? FAILED_NO_BUFFER : FAILED_BAD_RESPONSE, 0);
      return true;
    }
    const held = reader.stash as Stash;
    const start = arena.start(held.slot);
    const used = parseResponseHead(memory, start, start + held.length, RESPONSE_LIMITS, responseHead);
    if (used > 0) this.takeHead(used, true);
    else this.fail(FAILED_BAD_RESPONSE, 0);
    return true;
  }

  /** A head is in `context.responseHead`: in the stash, or in the first `length` bytes of the input. */
  private takeHead(length: number, isStashed: boolean): void {
    const status = this.context.responseHead.status;
    if (status === SWITCHING_PROTOCOLS) this.switchProtocols(length, isStashed);
    else if (status < 200) this.passInterim(length, isStashed);
    else this.passFinal(length, isStashed);
  }

  private dropHead(length: number, isStashed: boolean): void {
    if (isStashed) (this.reader.stash as Stash).clear(this.context.arena);
    else this.reader.consume(length);
  }

  /** 1xx: RFC 9110 section 15.2. An HTTP/1.0 client must not see it. */
  private passInterim(length: number, isStashed: boolean): void {
    const { arena, responseHead, scratchSlot } = this.context;
    const exchange = this.exchange as Exchange;
    const { listener, socket } = exchange.downstream;
    let isSent = true;
    if (exchange.version === 11) {
      const start = arena.start(scratchSlot);
      const end = listener.responseEmitter.emitInterim(responseHead, start);
      isSent = sendHeadAndBody(this.context, socket, end - start, -1, 0, 0);
    }
    this.dropHead(length, isStashed);
    if (!isSent) this.fail(FAILED_NO_BUFFER, 0);
  }

  private switchProtocols(length: number, isStashed: boolean): void {
    const { arena, responseHead, scratchSlot } = this.context;
    const exchange = this.exchange as Exchange;
    const { downstream } = exchange;
    // What follows of the request would look like the new protocol's bytes, so it must be over (RFC 9110 section 7.8).
    const isAllowed = exchange.wantsUpgrade && responseHead.hasUpgrade && downstream.isRequestComplete;
    if (this.socketOrNull === null || !isAllowed) {
      this.fail(FAILED_BAD_RESPONSE, 0);
      return;
    }
    const start = arena.start(scratchSlot);
    const emitter = downstream.listener.responseEmitter;
    const end = emitter.emitSwitching(responseHead, exchange.route.responseEdit, exchange.responseLines, start);
    if (!sendHeadAndBody(this.context, downstream.socket, end - start, -1, 0, 0)) {
      this.fail(FAILED_NO_BUFFER, 0);
      return;
    }
    this.dropHead(length, isStashed);
    // The server's first bytes may have come together with its head.
    if (this.reader.length > 0) this.reader.sendAll(downstream.socket);
    const { socket } = this;
    this.forget();
    exchange.detachConnection();
    downstream.beginTunnel(this, socket);
  }

  private passFinal(length: number, isStashed: boolean): void {
    const { arena, responseHead: head } = this.context;
    const exchange = this.exchange as Exchange;
    const reader = this.reader;
    if (exchange.retriesStatus(head.status)) {
      this.fail(FAILED_STATUS, head.status);
      return;
    }
    this.isServerError = head.status >= SERVER_ERRORS;
    const kind = responseBody(head, exchange.method);
    const framing = framingFor(kind, exchange.version);
    const isPersistent = head.version === 11 ? !head.hasClose : head.hasKeepAlive;
    this.isReusable = isPersistent && kind !== BODY_UNTIL_CLOSE;
    const headLength = this.emitHead(exchange, kind, framing);
    const { contentLength } = head;
    // The head's bytes are used up from here, but not yet their slot: the body may be behind them.
    if (isStashed) (reader.stash as Stash).clear(arena);
    const hasMore = isStashed ? reader.length > 0 : reader.length > length;
    const isEmpty = kind === BODY_NONE || (kind === BODY_LENGTH && contentLength === 0);
    if (!isStashed) reader.consume(length);
    reader.beginBody(kind, contentLength, framing, Infinity);
    const result =
      isEmpty || !hasMore
        ? this.sendHeadAlone(headLength, isEmpty)
        : reader.relay(exchange.downstream.socket, this.context.requestHead, headLength);
    if (result !== READ_MORE && result !== READ_DONE && result !== READ_BLOCKED) {
      // Nothing was sent, so the client can still be told what happened.
      this.fail(result === READ_NO_MEMORY ? FAILED_NO_BUFFER : FAILED_BAD_RESPONSE, 0);
      return;
    }
    exchange.noteResponseBegun();
    this.state = BODY;
    this.afterRelay(result);
  }

  /** Writes the head for the client into the scratch slot and returns its length. */
  private emitHead(exchange: Exchange, kind: number, framing: number): number {
    const { arena, responseHead: head, scratchSlot } = this.context;
    const { downstream } = exchange;
    const keepsLength = kind === BODY_LENGTH || (kind === BODY_NONE && head.status !== NO_CONTENT);
    const isChunked = framing === FRAME_ENCODE || (kind === BODY_CHUNKED && framing === FRAME_AS_IS);
    downstream.beginResponse(!isChunked && kind !== BODY_LENGTH && kind !== BODY_NONE, this.isReusable);
    const start = arena.start(scratchSlot);
    const edit = exchange.route.responseEdit;
    const lines = exchange.responseLines;
    const word = downstream.connectionWord;
    const emitter = downstream.listener.responseEmitter;
    return emitter.emitFinal(head, edit, lines, isChunked, keepsLength, word, start) - start;
  }

  private sendHeadAlone(headLength: number, isEmpty: boolean): number {
    if (!sendHeadAndBody(this.context, this.downstream.socket, headLength, -1, 0, 0)) return READ_NO_MEMORY;
    if (!isEmpty) return READ_MORE;
    this.reader.endBody();
    return READ_DONE;
  }

  /** False: blocked. */
  private stepBody(): boolean {
    const result = this.reader.relay(this.downstream.socket, this.context.requestHead, 0);
    if (result === READ_BLOCKED) {
      this.downstream.noteBacklog();
      return false;
    }
    this.afterRelay(result);
    return true;
  }

  private afterRelay(result: number): void {
    if (result === READ_DONE) this.finish();
    else if (result !== READ_MORE && result !== READ_BLOCKED) this.breakOff();
  }

  // --- ends ---

  /** The response is complete and handed on. */
  private finish(): void {
    const exchange = this.exchange as Exchange;
    if (!exchange.downstream.wantsRestRead || this.socketOrNull === null || this.reader.length > 0) {
      this.finishExchange();
      return;
    }
    this.state = REST;
    this.touch();
    exchange.handleResponseAhead();
  }

  /** In REST: all of the request was sent. */
  finishRest(): void {
    if (this.socket.pendingSegments === 0) this.finishExchange();
  }

  private finishExchange(): void {
    const exchange = this.exchange as Exchange;
    const isClean =
      this.isReusable &&
      this.server.hasRoomForIdle &&
      exchange.downstream.isRequestComplete &&
      this.reader.length === 0 &&
      this.socketOrNull !== null &&
      this.socketOrNull.pendingSegments === 0;
    this.exchange = null;
    if (isClean) {
      this.state = IDLE;
      this.deadline = 0;
      this.server.idle.put(this);
    } else {
      this.close();
    }
    if (this.isServerError) this.giveFailed();
    else this.upstream.giveServed(this.server, this.context.transport.now - this.takenAt);
    exchange.handleResponseComplete();
  }

  /** This try failed before a response began: how (FAILED_...), with FAILED_STATUS with which status. */
  private fail(how: number, status: number): void {
    const exchange = this.exchange as Exchange;
    this.close();
    if (isLocalFailure(how) || this.isStale(how)) this.upstream.give(this.server);
    else this.giveFailed();
    exchange.handleTryFailed(how, status, this);
  }

  /** A failure that is no more than this: the server had closed the connection while it was idle. */
  isStale(how: number): boolean {
    return how === FAILED_RESET && this.isReused && !this.hasResponded;
  }

  private giveFailed(): void {
    this.upstream.giveFailed(this.server, this.context.transport.now - this.takenAt);
  }

  /** The response broke off after its head was passed on. */
  private breakOff(): void {
    const exchange = this.exchange as Exchange;
    this.close();
    this.giveFailed();
    exchange.handleResponseBroken();
  }

  /** The server has answered and takes no more of the request. */
  private refuseRest(): void {
    this.isReusable = false;
    this.finishExchange();
  }

  /** The exchange gives this try up: the client is gone, or it took too long. */
  abandon(): void {
    this.close();
    this.upstream.give(this.server);
  }

  private leavePool(): void {
    this.server.idle.remove(this);
    this.close();
  }

  /** Ends the connection, whatever it is doing; it must not be in a pool. Idempotent. */
  close(): void {
    if (this.state === CLOSED) return;
    const socket = this.socketOrNull;
    this.forget();
    if (socket !== null) socket.close();
  }

  /** The same for one that is idle, with a reset. */
  reset(): void {
    const { socket } = this;
    this.forget();
    socket.reset();
  }

  /** This object is done; the socket is closed or somebody else's. */
  private forget(): void {
    this.state = CLOSED;
    this.exchange = null;
    this.socketOrNull = null;
    this.context.timers.remove(this);
    this.reader.clear();
  }
}

/** How a body of this kind reaches a client of this version. */
function framingFor(kind: number, version: number): number {
  if (kind === BODY_CHUNKED && version === 10) return FRAME_DECODE;
  if (kind === BODY_UNTIL_CLOSE && version === 11) return FRAME_ENCODE;
  return FRAME_AS_IS;
}
