/**
 * TCP for the clients of a listener: each connection is joined to one of the upstream's servers.
 *
 * Nothing is read from the client until a server has taken the connection, so that a failed try loses no byte and another
 * server can be tried. Without any server the client gets a reset at once.
 */
import { hashWords } from '../base/hash.ts';
import { MEDIUM_SLOT_BYTES } from '../base/limits.ts';
import { PICK_FULL, PICK_TRIED } from '../core/balance/balancer.ts';
import { Pace } from '../core/bandwidth/pace.ts';
import { UNLIMITED } from '../core/bandwidth/rule.ts';
import { TcpBandwidth, type TcpRates } from '../core/bandwidth/tcp.ts';
import { Access } from '../core/client/access.ts';
import { ANSWERED, CLIENT_LEFT, endedByAnswer } from '../core/endings.ts';
import { HelloRoutes } from '../core/route/hello-routes.ts';
import { type ConnectFailure, FAILED_NO_RESOURCE, isLocalFailure } from '../core/retry.ts';
import type { Socket, SocketHandler } from '../port/transport.ts';
import { IpWords, readIp } from '../wire/ip-text.ts';
import type { Context } from './context.ts';
import { Dial, type DialOwner } from './dial.ts';
import type { ConnectionInfo, PeerAddress } from './layer.ts';
import { LayerPair } from './layer-pair.ts';
import { emitRequestId } from './http/request-id.ts';
import type { AccessLog } from './log/access-log.ts';
import type { Listener } from './listener.ts';
import { DENIED, kindOfFailure, NO_ROUTE, NO_SERVER, QUEUE_FULL, QUEUE_TIMEOUT } from './tcp-failures.ts';
import { PacedSocket } from './paced-socket.ts';
import { PostgresRequest } from './postgres-request.ts';
import { Relay, type RelayOwner } from './relay.ts';
import type { Service } from './service.ts';
import { SessionRecord } from './session-record.ts';
import type { Server } from './server.ts';
import type { Upstream } from './upstream.ts';
import { answerTcp } from './tcp-answer.ts';
import { TcpValues } from './tcp-values.ts';
import type { RequestView } from '../core/value/request-view.ts';
import type { Template } from '../core/value/template.ts';
import { Waiter } from './waiter.ts';

export class TcpService implements Service {
  private readonly listener: Listener;
  /** Null: only those go anywhere whose ClientHello says where. */
  private upstream: Upstream | null = null;
  private routes: HelloRoutes | null = null;
  private routed: readonly Upstream[] = [];
  /** Null: everybody may come. */
  private access: Access | null = null;
  /** Null: nothing is asked of a connection but where it comes from. */
  private values: TcpValues | null = null;
  private logs: readonly AccessLog[] = [];
  /** Null: bytes go on as fast as they can. */
  private bandwidth: TcpBandwidth | null = null;

  constructor(listener: Listener) {
    this.listener = listener;
  }

  configure(upstreams: readonly Upstream[]): void {
    const { access, accessLogs, bandwidth, passthrough, tcp, upstream } = this.listener.plan;
    this.upstream = upstream < 0 ? null : upstreams[upstream];
    this.routes = passthrough === null ? null : new HelloRoutes(passthrough.routes);
    const byName = new Map(upstreams.map((each) => [each.plan.name, each]));
    this.routed = (passthrough?.routes ?? []).map((route) => byName.get(route.upstream) as Upstream);
    this.access = access === null ? null : new Access(access);
    const own = this.upstream === null ? this.routed : [this.upstream, ...this.routed];
    this.logs = this.listener.context.accessLogs.find(accessLogs);
    this.bandwidth = bandwidth === undefined ? null : new TcpBandwidth(bandwidth);
    const isAsked =
      tcp !== null ||
      this.logs.length > 0 ||
      own.some(({ hashKey }) => hashKey !== null) ||
      this.bandwidth?.isFixed === false;
    this.values = isAsked ? new TcpValues(this.listener.context, tcp, upstreams) : null;
  }

  serve(socket: Socket, info: ConnectionInfo | null): void {
    const { access, values } = this;
    if (values !== null) this.serveBy(values, socket, info);
    else if (access !== null && !access.admits(ipOfPeer(info?.peer ?? socket))) this.turnAway(socket, DENIED, null);
    else this.send(this.upstreamFor(info), socket, info, 0, null);
  }

