/**
 * A connection of HTTP/2 to a server: RFC 9113 from the client's side. It carries as many exchanges at a time as the server takes, and rests in its
 * server's pool when it carries none.
 *
 *   connecting -> greeting -> ready <-> idle          `greeting`: the server's settings are not here yet, and nothing is asked before
 *   any of them -> gone
 *
 * Which streams there are, what may be sent and what a server may cost, is decided in core/http2/to-server.ts.
 */
import { HEAD_SLOT_BYTES } from '../../base/limits.ts';
import { answerKind } from '../../core/answers/kinds.ts';
import { TAKEN, type Verdict } from '../../core/http2/connection-state.ts';
import { ASK, DEAD, SilenceWatch } from '../../core/http2/silence.ts';
import { ToServer } from '../../core/http2/to-server.ts';
import type { StreamState } from '../../core/http2/stream-state.ts';
import {
  type ConnectFailure,
  type Failure,
  FAILED_BAD_RESPONSE,
  FAILED_CONNECT_TIMEOUT,
  FAILED_NO_BUFFER,
  FAILED_REFUSED,
  FAILED_RESET,
  FAILED_SILENT,
} from '../../core/retry.ts';
import type { Socket, SocketHandler } from '../../port/transport.ts';
import { ascii, emitFragment } from '../../wire/http1/emit.ts';
import { BODY_LENGTH, BODY_NONE, BODY_UNTIL_CLOSE, type HeadLimits } from '../../wire/http1/head.ts';
import { responseBody } from '../../wire/http1/response.ts';
import { CANCEL, NO_ERROR } from '../../wire/http2/error-codes.ts';
import { type Fault, faultOf } from '../../wire/http2/faults.ts';
import { PING_BYTES, PREFACE } from '../../wire/http2/frame.ts';
import type { LineCache } from '../../wire/http2/hpack/line-cache.ts';
import { ResponseReader } from '../../wire/http2/response.ts';
import { SETTING_ENABLE_PUSH } from '../../wire/http2/settings.ts';
import type { Context } from '../context.ts';
import { Dial, type DialOwner } from '../dial.ts';
import { Expiring } from '../expiring.ts';
import type { IdlePool } from '../http/idle-pool.ts';
import type { Pooled, ResponseHandler, Shared } from '../http/sides.ts';
import { isWorn } from '../http/wear.ts';
import type { Delayed } from '../later.ts';
import type { ConnectionInfo, PeerAddress } from '../layer.ts';
import type { Server } from '../server.ts';
import type { Upstream } from '../upstream.ts';
import type { BlockWriter } from './block-writer.ts';
import { Frames, type FramesOwner } from './frames.ts';
import type { Output } from './output.ts';
import { RESPONSE_LIMITS, ServerStream } from './server-stream.ts';
import type { StreamCarrier } from './stream-carrier.ts';

const CONNECTING = 0;
const GREETING = 1;
const READY = 2;
const IDLE = 3;
const GONE = 4;
type Phase = 0 | 1 | 2 | 3 | 4;

const BREACH = answerKind('http2-server');

const NO_OPAQUE = new Uint8Array(PING_BYTES);

/** As ALPN names it. */
const HTTP_2 = 'h2';

/** All connections share it: nothing of it is kept between two calls. */
const responses = new ResponseReader();

/** Who begins connections, and finds others for what does not fit. */
export interface ConnectionOwner {
  /** Its settings are here, it takes so many at a time; or it will never be: `streamsMax` 0. */
  handleSettled(connection: ServerConnection, streamsMax: number): void;
  /** It has no room for what waits there. */
  place(stream: ServerStream): void;
  /** The server has chosen HTTP/1: the connection is for the first of these, which have waited for it. */
  handleHttp1(connection: ServerConnection, streams: readonly ServerStream[], socket: Socket): void;
}

