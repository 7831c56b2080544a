/**
 * A TLS connection as a socket: what the socket below receives is decrypted, and what is sent is encrypted at once, so that a peer that does
 * not read holds what it would hold without TLS: segments of the socket below.
 *
 *                      what                                                     where it waits
 *   from the peer      ciphertext that is not decrypted, since the handler      `cipherSlot`: the slot that it came in, or the
 *                      has paused, or no slot was free                          rest of it; the socket below is paused
 *   to the peer        a part whose next one follows at once                    `held`
 *                      a segment that no slot was free for                      `waiting`, in clear
 *                      what the session itself says, while the socket below     `spoken`, which goes before anything that is
 *                      is full                                                  encrypted later
 *
 * Bytes are decrypted to where they came where that is possible, which is nearly always: what was fed began a record. A message of
 * one record costs one call to read, and two to send.
 */
import { Arena } from '../../base/arena.ts';
import { assert } from '../../base/assert.ts';
import type { KeepAlive } from '../../base/keep-alive.ts';
import {
  HEAD_SLOT_BYTES,
  LARGE_SLOT_BYTES,
  MEDIUM_SLOT_BYTES,
  SEND_SEGMENTS_MAX,
  SMALL_SLOT_BYTES,
} from '../../base/limits.ts';
import { TLS_ENDED, TLS_FAILED, type TlsSession } from '../../port/tls.ts';
import type { CloseReason, Socket, SocketHandler } from '../../port/transport.ts';
import { Farewell } from './farewell.ts';
import type { TlsRoom } from './room.ts';

const OPEN = 0;
/** The session has failed, which the handler is told in a turn. */
const BROKEN = 1;
const CLOSED = 2;
type Phase = typeof OPEN | typeof BROKEN | typeof CLOSED;

/** Plaintext of a record (RFC 8446 section 5.1). */
const RECORD_BYTES = 16_384;
/** What a record has besides, at most: header, initialization vector, authentication, padding of a block. */
const RECORD_EXTRA_BYTES = 96;
/** What a session may say in front of a record: that its keys change. */
const SPOKEN_EXTRA_BYTES = 128;
const ALERT_BYTES = 128;

/** How often a peer may change its keys in a second: half as often where it wants ours changed too. */
const REKEYINGS_MAX = 128;
const REKEYINGS_MS = 1000;

interface Segment {
  readonly slot: number;
  readonly offset: number;
  readonly length: number;
  readonly more: boolean;
}

const NONE: Segment[] = [];

export class TlsSocket implements Socket, SocketHandler {
  handler!: SocketHandler;
  private readonly room: TlsRoom;
  private readonly arena: Arena;
  private readonly below: Socket;
  private readonly session: TlsSession;
  /** A peer that closes without a word of the session has broken off (RFC 8446 section 6.1). */
  private readonly needsFarewell: boolean;
  private phase: Phase = OPEN;

  // --- receiving ---
  private cipherSlot = -1;
  private cipherAt = 0;
  private cipherEnd = 0;
  /** What is fed next begins a record: all that was fed is decrypted. */
  private isAtRecord = true;
  /** A slot was full: the session may have more of that record. */
  private hasRest = false;
  private isPaused = false;
  private isBelowPaused = false;
  private isPumping = false;
  /** The handler knows that the peer sends no more. */
  private hasSeenEnd = false;
  /** What comes behind what is not decrypted yet. */
  private after: 'more' | 'end' | CloseReason = 'more';
  /** As looked at last; when that second began, and how many there were before it. */
  private rekeyings = 0;
  private rekeyingsAt = 0;
  private rekeyingsBefore = 0;

  // --- sending ---
  private heldSlot = -1;
  private heldOffset = 0;
  private heldLength = 0;
  private waiting = NONE;
  private spokenSlot = -1;
  private spokenLength = 0;
  private hasEnded = false;
  /** `end` was called, and what it says has not been sent yet. */
  private isEnding = false;

  private isLater = false;

  /** Takes over both, behind the handshake. A handler has to be set before this turn ends. */
  constructor(room: TlsRoom, below: Socket, session: TlsSession, needsFarewell = false) {
    this.needsFarewell = needsFarewell;
    this.room = room;
    this.arena = room.arena;
    this.below = below;
    this.session = session;
    below.handler = this;
  }

  // --- the socket below ---

  handleConnect(): void {
    // it is connected
  }

