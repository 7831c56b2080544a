/**
 * A client's connection: RFC 9112 from the server's side.
 *
 *   head -> body -> response -> head ...        a request with a body that is still coming
 *   head -> response -> head ...                without
 *   any of them -> linger -> closed             no further request is wanted: FIN is sent, the rest is read and dropped;
 *                                               closed without waiting for a client that said itself it sends nothing more
 *   response -> tunnel                          101 Switching Protocols: a Relay takes over both sockets
 *
 * It reads requests one at a time (pipelined ones wait in the input), answers what the proxy answers itself, and hands the
 * others to an Exchange.
 */
import { PLENTY } from '../../base/arena.ts';
import { HEAD_BYTES_MAX, RESPOND_BODY_BYTES_MAX } from '../../base/limits.ts';
import { ANSWER_KINDS } from '../../core/answers/kinds.ts';
import type { TrustedProxies } from '../../core/client/trusted-proxies.ts';
import type { Socket, SocketHandler } from '../../port/transport.ts';
import { ERR_HEAD_TOO_LARGE } from '../../wire/http1/errors.ts';
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
import type { IpWords } from '../../wire/ip-text.ts';
import type { Context } from '../context.ts';
import { DeferredReset } from '../deferred-reset.ts';
import { Relay, type RelayOwner } from '../relay.ts';
import { KEEPS_NOTHING, Session } from '../session.ts';
import type { Stash } from '../stash.ts';
import { Exchange } from '../http/exchange.ts';
import { type HeaderEdit, linesFor } from '../http/header-edit.ts';
import type { IdleClient } from '../http/idle-clients.ts';
import type { HttpListener } from '../http/listener.ts';
import { MessageReader, READ_BLOCKED, READ_DONE, READ_MORE, READ_NO_MEMORY, READ_TOO_LARGE } from './message-reader.ts';
import { FRAME_AS_IS, FRAME_DECODED, FRAME_ENCODED, type Framing, MessageWriter } from './message-writer.ts';
import * as own from '../http/own-responses.ts';
import { CLOSE, PERSIST_EXPLICITLY, PERSIST_SILENTLY } from './response-emitter.ts';
import { Route } from '../http/route.ts';
import type { ClientSide, Tunnel } from '../http/sides.ts';
import type { Emitters } from './emitters.ts';

const HEAD = 0;
const BODY = 1;
const RESPONSE = 2;
const LINGER = 3;
const TUNNEL = 4;
const CLOSED = 5;
type State = 0 | 1 | 2 | 3 | 4 | 5;

const NO_CONTENT = 204;

const CR = 13;
const LF = 10;
/** `HEAD ` */
const HEAD_SPACE = [72, 69, 65, 68, 32];

/** A client that was told to go and sends no more has this long to close; one that does, `timeouts.body` in all. */
const LINGER_MS = 2000;
/** How often within `timeouts.body` a client that leaves a response unread is looked at. */
const STALL_LOOKS = 4;

const addressBytes = new Uint8Array(16);
const addressWords = new DataView(addressBytes.buffer);

export class ClientConnection extends Session implements SocketHandler, RelayOwner, IpWords, IdleClient, ClientSide {
  private readonly socket: Socket;
  private readonly listener: HttpListener;
  private readonly emitters: Emitters;
  /** Of responses. */
  readonly sink: MessageWriter;
  private readonly context: Context;
  private readonly reader: MessageReader;
  private state: State = HEAD;
  private isPumping = false;

  /** The peer's address, once `hasAddress`. */
  ip0 = 0;
  ip1 = 0;
  ip2 = 0;
  ip3 = 0;
  private hasAddress = false;
  private isTrusted = false;
  /** By whose judgement it is trusted, or not. */
  private judge: TrustedProxies | null = null;
  /** The client has sent FIN. */
  private hasEnded = false;

