/**
 * A client's handshake. It takes what comes until both sides have keys, and gives up on a client that sends too much for that. How long it
 * may take is for its owner to say (arrival.ts).
 *
 *   hello      the first bytes: of TLS, which are kept until the hello is whole, or of HTTP in clear, which gets an answer that people can read
 *   waits      for its turn: nothing is computed yet (handshake-gate.ts)
 *   keys       until the session says that it is done: a TlsSocket takes over
 *   told       the client was told why not, by an alert or an answer; it is waited for until it closes
 */
import { sourceOf } from '../../core/tls/handshake-rate.ts';
import { TLS_DONE, TLS_WANTS_MORE, type TlsSession } from '../../port/tls.ts';
import type { CloseReason, Socket, SocketHandler } from '../../port/transport.ts';
import { ClientHello, HELLO_BYTES_MAX, HELLO_MORE, HELLO_READ, readClientHello } from '../../wire/tls/client-hello.ts';
import { type HostGate, type LayerUser, NOTHING_KNOWN, type Opening, type PeerAddress } from '../layer.ts';
import { keepBehind } from '../keep-behind.ts';
import type { GateUser } from './handshake-gate.ts';
import { isPlainHttp } from './plain-http.ts';
import type { TlsRoom } from './room.ts';
import { speak } from './speak.ts';
import { TlsSocket } from './tls-socket.ts';

/** Who begins handshakes, and hears of each, once, how it went. */
export interface HandshakeOwner {
  readonly room: TlsRoom;
  /** For certificates, which are messages of any length. */
  readonly asksClients: boolean;
  /** Clients that speak HTTP in clear get an answer; else an alert, as everybody else. */
  readonly answersPlain: boolean;
  /** Writes the answer to what is at `offset` into the slot: how long it is. */
  answerPlain(socket: Socket, offset: number, length: number, into: number): number;
  /** Of a handshake that is done: what has a say in the client's requests, if anything; `refuse`: the client is not wanted. */
  gateFor(session: TlsSession): HostGate | 'refuse' | null;
  /** Whether a handshake with this client may begin. `isResuming`: it says that it resumes a session. */
  admit(peer: PeerAddress, isResuming: boolean): boolean;
  /** It said so, and no session is resumed: it counts as a full handshake. */
  charge(peer: PeerAddress): void;
  /** Null: out of memory. */
  accept(): TlsSession | null;
  /** It is done, and over. */
  handleDone(session: TlsSession): void;
  /** `failure`: null, or what OpenSSL says. */
  handleOver(failure: string | null): void;
  /** Instead: it was not admitted. */
  handleRefused(): void;
}

/** OpenSSL bounds each message, the longest hello to 128 KiB. This bounds all of them together, with records that carry little. */
const HANDSHAKE_BYTES_MAX = 256 * 1024;
const ANSWER_BYTES = 8192;

const HELLO = 0;
const WAITS = 1;
const KEYS = 2;
const TOLD = 3;
const OVER = 4;
type Stage = typeof HELLO | typeof WAITS | typeof KEYS | typeof TOLD | typeof OVER;

/** Of whoever is looked at. */
const hello = new ClientHello();
const address = new Uint8Array(16);

export class Handshake implements SocketHandler, Opening, GateUser {
  private readonly owner: HandshakeOwner;
  private readonly below: Socket;
  private readonly above: LayerUser;
  private readonly peer: PeerAddress;
  /** Null: it has not begun. */
  private session: TlsSession | null = null;
  private stage: Stage = HELLO;
  private bytes = 0;
  hasHello = false;
  /** The client says so, and the session does not deny it. */
  private isResuming = false;
  /** What came first: part of the hello, or while it waits. */
  private slot = -1;
  private offset = 0;

  constructor(owner: HandshakeOwner, below: Socket, peer: PeerAddress, above: LayerUser) {
    this.owner = owner;
    this.below = below;
    this.peer = peer;
    this.above = above;
    below.handler = this;
  }

  get keepsScarce(): boolean {
    const { arena } = this.owner.room;
    return this.stage === KEYS ? arena.isForeignScarce : this.slot >= 0 && arena.isScarce(this.slot);
  }

  get mayBeLong(): boolean {
    return !this.hasHello || this.owner.asksClients;
  }

  get source(): string {
    this.peer.remoteAddress(address, 0);
    return sourceOf(address);
  }

  handleConnect(): void {
    // it is connected
  }

  handleData(_below: Socket, slot: number, offset: number, length: number): void {
    const { stage } = this;
    if (stage === HELLO) this.handleHello(slot, offset, length);
    else if (stage === KEYS) this.proceed(slot, offset, length);
    else this.owner.room.arena.release(slot);
  }

  /** As long as a part of the hello is lacking nothing is done for it. */
  private handleHello(slot: number, offset: number, length: number): void {
    const { owner } = this;
    const { arena } = owner.room;
    const { memory } = arena;
    if (this.slot < 0) {
      if (owner.answersPlain && isPlainHttp(memory, offset, length)) {
        this.answerPlain(slot, offset, length);
        return;
      }
      const read = readClientHello(memory, offset, offset + length, hello);
      if (read !== HELLO_MORE) {
        this.enter(read, slot, offset, length);
        return;
      }
    }
    const kept = keepBehind(arena, this.slot, this.bytes, offset, length);
    arena.release(slot);
    if (kept < 0) {
      this.fail('no-resource', 'out of memory');
      return;
    }
    this.slot = kept;
    this.bytes += length;
    const start = arena.start(kept);
    const read = readClientHello(memory, start, start + this.bytes, hello);
    if (read === HELLO_MORE && this.bytes < HELLO_BYTES_MAX) return;
    const { bytes } = this;
    this.slot = -1;
    this.bytes = 0;
    this.enter(read, kept, start, bytes);
  }