  handleData(_below: Socket, slot: number, offset: number, length: number): void {
    if (this.hasSeenEnd || this.phase !== OPEN) {
      this.arena.release(slot);
      return;
    }
    assert(this.cipherSlot < 0, 'a paused socket has received');
    this.cipherSlot = slot;
    this.cipherAt = offset;
    this.cipherEnd = offset + length;
    this.pump();
  }

  handleEnd(): void {
    if (this.needsFarewell && !this.hasSeenEnd && this.phase === OPEN) {
      this.below.close();
      this.dispose();
      this.handler.handleClose(this, 'reset');
    } else this.tellEnd();
  }

  private tellEnd(): void {
    if (this.hasSeenEnd) return;
    this.hasSeenEnd = true;
    this.handler.handleEnd(this);
  }

  handleDrain(): void {
    this.flush();
    if (this.phase === OPEN && this.pendingSegments === 0) this.handler.handleDrain(this);
  }

  handleClose(_below: Socket, reason: CloseReason): void {
    if (this.phase === OPEN && (this.hasCiphertext || this.after === 'end')) {
      this.after = reason;
      return;
    }
    this.dispose();
    this.handler.handleClose(this, reason);
  }

  // --- receiving ---

  private get hasCiphertext(): boolean {
    return this.cipherSlot >= 0 || this.hasRest;
  }

  /** Decrypts and delivers what is here, until the handler pauses. */
  private pump(): void {
    if (this.isPumping) return;
    this.isPumping = true;
    while (this.phase === OPEN && !this.isPaused && this.hasCiphertext && this.step());
    this.isPumping = false;
    if (this.phase !== OPEN) return;
    if (!this.hasCiphertext && !this.isPaused && this.after !== 'more') this.tellAfter();
    else this.regulate();
  }

  /** False: no slot is free. */
  private step(): boolean {
    const { arena, session } = this;
    const { cipherSlot, cipherAt } = this;
    const fedBytes = cipherSlot < 0 ? 0 : this.cipherEnd - cipherAt;
    const isInPlace = this.isAtRecord && !this.hasRest && arena.isLarge(cipherSlot) && !arena.isShared(cipherSlot);
    const slot = isInPlace ? cipherSlot : arena.allocateLarge();
    if (slot < 0) {
      this.lookLater();
      return false;
    }
    const start = isInPlace ? cipherAt : arena.receiveStart(slot);
    const roomBytes = isInPlace ? fedBytes : Arena.receiveBytes;
    // in place they need no more room than they have
    const recordBytes = isInPlace ? 0 : RECORD_BYTES;
    session.feed(cipherAt, fedBytes);
    let total = 0;
    let result: number;
    let unread: number;
    do {
      result = session.read(start + total, roomBytes - total);
      unread = session.unreadBytes;
      if (result <= 0) break;
      total += result;
    } while (unread > 0 && roomBytes - total >= recordBytes);
    session.feed(0, 0);
    this.hasRest = result > 0 && !isInPlace && total === roomBytes;
    this.noteRecord(result > 0 && unread === 0 && !this.hasRest);
    if (result <= 0 || unread === 0) {
      if (!isInPlace && cipherSlot >= 0) arena.release(cipherSlot);
      this.cipherSlot = -1;
    } else this.cipherAt = this.cipherEnd - unread;
    if (result <= 0 || session.hasSpoken) this.speak();
    if (total > 0) this.handler.handleData(this, slot, start, total);
    else arena.release(slot);
    if (this.phase !== OPEN) return true;
    if (result === TLS_FAILED) this.fail();
    else if (this.isRekeyingTooOften) this.dismiss();
    else if (result === TLS_ENDED) this.handleSessionEnd();
    return true;
  }

  /** In the middle of one, OpenSSL keeps what there is of it. */
  private noteRecord(isAtRecord: boolean): void {
    if (isAtRecord === this.isAtRecord) return;
    this.isAtRecord = isAtRecord;
    this.arena.foreign.freeCount += isAtRecord ? 1 : -1;
  }

  private get isRekeyingTooOften(): boolean {
    const { rekeyings } = this.session;
    if (rekeyings === this.rekeyings) return false;
    const { now } = this.room.transport;
    if (now - this.rekeyingsAt > REKEYINGS_MS) {
      this.rekeyingsAt = now;
      this.rekeyingsBefore = this.rekeyings;
    }
    this.rekeyings = rekeyings;
    return rekeyings - this.rekeyingsBefore > REKEYINGS_MAX;
  }

