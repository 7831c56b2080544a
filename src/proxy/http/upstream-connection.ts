/**
 * One connection to a server: it carries one exchange at a time, and between exchanges rests in its server's pool.
 *
 *   connecting -> head -> body -> idle -> head ...
 *
 * It reads the server's response and passes it to the exchange's client. What becomes of a failed try is the exchange's
 * decision, not this class's.
 */
import { HEAD_BYTES_MAX } from '../../base/limits.ts';
import {
  FAILED_BAD_RESPONSE,
  FAILED_CONNECT,
  FAILED_CONNECT_TIMEOUT,
  FAILED_RESET,
  FAILED_RESPONSE_TIMEOUT,
} from '../../core/retry.ts';
import type { CloseReason, Socket, SocketHandler } from '../../port/transport.ts';
import { BODY_CHUNKED, BODY_LENGTH, BODY_NONE, BODY_UNTIL_CLOSE, type HeadLimits } from '../../wire/http1/head.ts';
import { parseResponseHead, responseBody } from '../../wire/http1/response.ts';
import type { Context } from '../context.ts';
import { Expiring } from '../expiring.ts';
import type { Stash } from '../stash.ts';
import type { Server, Upstream } from '../upstream.ts';
import type { HttpDownstream } from './downstream.ts';
import {
  FRAME_AS_IS,
  FRAME_DECODE,
  FRAME_ENCODE,
  MessageReader,
  PENDING_ENOUGH,
  READ_BLOCKED,
  READ_DONE,
  READ_MORE,
  sendHeadAndBody,
} from './message-reader.ts';

const CONNECTING = 0;
const HEAD = 1;
const BODY = 2;
const IDLE = 3;
const CLOSED = 4;

/** What a server may send: the proxy's own bounds, since the operator's are for clients. */
const RESPONSE_LIMITS: HeadLimits = { headBytes: HEAD_BYTES_MAX, headers: 1000 };

const SWITCHING_PROTOCOLS = 101;
const NO_CONTENT = 204;

export class UpstreamConnection extends Expiring implements SocketHandler {
  readonly server: Server;
  readonly upstream: Upstream;
  private readonly context: Context;
  private readonly reader: MessageReader;
  private socketOrNull: Socket | null = null;
  private exchange: HttpDownstream | null = null;
  private state = CONNECTING;
  /** The response's framing and both sides' words allow another exchange. */
  private isReusable = false;
  /** Carried an exchange before this one: it may have been closed by the server meanwhile. */
  isReused = false;
  /** A byte of a response to this exchange has come in. */
  hasResponded = false;
  /** Neighbours in the pool. */
  newer: UpstreamConnection | null = null;
  older: UpstreamConnection | null = null;

  private constructor(context: Context, upstream: Upstream, server: Server) {
    super();
    this.context = context;
    this.upstream = upstream;
    this.server = server;
    this.reader = new MessageReader(context);
  }

  /** Begins a connection for an exchange. Null: no socket could be made. */
  static connect(
    context: Context,
    upstream: Upstream,
    server: Server,
    exchange: HttpDownstream,
  ): UpstreamConnection | null {
    const connection = new UpstreamConnection(context, upstream, server);
    const socket = context.transport.connect(server.preparedAddress, connection);
    if (socket === null) return null;
    connection.socketOrNull = socket;
    connection.exchange = exchange;
    context.serverConnections.add(connection);
    context.timers.arm(connection, context.transport.now + upstream.plan.timeouts.connectMs);
    return connection;
  }

  get socket(): Socket {
    return this.socketOrNull as Socket;
  }

  /** The exchange may send. */
  get isReady(): boolean {
    return this.state === HEAD || this.state === BODY;
  }

  /** A connection from the pool begins another exchange. */
  reuse(exchange: HttpDownstream): void {
    this.exchange = exchange;
    this.isReused = true;
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
    this.beginResponse();
    (this.exchange as HttpDownstream).handleServerReady();
  }

  handleData(_socket: Socket, slot: number, offset: number, length: number): void {
    if (this.state === IDLE) {
      // Nothing was asked: whatever this is, it must not become the answer to the next request.
      this.context.arena.release(slot);
      this.leavePool();
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
        this.fail(FAILED_RESET);
        return;
      default:
    }
  }

