/**
 * One proxy process's data plane: listeners and upstreams on a transport. The process around it (`main.ts`) and the
 * simulator run this same class.
 */
import { PLENTY } from '../base/arena.ts';
import { assert } from '../base/assert.ts';
import { formatIP } from '../base/address.ts';
import { type Board, emptySlot } from '../base/board.ts';
import { Chain } from '../base/chain.ts';
import { HANDSHAKE_FAILED, HANDSHAKE_FULL, HANDSHAKE_RESUMED } from '../base/traffic-cells.ts';
import { HEAD_SLOT_BYTES, HEADER_COUNT_MAX, LAST_WORDS_MS, TICK_MS } from '../base/limits.ts';
import { Prng } from '../base/prng.ts';
import { Timers, type ExpiryHandler, type Timed } from '../base/timers.ts';
import type { RouteWatch } from '../core/route/route-watch.ts';
import type { LearnedTable } from '../base/learned-table.ts';
import type { LimitCounting } from '../core/limit/route-limits.ts';
import type { RequestView } from '../core/value/request-view.ts';
import { ResponseValues } from '../core/value/response-values.ts';
import { Variables } from '../core/value/variables.ts';
import type { ListenerPlan } from '../config/plan/listener.ts';
import type { Plan } from '../config/plan/plan.ts';
import type { SessionsWay } from '../port/control.ts';
import type { Compression } from '../port/compression.ts';
import type { SessionChannel } from '../port/session-channel.ts';
import { NO_SECRETS, type Secrets, type Tls } from '../port/tls.ts';
import type { Transport, TransportDriver } from '../port/transport.ts';
import { ascii } from '../wire/http1/emit.ts';
import { RequestHead, ResponseHead } from '../wire/http1/head.ts';
import { AnswerLog } from './answer-log.ts';
import { answerKind } from '../core/answers/kinds.ts';
import { RETIRED } from '../core/endings.ts';
import type { Context, OpenRecord, Pool, ProxyEvent } from './context.ts';
import type { Expiring } from './expiring.ts';
import { clientsServed, resumeBelow, socketsMaxOf } from '../core/descriptors.ts';
import { FailureLog } from './failure-log.ts';
import { Compressors } from './http/compressors.ts';
import { RequestCounter } from './http/request-counter.ts';
import type { ServerProtocols } from './http/protocol.ts';
import { HttpService } from './http/service.ts';
import type { RequestReader } from './http/request-record.ts';
import type { RouteSet } from './http/route-set.ts';
import { http1, http1Servers } from './http1/http1.ts';
import { http2, type Http2 } from './http2/http2.ts';
import { HelloLayer } from './hello-layer.ts';
import { HTTP_DATE_BYTES, writeHttpDate } from '../base/date-text.ts';
import type { Layer, MakeServerLayer } from './layer.ts';
import { LayerPair } from './layer-pair.ts';
import { Listener } from './listener.ts';
import { AccessLogs } from './log/access-logs.ts';
import { ListeningPoint } from './listening-point.ts';
import { MemoryGuard } from './memory-guard.ts';
import { OwnListeners } from './own-listeners.ts';
import { PrefaceLayer } from './preface-layer.ts';
import { ProxyHeaders } from './proxy-header.ts';
import { type Outcome, type PlannedSocket, Provision, type Serving, STEPS_PER_TURN } from './provision.ts';
import { Retirements } from './retirements.ts';
import type { Service } from './service.ts';
import { TcpService } from './tcp.ts';
import { HandshakeGate } from './tls/handshake-gate.ts';
import { Later } from './later.ts';
import { SessionCounter } from './session-counter.ts';
import { Sessions } from './sessions.ts';
import { ServerLayers } from './tls/server-layers.ts';
import { TlsLayers } from './tls/tls-layers.ts';
import { type PlannedUdpSocket, UdpListeners } from './udp/udp-listeners.ts';
import { ServerChoice } from './server-choice.ts';
import type { Server } from './server.ts';
import { type NameNews, Upstream } from './upstream.ts';

export type { ProxyEvent } from '../port/control.ts';
export type { PlannedSocket } from './provision.ts';

