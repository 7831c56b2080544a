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
import { answerKind } from '../../core/answers/kinds.ts';
import { endedByAnswer, SERVER_LEFT, SERVER_STALLED } from '../../core/endings.ts';
import {
  type ConnectFailure,
  type Failure,
  FAILED_BAD_RESPONSE,
  FAILED_NO_BUFFER,
  FAILED_RESET,
  FAILED_RESPONSE_TIMEOUT,
  FAILED_STATUS,
  isLocalFailure,
} from '../../core/retry.ts';
import type { Socket, SocketHandler } from '../../port/transport.ts';
import { BODY_LENGTH, BODY_NONE, BODY_UNTIL_CLOSE, type HeadLimits } from '../../wire/http1/head.ts';
import { parseResponseHead, responseBody } from '../../wire/http1/response.ts';
import type { Context } from '../context.ts';
import { Dial, type DialOwner } from '../dial.ts';
import { Expiring } from '../expiring.ts';
import type { ConnectionInfo, PeerAddress } from '../layer.ts';
import type { RelayTimes } from '../relay.ts';
import type { Server } from '../server.ts';
import type { Upstream } from '../upstream.ts';
import type { KeptRequest } from '../http/kept-request.ts';
import type { IdlePool } from '../http/idle-pool.ts';
import { isWorn } from '../http/wear.ts';
import type { PooledSide, ResponseHandler, Tunnel } from '../http/sides.ts';
import {
  HEAD_MORE,
  HEAD_NO_MEMORY,
  MessageReader,
  READ_BLOCKED,
  READ_DONE,
  READ_MORE,
  READ_NO_MEMORY,
} from './message-reader.ts';
import { FRAME_AS_IS, MessageWriter } from './message-writer.ts';

const CONNECTING = 0;
const HEAD = 1;
const BODY = 2;
const REST = 3;
const IDLE = 4;
const CLOSED = 5;
type State = 0 | 1 | 2 | 3 | 4 | 5;

/** What a server may send: the proxy's own bounds, since the operator's are for clients. */
const RESPONSE_LIMITS: HeadLimits = { headBytes: HEAD_BYTES_MAX, headers: 1000 };

const SWITCHING_PROTOCOLS = 101;
const OUT_OF_MEMORY = endedByAnswer(answerKind('out-of-memory'));
const SERVER_INVALID = endedByAnswer(answerKind('server-invalid'));
/** This and above. */
const SERVER_ERRORS = 500;

export class ServerConnection extends Expiring implements SocketHandler, DialOwner, PooledSide, Tunnel {
  readonly server: Server;
  readonly upstream: Upstream;
  /** Where it rests: the server's when it was begun. */
  private readonly pool: IdlePool;
  private readonly context: Context;
  private readonly reader: MessageReader;
  /** Of requests. */
  readonly sink: MessageWriter;
  private socketOrNull: Socket | null = null;
  /** In CONNECTING. */
  private dial: Dial | null = null;
  private exchange: ResponseHandler | null = null;
  private state: State = CONNECTING;
  /** When this exchange took it. */
  private takenAt = 0;
  /** From then to the head of the response. */
  private answeredMs = 0;
  /** The response is one of the server's failures: 5xx. */
  private isServerError = false;
  /** The response's framing and both sides' words allow another exchange. */
  private isReusable = false;
  /** Carried an exchange before this one: it may have been closed by the server meanwhile. */
  isReused = false;
  /** So many it has carried, that under way included, since then. */
  private requests = 1;
  private readonly begunAt: number;
  /** The connection stood at some time. */
  wasConnected = false;
  /** A byte of a response to this exchange has come in. */
  hasResponded = false;
  /** In the pool: since when, and its neighbours. */
  idleSince = 0;
  newer: PooledSide | null = null;
  older: PooledSide | null = null;

  private constructor(context: Context, upstream: Upstream, server: Server) {
    super();
    this.context = context;
    this.upstream = upstream;
    this.server = server;
    this.pool = server.idle;
    this.begunAt = context.transport.now;
    this.reader = new MessageReader(context);
    this.sink = new MessageWriter(context, null);
  }

