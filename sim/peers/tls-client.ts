/**
 * A TLS client with a real session over the simulated network. It asks for the same page again and again, or does what no client should:
 * stands still, breaks a record, leaves, in the middle of its handshake or behind it, or changes its keys without end.
 */
import koffi from 'koffi';
import { Prng } from '../../src/base/prng.ts';
import type { Openssl } from '../../src/io/openssl/openssl.ts';
import { TLS_DONE, TLS_ENDED, TLS_FAILED, type TlsContext, type TlsSession } from '../../src/port/tls.ts';
import type { Network } from '../network.ts';
import type { World } from '../world.ts';
import { FULL_PACE, PeerPort, type PortOwner } from './port.ts';

export type TlsFate =
  | 'asks' // and is answered each time
  | 'stalls' // after so many bytes
  | 'leaves' // by a reset, after so many bytes
  | 'breaks' // one of its bytes, and goes on
  | 'floods'; // with changes of its keys

export interface TlsClientSpec {
  readonly id: number;
  readonly seed: number;
  readonly startUs: number;
  readonly fate: TlsFate;
  readonly version: '1.2' | '1.3';
  readonly requests: number;
  /** How often it changes its keys before it asks; with TLS 1.2 it cannot. */
  readonly rekeyings: number;
  /** How many it sends before it waits for an answer. */
  readonly ahead: number;
  /** Its bytes are sent in slices of up to so many. */
  readonly sliceBytes: number;
  /** Where it stalls, leaves or breaks a byte: so many bytes from its beginning. */
  readonly atBytes: number;
}

/** What all of them share: sessions are called one after the other. */
export interface TlsClientRoom {
  readonly network: Network;
  readonly openssl: Openssl;
  /** What `openssl` is opened for. */
  readonly memory: Uint8Array;
  readonly contexts: Readonly<Record<TlsClientSpec['version'], TlsContext>>;
  readonly listener: string;
  /** Of each answer. */
  readonly page: string;
}

const library = koffi.load(null);
type Native = (...operands: number[]) => number;
const SSL_key_update = library.func('int SSL_key_update(uintptr_t ssl, int type)') as Native;
const SSL_do_handshake = library.func('int SSL_do_handshake(uintptr_t ssl)') as Native;
/** `update_requested`: the peer has to change its own keys too (RFC 8446 section 4.6.3). */
const BOTH = 1;

const REQUEST = Buffer.from('GET / HTTP/1.1\r\nHost: one.test\r\n\r\n');
/** In the memory: what came, what was decrypted, what is to be encrypted, and what is to be sent. */
const CAME = 0;
const READ = 131_072;
const WRITTEN = 196_608;
const TAKEN = 262_144;
export const CLIENT_MEMORY_BYTES = 393_216;

export class TlsClient implements PortOwner {
  readonly spec: TlsClientSpec;
  answers = 0;
  isOver = false;
  /** It was told of what it did wrong. */
  isTold = false;
  private readonly room: TlsClientRoom;
  private readonly world: World;
  private readonly prng: Prng;
  private readonly port: PeerPort;
  private readonly session: TlsSession;
  private isShaken = false;
  private asked = 0;
  private sentBytes = 0;
  private isStill = false;
  private text = '';

  constructor(room: TlsClientRoom, spec: TlsClientSpec) {
    this.room = room;
    this.spec = spec;
    this.world = room.network.world;
    this.prng = new Prng(spec.seed);
    const context = room.contexts[spec.version];
    const session = room.openssl.connect({
      context,
      sentName: 'one.test',
      verifiedName: null,
      ticket: null,
      keepTicket: (ticket) => ticket.free(),
    });
    if (session === null) throw new Error('no memory for a session');
    this.session = session;
    const endpoint = room.network.dial(`10.2.0.${1 + (spec.id % 200)}:${20_000 + spec.id}`, room.listener);
    this.port = new PeerPort(this.world, endpoint, this.prng, FULL_PACE, FULL_PACE, this);
    this.port.step();
  }

  describe(): string {
    const { answers, asked, isShaken, sentBytes, spec } = this;
    return `client ${spec.id} (${spec.fate} ${spec.atBytes}): shaken ${isShaken}, sent ${sentBytes}, asked ${asked}, answered ${answers}`;
  }

  handleConnected(): void {
    this.proceed(0);
  }

