/**
 * A stream of a client's connection, as the client of an exchange: one request and its response.
 *
 *   body -> response -> rest -> gone         a request with a body
 *   response -> rest -> gone                 without
 *
 * `rest`: the exchange is over, and the client has no window yet for what is left of its response.
 */
import { answerKind } from '../../core/answers/kinds.ts';
import { CLIENT_LEFT, endedByAnswer, MOVED, RETIRED, SERVED, SHED } from '../../core/endings.ts';
import type { FromClient } from '../../core/http2/from-client.ts';
import { isCall, timeoutMsOf } from '../../core/grpc/grpc.ts';
import type { StreamState } from '../../core/http2/stream-state.ts';
import { assert } from '../../base/assert.ts';
import {
  BODY_CHUNKED,
  BODY_LENGTH,
  BODY_NONE,
  METHOD_HEAD,
  METHOD_POST,
  type RequestHead,
  type ResponseHead,
} from '../../wire/http1/head.ts';
import { parseTrailers } from '../../wire/http1/trailers.ts';
import { CANCEL, INTERNAL_ERROR, NO_ERROR } from '../../wire/http2/error-codes.ts';
import type { Socket } from '../../port/transport.ts';
import type { Admission } from '../http/admission.ts';
import { BodyPace } from '../http/body-pace.ts';
import type { ClientEmitters } from '../http/client-emitters.ts';
import type { Exchange } from '../http/exchange.ts';
import type { HeaderEdit } from '../http/header-edit.ts';
import { HttpClient } from '../http/http-client.ts';
import * as own from '../http/own-responses.ts';
import type { Peer } from '../http/peer.ts';
import { PERSIST_SILENTLY } from '../http/response-emitter.ts';
import type { AnswerRecord } from '../http/request-record.ts';
import type { Route } from '../http/route.ts';
import type { BodySink, Tunnel } from '../http/sides.ts';
import type { HttpService } from '../http/service.ts';
import { RateWindow } from '../rate-window.ts';
import { KEEPS_NOTHING } from '../session.ts';
import { beginChunk, emitLastChunk, LAST_CHUNK_BYTES } from '../http/chunks.ts';
import { HeldBody } from './held-body.ts';
import { parseKeptHead } from './kept-head.ts';
import type { BlockWriter } from './block-writer.ts';
import type { FrameStream } from './frames.ts';
import type { Output } from './output.ts';
import { StreamWriter, type WriterUser } from './stream-writer.ts';

const BODY = 0;
const RESPONSE = 1;
const REST = 2;
const GONE = 3;
type Phase = 0 | 1 | 2 | 3;

const TOO_SLOW = endedByAnswer(answerKind('client-too-slow'));
const OUT_OF_MEMORY = endedByAnswer(own.OUT_OF_MEMORY.kind);
const NO_CONTENT = 204;
const TRAILER_FIELDS_MAX = 100;

/** Its connection, as it has it. */
export interface StreamOwner {
  readonly service: HttpService;
  readonly emitters: ClientEmitters;
  readonly admission: Admission;
  readonly peer: Peer;
  readonly machine: FromClient<Stream>;
  readonly output: Output;
  readonly blocks: BlockWriter;

  /** So much of a body was taken, or dropped. */
  take(state: StreamState<Stream>, bytes: number): void;
  /** It has more to send than the client takes. */
  block(stream: Stream): void;
  unblock(stream: Stream): void;
  /** Its response has been sent. */
  finish(stream: Stream): void;
  /** It is given up. `code`: why, as RST_STREAM says it. */
  reset(stream: Stream, code: number): void;
  localAddress(into: Uint8Array, at: number): number;
}

export class Stream extends HttpClient implements FrameStream, WriterUser {
  readonly state: StreamState<Stream>;
  readonly sink: StreamWriter<Stream>;
  protected readonly connection: StreamOwner;
  private phase: Phase = RESPONSE;
  /** How fast the client takes its response, once something has waited for it. */
  private taking: RateWindow | null = null;
  /** Its connection's list of those that have more to send than the client takes. */
  isBlocked = false;

  /** It is a call of gRPC. */
  private isGrpc = false;

