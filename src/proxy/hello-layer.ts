/**
 * The layer below a TCP listener that passes TLS on without ending it: reads the ClientHello, to know where to, and hands every byte
 * of it on. Who says nothing for a while waits for the server to speak first; who speaks something else does not speak TLS. Clients of PostgreSQL
 * ask for TLS before, and wait for an answer.
 */
import type { CloseReason, Socket, SocketHandler } from '../port/transport.ts';
import type { PassthroughPlan } from '../config/plan/listener.ts';
import {
  ENCRYPTION_REQUEST_BYTES,
  ENCRYPTION_UNWILLING,
  ENCRYPTION_WILLING,
  readEncryptionRequest,
  REQUEST_MORE,
  REQUEST_NONE,
  REQUEST_TLS,
} from '../wire/postgres/encryption-request.ts';
import { ClientHello, HELLO_BYTES_MAX, HELLO_MORE, HELLO_READ, readClientHello } from '../wire/tls/client-hello.ts';
import type { Context } from './context.ts';
import { Expiring } from './expiring.ts';
import { keepBehind } from './keep-behind.ts';
import { type Layer, type LayerUser, NOTHING_KNOWN, type Opening } from './layer.ts';

export class HelloLayer implements Layer {
  readonly context: Context;
  private readonly plan: PassthroughPlan;

  constructor(context: Context, plan: PassthroughPlan) {
    this.context = context;
    this.plan = plan;
  }

  open(socket: Socket, above: LayerUser): Opening {
    const { context, plan } = this;
    const reading = new Reading(context, socket, above, plan.hasPostgres);
    socket.handler = reading;
    context.timers.arm(reading, context.transport.now + plan.waitMs);
    return reading;
  }
}

/** Besides the HELLO_ of what is read: the client asks whether it may. */
const HELLO_ASKED = 2;

class Reading extends Expiring implements SocketHandler, Opening {
  private readonly context: Context;
  private readonly socket: Socket;
  private readonly above: LayerUser;
  /** What has come of a hello that comes in pieces; -1: nothing. */
  private slot = -1;
  private length = 0;
  private readonly hasPostgres: boolean;
  /** What a client of PostgreSQL has asked for, and got an answer: a REQUEST_. */
  private asked = REQUEST_NONE;

  constructor(context: Context, socket: Socket, above: LayerUser, hasPostgres: boolean) {
    super();
    this.hasPostgres = hasPostgres;
    this.context = context;
    this.socket = socket;
    this.above = above;
  }

  handleData(_socket: Socket, slot: number, offset: number, length: number): void {
    const { arena, timers } = this.context;
    // From here on it has the time that a head has.
    timers.remove(this);
    const hello = new ClientHello();
    if (this.slot < 0) {
      const read = this.read(offset, offset + length, hello);
      if (read !== HELLO_MORE) {
        this.finish(read, hello, slot, offset, length);
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
    const read = this.read(start, start + this.length, hello);
    if (read === HELLO_MORE && this.length < HELLO_BYTES_MAX) return;
    const kept = this.slot;
    this.slot = -1;
    this.finish(read, hello, kept, start, this.length);
  }

  private read(at: number, end: number, hello: ClientHello): number {
    const { memory } = this.context;
    if (this.hasPostgres && this.asked !== REQUEST_TLS) {
      const request = readEncryptionRequest(memory, at, end);
      if (request === REQUEST_MORE) return HELLO_MORE;
      if (request !== REQUEST_NONE && request !== this.asked) return HELLO_ASKED;
    }
    return readClientHello(memory, at, end, hello);
  }

  private finish(read: number, hello: ClientHello, slot: number, offset: number, length: number): void {
    const { socket } = this;
    if (read === HELLO_ASKED) {
      this.answer(slot, offset, length);
      return;
    }
    const hasAskedForTls = this.asked === REQUEST_TLS;
    if (read !== HELLO_READ && hasAskedForTls) {
      this.context.arena.release(slot);
      this.giveUp();
      return;
    }
    this.above.handleOpen(socket, { ...NOTHING_KNOWN, hello: read === HELLO_READ ? hello : null, hasAskedForTls });
    socket.handler.handleData(socket, slot, offset, length);
  }

  /** Who asks waits for the answer. What came behind the request would be in clear, whoever has said it. */
  private answer(slot: number, offset: number, length: number): void {
    const { arena, memory } = this.context;
    if (length > ENCRYPTION_REQUEST_BYTES) {
      arena.release(slot);
      this.giveUp();
      return;
    }
    this.asked = readEncryptionRequest(memory, offset, offset + length);
    this.length = 0;
    memory[offset] = this.asked === REQUEST_TLS ? ENCRYPTION_WILLING : ENCRYPTION_UNWILLING;
    this.socket.send(slot, offset, 1, false);
  }

  /** False: no slot is free for it. */
  private keep(offset: number, length: number): boolean {
    const slot = keepBehind(this.context.arena, this.slot, this.length, offset, length);
    if (slot < 0) return false;
    this.slot = slot;
    this.length += length;
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
    this.leave();
    this.socket.close();
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
    // An end would be taken for the server's.
    this.socket.reset();
  }

  private leave(): void {
    const { arena, timers } = this.context;
    timers.remove(this);
    if (this.slot >= 0) arena.release(this.slot);
    this.slot = -1;
  }
}
