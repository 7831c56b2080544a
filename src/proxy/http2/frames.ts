/**
 * What a connection does with frames, whoever its peer is: reads them as far as their answers have room, tells each stream what is for it, and lets
 * streams that have more to send than the peer takes go on in turn. What is right, and what a peer may cost, is decided in core/http2; what begins
 * and ends a stream, and when the connection ends, is its owner's matter.
 */
import { PLENTY } from '../../base/arena.ts';
import { readU32 } from '../../base/bytes.ts';
import { TRAILER_BYTES_MAX } from '../../base/limits.ts';
import { CONTINUATIONS_MAX } from '../../core/http2/bounds.ts';
import {
  type ConnectionState,
  ENDED,
  HEAD,
  RESET,
  TAKEN,
  TRAILERS,
  type Verdict,
} from '../../core/http2/connection-state.ts';
import type { StreamState } from '../../core/http2/stream-state.ts';
import { BLOCK_FLOOD, CONTINUATION_FLOOD, type Violation } from '../../core/http2/violations.ts';
import type { Socket } from '../../port/transport.ts';
import type { HeadLimits } from '../../wire/http1/head.ts';
import { ENHANCE_YOUR_CALM, PROTOCOL_ERROR } from '../../wire/http2/error-codes.ts';
import { type Fault, faultOf } from '../../wire/http2/faults.ts';
import {
  EVENT_DATA,
  EVENT_FAULT,
  EVENT_GOAWAY,
  EVENT_HEADERS,
  EVENT_MORE,
  EVENT_PING,
  EVENT_PING_ACK,
  EVENT_PRIORITY,
  EVENT_RESET,
  EVENT_SETTING,
  EVENT_SETTINGS_END,
  EVENT_WINDOW,
  FrameReader,
} from '../../wire/http2/frame-reader.ts';
import { FLAG_PADDED, FRAME_DATA, FRAME_HEADER_BYTES, SETTING_BYTES } from '../../wire/http2/frame.ts';
import { HpackDecoder } from '../../wire/http2/hpack/decoder.ts';
import type { LineCache } from '../../wire/http2/hpack/line-cache.ts';
import { SETTING_HEADER_TABLE_SIZE } from '../../wire/http2/settings.ts';
import { TrailerReader } from '../../wire/http2/trailers.ts';
import type { Context } from '../context.ts';
import { keepBehind } from '../keep-behind.ts';
import { BlockWriter } from './block-writer.ts';
import { ControlFrames } from './control-frames.ts';
import { Output } from './output.ts';

/** A stream, as its connection has it. */
export interface FrameStream {
  /** In the list of those that have more to send than the peer takes. */
  isBlocked: boolean;
  /** A part of its body is here, in a slot of which the caller keeps its reference. */
  receive(slot: number, offset: number, length: number): void;
  /** All of it is here. `trailerSlot`: with its trailer section, which is taken over; -1: it has none. */
  receiveEnd(trailerSlot: number, trailerBytes: number): void;
  /** The peer has reset it, for this reason. */
  handleReset(code: number): void;
  /** The peer has broken a rule: it was reset. */
  handleFault(): void;
  /** The peer takes more. */
  resume(): void;
}

export interface FramesOwner<Stream> {
  /** Of header blocks. */
  readonly limits: HeadLimits;
  /** It hears nothing more. */
  readonly isGone: boolean;
  /** So much waits to be sent that nothing more may be read, since that has to be answered. */
  readonly isClogged: boolean;
  /** A header block begins. */
  handleBlockBegin(): void;
  /** The decoder has begun with a message's head, which is so long packed. It has to be read to its end. */
  handleHead(state: StreamState<Stream>, blockBytes: number): void;
  /** All settings of a frame were taken over, and acknowledged. */
  handleSettings(): void;
  handlePingAck(): void;
  /** The peer is going. */
  handleGoaway(): void;
  /** The peer has broken a rule, or asks for more than it may. */
  endFor(reason: Pick<Fault, 'code' | 'name'>, isFlood: boolean): void;
  /** There is no memory for it. */
  shed(): void;
  /** All of the input was read, or has to wait. */
  handlePumped(): void;
  /** There is no slot for a frame that has to be sent. */
  lackMemory(): void;
}