  /** Begins a connection for an exchange. Null: no socket could be made. */
  static connect(
    context: Context,
    upstream: Upstream,
    server: Server,
    exchange: ResponseHandler,
  ): ServerConnection | null {
    const connection = new ServerConnection(context, upstream, server);
    connection.takenAt = context.transport.now;
    connection.dial = Dial.begin(context, upstream, server, connection);
    if (connection.dial === null) return null;
    connection.exchange = exchange;
    return connection;
  }

  /** The same over a connection that somebody else has made. */
  static adopt(
    context: Context,
    upstream: Upstream,
    server: Server,
    exchange: ResponseHandler,
    socket: Socket,
  ): ServerConnection {
    const connection = new ServerConnection(context, upstream, server);
    connection.takenAt = context.transport.now;
    connection.exchange = exchange;
    connection.begin(socket);
    return connection;
  }

  private begin(socket: Socket): void {
    this.wasConnected = true;
    this.socketOrNull = socket;
    this.sink.socket = socket;
    socket.handler = this;
    this.beginResponse();
  }

  handleDialed(socket: Socket): void {
    this.dial = null;
    this.begin(socket);
    (this.exchange as ResponseHandler).handleServerReady(this);
  }

  get client(): PeerAddress {
    return (this.exchange as ResponseHandler).clientAddress;
  }

  get clientInfo(): ConnectionInfo | null {
    return (this.exchange as ResponseHandler).clientInfo;
  }

  emitId(into: Uint8Array, at: number): number {
    return (this.exchange as ResponseHandler).emitRequestId(into, at);
  }

  handleDialFailed(how: ConnectFailure): void {
    this.dial = null;
    this.fail(how, 0);
  }

  private get socket(): Socket {
    return this.socketOrNull as Socket;
  }

  get isStanding(): boolean {
    return this.socket.isStanding;
  }

  join(): this {
    return this;
  }

  /** The exchange may send. */
  get isReady(): boolean {
    return this.socketOrNull !== null && this.state >= HEAD && this.state <= REST;
  }

  /** A connection from the pool begins another exchange. */
  reuse(exchange: ResponseHandler): void {
    this.exchange = exchange;
    this.isReused = true;
    this.requests++;
    this.takenAt = this.context.transport.now;
    this.beginResponse();
  }