  // --- of the request ---
  isRequestComplete = false;
  receivedBytes: number;
  private pace: BodyPace | null = null;
  private held: HeldBody | null = null;
  /** Its body is small, and kept with its head: a server is looked for when it is complete. */
  private isGathering = false;
  /** Servers get it in chunks. */
  private isChunked = false;
  private hasChunks = false;
  private bodyBytesMax = Infinity;
  private isPumping = false;
  /** Its trailer section, as lines. -1: it has none that is passed on. */
  private trailerSlot = -1;
  private trailerBytes = 0;

  /** `blockBytes`: its header block was so long. */
  constructor(connection: StreamOwner, state: StreamState<Stream>, blockBytes: number) {
    const { admission, blocks, emitters, machine, output, peer, service } = connection;
    super(service, emitters, admission, peer);
    this.connection = connection;
    this.state = state;
    this.sink = new StreamWriter(this.context, machine, output, blocks, state, this);
    this.begunAt = this.context.transport.now;
    this.receivedBytes = blockBytes;
    this.context.sessions.add(this);
  }

  // --- the request ---

  /** Its head is in `context.requestHead`, `headLength` bytes long as HTTP/1 has it. */
  begin(headLength: number): void {
    const { state } = this;
    const head = this.context.requestHead;
    this.isHeadMethod = head.method === METHOD_HEAD;
    // what follows a request for a tunnel is no part of it
    this.isRequestComplete = state.hasEnded || head.hasUpgrade;
    if (head.body === BODY_LENGTH) state.expectedBytes = head.contentLength;
    else this.isChunked = head.body === BODY_CHUNKED;
    const { memory } = this.context;
    this.isGrpc = head.method === METHOD_POST && isCall(memory, head);
    const grpcMs = this.isGrpc ? timeoutMsOf(memory, head) : 0;
    const exchange = this.beginExchange(head);
    const route = this.admit(exchange);
    if (route !== null) this.forward(exchange, route, head, headLength, grpcMs);
  }

  private forward(exchange: Exchange, route: Route, head: RequestHead, headLength: number, grpcMs: number): void {
    const { body, contentLength, expectsContinue } = head;
    const obstacle = this.keep(exchange, route, headLength);
    if (obstacle !== null) {
      this.answer(obstacle);
      return;
    }
    exchange.start(grpcMs);
    if (this.isRequestComplete) {
      exchange.begin();
      return;
    }
    this.phase = BODY;
    this.bodyBytesMax = this.service.bodyBytesMax(route);
    this.pace = new BodyPace();
    this.pace.begin(this.now, this.bodyMs, 0);
    this.context.timers.arm(this, this.pace.deadline);
    // A client that waits for 100 Continue sends nothing until a server has been asked.
    this.isGathering = body === BODY_LENGTH && exchange.keepsBody(contentLength) && !expectsContinue;
    if (!this.isGathering) exchange.begin();
  }

  /** What has come is no request that could be passed on, or not all of one. */
  refuse(response: own.OwnResponse): void {
    this.isRequestComplete = this.state.hasEnded;
    this.beginFragment();
    this.answer(response);
  }

  private get now(): number {
    return this.context.transport.now;
  }

  // --- its body ---

  get sendsChunks(): boolean {
    return this.isChunked;
  }

  /** A part of it is here, in a slot of which the caller keeps its reference. */
  receive(slot: number, offset: number, length: number): void {
    this.receivedBytes += length;
    if (this.phase !== BODY) {
      this.took(length);
      return;
    }
    (this.pace as BodyPace).arrive(length);
    const exchange = this.exchange as Exchange;
    if (this.isGathering) {
      exchange.keepBody(offset, length);
      (this.pace as BodyPace).move(this.now, this.bodyMs);
      this.took(length);
    } else if (this.state.receivedBytes > this.bodyBytesMax) this.giveUp(own.BODY_TOO_LARGE);
    else if (!this.passAtOnce(exchange, slot, offset, length)) this.hold(slot, offset, length);
  }

  private passAtOnce(exchange: Exchange, slot: number, offset: number, length: number): boolean {
    const sink = exchange.requestSink;
    if (sink === null || sink.isFull || (this.held !== null && !this.held.isEmpty)) return false;
    this.context.arena.retain(slot);
    if (this.pass(exchange, slot, offset, length)) return true;
    this.context.arena.release(slot);
    return false;
  }

  private hold(slot: number, offset: number, length: number): void {
    this.held ??= new HeldBody(this.context.arena);
    if (!this.held.add(slot, offset, length)) this.giveUp(own.OUT_OF_MEMORY);
  }