export class ServerConnection
  extends Expiring
  implements SocketHandler, DialOwner, FramesOwner<ServerStream>, StreamCarrier<ServerStream>, Pooled, Shared, Delayed
{
  readonly context: Context;
  readonly server: Server;
  readonly upstream: Upstream;
  readonly limits: HeadLimits = RESPONSE_LIMITS;
  readonly machine: ToServer<ServerStream>;
  private readonly owner: ConnectionOwner;
  /** Where it rests: the server's when it was begun. */
  readonly pool: IdlePool;
  private readonly cache: LineCache;
  private dial: Dial | null = null;
  private socketOrNull: Socket | null = null;
  private framesOrNull: Frames<ServerStream> | null = null;
  private phase: Phase = CONNECTING;
  private readonly begunAt: number;
  /** Those for whom it was begun. */
  private readonly waiting: ServerStream[] = [];
  private isShared = false;
  /** Null: silence is no reason to ask. */
  private readonly watch: SilenceWatch | null;
  /** Exchanges that it has carried. */
  private requests = 0;
  receivedBytes = 0;
  // In the pool: since when, and its neighbours.
  idleSince = 0;
  newer: Pooled | null = null;
  older: Pooled | null = null;
  // Among those that have room: its neighbours.
  sharedBefore: Shared | null = null;
  sharedBehind: Shared | null = null;

  constructor(context: Context, upstream: Upstream, server: Server, owner: ConnectionOwner, cache: LineCache) {
    super();
    this.context = context;
    this.upstream = upstream;
    this.server = server;
    this.pool = server.idle;
    this.owner = owner;
    this.cache = cache;
    this.begunAt = context.transport.now;
    this.machine = new ToServer(this.begunAt);
    const { ping } = upstream.plan;
    this.watch = ping === undefined ? null : new SilenceWatch(ping);
  }

  /** False: no socket could be made. */
  connect(): boolean {
    this.dial = Dial.begin(this.context, this.upstream, this.server, this);
    return this.dial !== null;
  }

  // --- until it is ready ---

  get client(): PeerAddress {
    return this.waiting[0].exchange.clientAddress;
  }

  get clientInfo(): ConnectionInfo | null {
    return this.waiting[0].exchange.clientInfo;
  }

  /** No PROXY header names a request: many clients use the connection. */
  emitId(_into: Uint8Array, at: number): number {
    return at;
  }

  handleDialed(socket: Socket, protocol: string | null): void {
    this.dial = null;
    if (this.upstream.plan.protocol !== 'auto' || protocol === HTTP_2) {
      this.begin(socket);
      return;
    }
    const streams = this.waiting.splice(0);
    this.forget();
    this.owner.handleHttp1(this, streams, socket);
  }

  handleDialFailed(how: ConnectFailure): void {
    this.dial = null;
    this.lose(how);
  }

  /** It stands: we speak first. */
  private begin(socket: Socket): void {
    const { context } = this;
    this.socketOrNull = socket;
    socket.handler = this;
    this.phase = GREETING;
    this.framesOrNull = new Frames(context, this, this.machine, socket, this.cache, false);
    context.timers.arm(this, context.transport.now + this.upstream.plan.timeouts.connectMs);
    const { control, output } = this.frames;
    const at = output.reserve(PREFACE.length);
    if (at < 0) {
      this.lackMemory();
      return;
    }
    output.commit(emitFragment(context.memory, at, PREFACE));
    control.sendSettings([SETTING_ENABLE_PUSH, 0]);
    control.sendWindow(0, ToServer.firstIncrement);
    output.flush();
  }

  /** So many wait for it. */
  get waitingCount(): number {
    return this.waiting.length;
  }

  /** A new stream waits for it. */
  await(exchange: ResponseHandler): ServerStream {
    const stream = new ServerStream(this, exchange, false);
    this.waiting.push(stream);
    return stream;
  }

  /** One that did not fit elsewhere. */
  awaitBy(stream: ServerStream): void {
    stream.moveTo(this);
    this.waiting.push(stream);
  }

  leaveQueue(stream: ServerStream): void {
    const at = this.waiting.indexOf(stream);
    if (at >= 0) this.waiting.splice(at, 1);
  }

  handleSettings(): void {
    if (this.phase !== GREETING) {
      // whoever finds it unused would begin a stream there
      if (this.phase === IDLE && !this.hasRoom) this.leavePool();
      else this.share();
      return;
    }
    const { waiting } = this;
    this.phase = READY;
    this.deadline = 0;
    this.owner.handleSettled(this, this.machine.streamsMax);
    while (waiting.length > 0 && this.hasRoom) (waiting.shift() as ServerStream).begin();
    for (let stream = waiting.shift(); stream !== undefined; stream = waiting.shift()) {
      if (this.machine.streamsMax === 0) stream.handleNoConnection(FAILED_REFUSED);
      else this.owner.place(stream);
    }
    this.share();
  }

  // --- exchanges ---

  get hasRoom(): boolean {
    return this.phase >= READY && this.phase <= IDLE && this.machine.room > 0;
  }

  /** The server has ended it already, which nobody was told yet: no. */
  get isStanding(): boolean {
    return this.socket.isStanding;
  }

  join(): ServerStream {
    if (this.phase === IDLE) {
      this.phase = READY;
      this.share();
    }
    return new ServerStream(this, null, true);
  }

  openStream(stream: ServerStream): StreamState<ServerStream> {
    const state = this.machine.open();
    state.owner = stream;
    this.requests++;
    if (this.watch !== null && this.machine.streams.size === 1) this.beginWatch(this.watch);
    const { wear } = this.upstream.plan;
    if (wear !== undefined && isWorn(wear, this.requests, this.context.transport.now - this.begunAt))
      this.machine.isLeaving = true;
    this.share();
    return state;
  }

  /** Something waits for the server from here. */
  private beginWatch(watch: SilenceWatch): void {
    const { timers, transport } = this.context;
    watch.begin(transport.now);
    timers.arm(this, watch.lookAt);
  }

  private lookAtSilence(watch: SilenceWatch, now: number): void {
    if (this.phase !== READY || this.machine.streams.size === 0) return;
    const said = watch.look(now);
    if (said === DEAD) {
      this.lose(FAILED_SILENT);
      return;
    }
    if (said === ASK) {
      this.frames.control.sendPing(NO_OPAQUE, false);
      this.frames.output.flush();
    }
    this.context.timers.arm(this, watch.lookAt);
  }

  /** Whoever looks for room finds it here, or not. */
  private share(): void {
    const isOpen = this.phase === READY && this.machine.room > 0;
    if (isOpen === this.isShared) return;
    this.isShared = isOpen;
    if (isOpen) this.pool.share(this);
    else this.pool.unshare(this);
  }

  closeStream(state: StreamState<ServerStream>): void {
    this.machine.close(state);
    this.settle();
  }

  resetStream(state: StreamState<ServerStream>, code: number): void {
    if (this.phase === GONE) return;
    this.machine.abort(state);
    this.frames.control.sendReset(state.id, code);
    this.settle();
  }

  take(state: StreamState<ServerStream>, bytes: number): void {
    if (this.phase !== GONE) this.frames.take(state, bytes);
  }

  block(stream: ServerStream): void {
    this.frames.block(stream);
  }

  unblock(stream: ServerStream): void {
    this.frames.unblock(stream);
  }

  /** Where nothing at all has come since the stream began, the connection may be dead, and is used for no other. */
  noteSilence(receivedBefore: number): void {
    if (this.receivedBytes !== receivedBefore) return;
    this.machine.isLeaving = true;
    this.share();
  }

  /** Nothing is under way any more: it rests, or goes. */
  private settle(): void {
    if (this.phase !== READY || this.frames.isPumping) return;
    this.share();
    if (this.machine.streams.size > 0 || this.waiting.length > 0) return;
    if (!this.hasRoom || !this.server.hasRoomForIdle) {
      this.close();
      return;
    }
    this.phase = IDLE;
    this.share();
    this.pool.put(this);
  }

  // --- the socket ---

  private get socket(): Socket {
    return this.socketOrNull as Socket;
  }

  private get frames(): Frames<ServerStream> {
    return this.framesOrNull as Frames<ServerStream>;
  }

  get output(): Output {
    return this.frames.output;
  }

  get blocks(): BlockWriter {
    return this.frames.blocks;
  }

  get isTls(): boolean {
    return this.upstream.plan.tls !== null;
  }

  remoteAddress(into: Uint8Array, at: number): number {
    return this.socket.remoteAddress(into, at);
  }

  localAddress(into: Uint8Array, at: number): number {
    return this.socket.localAddress(into, at);
  }

  get acknowledgedBytes(): number {
    return this.socketOrNull === null ? 0 : this.socketOrNull.acknowledgedBytes;
  }

  handleConnect(): void {
    // it is connected
  }

  handleData(_socket: Socket, slot: number, offset: number, length: number): void {
    this.receivedBytes += length;
    if (this.watch !== null) this.watch.hear(this.context.transport.now);
    this.frames.accept(slot, offset, length);
  }

  handleEnd(): void {
    this.lose(FAILED_RESET);
  }

  handleDrain(): void {
    this.frames.handleDrain();
  }

  handleClose(): void {
    this.socketOrNull = null;
    this.lose(FAILED_RESET);
  }

  // --- what the frames say ---

  get isGone(): boolean {
    return this.phase === GONE;
  }

  /** It is read from even where it does not take what it is sent: it may take that only when somebody reads. */
  get isClogged(): boolean {
    return this.frames.output.isClogged;
  }

  handlePumped(): void {
    if (this.frames.hasInput) this.socket.pause();
    else this.socket.resume();
    this.settle();
  }

  handleBlockBegin(): void {
    // how long it may take is for each stream to say
  }

  handleHead(state: StreamState<ServerStream>): void {
    const { context, frames, machine } = this;
    const { arena, memory, responseHead } = context;
    const { endsStream } = frames;
    const stream = state.owner as ServerStream;
    const slot = arena.allocate(HEAD_SLOT_BYTES);
    if (slot < 0) {
      if (frames.skipBlock()) this.shed();
      return;
    }
    const start = arena.start(slot);
    const end = responses.read(
      frames.decoder,
      endsStream,
      RESPONSE_LIMITS,
      memory,
      start,
      start + HEAD_SLOT_BYTES,
      responseHead,
    );
    const { fault } = responses;
    const { now } = context.transport;
    if (fault !== 0 && !faultOf(fault).isOfStream) this.endFor(faultOf(fault));
    else if (end === 0) {
      if (fault !== 0) this.noteBreach(faultOf(fault).name);
      frames.follow(machine.refuse(state.id, fault === 0 ? CANCEL : faultOf(fault).code, now), state.id);
    } else if (frames.follow(this.judgeHead(state, stream, endsStream, now), state.id) === TAKEN)
      stream.handleHead(slot, end - start, endsStream, !endsStream && frames.isFollowedByData(state.id));
    arena.release(slot);
  }

  /** The head of a final response says how much follows. */
  private judgeHead(state: StreamState<ServerStream>, stream: ServerStream, endsStream: boolean, now: number): Verdict {
    const { responseHead } = this.context;
    const { machine } = this;
    if (responseHead.status < 200) return machine.noteInterim(state, endsStream, now);
    state.hasHead = true;
    // a client is told of the end in its own way
    if (responseHead.body !== BODY_LENGTH) responseHead.body = BODY_UNTIL_CLOSE;
    const { leavesBody, method } = stream.exchange;
    const kind = leavesBody ? BODY_UNTIL_CLOSE : responseBody(responseHead, method);
    if (kind === BODY_NONE) state.expectedBytes = 0;
    else if (kind === BODY_LENGTH) state.expectedBytes = responseHead.contentLength;
    return endsStream ? machine.endBody(state, now) : TAKEN;
  }

  handlePingAck(): void {
    // whatever comes is an answer
  }

  handleGoaway(): void {
    // one that goes before it has done anything is no better than one that is not there
    const isInOrder = this.frames.goawayCode === NO_ERROR && this.machine.lastServed > 0;
    this.share();
    for (const { owner } of this.machine.takeRefused()) owner?.handleRefused(isInOrder);
    if (this.phase === IDLE) this.leavePool();
  }

  // --- ends ---

  override handleExpiry(now: number): void {
    if (this.phase === GREETING) this.lose(FAILED_CONNECT_TIMEOUT);
    else if (this.watch !== null) this.lookAtSilence(this.watch, now);
  }

  /** It is of no use any more: how, for those who have had no response. */
  private lose(how: Failure): void {
    if (this.phase === GONE) return;
    if (this.phase === IDLE) {
      this.leavePool();
      return;
    }
    const streams = [...this.machine.streams.values()];
    const waiting = this.waiting.splice(0);
    this.close();
    for (const { owner } of streams) owner?.handleLost(how);
    for (const stream of waiting) stream.handleLost(how);
  }

  /** The server has broken a rule, or costs more than any needs. */
  endFor({ code, name }: Pick<Fault, 'code' | 'name'>): void {
    if (this.phase === GONE) return;
    this.noteBreach(name);
    this.frames.control.sendGoaway(0, code);
    this.frames.output.flush();
    this.lose(FAILED_BAD_RESPONSE);
  }

  /** The rule goes to the log. */
  private noteBreach(rule: string): void {
    const text = ascii(`${rule} by ${this.server.addressText}`);
    this.context.answers.note(this.upstream.plan.name, BREACH, text, 0, text.length);
  }

  shed(): void {
    this.lose(FAILED_NO_BUFFER);
  }

  /** There is no slot for what has to be said: the connection could not go on. It ends in the next turn. */
  lackMemory(): void {
    this.context.later.add(this);
  }

  handleLater(): void {
    this.shed();
  }

  private leavePool(): void {
    this.pool.remove(this);
    this.close();
  }

  /** Of the pool, or with nothing under way any more. Idempotent. */
  close(): void {
    if (this.phase === GONE) return;
    const socket = this.socketOrNull;
    if (socket !== null && this.framesOrNull !== null) {
      this.frames.control.sendGoaway(0, NO_ERROR);
      this.frames.output.flush();
    }
    this.forget();
    if (socket !== null) socket.close();
  }

  reset(): void {
    const { socket } = this;
    this.forget();
    socket.reset();
  }

  private forget(): void {
    const wasSettled = this.phase >= READY;
    this.phase = GONE;
    this.share();
    this.socketOrNull = null;
    if (this.dial !== null) this.dial.cancel();
    this.dial = null;
    this.context.timers.remove(this);
    this.framesOrNull?.clear();
    this.machine.streams.clear();
    if (!wasSettled) this.owner.handleSettled(this, 0);
  }
}