  private serveBy(values: TcpValues, socket: Socket, info: ConnectionInfo | null): void {
    const { access, listener, logs } = this;
    values.look(socket, info);
    const { view } = values;
    const record = logs.length === 0 ? null : SessionRecord.begin(listener.context, listener.plan, logs, view);
    if (access !== null && !access.admits(view.client)) {
      this.turnAway(socket, DENIED, record);
      return;
    }
    const target = values.target();
    const text = target === null ? null : target.text;
    if (text !== null) {
      this.answer(socket, text, view, record);
      return;
    }
    const upstream = target === null ? this.upstreamFor(info) : target.upstream;
    this.send(upstream, socket, info, upstream === null ? 0 : values.keyFor(upstream), record);
  }

  private answer(socket: Socket, text: Template, view: RequestView, record: SessionRecord | null): void {
    const length = answerTcp(this.listener, socket, text, view);
    if (length < 0) {
      this.turnAway(socket, NO_ROUTE, record);
      return;
    }
    const { context, plan } = this.listener;
    context.sessionCounter.answered(plan.slot, length);
    context.sessionCounter.ended(plan.slot, -1, ANSWERED, 0);
    record?.countSent(length);
    record?.end(ANSWERED);
  }

  private send(
    upstream: Upstream | null,
    socket: Socket,
    info: ConnectionInfo | null,
    key: number,
    record: SessionRecord | null,
  ): void {
    if (upstream === null) {
      this.turnAway(socket, NO_ROUTE, record);
      return;
    }
    const { bandwidth, listener, values } = this;
    const rates = bandwidth === null ? null : bandwidth.ratesFor(values === null ? null : values.view);
    new TcpSession(listener, upstream, socket, info, key, record, rates).connect();
  }

  private upstreamFor(info: ConnectionInfo | null): Upstream | null {
    const hello = info === null ? null : info.hello;
    if (this.routes === null || hello === null) return this.upstream;
    const route = this.routes.find(hello);
    return route < 0 ? this.upstream : this.routed[route];
  }

  /** `kind`: of an answer. */
  private turnAway(socket: Socket, kind: number, record: SessionRecord | null): void {
    record?.end(endedByAnswer(kind));
    const { context, plan } = this.listener;
    context.sessionCounter.ended(plan.slot, -1, endedByAnswer(kind), 0);
    context.answers.noteReset(plan.name, kind);
    socket.handler = new Gone(context);
    socket.reset();
    this.listener.release();
  }
}

/** What a layer still has of a client that is turned away goes nowhere. */
class Gone implements SocketHandler {
  private readonly context: Context;

  constructor(context: Context) {
    this.context = context;
  }

  handleData(_socket: Socket, slot: number): void {
    this.context.arena.release(slot);
  }

  handleConnect(): void {
    // it is reset
  }

  handleEnd(): void {
    // it is reset
  }

  handleDrain(): void {
    // it is reset
  }

  handleClose(): void {
    // it is reset
  }
}

/** The socket, or what stands in its place so that what comes in goes on at this rate. */
function paced(context: Context, socket: Socket, rate: number): Socket {
  return rate === UNLIMITED ? socket : new PacedSocket(context, socket, new Pace(rate, 0, context.transport.now));
}

const peerIp = new IpWords();
const addressBytes = new Uint8Array(16);

/** A client's connection until it is joined to a server's. */
class TcpSession extends Waiter implements SocketHandler, DialOwner, RelayOwner {
  private readonly listener: Listener;
  private readonly context: Context;
  private readonly upstream: Upstream;
  private readonly downstream: Socket;
  readonly client: PeerAddress;
  readonly clientInfo: ConnectionInfo | null;
  /** What came right behind what the listener's layer has read; -1: nothing. */
  private earlySlot = -1;
  private earlyAt = 0;
  private earlyLength = 0;
  private server: Server | null = null;
  private dial: Dial | null = null;
  private readonly begunAt: number;
  /** Since when it waits for a server that has room; 0: it does not. */
  private queuedAt = 0;
  /** When the server was picked. */
  private takenAt = 0;
  /** From then to the connection. */
  private connectedMs = 0;
  /** Of the last try: a kind of answer. */
  private failure = NO_SERVER;
  private isOver = false;
  /** Null: it is in no access log. */
  private readonly record: SessionRecord | null;
  /** Null: it goes as fast as it can. */
  private readonly rates: TcpRates | null;

