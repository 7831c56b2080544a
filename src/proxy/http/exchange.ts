/**
 * One request and its response. On its way to a server: the tries it takes, and when to give up. The only one that knows both
 * sides, each through an interface (sides.ts): whatever a side wants of the other goes through here.
 *
 *   begun -> picked -> (queued ->) connecting or a pooled connection -> sent -> response begins -> complete
 *                 any of them -> a try fails -> picked again, or answered by the proxy
 *                 any of them -> finished, with an ending (core/endings.ts)
 *
 * However it ends, it ends in `finish`, where it is what there is to say of the request (request-record.ts). What the proxy answers
 * itself, and what is no request at all, is an exchange too, without a server.
 *
 * The request is kept when its head is complete and stays until a response begins, so that a try that failed can be repeated
 * elsewhere if that is safe (`core/retry.ts`). The rest of a large body stays with the client's side until a server takes it.
 *
 * Exchanges are pooled: a connection has one only while a request is being worked on.
 */
import type { ListenerPlan } from '../../config/plan/listener.ts';
import type { ProxyActionPlan, RoutePlan } from '../../config/plan/route.ts';
import type { UpstreamPlan } from '../../config/plan/upstream.ts';
import { isComplete, PHASE_CONNECT, PHASE_DONE, PHASE_QUEUE, PHASE_RESPONSE, PHASE_WAIT } from '../../core/endings.ts';
import { PICK_FULL, PICK_OWN, PICK_TRIED, PICK_UNNAMED } from '../../core/balance/balancer.ts';
import {
  type Failure,
  FAILED_GRPC_STATUS,
  FAILED_NO_RESOURCE,
  FAILED_STATUS,
  SENT_EVERYTHING_KEPT,
  SENT_NOTHING,
  SENT_UNREPEATABLE,
  isIdempotent,
  mayRetry,
} from '../../core/retry.ts';
import type { BelievedHops } from '../../core/client/forwarded-for.ts';
import { statusIn } from '../../core/grpc/grpc.ts';
import type { Refusal } from '../../core/limit/route-limits.ts';
import type { RequestView } from '../../core/value/request-view.ts';
import type { SavedView } from '../../core/value/saved-view.ts';
import type { Socket } from '../../port/transport.ts';
import { emitBytes } from '../../wire/http1/emit.ts';
import { BODY_NONE, METHOD_GET, METHOD_HEAD, type RequestHead, type ResponseHead } from '../../wire/http1/head.ts';
import type { Context } from '../context.ts';
import type { ConnectionInfo, PeerAddress } from '../layer.ts';
import type { Server } from '../server.ts';
import type { Upstream } from '../upstream.ts';
import { restate } from './answer-status.ts';
import type { CompressedBodyOwner } from './compressed-body.ts';
import type { ErrorPage } from './error-page.ts';
import { answerTo } from './failed-tries.ts';
import { EntryHold } from './entry-hold.ts';
import { KeptRequest } from './kept-request.ts';
import { ExchangeRecord } from './exchange-record.ts';
import { RequestBody } from './request-body.ts';
import { ResponseAdditions } from './response-additions.ts';
import { type HeaderEdit } from './header-edit.ts';
import type { Inquiry } from './inquiry.ts';
import { OriginalHead } from './original-head.ts';
import * as own from './own-responses.ts';
import type { ServerProtocol } from './protocol.ts';
import type { RequestKeeper } from './request-keeper.ts';
import type { Route } from './route.ts';
import { ResponsePassage } from './response-passage.ts';
import type { SentRequest } from './sent-request.ts';
import { isSuccess } from './success.ts';
import { type TargetBy } from './target-by.ts';
import { dropBody, makeGet } from './turned-request.ts';
import type { BodySink, ClientSide, ResponseHandler, ServerSide, Tunnel } from './sides.ts';
import type { Trail } from './trail.ts';

/** Idle exchanges kept for reuse; more than this are only needed in a burst. */
const SPARE_EXCHANGES_MAX = 4096;
/** Servers that go one after the other, each before it has worked on the request, are no better than none. */
const STALE_TRIES_MAX = 16;
/** As often as nginx lets a request be sent elsewhere. */
const DETOURS_MAX = 10;
const UNAUTHORIZED = 401;
const spares: Exchange[] = [];

