/**
 * A client's connection of HTTP/2: RFC 9113 from the server's side. What is right, and what a client may cost, is decided in
 * core/http2; here frames are read as far as their answers have room, and each stream is a client of an exchange (stream.ts).
 *
 *   open -> leaving -> left -> gone          told to go (GOAWAY), first without naming a last stream, so that requests on their way are served
 *   any of them -> gone                      the client has gone, or is to be rid of: what is left to do with the socket is a Lingering's
 */
import { answerKind } from '../../core/answers/kinds.ts';
import { CLIENT_LEFT, endedByAnswer, MOVED, RETIRED, SHED } from '../../core/endings.ts';
import { STREAMS_MAX } from '../../core/http2/bounds.ts';
import { FromClient } from '../../core/http2/from-client.ts';
import type { StreamState } from '../../core/http2/stream-state.ts';
import { HEAD_SLOT_BYTES } from '../../base/limits.ts';
import type { Socket, SocketHandler } from '../../port/transport.ts';
import { ascii } from '../../wire/http1/emit.ts';
import type { HeadLimits } from '../../wire/http1/head.ts';
import { NO_ERROR } from '../../wire/http2/error-codes.ts';
import { type Fault, faultOf } from '../../wire/http2/faults.ts';
import { INT31_MAX, PING_BYTES } from '../../wire/http2/frame.ts';
import type { LineCache } from '../../wire/http2/hpack/line-cache.ts';
import { RequestReader } from '../../wire/http2/request.ts';
import {
  SETTING_ENABLE_CONNECT_PROTOCOL,
  SETTING_MAX_CONCURRENT_STREAMS,
  SETTING_MAX_HEADER_LIST_SIZE,
} from '../../wire/http2/settings.ts';
import type { Context } from '../context.ts';
import { type Admission, admissionOf } from '../http/admission.ts';
import type { ClientEmitters } from '../http/client-emitters.ts';
import * as own from '../http/own-responses.ts';
import { Peer } from '../http/peer.ts';
import type { HttpService } from '../http/service.ts';
import { isWorn } from '../http/wear.ts';
import type { IdleClient, IdleClients } from '../idle-clients.ts';
import type { ConnectionInfo } from '../layer.ts';
import type { Delayed } from '../later.ts';
import { Lingering } from '../lingering.ts';
import type { Listener } from '../listener.ts';
import { RateWindow } from '../rate-window.ts';
import { KEEPS_NOTHING, Session } from '../session.ts';
import type { BlockWriter } from './block-writer.ts';
import { Frames, type FramesOwner } from './frames.ts';
import type { Output } from './output.ts';
import { Stream, type StreamOwner } from './stream.ts';
import { WebSocketStream } from './web-socket-stream.ts';

const OPEN = 0;
const LEAVING = 1;
const LEFT = 2;
const GONE = 3;
type Phase = 0 | 1 | 2 | 3;

/** How long a client has to answer the ping behind the first GOAWAY: until then what it sends may not know of that. */
const LEAVE_MS = 1000;
/** Of a head as HTTP/1 has it, besides what counts as its size. */
const HEAD_BYTES_MORE = 64;
const NO_OPAQUE = new Uint8Array(PING_BYTES);

const FLOOD = answerKind('http2-flood');
const INVALID = answerKind('http2-invalid');
const TOO_SLOW = endedByAnswer(answerKind('client-too-slow'));

/** All connections share it: nothing of it is kept between two calls. */
const requests = new RequestReader(true);