  // --- of the current request ---
  private exchange: Exchange | null = null;
  private isHttp10 = false;
  private isHeadMethod = false;
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
  /** The client does not take what waits for it: when to look whether it takes something; 0: it takes everything. */
  private stallLookAt = 0;
  /** What the kernel said at the last look, and how many looks in a row it said the same. */
  private stallProgress = 0;
  private stallLooks = 0;
  /** In BODY: until when more of it has to come. */
  private bodyDeadline = 0;
  /** In BODY: when the rate of the current window is judged, what of it has come in, and whether the client was held up. */
  private rateDeadline = 0;
  private rateBytes = 0;
  private isRateExcused = false;
  /** In BODY, of a small body that is kept with its head: what of it has to come until a server is looked for. */
  private gatherBytes = 0;
  /**
   * A client that has sent FIN may be gone or may still read; TCP does not tell. Until when a response may begin; 0: it has not.
   */
  private halfClosedDeadline = 0;
  /** In LINGER: nothing is to come, so that it is closed as soon as everything has left. */
  private closesAtOnce = false;
  /** In LINGER, once everything has left: until when what the client sends is taken and dropped; 0: not yet. */
  private lingerDeadline = 0;
  // The list of idle clients' own.
  idleSince = Infinity;
  idleBefore: IdleClient | null = null;
  idleAfter: IdleClient | null = null;
  /** In TUNNEL. */
  private tunnel: Tunnel | null = null;