  /** The peer has said so itself. */
  private handleSessionEnd(): void {
    if (this.hasSeenEnd) return;
    if (this.isPaused) this.after = 'end';
    else this.tellEnd();
  }

  private tellAfter(): void {
    const { after } = this;
    this.after = 'more';
    if (after === 'end') this.tellEnd();
    else if (after !== 'more') {
      this.dispose();
      this.handler.handleClose(this, after);
    }
    if (this.phase === OPEN) this.regulate();
  }

  /** The socket below is read from while there is nothing left to decrypt. */
  private regulate(): void {
    const isToPause = this.isPaused || this.hasCiphertext;
    if (isToPause === this.isBelowPaused) return;
    this.isBelowPaused = isToPause;
    if (isToPause) this.below.pause();
    else this.below.resume();
  }

  pause(): void {
    this.isPaused = true;
    if (this.isBelowPaused || this.phase !== OPEN) return;
    this.isBelowPaused = true;
    this.below.pause();
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    if (this.isPumping || this.phase !== OPEN) return;
    if (this.hasCiphertext || this.after !== 'more') this.lookSoon();
    else this.regulate();
  }

  /** The layer had more than its handshake: delivered at once. It is a whole slot's rest, and begins a record. */
  receive(slot: number, offset: number, length: number): void {
    this.handleData(this.below, slot, offset, length);
  }

  // --- sending ---

  get pendingSegments(): number {
    const { below, heldSlot, isEnding, waiting } = this;
    return below.pendingSegments + waiting.length + (heldSlot >= 0 ? 1 : 0) + (isEnding ? 1 : 0);
  }

  send(slot: number, offset: number, length: number, more: boolean): void {
    assert(length > 0 && !this.hasEnded, 'send out of turn');
    if (this.phase !== OPEN) {
      this.arena.release(slot);
      return;
    }
    if (this.heldSlot >= 0) this.sendBehindHeld(slot, offset, length, more);
    else if (more) this.hold(slot, offset, length);
    else this.pass(slot, offset, length, false);
  }

  /** Until the next part comes, or the turn ends. */
  private hold(slot: number, offset: number, length: number): void {
    this.heldSlot = slot;
    this.heldOffset = offset;
    this.heldLength = length;
    if (this.isLater) return;
    this.isLater = true;
    this.room.later.addAtLeisure(this);
  }

  /** Two small parts become one record. */
  private sendBehindHeld(slot: number, offset: number, length: number, more: boolean): void {
    const { arena, heldLength, heldOffset, heldSlot } = this;
    const { memory } = arena;
    this.heldSlot = -1;
    const total = heldLength + length;
    if (total > RECORD_BYTES) {
      this.pass(heldSlot, heldOffset, heldLength, true);
      if (this.phase !== OPEN) arena.release(slot);
      else if (more) this.hold(slot, offset, length);
      else this.pass(slot, offset, length, false);
      return;
    }
    let into = slot;
    let at = offset - heldLength;
    if (!arena.isShared(slot) && at >= arena.start(slot)) {
      memory.copyWithin(at, heldOffset, heldOffset + heldLength);
    } else {
      into = this.allocate(sealedBytes(total));
      if (into < 0) {
        this.pass(heldSlot, heldOffset, heldLength, true);
        if (this.phase === OPEN) this.pass(slot, offset, length, more);
        else arena.release(slot);
        return;
      }
      at = arena.start(into);
      memory.copyWithin(at, heldOffset, heldOffset + heldLength);
      memory.copyWithin(at + heldLength, offset, offset + length);
      arena.release(slot);
    }
    arena.release(heldSlot);
    if (more) this.hold(into, at, total);
    else this.pass(into, at, total, false);
  }

  /** Encrypts and sends, behind what waits. */
  private pass(slot: number, offset: number, length: number, more: boolean): void {
    const isFree = this.waiting.length === 0 && this.spokenSlot < 0;
    if (isFree && this.encrypt(slot, offset, length, more)) return;
    this.waiting = [...this.waiting, { slot, offset, length, more }];
    this.lookLater();
  }