/** What an exchange needs of its listener to go to a server. */
export interface Towards {
  readonly keeper: Pick<RequestKeeper, 'keep'>;
  /** How servers of this upstream are spoken to. */
  protocolOf(upstream: Upstream): ServerProtocol;
}

export class Exchange extends ExchangeRecord implements ResponseHandler, CompressedBodyOwner {
  private readonly context: Context;
  readonly request: KeptRequest;
  private clientOrNull: ClientSide | null = null;
  private protocolOrNull: ServerProtocol | null = null;
  private routeOrNull: Route | null = null;
  private upstreamOrNull: Upstream | null = null;
  /** What a client is told in place of the status of a response; 0: that. */
  private answerStatus = 0;
  /** The answer is a page for an error: there is no page for one of its own. */
  private isErrorPage = false;
  /** How often it went on elsewhere because there was no file. */
  private detours = 0;
  /** What it begins anew with where it goes on elsewhere. */
  readonly original: OriginalHead;
  /** Where a response says that it goes on. */
  private goesOnTo: Uint8Array = own.NOTHING;
  private readonly body: RequestBody;
  private readonly entry: EntryHold<Route>;
  private readonly additions: ResponseAdditions;
  /** Whether its method allows another try once something was sent. */
  private isIdempotent = false;

  /** Since when it waits in a queue, or for a limit; 0: it does not. */
  private queuedAt = 0;
  wantsUpgrade = false;
  /** The head of a final response has been handed to the client's socket. */
  hasResponse = false;
  /** The response is complete, the request is not, and the server reads on. */
  isResponseAhead = false;
  /** The client may wait to be told to send the body, or not to. */
  awaitsContinue = false;
  private serverSide: ServerSide | null = null;
  /** Of the try under way, or of the last one. */
  server: Server | null = null;
  /** Tries that count (a dead pooled connection does not). */
  private tries = 0;
  private needsFreshConnection = false;
  /** Those that do not. */
  private staleTries = 0;
  /** An unused connection was closed for this one's descriptor. */
  private hasEvicted = false;
  /** What to answer if no further try is possible. */
  private failure: own.OwnResponse = own.NO_SERVER;
  /** What the response goes through; null: nothing. */
  private passage: ResponsePassage | null = null;
  /** Null: no route of a request that it had has one. */
  private ownPassage: ResponsePassage | null = null;
  /** When the whole exchange has to be over; 0: never. */
  private exchangeDeadline = 0;

  private constructor(context: Context) {
    super();
    this.context = context;
    this.request = new KeptRequest(context.arena);
    this.original = new OriginalHead(context.arena);
    this.body = new RequestBody(context.arena, this.request);
    this.entry = new EntryHold(context, this);
    this.additions = new ResponseAdditions(context);
  }

  /** Of a client's request, whose head is this; null: what came is no request. `begunAt`: when its first byte came. */
  static begin(context: Context, client: ClientSide, head: RequestHead | null, begunAt: number): Exchange {
    let exchange = spares.pop();
    if (exchange === undefined || exchange.context !== context) exchange = new Exchange(context);
    exchange.clientOrNull = client;
    exchange.beginRecord(head, begunAt, context.transport.now);
    exchange.wantsUpgrade = false;
    exchange.hasResponse = false;
    exchange.isResponseAhead = false;
    exchange.awaitsContinue = head !== null && head.expectsContinue;
    exchange.tries = 0;
    exchange.triedCount = 0;
    exchange.needsFreshConnection = false;
    exchange.staleTries = 0;
    exchange.hasEvicted = false;
    exchange.answerStatus = 0;
    exchange.isErrorPage = false;
    exchange.detours = 0;
    exchange.body.clear();
    exchange.additions.clear();
    exchange.isIdempotent = isIdempotent(exchange.method);
    return exchange;
  }

  private get client(): ClientSide {
    return this.clientOrNull as ClientSide;
  }

  private get protocol(): ServerProtocol {
    return this.protocolOrNull as ServerProtocol;
  }

  private get route(): Route {
    return this.routeOrNull as Route;
  }

  get clientAddress(): PeerAddress {
    return this.client.address;
  }

  get clientInfo(): ConnectionInfo | null {
    return this.client.info;
  }

