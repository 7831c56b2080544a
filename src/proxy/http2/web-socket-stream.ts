/**
 * A stream of a client that asks for a WebSocket (RFC 8441). Its request goes on as one of HTTP/1 would; when the server has switched protocols the
 * client is told 200, and the stream is one end of a tunnel.
 */
import { SWITCHED } from '../../core/endings.ts';
import type { StreamState } from '../../core/http2/stream-state.ts';
import type { Socket } from '../../port/transport.ts';
import { equalsIgnoringCase } from '../../wire/http1/classes.ts';
import { ascii } from '../../wire/http1/emit.ts';
import {
  FIELD_ID,
  FIELD_NAME,
  FIELD_NAME_LENGTH,
  FIELD_VALUE,
  FIELD_VALUE_LENGTH,
  FIELD_WORDS,
  F_UPGRADE,
  type ResponseHead,
} from '../../wire/http1/head.ts';
import { acceptOf, emitKey, KEY_BYTES } from '../../wire/http1/websocket.ts';
import { CANCEL } from '../../wire/http2/error-codes.ts';
import { restate } from '../http/answer-status.ts';
import type { Exchange } from '../http/exchange.ts';
import type { HeaderEdit } from '../http/header-edit.ts';
import { PERSIST_SILENTLY } from '../http/response-emitter.ts';
import type { Tunnel } from '../http/sides.ts';
import { Relay, type RelayOwner } from '../relay.ts';
import { Stream, type StreamOwner } from './stream.ts';
import { type StreamBelow, StreamSocket } from './stream-socket.ts';

const ACCEPT = ascii('sec-websocket-accept');
const WEBSOCKET = ascii('websocket');
const OK = ascii('200');
/** A 2xx that does not switch protocols would be consent to the client: nobody speaks WebSocket there. */
const NOT_IMPLEMENTED = 501;
const NOT_IMPLEMENTED_TEXT = ascii('501');
/** Where the status stands in a head. */
const STATUS_AT = 'HTTP/1.1 '.length;
const TWO = 0x32;

export class WebSocketStream extends Stream implements StreamBelow, RelayOwner {
  /** What the server has to say to the key that it is sent. */
  private readonly accept: Uint8Array;
  private readonly socket: StreamSocket;
  private tunnel: Tunnel | null = null;

  /** `keyAt`: where its head has room for a key. */
  constructor(connection: StreamOwner, state: StreamState<Stream>, blockBytes: number, keyAt: number) {
    super(connection, state, blockBytes);
    const { memory, prng } = this.context;
    emitKey(prng, memory, keyAt);
    this.accept = acceptOf(memory, keyAt, KEY_BYTES);
    this.socket = new StreamSocket(this.context, this, this.sink);
    if (state.hasEnded) this.socket.receiveEnd();
  }

  protected override parseHead(at: number, end: number): number {
    const { requestHead } = this.context;
    const read = super.parseHead(at, end);
    // no Connection field says so
    requestHead.hasUpgrade = requestHead.upgradeField >= 0;
    return read;
  }

  // --- what comes is not of the request ---

  override receive(slot: number, offset: number, length: number): void {
    this.receivedBytes += length;
    this.socket.receive(slot, offset, length);
  }

  override receiveEnd(trailerSlot: number, _trailerBytes: number): void {
    if (trailerSlot >= 0) this.context.arena.release(trailerSlot);
    this.socket.receiveEnd();
  }

  /** What came before the server has answered is kept too. */
  override progress(): number {
    return this.socket.keepsScarce ? this.sink.sentBytes : super.progress();
  }

  // --- the server has answered ---

  /** Consumes the field by which it does. */
  override agreesTo(head: ResponseHead): boolean {
    const { memory } = this.context;
    const { fields } = head;
    const upgrade = head.upgradeField * FIELD_WORDS;
    const protocolAt = fields[upgrade + FIELD_VALUE];
    if (!equalsIgnoringCase(memory, protocolAt, fields[upgrade + FIELD_VALUE_LENGTH], WEBSOCKET)) return false;
    let isRight = false;
    for (let word = 0; word < head.fieldCount * FIELD_WORDS; word += FIELD_WORDS) {
      if (!equalsIgnoringCase(memory, fields[word + FIELD_NAME], fields[word + FIELD_NAME_LENGTH], ACCEPT)) continue;
      isRight = this.isAccept(fields[word + FIELD_VALUE], fields[word + FIELD_VALUE_LENGTH]);
      // as Upgrade itself it is of HTTP/1 alone
      fields[word + FIELD_ID] = F_UPGRADE;
    }
    return isRight;
  }

  private isAccept(at: number, length: number): boolean {
    const { accept, context } = this;
    return length === accept.length && accept.every((byte, i) => context.memory[at + i] === byte);
  }

  override sendSwitching(head: ResponseHead, edit: HeaderEdit, lines: Uint8Array): boolean {
    const { arena, memory, scratchSlot } = this.context;
    const start = arena.start(scratchSlot);
    const emitter = this.emitters.response;
    const end = emitter.emitFinal(head, edit, lines, false, false, PERSIST_SILENTLY, start);
    memory.set(OK, start + STATUS_AT);
    emitter.note(this.exchange as Exchange, head, start, end - start);
    return this.sink.sendInterim(end - start);
  }

  override beginTunnel(tunnel: Tunnel, socket: Socket): void {
    this.tunnel = tunnel;
    this.finishExchange(SWITCHED);
    this.context.timers.remove(this);
    this.context.sessions.delete(this);
    Relay.join(this.context, this.socket, socket, tunnel.times, this);
  }

  override beginResponse(head: ResponseHead, edit: HeaderEdit, lines: Uint8Array, body: number): void {
    if (head.status >= 200 && head.status < 300) {
      restate(this.context.memory, head, NOT_IMPLEMENTED);
      (this.exchange as Exchange).status = NOT_IMPLEMENTED;
    }
    super.beginResponse(head, edit, lines, body);
  }

  protected override sendOwn(length: number): void {
    const { arena, memory, scratchSlot } = this.context;
    const at = arena.start(scratchSlot) + STATUS_AT;
    if (memory[at] === TWO) {
      memory.set(NOT_IMPLEMENTED_TEXT, at);
      (this.exchange as Exchange).status = NOT_IMPLEMENTED;
    }
    super.sendOwn(length);
  }

  // --- as a tunnel ---

  override handleWaiting(): void {
    if (this.tunnel === null) super.handleWaiting();
    else this.awaitRoom();
  }

  override resume(): void {
    if (this.tunnel === null) super.resume();
    else this.socket.handleRoom();
  }

  awaitRoom(): void {
    this.connection.block(this);
  }

  endTunnelStream(): void {
    this.leave();
    this.connection.finish(this);
  }

  resetTunnelStream(): void {
    if (this.tunnel === null) this.shed();
    else {
      this.leave();
      this.connection.reset(this, CANCEL);
    }
  }

  remoteAddress(into: Uint8Array, at: number): number {
    return this.address.remoteAddress(into, at);
  }

  override handleGone(ending?: number): void {
    if (this.tunnel === null) super.handleGone(ending);
    else {
      this.leave();
      this.socket.handleReset();
    }
  }

  protected override leave(): void {
    super.leave();
    if (this.tunnel === null) this.socket.leave();
  }

  relayRetireAt(): number {
    return Math.min(this.listener.retireAt, (this.tunnel as Tunnel).retireAt);
  }

  handleRelayEnd(): void {
    (this.tunnel as Tunnel).endTunnel();
  }
}