  constructor(listener: HttpListener, emitters: Emitters, socket: Socket) {
    super();
    this.listener = listener;
    this.emitters = emitters;
    this.context = listener.context;
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
    if (this.state === LINGER) {
      this.context.arena.release(slot);
      if (this.closesAtOnce) this.takeRest();
      if (this.lingerDeadline > 0) this.linger();
      return;
    }
    if (this.state === BODY) this.rateBytes += length;
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
        this.close();
        return;
      case RESPONSE:
        if ((this.exchange as Exchange).hasResponse) return;
        this.halfClosedDeadline = this.context.transport.now + this.listener.plan.timeouts.halfClosedMs;
        this.armInExchange();
        return;
      case TUNNEL:
      case CLOSED:
    }
  }

  handleDrain(): void {
    this.stallLookAt = 0;
    if (this.state === LINGER) this.linger();
    else if (this.exchange !== null) this.exchange.pumpResponse();
    else if (this.reader.length > 0) this.pump();
    else if (this.state === HEAD && this.reader.isBetweenMessages && this.idleSince === Infinity) {
      this.listener.idle.add(this, this.context.transport.now);
    }
  }

  handleClose(): void {
    this.close();
  }

  // --- time ---

  override handleExpiry(now: number): void {
    switch (this.state) {
      case HEAD:
        if (this.reader.isBetweenMessages) this.linger();
        else this.refuse(own.HEAD_TIMEOUT);
        return;
      case BODY:
      case RESPONSE:
        if (isPast(this.stallLookAt, now) && this.isStalled()) this.close();
        else if (isPast(this.halfClosedDeadline, now) && !(this.exchange as Exchange).hasResponse) this.close();
        else if (this.isBodyLate(now)) this.giveUp(own.BODY_TIMEOUT);
        else if (this.isBodySlow(now)) this.giveUp(own.BODY_TOO_SLOW);
        else this.armInExchange();
        return;
      case LINGER:
        if (this.stallLookAt === 0 || this.isStalled()) this.close();
        else this.context.timers.arm(this, this.stallLookAt);
        return;
      case TUNNEL:
      case CLOSED:
    }
  }

  private isBodyLate(now: number): boolean {
    if (this.state !== BODY || !isPast(this.bodyDeadline, now)) return false;
    if (this.reader.length === 0 && !this.isServerFull) return true;
    // Body is here; it is the server that does not take it, and the server's own timeout sees to that.
    this.bodyDeadline = now + this.listener.plan.timeouts.bodyMs;
    return false;
  }

  /** A body that trickles in would hold a server for as long as the client likes. */
  private isBodySlow(now: number): boolean {
    if (this.state !== BODY || now < this.rateDeadline) return false;
    const { limits, timeouts } = this.listener.plan;
    const isSlow = this.rateBytes < (limits.bodyRate * timeouts.bodyMs) / 1000;
    // where the server held it up, nobody can say how fast the client is
    if (isSlow && !this.isRateExcused && this.reader.length === 0) return true;
    this.beginRateWindow();
    return false;
  }

  private beginRateWindow(): void {
    this.rateDeadline = this.context.transport.now + this.listener.plan.timeouts.bodyMs;
    this.rateBytes = 0;
    this.isRateExcused = false;
  }

  private armIn(delayMs: number): void {
    this.context.timers.arm(this, this.context.transport.now + delayMs);
  }

  /** During an exchange: the earliest of what the client can be late with. */
  private armInExchange(): void {
    let earliest = this.state === BODY ? Math.min(this.bodyDeadline, this.rateDeadline) : Infinity;
    if (this.stallLookAt > 0 && this.stallLookAt < earliest) earliest = this.stallLookAt;
    if (this.halfClosedDeadline > 0 && this.halfClosedDeadline < earliest) earliest = this.halfClosedDeadline;
    if (earliest === Infinity) this.deadline = 0;
    else this.context.timers.arm(this, earliest);
  }

  /** The server has more for the client than it takes. */
  noteBacklog(): void {
    if (this.stallLookAt !== 0) return;
    this.beginStall();
    this.armInExchange();
  }

  private beginStall(): void {
    this.stallLooks = 0;
    this.stallLookAt = this.context.transport.now + this.listener.plan.timeouts.bodyMs / STALL_LOOKS;
  }

  /**
   * A segment that waits may be on its way, slowly: what the client's kernel has acknowledged tells. True: nothing for the
   * whole of the time.
   */
  private isStalled(): boolean {
    const progress = this.socket.acknowledgedBytes;
    if (this.stallLooks > 0 && progress !== this.stallProgress) this.stallLooks = 0;
    this.stallProgress = progress;
    this.stallLooks++;
    this.stallLookAt += this.listener.plan.timeouts.bodyMs / STALL_LOOKS;
    return this.stallLooks >= STALL_LOOKS;
  }

  // --- the input ---

  /** Works on what has come in as far as possible; stops reading while something of it has to wait. */
  pump(): void {
    if (this.isPumping) return;
    this.isPumping = true;
    while (this.reader.length > 0 && this.step());
    this.isPumping = false;
    if (this.state >= TUNNEL) return;
    if (this.reader.length > 0) {
      this.isRateExcused = true;
      this.reader.settle();
      this.socket.pause();
    } else if (this.isServerFull) {
      this.isRateExcused = true;
      this.socket.pause();
    } else {
      this.socket.resume();
    }
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
      case LINGER:
      case TUNNEL:
      case CLOSED:
        return false;
    }
  }

  private stepHead(): boolean {
    this.leaveIdle();
    if (this.sink.isFull) return false;
    const { memory, arena, requestHead } = this.context;
    const { limits } = this.emitters;
    const reader = this.reader;
    if (reader.isBetweenMessages) {
      const end = reader.offset + reader.length;
      const used = parseRequestHead(memory, reader.offset, end, limits, requestHead);
      if (used > 0) {
        this.beginRequest(used, false);
        return true;
      }
      if (used < 0) {
        this.refuseCode(used);
        return true;
      }
      this.armIn(this.listener.plan.timeouts.headMs);
    }
    const filled = reader.fillStash(limits.headBytes);
    if (filled === READ_MORE) return true;
    if (filled !== READ_DONE) {
      this.refuse(own.OUT_OF_MEMORY);
      return true;
    }
    const stash = reader.stash as Stash;
    const start = arena.start(stash.slot);
    const used = parseRequestHead(memory, start, start + stash.length, limits, requestHead);
    if (used > 0) this.beginRequest(used, true);
    else if (used < 0) this.refuseCode(used);
    else if (stash.length >= limits.headBytes) this.refuseCode(ERR_HEAD_TOO_LARGE);
    else stash.continue();
    return true;
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
    this.bodyDeadline = this.context.transport.now + this.listener.plan.timeouts.bodyMs;
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
    exchange.request.append(reader.offset, count);
    reader.consume(count);
    this.gatherBytes -= count;
    this.bodyDeadline = this.context.transport.now + this.listener.plan.timeouts.bodyMs;
    if (this.gatherBytes > 0) return;
    this.isRequestComplete = true;
    this.state = RESPONSE;
    exchange.begin();
  }

  /** A part of the body is here and will follow the head at once. */
  get hasBodyWaiting(): boolean {
    return this.state === BODY && this.reader.length > 0;
  }

  // --- a request ---

  /** A request's head is in `context.requestHead`: in the stash, or in the first `length` bytes of the input. */
  private beginRequest(length: number, isStashed: boolean): void {
    const { context, listener } = this;
    const head = context.requestHead;
    context.row.countRequest();
    this.isHttp10 = head.version === 10;
    this.isHeadMethod = head.method === METHOD_HEAD;
    const wantsMore = this.isHttp10 ? head.hasKeepAlive : !head.hasClose;
    this.isPersistent = wantsMore && !listener.isDraining;
    this.isLastRequest = !wantsMore && head.body === BODY_NONE;
    this.isRequestComplete = head.body === BODY_NONE || (head.body === BODY_LENGTH && head.contentLength === 0);
    this.isEndedByClose = false;
    this.readsRest = false;
    const admitted = listener.admit();
    if (!(admitted instanceof Route)) {
      if (admitted.kind === own.NO_KIND) this.answerPlainly(admitted);
      else this.answer(admitted);
    } else if (admitted.own !== null) {
      this.answerByRoute(admitted);
    } else {
      this.beginExchange(admitted, head, length, isStashed);
      return;
    }
    this.dropHead(length, isStashed);
  }

  private dropHead(length: number, isStashed: boolean): void {
    if (this.state >= LINGER) return; // all input was dropped
    if (isStashed) (this.reader.stash as Stash).clear(this.context.arena);
    else this.reader.consume(length);
  }

  private beginExchange(route: Route, head: RequestHead, length: number, isStashed: boolean): void {
    const { context, reader } = this;
    this.look();
    const { hops, protocol, view } = this.listener;
    const exchange = Exchange.create(context, this, protocol, route, head);
    this.exchange = exchange;
    const obstacle = exchange.keep(view, hops, length);
    if (obstacle !== null) {
      this.answer(obstacle);
      this.dropHead(length, isStashed);
      return;
    }
    const bodyKind = head.body;
    const contentLength = head.contentLength;
    const { expectsContinue } = head;
    this.dropHead(length, isStashed);
    const isSmall = bodyKind === BODY_LENGTH && exchange.request.hasRoomFor(contentLength);
    if (!this.isRequestComplete && isSmall && contentLength <= reader.length) {
      exchange.request.append(reader.offset, contentLength);
      reader.consume(contentLength);
      this.isRequestComplete = true;
    }
    this.stallLookAt = 0;
    this.halfClosedDeadline = 0;
    exchange.start();
    if (this.isRequestComplete) {
      this.state = RESPONSE;
      this.deadline = 0;
      exchange.begin();
      return;
    }
    this.state = BODY;
    this.bodyDeadline = context.transport.now + this.listener.plan.timeouts.bodyMs;
    context.timers.arm(this, this.bodyDeadline);
    this.beginRateWindow();
    this.rateBytes = reader.length;
    // A client that waits for 100 Continue sends nothing until a server has been asked.
    if (isSmall && !expectsContinue) {
      this.gatherBytes = contentLength;
      if (reader.length > 0) this.gather(exchange);
      return;
    }
    this.gatherBytes = 0;
    reader.beginBody(bodyKind, contentLength, this.listener.plan.limits.bodyBytes);
    exchange.begin();
  }

  /** Sets up the view of the request whose head is in `context.requestHead`. */
  private look(): void {
    if (!this.hasAddress || this.judge !== this.listener.trusted) this.readAddress();
    this.listener.look(this, this.isTrusted);
  }

  private readAddress(): void {
    this.hasAddress = true;
    this.socket.remoteAddress(addressBytes, 0);
    this.ip0 = addressWords.getInt32(0);
    this.ip1 = addressWords.getInt32(4);
    this.ip2 = addressWords.getInt32(8);
    this.ip3 = addressWords.getInt32(12);
    this.judge = this.listener.trusted;
    this.isTrusted = this.judge !== null && this.judge.has(this);
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
    const { arena, scratchSlot } = this.context;
    const start = arena.start(scratchSlot);
    return this.sink.sendScratch(this.emitters.response.emitSwitching(head, edit, lines, start) - start);
  }

  beginResponse(head: ResponseHead, edit: HeaderEdit, lines: Uint8Array, body: number, isReusable: boolean): void {
    const framing = this.framingFor(body);
    const isChunked = framing === FRAME_ENCODED || (body === BODY_CHUNKED && framing === FRAME_AS_IS);
    const keepsLength = body === BODY_LENGTH || (body === BODY_NONE && head.status !== NO_CONTENT);
    this.settleResponse(!isChunked && body !== BODY_LENGTH && body !== BODY_NONE, isReusable);
    const { arena, scratchSlot } = this.context;
    const start = arena.start(scratchSlot);
    const emitter = this.emitters.response;
    const end = emitter.emitFinal(head, edit, lines, isChunked, keepsLength, this.connectionWord, start);
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
  private get connectionWord(): number {
    if (!this.isPersistent) return CLOSE;
    return this.isHttp10 ? PERSIST_EXPLICITLY : PERSIST_SILENTLY;
  }

  handleResponseComplete(): void {
    this.endExchange();
    this.pump();
  }

  /** The client must be able to tell. */
  handleResponseBroken(): void {
    if (this.isEndedByClose) this.abortWithReset();
    else this.linger();
  }

  giveUp(response: own.OwnResponse): void {
    if ((this.exchange as Exchange).hasResponse) this.handleResponseBroken();
    else this.answer(response);
    this.pump();
  }

  /** The response is handed on completely: to the next request, or no further. */
  private endExchange(): void {
    this.dropExchange();
    if (!this.isPersistent || !this.isRequestComplete || this.hasEnded) {
      this.linger();
      return;
    }
    this.state = HEAD;
    this.armIn(this.listener.plan.timeouts.idleMs);
  }

  private dropExchange(): void {
    const { exchange } = this;
    this.exchange = null;
    if (exchange !== null) exchange.end();
  }

  // --- the proxy's own answers ---

  /** Something is wrong: an error of the proxy's own, which can be found again by its identifier. */
  answer(response: own.OwnResponse): void {
    const { context, exchange, listener } = this;
    const hasId = exchange !== null && exchange.request.idLength > 0;
    const bytes = hasId ? context.memory : this.emitters.request.makeId();
    const at = hasId ? exchange.request.id : 0;
    const length = hasId ? exchange.request.idLength : bytes.length;
    const isOfUpstream = exchange !== null && ANSWER_KINDS[response.kind].of === 'upstream';
    const owner = isOfUpstream ? exchange.upstream.plan.name : listener.plan.name;
    context.answers.note(owner, response.kind, bytes, at, length);
    this.settlePersistence();
    const start = context.arena.start(context.scratchSlot);
    const word = this.connectionWord;
    const emitter = this.emitters.response;
    this.sendOwn(emitter.emitError(response, bytes, at, length, this.isHeadMethod, word, start) - start);
  }

  /** An answer that is no error. */
  private answerPlainly(response: own.OwnResponse): void {
    this.settlePersistence();
    const start = this.context.arena.start(this.context.scratchSlot);
    const { NOTHING, TEXT_PLAIN } = own;
    const emitter = this.emitters.response;
    this.sendOwn(emitter.emitOwn(response, TEXT_PLAIN, NOTHING, NOTHING, false, this.connectionWord, start) - start);
  }

  /** A response of ours is no reason to wait for what the client will not send, or for more of it. */
  private settlePersistence(): void {
    if (!this.isRequestComplete || this.hasEnded || this.listener.isDraining) this.isPersistent = false;
  }

  /** Sends a whole response of ours, which stands in the scratch slot. */
  private sendOwn(length: number): void {
    if (this.sink.sendScratch(length)) this.endExchange();
    else this.close();
  }

  private answerByRoute(route: Route): void {
    if (route.needsView) {
      this.look();
      this.emitters.request.identify(this.listener.view);
    }
    const lines = linesFor(this.context, route.responseEdit, this.listener.view);
    let location = own.NOTHING;
    if (lines === null) {
      this.answer(own.HEAD_GREW_TOO_LARGE);
      return;
    }
    if (route.redirect !== null) {
      const { arena, memory, scratchSlot } = this.context;
      const at = arena.start(scratchSlot);
      const end = route.redirect.write(this.listener.view, memory, at, at + HEAD_BYTES_MAX);
      if (end < 0) {
        this.answer(own.HEAD_GREW_TOO_LARGE);
        return;
      }
      location = own.locationLine(memory.subarray(at, end));
    }
    this.settlePersistence();
    const response = this.ownResponse(route);
    if (response === null) {
      this.answer(own.HEAD_GREW_TOO_LARGE);
      return;
    }
    const { arena, scratchSlot } = this.context;
    const start = arena.start(scratchSlot);
    const word = this.connectionWord;
    const emitter = this.emitters.response;
    const { ownContentType } = route;
    this.sendOwn(emitter.emitOwn(response, ownContentType, location, lines, this.isHeadMethod, word, start) - start);
  }

  /** With the body for the request in the view. Null: it is too long. */
  private ownResponse({ own: response, ownBody, ownContentType }: Route): own.OwnResponse | null {
    if (ownBody === null) return response;
    const { arena, memory, scratchSlot } = this.context;
    const start = arena.start(scratchSlot);
    const bound = start + RESPOND_BODY_BYTES_MAX - ownContentType.length;
    const end = ownBody.emit(this.listener.view, memory, start, bound);
    return end < 0 ? null : { ...(response as own.OwnResponse), body: memory.slice(start, end) };
  }

  /** What came is not a request, or not in time: answer, and close. */
  private refuse(response: own.OwnResponse): void {
    this.isPersistent = false;
    this.isHeadMethod = this.isHeadWaiting;
    this.answer(response);
  }

  /** What is here of the refused request begins with HEAD, as far as one can tell: its answer has no body. */
  private get isHeadWaiting(): boolean {
    const { reader } = this;
    const { arena, memory } = this.context;
    const { stash } = reader;
    let at = reader.offset;
    let end = at + reader.length;
    if (stash !== null && !stash.isEmpty) {
      at = arena.start(stash.slot);
      end = at + stash.length;
    }
    while (at < end && (memory[at] === CR || memory[at] === LF)) at++;
    if (end - at < HEAD_SPACE.length) return false;
    for (let i = 0; i < HEAD_SPACE.length; i++) if (memory[at + i] !== HEAD_SPACE[i]) return false;
    return true;
  }

  private refuseCode(code: number): void {
    this.refuse(own.refusal(code));
  }

  // --- tunnels ---

  /** The server has switched protocols and the client has been told: both sockets are a relay's from here. */
  beginTunnel(tunnel: Tunnel, socket: Socket): void {
    this.state = TUNNEL;
    this.tunnel = tunnel;
    this.dropExchange();
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
    this.state = CLOSED;
    this.listener.release();
    tunnel.endTunnel();
  }

  // --- ends ---

  override retireAt(): number {
    if (this.state === LINGER) return Infinity;
    return Math.min(this.listener.retireAt, this.exchange === null ? Infinity : this.exchange.retireAt);
  }

  override retire(): void {
    if (this.state === HEAD && this.reader.isBetweenMessages) this.linger();
    else if (this.exchange !== null && !this.exchange.hasResponse) this.giveUp(own.EXCHANGE_TIMEOUT);
    else this.abortWithReset();
  }

  override localAddress(into: Uint8Array, at: number): number {
    return this.socket.localAddress(into, at);
  }

  override abandon(): void {
    this.close();
  }

  /** Nothing more is wanted of this client: sends FIN behind what is queued, and closes when the client has closed, or will send nothing. */
  private linger(): void {
    const { now } = this.context.transport;
    const { bodyMs } = this.listener.plan.timeouts;
    if (this.state !== LINGER) {
      this.state = LINGER;
      this.leaveIdle();
      this.dropExchange();
      this.lingerDeadline = 0;
      // When memory is tight, only an ended socket is done as soon as the kernel has everything.
      this.closesAtOnce = this.isLastRequest && this.reader.length === 0 && this.context.arena.pressure === PLENTY;
      this.reader.clear();
      if (!this.closesAtOnce) this.socket.end();
      this.socket.resume();
    }
    if (this.socket.pendingSegments > 0) {
      this.beginStall();
      this.context.timers.arm(this, this.stallLookAt);
      return;
    }
    this.stallLookAt = 0;
    if (this.lingerDeadline === 0) this.lingerDeadline = now + bodyMs;
    if (this.hasEnded || this.closesAtOnce) this.close();
    else this.context.timers.arm(this, Math.min(now + LINGER_MS, this.lingerDeadline));
  }

  /** The client sends more than it said: closing under that would take the response from it. */
  private takeRest(): void {
    this.closesAtOnce = false;
    this.socket.end();
  }

  // --- for the memory guard ---

  override progress(): number {
    const { exchange, reader, socket } = this;
    const isKeeping = socket.keepsScarce || reader.keepsScarce || (exchange !== null && exchange.keepsScarce);
    if (!isKeeping) return KEEPS_NOTHING;
    if (socket.pendingSegments > 0) return socket.acknowledgedBytes;
    if (exchange !== null) return exchange.acknowledgedBytes;
    return reader.stash === null ? 0 : reader.stash.length;
  }

  override quietSince(): number {
    const { now } = this.context.transport;
    return this.stallLookAt === 0 ? now : this.stallLookAt - this.listener.plan.timeouts.bodyMs / STALL_LOOKS;
  }

  override shed(): void {
    if (this.socket.pendingSegments === 0 && this.exchange?.hasResponse !== true) {
      this.refuse(own.OUT_OF_MEMORY);
      return;
    }
    // at once: what waits to be sent is what is wanted back
    this.socket.reset();
    this.close();
  }

  /** The client gets what it is owed, then a reset: FIN behind a part of a response that ends with it would make it look whole. */
  private abortWithReset(): void {
    this.state = CLOSED;
    this.dropExchange();
    this.reader.clear();
    this.context.timers.remove(this);
    this.context.sessions.delete(this);
    DeferredReset.begin(this.context, this.socket, this.listener.plan.timeouts.bodyMs, () => this.listener.release());
  }

  /** There is no room for a client that has something to ask: one that has not makes room. */
  closeIdle(): void {
    this.close();
  }

  /** It has been idle, and the listener is to end. */
  leave(): void {
    this.linger();
  }

  private leaveIdle(): void {
    if (this.idleSince !== Infinity) this.listener.idle.remove(this);
  }

  private close(): void {
    if (this.state === CLOSED) return;
    this.state = CLOSED;
    this.leaveIdle();
    // FIN behind a part of a response that ends with the connection would make the part look whole
    const isCut = this.isEndedByClose && (this.exchange !== null || this.socket.pendingSegments > 0);
    this.dropExchange();
    this.reader.clear();
    this.context.timers.remove(this);
    if (isCut) this.socket.reset();
    else this.socket.close();
    this.context.sessions.delete(this);
    this.listener.release();
  }
}

function isPast(deadline: number, now: number): boolean {
  return deadline !== 0 && now >= deadline;
}
