/**
 * A client's connection: RFC 9112 from the server's side.
 *
 *   head -> body -> response -> head ...        a request with a body that is still coming
 *   head -> response -> head ...                without
 *   any of them -> gone                         no further request is wanted, or the connection is over: what is left to do with
 *                                               the socket is a Lingering's, or a DeferredReset's
 *   response -> tunnel                          101 Switching Protocols: a Relay takes over both sockets
 *
 * It reads requests one at a time (pipelined ones wait in the input), and makes an Exchange of each: of what the proxy answers
 * itself, too.
 */
import { PLENTY } from '../../base/arena.ts';
import { HEAD_BYTES_MAX } from '../../base/limits.ts';
import { answerKind } from '../../core/answers/kinds.ts';
import { CLIENT_LEFT, endedByAnswer, MOVED, RETIRED, SERVED, SHED, SWITCHED } from '../../core/endings.ts';
import type { Socket, SocketHandler } from '../../port/transport.ts';
import {
  BODY_CHUNKED,
  BODY_LENGTH,
  BODY_NONE,
  BODY_UNTIL_CLOSE,
  METHOD_HEAD,
  type RequestHead,
  type ResponseHead,
} from '../../wire/http1/head.ts';
import { parseRequestHead } from '../../wire/http1/request.ts';
import { DeferredReset } from '../deferred-reset.ts';
import { admissionOf } from '../http/admission.ts';
import { BodyPace } from '../http/body-pace.ts';
import type { ClientEmitters } from '../http/client-emitters.ts';
import type { Exchange } from '../http/exchange.ts';
import type { HeaderEdit } from '../http/header-edit.ts';
import { HttpClient } from '../http/http-client.ts';
import * as own from '../http/own-responses.ts';
import { Peer } from '../http/peer.ts';
import type { Route } from '../http/route.ts';
import { CLOSE, OFFERS_UPGRADE, PERSIST_EXPLICITLY, PERSIST_SILENTLY } from '../http/response-emitter.ts';
import type { HttpService } from '../http/service.ts';
import { isWorn } from '../http/wear.ts';
import type { Tunnel } from '../http/sides.ts';
import type { IdleClient, IdleClients } from '../idle-clients.ts';
import type { ConnectionInfo } from '../layer.ts';
import { Lingering } from '../lingering.ts';
import { RateWindow } from '../rate-window.ts';
import { Relay, type RelayOwner } from '../relay.ts';
import { KEEPS_NOTHING } from '../session.ts';
import {
  HEAD_MORE,
  HEAD_NO_MEMORY,
  MessageReader,
  READ_BLOCKED,
  READ_DONE,
  READ_MORE,
  READ_NO_MEMORY,
  READ_TOO_LARGE,
} from './message-reader.ts';
import { FRAME_AS_IS, FRAME_DECODED, FRAME_ENCODED, type Framing, MessageWriter } from './message-writer.ts';
import { looksLikeHead } from './looks-like-head.ts';

const HEAD = 0;
const BODY = 1;
const RESPONSE = 2;
const TUNNEL = 3;
const GONE = 4;
type State = 0 | 1 | 2 | 3 | 4;

const TOO_SLOW = endedByAnswer(answerKind('client-too-slow'));
const NO_CONTENT = 204;
/** A head moves when so much more of it has come: one that trickles stands still. */
const HEAD_STEP_BYTES = 2048;
const HEAD_STEPS_MAX = HEAD_BYTES_MAX / HEAD_STEP_BYTES + 1;

export class ClientConnection extends HttpClient implements SocketHandler, RelayOwner, IdleClient {
  private readonly socket: Socket;
  private readonly reader: MessageReader;
  /** Of responses. */
  readonly sink: MessageWriter;
  /** How fast the client takes a response, while something waits for it. */
  private readonly taking = new RateWindow();
  private state: State = HEAD;
  private isPumping = false;
  /** The client has sent FIN. */
  private hasEnded = false;

  /** So much has come in. */
  private inputBytes = 0;

