/**
 * A client of an exchange, whichever version of HTTP it speaks: what is answered here, and how a request goes on elsewhere. How it
 * is read, and how an answer is framed and sent, is its version's.
 */
import type { ListenerPlan } from '../../config/plan/listener.ts';
import { CLOSED, endedByAnswer } from '../../core/endings.ts';
import type { Socket } from '../../port/transport.ts';
import type { RequestHead, ResponseHead } from '../../wire/http1/head.ts';
import { parseRequestHead } from '../../wire/http1/request.ts';
import type { Context } from '../context.ts';
import type { ConnectionInfo, PeerAddress } from '../layer.ts';
import type { Listener } from '../listener.ts';
import { Session } from '../session.ts';
import type { Admission } from './admission.ts';
import type { ClientEmitters } from './client-emitters.ts';
import type { ErrorPage } from './error-page.ts';
import { Exchange } from './exchange.ts';
import type { HeaderEdit } from './header-edit.ts';
import type { Mirror } from './mirror.ts';
import * as own from './own-responses.ts';
import type { Peer } from './peer.ts';
import type { AnswerRecord } from './request-record.ts';
import { RequestCopy } from './request-copy.ts';
import { Route } from './route.ts';
import type { HttpService } from './service.ts';
import type { BodySink, ClientSide, Tunnel } from './sides.ts';
import { dropBody } from './turned-request.ts';
import type { TargetBy } from './target-by.ts';

export abstract class HttpClient extends Session implements ClientSide {
  declare protected readonly context: Context;
  declare protected readonly service: HttpService;
  declare protected readonly listener: Listener;
  declare protected readonly emitters: ClientEmitters;
  declare protected admission: Admission;
  declare protected peer: Peer;
  declare protected exchange: Exchange | null;
  declare protected isHeadMethod: boolean;
  /** When the first byte of the request came. */
  declare protected begunAt: number;

  /** As of Timed. */
  constructor(service: HttpService, emitters: ClientEmitters, admission: Admission, peer: Peer) {
    super();
    this.context = service.listener.context;
    this.service = service;
    this.listener = service.listener;
    this.emitters = emitters;
    this.admission = admission;
    this.peer = peer;
    this.exchange = null;
    this.isHeadMethod = false;
    this.begunAt = 0;
  }

  abstract readonly sink: BodySink;
  abstract readonly isRequestComplete: boolean;
  abstract readonly sendsChunks: boolean;
  abstract readonly hasBodyWaiting: boolean;
  abstract readonly wantsRestRead: boolean;
  abstract readonly receivedBytes: number;
  abstract readonly sentBytes: number;
  abstract readonly sentHeadBytes: number;
  abstract pump(): void;
  abstract noteBacklog(): void;
  abstract sendInterim(head: ResponseHead): boolean;
  abstract beginResponse(
    head: ResponseHead,
    edit: HeaderEdit,
    lines: Uint8Array,
    body: number,
    isReusable: boolean,
  ): void;
  agreesTo(_head: ResponseHead): boolean {
    return true;
  }
  abstract sendSwitching(head: ResponseHead, edit: HeaderEdit, lines: Uint8Array): boolean;
  abstract beginTunnel(tunnel: Tunnel, socket: Socket): void;
  abstract handleResponseComplete(): void;

  /** What an answer says about the connection. */
  protected abstract readonly connectionWord: number;
  /** An answer of ours follows: whether the connection goes on behind it. */
  protected abstract settlePersistence(): void;
  /** Sends a whole response of ours, whose lines and body, together so long, stand in the scratch slot; that was all. */
  protected abstract sendOwn(length: number): void;
  /** The request is kept, and a server is looked for, whatever is still to come of it. */
  protected abstract awaitServer(): void;
  /** Reads a head that was kept into `context.requestHead`, as `parseRequestHead` does. */
  protected parseHead(at: number, end: number): number {
    const { memory, requestHead } = this.context;
    return parseRequestHead(memory, at, end, this.emitters.limits, requestHead);
  }
  /** It ends without an answer. */
  protected abstract close(ending: number): void;
  /** A response has begun and will not be complete: the client must be able to tell. */
  protected abstract breakOff(ending: number): void;

  get address(): PeerAddress {
    return this.peer.address;
  }

  get info(): ConnectionInfo | null {
    return this.peer.info;
  }