export interface ProxyOptions {
  readonly transport: Transport;
  readonly board: Board;
  /** Which row of the board is this proxy's. */
  readonly row: number;
  /** For balancing and request identifiers. */
  readonly seed: number;
  /** Milliseconds since 1970, for Date fields. Called about once a second. */
  readonly wallClockMs: () => number;
  /** The name of this machine. */
  readonly hostname: Uint8Array;
  /** All addresses that it has now, without ports. */
  readonly machineAddresses: () => readonly string[];
  readonly report: (event: ProxyEvent) => void;
  /** Descriptors that this process may have besides those that it has now. */
  readonly descriptors: number;
  /** TLS for the transport's arena. Called when a plan has TLS for the first time. */
  readonly openTls: () => Tls;
  /** What limits count with; null: no plan has needed it yet. Without it there are no limits. */
  readonly limitCounting?: () => LimitCounting | null;
  /** Where sessions of applications are; null: no plan has needed it yet. Without it nothing is learned. */
  readonly learnedTable?: () => LearnedTable | null;
  /** From the transport's time to that which all processes share, in milliseconds: added. */
  readonly sharedClockMs?: number;
  /** The same for compressing, when a first body is to be compressed. */
  readonly openCompression: () => Compression;
  /** Hears what becomes of each request. Without it nobody does, and nothing is there for it. */
  readonly watch?: ProxyWatch;
}

/** For whoever explains what becomes of a request (src/rehearsal). */
export interface ProxyWatch extends RouteWatch, RequestReader {}

const TLS_FAILED = answerKind('tls-handshake');
const CLIENT_DISTRUSTED = answerKind('client-certificate');
const TLS_REFUSED = answerKind('tls-refused');

const NO_COUNTING = (): null => null;
const NOTHING_LEARNED = (): null => null;
const DATE_MS = 1000;
/** What the kernel had accepted when accepting ended is here after this time. */
const LATE_ACCEPT_MS = 20;
/** Of the time that a proxy has to end: clients between requests go within this part of it. */
const IDLE_SHARE = 0.1;
/** See Context.segmentsEnough. */
const SEGMENTS_ENOUGH = 2;
/** A listening socket that is waited for on node:net has a second one. */
const DESCRIPTORS_PER_POINT = 2;
/** The one that is written to, and the one before it, of which something waits. */
const DESCRIPTORS_PER_LOG = 2;
/** Sockets that are over, and whose descriptors are given back a moment later. */
const CLOSING_SOCKETS = 8;

export class Proxy implements TransportDriver, ExpiryHandler {
  private readonly context: Context;
  private readonly board: Board;
  private readonly descriptors: number;
  private readonly wallClockMs: () => number;
  private listeners: readonly Listener[] = [];
  private upstreams: readonly Upstream[] = [];
  /** Upstreams that no plan has any more, until what began there has had its time and nobody waits for one of their servers. */
  private retired: Upstream[] = [];
  /** Listeners that no plan has any more, as long as they have connections. */
  private leaving: Listener[] = [];
  private readonly retirements: Retirements;
  private readonly later: Later;
  private readonly http2: Http2;
  private readonly servers: ServerProtocols;
  private readonly tls: TlsLayers;
  private readonly serverLayers: ServerLayers;
  private readonly serving: Serving;
  /** Plans that are to be applied, in this order. */
  private readonly provisions: Provision[] = [];
  /** The plan that is being applied has retired something. */
  private hasRetired = false;
  /** By the keeper's number of the socket. */
  private points = new Map<number, ListeningPoint>();
  private readonly udp: UdpListeners;
  private readonly failures: FailureLog;
  private readonly guard: MemoryGuard;
  /** Whose line of the board is whose. */
  private readonly serverOfSlot: (Server | undefined)[] = [];
  private readonly upstreamOfSlot: (Upstream | undefined)[] = [];
  private readonly line = emptySlot();
  private boardGeneration = -1;
  private dateAt = -Infinity;
  private tickAt: number;
  private guardedAt = -Infinity;
  /** When it may be over at the earliest; Infinity: it is not draining. */
  private drainedAt = Infinity;
  private hasReportedDrained = false;
  /** When what is left then is ended. */
  private cutAt = Infinity;
  /** Until when what ended then, and the lines of access logs, are waited for. */
  private endBy = Infinity;
  private isHoldingAccepting = false;