/** All connections share it: nothing of it is kept between two calls. */
const trailers = new TrailerReader();

export class Frames<Stream extends FrameStream> {
  readonly machine: ConnectionState<Stream>;
  readonly output: Output;
  readonly blocks: BlockWriter;
  readonly control: ControlFrames;
  readonly decoder = new HpackDecoder();
  private readonly context: Context;
  private readonly owner: FramesOwner<Stream>;
  private readonly reader: FrameReader;

  /** What of the input has not been read. -1: nothing. */
  private slot = -1;
  private at = 0;
  private inputEnd = 0;
  isPumping = false;
  /** A part of a header block, until all of it is here. */
  private blockSlot = -1;
  private blockBytes = 0;
  /** The owner knows that it has begun. */
  private isBlockNoted = false;
  /** Of the DATA frame under way. Null: it is for nobody. */
  private dataState: StreamState<Stream> | null = null;

  /** Who has more to send than the peer takes, in the order in which they go on. */
  private readonly blocked: Stream[] = [];

  /** `isClient`: the peer is one. */
  constructor(
    context: Context,
    owner: FramesOwner<Stream>,
    machine: ConnectionState<Stream>,
    socket: Socket,
    cache: LineCache,
    isClient: boolean,
  ) {
    this.context = context;
    this.owner = owner;
    this.machine = machine;
    this.reader = new FrameReader(isClient);
    this.output = new Output(context, socket);
    this.blocks = new BlockWriter(context.memory, this.output, cache);
    this.control = new ControlFrames(context.memory, this.output, owner);
  }

  private get now(): number {
    return this.context.transport.now;
  }

  /** Some of what came waits. */
  get hasInput(): boolean {
    return this.slot >= 0;
  }

  /** A header block is not complete. */
  get isInBlock(): boolean {
    return this.reader.isInBlock;
  }

  /** Of the header block that was handed on: nothing of a body follows. */
  get endsStream(): boolean {
    return this.reader.endsStream;
  }

  /** Of the GOAWAY that came just now. */
  get goawayCode(): number {
    return this.reader.value;
  }

  /** Something of this stream's body is next in what came. */
  isFollowedByData(streamId: number): boolean {
    const { at, inputEnd } = this;
    const { memory } = this.context;
    if (this.slot < 0 || inputEnd - at <= FRAME_HEADER_BYTES) return false;
    const isPlain = memory[at + 3] === FRAME_DATA && (memory[at + 4] & FLAG_PADDED) === 0;
    const isEmpty = (memory[at] | memory[at + 1] | memory[at + 2]) === 0;
    return isPlain && !isEmpty && readU32(memory, at + 5) === streamId;
  }

  // --- reading ---

  accept(slot: number, offset: number, length: number): void {
    this.slot = slot;
    this.at = offset;
    this.inputEnd = offset + length;
    this.pump();
  }

  /** The socket takes more. */
  handleDrain(): void {
    this.hold();
    this.output.flush();
    this.serveBlocked();
    this.pump();
  }

  /** Works on what has come in as long as there is room for what is said to it. */
  pump(): void {
    const { owner } = this;
    if (this.isPumping) return;
    this.isPumping = true;
    this.hold();
    while (this.slot >= 0 && !owner.isGone && !owner.isClogged && this.step());
    this.isPumping = false;
    if (owner.isGone) return;
    if (this.reader.isInBlock) this.noteBlock();
    this.sendConnectionWindow();
    this.release();
    owner.handlePumped();
  }

  /** What is sent until `release` leaves together. */
  private hold(): void {
    this.output.isHeld = true;
  }

