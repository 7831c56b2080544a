/**
 * One request on its way to a server and its response: the tries it takes, and when to give up.
 *
 *   picked -> (queued ->) connecting or a pooled connection -> sent -> response begins -> complete
 *                 any of them -> a try fails -> picked again, or answered by the proxy
 *
 * The request is rebuilt into a slot of its own when its head is complete and stays there until a response begins, so that
 * a try that failed can be repeated elsewhere if that is safe (`core/retry.ts`). The rest of a large body stays with the
 * client's connection until a server takes it.
 *
 * Exchanges are pooled: a connection has one only while a request is being worked on.
 */
import { hashWords } from '../../base/hash.ts';
import { HEAD_SLOT_BYTES } from '../../base/limits.ts';
import type { ProxyActionPlan } from '../../config/plan.ts';
import { PICK_FULL, PICK_TRIED } from '../../core/balance/balancer.ts';
import {
  FAILED_BAD_RESPONSE,
  FAILED_CONNECT,
  FAILED_CONNECT_TIMEOUT,
  FAILED_NO_BUFFER,
  FAILED_NO_PORT,
  FAILED_NO_RESOURCE,
  FAILED_RESPONSE_TIMEOUT,
  FAILED_STATUS,
  SENT_EVERYTHING_KEPT,
  SENT_NOTHING,
  SENT_UNREPEATABLE,
  isIdempotent,
  mayRetry,
} from '../../core/retry.ts';
import { REWRITE_BAD_PATH } from '../../core/route/rewrite.ts';
import type { RequestView } from '../../core/value/request-view.ts';
import { emitBytes } from '../../wire/http1/emit.ts';
import { FIELD_VALUE, FIELD_VALUE_LENGTH, FIELD_WORDS, METHOD_OTHER, type RequestHead } from '../../wire/http1/head.ts';
import type { Context } from '../context.ts';
import { Waiter, type Server, type Upstream } from '../upstream.ts';
import type { ClientConnection } from '../http1/client-connection.ts';
import * as own from './own-responses.ts';
import type { Route } from './route.ts';
import { ServerConnection } from '../http1/server-connection.ts';

/** Idle exchanges kept for reuse; more than this are only needed in a burst. */
const SPARE_EXCHANGES_MAX = 4096;
const spares: Exchange[] = [];

export class Exchange extends Waiter {
  private readonly context: Context;
  private downstreamOrNull: ClientConnection | null = null;
  private routeOrNull: Route | null = null;
  /** METHOD_... */
  method = METHOD_OTHER;
  /** The client's version: 10 or 11. */
  version = 11;
  wantsUpgrade = false;
  /** The head of a final response has been handed to the client's socket. */
  hasResponse = false;
  /** The response is complete, the request is not, and the server reads on. */
  isResponseAhead = false;
  /** The client may wait to be told to send the body, or not to. */
  awaitsContinue = false;
  private connection: ServerConnection | null = null;
  /** The server of the try under way, or of the last one. */
  private server: Server | null = null;
  /** Tries that count (a dead pooled connection does not). */
  private tries = 0;
  private needsFreshConnection = false;
  /** An unused connection was closed for this one's descriptor. */
  private hasEvicted = false;
  /** What to answer if no further try is possible. */
  private failure: own.OwnResponse = own.NO_SERVER;
  private requestSlot = -1;
  private requestLength = 0;
  /** Where in the kept request its identifier stands; length 0: the request has none of ours. */
  requestId = 0;
  requestIdLength = 0;
  /** What the route adds to the response. */
  responseLines: Uint8Array = own.NOTHING;
  /** More of the body than is kept has been sent. */
  private isRequestSpent = false;
  /** When the whole exchange has to be over; 0: never. */
  private exchangeDeadline = 0;

  private constructor(context: Context) {
    super();
    this.context = context;
  }