  constructor(options: ProxyOptions) {
    const { transport, board, report } = options;
    const row = board.worker(options.row);
    const scratchSlot = transport.arena.allocate(HEAD_SLOT_BYTES);
    assert(scratchSlot >= 0, 'an arena without a slot for the largest head');
    const targetSlot = transport.arena.allocate(HEAD_SLOT_BYTES);
    assert(targetSlot >= 0, 'an arena without a second slot for the largest head');
    this.board = board;
    this.descriptors = options.descriptors;
    this.wallClockMs = options.wallClockMs;
    this.failures = new FailureLog(row, report);
    this.later = new Later(transport);
    const answers = new AnswerLog(row, report);
    const prng = new Prng(options.seed);
    const { wallClockMs } = options;
    const responseValues = new ResponseValues(wallClockMs);
    const accessLogs = new AccessLogs({ transport, row, prng, wallClockMs, responseValues, report });
    this.context = {
      transport,
      later: this.later,
      arena: transport.arena,
      memory: transport.arena.memory,
      board,
      row,
      timers: new Timers(transport.now),
      prng,
      requestHead: new RequestHead(HEADER_COUNT_MAX),
      responseHead: new ResponseHead(HEADER_COUNT_MAX),
      scratchSlot,
      targetSlot,
      variables: new Variables<RequestView>(),
      responseValues,
      date: new Uint8Array(HTTP_DATE_BYTES),
      wallClockMs: options.wallClockMs,
      hostname: options.hostname,
      report,
      noteFailure: (place, how, status) => this.failures.note(place, how, status),
      socketsMax: socketsMaxOf(options.descriptors),
      clientsMax: Infinity,
      makeRoom: () => this.makeRoom(),
      evictIdle: () => this.evictIdle(),
      ownListeners: new OwnListeners(options.machineAddresses),
      requestReaders: [new RequestCounter(row), answers, ...(options.watch === undefined ? [] : [options.watch])],
      sessionCounter: new SessionCounter(row),
      answers,
      accessLogs,
      limitCounting: options.limitCounting ?? NO_COUNTING,
      learnedTable: options.learnedTable ?? NOTHING_LEARNED,
      sharedClockMs: options.sharedClockMs ?? 0,
      compressors: new Compressors(transport.arena, this.later, options.openCompression),
      isAlone: false,
      isDraining: false,
      liveSessions: 0,
      udpSessions: 0,
      copies: 0,
      sessions: new Sessions(),
      sessionRecords: new Chain<OpenRecord>(),
      pools: new Set(),
      waitingClients: 0,
      segmentsEnough: SEGMENTS_ENOUGH,
    };
    const ofHttp1 = http1Servers(this.context);
    this.http2 = http2(this.context, ofHttp1);
    this.servers = { http1: ofHttp1, http2: this.http2.servers };
    this.udp = new UdpListeners(this.context);
    this.guard = new MemoryGuard(this.context.arena, row, this.context.sessions, report);
    this.retirements = new Retirements(this.context);
    const { arena, requestHead: head, timers } = this.context;
    const room = { transport, arena, timers, later: this.later, gate: new HandshakeGate(arena, this.later) };
    let tls: Tls | null = null;
    const open = (): Tls => (tls ??= options.openTls());
    this.serverLayers = new ServerLayers(room, open);
    this.tls = new TlsLayers({
      room,
      open,
      head,
      onDone: ({ slot }, isResumed) => row.traffic.countHandshake(slot, isResumed ? HANDSHAKE_RESUMED : HANDSHAKE_FULL),
      onFailure: ({ name, slot }, failure) => {
        row.traffic.countHandshake(slot, HANDSHAKE_FAILED);
        answers.note(name, TLS_FAILED, ascii(failure), 0, failure.length);
      },
      onDistrust: (listener, cause) => answers.note(listener, CLIENT_DISTRUSTED, ascii(cause), 0, cause.length),
      onRefused: ({ name, slot }) => {
        row.traffic.countHandshake(slot, HANDSHAKE_FAILED);
        answers.note(name, TLS_REFUSED);
      },
    });
    this.serving = {
      tls: this.tls,
      serverLayers: this.serverLayers,
      routesOf: (plan) => this.routesOf(plan),
      watch: options.watch ?? null,
    };
    this.tickAt = transport.now;
    this.renewDate(transport.now);
  }