  // --- of the current request ---
  /** Where it begins in the input, and what was sent before it. */
  private inputStart = 0;
  private sentStart = 0;
  private sentHeadStart = 0;
  private isHttp10 = false;
  /** The client wants another exchange on this connection, and so do we. */
  private isPersistent = true;
  /** The client has said that it sends nothing behind this request, which has no body. */
  private isLastRequest = false;
  /** Every byte of the request has been taken from the client. */
  isRequestComplete = true;
  /** The response came before the end of the request, and the server reads on behind it. */
  private readsRest = false;
  /** The response's end is the connection's end. */
  private isEndedByClose = false;
  /** Of its body, while nobody has looked at it. */
  private bodyKind = BODY_NONE;
  private bodyBytes = 0;
  /** Of the body, once a request had one that was not here at once. */
  private pace: BodyPace | null = null;
  /** In BODY, of a small body that is kept with its head: what of it has to come until a server is looked for. */
  private gatherBytes = 0;
  /**
   * A client that has sent FIN may be gone or may still read; TCP does not tell. Until when a response may begin; 0: it has not.
   */
  private halfClosedDeadline = 0;
  // The lists of idle clients' own.
  idleIn: IdleClients | null = null;
  idleSince = 0;
  idleBefore: IdleClient | null = null;
  idleAfter: IdleClient | null = null;
  /** In TUNNEL. */
  private tunnel: Tunnel | null = null;

  constructor(service: HttpService, emitters: ClientEmitters, socket: Socket, info: ConnectionInfo | null) {
    const { listener } = service;
    super(service, emitters, admissionOf(service, info), new Peer(info, socket, listener.context.transport));
    this.socket = socket;
    this.reader = new MessageReader(listener.context);
    this.sink = new MessageWriter(listener.context, socket);
    socket.handler = this;
    this.armIn(listener.plan.timeouts.idleMs);
    listener.idle.add(this, this.context.transport.now);
  }

  // --- events of the socket ---

  handleConnect(): void {
    // accepted, never connected
  }

  handleData(_socket: Socket, slot: number, offset: number, length: number): void {
    this.inputBytes += length;
    if (this.state === BODY) (this.pace as BodyPace).arrive(length);
    this.reader.accept(slot, offset, length);
    this.pump();
  }

  handleEnd(): void {
    this.hasEnded = true;
    switch (this.state) {
      case HEAD:
        this.noteFragment();
        this.linger(CLIENT_LEFT);
        return;
      case BODY:
        this.close(CLIENT_LEFT);
        return;
      case RESPONSE:
        if ((this.exchange as Exchange).hasResponse || !(this.exchange as Exchange).wantsServer) return;
        this.halfClosedDeadline = this.context.transport.now + this.listener.plan.timeouts.halfClosedMs;
        this.armInExchange();
        return;
      case TUNNEL:
      case GONE:
    }
  }

  handleDrain(): void {
    this.taking.close();
    if (this.exchange !== null) this.exchange.pumpResponse();
    else if (this.reader.length > 0) this.pump();
    else if (this.state === HEAD && this.idleIn === null) {
      const { idle, unfinished } = this.listener;
      (this.reader.isBetweenMessages ? idle : unfinished).add(this, this.context.transport.now);
    }
  }

  handleClose(): void {
    this.noteFragment();
    this.close(CLIENT_LEFT);
  }

  // --- time ---

  override handleExpiry(now: number): void {
    switch (this.state) {
      case HEAD:
        if (this.reader.isBetweenMessages) this.linger(CLIENT_LEFT);
        else this.refuse(own.HEAD_TIMEOUT);
        return;
      case BODY:
      case RESPONSE:
        if (this.isTakingSlowly(now)) this.cutOff();
        else if (this.isHalfClosedTooLong(now)) this.close(CLIENT_LEFT);
        else if (this.isBodyLate(now)) this.giveUp(own.BODY_TIMEOUT);
        else if (this.isBodySlow(now)) this.giveUp(own.BODY_TOO_SLOW);
        else this.armInExchange();
        return;
      case TUNNEL:
      case GONE:
    }
  }