  /** `key`: what it is balanced by, unless that is the client's address. */
  constructor(
    listener: Listener,
    upstream: Upstream,
    downstream: Socket,
    info: ConnectionInfo | null,
    key: number,
    record: SessionRecord | null,
    rates: TcpRates | null,
  ) {
    super();
    this.record = record;
    this.rates = rates;
    if (record !== null) record.upstreamPlan = upstream.plan;
    this.key = key;
    this.listener = listener;
    this.context = listener.context;
    this.begunAt = listener.context.transport.now;
    this.upstream = upstream;
    this.downstream = downstream;
    this.client = info?.peer ?? downstream;
    this.clientInfo = info;
    downstream.handler = this;
    downstream.pause();
    downstream.resetIfKilled();
    if (upstream.plan.balance === 'source-hash') this.key = addressKey(this.client);
  }

  connect(): void {
    this.handlePicked(this.upstream.pick(this));
  }

  override handlePicked(picked: number): void {
    const { context, record, upstream } = this;
    if (picked === PICK_FULL && upstream.enqueue(this)) {
      record?.queue();
      this.queuedAt = context.transport.now;
      context.timers.arm(this, context.transport.now + upstream.plan.timeouts.queueMs);
      return;
    }
    if (picked < 0) {
      if (picked !== PICK_FULL) this.noteNoServer(picked);
      this.refuse(picked === PICK_FULL ? QUEUE_FULL : picked === PICK_TRIED ? this.failure : NO_SERVER);
      return;
    }
    context.timers.remove(this);
    this.leaveQueue();
    this.server = upstream.servers[picked];
    upstream.take(this.server);
    this.takenAt = context.transport.now;
    record?.beginTry(this.server.addressText);
    this.dial = this.dialTo(this.server);
    if (this.dial === null && context.evictIdle()) this.dial = this.dialTo(this.server);
    if (this.dial === null) this.tryAnother(FAILED_NO_RESOURCE);
  }

  /** As of a request: where nobody is there to be tried, the upstream is. */
  private noteNoServer(picked: number): void {
    const { record, upstream } = this;
    if (record !== null && (picked !== PICK_TRIED || this.leavesOut(upstream.servers))) record.lackServer(NO_SERVER);
  }

  private dialTo(server: Server): Dial | null {
    const { clientInfo, context, upstream } = this;
    if (clientInfo === null || !clientInfo.hasAskedForTls) return Dial.begin(context, upstream, server, this);
    const { layer } = server;
    const request = new PostgresRequest(context);
    return Dial.begin(context, upstream, server, this, layer === null ? request : new LayerPair(layer, request));
  }

  /** Nothing else has one for a connection. */
  emitId(into: Uint8Array, at: number): number {
    return emitRequestId(into, at, this.context.prng);
  }

  handleDialed(socket: Socket): void {
    const { context, record } = this;
    this.dial = null;
    this.connectedMs = context.transport.now - this.takenAt;
    context.sessionCounter.connected(this.upstream.plan.slot, this.connectedMs);
    record?.join();
    const [listener, server] = [this.listener.plan.slot, (this.server as Server).slot];
    const bytes = {
      received: context.sessionCounter.passedFrom(listener, server),
      sent: context.sessionCounter.passedTo(listener, server),
    };
    if (this.earlySlot >= 0) {
      socket.send(this.earlySlot, this.earlyAt, this.earlyLength, false);
      bytes.received.add(this.earlyLength);
      record?.countReceived(this.earlyLength);
    }
    this.earlySlot = -1;
    const { downstream, rates } = this;
    const upload = rates === null ? downstream : paced(context, downstream, rates.upload);
    const download = rates === null ? socket : paced(context, socket, rates.download);
    Relay.join(context, upload, download, this.upstream.plan.timeouts, this, bytes, record);
  }

  handleDialFailed(how: ConnectFailure): void {
    this.dial = null;
    this.tryAnother(how);
  }