  emitRequestId(into: Uint8Array, at: number): number {
    const { id, idLength } = this.request;
    return emitBytes(into, at, this.context.memory, id, idLength);
  }

  /** What the route changes in the request. */
  get requestEdit(): HeaderEdit {
    return this.route.requestEdit;
  }

  /** When the try under way has to have ended, because no plan has its server any more. */
  get retireAt(): number {
    return this.server === null ? Infinity : this.server.retireAt;
  }

  get upstream(): Upstream {
    return this.upstreamOrNull as Upstream;
  }

  private get action(): ProxyActionPlan {
    return this.route.proxy as ProxyActionPlan;
  }

  // --- the request ---

  /**
   * The request in the view is to go to a server of `route`: keeps it. Its head was `headLength` bytes long. Null, or what to answer
   * because that is not possible.
   */
  keep(
    route: Route,
    towards: Towards,
    view: RequestView,
    hops: BelievedHops,
    headLength: number,
  ): own.OwnResponse | null {
    const { request } = this;
    this.routeOrNull = route;
    this.upstreamOrNull = route.upstream;
    const { choice } = this.upstream;
    if (choice !== null) {
      const chosen = choice.choose(view);
      if (chosen === null) return own.BAD_NAME;
      this.upstreamOrNull = chosen;
    }
    this.protocolOrNull = towards.protocolOf(this.upstream);
    if (route.passage === null) this.passage = null;
    else {
      this.passage = this.ownPassage ??= new ResponsePassage(this.context, this);
      this.passage.ask(route.passage, view, this.detours === 0);
    }
    this.answerStatus = view.answerStatus;
    this.wantsUpgrade = this.action.upgrade && view.head.hasUpgrade;
    this.key = this.upstream.keyFor(view);
    const { stickiness, stickyAnswer } = this.upstream.sticky;
    this.bound = stickiness === null ? null : stickiness.find(view);
    // what answers say of the request is from before its target is another one
    if (!this.additions.render(route, stickyAnswer, view)) return own.HEAD_GREW_TOO_LARGE;
    if (route.entry !== null) {
      const refusal = this.entry.judge(route.entry, view, this.listener.name);
      if (refusal !== null) return this.refuse(refusal, view, headLength);
      if (this.entry.asks(route.entry, view)) return this.keepAsItCame(view, headLength);
    }
    const { target } = route;
    if (target !== null) {
      if (!target.apply(view)) return own.REWRITE_FAILED;
      view.isPlaced = false;
    }
    if (choice !== null && !choice.applyTarget(view)) return own.REWRITE_FAILED;
    if (route.send !== null) this.changeBy(route.send, view.head);
    const obstacle = towards.keeper.keep(request, view, hops, route, this.wantsUpgrade, headLength);
    const mayGoOn = route.targetBy !== null || route.mirrors !== null || (route.hasErrorPages && !this.isErrorPage);
    if (obstacle === null && mayGoOn) this.original.keep(view, headLength);
    return obstacle;
  }

  /** What to answer because a limit does not let the request in, which ends here unless there is a page for that. */
  private refuse({ kind, lines, status }: Refusal, view: RequestView, headLength: number): own.OwnResponse {
    const hasPage = this.route.errorPageFor(status) !== null && view.head.body === BODY_NONE;
    if (hasPage) this.original.keep(view, headLength);
    else this.additions.carried = lines;
    return own.limited(kind, status);
  }

  /** It is kept for a server when it has been let in. What to answer because that is not possible. */
  private keepAsItCame(view: RequestView, headLength: number): own.OwnResponse | null {
    this.original.keep(view, headLength);
    return this.original.isKept ? null : own.OUT_OF_MEMORY;
  }

  private changeBy(send: SentRequest, head: RequestHead): void {
    if (!send.isIdempotent) this.isIdempotent = false;
    if (!send.dropsBody) return;
    if (head.body !== BODY_NONE) this.body.isDropped = true;
    dropBody(head);
  }

  /** The page for an error with this status; null: there is none. */
  errorPageFor(status: number): ErrorPage<Route> | null {
    if (!this.original.isKept || this.hasResponse || this.isErrorPage || this.routeOrNull === null) return null;
    const page = this.route.errorPageFor(status);
    // what is not here of a body any more cannot go to another server
    return page === null || page.plan.to.kind !== 'call' || this.hasWholeBody ? page : null;
  }