  private isHalfClosedTooLong(now: number): boolean {
    const isOver = this.halfClosedDeadline !== 0 && now >= this.halfClosedDeadline;
    return isOver && !(this.exchange as Exchange).hasResponse;
  }

  private isBodyLate(now: number): boolean {
    if (this.state !== BODY) return false;
    return (this.pace as BodyPace).isLate(now, this.bodyMs, this.reader.length > 0 || this.isServerFull);
  }

  private isBodySlow(now: number): boolean {
    if (this.state !== BODY) return false;
    const { bodyRate } = this.listener.plan.limits;
    return (this.pace as BodyPace).isSlow(now, this.bodyMs, bodyRate, this.reader.length > 0);
  }

  /** A response that is taken in trickles would hold a server too: what the client's kernel has acknowledged tells. */
  private isTakingSlowly(now: number): boolean {
    if (!this.taking.isOver(now)) return false;
    return this.taking.judge(now, this.bodyMs, this.socket.acknowledgedBytes, this.listener.plan.limits.bodyRate);
  }

  private armIn(delayMs: number): void {
    this.context.timers.arm(this, this.context.transport.now + delayMs);
  }

  /** During an exchange: the earliest of what the client can be late with. */
  private armInExchange(): void {
    const { endsAt } = this.taking;
    let earliest = this.state === BODY ? (this.pace as BodyPace).deadline : Infinity;
    if (endsAt > 0 && endsAt < earliest) earliest = endsAt;
    if (this.halfClosedDeadline > 0 && this.halfClosedDeadline < earliest) earliest = this.halfClosedDeadline;
    if (earliest === Infinity) this.deadline = 0;
    else this.context.timers.arm(this, earliest);
  }

  noteBacklog(): void {
    if (this.taking.endsAt !== 0) return;
    this.taking.openLater(this.context.transport.now, this.bodyMs);
    this.armInExchange();
  }

  // --- the input ---

  /** Works on what has come in as far as possible; stops reading while something of it has to wait. */
  pump(): void {
    if (this.isPumping) return;
    this.isPumping = true;
    while (this.reader.length > 0 && this.step());
    this.isPumping = false;
    if (this.state >= TUNNEL) return;
    const reads = this.reader.regulate(this.socket, this.isServerFull);
    if (!reads && this.pace !== null) this.pace.excuse();
  }

  /** Memory is tight, and the server has to take what it was sent before more of the body is received for it. */
  private get isServerFull(): boolean {
    if (this.context.arena.pressure === PLENTY || this.state !== BODY) return false;
    const sink = (this.exchange as Exchange).requestSink;
    return sink !== null && sink.isFull;
  }

  /** False: what is left has to wait. */
  private step(): boolean {
    switch (this.state) {
      case HEAD:
        return this.stepHead();
      case BODY:
        return this.stepBody();
      case RESPONSE:
      case TUNNEL:
      case GONE:
        return false;
    }
  }

  private stepHead(): boolean {
    if (this.sink.isFull) return false;
    const { reader } = this;
    const isFirst = reader.isBetweenMessages;
    if (isFirst) this.noteFirstByte();
    const read = reader.readHead(parseRequestHead, this.emitters.limits, this.context.requestHead);
    if (read === HEAD_MORE) {
      if (isFirst) this.awaitHead();
      return true;
    }
    this.leaveIdle();
    if (read > 0) this.beginRequest();
    else if (read === HEAD_NO_MEMORY) this.refuse(own.OUT_OF_MEMORY);
    else this.refuse(own.refusal(read));
    return true;
  }

  private noteFirstByte(): void {
    this.begunAt = this.context.transport.now;
    this.inputStart = this.inputBytes - this.reader.length;
    this.sentStart = this.sink.sentBytes;
    this.sentHeadStart = this.sink.headBytes;
  }

  get receivedBytes(): number {
    return this.inputBytes - this.inputStart - this.reader.unreadBytes;
  }

