/**
 * A stream of a connection to a server, as the server's side of an exchange: one request and its response.
 *
 *   waiting -> head -> body -> over
 *              head -> tunnel -> over             a WebSocket (RFC 8441)
 *                       body -> rest -> over      a response before the end of its request, by a server that reads on
 *
 * `waiting`: its connection does not stand yet, or has taken the stream in for an exchange that has not sent. What becomes of a failed try is
 * the exchange's decision, not this class's.
 */
import { HEAD_BYTES_MAX } from '../../base/limits.ts';
import { answerKind } from '../../core/answers/kinds.ts';
import { endedByAnswer, SERVER_LEFT, SERVER_STALLED } from '../../core/endings.ts';
import type { StreamState } from '../../core/http2/stream-state.ts';
import {
  type Failure,
  FAILED_BAD_RESPONSE,
  FAILED_GRPC_STATUS,
  FAILED_NO_BUFFER,
  FAILED_REFUSED,
  FAILED_RESET,
  FAILED_RESPONSE_TIMEOUT,
  FAILED_SILENT,
  FAILED_STATUS,
  isLocalFailure,
} from '../../core/retry.ts';
import { BODY_NONE, type HeadLimits } from '../../wire/http1/head.ts';
import { responseBody } from '../../wire/http1/response.ts';
import { CANCEL, REFUSED_STREAM } from '../../wire/http2/error-codes.ts';
import type { KeptRequest } from '../http/kept-request.ts';
import type { BodySink, ResponseHandler, ServerSide } from '../http/sides.ts';
import type { Delayed } from '../later.ts';
import type { FrameStream } from './frames.ts';
import { ServerTry } from './server-try.ts';
import { ServerTunnel, switchProtocols } from './server-tunnel.ts';
import { type StreamBelow, StreamSocket } from './stream-socket.ts';
import type { StreamCarrier } from './stream-carrier.ts';
import { StreamWriter, type WriterUser } from './stream-writer.ts';
import { WaitingResponse } from './waiting-response.ts';

const WAITING = 0;
const HEAD = 1;
const BODY = 2;
const REST = 3;
const OVER = 4;
const TUNNEL = 5;
type Phase = 0 | 1 | 2 | 3 | 4 | 5;

/** What a server may send: the proxy's own bounds, since the operator's are for clients. */
export const RESPONSE_LIMITS: HeadLimits = { headBytes: HEAD_BYTES_MAX, headers: 1000 };

const OUT_OF_MEMORY = endedByAnswer(answerKind('out-of-memory'));
const SERVER_INVALID = endedByAnswer(answerKind('server-invalid'));

