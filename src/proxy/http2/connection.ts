/**
 * A client's connection of HTTP/2: RFC 9113 from the server's side. What is right, and what a client may cost, is decided in
 * core/http2; here frames are read as far as their answers have room, and each stream is a client of an exchange (stream.ts).
 *
 *   open -> leaving -> left -> gone          told to go (GOAWAY), first without naming a last stream, so that requests on their way are served
 *   any of them -> gone                      the client has gone, or is to be rid of: what is left to do with the socket is a Lingering's
 */
import { PLENTY } from '../../base/arena.ts';
import { answerKind } from '../../core/answers/kinds.ts';
import { CLIENT_LEFT, endedByAnswer, MOVED, RETIRED, SHED } from '../../core/endings.ts';
import {
  ConnectionState,
  ENDED,
  OPENED,
  RESET,
  TAKEN,
  TRAILERS,
  type Verdict,
} from '../../core/http2/connection-state.ts';
import { CONTINUATIONS_MAX } from '../../core/http2/bounds.ts';
import type { StreamState } from '../../core/http2/stream-state.ts';
import { BLOCK_FLOOD, CONTINUATION_FLOOD, type Violation } from '../../core/http2/violations.ts';
import { HEAD_SLOT_BYTES, TRAILER_BYTES_MAX } from '../../base/limits.ts';
import type { Socket, SocketHandler } from '../../port/transport.ts';
import { ascii } from '../../wire/http1/emit.ts';
import { ENHANCE_YOUR_CALM, NO_ERROR, PROTOCOL_ERROR } from '../../wire/http2/error-codes.ts';
import { type Fault, faultOf } from '../../wire/http2/faults.ts';
import {
  EVENT_DATA,
  EVENT_FAULT,
  EVENT_GOAWAY,
  EVENT_HEADERS,
  EVENT_MORE,
  EVENT_PING,
  EVENT_PING_ACK,
  EVENT_RESET,
  EVENT_SETTING,
  EVENT_SETTINGS_END,
  EVENT_WINDOW,
  FrameReader,
} from '../../wire/http2/frame-reader.ts';
import { INT31_MAX, PING_BYTES, SETTING_BYTES } from '../../wire/http2/frame.ts';
import { HpackDecoder } from '../../wire/http2/hpack/decoder.ts';
import type { LineCache } from '../../wire/http2/hpack/line-cache.ts';
import { RequestReader } from '../../wire/http2/request.ts';
import { SETTING_HEADER_TABLE_SIZE } from '../../wire/http2/settings.ts';
import { TrailerReader } from '../../wire/http2/trailers.ts';
import type { Context } from '../context.ts';
import { type Admission, admissionOf } from '../http/admission.ts';
import type { ClientEmitters } from '../http/client-emitters.ts';
import * as own from '../http/own-responses.ts';
import { Peer } from '../http/peer.ts';
import type { HttpService } from '../http/service.ts';
import { isWorn } from '../http/wear.ts';
import type { IdleClient, IdleClients } from '../idle-clients.ts';
import { keepBehind } from '../keep-behind.ts';
import type { ConnectionInfo } from '../layer.ts';
import type { Delayed } from '../later.ts';
import { Lingering } from '../lingering.ts';
import type { Listener } from '../listener.ts';
import { RateWindow } from '../rate-window.ts';
import { KEEPS_NOTHING, Session } from '../session.ts';
import { BlockWriter } from './block-writer.ts';
import { ControlFrames, type ControlOwner } from './control-frames.ts';
import { Output } from './output.ts';
import { Stream, type StreamOwner } from './stream.ts';

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

/** All connections share them: nothing of them is kept between two calls. */
const requests = new RequestReader(false);
const trailers = new TrailerReader();