export class Connection
  extends Session
  implements SocketHandler, IdleClient, StreamOwner, FramesOwner<Stream>, Delayed
{
  readonly service: HttpService;
  readonly emitters: ClientEmitters;
  readonly admission: Admission;
  readonly peer: Peer;
  readonly machine: FromClient<Stream>;
  private readonly frames: Frames<Stream>;
  private readonly context: Context;
  private readonly listener: Listener;
  private readonly socket: Socket;
  private phase: Phase = OPEN;
  /** Behind the first GOAWAY: when the second one follows at the latest. */
  private leaveAt = 0;
  /** How fast the client takes what it is sent, while the socket is full. */
  private readonly taking = new RateWindow();

  /** When the header block under way began. */
  private blockSince = 0;

  // The lists of idle clients' own.
  idleIn: IdleClients | null = null;
  idleSince = 0;
  idleBefore: IdleClient | null = null;
  idleAfter: IdleClient | null = null;

  constructor(
    service: HttpService,
    emitters: ClientEmitters,
    cache: LineCache,
    socket: Socket,
    info: ConnectionInfo | null,
  ) {
    super();
    const { listener } = service;
    const { context } = listener;
    this.context = context;
    this.service = service;
    this.listener = listener;
    this.emitters = emitters;
    this.admission = admissionOf(service, info);
    this.socket = socket;
    this.peer = new Peer(info, socket, context.transport);
    this.machine = new FromClient(context.transport.now);
    this.frames = new Frames(context, this, this.machine, socket, cache, true);
    socket.handler = this;
    this.rest();
    this.arm();
    this.frames.control.sendSettings([
      SETTING_MAX_CONCURRENT_STREAMS,
      STREAMS_MAX,
      SETTING_MAX_HEADER_LIST_SIZE,
      emitters.limits.headBytes,
      SETTING_ENABLE_CONNECT_PROTOCOL,
      1,
    ]);
    this.frames.control.sendWindow(0, FromClient.firstIncrement);
  }

  get output(): Output {
    return this.frames.output;
  }

  get blocks(): BlockWriter {
    return this.frames.blocks;
  }

  private get now(): number {
    return this.context.transport.now;
  }

  // --- events of the socket ---

  handleConnect(): void {
    // accepted, never connected
  }

  handleData(_socket: Socket, slot: number, offset: number, length: number): void {
    this.frames.accept(slot, offset, length);
  }

  handleEnd(): void {
    this.close(CLIENT_LEFT);
  }

  handleDrain(): void {
    this.taking.close();
    this.frames.handleDrain();
  }

  handleClose(): void {
    this.close(CLIENT_LEFT);
  }

  // --- what the frames say ---

  get limits(): HeadLimits {
    return this.emitters.limits;
  }

  get isGone(): boolean {
    return this.phase === GONE;
  }

  get isClogged(): boolean {
    return this.frames.output.isFull;
  }

  handlePumped(): void {
    if (this.frames.hasInput) {
      this.socket.pause();
      this.watchTaking();
    } else this.socket.resume();
    this.settle();
  }

  handleBlockBegin(): void {
    this.leaveIdle();
    this.blockSince = this.now;
  }

  handleSettings(): void {
    // they are heeded where something is sent
  }

  handlePingAck(): void {
    if (this.phase === LEAVING) this.leaveForGood();
  }

  handleGoaway(): void {
    // it begins no more streams, and needs nobody's leave for that
  }

  /** Something waits for the client to take it. `arm` follows. */
  private watchTaking(): void {
    if (this.taking.endsAt !== 0) return;
    this.taking.openLater(this.now, this.listener.plan.timeouts.bodyMs);
  }

  handleHead(state: StreamState<Stream>, blockBytes: number): void {
    const { context, frames, machine } = this;
    const { decoder } = frames;
    const { arena, memory, requestHead } = context;
    const { limits } = this.emitters;
    const bytes = Math.min(HEAD_SLOT_BYTES, limits.headBytes + HEAD_BYTES_MORE);
    const slot = arena.allocate(bytes);
    if (slot < 0) {
      if (frames.skipBlock()) this.refuse(state, blockBytes, own.OUT_OF_MEMORY);
      return;
    }
    const start = arena.start(slot);
    const end = requests.read(decoder, state.hasEnded, limits, memory, start, start + bytes, requestHead);
    const { error, fault } = requests;
    if (end > 0) {
      const { hasProtocol, keyAt } = requests;
      const stream = hasProtocol
        ? new WebSocketStream(this, state, blockBytes, keyAt)
        : new Stream(this, state, blockBytes);
      state.owner = stream;
      stream.begin(end - start);
      this.leaveIfLast();
    } else if (fault === 0) this.refuse(state, blockBytes, own.refusal(error));
    else if (!faultOf(fault).isOfStream) this.endFor(faultOf(fault), false);
    else frames.follow(machine.refuse(state.id, faultOf(fault).code, this.now), state.id);
    arena.release(slot);
  }

  private leaveIfLast(): void {
    const { isDraining, plan } = this.listener;
    const { wear } = plan;
    if (isDraining || (wear !== undefined && isWorn(wear, this.peer.requests, this.peer.ageMs))) this.leaveSoon();
  }

  private refuse(state: StreamState<Stream>, blockBytes: number, response: own.OwnResponse): void {
    const stream = new Stream(this, state, blockBytes);
    state.owner = stream;
    stream.refuse(response);
  }

  // --- streams ---

  take(state: StreamState<Stream>, bytes: number): void {
    this.frames.take(state, bytes);
  }

  block(stream: Stream): void {
    if (stream.isBlocked) return;
    this.frames.block(stream);
    if (!this.frames.output.isFull) return;
    this.watchTaking();
    this.arm();
  }

  unblock(stream: Stream): void {
    this.frames.unblock(stream);
  }

  finish({ state }: Stream): void {
    const { machine } = this;
    if (!machine.finish(state)) {
      // section 8.1: the rest of the request is not wanted
      this.frames.control.sendReset(state.id, NO_ERROR);
      machine.abort(state);
    }
    this.handleStreamEnd();
  }

  reset({ state }: Stream, code: number): void {
    this.frames.control.sendReset(state.id, code);
    this.machine.abort(state);
    this.handleStreamEnd();
  }

  private handleStreamEnd(): void {
    if (this.phase === GONE) return;
    if (this.listener.isDraining) this.leaveSoon();
    this.settle();
  }

  /** What is to be done when: by what is under way. While input is worked on, that is found out behind it. */
  private settle(): void {
    const { frames, machine } = this;
    if (this.phase === GONE || frames.isPumping) return;
    if (machine.streams.size > 0 || frames.hasInput) this.leaveIdle();
    else if (!frames.output.isEmpty) {
      this.leaveIdle();
      this.watchTaking();
    } else if (this.phase === LEFT) {
      this.linger();
      return;
    } else if (this.phase === OPEN && !frames.isInBlock) this.rest();
    this.arm();
  }

  private arm(): void {
    const { timeouts } = this.listener.plan;
    let earliest = Infinity;
    if (this.leaveAt > 0) earliest = this.leaveAt;
    if (this.taking.endsAt > 0) earliest = Math.min(earliest, this.taking.endsAt);
    if (this.idleIn !== null) earliest = Math.min(earliest, this.idleSince + timeouts.idleMs);
    else if (this.frames.isInBlock) earliest = Math.min(earliest, this.blockSince + timeouts.headMs);
    if (earliest === Infinity) this.deadline = 0;
    else if (this.deadline === 0 || earliest < this.deadline) this.context.timers.arm(this, earliest);
  }

  // --- time ---

  override handleExpiry(now: number): void {
    const { timeouts, limits } = this.listener.plan;
    if (
      this.taking.isOver(now) &&
      this.taking.judge(now, timeouts.bodyMs, this.socket.acknowledgedBytes, limits.bodyRate)
    ) {
      this.listener.noteCutOff();
      this.close(TOO_SLOW);
      return;
    }
    if (this.frames.isInBlock && now >= this.blockSince + timeouts.headMs) this.endLate();
    else if (this.leaveAt > 0 && now >= this.leaveAt) this.leaveForGood();
    else if (this.idleIn !== null && now >= this.idleSince + timeouts.idleMs) this.endIdle();
    if (this.phase !== GONE) this.settle();
  }

  // --- between requests ---

  private rest(): void {
    if (this.idleIn !== null) return;
    this.listener.idle.add(this, this.now);
  }

  private leaveIdle(): void {
    if (this.idleIn !== null) this.idleIn.remove(this);
  }

  closeIdle(): void {
    this.goAway(this.machine.leave(), NO_ERROR);
    this.close(CLIENT_LEFT);
  }

  endIdle(): void {
    this.leaveSoon();
    this.leaveIdle();
  }

  // --- ends ---

  /** The client is to go elsewhere with its next request; those on their way are served. */
  private leaveSoon(): void {
    if (this.phase !== OPEN) return;
    this.phase = LEAVING;
    this.frames.control.sendGoaway(INT31_MAX, NO_ERROR);
    this.frames.control.sendPing(NO_OPAQUE, false);
    this.leaveAt = this.now + LEAVE_MS;
    this.arm();
  }

  private leaveForGood(): void {
    if (this.phase !== LEAVING) return;
    this.phase = LEFT;
    this.leaveAt = 0;
    this.goAway(this.machine.leave(), NO_ERROR);
    this.settle();
  }

  /** The client is told at once that nothing above this stream is taken, and why. */
  private goAway(lastId: number, code: number): void {
    this.frames.control.sendGoaway(lastId, code);
    this.frames.output.flush();
  }

  /** The client has broken a rule, or asks for more than it may. */
  endFor({ code, name }: Pick<Fault, 'code' | 'name'>, isFlood: boolean): void {
    if (this.phase === GONE) return;
    const kind = isFlood ? FLOOD : INVALID;
    const text = ascii(name);
    this.context.answers.note(this.listener.plan.name, kind, text, 0, text.length);
    this.goAway(this.machine.lastId, code);
    this.linger(endedByAnswer(kind));
  }

  /** A header block does not come to its end. */
  private endLate(): void {
    const { kind } = own.HEAD_TIMEOUT;
    this.context.answers.note(this.listener.plan.name, kind);
    this.goAway(this.machine.lastId, NO_ERROR);
    this.linger(endedByAnswer(kind));
  }

  /** Nothing more is wanted of this client, which gets what the socket has. */
  private linger(ending = CLIENT_LEFT): void {
    const { bodyMs } = this.listener.plan.timeouts;
    const { bodyRate } = this.listener.plan.limits;
    this.leave(ending);
    Lingering.begin(
      this.context,
      this.socket,
      this.taking,
      { bodyMs, bodyRate, hasEnded: false, closesAtOnce: false, isEndedByClose: false },
      this.listener,
    );
  }

  private close(ending: number): void {
    if (this.phase === GONE) return;
    this.leave(ending);
    this.socket.close();
    this.listener.release();
  }

  private leave(ending: number): void {
    this.phase = GONE;
    for (const { owner } of this.machine.streams.values()) if (owner !== null) owner.handleGone(ending);
    this.machine.streams.clear();
    this.leaveIdle();
    this.frames.clear();
    this.context.timers.remove(this);
    this.context.sessions.delete(this);
  }

  override retireAt(): number {
    return this.listener.retireAt;
  }

  override retire(): void {
    this.goAway(this.machine.leave(), NO_ERROR);
    this.linger(RETIRED);
  }

  override localAddress(into: Uint8Array, at: number): number {
    return this.socket.localAddress(into, at);
  }

  override abandon(): void {
    this.close(MOVED);
  }

  // --- for the memory guard ---

  override progress(): number {
    const isKeeping = this.socket.keepsScarce || this.frames.keepsScarce;
    return isKeeping ? this.socket.acknowledgedBytes : KEEPS_NOTHING;
  }

  override quietSince(): number {
    return this.taking.quietSince(this.now);
  }

  override shed(): void {
    this.socket.reset();
    this.close(SHED);
  }

  /**
   * There is no slot for what has to be said: the connection could not go on as both sides think that it stands. It ends in the next turn,
   * since whoever has something to say may be in the middle of something, or may be making this object.
   */
  lackMemory(): void {
    this.context.later.add(this);
  }

  handleLater(): void {
    if (this.phase !== GONE) this.shed();
  }
}