  /**
   * Serves by this plan from now on, with what the plan's secrets are; the first one is the start. What an earlier plan had too stays what it is, with its
   * connections; what it had and this one has not finishes what is under way, for `drainMs`. Once draining, no plan matters.
   * With many new routes it takes turns until the outcome is told; then all of it holds at once, or none of it. Plans are applied in order.
   */
  apply(
    plan: Plan,
    sockets: readonly PlannedSocket[],
    secrets: Secrets = NO_SECRETS,
    outcome: Outcome = NOT_REFUSED,
    logs: readonly number[] = [],
  ): void {
    if (this.context.isDraining) return;
    this.provisions.push(new Provision(plan, sockets, secrets, outcome, logs));
    this.provide(STEPS_PER_TURN);
  }

  /**
   * Accepts no more, ends what is idle, and reports `drained` when the last exchange and session has ended. `withinMs`: when that is
   * to be over; what is left then is ended, reports `cut`, and has LAST_WORDS_MS. `keepsIdle`: clients between requests are not sent away. A later
   * call may shorten that.
   */
  drain(withinMs: number, keepsIdle = false): void {
    if (!this.context.isDraining) {
      // Its sockets are known from then on, and can be closed.
      while (this.provisions.length > 0) this.provide(Infinity);
      this.context.isDraining = true;
      this.drainedAt = this.context.transport.now + LATE_ACCEPT_MS;
      this.closePoints();
    }
    this.cutAt = Math.min(this.cutAt, this.context.transport.now + withinMs);
    const leaveMs = keepsIdle ? Infinity : withinMs * IDLE_SHARE;
    for (const listener of [...this.listeners, ...this.leaving]) listener.drain(leaveMs);
  }

  /** After `drain`: what is left has no end until another call gives it one. */
  keepLeft(): void {
    this.cutAt = Infinity;
  }

  /**
   * Somebody on this machine lacks a local port for connections to the server in this slot: one that an unused connection
   * there has is given up.
   */
  freePort(slot: number): void {
    const wanted = this.serverOfSlot[slot];
    if (wanted === undefined) return;
    const owner = this.serverOfSlot.find((server) => server?.identity === wanted.identity && server.idle.count > 0);
    owner?.idle.resetOldest();
  }

  /** What the keeper says of a name that requests are for. */
  handleName(upstream: string, hostname: string, news: NameNews): void {
    for (const { choice, plan } of [...this.upstreams, ...this.retired])
      if (plan.name === upstream) choice?.handleNews(hostname, news);
  }

  /** These addresses are on another machine now: who came to one of them is out of reach, and not waited for. */
  abandon(addresses: readonly string[]): void {
    const local = new Uint8Array(16);
    for (const session of this.context.sessions.all()) {
      session.localAddress(local, 0);
      if (addresses.includes(formatIP(local))) session.abandon();
    }
    this.udp.abandon(addresses);
  }

  /**
   * The sessions of this socket of UDP change hands on the channel, which is this proxy's from now on. `in`: they come to this one with the
   * next plan, which has the socket. `out`: they go to another process when this one has it no longer, or drains.
   */
  handSessions(way: SessionsWay, socket: number, channel: SessionChannel): void {
    if (way === 'in') this.udp.take(socket, channel);
    else this.udp.offer(socket, channel);
  }

  /** Of all sockets that it listens on. They stay its own. */
  get listening(): readonly number[] {
    return [...Array.from(this.points.values(), ({ descriptor }) => descriptor), ...this.udp.listening];
  }

