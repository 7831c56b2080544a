/**
 * One end of a connection of HTTP/2, for clients and servers of the simulation. Frames are its own; header blocks it writes in their plainest form, and
 * reads with the production decoder, which fuzzers hold to nghttp2. It fails the run where the proxy sends more than a window, a frame longer than is
 * allowed, or anything on a stream that it has ended.
 *
 * Bodies follow from a number (sim/content.ts). Those under way are sent in pieces, each time of another stream, as the dice fall.
 */
import type { Prng } from '../../src/base/prng.ts';
import { CANCEL } from '../../src/wire/http2/error-codes.ts';
import * as F from '../../src/wire/http2/frame.ts';
import { HpackDecoder } from '../../src/wire/http2/hpack/decoder.ts';
import { decode } from '../../src/wire/http2/testing/blocks.ts';
import { frame } from '../../src/wire/http2/testing/events.ts';
import { literals, type NameValue } from '../../src/wire/http2/testing/heads.ts';
import { checkContent, fillContent } from '../content.ts';
import type { BreakReason, Endpoint } from '../network.ts';
import { FULL_PACE, PeerPort, type PortOwner } from '../peers/port.ts';
import type { World } from '../world.ts';

const FRAME_BYTES_MAX = 16_384;
const WINDOW_BYTES = 65_535;
const SETTING_STREAMS = 3;
const SETTING_WINDOW = 4;
const BLOCK_ROOM = 32_768;
const UNKNOWN_FRAME = 0x42;

/** How a peer behaves on its connection. */
export interface Manner {
  /** Bytes of a body in one frame, at most. */
  readonly dataBytes: number;
  /** A header block is cut into pieces of this size; 0: it is one. */
  readonly blockBytes: number;
  /** Windows of streams as its settings have them. */
  readonly windowBytes: number;
  /** Of its settings: streams at a time; 0: it does not say. */
  readonly streamsMax: number;
  /** From a frame of a body to the next one, and until the other side is told that it was taken, at most. */
  readonly gapUs: number;
  readonly isPadding: boolean;
}

/** A stream, as one peer has it. */
export class PeerStream {
  readonly id: number;
  sendWindow: number;
  receiveWindow: number;
  /** Of what comes: how much has, and whether all of it. */
  receivedBytes = 0;
  hasEnded = false;
  hasHead = false;
  /** What comes follows from this number; -1: nobody knows what it has to be. */
  receivedKey = 0;
  /** Of what is sent. */
  sentKey = 0;
  sentBytes = 0;
  totalBytes = 0;
  trailers: readonly NameValue[] | null = null;
  isSent = false;
  /** Nothing is sent on it any more, and nothing may come but what was on its way. */
  isReset = false;
  /** Reset by the proxy. */
  isOver = false;

  constructor(id: number, sendWindow: number, receiveWindow: number) {
    this.id = id;
    this.sendWindow = sendWindow;
    this.receiveWindow = receiveWindow;
  }
}

export abstract class Http2Peer<Stream extends PeerStream> implements PortOwner {
  readonly world: World;
  readonly prng: Prng;
  readonly name: string;
  readonly manner: Manner;
  readonly streams = new Map<number, Stream>();
  protected readonly port: PeerPort;
  /** Streams that the proxy lets us have at a time. */
  protected streamsMax = Infinity;
  protected isGone = false;
  private input = new Uint8Array(0);
  private readonly decoder = new HpackDecoder();
  private block: Uint8Array | null = null;
  private blockId = 0;
  private blockEnds = false;
  private sendWindow = WINDOW_BYTES;
  private receiveWindow = WINDOW_BYTES;
  private peerWindow = WINDOW_BYTES;
  private readonly sending: Stream[] = [];
  private isSendPlanned = false;

  constructor(world: World, endpoint: Endpoint, prng: Prng, name: string, manner: Manner) {
    this.world = world;
    this.prng = prng;
    this.name = name;
    this.manner = manner;
    this.port = new PeerPort(world, endpoint, prng, FULL_PACE, FULL_PACE, this);
  }