  static create(context: Context, downstream: ClientConnection, route: Route, head: RequestHead): Exchange {
    let exchange = spares.pop();
    if (exchange === undefined || exchange.context !== context) exchange = new Exchange(context);
    exchange.downstreamOrNull = downstream;
    exchange.routeOrNull = route;
    exchange.method = head.method;
    exchange.version = head.version;
    exchange.wantsUpgrade = false;
    exchange.hasResponse = false;
    exchange.isResponseAhead = false;
    exchange.awaitsContinue = head.expectsContinue;
    exchange.tries = 0;
    exchange.triedCount = 0;
    exchange.needsFreshConnection = false;
    exchange.hasEvicted = false;
    exchange.isRequestSpent = false;
    exchange.requestIdLength = 0;
    return exchange;
  }

  get downstream(): ClientConnection {
    return this.downstreamOrNull as ClientConnection;
  }

  get route(): Route {
    return this.routeOrNull as Route;
  }

  /** When the try under way has to have ended, because no plan has its server any more. */
  get retireAt(): number {
    return this.server === null ? Infinity : this.server.retireAt;
  }

  get upstream(): Upstream {
    return this.route.upstream as Upstream;
  }

  private get action(): ProxyActionPlan {
    return this.route.proxy as ProxyActionPlan;
  }

  // --- the request ---

  /** Rebuilds the head, which was `headLength` bytes long. Null, or what to answer because that is not possible. */
  rebuild(head: RequestHead, headLength: number): own.OwnResponse | null {
    const { arena } = this.context;
    const { downstream, route } = this;
    const { view, hops, requestEmitter: emitter } = downstream.listener;
    const bound = emitter.bound(view, headLength, route);
    if (bound > HEAD_SLOT_BYTES) return own.HEAD_GREW_TOO_LARGE;
    const slot = arena.allocate(bound);
    if (slot < 0) return own.OUT_OF_MEMORY;
    this.wantsUpgrade = mayUpgrade(this.context.memory, head);
    this.key = this.keyFor(view);
    const start = arena.start(slot);
    this.requestSlot = slot;
    const end = emitter.emit(view, hops, route, this.wantsUpgrade, start);
    if (end < 0) {
      this.releaseRequest();
      return end === REWRITE_BAD_PATH ? own.BAD_PATH : own.HEAD_GREW_TOO_LARGE;
    }
    this.requestLength = end - start;
    const lines = downstream.linesFor(route.responseEdit);
    if (lines === null) {
      this.releaseRequest();
      return own.HEAD_GREW_TOO_LARGE;
    }
    this.responseLines = lines;
    if (route.addsRequestId) {
      this.requestId = view.requestId;
      this.requestIdLength = view.requestIdLength;
    }
    return null;
  }

  /** A body of this length fits behind the head: one send, and it can be repeated. */
  hasRoomFor(length: number): boolean {
    const { arena } = this.context;
    return arena.start(this.requestSlot) + this.requestLength + length <= arena.end(this.requestSlot);
  }

  /** Puts a part of such a body there. */
  appendBody(offset: number, length: number): void {
    const { arena, memory } = this.context;
    emitBytes(memory, arena.start(this.requestSlot) + this.requestLength, memory, offset, length);
    this.requestLength += length;
  }

  private keyFor(view: RequestView): number {
    const { hashKey, plan } = this.upstream;
    if (hashKey === null && plan.balance !== 'source-hash') return 0;
    const { client } = view;
    const source = hashWords(client.ip0, client.ip1, client.ip2, client.ip3);
    return hashKey === null ? source : hashKey.of(view, source);
  }

  /** The request is rebuilt and the client's connection ready to hand over the rest of the body: looks for a server. */
  begin(): void {
    this.usePicked(this.upstream.pick(this));
  }

  /** The request's head is complete: from here the whole exchange has its time. */
  start(): void {
    const { timeoutMs } = this.action;
    this.exchangeDeadline = timeoutMs === 0 ? 0 : this.context.transport.now + timeoutMs;
    this.armExchange();
  }

  private armExchange(): void {
    if (this.exchangeDeadline === 0) this.deadline = 0;
    else this.context.timers.arm(this, this.exchangeDeadline);
  }

  // --- tries ---

  override handlePicked(picked: number): void {
    this.armExchange();
    const { downstream } = this;
    this.usePicked(picked);
    downstream.pump();
  }