  get sentBytes(): number {
    return this.sink.sentBytes - this.sentStart;
  }

  get sentHeadBytes(): number {
    return this.sink.headBytes - this.sentHeadStart;
  }

  /** A part of a head is here. */
  private awaitHead(): void {
    this.leaveIdle();
    this.armIn(this.listener.plan.timeouts.headMs);
    if (this.socket.pendingSegments === 0) this.listener.unfinished.add(this, this.context.transport.now);
  }

  /** False: the server has not taken what it was given. */
  private stepBody(): boolean {
    const exchange = this.exchange as Exchange;
    if (this.gatherBytes > 0) {
      this.gather(exchange);
      return true;
    }
    const sink = exchange.requestSink;
    if (sink === null) return false;
    // The table for trailers is the other direction's, which is not in use at this moment.
    const result = this.reader.relay(sink, this.context.responseHead, exchange.requestEdit);
    if (result === READ_BLOCKED) return false;
    exchange.noteBodySent();
    (this.pace as BodyPace).move(this.context.transport.now, this.bodyMs);
    if (result === READ_DONE) {
      this.isRequestComplete = true;
      this.state = RESPONSE;
      if (exchange.isResponseAhead) exchange.finishAhead();
    } else if (result === READ_TOO_LARGE) {
      this.giveUp(own.BODY_TOO_LARGE);
    } else if (result === READ_NO_MEMORY) {
      this.giveUp(own.OUT_OF_MEMORY);
    } else if (result !== READ_MORE) {
      this.giveUp(own.refusal(result));
    }
    return true;
  }

  /** Puts what is here of a small body behind its head. A server is looked for when there is nothing left to wait for. */
  private gather(exchange: Exchange): void {
    const { reader } = this;
    const count = Math.min(reader.length, this.gatherBytes);
    exchange.keepBody(reader.offset, count);
    reader.consume(count);
    this.gatherBytes -= count;
    (this.pace as BodyPace).move(this.context.transport.now, this.bodyMs);
    if (this.gatherBytes > 0) return;
    this.isRequestComplete = true;
    this.state = RESPONSE;
    exchange.begin();
  }

  protected override awaitServer(): void {
    this.state = this.isRequestComplete ? RESPONSE : BODY;
    this.gatherNoMore();
  }

  /** A server is looked for before all of a small body is here: what is to come follows as of any body. */
  private gatherNoMore(): void {
    const { gatherBytes } = this;
    this.gatherBytes = 0;
    if (gatherBytes > 0) this.reader.beginBody(BODY_LENGTH, gatherBytes, gatherBytes);
  }

  get sendsChunks(): boolean {
    return this.reader.readsChunks;
  }

  /** A part of the body is here and will follow the head at once. */
  get hasBodyWaiting(): boolean {
    return this.state === BODY && this.reader.length > 0;
  }

  // --- a request ---

  /** A request's head is in `context.requestHead`. */
  private beginRequest(): void {
    const { context, listener } = this;
    const head = context.requestHead;
    this.isHttp10 = head.version === 10;
    this.isHeadMethod = head.method === METHOD_HEAD;
    const wantsMore = this.isHttp10 ? head.hasKeepAlive : !head.hasClose;
    this.isPersistent = wantsMore && !listener.isDraining;
    this.isLastRequest = !wantsMore && head.body === BODY_NONE;
    this.isRequestComplete = head.body === BODY_NONE || (head.body === BODY_LENGTH && head.contentLength === 0);
    this.isEndedByClose = false;
    this.readsRest = false;
    if (!this.isRequestComplete) {
      this.bodyKind = head.body;
      this.bodyBytes = head.contentLength;
    }
    const exchange = this.beginExchange(head);
    const { wear } = listener.plan;
    if (wear !== undefined && isWorn(wear, this.peer.requests, this.peer.ageMs)) this.isPersistent = false;
    const route = this.admit(exchange);
    if (route === null) this.dropHead();
    else this.forward(exchange, route, head);
  }