  abstract handleConnected(): void;
  protected abstract handleHead(stream: Stream, fields: ReadonlyMap<string, string>): void;
  protected abstract handleStreamEnd(stream: Stream): void;
  /** The proxy has reset it. */
  protected abstract handleReset(stream: Stream, code: number): void;
  /** A head on a stream that is not known: null where none may begin. */
  protected abstract beginStream(id: number): Stream | null;
  protected abstract handleGoaway(lastId: number): void;
  abstract handleEnd(): void;
  abstract handleBroken(reason: BreakReason): void;

  handleFlushed(): void {
    // what is sent is bounded by windows
  }

  protected get newWindow(): number {
    return this.peerWindow;
  }

  protected fail(invariant: string, detail: string): never {
    return this.world.fail(invariant, `${this.name}: ${detail}`);
  }

  // --- what is sent ---

  protected send(type: number, flags: number, id: number, payload: Uint8Array = new Uint8Array(0)): void {
    this.port.write(frame(type, flags, id, payload));
  }

  protected sendSettings(): void {
    const { streamsMax, windowBytes } = this.manner;
    const settings = [
      ...words(SETTING_WINDOW, windowBytes),
      ...(streamsMax > 0 ? words(SETTING_STREAMS, streamsMax) : []),
    ];
    this.send(F.FRAME_SETTINGS, 0, 0, Uint8Array.from(settings));
  }

  protected sendHead(id: number, fields: readonly NameValue[], ends: boolean): void {
    const all = literals(fields, this.prng.oneIn(2));
    const size =
      this.manner.blockBytes === 0 ? all.length : Math.max(this.manner.blockBytes, Math.ceil(all.length / 8));
    for (let at = 0; at < all.length; at += size) {
      const isLast = at + size >= all.length;
      const flags = (isLast ? F.FLAG_END_HEADERS : 0) | (ends && at === 0 ? F.FLAG_END_STREAM : 0);
      this.send(at === 0 ? F.FRAME_HEADERS : F.FRAME_CONTINUATION, flags, id, all.subarray(at, at + size));
    }
  }

  /** Its body follows: so many bytes of `key`, and trailers. */
  protected beginBody(stream: Stream, key: number, bytes: number, trailers: readonly NameValue[] | null): void {
    stream.sentKey = key;
    stream.totalBytes = bytes;
    stream.trailers = trailers;
    this.sending.push(stream);
    this.planSend();
  }

  protected resetStream(stream: Stream, code = CANCEL): void {
    if (stream.isReset || stream.isOver || (stream.isSent && stream.hasEnded)) return;
    stream.isReset = true;
    this.stopSending(stream);
    this.send(F.FRAME_RST_STREAM, 0, stream.id, Uint8Array.from(word(code)));
  }

  private stopSending(stream: Stream): void {
    const at = this.sending.indexOf(stream);
    if (at >= 0) this.sending.splice(at, 1);
  }

  private planSend(): void {
    if (this.isSendPlanned || this.isGone) return;
    this.isSendPlanned = true;
    this.world.schedule(this.prng.below(this.manner.gapUs + 1), () => {
      this.isSendPlanned = false;
      if (!this.isGone) this.sendSome();
    });
  }