  /** All of it is here. `trailers`: a slot with its trailer section, which is taken over; -1: it has none. */
  receiveEnd(trailerSlot: number, trailerBytes: number): void {
    this.trailerSlot = trailerSlot;
    this.trailerBytes = trailerBytes;
    if (this.phase !== BODY) this.dropTrailers();
    else if (this.isGathering) {
      this.isGathering = false;
      this.isRequestComplete = true;
      this.phase = RESPONSE;
      this.deadline = 0;
      (this.exchange as Exchange).begin();
    } else this.pump();
  }

  /** The server takes what is here, as far as it goes. */
  pump(): void {
    if (this.phase !== BODY || this.isGathering || this.isPumping) return;
    this.isPumping = true;
    while (this.phase === BODY && this.step());
    this.isPumping = false;
  }

  /** False: what is left has to wait. */
  private step(): boolean {
    const exchange = this.exchange as Exchange;
    const { held } = this;
    const sink = exchange.requestSink;
    if (sink === null || sink.isFull) return false;
    if (held === null || held.isEmpty) return this.state.hasEnded && this.endBody(exchange);
    const { length, offset, slot } = held;
    held.shift();
    if (this.pass(exchange, slot, offset, length)) return true;
    this.context.arena.release(slot);
    this.giveUp(own.OUT_OF_MEMORY);
    return false;
  }

  /** Hands a part to the server, with its reference. */
  private pass(exchange: Exchange, slot: number, offset: number, length: number): boolean {
    const sink = exchange.requestSink as NonNullable<Exchange['requestSink']>;
    let from = offset;
    if (this.isChunked && sink.takesChunks) from = beginChunk(this.context.memory, offset, length, !this.hasChunks);
    const isKept = !sink.takesChunks && exchange.keepSent(offset, length);
    if (!sink.send(slot, from, offset + length - from)) return false;
    this.hasChunks = true;
    exchange.noteBodySent(isKept);
    (this.pace as BodyPace).move(this.now, this.bodyMs);
    this.took(length);
    return true;
  }

  private endBody(exchange: Exchange): boolean {
    if (!this.sendEnd(exchange)) {
      this.giveUp(own.OUT_OF_MEMORY);
      return false;
    }
    this.isRequestComplete = true;
    this.phase = RESPONSE;
    this.armInExchange();
    if (exchange.isResponseAhead) exchange.finishAhead();
    return false;
  }

  /** What is behind a body. */
  private sendEnd(exchange: Exchange): boolean {
    const sink = exchange.requestSink as NonNullable<Exchange['requestSink']>;
    if (sink.takesChunks) return !this.isChunked || this.sendLastChunk(exchange, sink);
    const { arena } = this.context;
    const length = this.keptTrailers(exchange);
    const isSent = length <= EMPTY_LINE_BYTES || sink.sendTrailers(arena.start(this.trailerSlot), length);
    this.dropTrailers();
    if (!isSent || !sink.finish()) return false;
    exchange.noteBodySent(length <= EMPTY_LINE_BYTES);
    return true;
  }

  private sendLastChunk(exchange: Exchange, sink: BodySink): boolean {
    const { arena, memory } = this.context;
    const length = this.keptTrailers(exchange);
    const slot = arena.allocate(LAST_CHUNK_BYTES + length);
    if (slot < 0) return false;
    const start = arena.start(slot);
    let at = emitLastChunk(memory, start, !this.hasChunks);
    if (this.trailerSlot >= 0)
      memory.copyWithin(at, arena.start(this.trailerSlot), arena.start(this.trailerSlot) + length);
    at += length;
    if (this.trailerSlot < 0 || length === EMPTY_LINE_BYTES) {
      memory[at - 2] = 13;
      memory[at - 1] = 10;
    }
    this.dropTrailers();
    if (sink.send(slot, start, at - start)) {
      exchange.noteBodySent();
      return true;
    }
    arena.release(slot);
    return false;
  }

  /** How many bytes of trailers may go to a server, the empty line included. */
  private keptTrailers(exchange: Exchange): number {
    const { arena, memory, responseHead } = this.context;
    if (this.trailerSlot < 0) return EMPTY_LINE_BYTES;
    const at = arena.start(this.trailerSlot);
    // The table is the other direction's, which is not in use at this moment.
    const parsed = parseTrailers(memory, at, at + this.trailerBytes, responseHead, TRAILER_FIELDS_MAX);
    const isKept = parsed > 0 && !exchange.requestEdit.dropsAnyOf(memory, responseHead);
    return isKept ? this.trailerBytes : EMPTY_LINE_BYTES;
  }