  /** False: no slot is free, and nothing is done; or the session has failed. */
  private encrypt(slot: number, offset: number, length: number, more: boolean): boolean {
    const { arena, session } = this;
    const sealed = sealedBytes(length);
    if (sealed > HEAD_SLOT_BYTES) return this.encryptHalves(slot, offset, length, more);
    const isInPlace = arena.capacity(slot) >= sealed && !arena.isShared(slot);
    const into = isInPlace ? slot : this.allocate(sealed);
    if (into < 0) return false;
    const isWritten = session.write(offset, length);
    const start = arena.start(into);
    const capacity = arena.capacity(into);
    const count = session.take(start, capacity);
    if (!isInPlace) arena.release(slot);
    if (!isWritten || count === 0 || count === capacity) {
      session.dropOutput();
      arena.release(into);
      this.breakOff();
      return true;
    }
    this.below.send(into, start, count, more);
    return true;
  }

  private encryptHalves(slot: number, offset: number, length: number, more: boolean): boolean {
    if (this.below.pendingSegments + 2 > SEND_SEGMENTS_MAX) return false;
    const half = length >> 1;
    this.arena.retain(slot);
    if (!this.encrypt(slot, offset, half, true)) {
      this.arena.release(slot);
      return false;
    }
    if (this.phase !== OPEN) this.arena.release(slot);
    else if (!this.encrypt(slot, offset + half, length - half, more)) {
      this.waitInFront({ slot, offset: offset + half, length: length - half, more });
    }
    return true;
  }

  private waitInFront(segment: Segment): void {
    this.waiting = [segment, ...this.waiting];
    this.lookLater();
  }

  private allocate(bytes: number): number {
    const { arena } = this;
    return bytes > MEDIUM_SLOT_BYTES && bytes <= LARGE_SLOT_BYTES ? arena.allocateLarge() : arena.allocate(bytes);
  }

  /** Sends what the session says by itself: new keys, alerts, tickets. */
  private speak(): void {
    const { arena, session } = this;
    session.hasSpoken = false;
    // behind the end, a peer that goes on may want an answer, and gets none
    if (this.hasEnded && !this.isEnding) {
      session.dropOutput();
      return;
    }
    if (this.spokenSlot < 0) this.spokenLength = 0;
    const slot = this.spokenSlot >= 0 ? this.spokenSlot : arena.allocate(SMALL_SLOT_BYTES);
    if (slot < 0) {
      session.dropOutput();
      this.breakOff();
      return;
    }
    const room = arena.capacity(slot) - this.spokenLength;
    const count = session.take(arena.start(slot) + this.spokenLength, room);
    this.spokenSlot = slot;
    this.spokenLength += count;
    if (count === room) {
      session.dropOutput();
      this.breakOff();
    } else this.sendSpoken();
  }

  private sendSpoken(): void {
    const { arena, below, spokenLength, spokenSlot } = this;
    if (spokenSlot < 0 || (spokenLength > 0 && below.pendingSegments >= SEND_SEGMENTS_MAX - 1)) return;
    this.spokenSlot = -1;
    if (spokenLength === 0) arena.release(spokenSlot);
    else below.send(spokenSlot, arena.start(spokenSlot), spokenLength, false);
  }

  /** Sends what waits, as far as that is possible. */
  private flush(): void {
    this.sendSpoken();
    while (this.phase === OPEN && this.spokenSlot < 0 && this.waiting.length > 0) {
      const { slot, offset, length, more } = this.waiting.shift() as Segment;
      if (this.encrypt(slot, offset, length, more)) continue;
      this.waitInFront({ slot, offset, length, more });
      return;
    }
    if (this.isEnding && this.phase === OPEN && this.spokenSlot < 0) this.finish();
  }