  /** Whatever the request has of a body is kept with its head. */
  get hasWholeBody(): boolean {
    return this.client.isRequestComplete && !this.body.isSpent && !this.body.isDropped;
  }

  /** It was sent elsewhere again and again. */
  get goesRound(): boolean {
    return this.detours >= DETOURS_MAX;
  }

  /** A body of this length is waited for, and stays behind the head that is kept, or nobody wants it. */
  keepsBody(length: number): boolean {
    return this.body.isDropped || (this.action.streamsBodies !== true && this.body.fits(length));
  }

  /** A part of such a body. */
  keepBody(offset: number, length: number): void {
    this.body.keep(offset, length, this.listener.readsBodies === true);
  }

  /**
   * The request, which has been given up, and whose head is parsed anew, ends in an error, or there is no file for it, and is to be answered with this
   * page: as if it had come now. For another target it is one that has no body.
   */
  turn({ plan }: ErrorPage<Route>, head: RequestHead): void {
    this.isErrorPage = plan.goesOn !== true;
    const isCalled = plan.to.kind === 'call' && !this.body.isDropped;
    if (isCalled) this.request.releaseHead();
    else this.dropAll(head, this.isErrorPage && plan.to.kind === 'target');
    this.beginAnew();
  }

  /** The same where a response says where to. False: a route is called, and what there was of a body is not here any more. */
  turnByResponse(head: RequestHead, isCalled: boolean): boolean {
    if (isCalled && !this.hasWholeBody) return false;
    if (isCalled) this.request.releaseHead();
    else this.dropAll(head, true);
    this.beginAnew();
    return true;
  }

  /** What there is of a body stays behind. */
  private dropAll(head: RequestHead, isGet: boolean): void {
    if (head.body !== BODY_NONE) this.body.isDropped = true;
    dropBody(head);
    if (isGet) makeGet(this.context.memory, head);
    this.original.at = head.start;
    this.method = head.method;
    this.request.release();
  }

  /**
   * Whatever is under way for it is given up. Whoever has waited for the server has a turn here, so no head that is read is the same one
   * afterwards.
   */
  giveUp(): void {
    this.leaveQueue();
    if (this.entry.isHeld) this.entry.abandon();
    const { serverSide } = this;
    this.serverSide = null;
    if (serverSide !== null) serverSide.abandon();
    this.passage?.end();
  }

  /** Nothing is under way for it. */
  private beginAnew(): void {
    this.isIdempotent = isIdempotent(this.method);
    this.detours++;
    this.trail.turn();
    this.tries = 0;
    this.triedCount = 0;
    this.needsFreshConnection = false;
    this.deadline = 0;
  }

  /** The request is rebuilt and the client's connection ready to hand over the rest of the body: looks for a server. */
  begin(): void {
    if (this.entry.isHeld) this.hold();
    else this.findServer();
  }

  private findServer(): void {
    const { mirrors } = this.route;
    if (mirrors !== null && this.detours === 0) this.client.sendCopies(mirrors);
    this.usePicked(this.upstream.pick(this));
  }

  private hold(): void {
    const { delayedUntil, isAsking } = this.entry;
    if (delayedUntil > 0) this.waitUntil(delayedUntil);
    else if (isAsking) this.ask();
    else this.findServer();
  }

  /** It waits for what the one says who is next to be asked whether it may enter. */
  ask(): void {
    this.client.ask();
  }

  /** With that question. */
  get asking(): Inquiry<Route> {
    return this.entry.asking;
  }

  /** That it was kept for, or has been let into. */
  get entered(): Route {
    return this.route;
  }

  /** No client has sent it, and it goes to `route`: what that has for requests of clients does not concern it. */
  becomeInner({ entry }: Route): void {
    this.isInner = true;
    this.isErrorPage = true;
    this.entry.waive(entry);
  }

  /** As `keep` of such a question, about the request in the view. */
  keepQuestion(
    route: Route,
    towards: Towards,
    view: RequestView,
    hops: BelievedHops,
    headLength: number,
  ): own.OwnResponse | null {
    const { method, methodLength } = view.head;
    this.becomeInner(route);
    this.method = METHOD_GET;
    this.isIdempotent = true;
    const obstacle = this.keep(route, towards, view, hops, headLength);
    const isOwn = method !== METHOD_HEAD && route.send !== null && route.send.setsMethod;
    if (obstacle === null && !isOwn) this.request.becomeGet(methodLength);
    return obstacle;
  }