  private dropTrailers(): void {
    if (this.trailerSlot >= 0) this.context.arena.release(this.trailerSlot);
    this.trailerSlot = -1;
  }

  took(bytes: number): void {
    this.connection.take(this.state, bytes);
  }

  get hasBodyWaiting(): boolean {
    return this.phase === BODY && this.held !== null && !this.held.isEmpty;
  }

  /** A client of HTTP/2 is told to send no more, and that costs the connection nothing. */
  get wantsRestRead(): boolean {
    return false;
  }

  protected override parseHead(at: number, end: number): number {
    const { requestHead } = this.context;
    const read = parseKeptHead(this.context, at, end, this.emitters.limits);
    // no field of it says so
    if (this.isChunked) requestHead.body = BODY_CHUNKED;
    return read;
  }

  protected override awaitServer(): void {
    this.phase = this.isRequestComplete ? RESPONSE : BODY;
    this.isGathering = false;
  }

  // --- the response ---

  get sentBytes(): number {
    return this.sink.sentBytes;
  }

  get sentHeadBytes(): number {
    return this.sink.headBytes;
  }

  sendInterim(head: ResponseHead): boolean {
    const { arena, scratchSlot } = this.context;
    const start = arena.start(scratchSlot);
    return this.sink.sendInterim(this.emitters.response.emitInterim(head, start) - start);
  }

  beginResponse(head: ResponseHead, edit: HeaderEdit, lines: Uint8Array, body: number): void {
    const { arena, scratchSlot } = this.context;
    const start = arena.start(scratchSlot);
    const keepsLength = body === BODY_LENGTH || (body === BODY_NONE && head.status !== NO_CONTENT);
    const emitter = this.emitters.response;
    const end = emitter.emitFinal(head, edit, lines, false, keepsLength, PERSIST_SILENTLY, start);
    emitter.note(this.exchange as Exchange, head, start, end - start);
    this.sink.begin(end - start, body === BODY_NONE);
  }

  /** Only of a WebSocketStream. */
  sendSwitching(_head: ResponseHead, _edit: HeaderEdit, _lines: Uint8Array): boolean {
    return false;
  }

  beginTunnel(_tunnel: Tunnel, _socket: Socket): void {
    assert(false, 'a stream has become a tunnel that had not asked for it');
  }

  handleResponseComplete(): void {
    this.endExchange(SERVED);
  }

  protected override breakOff(ending: number): void {
    this.end(ending, INTERNAL_ERROR);
  }

  handleWaiting(): void {
    this.noteBacklog();
  }

  noteBacklog(): void {
    this.connection.block(this);
    this.taking ??= new RateWindow();
    if (this.taking.endsAt !== 0) return;
    this.taking.openLater(this.now, this.bodyMs);
    this.armInExchange();
  }

  /** The client takes more. */
  resume(): void {
    if (this.sink.resume()) {
      // not for a part: a window of a byte now and then would hold a server
      this.taking?.close();
      if (this.phase === REST) this.leaveRest();
      else if (this.exchange !== null && !this.sink.isFull) this.exchange.pumpResponse();
    }
    if (this.phase === GONE) return;
    if (this.sink.isFull) this.noteBacklog();
  }

  /** The response is handed on completely. */
  private endExchange(ending: number): void {
    this.finishExchange(ending);
    this.phase = REST;
    this.dropBody();
    if (this.sink.isEnded) this.leaveRest();
    else this.noteBacklog();
  }

  private leaveRest(): void {
    this.leave();
    this.connection.finish(this);
  }

  // --- answers of the proxy's own ---

  protected override get connectionWord(): number {
    return PERSIST_SILENTLY;
  }

  protected override writeError(response: own.OwnResponse, record: AnswerRecord, lines: Uint8Array): number {
    if (!this.isGrpc) return super.writeError(response, record, lines);
    return this.emitters.own.writeGrpcError(response, record, lines);
  }

  protected override settlePersistence(): void {
    // a stream has no other request
  }