  handleDrain(): void {
    if (this.exchange === null) return;
    this.touch();
    this.exchange.pump();
  }

  handleClose(_socket: Socket, reason: CloseReason): void {
    const wasState = this.state;
    this.socketOrNull = null;
    switch (wasState) {
      case CONNECTING:
        this.fail(reason === 'timeout' ? FAILED_CONNECT_TIMEOUT : FAILED_CONNECT);
        return;
      case HEAD:
        this.fail(FAILED_RESET);
        return;
      case BODY:
        this.breakOff();
        return;
      case IDLE:
        this.leavePool();
        return;
      default:
    }
  }

  override handleExpiry(): void {
    switch (this.state) {
      case CONNECTING:
        this.fail(FAILED_CONNECT_TIMEOUT);
        return;
      case HEAD:
        if (this.isClientsTurn) this.touch();
        else this.fail(FAILED_RESPONSE_TIMEOUT);
        return;
      case BODY:
        if (this.isClientsTurn) this.touch();
        else this.breakOff();
        return;
      case IDLE:
        this.leavePool();
        return;
      default:
    }
  }

  /** The silence is not the server's: the client owes more of the request, or does not take the response. */
  private get isClientsTurn(): boolean {
    if (this.reader.length > 0) return true;
    return !this.downstream.isRequestComplete && this.socket.pendingSegments === 0;
  }

  private get downstream(): HttpDownstream {
    return this.exchange as HttpDownstream;
  }

  // --- the response ---

  /** Works on what has come in as far as the client takes it; otherwise stops reading. */
  pump(): void {
    while (this.reader.length > 0 && this.exchange !== null) {
      const goesOn = this.state === HEAD ? this.stepHead() : this.stepBody();
      if (!goesOn) break;
    }
    if (this.socketOrNull === null) return;
    if (this.reader.length > 0) this.socketOrNull.pause();
    else this.socketOrNull.resume();
  }

  /** False: blocked. */
  private stepHead(): boolean {
    const downstream = this.downstream;
    if (downstream.socket.pendingSegments >= PENDING_ENOUGH) {
      downstream.noteBacklog();
      return false;
    }
    const { memory, arena, responseHead } = this.context;
    const reader = this.reader;
    const stash = reader.stash;
    if (stash === null || stash.isEmpty) {
      const end = reader.offset + reader.length;
      const used = parseResponseHead(memory, reader.offset, end, RESPONSE_LIMITS, responseHead);
      if (used !== 0) {
        if (used > 0) this.takeHead(used, false);
        else this.fail(FAILED_BAD_RESPONSE);
        return true;
      }
    }
    const filled = reader.fillStash(RESPONSE_LIMITS.headBytes);
    if (filled === READ_MORE) return true;
    if (filled !== READ_DONE) {
      this.fail(FAILED_BAD_RESPONSE);
      return true;
    }
    const held = reader.stash as Stash;
    const start = arena.start(held.slot);
    const used = parseResponseHead(memory, start, start + held.length, RESPONSE_LIMITS, responseHead);
    if (used > 0) this.takeHead(used, true);
    else this.fail(FAILED_BAD_RESPONSE);
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
    const downstream = this.downstream;
    const start = arena.start(scratchSlot);
    let isSent = true;
    if (downstream.version === 11) {
      const end = downstream.responseEmitter.emitInterim(responseHead, start);
      isSent = sendHeadAndBody(this.context, downstream.socket, end - start, -1, 0, 0);
    }
    this.dropHead(length, isStashed);
    if (!isSent) this.fail(FAILED_BAD_RESPONSE);
  }

  private switchProtocols(length: number, isStashed: boolean): void {
    const { arena, responseHead, scratchSlot } = this.context;
    const downstream = this.downstream;
    if (!downstream.wantsUpgrade || !responseHead.hasUpgrade) {
      this.fail(FAILED_BAD_RESPONSE);
      return;
    }
    const start = arena.start(scratchSlot);
    const end = downstream.responseEmitter.emitSwitching(responseHead, downstream.responseEdit, start);
    if (!sendHeadAndBody(this.context, downstream.socket, end - start, -1, 0, 0)) {
      this.fail(FAILED_BAD_RESPONSE);
      return;
    }
    this.dropHead(length, isStashed);
    // The server's first bytes may have come together with its head.
    if (this.reader.length > 0) this.reader.sendAll(downstream.socket);
    const socket = this.socket;
    this.forget();
    downstream.beginTunnel(this, socket);
  }