  /** The head of a request that is asked about is parsed anew, and in the view: it is what it was when it came to its guard. */
  restore(view: RequestView): void {
    if (this.body.isDropped) dropBody(view.head);
    this.entry.saved?.restore(view);
  }

  /** What steps, and those who were asked, have made of it; null: nobody was asked. */
  get saved(): SavedView | null {
    return this.entry.saved;
  }

  handleVerdict(verdict: number): void {
    const { client, entry } = this;
    const lines = entry.settle(verdict);
    if (lines !== null) this.additions.carried = lines;
    const { delayedUntil, refusal } = entry;
    if (refusal !== null && delayedUntil > 0) this.waitUntil(delayedUntil);
    else client.settle();
    client.pump();
  }

  /** What it is answered with that was asked about, and is in the view; null: it enters. */
  refuseEntry(view: RequestView): own.OwnResponse | null {
    const refusal = this.entry.takeRefusal();
    if (refusal === null) return null;
    return this.additions.render(this.route, null, view) ? refusal : own.HEAD_GREW_TOO_LARGE;
  }

  private waitUntil(time: number): void {
    this.phase = PHASE_QUEUE;
    this.queuedAt = this.context.transport.now;
    const { exchangeDeadline } = this;
    this.context.timers.arm(this, exchangeDeadline === 0 || time < exchangeDeadline ? time : exchangeDeadline);
  }

  /** It is with a server, or waits for one: not where a file is read for it. */
  get wantsServer(): boolean {
    return this.routeOrNull !== null && !this.route.isOfFiles;
  }

  /** The request's head is complete: from here the whole exchange has its time, and the client may say that it waits no longer than so; 0: it does not. */
  start(clientMs = 0): void {
    const { timeoutMs } = this.action;
    const ms = timeoutMs === 0 || (clientMs > 0 && clientMs < timeoutMs) ? clientMs : timeoutMs;
    this.exchangeDeadline = ms === 0 ? 0 : this.context.transport.now + ms;
    this.armExchange();
  }

  private armExchange(): void {
    if (this.exchangeDeadline === 0) this.deadline = 0;
    else this.context.timers.arm(this, this.exchangeDeadline);
  }

  // --- tries ---

  override handlePicked(picked: number): void {
    this.leaveQueue();
    this.armExchange();
    const { client } = this;
    this.usePicked(picked);
    client.pump();
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
    this.trail.begin(server.addressText, this.context.transport.now);
    const standing = this.needsFreshConnection ? null : server.idle.take(!this.isRepeatable);
    if (standing !== null) {
      this.serverSide = standing;
      this.trail.connected(this.context.transport.now, false);
      standing.reuse(this);
      this.sendRequest(standing);
      return;
    }
    this.phase = PHASE_CONNECT;
    this.serverSide = this.protocol.connect(upstream, server, this);
    if (this.serverSide !== null) return;
    upstream.give(server);
    this.judgeFailure(FAILED_NO_RESOURCE, 0, false, SENT_NOTHING);
  }

  /** A server that closes its unused connection while the request is on its way costs no more than another try. */
  private get isRepeatable(): boolean {
    return this.client.isRequestComplete && (this.isIdempotent || this.action.retry.nonIdempotent);
  }

  private handleNoServer(picked: number): void {
    const { upstream } = this;
    if (picked !== PICK_FULL) {
      this.noteNoServer(picked);
      if (picked === PICK_TRIED) this.client.answer(this.failure);
      else if (picked === PICK_OWN) this.client.answer(own.OWN_ADDRESS);
      else this.client.answer(picked === PICK_UNNAMED ? own.NO_NAME : own.NO_SERVER);
    } else if (upstream.enqueue(this)) {
      this.waitUntil(this.context.transport.now + upstream.plan.timeouts.queueMs);
    } else {
      this.client.answer(own.QUEUE_FULL);
    }
  }