  handleTurn(now: number): void {
    this.context.row.beat();
    if (this.board.generation !== this.boardGeneration) this.readBoard();
    this.failures.flush();
    this.later.handleTurn();
    if (this.provisions.length > 0) this.provide(STEPS_PER_TURN);
    this.context.segmentsEnough = this.context.arena.pressure === PLENTY ? SEGMENTS_ENOUGH : 1;
    if (now === this.tickAt) return;
    this.tickAt = now;
    this.context.timers.advance(now, this);
    if (this.isHoldingAccepting && this.hasRoom) this.holdAccepting(false);
    for (const listener of this.listeners) listener.handleTick(now);
    if (this.leaving.length > 0) this.tickLeaving(now);
    this.udp.handleTick(now);
    this.retirements.handleTick(now);
    this.context.accessLogs.handleTick(now);
    if (now - this.guardedAt >= TICK_MS) {
      this.guardedAt = now;
      this.guard.handleTick(now);
    }
    if (now - this.dateAt >= DATE_MS) {
      this.renewDate(now);
      this.context.answers.flush(now);
      this.failures.flushShortages();
      this.noteIdle();
    }
    for (const upstream of this.upstreams) {
      if (upstream.hasWaiters) upstream.serveWaiters();
    }
    if (this.retired.length > 0) this.serveRetired(now);
    if (now >= this.cutAt) this.cut(now);
    const isIdle = this.context.liveSessions === 0 && !this.udp.isHandingOver && this.areLogsWritten(now);
    if (now >= this.drainedAt && !this.hasReportedDrained && (isIdle || now >= this.endBy)) {
      this.hasReportedDrained = true;
      for (const pool of this.context.pools) pool.closeAll();
      this.context.report({ kind: 'drained' });
    }
  }

  /** How many connections are kept, for who looks. */
  private noteIdle(): void {
    const { row } = this.context;
    for (const { servers } of this.upstreams) for (const { slot, idle } of servers) row.setServerIdle(slot, idle.count);
  }

  /** Asked for when nothing else is left: what waits gets a moment. */
  private areLogsWritten(now: number): boolean {
    const { accessLogs, isDraining } = this.context;
    if (!isDraining || accessLogs.isEmpty) return true;
    this.endBy = Math.min(this.endBy, now + LAST_WORDS_MS);
    accessLogs.flush();
    return false;
  }

  /** The time to finish is over: each request and session that is left ends, and has its line. */
  private cut(now: number): void {
    this.cutAt = Infinity;
    if (this.hasReportedDrained) return;
    this.endBy = now + LAST_WORDS_MS;
    const { liveSessions, sessionRecords, sessions } = this.context;
    if (liveSessions > 0) this.context.report({ kind: 'cut', sessions: liveSessions });
    // the newest first: nobody gets the server that another one had
    for (const session of sessions.all().toReversed()) if (sessions.has(session)) session.retire();
    // those that wait for a server, and those of UDP, are no sessions
    for (const record of sessionRecords.all()) record.end(RETIRED);
    this.context.accessLogs.flush();
  }

  private makeRoom(): void {
    const { socketsMax, transport } = this.context;
    if (transport.socketCount >= socketsMax && this.evictIdle()) return;
    let longest: Listener | null = null;
    for (const listener of this.listeners) {
      if (listener.canCloseIdle && (longest === null || listener.idleSince < longest.idleSince)) longest = listener;
    }
    if (longest === null) this.holdAccepting(true);
    else longest.makeRoom();
  }

  private get hasRoom(): boolean {
    const { clientsMax, liveSessions, socketsMax, transport, waitingClients } = this.context;
    if (this.listeners.some(({ canCloseIdle }) => canCloseIdle)) return true;
    if (liveSessions - waitingClients >= clientsMax) return false;
    return transport.socketCount - waitingClients < resumeBelow(socketsMax) || this.oldestPool() !== null;
  }

  private holdAccepting(isHeld: boolean): void {
    if (this.isHoldingAccepting === isHeld) return;
    this.isHoldingAccepting = isHeld;
    for (const listener of this.listeners) listener.setHeld(isHeld);
  }

  /** The one whose oldest connection has been unused for longest; null: no pool has any. */
  private oldestPool(): Pool | null {
    let oldest: Pool | null = null;
    for (const pool of this.context.pools) {
      if (pool.count > 0 && (oldest === null || pool.idleSince < oldest.idleSince)) oldest = pool;
    }
    return oldest;
  }

