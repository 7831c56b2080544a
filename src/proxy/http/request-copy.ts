/**
 * The copy of a request that goes to another route as well: the client of an exchange whose response nobody wants. It has bytes of its own from the
 * beginning, and knows nothing of the request that it is a copy of, which has gone on by then or has ended.
 */
import { assert } from '../../base/assert.ts';
import { COPIES_MAX, COPY_MS_MAX } from '../../base/limits.ts';
import { answerKind } from '../../core/answers/kinds.ts';
import { endedByAnswer, MOVED, RETIRED, SERVED, SHED } from '../../core/endings.ts';
import type { ListenerPlan } from '../../config/plan/listener.ts';
import { BODY_NONE } from '../../wire/http1/head.ts';
import type { Context } from '../context.ts';
import type { PeerAddress } from '../layer.ts';
import type { Listener } from '../listener.ts';
import { KEEPS_NOTHING, Session } from '../session.ts';
import { Discard } from './discard.ts';
import { Exchange } from './exchange.ts';
import type { Mirror } from './mirror.ts';
import { HEAD_GREW_TOO_LARGE, type OwnResponse } from './own-responses.ts';
import type { Peer } from './peer.ts';
import type { Route } from './route.ts';
import type { HttpService } from './service.ts';
import type { BodySink, ClientSide } from './sides.ts';
import { dropBody } from './turned-request.ts';

const LEFT_OUT = answerKind('mirror-left-out');
const FAILED = answerKind('mirror-failed');

export class RequestCopy extends Session implements ClientSide {
  readonly sink: BodySink;
  readonly isRequestComplete = true;
  readonly sendsChunks = false;
  readonly hasBodyWaiting = false;
  readonly wantsRestRead = false;
  readonly info = null;
  readonly receivedBytes = 0;
  readonly sentBytes = 0;
  readonly sentHeadBytes = 0;
  readonly address: PeerAddress;
  private readonly context: Context;
  private readonly listener: Listener;
  private exchange: Exchange | null = null;
  private readonly begunAt: number;

  /** Of the request from this peer whose head is in `context.requestHead`, and all of whose body stands behind its kept head, unless it is still to come. */
  static send(service: HttpService, peer: Peer, original: Exchange, mirror: Mirror): void {
    const { context, plan } = service.listener;
    const { requestHead: head } = context;
    const isTooLong = head.body !== BODY_NONE && mirror.plan.takesBody && !original.hasWholeBody;
    if (context.copies >= COPIES_MAX || isTooLong) {
      context.answers.note(plan.name, LEFT_OUT);
      return;
    }
    if (!mirror.plan.takesBody) dropBody(head);
    head.hasUpgrade = false;
    const route = service.turnCopy(peer, mirror);
    if (route === null || route.proxy === null) return;
    const copy = new RequestCopy(service.listener, peer.address);
    const failure = copy.begin(service, route, original);
    if (failure !== null) copy.answer(failure);
  }

  private constructor(listener: Listener, address: PeerAddress) {
    super();
    this.listener = listener;
    this.context = listener.context;
    this.sink = new Discard(listener.context.arena);
    this.address = new KeptAddress(address);
    this.begunAt = listener.context.transport.now;
    this.context.copies++;
    this.context.sessions.add(this);
  }

  /** Null, or why it cannot be sent. */
  private begin(service: HttpService, route: Route, { original, request }: Exchange): OwnResponse | null {
    const { requestHead: head } = this.context;
    const bodyBytes = head.body === BODY_NONE ? 0 : request.length - request.headLength;
    const exchange = Exchange.begin(this.context, this, head, this.begunAt);
    exchange.becomeInner(route);
    this.exchange = exchange;
    const obstacle = exchange.keep(route, service, service.view, service.hops, original.end - original.at);
    if (obstacle !== null) return obstacle;
    if (bodyBytes > 0) {
      if (!exchange.keepsBody(bodyBytes)) return HEAD_GREW_TOO_LARGE;
      exchange.keepBody(request.start + request.headLength, bodyBytes);
    }
    exchange.start(COPY_MS_MAX);
    exchange.begin();
    return null;
  }

  get listenerPlan(): ListenerPlan {
    return this.listener.plan;
  }

  // --- what the exchange says ---

  pump(): void {
    // all of it is kept
  }

  noteBacklog(): void {
    // whatever comes is dropped at once
  }

  ask(): void {
    assert(false, 'nobody is asked about a copy');
  }

  settle(): void {
    this.ask();
  }

  /** A copy has no copies. */
  sendCopies(): void {
    // of a copy
  }

  sendInterim(): boolean {
    return true;
  }

  beginResponse(): void {
    // nobody wants it
  }

  /** A copy asks for no other protocol. */
  agreesTo(): boolean {
    return false;
  }

  sendSwitching(): boolean {
    return false;
  }

  beginTunnel(): void {
    assert(false, 'a copy has become a tunnel');
  }

  handleResponseComplete(): void {
    this.end(SERVED);
  }

  handleResponseBroken(ending: number): void {
    this.note();
    this.end(ending);
  }

  goOn(): void {
    this.end(SERVED);
  }

  answer({ kind }: OwnResponse): void {
    this.fail(kind);
  }

  giveUp({ kind }: OwnResponse): void {
    this.fail(kind);
  }

  // --- its end ---

  private fail(kind: number): void {
    this.note();
    this.end(endedByAnswer(kind));
  }

  private note(): void {
    this.context.answers.note(this.listener.plan.name, FAILED);
  }

  private end(ending: number): void {
    const { context, exchange } = this;
    if (exchange === null) return;
    this.exchange = null;
    context.copies--;
    context.sessions.delete(this);
    exchange.finish(ending);
  }

  override handleExpiry(): void {
    // the exchange has its time
  }

  override retireAt(): number {
    return Math.min(this.listener.retireAt, this.exchange === null ? Infinity : this.exchange.retireAt);
  }

  override retire(): void {
    this.end(RETIRED);
  }

  override shed(): void {
    this.end(SHED);
  }

  override abandon(): void {
    this.end(MOVED);
  }

  override progress(): number {
    const { exchange } = this;
    return exchange === null || !exchange.keepsScarce ? KEEPS_NOTHING : exchange.acknowledgedBytes;
  }

  override quietSince(): number {
    return this.begunAt;
  }

  override localAddress(into: Uint8Array, at: number): number {
    return this.address.localAddress(into, at);
  }
}

const ADDRESS_BYTES = 16;

/** Of a connection that may be gone. */
class KeptAddress implements PeerAddress {
  private readonly remote = new Uint8Array(ADDRESS_BYTES);
  private readonly local = new Uint8Array(ADDRESS_BYTES);
  private readonly remotePort: number;
  private readonly localPort: number;

  constructor(address: PeerAddress) {
    this.remotePort = address.remoteAddress(this.remote, 0);
    this.localPort = address.localAddress(this.local, 0);
  }

  remoteAddress(into: Uint8Array, at: number): number {
    into.set(this.remote, at);
    return this.remotePort;
  }

  localAddress(into: Uint8Array, at: number): number {
    into.set(this.local, at);
    return this.localPort;
  }
}
