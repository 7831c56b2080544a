/**
 * The proxy's end of the control channel, as one more socket of its transport: it works the same where Node's event loop
 * never runs. What cannot be sent now waits, up to a bound; then it is dropped, for a keeper that does not listen must not
 * cost a proxy its memory.
 */
import type { Arena } from '../base/arena.ts';
import { SEND_SEGMENTS_MAX, SMALL_SLOT_BYTES } from '../base/limits.ts';
import {
  ControlLines,
  encodeControl,
  type KeeperMessage,
  parseKeeperMessage,
  type ProxyMessage,
} from '../port/control.ts';
import type { Socket, SocketHandler, Transport } from '../port/transport.ts';

/** Reports of failures come at most once per turn; this many bytes are seconds of a keeper that is stopped. */
const WAITING_BYTES_MAX = 256 * 1024;

export interface ControlHandler {
  handleMessage(message: KeeperMessage): void;
  /** The keeper is gone. Called once. */
  handleKeeperGone(): void;
}

export class ControlLink implements SocketHandler {
  private readonly arena: Arena;
  private readonly handler: ControlHandler;
  private readonly lines = new ControlLines();
  private readonly socket: Socket;
  /** Slots of its own to send from, whatever others hold: in use while the transport has a reference too. */
  private readonly slots: readonly number[];
  private waiting: Uint8Array[] = [];
  private waitingBytes = 0;
  private isGone = false;

  constructor(transport: Transport, descriptor: number, handler: ControlHandler) {
    this.arena = transport.arena;
    this.slots = Array.from({ length: SEND_SEGMENTS_MAX }, () => this.arena.allocate(SMALL_SLOT_BYTES));
    this.handler = handler;
    this.socket = transport.adopt(descriptor, this);
  }

  say(message: ProxyMessage): void {
    const bytes = encodeControl(message);
    if (this.isGone || this.waitingBytes + bytes.length > WAITING_BYTES_MAX) return;
    this.waiting.push(bytes);
    this.waitingBytes += bytes.length;
    this.flush();
  }

  handleData(_socket: Socket, slot: number, offset: number, length: number): void {
    this.lines.push(this.arena.memory, offset, length, (line) => {
      const message = line === null ? null : parseKeeperMessage(line);
      if (message !== null) this.handler.handleMessage(message);
    });
    this.arena.release(slot);
  }

  handleEnd(): void {
    this.socket.close();
    this.handleGone();
  }

  handleClose(): void {
    this.handleGone();
  }

  handleDrain(): void {
    this.flush();
  }

  handleConnect(): void {
    // It was connected from the start.
  }

  /** Moves what waits into the transport, in pieces of a small slot. */
  private flush(): void {
    while (this.waiting.length > 0 && this.socket.pendingSegments < SEND_SEGMENTS_MAX) {
      const slot = this.slots.find((one) => !this.arena.isShared(one));
      if (slot === undefined) return; // The drain of what is pending tries again.
      this.arena.retain(slot);
      const bytes = this.waiting[0];
      const piece = bytes.subarray(0, SMALL_SLOT_BYTES);
      const offset = this.arena.start(slot);
      this.arena.memory.set(piece, offset);
      this.socket.send(slot, offset, piece.length, false);
      this.waitingBytes -= piece.length;
      if (piece.length === bytes.length) this.waiting.shift();
      else this.waiting[0] = bytes.subarray(piece.length);
    }
  }

  private handleGone(): void {
    if (this.isGone) return;
    this.isGone = true;
    this.waiting = [];
    this.handler.handleKeeperGone();
  }
}