  sendRequest(request: KeptRequest, hasBodyWaiting: boolean): void {
    const { context, socket } = this;
    context.arena.retain(request.slot);
    // with what is pending already, a PROXY header, the body may have to wait
    const isBodyNext = hasBodyWaiting && socket.pendingSegments + 1 < context.segmentsEnough;
    socket.send(request.slot, request.start, request.length, isBodyNext);
    this.sink.begin(0, FRAME_AS_IS);
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
    // it is connected
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
          if (this.reader.finishUntilClose((this.exchange as ResponseHandler).responseSink)) this.finish();
          else this.breakOff(OUT_OF_MEMORY);
        } else {
          this.breakOff(SERVER_LEFT);
        }
        return;
      case HEAD:
        this.fail(FAILED_RESET, 0);
        return;
      case REST:
        this.refuseRest();
        return;
      case CONNECTING:
      case CLOSED:
    }
  }

  handleDrain(): void {
    const { exchange } = this;
    if (exchange === null) return;
    this.touch();
    if (this.state === REST && exchange.isRequestComplete) this.finishExchange();
    else exchange.pumpRequest();
  }

  handleClose(): void {
    this.socketOrNull = null;
    switch (this.state) {
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
      case CONNECTING:
      case CLOSED:
    }
  }

  private endBroken(): void {
    if (this.state === HEAD) this.fail(FAILED_RESET, 0);
    else this.breakOff(SERVER_LEFT);
  }

  override handleExpiry(): void {
    switch (this.state) {
      case HEAD:
        if (this.isClientsTurn) this.touch();
        else this.fail(FAILED_RESPONSE_TIMEOUT, 0);
        return;
      case BODY:
        if (this.isClientsTurn) this.touch();
        else this.breakOff(SERVER_STALLED);
        return;
      case REST:
        if (this.isClientsTurn) this.touch();
        else this.refuseRest();
        return;
      case CONNECTING:
      case IDLE:
      case CLOSED:
    }
  }

  /** The silence is not the server's: the client owes more of the request, or does not take the response. */
  private get isClientsTurn(): boolean {
    if (this.reader.length > 0 || this.isClientFull) return true;
    return !(this.exchange as ResponseHandler).isRequestComplete && this.socket.pendingSegments === 0;
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
    const reads = this.reader.regulate(this.socketOrNull, this.isClientFull);
    if (!reads && this.reader.length === 0) (this.exchange as ResponseHandler).noteBacklog();
  }

  /** Memory is tight, and the client has to take what it was sent before more of the response is received for it. */
  private get isClientFull(): boolean {
    if (this.context.arena.pressure === PLENTY || this.state !== BODY) return false;
    return (this.exchange as ResponseHandler).responseSink.isFull;
  }

  /** False: blocked. */
  private stepHead(): boolean {
    const exchange = this.exchange as ResponseHandler;
    if (exchange.responseSink.isFull) {
      exchange.noteBacklog();
      return false;
    }
    const read = this.reader.readHead(parseResponseHead, RESPONSE_LIMITS, this.context.responseHead);
    if (read > 0) this.takeHead();
    else if (read === HEAD_NO_MEMORY) this.fail(FAILED_NO_BUFFER, 0);
    else if (read !== HEAD_MORE) this.fail(FAILED_BAD_RESPONSE, 0);
    return true;
  }

  /** A head is in `context.responseHead`. */
  private takeHead(): void {
    const { status } = this.context.responseHead;
    if (status === SWITCHING_PROTOCOLS) this.switchProtocols();
    else if (status < 200) this.passInterim();
    else this.passFinal();
  }

  private passInterim(): void {
    const isSent = (this.exchange as ResponseHandler).passInterim(this.context.responseHead);
    this.reader.dropHead();
    if (!isSent) this.fail(FAILED_NO_BUFFER, 0);
  }

  private switchProtocols(): void {
    const { responseHead: head } = this.context;
    const exchange = this.exchange as ResponseHandler;
    if (this.socketOrNull === null || !exchange.mayChange(head)) {
      this.fail(FAILED_BAD_RESPONSE, 0);
      return;
    }
    // From the instant in which the client knows, both are a stream's.
    this.socket.resetIfKilled();
    if (!exchange.passSwitching(head)) {
      this.fail(FAILED_NO_BUFFER, 0);
      return;
    }
    this.reader.dropHead();
    // The server's first bytes may have come together with its head.
    if (this.reader.length > 0) this.reader.sendAll(exchange.responseSink);
    const { socket } = this;
    this.forget();
    exchange.beginTunnel(this, socket);
  }

  private passFinal(): void {
    const { responseHead: head } = this.context;
    const exchange = this.exchange as ResponseHandler;
    const reader = this.reader;
    if (exchange.retriesStatus(head.status)) {
      this.fail(FAILED_STATUS, head.status);
      return;
    }
    if (exchange.goesOnBy(head)) {
      this.passOver();
      return;
    }
    this.isServerError = head.status >= SERVER_ERRORS;
    this.answeredMs = this.context.transport.now - this.takenAt;
    const kind = responseBody(head, exchange.method);
    const isPersistent = head.version === 11 ? !head.hasClose : head.hasKeepAlive;
    this.isReusable = isPersistent && kind !== BODY_UNTIL_CLOSE && !exchange.leavesBody;
    if (!exchange.beginResponse(head, kind, this.isReusable)) {
      this.fail(FAILED_BAD_RESPONSE, 0);
      return;
    }
    const { contentLength } = head;
    reader.dropHead();
    const hasMore = reader.length > 0;
    const isEmpty = kind === BODY_NONE || (kind === BODY_LENGTH && contentLength === 0);
    reader.beginBody(kind, contentLength, Infinity);
    const result = this.passFirst(exchange, isEmpty, hasMore);
    if (result !== READ_MORE && result !== READ_DONE && result !== READ_BLOCKED) {
      // Nothing was sent, so the client can still be told what happened.
      this.fail(result === READ_NO_MEMORY ? FAILED_NO_BUFFER : FAILED_BAD_RESPONSE, 0);
      return;
    }
    exchange.noteResponseBegun();
    this.state = BODY;
    this.afterRelay(result);
  }

  /** Hands on the head with what is here of the body. */
  private passFirst({ responseSink }: ResponseHandler, isEmpty: boolean, hasMore: boolean): number {
    if (isEmpty) return this.reader.passEmpty(responseSink);
    if (hasMore) return this.reader.relay(responseSink, this.context.requestHead, null);
    return responseSink.flush() ? READ_MORE : READ_NO_MEMORY;
  }

  /** False: blocked. */
  private stepBody(): boolean {
    const exchange = this.exchange as ResponseHandler;
    const result = this.reader.relay(exchange.responseSink, this.context.requestHead, null);
    if (result === READ_BLOCKED) {
      exchange.noteBacklog();
      return false;
    }
    this.afterRelay(result);
    return true;
  }

  private afterRelay(result: number): void {
    if (result === READ_DONE) this.finish();
    else if (result === READ_NO_MEMORY) this.breakOff(OUT_OF_MEMORY);
    else if (result !== READ_MORE && result !== READ_BLOCKED) this.breakOff(SERVER_INVALID);
  }

  // --- as a tunnel ---

  get times(): RelayTimes {
    const { tunnelMs: idleMs, halfClosedMs } = this.upstream.plan.timeouts;
    return { idleMs, halfClosedMs };
  }

  get retireAt(): number {
    return this.server.retireAt;
  }

  endTunnel(): void {
    this.upstream.give(this.server);
  }

  // --- ends ---

  /** The response is complete and handed on. */
  private finish(): void {
    const exchange = this.exchange as ResponseHandler;
    if (!exchange.wantsRestRead || this.socketOrNull === null || this.reader.length > 0) {
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
    const exchange = this.exchange as ResponseHandler;
    const { wear } = this.upstream.plan;
    const isClean =
      this.isReusable &&
      (wear === undefined || !isWorn(wear, this.requests, this.context.transport.now - this.begunAt)) &&
      this.server.hasRoomForIdle &&
      exchange.isRequestComplete &&
      this.reader.length === 0 &&
      this.socketOrNull !== null &&
      this.socketOrNull.pendingSegments === 0;
    this.exchange = null;
    if (isClean) {
      this.state = IDLE;
      this.deadline = 0;
      this.pool.put(this);
    } else {
      this.close();
    }
    if (this.isServerError) this.giveFailed();
    else this.upstream.giveServed(this.server, this.answeredMs, this.context.transport.now - this.takenAt);
    exchange.handleResponseComplete();
  }

  /** The response is for nobody, and what there may be of its body is not waited for. */
  private passOver(): void {
    const exchange = this.exchange as ResponseHandler;
    this.close();
    const tookMs = this.context.transport.now - this.takenAt;
    this.upstream.giveServed(this.server, tookMs, tookMs);
    exchange.handleGoesOn();
  }

  /** This try failed before a response began: how (FAILED_...), with FAILED_STATUS with which status. */
  private fail(how: Failure, status: number): void {
    const exchange = this.exchange as ResponseHandler;
    this.close();
    if (isLocalFailure(how) || this.isStale(how)) this.upstream.give(this.server);
    else this.giveFailed();
    exchange.handleTryFailed(how, status, this);
  }

  /** A failure that is no more than this: the server had closed the connection while it was idle. */
  isStale(how: Failure): boolean {
    return how === FAILED_RESET && this.isReused && !this.hasResponded;
  }

  private giveFailed(): void {
    this.upstream.giveFailed(this.server, this.context.transport.now - this.takenAt);
  }

  /** The response broke off after its head was passed on, for this reason (core/endings.ts). */
  private breakOff(ending: number): void {
    const exchange = this.exchange as ResponseHandler;
    this.close();
    this.giveFailed();
    exchange.handleResponseBroken(ending);
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
    this.pool.remove(this);
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
    this.sink.socket = null;
    if (this.dial !== null) this.dial.cancel();
    this.dial = null;
    this.context.timers.remove(this);
    this.reader.clear();
  }
}