  get listenerPlan(): ListenerPlan {
    return this.listener.plan;
  }

  /** The longest silence inside a request's body, and the time over which a rate is an average. */
  protected get bodyMs(): number {
    return this.listener.plan.timeouts.bodyMs;
  }

  override retireAt(): number {
    return Math.min(this.listener.retireAt, this.exchange === null ? Infinity : this.exchange.retireAt);
  }

  // --- a request ---

  /** One begins, whose head is in `context.requestHead`. */
  protected beginExchange(head: RequestHead): Exchange {
    const exchange = Exchange.begin(this.context, this, head, this.begunAt);
    this.exchange = exchange;
    this.peer.requests++;
    return exchange;
  }

  /** What has come is no request, or not all of one: it ends as one exchange all the same. */
  protected beginFragment(): void {
    this.exchange = Exchange.begin(this.context, this, null, this.begunAt);
    if (this.service.isLogging) this.service.beginFragmentLog(this.exchange, this.peer);
  }

  /** Looks for the route of a request that has begun. Null: it takes none to a server, and was answered here. */
  protected admit(exchange: Exchange): Route | null {
    const { peer, service } = this;
    const admitted = this.admission.admit(peer);
    if (service.isLogging) service.beginLog(exchange, admitted, peer);
    if (admitted instanceof Route) {
      exchange.counted = admitted.counted;
      return this.endBy(admitted) ? null : admitted;
    }
    if (admitted.kind === own.NO_KIND) this.answerPlainly(admitted);
    else this.answer(admitted);
    return null;
  }

  /** False: the route has no answer of its own, its requests go to servers. */
  private endBy(route: Route): boolean {
    if (route.action.kind === 'close') this.close(CLOSED);
    else if (route.own !== null) this.answerByRoute(route, route.own);
    else return false;
    return true;
  }

  /** The request is to go to a server of this route: keeps it, as `Exchange.keep`. */
  protected keep(exchange: Exchange, route: Route, headLength: number): own.OwnResponse | null {
    const { service } = this;
    return exchange.keep(route, service, service.view, service.hops, headLength);
  }

  sendCopies(mirrors: readonly Mirror[]): void {
    const exchange = this.exchange as Exchange;
    for (const mirror of mirrors) {
      // each begins with the head as it came
      if (mirror.takes(this.context.prng) && this.parseKept(exchange))
        RequestCopy.send(this.service, this.peer, exchange, mirror);
    }
  }

  ask(): void {
    const exchange = this.exchange as Exchange;
    const inquiry = exchange.asking;
    const { context, service } = this;
    const route = this.lookAgain(exchange) ? service.routeOf(inquiry.question) : null;
    const { view } = service;
    if (route === null) inquiry.answer();
    else if (route.own !== null) inquiry.hear(view.answerStatus === 0 ? route.own.status : view.answerStatus);
    else {
      const { requestHead, transport } = context;
      const { at, end } = exchange.original;
      dropBody(requestHead);
      requestHead.hasUpgrade = false;
      const question = Exchange.begin(context, inquiry, requestHead, transport.now);
      inquiry.send(question, view);
      const obstacle = question.keepQuestion(route, service, view, service.hops, end - at);
      if (obstacle !== null) inquiry.answer();
      else {
        question.start();
        question.begin();
      }
    }
  }

  settle(): void {
    const exchange = this.exchange as Exchange;
    if (!this.lookAgain(exchange)) {
      this.answer(own.OUT_OF_MEMORY);
      return;
    }
    const { at, end } = exchange.original;
    const obstacle = exchange.refuseEntry(this.service.view) ?? this.keep(exchange, exchange.entered, end - at);
    if (obstacle !== null) this.answer(obstacle);
    else exchange.begin();
  }

  /** The request that waits to be let in is in the view again. */
  private lookAgain(exchange: Exchange): boolean {
    const { service } = this;
    if (!this.parseKept(exchange)) return false;
    service.lookAgain(this.peer, exchange.trace);
    exchange.restore(service.view);
    return true;
  }

  // --- its end ---

  handleResponseBroken(ending: number): void {
    this.breakOff(ending);
  }

  giveUp(response: own.OwnResponse): void {
    if ((this.exchange as Exchange).hasResponse) this.breakOff(endedByAnswer(response.kind));
    else this.answer(response);
  }