  private dropHead(): void {
    if (this.state !== GONE) this.reader.dropHead(); // else all input was dropped
  }

  /** The request goes to a server. */
  private forward(exchange: Exchange, route: Route, head: RequestHead): void {
    const { context, reader } = this;
    const { body: bodyKind, contentLength, expectsContinue } = head;
    const obstacle = this.keep(exchange, route, reader.headLength);
    if (obstacle !== null) {
      this.answer(obstacle);
      this.dropHead();
      return;
    }
    this.dropHead();
    this.bodyKind = BODY_NONE;
    const isSmall = bodyKind === BODY_LENGTH && exchange.keepsBody(contentLength);
    if (!this.isRequestComplete && isSmall && contentLength <= reader.length) {
      exchange.keepBody(reader.offset, contentLength);
      reader.consume(contentLength);
      this.isRequestComplete = true;
    }
    this.taking.close();
    this.halfClosedDeadline = 0;
    exchange.start();
    if (this.isRequestComplete) {
      this.state = RESPONSE;
      this.deadline = 0;
      exchange.begin();
      return;
    }
    this.state = BODY;
    this.pace ??= new BodyPace();
    this.pace.begin(context.transport.now, this.bodyMs, reader.length);
    context.timers.arm(this, this.pace.deadline);
    // A client that waits for 100 Continue sends nothing until a server has been asked.
    if (isSmall && !expectsContinue) {
      this.gatherBytes = contentLength;
      if (reader.length > 0) this.gather(exchange);
      return;
    }
    this.gatherBytes = 0;
    reader.beginBody(bodyKind, contentLength, this.service.bodyBytesMax(route));
    exchange.begin();
  }

  // --- what the exchange says ---

  /** RFC 9110 section 15.2: an HTTP/1.0 client must not see it. */
  sendInterim(head: ResponseHead): boolean {
    if (this.isHttp10) return true;
    const { arena, scratchSlot } = this.context;
    const start = arena.start(scratchSlot);
    return this.sink.sendScratch(this.emitters.response.emitInterim(head, start) - start);
  }

  sendSwitching(head: ResponseHead, edit: HeaderEdit, lines: Uint8Array): boolean {
    // Whatever follows ends with the connection.
    this.socket.resetIfKilled();
    const { arena, scratchSlot } = this.context;
    const start = arena.start(scratchSlot);
    const emitter = this.emitters.response;
    const length = emitter.emitSwitching(head, edit, lines, start) - start;
    emitter.note(this.exchange as Exchange, head, start, length);
    return this.sink.sendScratch(length);
  }

  beginResponse(head: ResponseHead, edit: HeaderEdit, lines: Uint8Array, body: number, isReusable: boolean): void {
    const framing = this.framingFor(body);
    const isChunked = framing === FRAME_ENCODED || (body === BODY_CHUNKED && framing === FRAME_AS_IS);
    const keepsLength = body === BODY_LENGTH || (body === BODY_NONE && head.status !== NO_CONTENT);
    this.settleResponse(!isChunked && body !== BODY_LENGTH && body !== BODY_NONE, isReusable);
    const { arena, scratchSlot } = this.context;
    const start = arena.start(scratchSlot);
    const emitter = this.emitters.response;
    const offer = head.hasUpgrade && !this.isHttp10 ? OFFERS_UPGRADE : 0;
    const end = emitter.emitFinal(head, edit, lines, isChunked, keepsLength, this.connectionWord | offer, start);
    emitter.note(this.exchange as Exchange, head, start, end - start);
    this.sink.begin(end - start, framing);
  }

  /** How a body of this kind reaches a client of this version. */
  private framingFor(body: number): Framing {
    if (body === BODY_CHUNKED && this.isHttp10) return FRAME_DECODED;
    if (body === BODY_UNTIL_CLOSE && !this.isHttp10) return FRAME_ENCODED;
    return FRAME_AS_IS;
  }