  // --- events of the client's socket, which is not read before it is joined ---

  handleClose(): void {
    this.giveUp(CLIENT_LEFT);
  }

  handleConnect(): void {
    // accepted, never connected
  }

  /** It is paused: only what the layer below has too much, at once. It may wait for long, and keeps no larger slot than it needs. */
  handleData(_socket: Socket, slot: number, offset: number, length: number): void {
    const { arena, memory } = this.context;
    const own = this.isOver || length > MEDIUM_SLOT_BYTES ? -1 : arena.allocate(length);
    if (own >= 0) memory.copyWithin(arena.start(own), offset, offset + length);
    if (this.isOver || own >= 0) arena.release(slot);
    if (this.isOver) return;
    this.earlySlot = own >= 0 ? own : slot;
    this.earlyAt = own >= 0 ? arena.start(own) : offset;
    this.earlyLength = length;
  }

  handleEnd(): void {
    // not read
  }

  handleDrain(): void {
    // nothing was sent yet
  }

  /** In the queue. */
  override handleExpiry(): void {
    this.refuse(QUEUE_TIMEOUT);
  }

  relayRetireAt(): number {
    return Math.min(this.listener.retireAt, (this.server as Server).retireAt);
  }

  handleRelayEnd(ending: number): void {
    const tookMs = this.context.transport.now - this.takenAt;
    this.upstream.giveServed(this.server as Server, this.connectedMs, tookMs);
    this.server = null;
    this.end(ending);
  }

  private tryAnother(how: ConnectFailure): void {
    const server = this.server as Server;
    this.server = null;
    if (isLocalFailure(how)) this.upstream.give(server);
    else this.upstream.giveFailed(server, this.context.transport.now - this.takenAt);
    this.context.noteFailure(server, how, 0);
    this.markTried(server);
    this.failure = kindOfFailure(how);
    this.record?.failTry(how, this.failure);
    if (!this.mayTryAnother) {
      this.refuse(this.failure);
      return;
    }
    const picked = this.upstream.pick(this);
    if (picked >= 0) this.context.sessionCounter.retried(this.upstream.plan.slot, how);
    this.handlePicked(picked);
  }

  private leaveQueue(): void {
    const { context, queuedAt, upstream } = this;
    if (queuedAt === 0) return;
    this.queuedAt = 0;
    context.sessionCounter.queued(upstream.plan.slot, context.transport.now - queuedAt);
  }

  private get mayTryAnother(): boolean {
    const { attempts, withinMs } = this.listener.plan.tries;
    return this.triedCount < attempts && (withinMs === 0 || this.context.transport.now - this.begunAt < withinMs);
  }

  private cancelDial(): void {
    const { dial } = this;
    this.dial = null;
    if (dial !== null) dial.cancel();
  }

  private giveBack(): void {
    const server = this.server;
    this.server = null;
    if (server !== null) this.upstream.give(server);
  }

  /** No server, for this reason: a kind of answer. */
  private refuse(kind: number): void {
    this.context.answers.noteReset(this.upstream.plan.name, kind);
    this.giveUp(endedByAnswer(kind));
  }

  /** The client is to know at once. */
  private giveUp(ending: number): void {
    this.upstream.dequeue(this);
    this.cancelDial();
    this.giveBack();
    this.downstream.reset();
    this.end(ending);
  }

  private end(ending: number): void {
    if (this.isOver) return;
    this.isOver = true;
    const { begunAt, context, listener, upstream } = this;
    this.leaveQueue();
    context.sessionCounter.ended(listener.plan.slot, upstream.plan.slot, ending, context.transport.now - begunAt);
    this.record?.end(ending);
    if (this.earlySlot >= 0) this.context.arena.release(this.earlySlot);
    this.earlySlot = -1;
    this.context.timers.remove(this);
    this.listener.release();
  }
}

function ipOfPeer(peer: PeerAddress): IpWords {
  peer.remoteAddress(addressBytes, 0);
  readIp(addressBytes, 0, peerIp);
  return peerIp;
}

function addressKey(peer: PeerAddress): number {
  const { ip0, ip1, ip2, ip3 } = ipOfPeer(peer);
  return hashWords(ip0, ip1, ip2, ip3);
}
