/**
 * Whether a client in clear begins with HTTP/2, without asking (RFC 9113 section 3.3). The first byte that differs from the preface says that it does not:
 * then it is served as if nobody had looked.
 */
import type { CloseReason, Socket, SocketHandler } from '../port/transport.ts';
import { PREFACE } from '../wire/http2/frame.ts';
import type { Context } from './context.ts';
import { keepBehind } from './keep-behind.ts';
import { type Layer, type LayerUser, NOTHING_KNOWN, type Opening } from './layer.ts';

export class PrefaceLayer implements Layer {
  private readonly context: Context;

  constructor(context: Context) {
    this.context = context;
  }

  open(socket: Socket, above: LayerUser): Opening {
    return new PrefaceOpening(this.context, socket, above);
  }
}

class PrefaceOpening implements Opening, SocketHandler {
  private readonly context: Context;
  private readonly socket: Socket;
  private readonly above: LayerUser;
  /** What came of it, while that is less than all. */
  private slot = -1;
  private length = 0;

  constructor(context: Context, socket: Socket, above: LayerUser) {
    this.context = context;
    this.socket = socket;
    this.above = above;
    socket.handler = this;
  }

  handleData(_socket: Socket, slot: number, offset: number, length: number): void {
    const { arena, memory } = this.context;
    let at = offset;
    if (this.slot >= 0) {
      const into = keepBehind(arena, this.slot, this.length, offset, length);
      arena.release(slot);
      if (into < 0) {
        this.giveUp();
        return;
      }
      slot = into;
      at = arena.start(into);
      length += this.length;
      this.slot = -1;
    }
    let same = 0;
    while (same < length && same < PREFACE.length && memory[at + same] === PREFACE[same]) same++;
    if (same === length && same < PREFACE.length) this.keep(slot, at, length);
    else this.hand(slot, at, length, same === PREFACE.length);
  }

  /** A part of it may be all that comes for long. */
  private keep(slot: number, at: number, length: number): void {
    const { arena } = this.context;
    this.slot = arena.isLarge(slot) ? keepBehind(arena, -1, 0, at, length) : slot;
    this.length = length;
    if (this.slot === slot) return;
    arena.release(slot);
    if (this.slot < 0) this.giveUp();
  }

  private hand(slot: number, at: number, length: number, isHttp2: boolean): void {
    const { above, socket } = this;
    above.handleOpen(socket, isHttp2 ? HTTP_2 : NOTHING_KNOWN);
    socket.handler.handleData(socket, slot, at, length);
  }

  handleConnect(): void {
    // accepted, never connected
  }

  handleDrain(): void {
    // nothing was sent
  }

  /** Whoever leaves without a word, or in the middle of it, wants nothing any more. */
  handleEnd(): void {
    this.giveUp();
  }

  handleClose(_socket: Socket, reason: CloseReason): void {
    this.drop();
    this.above.handleOpenFailed(reason);
  }

  private giveUp(): void {
    this.drop();
    this.socket.close();
    this.above.handleOpenFailed('other');
  }

  private drop(): void {
    if (this.slot >= 0) this.context.arena.release(this.slot);
    this.slot = -1;
  }

  get keepsScarce(): boolean {
    return this.slot >= 0 && this.context.arena.isScarce(this.slot);
  }

  cancel(): void {
    this.drop();
    this.socket.close();
  }
}

const HTTP_2 = { ...NOTHING_KNOWN, protocol: 'h2' };