  private evictIdle(): boolean {
    const pool = this.oldestPool();
    pool?.closeOldest();
    return pool !== null;
  }

  handleExpiry(timed: Timed, now: number): void {
    (timed as Expiring).handleExpiry(now);
  }

  // --- applying a plan ---

  /** Goes on with the plan that is to be applied next, in the next turn too if it is not ready then. */
  private provide(steps: number): void {
    const [next] = this.provisions;
    if (next.advance(steps, this.serving)) {
      this.provisions.shift();
      const { outcome, refusal } = next;
      if (refusal === null) {
        this.applyReady(next);
        outcome.onApplied();
      } else outcome.onRefused(refusal);
    }
    if (this.provisions.length > 0) this.context.transport.requestTurn();
  }

  private routesOf(plan: ListenerPlan): RouteSet | null {
    const listener = this.listeners.find((each) => listenerKey(each.plan) === listenerKey(plan));
    return listener?.routes ?? null;
  }

  private applyReady(provision: Provision): void {
    const { plan } = provision;
    const retireAt = this.context.transport.now + plan.drainMs;
    this.context.isAlone = plan.workers === 1;
    const upstreams = this.applyUpstreams(plan, retireAt);
    provision.giveBackServers(this.serverLayers);
    this.readBoard();
    this.context.variables.define(provision.values);
    this.context.responseValues.define(provision.responseMaps);
    this.context.accessLogs.apply(plan.accessLogs, provision.logs);
    this.applyListeners(provision, upstreams, retireAt);
    this.applySockets(provision, upstreams);
    const points = DESCRIPTORS_PER_POINT * provision.sockets.length;
    const own = points + DESCRIPTORS_PER_LOG * plan.accessLogs.length + CLOSING_SOCKETS;
    this.context.clientsMax = clientsServed(this.descriptors - own);
    if (this.hasRetired) this.retirements.add(plan.drainMs);
    this.hasRetired = false;
  }

  private applyUpstreams(plan: Plan, retireAt: number): readonly Upstream[] {
    const former = new Map(this.upstreams.map((upstream) => [upstream.plan.name, upstream]));
    const isElsewhere = this.context.ownListeners.configure(plan);
    const makeLayer: MakeServerLayer = (upstream, server) => this.serverLayers.layerOf(upstream, server);
    this.upstreams = plan.upstreams.map((upstreamPlan) => {
      const known = former.get(upstreamPlan.name);
      if (known === undefined) return new Upstream(this.context, upstreamPlan, makeLayer);
      former.delete(upstreamPlan.name);
      if (known.apply(upstreamPlan, retireAt)) this.hasRetired = true;
      return known;
    });
    for (const gone of former.values()) {
      this.hasRetired = true;
      gone.retire(retireAt);
      this.retired.push(gone);
    }
    this.serverOfSlot.length = 0;
    this.upstreamOfSlot.length = 0;
    for (const upstream of this.upstreams) {
      for (const server of upstream.servers) {
        this.serverOfSlot[server.slot] = server;
        this.upstreamOfSlot[server.slot] = upstream;
      }
    }
    for (const upstream of this.upstreams) {
      const { plan: own } = upstream;
      if (own.serverBy === null) continue;
      if (isElsewhere) upstream.endChoice(retireAt);
      upstream.choice ??= new ServerChoice(this.context, own, own.serverBy, makeLayer, upstream.formerChoice);
      upstream.choice.link(new Map(own.serverBy.known.map(([text, name]) => [text, this.upstreamNamed(name)])));
    }
    this.boardGeneration = -1;
    return this.upstreams;
  }

  private upstreamNamed(name: string): Upstream {
    const found = this.upstreams.find(({ plan }) => plan.name === name);
    assert(found !== undefined, 'a plan has the upstreams that it names');
    return found;
  }

  private createListener(
    plan: ListenerPlan,
    upstreams: readonly Upstream[],
    routes: RouteSet | null,
    layer: Layer | null,
  ): Listener {
    const service = (listener: Listener): Service =>
      plan.protocol === 'tcp'
        ? new TcpService(listener)
        : new HttpService(listener, http1, this.http2.clients, this.servers);
    return new Listener(this.context, plan, upstreams, routes, service, layer);
  }