  /** `read`: a HELLO_. What is no hello, or too long for one that is read, is for OpenSSL to say. */
  private enter(read: number, slot: number, offset: number, length: number): void {
    const { owner, peer } = this;
    const { arena, gate } = owner.room;
    this.hasHello = read === HELLO_READ;
    this.isResuming = this.hasHello && hello.isResuming;
    if (!owner.admit(peer, this.isResuming)) {
      arena.release(slot);
      this.refuse();
    } else if (gate.enter(this, this.isResuming)) this.start(slot, offset, length);
    else this.wait(slot, offset, length);
  }

  /** What came is kept where it takes little. */
  private wait(slot: number, offset: number, length: number): void {
    const { arena } = this.owner.room;
    this.stage = WAITS;
    this.below.pause();
    const small = arena.allocate(length);
    this.slot = small < 0 ? slot : small;
    this.offset = small < 0 ? offset : arena.start(small);
    this.bytes = length;
    if (small < 0) return;
    arena.memory.copyWithin(this.offset, offset, offset + length);
    arena.release(slot);
  }

  begin(): void {
    const { below, bytes, offset, slot } = this;
    this.slot = -1;
    this.bytes = 0;
    below.resume();
    this.start(slot, offset, bytes);
  }

  private start(slot: number, offset: number, length: number): void {
    const { arena, gate } = this.owner.room;
    this.session = this.owner.accept();
    this.stage = KEYS;
    if (this.session === null) {
      arena.release(slot);
      this.fail('no-resource', 'out of memory');
      return;
    }
    gate.handleBegun(this);
    this.proceed(slot, offset, length);
  }

  private proceed(slot: number, offset: number, length: number): void {
    const session = this.session as TlsSession;
    const { arena } = this.owner.room;
    this.bytes += length;
    session.feed(offset, length);
    const result = session.handshake();
    const rest = session.unreadBytes;
    session.feed(0, 0);
    if (this.isResuming && session.isWhole) this.handleFalseResumption();
    const isOver = result !== TLS_DONE && (result !== TLS_WANTS_MORE || this.bytes > HANDSHAKE_BYTES_MAX);
    if (!speak(this.owner.room, this.below, session)) {
      arena.release(slot);
      this.fail('no-resource', 'out of memory');
    } else if (result === TLS_DONE) this.finish(session, slot, offset + length - rest, rest);
    else {
      arena.release(slot);
      if (isOver) this.tell(result === TLS_WANTS_MORE ? 'too many bytes' : session.failure);
    }
  }

  private finish(session: TlsSession, slot: number, offset: number, rest: number): void {
    const { above, below, owner } = this;
    const { room } = owner;
    const gate = owner.gateFor(session);
    if (gate === 'refuse') {
      room.arena.release(slot);
      this.dismiss(session);
      return;
    }
    this.stage = OVER;
    room.gate.leave(this);
    owner.handleDone(session);
    const socket = new TlsSocket(room, below, session);
    above.handleOpen(socket, { ...NOTHING_KNOWN, protocol: session.protocol, tls: session, gate });
    if (rest > 0) socket.receive(slot, offset, rest);
    else room.arena.release(slot);
  }

  /** The hello was answered as any other, whatever the client does with the answer; or the client left before it was. */
  private handleFalseResumption(): void {
    const { owner, peer } = this;
    this.isResuming = false;
    owner.room.gate.handleFalseResumption();
    owner.charge(peer);
  }

  // --- clients that are told why not ---

  /** It has shown no certificate, or one that is not right. */
  private dismiss(session: TlsSession): void {
    session.end();
    speak(this.owner.room, this.below, session);
    this.tell(null);
  }

  private answerPlain(slot: number, offset: number, length: number): void {
    const { arena } = this.owner.room;
    const into = arena.allocate(ANSWER_BYTES);
    const count = into < 0 ? 0 : this.owner.answerPlain(this.below, offset, length, into);
    arena.release(slot);
    if (count > 0) this.below.send(into, arena.start(into), count, false);
    else if (into >= 0) arena.release(into);
    this.tell(null);
  }

  /** What it is told is sent; closing under it would take that from a client that still sends. */
  private tell(failure: string | null): void {
    this.drop();
    this.stage = TOLD;
    this.owner.handleOver(failure);
    this.below.end();
  }

  private fail(reason: CloseReason, failure: string | null): void {
    const isToldOf = this.stage < TOLD;
    this.drop();
    if (isToldOf) this.owner.handleOver(failure);
    this.below.close();
    this.above.handleOpenFailed(reason);
  }

  /** There are too many: it costs as little as can be. */
  private refuse(): void {
    this.drop();
    this.owner.handleRefused();
    this.below.reset();
    this.above.handleOpenFailed('other');
  }

  giveUp(why: string): void {
    this.drop();
    this.owner.handleOver(why);
    this.below.reset();
    this.above.handleOpenFailed('other');
  }

  /** Gives back what it keeps. */
  private drop(): void {
    const { arena, gate } = this.owner.room;
    gate.leave(this);
    this.stage = OVER;
    if (this.isResuming && this.session?.isResumed === false) this.handleFalseResumption();
    if (this.slot >= 0) arena.release(this.slot);
    this.slot = -1;
    this.session?.free();
    this.session = null;
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
    return this.isSilent ? null : 'the client has left';
  }

  private get isSilent(): boolean {
    return this.stage === HELLO && this.slot < 0;
  }

  cancel(): void {
    const { isSilent, stage } = this;
    this.drop();
    if (stage < TOLD) this.owner.handleOver(isSilent ? null : 'not done in time');
    this.below.close();
  }
}