  /** A try that there was nobody for is one too, in the name of the upstream. */
  private noteNoServer(picked: number): void {
    const { trail, upstream } = this;
    const { now } = this.context.transport;
    if (picked === PICK_TRIED && !this.leavesOut(upstream.servers)) return;
    trail.passOver(upstream.plan.name, picked === PICK_OWN ? own.OWN_ADDRESS.status : own.NO_NAME.status, now);
  }

  handleServerReady(server: ServerSide): void {
    const { client } = this;
    this.serverSide = server;
    this.trail.connected(this.context.transport.now, true);
    this.sendRequest(server);
    client.pump();
  }

  private sendRequest(server: ServerSide): void {
    this.phase = PHASE_WAIT;
    const { client } = this;
    const { isDropped } = this.body;
    server.sendRequest(this.request, client.hasBodyWaiting && !isDropped, client.isRequestComplete || isDropped);
  }

  /** Where the rest of the request's body goes; null: nowhere yet. */
  get requestSink(): BodySink | null {
    const sink = this.bodySink;
    if (sink === null || this.listener.readsBodies !== true) return sink;
    return this.body.copiedBefore(sink, this.client.sendsChunks);
  }

  private get bodySink(): BodySink | null {
    const { serverSide } = this;
    if (this.body.isDropped) return this.body.nowhere;
    return serverSide !== null && serverSide.isReady ? serverSide.sink : null;
  }

  get requestBody(): Uint8Array {
    return this.client.isRequestComplete ? this.body.text : own.NOTHING;
  }

  /** A part of the body is about to go to the server, and is kept too where there is room for it: then the request can be sent again. */
  keepSent(offset: number, length: number): boolean {
    return this.body.keepSent(offset, length);
  }

  /** A part of the body went to the server. `isKept`: it is here still. */
  noteBodySent(isKept = false): void {
    const { body } = this;
    if (body.isDropped) return;
    if (!isKept) body.isSpent = true;
    this.awaitsContinue = false;
    (this.serverSide as ServerSide).touch();
  }

  handleTryFailed(how: Failure, status: number, server: ServerSide): void {
    this.serverSide = null;
    this.passage?.end();
    const { client } = this;
    this.judgeFailure(how, status, server.isStale(how), server.wasConnected ? this.sent : SENT_NOTHING);
    client.pump();
  }

  private get sent(): number {
    return this.body.isSpent ? SENT_UNREPEATABLE : SENT_EVERYTHING_KEPT;
  }