  protected override sendOwn(length: number): void {
    const { arena, memory, scratchSlot } = this.context;
    const { sink } = this;
    const { bodyBytes } = this.emitters.response;
    const head = length - bodyBytes;
    let isSent: boolean;
    if (bodyBytes === 0) {
      sink.begin(head, true);
      isSent = sink.flush();
    } else {
      const slot = arena.allocate(bodyBytes);
      const start = arena.start(scratchSlot);
      isSent = slot >= 0;
      if (isSent) {
        memory.copyWithin(arena.start(slot), start + head, start + length);
        sink.begin(head, false);
        isSent = sink.sendLast(slot, arena.start(slot), bodyBytes);
        if (!isSent) arena.release(slot);
      }
    }
    if (isSent) this.endExchange(this.answeredEnding);
    else this.close(OUT_OF_MEMORY);
  }

  // --- time ---

  override handleExpiry(now: number): void {
    if (this.isTakingSlowly(now)) {
      this.listener.noteCutOff();
      this.end(TOO_SLOW, CANCEL);
    } else if (this.isBodyLate(now)) this.giveUp(own.BODY_TIMEOUT);
    else if (this.isBodySlow(now)) this.giveUp(own.BODY_TOO_SLOW);
    else if (this.phase !== GONE) this.armInExchange();
  }

  private isTakingSlowly(now: number): boolean {
    const { taking } = this;
    if (taking === null || !taking.isOver(now)) return false;
    return taking.judge(now, this.bodyMs, this.sink.sentBytes, this.listener.plan.limits.bodyRate);
  }

  private isBodyLate(now: number): boolean {
    if (this.phase !== BODY) return false;
    return (this.pace as BodyPace).isLate(now, this.bodyMs, this.hasBodyWaiting);
  }

  private isBodySlow(now: number): boolean {
    if (this.phase !== BODY) return false;
    const { bodyRate } = this.listener.plan.limits;
    return (this.pace as BodyPace).isSlow(now, this.bodyMs, bodyRate, this.hasBodyWaiting);
  }

  private armInExchange(): void {
    const endsAt = this.taking === null ? 0 : this.taking.endsAt;
    let earliest = this.phase === BODY ? (this.pace as BodyPace).deadline : Infinity;
    if (endsAt > 0 && endsAt < earliest) earliest = endsAt;
    if (earliest === Infinity) this.deadline = 0;
    else this.context.timers.arm(this, earliest);
  }

  // --- ends ---

  /** The client has reset it, or is gone. */
  handleGone(ending = CLIENT_LEFT): void {
    if (this.phase === GONE) return;
    this.leave();
    this.finishExchange(ending);
  }

  handleReset(): void {
    this.handleGone();
  }

  handleFault(): void {
    this.handleGone();
  }

  protected override close(ending: number): void {
    this.end(ending, CANCEL);
  }

  private end(ending: number, code: number): void {
    if (this.phase === GONE) return;
    this.leave();
    this.finishExchange(ending);
    this.connection.reset(this, code);
  }

  /** This object is done. */
  protected leave(): void {
    this.phase = GONE;
    this.sink.clear();
    this.dropBody();
    this.context.timers.remove(this);
    this.context.sessions.delete(this);
    this.connection.unblock(this);
  }

  private dropBody(): void {
    if (this.held !== null) this.held.clear();
    this.dropTrailers();
    this.took(this.state.heldBytes);
  }

  override retire(): void {
    if (this.exchange !== null && !this.exchange.hasResponse) this.giveUp(own.GOING_AWAY);
    else this.end(RETIRED, NO_ERROR);
  }

  override localAddress(into: Uint8Array, at: number): number {
    return this.connection.localAddress(into, at);
  }

  /** Its connection is abandoned with all its streams. */
  override abandon(): void {
    this.handleGone(MOVED);
  }

  // --- for the memory guard ---

  override progress(): number {
    const { exchange, held, sink } = this;
    const isKeeping = sink.keepsScarce || held?.keepsScarce === true || (exchange !== null && exchange.keepsScarce);
    if (!isKeeping) return KEEPS_NOTHING;
    return this.phase === BODY ? (exchange as Exchange).acknowledgedBytes : sink.sentBytes;
  }

  override quietSince(): number {
    return this.taking === null ? this.now : this.taking.quietSince(this.now);
  }

  override shed(): void {
    if (this.exchange !== null && !this.exchange.hasResponse) this.giveUp(own.OUT_OF_MEMORY);
    else this.end(SHED, CANCEL);
  }
}

const EMPTY_LINE_BYTES = 2;