export class Connection extends Session implements SocketHandler, IdleClient, StreamOwner, ControlOwner, Delayed {
  readonly service: HttpService;
  readonly emitters: ClientEmitters;
  readonly admission: Admission;
  readonly peer: Peer;
  readonly machine: ConnectionState<Stream>;
  readonly output: Output;
  readonly blocks: BlockWriter;
  private readonly control: ControlFrames;
  private readonly context: Context;
  private readonly listener: Listener;
  private readonly socket: Socket;
  private readonly reader = new FrameReader(true);
  private readonly decoder = new HpackDecoder();
  private phase: Phase = OPEN;
  /** Behind the first GOAWAY: when the second one follows at the latest. */
  private leaveAt = 0;
  /** How fast the client takes what it is sent, while the socket is full. */
  private readonly taking = new RateWindow();

  // --- the input ---
  /** What of it has not been read. -1: nothing. */
  private slot = -1;
  private at = 0;
  private inputEnd = 0;
  private isPumping = false;
  /** A part of a header block, until all of it is here. */
  private blockSlot = -1;
  private blockBytes = 0;
  private blockSince = 0;
  /** Of the DATA frame under way. Null: it is for nobody. */
  private dataState: StreamState<Stream> | null = null;

  /** Who has more to send than the client takes, in the order in which they go on. */
  private readonly blocked: Stream[] = [];

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
    this.machine = new ConnectionState(context.transport.now);
    this.output = new Output(context, socket);
    this.blocks = new BlockWriter(context.memory, this.output, cache);
    this.control = new ControlFrames(context.memory, this.output, this);
    socket.handler = this;
    this.rest();
    this.arm();
    this.control.sendSettings(emitters.limits.headBytes);
    this.control.sendWindow(0, ConnectionState.firstIncrement);
  }

  private get now(): number {
    return this.context.transport.now;
  }

  // --- events of the socket ---

  handleConnect(): void {
    // accepted, never connected
  }

  handleData(_socket: Socket, slot: number, offset: number, length: number): void {
    this.slot = slot;
    this.at = offset;
    this.inputEnd = offset + length;
    this.pump();
  }

  handleEnd(): void {
    this.close(CLIENT_LEFT);
  }

  handleDrain(): void {
    this.taking.close();
    this.hold();
    this.output.flush();
    this.serveBlocked();
    this.pump();
  }

  handleClose(): void {
    this.close(CLIENT_LEFT);
  }

  // --- reading ---

  /** Works on what has come in as long as there is room for what is said to it. */
  private pump(): void {
    if (this.isPumping) return;
    this.isPumping = true;
    this.hold();
    while (this.slot >= 0 && this.phase !== GONE && !this.output.isFull && this.step());
    this.isPumping = false;
    if (this.phase === GONE) return;
    this.sendConnectionWindow();
    this.release();
    this.regulate();
  }

  /** What is sent until `release` leaves together. */
  private hold(): void {
    this.output.isHeld = true;
  }

  private release(): void {
    this.output.isHeld = false;
    this.output.flush();
  }

  private regulate(): void {
    if (this.slot < 0) this.socket.resume();
    else {
      this.socket.pause();
      this.watchTaking();
    }
    this.settle();
  }

  /** Something waits for the client to take it. `arm` follows. */
  private watchTaking(): void {
    if (this.taking.endsAt !== 0) return;
    this.taking.openLater(this.now, this.listener.plan.timeouts.bodyMs);
  }

  /** False: all of the input is read. */
  private step(): boolean {
    const { reader } = this;
    this.at = reader.next(this.context.memory, this.at, this.inputEnd);
    if (reader.event === EVENT_MORE) {
      this.dropInput();
      return false;
    }
    this.handleEvent(reader.event);
    return true;
  }

  private dropInput(): void {
    if (this.slot >= 0) this.context.arena.release(this.slot);
    this.slot = -1;
  }

  private handleEvent(event: number): void {
    const { machine, now, reader } = this;
    switch (event) {
      case EVENT_DATA:
        this.handleDataPart();
        return;
      case EVENT_HEADERS:
        this.handleBlockPart();
        return;
      case EVENT_RESET:
        if (this.count(machine.handleReset(reader.streamId, now)) !== TAKEN) return;
        machine.stream?.owner?.handleGone();
        return;
      case EVENT_WINDOW:
        this.handleWindow();
        return;
      case EVENT_SETTING:
        this.handleSetting();
        return;
      case EVENT_SETTINGS_END:
        if (this.count(machine.handleSettingsEnd(reader.length / SETTING_BYTES, now)) !== TAKEN) return;
        this.control.sendSettingsAck();
        this.serveBlocked();
        return;
      case EVENT_PING:
        if (this.count(machine.handleIdleFrame(now)) === TAKEN) this.control.sendPing(reader.opaque, true);
        return;
      case EVENT_PING_ACK:
        if (this.count(machine.handleIdleFrame(now)) === TAKEN && this.phase === LEAVING) this.leaveForGood();
        return;
      case EVENT_GOAWAY:
        this.count(machine.handleIdleFrame(now));
        return;
      case EVENT_FAULT:
        this.endFor(faultOf(reader.fault), false);
        return;
      default:
        this.count(machine.handleIdleFrame(now));
    }
  }

  /** A frame without content has come, of which this is said. */
  private count(verdict: Verdict): Verdict {
    const { machine, reader } = this;
    if (verdict !== ENDED) verdict = machine.noteFrame(reader.length, 0) === ENDED ? ENDED : verdict;
    return this.follow(verdict, reader.streamId);
  }

  /** Does what a verdict asks for. */
  private follow(verdict: Verdict, streamId: number): Verdict {
    const { machine } = this;
    if (verdict === ENDED) {
      const violation = machine.violation as Violation;
      this.endFor(violation, violation.isFlood);
    } else if (verdict === RESET) {
      const owner = machine.stream === null ? null : machine.stream.owner;
      this.control.sendReset(streamId, machine.code);
      if (owner !== null) owner.handleGone();
    }
    return verdict;
  }

  private handleSetting(): void {
    const { machine, reader } = this;
    const fault = machine.handleSetting(reader.id, reader.value);
    if (fault !== 0) this.endFor(faultOf(fault), false);
    else if (reader.id === SETTING_HEADER_TABLE_SIZE) this.blocks.encoder.resize(reader.value);
  }

  private handleWindow(): void {
    const { machine, now, reader } = this;
    if (this.count(machine.handleWindow(reader.streamId, reader.value, reader.fault, now)) !== TAKEN) return;
    const { stream } = machine;
    if (stream === null) this.serveBlocked();
    else if (stream.owner !== null && stream.owner.isBlocked) this.serve(stream.owner);
  }

  // --- bodies ---

  private handleDataPart(): void {
    const { machine, now, reader } = this;
    const { endsStream, from, isFirst, isLast, streamId, to } = reader;
    const length = to - from;
    if (isFirst) {
      this.dataState = null;
      const { contentBytes, length: frameBytes } = reader;
      const verdict = this.follow(machine.handleData(streamId, frameBytes, contentBytes, endsStream, now), streamId);
      if (verdict === ENDED) return;
      if (verdict === TAKEN) this.dataState = machine.stream;
      if (this.follow(machine.noteFrame(frameBytes, contentBytes), streamId) === ENDED) return;
    }
    const state = this.dataState;
    if (state === null || state.owner === null || machine.streams.get(streamId) !== state) return;
    machine.noteContent(state, length);
    if (machine.isTooLong(state)) {
      this.follow(machine.refuse(streamId, PROTOCOL_ERROR, now), streamId);
      return;
    }
    const { owner } = state;
    if (length > 0) owner.receive(this.slot, from, length);
    if (!isLast || machine.streams.get(streamId) !== state) return;
    const padding = reader.length - reader.contentBytes;
    if (padding > 0) this.sendStreamWindow(state, state.take(padding, false));
    if (!endsStream) return;
    if (this.follow(machine.endBody(state, now), streamId) === TAKEN) owner.receiveEnd(-1, 0);
  }

  take(state: StreamState<Stream>, bytes: number): void {
    const { machine } = this;
    if (machine.streams.get(state.id) !== state) return;
    this.sendStreamWindow(state, machine.takeContent(state, bytes, this.context.arena.pressure === PLENTY));
  }

  private sendStreamWindow({ id }: StreamState<Stream>, increment: number): void {
    if (increment > 0) this.control.sendWindow(id, increment);
  }

  private sendConnectionWindow(): void {
    const increment = this.machine.takeIncrement();
    if (increment > 0) this.control.sendWindow(0, increment);
  }

  // --- header blocks ---

  private handleBlockPart(): void {
    const { reader } = this;
    const { from, isFirst, isLast, to } = reader;
    const length = to - from;
    if (reader.continuations > CONTINUATIONS_MAX) {
      this.endFor(CONTINUATION_FLOOD, true);
      return;
    }
    if (isFirst) {
      this.leaveIdle();
      this.blockSince = this.now;
    }
    if (this.isOverhead(length)) return;
    if (isFirst && isLast) {
      this.handleBlock(from, to);
      return;
    }
    const slot = this.blockBytes + length > this.blockMax ? -2 : this.keepPart(from, length);
    if (slot === -2) {
      this.endFor(BLOCK_FLOOD, true);
      return;
    }
    if (slot === -1) {
      this.shed();
      return;
    }
    this.blockSlot = slot;
    this.blockBytes += length;
    if (!isLast) return;
    const { arena } = this.context;
    const start = arena.start(slot);
    this.handleBlock(start, start + this.blockBytes);
    this.dropBlock();
  }

  /** True: that was one too many. */
  private isOverhead(length: number): boolean {
    return this.follow(this.machine.noteFrame(length, length), 0) === ENDED;
  }

  private keepPart(from: number, length: number): number {
    return keepBehind(this.context.arena, this.blockSlot, this.blockBytes, from, length);
  }

  private get blockMax(): number {
    return this.emitters.limits.headBytes;
  }

  private dropBlock(): void {
    if (this.blockSlot >= 0) this.context.arena.release(this.blockSlot);
    this.blockSlot = -1;
    this.blockBytes = 0;
  }

  /** A whole header block is at `from`. */
  private handleBlock(from: number, to: number): void {
    const { decoder, machine, now, reader } = this;
    const { memory } = this.context;
    const { endsStream, streamId } = reader;
    const verdict = machine.handleBlock(streamId, endsStream, reader.fault, now);
    const { stream } = machine;
    if (verdict === ENDED) {
      this.follow(verdict, streamId);
      return;
    }
    decoder.begin(memory, from, to);
    if (verdict === OPENED) this.begin(stream as StreamState<Stream>, to - from);
    else if (verdict === TRAILERS) this.takeTrailers(stream as StreamState<Stream>);
    else if (this.skipBlock()) this.follow(verdict, streamId);
  }

  /** Nobody wants what it says, but later ones depend on it. False: it is wrong, which ends the connection. */
  private skipBlock(): boolean {
    const { memory } = this.context;
    let found: number;
    do found = this.decoder.next(memory, 0, 0);
    while (found > 0);
    if (found < 0) this.endFor(faultOf(found), false);
    return found === 0;
  }

  /** A request begins with the block that the decoder has begun with. */
  private begin(state: StreamState<Stream>, blockBytes: number): void {
    const { context, decoder, machine } = this;
    const { arena, memory, requestHead } = context;
    const { limits } = this.emitters;
    const bytes = Math.min(HEAD_SLOT_BYTES, limits.headBytes + HEAD_BYTES_MORE);
    const slot = arena.allocate(bytes);
    if (slot < 0) {
      if (this.skipBlock()) this.refuse(state, blockBytes, own.OUT_OF_MEMORY);
      return;
    }
    const start = arena.start(slot);
    const end = requests.read(decoder, state.hasEnded, limits, memory, start, start + bytes, requestHead);
    const { error, fault } = requests;
    if (end > 0) {
      const stream = new Stream(this, state, blockBytes);
      state.owner = stream;
      stream.begin(end - start);
      this.leaveIfLast();
    } else if (fault === 0) this.refuse(state, blockBytes, own.refusal(error));
    else if (!faultOf(fault).isOfStream) this.endFor(faultOf(fault), false);
    else this.follow(machine.refuse(state.id, faultOf(fault).code, this.now), state.id);
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

  private takeTrailers({ id, owner }: StreamState<Stream>): void {
    const { arena, memory } = this.context;
    const slot = owner === null ? -1 : arena.allocate(TRAILER_BYTES_MAX);
    if (slot < 0) {
      if (this.skipBlock() && owner !== null) owner.receiveEnd(-1, 0);
      return;
    }
    const start = arena.start(slot);
    const { limits } = this.emitters;
    const end = trailers.read(this.decoder, limits, memory, start, start + TRAILER_BYTES_MAX, this.context.requestHead);
    if (end > 0) {
      (owner as Stream).receiveEnd(slot, end - start);
      return;
    }
    arena.release(slot);
    const fault = trailers.fault === 0 ? null : faultOf(trailers.fault);
    if (fault !== null && !fault.isOfStream) this.endFor(fault, false);
    else this.follow(this.machine.refuse(id, fault === null ? ENHANCE_YOUR_CALM : fault.code, this.now), id);
  }

  // --- streams ---

  block(stream: Stream): void {
    if (stream.isBlocked) return;
    stream.isBlocked = true;
    this.blocked.push(stream);
    if (!this.output.isFull) return;
    this.watchTaking();
    this.arm();
  }

  unblock(stream: Stream): void {
    if (!stream.isBlocked) return;
    stream.isBlocked = false;
    this.blocked.splice(this.blocked.indexOf(stream), 1);
  }

  /** There is room again: each goes on in its turn, and behind the others if it has still more. */
  private serveBlocked(): void {
    for (let count = this.blocked.length; count > 0 && !this.output.isFull; count--) {
      const next = this.blocked[0];
      if (next === undefined) return;
      this.serve(next);
    }
  }

  private serve(stream: Stream): void {
    this.unblock(stream);
    stream.resume();
  }

  finish({ state }: Stream): void {
    const { machine } = this;
    if (!machine.finish(state)) {
      // section 8.1: the rest of the request is not wanted
      this.control.sendReset(state.id, NO_ERROR);
      machine.abort(state);
    }
    this.handleStreamEnd();
  }

  reset({ state }: Stream, code: number): void {
    this.control.sendReset(state.id, code);
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
    if (this.phase === GONE || this.isPumping) return;
    const { machine, output } = this;
    if (machine.streams.size > 0 || this.slot >= 0) this.leaveIdle();
    else if (!output.isEmpty) {
      this.leaveIdle();
      this.watchTaking();
    } else if (this.phase === LEFT) {
      this.linger();
      return;
    } else if (this.phase === OPEN && !this.reader.isInBlock) this.rest();
    this.arm();
  }

  private arm(): void {
    const { timeouts } = this.listener.plan;
    let earliest = Infinity;
    if (this.leaveAt > 0) earliest = this.leaveAt;
    if (this.taking.endsAt > 0) earliest = Math.min(earliest, this.taking.endsAt);
    if (this.idleIn !== null) earliest = Math.min(earliest, this.idleSince + timeouts.idleMs);
    else if (this.reader.isInBlock) earliest = Math.min(earliest, this.blockSince + timeouts.headMs);
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
    if (this.reader.isInBlock && now >= this.blockSince + timeouts.headMs) this.endLate();
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
    this.control.sendGoaway(INT31_MAX, NO_ERROR);
    this.control.sendPing(NO_OPAQUE, false);
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
    this.control.sendGoaway(lastId, code);
    this.output.flush();
  }

  /** The client has broken a rule, or asks for more than it may. */
  private endFor({ code, name }: Pick<Fault, 'code' | 'name'>, isFlood: boolean): void {
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
    this.output.clear();
    this.dropInput();
    this.dropBlock();
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
    const { arena } = this.context;
    const isKeeping =
      this.socket.keepsScarce ||
      this.output.keepsScarce ||
      (this.slot >= 0 && arena.isScarce(this.slot)) ||
      (this.blockSlot >= 0 && arena.isScarce(this.blockSlot));
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