  private judgeFailure(how: Failure, status: number, wasStale: boolean, sent: number): void {
    const { upstream } = this;
    const isStale = wasStale && this.staleTries++ < STALE_TRIES_MAX;
    const server = this.server as Server;
    if (how === FAILED_STATUS && this.isIntercepted(status)) {
      this.trail.fail(status, how, this.context.transport.now);
      this.client.answer(own.serverStatus(status));
      return;
    }
    this.failure = answerTo(how, status);
    if (isStale) this.trail.forget();
    else this.trail.fail(this.failure.status, how, this.context.transport.now);
    // a server that has not got something, or does not give it, is well
    const isWell = how === FAILED_STATUS && (status === 403 || status === 404);
    if (!isStale && !isWell) this.context.noteFailure(server, how, status);
    if (how === FAILED_NO_RESOURCE && !this.hasEvicted && this.context.evictIdle()) {
      this.hasEvicted = true;
      this.tries--;
      this.usePicked(upstream.pick(this));
      return;
    }
    if (!mayRetry(this.action.retry, this.isIdempotent, sent, how, status, isStale, this.tries)) {
      this.client.answer(this.failure);
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
    if (this.passage?.resume() === true) return;
    if (this.serverSide !== null) this.serverSide.pump();
  }

  retriesStatus(status: number): boolean {
    const isForOther = this.triesOther(status);
    if (isForOther && status === UNAUTHORIZED) this.additions.carryChallenge(this.context.responseHead);
    return isForOther;
  }

  retriesCall(head: ResponseHead): number {
    const { retry } = this.action;
    if (retry.grpcStatuses === undefined) return 0;
    const status = statusIn(this.context.memory, head);
    // without another server the client gets this response
    return this.mayTryOther(FAILED_GRPC_STATUS, status) ? status : 0;
  }

  goesOnBy(head: ResponseHead): boolean {
    const { responseEdit, targetBy } = this.route;
    if (targetBy === null) return false;
    const text = targetBy.find(this.context.memory, head);
    if (text === null) return false;
    this.trail.respond(head.status, this.context.transport.now);
    this.goesOnTo = text;
    this.passage?.keepSaid(head);
    this.additions.carry(head, responseEdit);
    return true;
  }

  handleGoesOn(): void {
    this.serverSide = null;
    const { client } = this;
    client.goOn(this.goesOnTo, this.route.targetBy as TargetBy);
    client.pump();
  }

  get leavesBody(): boolean {
    return this.method === METHOD_HEAD && this.route.send !== null;
  }

  private triesOther(status: number): boolean {
    const { retry } = this.action;
    if (status < 403 || !retry.statuses.includes(status)) return this.isIntercepted(status);
    // without another server the client gets this response, which says more than one of our own would
    return this.mayTryOther(FAILED_STATUS, status) || this.isIntercepted(status);
  }

  private mayTryOther(how: Failure, status: number): boolean {
    return (
      mayRetry(this.action.retry, this.isIdempotent, this.sent, how, status, false, this.tries) &&
      this.upstream.hasOther(this, this.server as Server)
    );
  }

  /** A response with this status is not for the client, and no other server is tried. */
  private isIntercepted(status: number): boolean {
    if (!this.action.interceptsErrors || status < 300 || this.errorPageFor(status) === null) return false;
    return !this.action.retry.statuses.includes(status) || !this.mayTryOther(FAILED_STATUS, status);
  }

  get isRequestComplete(): boolean {
    return this.client.isRequestComplete;
  }

  get wantsRestRead(): boolean {
    return this.client.wantsRestRead;
  }

  get responseSink(): BodySink {
    return this.passage?.sink ?? this.client.sink;
  }

  pumpRequest(): void {
    this.client.pump();
  }

  noteBacklog(): void {
    // while something is in the way, nobody waits for the client
    if (this.passage === null || this.passage.sink === null || this.client.sink.isFull) this.client.noteBacklog();
  }

  passInterim(head: ResponseHead): boolean {
    return this.client.sendInterim(head);
  }

  beginResponse(head: ResponseHead, body: number, isReusable: boolean): boolean {
    if (this.answerStatus > 0 && !this.isFolder(head)) restate(this.context.memory, head, this.answerStatus);
    this.beginOf(head);
    const { route } = this;
    const edit = isSuccess(head.status) ? route.successEdit : route.responseEdit;
    const lines = this.additions.apply(route, head, edit, this);
    if (lines === null) return false;
    const { client, passage } = this;
    if (passage === null) client.beginResponse(head, edit, lines, body, isReusable);
    else passage.begin(client, head, edit, lines, body, isReusable);
    return true;
  }

  handleClientFull(): void {
    if (this.client.sink.isFull) this.client.noteBacklog();
  }

  handleWorkedOn(): void {
    if (this.passage?.isFinishing === true) this.client.handleResponseComplete();
    else if (this.serverSide !== null) this.serverSide.pump();
  }

  private beginOf({ status }: ResponseHead): void {
    const { now } = this.context.transport;
    this.status = status;
    this.phase = PHASE_RESPONSE;
    this.responseAt = now;
    this.trail.respond(status, now);
  }

  /** The path of a folder without its slash: a client follows that only for its own status. */
  private isFolder({ status }: ResponseHead): boolean {
    return status === 301 && this.route.isOfFiles;
  }

  /** What follows of the request would look like the new protocol's bytes, so it must be over (RFC 9110 section 7.8). */
  mayChange(head: ResponseHead): boolean {
    return this.wantsUpgrade && head.hasUpgrade && this.client.isRequestComplete && this.client.agreesTo(head);
  }

  passSwitching(head: ResponseHead): boolean {
    this.beginOf(head);
    const { route } = this;
    const lines = this.additions.apply(route, head, route.responseEdit, this);
    return lines !== null && this.client.sendSwitching(head, route.responseEdit, lines);
  }

  beginTunnel(tunnel: Tunnel, socket: Socket): void {
    this.serverSide = null;
    this.client.beginTunnel(this.entry.over(tunnel), socket);
  }

  noteResponseBegun(): void {
    this.hasResponse = true;
    this.request.release();
  }

  handleResponseAhead(): void {
    this.isResponseAhead = true;
    this.exchangeDeadline = 0;
    this.deadline = 0;
  }

  /** The request is complete too. */
  finishAhead(): void {
    (this.serverSide as ServerSide).finishRest();
  }

  handleResponseComplete(): void {
    this.serverSide = null;
    if (this.passage === null || this.passage.finish()) this.client.handleResponseComplete();
  }

  handleResponseBroken(ending: number): void {
    this.serverSide = null;
    this.client.handleResponseBroken(ending);
  }

  // --- for the memory guard ---

  /** Whether it keeps a slot of a size that is scarce. */
  get keepsScarce(): boolean {
    if (this.request.isScarce || this.passage?.keepsScarce === true) return true;
    return this.serverSide !== null && this.serverSide.keepsScarce;
  }

  /** Changes while the server takes the request. */
  get acknowledgedBytes(): number {
    return this.serverSide === null ? 0 : this.serverSide.acknowledgedBytes;
  }

  // --- ends ---

  override handleExpiry(now: number): void {
    const isExchangeOver = this.exchangeDeadline !== 0 && now >= this.exchangeDeadline;
    if (this.entry.endDelay() && !isExchangeOver) {
      this.handleDelayed();
      return;
    }
    this.client.giveUp(isExchangeOver ? own.EXCHANGE_TIMEOUT : own.QUEUE_TIMEOUT);
  }

  private handleDelayed(): void {
    const { isAsking, refusal } = this.entry;
    const { client } = this;
    this.leaveQueue();
    this.armExchange();
    if (refusal !== null) client.settle();
    else if (isAsking) this.ask();
    else this.findServer();
    client.pump();
  }

  /** What the page for an error has of the server's response. */
  get carried(): Uint8Array {
    return this.additions.carried;
  }

  /** What the route that it was to take adds to an error of the proxy's own with this status. */
  errorLines(status: number): Uint8Array {
    const { routeOrNull: route } = this;
    return route === null ? own.NOTHING : this.additions.ofError(route, status, this);
  }

  get isBound(): boolean {
    return this.bound !== null && this.server !== null && this.bound.includes(this.server);
  }

  get listener(): ListenerPlan {
    return this.client.listenerPlan;
  }

  get routePlan(): RoutePlan | null {
    return this.routeOrNull === null ? null : this.routeOrNull.plan;
  }

  get limiter(): string {
    return this.entry.limiter;
  }

  get asked(): Trail | null {
    return this.entry.asked;
  }

  get upstreamPlan(): UpstreamPlan | null {
    return this.upstreamOrNull === null ? null : this.upstreamOrNull.plan;
  }

  get receivedBytes(): number {
    return this.client.receivedBytes;
  }

  get sentBytes(): number {
    return this.client.sentBytes;
  }

  get sentHeadBytes(): number {
    return this.client.sentHeadBytes;
  }

  private leaveQueue(): void {
    if (this.isQueued) this.upstream.dequeue(this);
    if (this.queuedAt === 0) return;
    this.queuedMs += this.context.transport.now - this.queuedAt;
    this.queuedAt = 0;
  }

  /** The end, the only one, whatever it is doing: the try under way is given up, the place in the queue left. `ending`: of core/endings.ts. */
  finish(ending: number): void {
    this.leaveQueue();
    this.ending = ending;
    if (isComplete(ending)) this.phase = PHASE_DONE;
    this.endedAt = this.context.transport.now;
    const { accessLogs, requestReaders } = this.context;
    for (let i = 0; i < requestReaders.length; i++) requestReaders[i].handleRequest(this);
    if (this.drafts.length > 0) accessLogs.finish(this);
    const { serverSide } = this;
    this.serverSide = null;
    this.passage?.end();
    this.request.release();
    this.original.release();
    this.deadline = 0;
    this.clientOrNull = null;
    this.protocolOrNull = null;
    this.routeOrNull = null;
    this.upstreamOrNull = null;
    this.entry.release();
    this.additions.release();
    this.body.release();
    this.bound = null;
    this.passage = null;
    this.goesOnTo = own.NOTHING;
    this.server = null;
    this.releaseRecord();
    if (serverSide !== null) serverSide.abandon();
    if (spares.length < SPARE_EXCHANGES_MAX) spares.push(this);
    else this.context.timers.remove(this);
  }
}