  private sendSome(): void {
    const { prng, sending } = this;
    const able = sending.filter(({ sendWindow, sentBytes, totalBytes }) => {
      return sentBytes === totalBytes || (sendWindow > 0 && this.sendWindow > 0);
    });
    if (able.length === 0) return;
    const stream = able[prng.below(able.length)];
    const left = stream.totalBytes - stream.sentBytes;
    const room = Math.min(
      left,
      stream.sendWindow,
      this.sendWindow,
      FRAME_BYTES_MAX,
      1 + prng.below(this.manner.dataBytes),
    );
    if (left === 0) this.sendEnd(stream);
    else this.sendData(stream, room, left);
    if (prng.oneIn(40)) this.send(F.FRAME_PING, 0, 0, Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]));
    if (prng.oneIn(40)) this.send(UNKNOWN_FRAME, 0xff, stream.id, Uint8Array.from([1, 2, 3]));
    if (prng.oneIn(40)) this.send(F.FRAME_PRIORITY, 0, stream.id, Uint8Array.from([0, 0, 0, 0, 7]));
    this.planSend();
  }

  private sendEnd(stream: Stream): void {
    if (stream.trailers === null) this.send(F.FRAME_DATA, F.FLAG_END_STREAM, stream.id);
    else this.sendHead(stream.id, stream.trailers, true);
    this.endSent(stream);
  }

  private endSent(stream: Stream): void {
    stream.isSent = true;
    this.stopSending(stream);
  }

  private sendData(stream: Stream, bytes: number, left: number): void {
    const room = Math.min(stream.sendWindow, this.sendWindow, FRAME_BYTES_MAX) - bytes;
    const padding = this.manner.isPadding && room > 1 ? this.prng.below(Math.min(room, 40)) : -1;
    const payload = new Uint8Array(bytes + (padding < 0 ? 0 : 1 + padding));
    const at = padding < 0 ? 0 : 1;
    if (at === 1) payload[0] = padding;
    fillContent(stream.sentKey, stream.sentBytes, payload, at, bytes);
    stream.sendWindow -= payload.length;
    this.sendWindow -= payload.length;
    stream.sentBytes += bytes;
    const ends = bytes === left && stream.trailers === null && this.prng.oneIn(2);
    const flags = (ends ? F.FLAG_END_STREAM : 0) | (at === 1 ? F.FLAG_PADDED : 0);
    this.send(F.FRAME_DATA, flags, stream.id, payload);
    if (ends) this.endSent(stream);
  }

  // --- what comes ---

  handleBytes(bytes: Uint8Array, at: number, length: number): void {
    const all = new Uint8Array(this.input.length + length);
    all.set(this.input);
    all.set(bytes.subarray(at, at + length), this.input.length);
    this.input = all;
    while (!this.isGone && this.input.length >= F.FRAME_HEADER_BYTES) {
      const size = (this.input[0] << 16) | (this.input[1] << 8) | this.input[2];
      if (size > FRAME_BYTES_MAX) this.fail('frame size', `a frame of ${size} bytes`);
      const end = F.FRAME_HEADER_BYTES + size;
      if (this.input.length < end) return;
      const [type, flags] = [this.input[3], this.input[4]];
      const id = readWord(this.input, 5);
      const payload = this.input.slice(F.FRAME_HEADER_BYTES, end);
      this.input = this.input.slice(end);
      this.handleFrame(type, flags, id, payload);
    }
  }

  private handleFrame(type: number, flags: number, id: number, payload: Uint8Array): void {
    const isContinued = type === F.FRAME_CONTINUATION && id === this.blockId;
    if (this.block !== null && !isContinued) this.fail('header block', `a frame of type ${type} is in it`);
    const ends = (flags & F.FLAG_END_STREAM) !== 0;
    switch (type) {
      case F.FRAME_HEADERS:
        this.block = payload;
        this.blockId = id;
        this.blockEnds = ends;
        break;
      case F.FRAME_CONTINUATION:
        this.block = Uint8Array.from([...(this.block as Uint8Array), ...payload]);
        break;
      case F.FRAME_DATA:
        this.takeData(id, payload, ends);
        return;
      case F.FRAME_RST_STREAM:
        this.takeReset(id, readWord(payload, 0));
        return;
      case F.FRAME_WINDOW_UPDATE:
        this.takeWindow(id, readWord(payload, 0));
        return;
      case F.FRAME_SETTINGS:
        if ((flags & F.FLAG_ACK) === 0) this.takeSettings(payload);
        return;
      case F.FRAME_PING:
        if ((flags & F.FLAG_ACK) === 0) this.send(F.FRAME_PING, F.FLAG_ACK, 0, payload);
        return;
      case F.FRAME_GOAWAY:
        this.world.note('%a is told to go after %b for %c', this.name, readWord(payload, 0), readWord(payload, 4));
        this.handleGoaway(readWord(payload, 0));
        return;
      default:
        this.fail('frames', `one of type ${type}`);
    }
    if ((flags & F.FLAG_END_HEADERS) === 0) return;
    const block = this.block;
    this.block = null;
    this.takeBlock(id, block, this.blockEnds);
  }

  private takeBlock(id: number, block: Uint8Array, ends: boolean): void {
    const { fault, fields } = decode(this.decoder, block, BLOCK_ROOM);
    if (fault !== '') this.fail('header block', fault);
    const stream = this.streams.get(id) ?? this.beginStream(id);
    if (stream === null) this.fail('stream state', `a head on ${id}`);
    if (stream.hasEnded || stream.isOver) this.fail('stream state', `a head on ${id}, which has ended`);
    if (stream.isReset) return;
    if (!stream.hasHead) this.handleHead(stream, new Map(fields));
    else if (!ends)
      this.fail('trailers', `of ${id} end nothing: ${JSON.stringify(fields)} behind ${stream.receivedBytes} bytes`);
    if (ends && !stream.isReset) this.endReceived(stream);
  }

  private endReceived(stream: Stream): void {
    stream.hasEnded = true;
    this.handleStreamEnd(stream);
  }

  private takeData(id: number, payload: Uint8Array, ends: boolean): void {
    const stream = this.streams.get(id);
    if (stream === undefined || stream.hasEnded || stream.isOver) this.fail('stream state', `data on ${id}`);
    this.receiveWindow -= payload.length;
    stream.receiveWindow -= payload.length;
    if (this.receiveWindow < 0) this.fail('window', 'of the connection');
    if (stream.receiveWindow < 0 && !stream.isReset) this.fail('window', `of ${id}`);
    this.giveWindow(stream, payload.length);
    if (stream.isReset) return;
    const right =
      stream.receivedKey < 0 ? -1 : checkContent(stream.receivedKey, stream.receivedBytes, payload, 0, payload.length);
    if (right >= 0) this.fail('content', `of ${id} at ${stream.receivedBytes + right}`);
    stream.receivedBytes += payload.length;
    if (ends) this.endReceived(stream);
  }

  /** What came is taken, now or later. */
  private giveWindow(stream: Stream, bytes: number): void {
    if (bytes === 0) return;
    this.world.schedule(this.prng.below(this.manner.gapUs + 1), () => {
      if (this.isGone) return;
      this.receiveWindow += bytes;
      this.send(F.FRAME_WINDOW_UPDATE, 0, 0, Uint8Array.from(word(bytes)));
      if (stream.hasEnded || stream.isReset || stream.isOver) return;
      stream.receiveWindow += bytes;
      this.send(F.FRAME_WINDOW_UPDATE, 0, stream.id, Uint8Array.from(word(bytes)));
    });
  }

  private takeReset(id: number, code: number): void {
    const stream = this.streams.get(id);
    this.world.note('%a: stream %b is reset for %c', this.name, id, code);
    if (stream === undefined) this.fail('stream state', `a reset of ${id}`);
    if (stream.isOver) this.fail('stream state', `a second reset of ${id}`);
    stream.isOver = true;
    this.stopSending(stream);
    if (!stream.isReset) this.handleReset(stream, code);
  }

  private takeWindow(id: number, increment: number): void {
    if (increment === 0) this.fail('window', `of ${id} grows by nothing`);
    if (id === 0) this.sendWindow += increment;
    else {
      const stream = this.streams.get(id);
      if (stream === undefined) this.fail('stream state', `a window of ${id}`);
      stream.sendWindow += increment;
    }
    this.planSend();
  }

  private takeSettings(payload: Uint8Array): void {
    for (let at = 0; at < payload.length; at += F.SETTING_BYTES) {
      const id = (payload[at] << 8) | payload[at + 1];
      const value = readWord(payload, at + 2);
      if (id === SETTING_STREAMS) this.streamsMax = value;
      if (id !== SETTING_WINDOW) continue;
      for (const stream of this.streams.values()) stream.sendWindow += value - this.peerWindow;
      this.peerWindow = value;
    }
    this.send(F.FRAME_SETTINGS, F.FLAG_ACK, 0);
    this.planSend();
  }

  protected leave(): void {
    this.isGone = true;
    this.port.close();
  }
}

export function word(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

function words(id: number, value: number): number[] {
  return [0, id, ...word(value)];
}

function readWord(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) & 0x7fff_ffff;
}