export class ServerStream
  extends ServerTry<ServerStream>
  implements ServerSide, FrameStream, WriterUser, Delayed, StreamBelow
{
  private exchangeOrNull: ResponseHandler | null;
  private phase: Phase = WAITING;
  private state: StreamState<ServerStream> | null = null;
  private writer: StreamWriter<ServerStream> | null = null;
  /** The connection's list of those that have more to send than the server takes. */
  isBlocked = false;
  /** What a client of HTTP/1 waits for that has asked for a WebSocket. Null: the server was not asked for one. */
  private accept: Uint8Array | null = null;
  /** What the stream has become. */
  private socket: StreamSocket | null = null;

  /** What the client has not taken yet. Null: there was nothing of the kind. */
  private waiting: WaitingResponse | null = null;
  /** The head is in the client's sink, and waits there for what comes next in the same input. */
  private hasHeadInSink = false;
  /** All of the response has come, and its end has not been handed on. */
  private hasEnded = false;
  /** With its trailers, as lines. -1: it has none. */
  private trailerSlot = -1;
  private trailerBytes = 0;
  private isPumping = false;

  constructor(connection: StreamCarrier<ServerStream>, exchange: ResponseHandler | null, isReused: boolean) {
    super(connection, isReused);
    this.exchangeOrNull = exchange;
  }

  get exchange(): ResponseHandler {
    return this.exchangeOrNull as ResponseHandler;
  }

  get sink(): BodySink {
    return this.writer as StreamWriter<ServerStream>;
  }

  /** Not where the connection is lost, and a complete response waits for its client. */
  get isReady(): boolean {
    return this.state !== null && this.phase >= HEAD && this.phase <= REST;
  }

  // --- before the request is sent ---

  reuse(exchange: ResponseHandler): void {
    this.exchangeOrNull = exchange;
  }

  /** It waits for another connection. */
  moveTo(connection: StreamCarrier<ServerStream>): void {
    this.connection = connection;
  }

  /** Its connection stands, and has room. */
  begin(): void {
    this.exchange.handleServerReady(this);
  }

  /** Another one works for its exchange. */
  yield(): ResponseHandler {
    const { exchange } = this;
    this.phase = OVER;
    this.exchangeOrNull = null;
    return exchange;
  }

  /** Its connection does not come about, or has no room: how. */
  handleNoConnection(how: Failure): void {
    this.fail(how, 0);
  }

  sendRequest(request: KeptRequest, _hasBodyWaiting: boolean, isWhole: boolean): void {
    const { connection, context } = this;
    const { blocks, machine, output } = connection;
    const bodyBytes = request.length - request.headLength;
    const isBare = isWhole && bodyBytes === 0;
    const state = connection.openStream(this);
    this.state = state;
    const writer = new StreamWriter(context, machine, output, blocks, state, this);
    this.writer = writer;
    this.phase = HEAD;
    this.noteSent();
    this.touch();
    const { headLength, start } = request;
    const keyAt = this.exchange.wantsUpgrade && machine.peer.takesExtendedConnect ? blocks.findKey(start) : -1;
    let sent: number;
    if (keyAt < 0) sent = blocks.sendRequest(start, headLength, state.id, isBare, connection.isTls);
    else {
      this.accept = blocks.acceptFor(keyAt);
      sent = blocks.sendConnect(start, headLength, state.id, connection.isTls, keyAt);
    }
    if (sent < 0) {
      // the server has never heard of it
      machine.abort(state);
      this.state = null;
      context.later.add(this);
      return;
    }
    if (bodyBytes > 0 && !this.sendKept(request, bodyBytes, isWhole)) {
      context.later.add(this);
      return;
    }
    // what the stream may become goes on
    if (keyAt >= 0) return;
    writer.isEnded ||= isBare;
    if (!writer.isEnded) connection.block(this);
  }

  private sendKept(request: KeptRequest, bodyBytes: number, isWhole: boolean): boolean {
    const { arena } = this.context;
    const writer = this.writer as StreamWriter<ServerStream>;
    arena.retain(request.slot);
    const at = request.start + request.headLength;
    return isWhole ? writer.sendLast(request.slot, at, bodyBytes) : writer.send(request.slot, at, bodyBytes);
  }

  /** There was no slot for the request. */
  handleLater(): void {
    if (this.phase === HEAD) this.fail(FAILED_NO_BUFFER, 0);
  }

  touch(): void {
    this.context.timers.arm(this, this.context.transport.now + this.upstream.plan.timeouts.responseMs);
  }

  // --- the rest of the request ---

  handleWaiting(): void {
    this.connection.block(this);
  }

  resume(): void {
    if (this.phase === TUNNEL) {
      (this.socket as StreamSocket).handleRoom();
      return;
    }
    const writer = this.writer as StreamWriter<ServerStream>;
    const { sentBytes } = writer;
    const hasSent = writer.resume();
    if (writer.sentBytes !== sentBytes) this.touch();
    if (this.phase === REST && writer.isEnded) {
      this.finishExchange();
      return;
    }
    if (hasSent && !writer.isFull && !writer.isEnded && this.exchangeOrNull !== null) this.exchange.pumpRequest();
    if (this.phase !== OVER && !writer.isEnded) this.connection.block(this);
  }

  finishRest(): void {
    if ((this.writer as StreamWriter<ServerStream>).isEnded) this.finishExchange();
  }

  // --- time ---

  override handleExpiry(): void {
    if (this.phase === OVER || this.phase === WAITING) return;
    if (this.isClientsTurn) this.touch();
    else if (this.phase === REST) this.finishExchange();
    else {
      this.connection.noteSilence(this.receivedBefore);
      if (this.phase === HEAD) this.fail(FAILED_RESPONSE_TIMEOUT, 0);
      else this.breakOff(SERVER_STALLED);
    }
  }

  /** The silence is not the server's: the client owes more of the request, or does not take the response. */
  private get isClientsTurn(): boolean {
    if (this.hasWaiting) return true;
    const writer = this.writer as StreamWriter<ServerStream>;
    return !this.exchange.isRequestComplete && !writer.isFull;
  }

  // --- for the memory guard ---

  get keepsScarce(): boolean {
    return this.waiting?.keepsScarce === true || this.writer?.keepsScarce === true;
  }

  get acknowledgedBytes(): number {
    return this.connection.acknowledgedBytes;
  }

  // --- the response ---

  /** Something of the response waits for the client. */
  private get hasWaiting(): boolean {
    return this.hasEnded || (this.waiting !== null && !this.waiting.isEmpty);
  }

  /** The head that is being taken is all of the response: what gRPC calls Trailers-Only. */
  private get isHeadAll(): boolean {
    return this.hasEnded && this.trailerSlot < 0 && (this.waiting === null || this.waiting.isEmpty);
  }

  private keep(): WaitingResponse {
    return (this.waiting ??= new WaitingResponse(this.context.arena));
  }

  /**
   * A head is in `context.responseHead`, whose lines are the first `length` bytes of this slot, which stays the caller's. `isFollowed`: a part of
   * its body comes next.
   */
  handleHead(slot: number, length: number, endsStream: boolean, isFollowed: boolean): void {
    if (this.phase !== HEAD) return;
    this.touch();
    const { exchange } = this;
    if (endsStream) this.hasEnded = true;
    if (!exchange.responseSink.isFull) {
      // an interim one that has waited would come behind this one
      this.waiting?.dropHead();
      this.takeHead(isFollowed);
      return;
    }
    this.keep().keepHead(slot, length);
    exchange.noteBacklog();
  }

  /** A head is in `context.responseHead`, and the client takes it. */
  private takeHead(isFollowed: boolean): void {
    const { responseHead: head } = this.context;
    const { exchange } = this;
    if (head.status < 200) {
      if (!exchange.passInterim(head)) this.fail(FAILED_NO_BUFFER, 0);
      return;
    }
    if (this.accept !== null && head.status < 300) {
      this.change(this.accept);
      return;
    }
    if (exchange.retriesStatus(head.status)) {
      this.fail(FAILED_STATUS, head.status);
      return;
    }
    const grpcStatus = this.isHeadAll ? exchange.retriesCall(head) : 0;
    if (grpcStatus > 0) {
      this.fail(FAILED_GRPC_STATUS, grpcStatus);
      return;
    }
    if (exchange.goesOnBy(head)) {
      this.passOver();
      return;
    }
    this.noteAnswer(head.status);
    const kind = responseBody(head, exchange.method);
    if (!exchange.beginResponse(head, kind, !exchange.leavesBody)) {
      this.fail(FAILED_BAD_RESPONSE, 0);
      return;
    }
    if (isFollowed && kind !== BODY_NONE) {
      this.hasHeadInSink = true;
      return;
    }
    if (!exchange.responseSink.flush()) {
      this.fail(FAILED_NO_BUFFER, 0);
      return;
    }
    this.noteBegun();
    if (exchange.leavesBody && this.exchangeOrNull !== null) this.passEnd(exchange);
    else if (this.hasEnded) this.pump();
  }

  // --- as a tunnel ---

  /** The server speaks WebSocket on this stream from here: it has switched protocols, as the client is told. */
  private change(accept: Uint8Array): void {
    const { context, exchange, server, upstream } = this;
    const failure = switchProtocols(context, exchange, accept);
    if (failure !== 0) {
      this.fail(failure, 0);
      return;
    }
    this.phase = TUNNEL;
    this.exchangeOrNull = null;
    context.timers.remove(this);
    this.socket = new StreamSocket(context, this, this.writer as StreamWriter<ServerStream>);
    if (this.hasEnded) this.socket.receiveEnd();
    exchange.beginTunnel(new ServerTunnel(upstream, server), this.socket);
  }

  awaitRoom(): void {
    if (this.state !== null) this.connection.block(this);
  }

  endTunnelStream(): void {
    this.leave();
  }

  resetTunnelStream(): void {
    this.leave();
  }

  remoteAddress(into: Uint8Array, at: number): number {
    return this.connection.remoteAddress(into, at);
  }

  localAddress(into: Uint8Array, at: number): number {
    return this.connection.localAddress(into, at);
  }

  /** The client has been sent the head. */
  private noteBegun(): void {
    this.hasHeadInSink = false;
    this.phase = BODY;
    this.exchange.noteResponseBegun();
  }

  receive(slot: number, offset: number, length: number): void {
    if (this.phase !== HEAD && this.phase !== BODY) {
      if (this.phase === TUNNEL) (this.socket as StreamSocket).receive(slot, offset, length);
      else this.took(length);
      return;
    }
    this.touch();
    const { exchange } = this;
    const sink = exchange.responseSink;
    const isNext = this.phase === BODY && !this.hasWaiting && !sink.isFull;
    if (!this.hasHeadInSink && !isNext) {
      this.hold(slot, offset, length);
      return;
    }
    const { arena } = this.context;
    arena.retain(slot);
    if (!sink.send(slot, offset, length)) {
      arena.release(slot);
      if (this.hasHeadInSink) this.fail(FAILED_NO_BUFFER, 0);
      else this.breakOff(OUT_OF_MEMORY);
      return;
    }
    if (this.hasHeadInSink) this.noteBegun();
    this.took(length);
  }

  private hold(slot: number, offset: number, length: number): void {
    if (!this.keep().keepBody(slot, offset, length)) {
      if (this.phase === HEAD) this.fail(FAILED_NO_BUFFER, 0);
      else this.breakOff(OUT_OF_MEMORY);
    } else this.exchange.noteBacklog();
  }

  receiveEnd(trailerSlot: number, trailerBytes: number): void {
    this.trailerSlot = trailerSlot;
    this.trailerBytes = trailerBytes;
    if (this.phase !== HEAD && this.phase !== BODY) {
      this.dropTrailers();
      if (this.phase === TUNNEL) (this.socket as StreamSocket).receiveEnd();
      return;
    }
    this.hasEnded = true;
    this.pump();
  }

  /** Hands on what is here as far as the client takes it. */
  pump(): void {
    if (this.isPumping || !this.hasWaiting) return;
    this.isPumping = true;
    while ((this.phase === HEAD || this.phase === BODY) && this.hasWaiting) if (!this.step()) break;
    this.isPumping = false;
  }

  /** False: what is left has to wait. */
  private step(): boolean {
    const { exchange, waiting } = this;
    const sink = exchange.responseSink;
    if (sink.isFull) {
      exchange.noteBacklog();
      return false;
    }
    if (waiting !== null && waiting.hasHead) {
      this.readKept(waiting);
      return true;
    }
    if (this.phase === HEAD) return false;
    if (waiting === null || waiting.isEmpty) return this.passEnd(exchange);
    const length = waiting.sendBody(sink);
    if (length < 0) {
      this.breakOff(OUT_OF_MEMORY);
      return false;
    }
    this.touch();
    this.took(length);
    return true;
  }

  private readKept(waiting: WaitingResponse): void {
    const slot = waiting.readHead(this.context, RESPONSE_LIMITS);
    this.takeHead(false);
    this.context.arena.release(slot);
  }

  /** All of the response has been handed on but its end. False. */
  private passEnd(exchange: ResponseHandler): boolean {
    const { arena } = this.context;
    const sink = exchange.responseSink;
    const hasTrailers = this.trailerSlot >= 0;
    const isSent = !hasTrailers || sink.sendTrailers(arena.start(this.trailerSlot), this.trailerBytes);
    this.dropTrailers();
    if (!isSent || !sink.finish()) {
      this.breakOff(OUT_OF_MEMORY);
      return false;
    }
    this.hasEnded = false;
    const writer = this.writer as StreamWriter<ServerStream>;
    if (writer.isEnded || this.state === null || !exchange.wantsRestRead) {
      this.finishExchange();
      return false;
    }
    this.phase = REST;
    this.touch();
    exchange.handleResponseAhead();
    return false;
  }

  took(bytes: number): void {
    if (this.state !== null) this.connection.take(this.state, bytes);
  }

  private dropTrailers(): void {
    if (this.trailerSlot >= 0) this.context.arena.release(this.trailerSlot);
    this.trailerSlot = -1;
  }

  // --- what the server says of the stream ---

  handleReset(code: number): void {
    this.forgetState();
    if (this.phase === HEAD && !this.hasWaiting) this.fail(failureOf(code), 0);
    else this.loseRest(SERVER_LEFT);
  }

  handleFault(): void {
    this.forgetState();
    if (this.phase === HEAD) this.fail(FAILED_BAD_RESPONSE, 0);
    else if (this.phase === BODY) this.breakOff(SERVER_INVALID);
    else if (this.phase === REST) this.finishExchange();
    else if (this.phase === TUNNEL) this.loseTunnel();
  }

  /** The server goes, and has not worked on it. `isInOrder`: that is no failure. */
  handleRefused(isInOrder: boolean): void {
    this.forgetState();
    this.isLeftOut = isInOrder;
    if (this.phase === HEAD) this.fail(FAILED_REFUSED, 0);
    else this.loseRest(SERVER_LEFT);
  }

  /** The connection is lost. `how`: what that is for who has had no response. */
  handleLost(how: Failure): void {
    this.forgetState();
    if (this.phase === WAITING || (this.phase === HEAD && !this.hasWaiting)) this.fail(how, 0);
    else if (how === FAILED_SILENT) this.loseRest(SERVER_STALLED);
    else this.loseRest(how === FAILED_BAD_RESPONSE ? SERVER_INVALID : SERVER_LEFT);
  }

  /** Nothing more comes. What is complete goes on to the client (RFC 9113 section 8.1). */
  private loseRest(ending: number): void {
    if (this.phase === REST) this.finishExchange();
    else if (this.phase === TUNNEL) this.loseTunnel();
    else if (this.phase === HEAD && !this.hasEnded) this.fail(FAILED_RESET, 0);
    else if (this.phase === BODY && !this.hasEnded) this.breakOff(ending);
  }

  private loseTunnel(): void {
    this.leave();
    (this.socket as StreamSocket).handleReset();
  }

  /** The connection has it no more. */
  private forgetState(): void {
    if (this.state === null) return;
    this.connection.unblock(this);
    this.writer?.clear();
    this.state = null;
  }

  // --- ends ---

  private finishExchange(): void {
    const { exchange } = this;
    this.leave();
    this.giveBack();
    exchange.handleResponseComplete();
  }

  /** The response is for nobody, and what there may be of its body is not waited for. */
  private passOver(): void {
    const { exchange } = this;
    this.leave();
    this.giveServed();
    exchange.handleGoesOn();
  }

  /** This try failed before a response began: how (FAILED_...), with FAILED_STATUS with which status. */
  private fail(how: Failure, status: number): void {
    const { exchange } = this;
    this.leave();
    if (isLocalFailure(how) || this.isStale(how)) this.upstream.give(this.server);
    else this.giveFailed();
    exchange.handleTryFailed(how, status, this);
  }

  /** The response broke off after its head was passed on, for this reason (core/endings.ts). */
  private breakOff(ending: number): void {
    const { exchange } = this;
    this.leave();
    this.giveFailed();
    exchange.handleResponseBroken(ending);
  }

  abandon(): void {
    if (this.phase === OVER) return;
    this.leave();
    this.upstream.give(this.server);
  }

  /** This object is done. */
  private leave(): void {
    const { connection, context, state, writer } = this;
    const wasWaiting = this.phase === WAITING;
    const isSent = writer !== null && writer.isEnded;
    const isComplete = state !== null && state.hasEnded && isSent;
    this.phase = OVER;
    this.exchangeOrNull = null;
    context.timers.remove(this);
    this.waiting?.drop();
    this.dropTrailers();
    writer?.clear();
    if (wasWaiting) connection.leaveQueue(this);
    this.state = null;
    if (state === null) return;
    connection.unblock(this);
    if (isComplete) connection.closeStream(state);
    else connection.resetStream(state, CANCEL);
  }
}

/** What a reset before any response means. */
function failureOf(code: number): Failure {
  return code === REFUSED_STREAM ? FAILED_REFUSED : FAILED_RESET;
}
