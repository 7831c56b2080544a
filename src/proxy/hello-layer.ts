/**
 * The layer below a TCP listener that passes TLS on without ending it: reads the ClientHello, to know where to, and hands every byte
 * of it on. Who says nothing for a while waits for the server to speak first; who speaks something else does not speak TLS.
 */
import type { CloseReason, Socket, SocketHandler } from '../port/transport.ts';
import { ClientHello, HELLO_BYTES_MAX, HELLO_MORE, HELLO_READ, readClientHello } from '../wire/tls/client-hello.ts';
import type { Context } from './context.ts';
import { Expiring } from './expiring.ts';
import { type Layer, type LayerUser, NOTHING_KNOWN, type Opening } from './layer.ts';

export class HelloLayer implements Layer {
  readonly context: Context;
  private readonly waitMs: number;

  /** `waitMs`: how long a client may be silent until it is taken for one that lets the server speak first. */
  constructor(context: Context, waitMs: number) {
    this.context = context;
    this.waitMs = waitMs;
  }

  open(socket: Socket, above: LayerUser): Opening {
    const reading = new Reading(this.context, socket, above);
    socket.handler = reading;
    this.context.timers.arm(reading, this.context.transport.now + this.waitMs);
    return reading;
  }
}

class Reading extends Expiring implements SocketHandler, Opening {
  private readonly context: Context;
  private readonly socket: Socket;
  private readonly above: LayerUser;
  /** What has come of a hello that comes in pieces; -1: nothing. */
  private slot = -1;
  private length = 0;

  constructor(context: Context, socket: Socket, above: LayerUser) {
    super();
    this.context = context;
    this.socket = socket;
    this.above = above;
  }

  handleData(_socket: Socket, slot: number, offset: number, length: number): void {
    const { arena, memory, timers } = this.context;
    // From here on it has the time that a head has.
    timers.remove(this);
    const hello = new ClientHello();
    if (this.slot < 0) {
      const read = readClientHello(memory, offset, offset + length, hello);
      if (read !== HELLO_MORE) {
        this.finish(read === HELLO_READ ? hello : null, slot, offset, length);
        return;
      }
    }
    const isKept = this.keep(offset, length);
    arena.release(slot);
    if (!isKept) {
      this.giveUp();
      return;
    }
    const start = arena.start(this.slot);
    const read = readClientHello(memory, start, start + this.length, hello);
    if (read === HELLO_MORE && this.length < HELLO_BYTES_MAX) return;
    const kept = this.slot;
    this.slot = -1;
    this.finish(read === HELLO_READ ? hello : null, kept, start, this.length);
  }

  private finish(hello: ClientHello | null, slot: number, offset: number, length: number): void {
    const { socket } = this;
    this.above.handleOpen(socket, { ...NOTHING_KNOWN, hello });
    socket.handler.handleData(socket, slot, offset, length);
  }

  /** False: no slot is free for it. */
  private keep(offset: number, length: number): boolean {
    const { arena, memory } = this.context;
    const needed = this.length + length;
    if (this.slot < 0 || needed > arena.capacity(this.slot)) {
      const grown = arena.allocate(needed);
      if (grown < 0) return false;
      if (this.slot >= 0) {
        const start = arena.start(this.slot);
        memory.copyWithin(arena.start(grown), start, start + this.length);
        arena.release(this.slot);
      }
      this.slot = grown;
    }
    memory.copyWithin(arena.start(this.slot) + this.length, offset, offset + length);
    this.length = needed;
    return true;
  }

  override handleExpiry(): void {
    this.above.handleOpen(this.socket, NOTHING_KNOWN);
  }

  /** Whoever leaves without a word, or in the middle of it, wants nothing any more. */
  handleEnd(): void {
    this.giveUp();
  }

  private giveUp(): void {
    this.cancel();
    this.above.handleOpenFailed('other');
  }

  handleClose(_socket: Socket, reason: CloseReason): void {
    this.leave();
    this.above.handleOpenFailed(reason);
  }

  get keepsScarce(): boolean {
    return this.slot >= 0 && this.context.arena.isScarce(this.slot);
  }

  handleConnect(): void {
    // accepted, never connected
  }

  handleDrain(): void {
    // nothing was sent
  }

  cancel(): void {
    this.leave();
    this.socket.close();
  }

  private leave(): void {
    const { arena, timers } = this.context;
    timers.remove(this);
    if (this.slot >= 0) arena.release(this.slot);
    this.slot = -1;
  }
}