  /** How the exchange ends when an answer of ours has been sent. */
  protected get answeredEnding(): number {
    const { answer } = this.exchange as Exchange;
    return endedByAnswer(answer === null ? own.NO_KIND : answer.kind);
  }

  protected finishExchange(ending: number): void {
    const { exchange } = this;
    this.exchange = null;
    if (exchange !== null) exchange.finish(ending);
  }

  // --- answers of the proxy's own ---

  /** Something is wrong: an error of the proxy's own, which can be found again by its identifier. */
  answer(response: own.OwnResponse): void {
    const exchange = this.exchange as Exchange;
    const page = exchange.errorPageFor(response.status);
    if (page !== null && exchange.goesRound) response = own.REWRITE_CYCLE;
    else if (page !== null && this.answerByPage(exchange, page, response.status)) return;
    const { id, idLength } = exchange.request;
    const { memory } = this.context;
    const { name } = this.listener.plan;
    const made = idLength > 0 ? null : this.emitters.ids.make();
    const record =
      made === null
        ? exchange.noteAnswer(response, name, memory, id, idLength)
        : exchange.noteAnswer(response, name, made, 0, made.length);
    this.settlePersistence();
    const lines = exchange.errorLines(response.status);
    this.sendAnswer(this.writeError(response, record, lines));
  }

  protected writeError(response: own.OwnResponse, record: AnswerRecord, lines: Uint8Array): number {
    return this.emitters.own.writeError(response, record, lines, this.isHeadMethod, this.connectionWord);
  }

  /** Answers with the page for an error, whose request was kept. False: the page is no answer. */
  private answerByPage(exchange: Exchange, page: ErrorPage<Route>, status: number): boolean {
    exchange.giveUp();
    if (!this.parseKept(exchange)) return false;
    exchange.turn(page, this.context.requestHead);
    const route = this.service.turnFailed(this.peer, page, status, exchange);
    return route !== null && this.takeTurn(exchange, route);
  }

  goOn(text: Uint8Array, by: TargetBy): void {
    const exchange = this.exchange as Exchange;
    if (exchange.goesRound) {
      this.answer(own.REWRITE_CYCLE);
      return;
    }
    exchange.giveUp();
    if (!this.parseKept(exchange)) {
      this.answer(own.OUT_OF_MEMORY);
      return;
    }
    const name = by.calledBy(text);
    if (!exchange.turnByResponse(this.context.requestHead, name !== null)) {
      this.answer(own.REWRITE_FAILED);
      return;
    }
    const route = this.service.turnBy(this.peer, text, name, exchange);
    if (!(route instanceof Route)) this.answer(route);
    else if (!this.takeTurn(exchange, route)) this.answer(own.REWRITE_FAILED);
  }

  /** The head that was kept is in `context.requestHead` again. */
  private parseKept({ original: { at, end, isKept } }: Exchange): boolean {
    return isKept && this.parseHead(at, end) > 0;
  }

  /** The request that goes on takes this route. False: it cannot. */
  private takeTurn(exchange: Exchange, route: Route): boolean {
    if (this.endBy(route)) return true;
    const { at, end } = exchange.original;
    if (this.keep(exchange, route, end - at) !== null) return false;
    this.awaitServer();
    exchange.start();
    exchange.begin();
    return true;
  }

  /** An answer that is no error. */
  private answerPlainly(response: own.OwnResponse): void {
    (this.exchange as Exchange).status = response.status;
    this.settlePersistence();
    this.sendAnswer(this.emitters.own.writePlain(response, this.connectionWord));
  }

  private answerByRoute(route: Route, { status }: own.OwnResponse): void {
    const { view } = this.service;
    this.settlePersistence();
    const exchange = this.exchange as Exchange;
    const { isHeadMethod, connectionWord } = this;
    const { carried } = exchange;
    const length = this.emitters.own.writeRoute(route, view, exchange, carried, isHeadMethod, connectionWord);
    if (length < 0) {
      this.answer(own.HEAD_GREW_TOO_LARGE);
      return;
    }
    exchange.status = view.answerStatus === 0 ? status : view.answerStatus;
    this.sendAnswer(length);
  }

  private sendAnswer(length: number): void {
    const { arena, scratchSlot } = this.context;
    const { response } = this.emitters;
    response.note(this.exchange as Exchange, null, arena.start(scratchSlot), length - response.bodyBytes);
    this.sendOwn(length);
  }
}