  private usePicked(picked: number): void {
    const { upstream } = this;
    if (picked < 0) {
      this.handleNoServer(picked);
      return;
    }
    const server = upstream.servers[picked];
    this.server = server;
    this.tries++;
    upstream.take(server);
    const idle = this.needsFreshConnection ? null : server.idle.take();
    if (idle !== null) {
      this.connection = idle;
      idle.reuse(this);
      this.sendRequest(idle);
      return;
    }
    this.connection = ServerConnection.connect(this.context, upstream, server, this);
    if (this.connection !== null) return;
    upstream.give(server);
    this.judgeFailure(FAILED_NO_RESOURCE, 0, false, SENT_NOTHING);
  }

  private handleNoServer(picked: number): void {
    const { upstream } = this;
    if (picked !== PICK_FULL) {
      this.downstream.answer(picked === PICK_TRIED ? this.failure : own.NO_SERVER);
    } else if (upstream.enqueue(this)) {
      const queueDeadline = this.context.transport.now + upstream.plan.timeouts.queueMs;
      const isSooner = this.exchangeDeadline === 0 || queueDeadline < this.exchangeDeadline;
      this.context.timers.arm(this, isSooner ? queueDeadline : this.exchangeDeadline);
    } else {
      this.downstream.answer(own.QUEUE_FULL);
    }
  }

  /** The new connection stands. */
  handleServerReady(): void {
    const { downstream } = this;
    this.sendRequest(this.connection as ServerConnection);
    downstream.pump();
  }

  private sendRequest(connection: ServerConnection): void {
    const { arena, segmentsEnough } = this.context;
    const slot = this.requestSlot;
    const isBodyNext = segmentsEnough > 1 && this.downstream.hasBodyWaiting;
    arena.retain(slot);
    connection.socket.send(slot, arena.start(slot), this.requestLength, isBodyNext);
  }

  /** The server that takes the body; null: not yet. */
  get readyConnection(): ServerConnection | null {
    const { connection } = this;
    return connection !== null && connection.isReady ? connection : null;
  }

  /** A part of the body that is not kept went to the server. */
  noteBodySent(): void {
    this.isRequestSpent = true;
    this.awaitsContinue = false;
    (this.connection as ServerConnection).touch();
  }

  /** The try on `connection`, which is closed, failed before a response began: how (FAILED_...), or with which status. */
  handleTryFailed(how: number, status: number, connection: ServerConnection): void {
    this.connection = null;
    const { downstream } = this;
    this.judgeFailure(how, status, connection.isStale(how), connection.wasConnected ? this.sent : SENT_NOTHING);
    downstream.pump();
  }

  private get sent(): number {
    return this.isRequestSpent ? SENT_UNREPEATABLE : SENT_EVERYTHING_KEPT;
  }

  private judgeFailure(how: number, status: number, isStale: boolean, sent: number): void {
    const { upstream } = this;
    const server = this.server as Server;
    this.failure = failureOf(how, status);
    if (!isStale) this.context.noteFailure(server, how, status);
    if (how === FAILED_NO_RESOURCE && !this.hasEvicted && this.context.evictIdle()) {
      this.hasEvicted = true;
      this.tries--;
      this.usePicked(upstream.pick(this));
      return;
    }
    if (!mayRetry(this.action.retry, isIdempotent(this.method), sent, how, status, isStale, this.tries)) {
      this.downstream.answer(this.failure);
      return;
    }
    if (isStale) this.tries--;
    else this.markTried(server);
    if (isStale) this.needsFreshConnection = true; // for good: one dead connection is reason enough once
    this.usePicked(upstream.pick(this));
  }

  // --- the response ---

  /** The client takes more. */
  pumpResponse(): void {
    if (this.connection !== null) this.connection.pump();
  }

  /** Whether a response with this status is to be dropped and the request tried elsewhere. */
  retriesStatus(status: number): boolean {
    const { retry } = this.action;
    if (status < 429 || !retry.statuses.includes(status)) return false;
    // without another server the client gets this response, which says more than one of our own would
    return (
      mayRetry(retry, isIdempotent(this.method), this.sent, FAILED_STATUS, status, false, this.tries) &&
      this.upstream.hasOther(this, this.server as Server)
    );
  }