  handleFlushed(): void {
    // what there is was written at once
  }

  handleBytes(bytes: Uint8Array, at: number, length: number): void {
    this.room.memory.set(bytes.subarray(at, at + length), CAME);
    this.proceed(length);
  }

  /** Gives the session what came, and sends what it says. */
  private proceed(length: number): void {
    const { session } = this;
    if (this.isOver) return;
    session.feed(CAME, length);
    let result = this.isShaken ? TLS_DONE : session.handshake();
    const isNew = !this.isShaken && result === TLS_DONE;
    if (isNew) this.isShaken = true;
    if (this.isShaken) result = this.read();
    session.feed(0, 0);
    this.sendTaken();
    if (result === TLS_FAILED || result === TLS_ENDED) {
      this.handleLast(session.failure);
      return;
    }
    if (isNew) this.rekey();
    if (this.isShaken) this.ask();
  }

  private rekey(): void {
    const rekeyings = this.spec.version === '1.3' ? this.spec.rekeyings : 0;
    // it has no such call, since no proxy changes keys by itself
    const { ssl } = this.session as unknown as { readonly ssl: number };
    for (let i = 0; i < rekeyings && !this.isOver; i++) {
      SSL_key_update(ssl, this.prng.oneIn(2) ? BOTH : 0);
      SSL_do_handshake(ssl);
      this.sendTaken();
    }
  }

  private read(): number {
    const { memory } = this.room;
    for (;;) {
      const count = this.session.read(READ, WRITTEN - READ);
      if (count <= 0) return count;
      this.text += Buffer.from(memory.subarray(READ, READ + count)).toString('latin1');
    }
  }

  private ask(): void {
    const { page } = this.room;
    for (let at = this.text.indexOf(page); at >= 0; at = this.text.indexOf(page)) {
      if (!/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n$/.test(this.text.slice(0, at))) {
        this.world.fail('response content', this.text.slice(0, 200));
      }
      this.text = this.text.slice(at + page.length);
      this.answers++;
    }
    const { ahead, requests } = this.spec;
    while (!this.isOver && this.asked < requests && this.asked - this.answers < ahead) {
      this.asked++;
      this.room.memory.set(REQUEST, WRITTEN);
      if (!this.session.write(WRITTEN, REQUEST.length)) this.world.fail('tls', `${this.describe()} cannot write`);
      this.sendTaken();
    }
    if (!this.isOver && this.answers === requests) this.leave();
  }

  private leave(): void {
    this.session.end();
    this.sendTaken();
    this.finish();
    this.port.end();
    this.world.schedule(1_000_000, () => this.port.close());
  }

  private sendTaken(): void {
    const { memory } = this.room;
    const count = this.session.take(TAKEN, CLIENT_MEMORY_BYTES - TAKEN);
    const bytes = Buffer.from(memory.subarray(TAKEN, TAKEN + count));
    this.session.hasSpoken = false;
    for (let at = 0; at < bytes.length && !this.isOver;) {
      const end = Math.min(bytes.length, at + 1 + this.prng.below(this.spec.sliceBytes));
      this.send(bytes.subarray(at, end));
      at = end;
    }
  }

  /** A part of what is sent, as its fate has it. */
  private send(bytes: Buffer): void {
    const { atBytes, fate } = this.spec;
    const at = atBytes - this.sentBytes;
    const isHere = fate !== 'asks' && at >= 0 && at < bytes.length;
    this.sentBytes += bytes.length;
    if (this.isStill) return;
    if (isHere && fate === 'breaks') bytes[at] ^= 1 << this.prng.below(8);
    if (isHere && fate === 'leaves') {
      this.finish();
      this.port.reset();
      return;
    }
    this.isStill = isHere && fate === 'stalls';
    this.port.write(this.isStill ? bytes.subarray(0, at) : bytes);
  }

  handleEnd(): void {
    this.handleLast('');
  }

  handleBroken(): void {
    if (!this.isOver) this.handleLast('');
  }

  private handleLast(failure: string): void {
    if (this.isOver) return;
    this.isTold = failure.includes('alert');
    if (this.spec.fate === 'asks') this.world.fail('cut without cause', `${this.describe()}: ${failure}`);
    this.finish();
    this.port.close();
  }

  private finish(): void {
    this.isOver = true;
    this.session.free();
  }
}
