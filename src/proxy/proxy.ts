/**
 * One proxy process's data plane: listeners and upstreams on a transport. The process around it (`main.ts`) and the
 * simulator run this same class.
 */
import { PLENTY } from '../base/arena.ts';
import { assert } from '../base/assert.ts';
import type { Board, ServerSlot } from '../base/board.ts';
import { HEADER_COUNT_MAX, TICK_MS } from '../base/limits.ts';
import { Prng } from '../base/prng.ts';
import { Timers, type ExpiryHandler, type Timed } from '../base/timers.ts';
import type { Plan } from '../config/plan.ts';
import type { Transport, TransportDriver } from '../port/transport.ts';
import { RequestHead, ResponseHead } from '../wire/http1/head.ts';
import { AnswerLog } from './answer-log.ts';
import type { Context, ProxyEvent } from './context.ts';
import type { Expiring } from './expiring.ts';
import { resumeBelow, socketsMaxOf } from '../core/descriptors.ts';
import { FailureLog } from './failure-log.ts';
import { HttpListener } from './http/listener.ts';
import { writeHttpDate, HTTP_DATE_BYTES } from './http-date.ts';
import type { Listener } from './listener.ts';
import { MemoryGuard } from './memory-guard.ts';
import { TcpListener } from './tcp.ts';
import { Upstream, type Server } from './upstream.ts';

export type { ProxyEvent } from '../port/control.ts';

export interface ProxyOptions {
  readonly plan: Plan;
  readonly transport: Transport;
  readonly board: Board;
  /** This proxy's row on the board. */
  readonly workerIndex: number;
  /** For balancing and request identifiers. */
  readonly seed: number;
  /** Milliseconds since 1970, for Date fields. Called about once a second. */
  readonly wallClockMs: () => number;
  readonly report: (event: ProxyEvent) => void;
  /** Descriptors that this process may have besides those that it has now. */
  readonly descriptors: number;
}

const DATE_MS = 1000;
/** See Context.segmentsEnough. */
const SEGMENTS_ENOUGH = 2;

export class Proxy implements TransportDriver, ExpiryHandler {
  private readonly context: Context;
  private readonly board: Board;
  private readonly wallClockMs: () => number;
  private readonly listeners: readonly Listener[];
  private readonly upstreams: readonly Upstream[];
  private readonly failures: FailureLog;
  private readonly guard: MemoryGuard;
  /** Whose line of the board is whose. */
  private readonly serverOfSlot: (Server | undefined)[] = [];
  private readonly upstreamOfSlot: (Upstream | undefined)[] = [];
  private readonly line: ServerSlot = { state: 0, weight: 0, family: 0, port: 0, address: new Uint8Array(16) };
  private boardGeneration = -1;
  private dateAt = -Infinity;
  private tickAt: number;
  private guardedAt = -Infinity;
  private hasReportedDrained = false;
  private isHoldingAccepting = false;

  constructor(options: ProxyOptions) {
    const { transport, board, plan, report } = options;
    const row = board.worker(options.workerIndex);
    const scratchSlot = transport.arena.allocateLarge();
    assert(scratchSlot >= 0, 'an arena without a single large slot');
    this.board = board;
    this.wallClockMs = options.wallClockMs;
    this.failures = new FailureLog(row, report);
    this.context = {
      transport,
      arena: transport.arena,
      memory: transport.arena.memory,
      board,
      row,
      timers: new Timers(transport.now),
      prng: new Prng(options.seed),
      requestHead: new RequestHead(HEADER_COUNT_MAX),
      responseHead: new ResponseHead(HEADER_COUNT_MAX),
      scratchSlot,
      date: new Uint8Array(HTTP_DATE_BYTES),
      report,
      noteFailure: (slot, how, status) => this.failures.note(slot, how, status),
      socketsMax: socketsMaxOf(options.descriptors),
      holdAccepting: () => this.holdAccepting(true),
      evictIdle: () => this.evictIdle(),
      answers: new AnswerLog(row, report),
      isDraining: false,
      liveSessions: 0,
      sessions: new Set(),
      segmentsEnough: SEGMENTS_ENOUGH,
      serverConnections: new Set(),
    };
    this.guard = new MemoryGuard(this.context.arena, row, this.context.sessions, report);
    this.tickAt = transport.now;
    this.renewDate(transport.now);
    this.upstreams = plan.upstreams.map((upstream) => new Upstream(this.context, upstream));
    for (const upstream of this.upstreams) {
      for (const server of upstream.servers) {
        this.serverOfSlot[server.slot] = server;
        this.upstreamOfSlot[server.slot] = upstream;
      }
    }
    this.readBoard();
    this.listeners = plan.listeners.map((listener, index) =>
      listener.protocol === 'http'
        ? new HttpListener(this.context, listener, index, this.upstreams)
        : new TcpListener(this.context, listener, index, this.upstreams),
    );
  }

