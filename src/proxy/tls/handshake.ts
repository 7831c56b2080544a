/**
 * A client's handshake. It takes what comes until both sides have keys, and gives up on a client that sends too much for that. How long it
 * may take is for its owner to say (arrival.ts).
 *
 *   hello      the first bytes: of TLS, or of HTTP in clear, which gets an answer that people can read
 *   keys       until the session says that it is done: a TlsSocket takes over
 *   told       the client was told why not, by an alert or an answer; it is waited for until it closes
 */
import { SEND_SEGMENTS_MAX } from '../../base/limits.ts';
import { TLS_DONE, TLS_WANTS_MORE, type TlsSession } from '../../port/tls.ts';
import type { CloseReason, Socket, SocketHandler } from '../../port/transport.ts';
import { type HostGate, type LayerUser, NOTHING_KNOWN, type Opening } from '../layer.ts';
import { isPlainHttp } from './plain-http.ts';
import type { TlsRoom } from './room.ts';
import { TlsSocket } from './tls-socket.ts';

/** Who begins handshakes, and hears of each, once, how it went. */
export interface HandshakeOwner {
  readonly room: TlsRoom;
  /** Clients that speak HTTP in clear get an answer; else an alert, as everybody else. */
  readonly answersPlain: boolean;
  /** Writes the answer to what is at `offset` into the slot: how long it is. */
  answerPlain(socket: Socket, offset: number, length: number, into: number): number;
  /** Of a handshake that is done: what has a say in the client's requests, if anything; `refuse`: the client is not wanted. */
  gateFor(session: TlsSession): HostGate | 'refuse' | null;
  /** `failure`: null, or what OpenSSL says. */
  handleOver(failure: string | null): void;
}

/** OpenSSL bounds each message, the longest hello to 128 KiB. This bounds all of them together, with records that carry little. */
const HANDSHAKE_BYTES_MAX = 256 * 1024;
const FLIGHT_BYTES = 8192;

const HELLO = 0;
const KEYS = 1;
const TOLD = 2;
const OVER = 3;
type Stage = typeof HELLO | typeof KEYS | typeof TOLD | typeof OVER;

export class Handshake implements SocketHandler, Opening {
  /** What came is OpenSSL's. */
  readonly keepsScarce = false;
  private readonly owner: HandshakeOwner;
  private readonly below: Socket;
  private readonly session: TlsSession;
  private readonly above: LayerUser;
  private stage: Stage = HELLO;
  private bytes = 0;

  constructor(owner: HandshakeOwner, below: Socket, session: TlsSession, above: LayerUser) {
    this.owner = owner;
    this.below = below;
    this.session = session;
    this.above = above;
    below.handler = this;
  }

  handleConnect(): void {
    // it is connected
  }

  handleData(_below: Socket, slot: number, offset: number, length: number): void {
    const { arena } = this.owner.room;
    if (this.stage === HELLO) {
      this.stage = KEYS;
      if (this.owner.answersPlain && isPlainHttp(arena.memory, offset, length)) {
        this.answerPlain(slot, offset, length);
        return;
      }
    }
    if (this.stage === KEYS) this.proceed(slot, offset, length);
    else arena.release(slot);
  }

  private proceed(slot: number, offset: number, length: number): void {
    const { session } = this;
    const { arena } = this.owner.room;
    this.bytes += length;
    session.feed(offset, length);
    const result = session.handshake();
    const rest = session.unreadBytes;
    session.feed(0, 0);
    const isOver = result !== TLS_DONE && (result !== TLS_WANTS_MORE || this.bytes > HANDSHAKE_BYTES_MAX);
    if (!this.speak(result === TLS_DONE && rest > 0)) {
      arena.release(slot);
      this.fail('no-resource', 'out of memory');
    } else if (result === TLS_DONE) this.finish(slot, offset + length - rest, rest);
    else {
      arena.release(slot);
      if (isOver) this.tell(result === TLS_WANTS_MORE ? 'too many bytes' : session.failure);
    }
  }

  /** Sends what the session says. False: there was no room for it. */
  private speak(more: boolean): boolean {
    const { below, session } = this;
    const { arena } = this.owner.room;
    for (;;) {
      const slot = arena.allocate(FLIGHT_BYTES);
      const capacity = slot < 0 ? 0 : arena.capacity(slot);
      const count = slot < 0 ? 0 : session.take(arena.start(slot), capacity);
      if (slot >= 0 && count === 0) {
        arena.release(slot);
        return true;
      }
      if (slot < 0 || below.pendingSegments >= SEND_SEGMENTS_MAX) {
        if (slot >= 0) arena.release(slot);
        session.dropOutput();
        return false;
      }
      below.send(slot, arena.start(slot), count, more);
      if (count < capacity) return true;
    }
  }

  private finish(slot: number, offset: number, rest: number): void {
    const { above, below, owner, session } = this;
    const { room } = owner;
    const gate = owner.gateFor(session);
    if (gate === 'refuse') {
      room.arena.release(slot);
      this.dismiss();
      return;
    }
    this.stage = OVER;
    owner.handleOver(null);
    const socket = new TlsSocket(room, below, session);
    above.handleOpen(socket, { ...NOTHING_KNOWN, protocol: session.protocol, tls: session, gate });
    if (rest > 0) socket.receive(slot, offset, rest);
    else room.arena.release(slot);
  }

  // --- clients that are told why not ---

  /** It has shown no certificate, or one that is not right. */
  private dismiss(): void {
    this.session.end();
    this.speak(false);
    this.tell(null);
  }

  private answerPlain(slot: number, offset: number, length: number): void {
    const { arena } = this.owner.room;
    const into = arena.allocate(FLIGHT_BYTES);
    const count = into < 0 ? 0 : this.owner.answerPlain(this.below, offset, length, into);
    arena.release(slot);
    if (count > 0) this.below.send(into, arena.start(into), count, false);
    else if (into >= 0) arena.release(into);
    this.tell(null);
  }

  /** What it is told is sent; closing under it would take that from a client that still sends. */
  private tell(failure: string | null): void {
    this.stage = TOLD;
    this.session.free();
    this.owner.handleOver(failure);
    this.below.end();
  }

  private fail(reason: CloseReason, failure: string | null): void {
    if (this.stage < TOLD) this.owner.handleOver(failure);
    this.stage = OVER;
    this.session.free();
    this.below.close();
    this.above.handleOpenFailed(reason);
  }

  handleEnd(): void {
    this.fail('other', this.whyLeft);
  }

  handleDrain(): void {
    // it goes on when the client does
  }

  handleClose(_below: Socket, reason: CloseReason): void {
    this.fail(reason, this.whyLeft);
  }

  /** Who says nothing only looks whether somebody listens. */
  private get whyLeft(): string | null {
    return this.stage === HELLO ? null : 'the client has left';
  }

  cancel(): void {
    if (this.stage < TOLD) this.owner.handleOver(this.stage === HELLO ? null : 'not done in time');
    this.stage = OVER;
    this.session.free();
    this.below.close();
  }
}