  private passFinal(length: number, isStashed: boolean): void {
    const { arena, responseHead: head, requestHead, scratchSlot } = this.context;
    const downstream = this.downstream;
    const reader = this.reader;
    if (downstream.retriesStatus(head.status)) {
      this.failWith(head.status);
      return;
    }
    const kind = responseBody(head, downstream.method);
    let framing = FRAME_AS_IS;
    let isClosedByEnd = false;
    if (kind === BODY_CHUNKED && downstream.version === 10) {
      framing = FRAME_DECODE;
      isClosedByEnd = true;
    } else if (kind === BODY_UNTIL_CLOSE) {
      if (downstream.version === 11) framing = FRAME_ENCODE;
      else isClosedByEnd = true;
    }
    const isPersistent = head.version === 11 ? !head.hasClose : head.hasKeepAlive;
    this.isReusable = isPersistent && kind !== BODY_UNTIL_CLOSE;
    const keepsLength = kind === BODY_LENGTH || (kind === BODY_NONE && head.status !== NO_CONTENT);
    const isChunked = (kind === BODY_CHUNKED && framing === FRAME_AS_IS) || framing === FRAME_ENCODE;
    downstream.beginResponse(isClosedByEnd);
    const start = arena.start(scratchSlot);
    const end = downstream.responseEmitter.emitFinal(
      head,
      downstream.responseEdit,
      isChunked,
      keepsLength,
      downstream.connectionWord,
      start,
    );
    const headLength = end - start;
    const contentLength = head.contentLength;
    this.state = BODY;
    // The head's bytes are used up, but their slot is still wanted: the body is behind them.
    if (isStashed) (reader.stash as Stash).clear(arena);
    const rest = isStashed ? reader.length : reader.length - length;
    const isEmpty = kind === BODY_NONE || (kind === BODY_LENGTH && contentLength === 0);
    if (isEmpty || rest === 0) {
      if (!sendHeadAndBody(this.context, downstream.socket, headLength, -1, 0, 0)) {
        this.breakOff();
        return;
      }
      if (!isStashed) reader.consume(length);
      if (isEmpty) this.finish();
      else reader.beginBody(kind, contentLength, framing, Infinity);
      return;
    }
    if (!isStashed) reader.consume(length);
    reader.beginBody(kind, contentLength, framing, Infinity);
    this.afterRelay(reader.relay(downstream.socket, requestHead, headLength));
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
    const downstream = this.downstream;
    const isClean =
      this.isReusable &&
      downstream.isRequestComplete &&
      this.reader.length === 0 &&
      this.socketOrNull !== null &&
      this.socketOrNull.pendingSegments === 0;
    this.exchange = null;
    if (isClean) {
      this.state = IDLE;
      this.context.timers.arm(this, this.context.transport.now + this.upstream.plan.timeouts.idleMs);
      this.server.idle.put(this);
    } else {
      this.close();
    }
    this.upstream.give(this.server);
    downstream.handleResponseComplete();
  }

  /** This try failed before a response began. */
  private fail(how: number): void {
    const exchange = this.downstream;
    this.close();
    this.upstream.give(this.server);
    exchange.handleTryFailed(how, 0, this);
  }

  /** The response has a status that the route wants tried again elsewhere. */
  private failWith(status: number): void {
    const exchange = this.downstream;
    this.close();
    this.upstream.give(this.server);
    exchange.handleTryFailed(0, status, this);
  }

  /** The response broke off after its head was passed on. */
  private breakOff(): void {
    const exchange = this.downstream;
    this.close();
    this.upstream.give(this.server);
    exchange.handleResponseBroken();
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

  /** This object is done; the socket is closed or somebody else's. */
  private forget(): void {
    this.state = CLOSED;
    this.exchange = null;
    this.socketOrNull = null;
    this.context.timers.remove(this);
    this.context.serverConnections.delete(this);
    this.reader.clear();
  }
}