  /**
   * A final response begins. `isEndedByClose`: its end will be the connection's. `isReusable`: the server
   * keeps its connection.
   */
  private settleResponse(isEndedByClose: boolean, isReusable: boolean): void {
    this.isEndedByClose = isEndedByClose;
    if (isEndedByClose) this.socket.resetIfKilled();
    // A response before the end of its request: a server that keeps its connection reads the rest, another one does not.
    // It may also change its mind, so the client is told not to send another request behind this one. One that waits for
    // 100 need not send the rest.
    const isEarly = !this.isRequestComplete;
    this.readsRest = isEarly && isReusable && !isEndedByClose && !(this.exchange as Exchange).awaitsContinue;
    if (isEndedByClose || isEarly || this.hasEnded || this.listener.isDraining) this.isPersistent = false;
  }

  get wantsRestRead(): boolean {
    return this.readsRest && !this.isRequestComplete;
  }

  /** What a response's head says about the connection. */
  protected override get connectionWord(): number {
    if (!this.isPersistent) return CLOSE;
    return this.isHttp10 ? PERSIST_EXPLICITLY : PERSIST_SILENTLY;
  }

  handleResponseComplete(): void {
    this.endExchange(SERVED);
    this.pump();
  }

  protected override breakOff(ending: number): void {
    if (this.isEndedByClose) this.abortWithReset(ending);
    else this.linger(ending);
  }

  override giveUp(response: own.OwnResponse): void {
    super.giveUp(response);
    this.pump();
  }

  /** The response is handed on completely: to the next request, or no further. */
  private endExchange(ending: number): void {
    this.finishExchange(ending);
    if (!this.isPersistent || !this.isRequestComplete || this.hasEnded) {
      this.linger(ending);
      return;
    }
    this.state = HEAD;
    this.armIn(this.listener.plan.timeouts.idleMs);
  }

  // --- the proxy's own answers ---

  /** A response of ours is no reason to wait for what the client will not send, or for more of it. */
  protected override settlePersistence(): void {
    const isBodyUntouched = this.state === HEAD && this.bodyKind !== BODY_NONE;
    if (isBodyUntouched && this.reader.skipBody(this.bodyKind, this.bodyBytes)) this.isRequestComplete = true;
    this.bodyKind = BODY_NONE;
    if (!this.isRequestComplete || this.hasEnded || this.listener.isDraining) this.isPersistent = false;
  }

  /** Sends a whole response of ours, which stands in the scratch slot. */
  protected override sendOwn(length: number): void {
    if (this.sink.sendScratch(length, this.emitters.response.bodyBytes)) this.endExchange(this.answeredEnding);
    else this.close(endedByAnswer(own.OUT_OF_MEMORY.kind));
  }

  /** The client leaves with the head of a request begun. */
  private noteFragment(): void {
    if (this.state === HEAD && !this.reader.isBetweenMessages && this.exchange === null) this.beginFragment();
  }

  /** What came is not a request, or not in time: answer, and close. */
  private refuse(response: own.OwnResponse): void {
    if (this.exchange === null) this.beginFragment();
    this.isPersistent = false;
    this.isHeadMethod = looksLikeHead(this.context, this.reader);
    this.answer(response);
  }

  // --- tunnels ---

  /** The server has switched protocols and the client has been told: both sockets are a relay's from here. */
  beginTunnel(tunnel: Tunnel, socket: Socket): void {
    this.state = TUNNEL;
    this.tunnel = tunnel;
    this.finishExchange(SWITCHED);
    this.context.timers.remove(this);
    this.context.sessions.delete(this);
    // the client's first bytes may have come together with its request
    if (this.reader.length > 0) this.reader.sendAll(new MessageWriter(this.context, socket));
    this.reader.clear();
    const relay = Relay.join(this.context, this.socket, socket, tunnel.times, this);
    if (this.hasEnded) relay.endDownstream();
  }

  relayRetireAt(): number {
    return Math.min(this.listener.retireAt, (this.tunnel as Tunnel).retireAt);
  }