  private release(): void {
    this.output.isHeld = false;
    this.output.flush();
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
        machine.stream?.owner?.handleReset(reader.value);
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
        this.owner.handleSettings();
        this.serveBlocked();
        return;
      case EVENT_PRIORITY:
        this.count(machine.handlePriority(reader.streamId, reader.fault, now));
        return;
      case EVENT_PING:
        if (this.count(machine.handleIdleFrame(now)) === TAKEN) this.control.sendPing(reader.opaque, true);
        return;
      case EVENT_PING_ACK:
        if (this.count(machine.handleIdleFrame(now)) === TAKEN) this.owner.handlePingAck();
        return;
      case EVENT_GOAWAY:
        if (this.count(machine.handleGoaway(reader.id, now)) === TAKEN) this.owner.handleGoaway();
        return;
      case EVENT_FAULT:
        this.owner.endFor(faultOf(reader.fault), false);
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
  follow(verdict: Verdict, streamId: number): Verdict {
    const { machine } = this;
    if (verdict === ENDED) {
      const violation = machine.violation as Violation;
      this.owner.endFor(violation, violation.isFlood);
    } else if (verdict === RESET) {
      const owner = machine.stream === null ? null : machine.stream.owner;
      this.control.sendReset(streamId, machine.code);
      if (owner !== null) owner.handleFault();
    }
    return verdict;
  }

  private handleSetting(): void {
    const { machine, reader } = this;
    const fault = machine.handleSetting(reader.id, reader.value);
    if (fault !== 0) this.owner.endFor(faultOf(fault), false);
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
      this.owner.endFor(CONTINUATION_FLOOD, true);
      return;
    }
    this.noteBlock();
    this.isBlockNoted = !isLast;
    if (this.isOverhead(length)) return;
    if (isFirst && isLast) {
      this.handleBlock(from, to);
      return;
    }
    const slot = this.blockBytes + length > this.blockMax ? -2 : this.keepPart(from, length);
    if (slot === -2) {
      this.owner.endFor(BLOCK_FLOOD, true);
      return;
    }
    if (slot === -1) {
      this.owner.shed();
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
    return this.owner.limits.headBytes;
  }

  /** A header block has begun, be it with no more than its frame's header. */
  private noteBlock(): void {
    if (this.isBlockNoted) return;
    this.isBlockNoted = true;
    this.owner.handleBlockBegin();
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
    if (verdict === HEAD) this.owner.handleHead(stream as StreamState<Stream>, to - from);
    else if (verdict === TRAILERS) this.takeTrailers(stream as StreamState<Stream>);
    else if (this.skipBlock()) this.follow(verdict, streamId);
  }

  /** Nobody wants what it says, but later ones depend on it. False: it is wrong, which ends the connection. */
  skipBlock(): boolean {
    const { memory } = this.context;
    let found: number;
    do found = this.decoder.next(memory, 0, 0);
    while (found > 0);
    if (found < 0) this.owner.endFor(faultOf(found), false);
    return found === 0;
  }

  private takeTrailers({ id, owner }: StreamState<Stream>): void {
    const { arena, memory } = this.context;
    const slot = owner === null ? -1 : arena.allocate(TRAILER_BYTES_MAX);
    if (slot < 0) {
      if (this.skipBlock() && owner !== null) owner.receiveEnd(-1, 0);
      return;
    }
    const start = arena.start(slot);
    const { limits } = this.owner;
    const end = trailers.read(this.decoder, limits, memory, start, start + TRAILER_BYTES_MAX, this.context.requestHead);
    if (end > 0) {
      (owner as Stream).receiveEnd(slot, end - start);
      return;
    }
    arena.release(slot);
    const fault = trailers.fault === 0 ? null : faultOf(trailers.fault);
    if (fault !== null && !fault.isOfStream) this.owner.endFor(fault, false);
    else this.follow(this.machine.refuse(id, fault === null ? ENHANCE_YOUR_CALM : fault.code, this.now), id);
  }

  // --- streams that have to wait ---

  block(stream: Stream): void {
    if (stream.isBlocked) return;
    stream.isBlocked = true;
    this.blocked.push(stream);
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

  /** Nothing more comes, and nothing more is sent. */
  clear(): void {
    this.output.clear();
    this.dropInput();
    this.dropBlock();
  }

  get keepsScarce(): boolean {
    const { arena } = this.context;
    return (
      this.output.keepsScarce ||
      (this.slot >= 0 && arena.isScarce(this.slot)) ||
      (this.blockSlot >= 0 && arena.isScarce(this.blockSlot))
    );
  }
}