  end(): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    if (this.phase !== OPEN) return;
    this.releaseHeld();
    this.isEnding = true;
    this.flush();
  }

  private releaseHeld(): void {
    if (this.heldSlot < 0) return;
    const { heldSlot } = this;
    this.heldSlot = -1;
    this.pass(heldSlot, this.heldOffset, this.heldLength, false);
  }

  /** The last that is sent. */
  private finish(): void {
    const { arena, below, session } = this;
    if (below.pendingSegments >= SEND_SEGMENTS_MAX) return;
    const slot = arena.allocate(ALERT_BYTES);
    if (slot < 0) {
      this.lookLater();
      return;
    }
    session.end();
    const count = session.take(arena.start(slot), arena.capacity(slot));
    if (count > 0) below.send(slot, arena.start(slot), count, false);
    else arena.release(slot);
    this.isEnding = false;
    below.end();
  }

  // --- later ---

  private lookSoon(): void {
    if (this.isLater) this.room.later.hurry();
    else {
      this.isLater = true;
      this.room.later.add(this);
    }
  }

  private lookLater(): void {
    if (this.isLater) return;
    this.isLater = true;
    this.room.later.addAtLeisure(this);
  }

  handleLater(): void {
    this.isLater = false;
    if (this.phase === BROKEN) {
      this.phase = CLOSED;
      this.handler.handleClose(this, 'reset');
    }
    if (this.phase !== OPEN) return;
    this.releaseHeld();
    this.flush();
    if (this.phase === OPEN) this.pump();
  }

  // --- ends ---

  /** The peer asks for too much. */
  private dismiss(): void {
    this.session.end();
    this.speak();
    if (this.phase === OPEN) this.fail();
  }

  /** The peer has broken the protocol: it has been told. */
  private fail(): void {
    const { arena, below, room, spokenSlot } = this;
    if (spokenSlot >= 0 && below.pendingSegments < SEND_SEGMENTS_MAX) {
      this.spokenSlot = -1;
      below.send(spokenSlot, arena.start(spokenSlot), this.spokenLength, false);
    }
    this.dispose();
    Farewell.afterFault(room, below);
    this.handler.handleClose(this, 'reset');
  }

  /** The connection cannot go on, and nobody may be told now. */
  private breakOff(): void {
    if (this.phase !== OPEN) return;
    this.dispose();
    this.phase = BROKEN;
    this.below.reset();
    this.lookSoon();
  }

  close(): void {
    if (this.phase === OPEN) this.leave();
    this.phase = CLOSED;
  }

  /** With a word where that can be sent. */
  private leave(): void {
    const { below, hasEnded, room, session } = this;
    const isSilent = hasEnded || this.pendingSegments > 0 || this.spokenSlot >= 0;
    if (isSilent) below.close();
    else Farewell.begin(room, below, session);
    this.dispose();
  }

  reset(): void {
    if (this.phase === OPEN) {
      this.dispose();
      this.below.reset();
    }
    this.phase = CLOSED;
  }

  /** Gives back everything but the socket below. */
  private dispose(): void {
    const { arena, cipherSlot, heldSlot, spokenSlot, waiting } = this;
    this.phase = CLOSED;
    if (cipherSlot >= 0) arena.release(cipherSlot);
    if (heldSlot >= 0) arena.release(heldSlot);
    if (spokenSlot >= 0) arena.release(spokenSlot);
    for (const { slot } of waiting) arena.release(slot);
    this.cipherSlot = this.heldSlot = this.spokenSlot = -1;
    this.waiting = NONE;
    this.isEnding = false;
    this.noteRecord(true);
    this.session.free();
  }

  // --- what the socket below knows ---

  get unacknowledgedBytes(): number {
    return this.below.unacknowledgedBytes;
  }

  get keepsScarce(): boolean {
    const { arena, below, cipherSlot, heldSlot, waiting } = this;
    if (below.keepsScarce || (cipherSlot >= 0 && arena.isScarce(cipherSlot))) return true;
    if (!this.isAtRecord && arena.isForeignScarce) return true;
    if (heldSlot >= 0 && arena.isScarce(heldSlot)) return true;
    return waiting.some(({ slot }) => arena.isScarce(slot));
  }

  get acknowledgedBytes(): number {
    return this.below.acknowledgedBytes;
  }

  get isStanding(): boolean {
    return this.phase === OPEN && this.below.isStanding;
  }

  setKeepAlive(keepAlive: KeepAlive): void {
    this.below.setKeepAlive(keepAlive);
  }

  passTo(): void {
    // every byte has to be read here
  }

  resetIfKilled(): void {
    this.below.resetIfKilled();
  }

  remoteAddress(into: Uint8Array, at: number): number {
    return this.below.remoteAddress(into, at);
  }

  localAddress(into: Uint8Array, at: number): number {
    return this.below.localAddress(into, at);
  }
}

/** How much room `length` bytes need when they are encrypted. */
function sealedBytes(length: number): number {
  return length + Math.ceil(length / RECORD_BYTES) * RECORD_EXTRA_BYTES + SPOKEN_EXTRA_BYTES;
}