  handleRelayEnd(): void {
    const tunnel = this.tunnel as Tunnel;
    this.tunnel = null;
    this.state = GONE;
    this.listener.release();
    tunnel.endTunnel();
  }

  // --- ends ---

  override retire(): void {
    if (this.state === HEAD && this.reader.isBetweenMessages) this.linger(RETIRED);
    else if (this.exchange !== null && !this.exchange.hasResponse) this.giveUp(own.GOING_AWAY);
    else this.abortWithReset(RETIRED);
  }

  override localAddress(into: Uint8Array, at: number): number {
    return this.socket.localAddress(into, at);
  }

  override abandon(): void {
    this.close(MOVED);
  }

  /** Nothing more is wanted of this client, which gets what is queued. */
  private linger(ending: number): void {
    const { bodyMs, hasEnded, isEndedByClose } = this;
    const { bodyRate } = this.listener.plan.limits;
    // When memory is tight, only an ended socket is done as soon as the kernel has everything.
    const closesAtOnce = this.isLastRequest && this.reader.length === 0 && this.context.arena.pressure === PLENTY;
    this.leave(ending);
    Lingering.begin(
      this.context,
      this.socket,
      this.taking,
      { bodyMs, bodyRate, hasEnded, closesAtOnce, isEndedByClose },
      this.listener,
    );
  }

  /** The client gets what it is owed, then a reset: FIN behind a part of a response that ends with it would make it look whole. */
  private abortWithReset(ending: number): void {
    this.leave(ending);
    DeferredReset.begin(this.context, this.socket, this.bodyMs, () => this.listener.release());
  }

  /** It takes its response too slowly. */
  private cutOff(): void {
    this.listener.noteCutOff();
    this.close(TOO_SLOW);
  }

  protected override close(ending: number): void {
    if (this.state === GONE) return;
    // FIN behind a part of a response that ends with the connection would make the part look whole
    const isCut = this.isEndedByClose && (this.exchange !== null || this.socket.pendingSegments > 0);
    this.leave(ending);
    if (isCut) this.socket.reset();
    else this.socket.close();
    this.listener.release();
  }

  /** This object is done; the socket is somebody else's. */
  private leave(ending: number): void {
    this.state = GONE;
    this.leaveIdle();
    this.finishExchange(ending);
    this.reader.clear();
    this.context.timers.remove(this);
    this.context.sessions.delete(this);
  }

  // --- between requests ---

  /** There is no room for a client that has something to ask: one that has not makes room. */
  closeIdle(): void {
    this.close(CLIENT_LEFT);
  }

  /** It has been idle, and the listener is to end. */
  endIdle(): void {
    this.linger(RETIRED);
  }

  private leaveIdle(): void {
    if (this.idleIn !== null) this.idleIn.remove(this);
  }

  // --- for the memory guard ---

  override progress(): number {
    const { exchange, reader, socket } = this;
    const isKeeping = socket.keepsScarce || reader.keepsScarce || (exchange !== null && exchange.keepsScarce);
    if (!isKeeping) return KEEPS_NOTHING;
    if (socket.pendingSegments > 0) return socket.acknowledgedBytes;
    if (exchange !== null) return exchange.acknowledgedBytes;
    if (reader.stash === null) return 0;
    // another for each head: one sent in pieces right behind the other is no standstill
    return this.idleSince * HEAD_STEPS_MAX + Math.floor(reader.stash.length / HEAD_STEP_BYTES);
  }

  override get movesInLeaps(): boolean {
    return this.state !== HEAD || this.socket.pendingSegments > 0;
  }

  override quietSince(): number {
    if (this.idleIn === this.listener.unfinished) return this.idleSince;
    return this.taking.quietSince(this.context.transport.now);
  }

  override shed(): void {
    if (this.socket.pendingSegments === 0 && this.exchange?.hasResponse !== true) {
      this.refuse(own.OUT_OF_MEMORY);
      return;
    }
    // at once: what waits to be sent is what is wanted back
    this.socket.reset();
    this.close(SHED);
  }
}