  protected layerOf(plan: ListenerPlan, provision: Provision): Layer | null {
    const { passthrough, proxyProtocol } = plan;
    const header = proxyProtocol === null ? null : new ProxyHeaders(this.context, plan, proxyProtocol);
    const tls =
      passthrough === null
        ? this.tls.layerOf(plan, provision.contextsOf(plan))
        : new HelloLayer(this.context, passthrough);
    const upper = tls === null && plan.http2 ? new PrefaceLayer(this.context) : tls;
    return header === null || upper === null ? (header ?? upper) : new LayerPair(header, upper);
  }

  private applyListeners(provision: Provision, upstreams: readonly Upstream[], retireAt: number): void {
    const former = new Map(this.listeners.map((listener) => [listenerKey(listener.plan), listener]));
    this.tls.begin(provision.secrets);
    this.listeners = provision.plan.listeners.filter(isOfStreams).map((listenerPlan) => {
      const routes = provision.routesOf(listenerPlan);
      const layer = this.layerOf(listenerPlan, provision);
      const known = former.get(listenerKey(listenerPlan));
      if (known === undefined) {
        const added = this.createListener(listenerPlan, upstreams, routes, layer);
        if (this.isHoldingAccepting) added.setHeld(true);
        return added;
      }
      former.delete(listenerKey(listenerPlan));
      known.apply(listenerPlan, upstreams, routes, layer);
      return known;
    });
    this.tls.end();
    for (const gone of former.values()) {
      gone.retire(retireAt);
      this.leaving.push(gone);
      this.hasRetired = true;
    }
  }

  /** What is listened on already goes on, whichever listener it is now for. */
  private applySockets({ plan, sockets }: Provision, upstreams: readonly Upstream[]): void {
    const byPlan = new Map(this.listeners.map((listener) => [listener.plan, listener]));
    const udpSockets: PlannedUdpSocket[] = [];
    const former = this.points;
    this.points = new Map();
    for (const { id, descriptor, listener: index } of sockets) {
      const listener = byPlan.get(plan.listeners[index]);
      if (listener === undefined) {
        udpSockets.push({ id, descriptor, listener: plan.listeners[index] });
        continue;
      }
      const known = former.get(id);
      former.delete(id);
      known?.move(listener);
      this.points.set(id, known ?? new ListeningPoint(this.context.transport, descriptor, listener));
    }
    for (const gone of former.values()) gone.close();
    const udpPlans = plan.listeners.filter((each) => !isOfStreams(each));
    this.udp.apply(udpPlans, upstreams, udpSockets);
  }

  private closePoints(): void {
    for (const point of this.points.values()) point.close();
    this.points.clear();
    this.udp.stop();
  }

  // --- inside ---

  private readBoard(): void {
    const generation = this.board.readTable(this.line, (slot, line) => {
      const server = this.serverOfSlot[slot];
      if (server !== undefined) (this.upstreamOfSlot[slot] as Upstream).readSlot(server, line);
    });
    if (generation < 0) return; // the keeper was quicker: next turn
    this.boardGeneration = generation;
    for (const upstream of this.upstreams) upstream.refreshed();
  }

  private tickLeaving(now: number): void {
    this.leaving = this.leaving.filter((listener) => listener.hasConnections);
    for (const listener of this.leaving) listener.handleTick(now);
  }

  private serveRetired(now: number): void {
    for (const upstream of this.retired) {
      upstream.serveWaiters();
      if (upstream.retireAt <= now && !upstream.hasWaiters) upstream.leave();
    }
    this.retired = this.retired.filter(({ retireAt, hasWaiters }) => retireAt > now || hasWaiters);
  }

  private renewDate(now: number): void {
    this.dateAt = now;
    writeHttpDate(this.context.date, this.wallClockMs());
  }
}

const NOT_REFUSED: Outcome = {
  onApplied: () => undefined,
  onRefused: (reason) => assert(false, reason),
};

function isOfStreams({ protocol }: ListenerPlan): boolean {
  return protocol !== 'udp';
}

/** A listener of another protocol is another one. */
function listenerKey({ name, protocol }: ListenerPlan): string {
  return `${name} ${protocol}`;
}