  /** Serves the listening descriptors: per listener, per bind, in the plan's order. */
  start(descriptors: readonly (readonly number[])[]): void {
    assert(descriptors.length === this.listeners.length, 'one list of descriptors per listener');
    this.listeners.forEach((listener, index) => listener.start(descriptors[index]));
  }

  /** Serves one more listening descriptor; again does nothing. */
  open(listener: number, descriptor: number): void {
    if (!this.context.isDraining) this.listeners[listener]?.start([descriptor]);
  }

  /** Accepts no more, ends what is idle, and reports `drained` when the last exchange and session has ended. */
  drain(): void {
    if (this.context.isDraining) return;
    this.context.isDraining = true;
    for (const listener of this.listeners) listener.close();
    for (const session of this.context.sessions) session.drain();
    for (const upstream of this.upstreams) upstream.closeIdle();
  }

  handleTurn(now: number): void {
    this.context.row.beat();
    if (this.board.generation !== this.boardGeneration) this.readBoard();
    this.failures.flush();
    this.context.segmentsEnough = this.context.arena.pressure === PLENTY ? SEGMENTS_ENOUGH : 1;
    if (now === this.tickAt) return;
    this.tickAt = now;
    this.context.timers.advance(now, this);
    if (this.isHoldingAccepting && this.context.transport.socketCount < resumeBelow(this.context.socketsMax)) {
      this.holdAccepting(false);
    }
    if (now - this.guardedAt >= TICK_MS) {
      this.guardedAt = now;
      this.guard.handleTick(now);
    }
    if (now - this.dateAt >= DATE_MS) {
      this.renewDate(now);
      this.context.answers.flush();
      this.failures.flushShortages();
    }
    for (const upstream of this.upstreams) {
      if (upstream.hasWaiters) upstream.serveWaiters();
    }
    if (this.context.isDraining && !this.hasReportedDrained && this.context.liveSessions === 0) {
      this.hasReportedDrained = true;
      this.context.report({ kind: 'drained' });
    }
  }

  private holdAccepting(isHeld: boolean): void {
    if (this.isHoldingAccepting === isHeld) return;
    this.isHoldingAccepting = isHeld;
    for (const listener of this.listeners) listener.setHeld(isHeld);
  }

  private evictIdle(): boolean {
    return this.upstreams.some(({ servers }) => servers.some(({ idle }) => idle.closeOldest()));
  }

  handleExpiry(timed: Timed, now: number): void {
    (timed as Expiring).handleExpiry(now);
  }

  private readBoard(): void {
    const generation = this.board.readTable(this.line, (slot, line) => {
      const server = this.serverOfSlot[slot];
      if (server !== undefined) (this.upstreamOfSlot[slot] as Upstream).readSlot(server, line);
    });
    if (generation < 0) return; // the keeper was quicker: next turn
    this.boardGeneration = generation;
    for (const upstream of this.upstreams) upstream.refreshed();
  }

  private renewDate(now: number): void {
    this.dateAt = now;
    writeHttpDate(this.context.date, this.wallClockMs());
  }
}