  /** The client has been sent a response's head: from here the request cannot be tried again. */
  noteResponseBegun(): void {
    this.hasResponse = true;
    this.releaseRequest();
  }

  /** The response is complete before its request, and the server reads on. */
  handleResponseAhead(): void {
    this.isResponseAhead = true;
    this.exchangeDeadline = 0;
    this.deadline = 0;
  }

  /** The request is complete too. */
  finishAhead(): void {
    (this.connection as ServerConnection).finishRest();
  }

  handleResponseComplete(): void {
    this.connection = null;
    this.downstream.handleResponseComplete();
  }

  /** The server's side ended in the middle of the response. */
  handleResponseBroken(): void {
    this.connection = null;
    this.downstream.handleResponseBroken();
  }

  // --- for the memory guard ---

  /** Whether it keeps a slot of a size that is scarce. */
  get keepsScarce(): boolean {
    if (this.requestSlot >= 0 && this.context.arena.isScarce(this.requestSlot)) return true;
    return this.connection !== null && this.connection.keepsScarce;
  }

  /** Changes while the server takes the request. */
  get acknowledgedBytes(): number {
    return this.connection === null ? 0 : this.connection.acknowledgedBytes;
  }

  // --- ends ---

  override handleExpiry(now: number): void {
    const isExchangeOver = this.exchangeDeadline !== 0 && now >= this.exchangeDeadline;
    this.downstream.giveUp(isExchangeOver ? own.EXCHANGE_TIMEOUT : own.QUEUE_TIMEOUT);
  }

  /** The server goes on as a tunnel: it is no longer this exchange's. */
  detachConnection(): void {
    this.connection = null;
  }

  /** Ends it, whatever it is doing: the try under way is given up, the place in the queue left. */
  end(): void {
    if (this.isQueued) this.upstream.dequeue(this);
    const { connection } = this;
    this.connection = null;
    this.releaseRequest();
    this.deadline = 0;
    this.downstreamOrNull = null;
    this.routeOrNull = null;
    this.server = null;
    if (connection !== null) connection.abandon();
    if (spares.length < SPARE_EXCHANGES_MAX) spares.push(this);
    else this.context.timers.remove(this);
  }

  private releaseRequest(): void {
    if (this.requestSlot < 0) return;
    this.context.arena.release(this.requestSlot);
    this.requestSlot = -1;
    this.requestIdLength = 0;
  }
}

/** Upgrade is passed on whatever the method, with a body too; h2c never is (RFC 9113 section 3.1 has removed it). */
function mayUpgrade(memory: Uint8Array, head: RequestHead): boolean {
  if (!head.hasUpgrade || head.version !== 11) return false;
  const field = head.upgradeField * FIELD_WORDS;
  return !namesH2c(memory, head.fields[field + FIELD_VALUE], head.fields[field + FIELD_VALUE_LENGTH]);
}

/** Whether an Upgrade field's value has `h2c` in it, in any case. */
function namesH2c(bytes: Uint8Array, at: number, length: number): boolean {
  for (let i = at; i + 3 <= at + length; i++) {
    if ((bytes[i] | 32) === 104 && bytes[i + 1] === 50 && (bytes[i + 2] | 32) === 99) return true;
  }
  return false;
}

function failureOf(how: number, status: number): own.OwnResponse {
  switch (how) {
    case FAILED_CONNECT:
      return own.CONNECT_FAILED;
    case FAILED_CONNECT_TIMEOUT:
      return own.CONNECT_TIMEOUT;
    case FAILED_NO_RESOURCE:
      return own.NO_DESCRIPTOR;
    case FAILED_NO_PORT:
      return own.NO_PORT;
    case FAILED_NO_BUFFER:
      return own.OUT_OF_MEMORY;
    case FAILED_RESPONSE_TIMEOUT:
      return own.SERVER_TIMEOUT;
    case FAILED_BAD_RESPONSE:
      return own.SERVER_INVALID;
    case FAILED_STATUS:
      return own.serverStatus(status);
    default:
      return own.SERVER_RESET;
  }
}
