/**
 * A server that speaks TLS with a real session over the simulated network. It answers every request with the same page, or does what a server
 * should not: shows another's certificate, stands still, breaks a record, leaves, or ends a page in the middle without saying so in TLS.
 */
import { Prng } from '../../src/base/prng.ts';
import type { Openssl } from '../../src/io/openssl/openssl.ts';
import { TLS_DONE, TLS_ENDED, TLS_FAILED, type TlsContext, type TlsSession } from '../../src/port/tls.ts';
import type { Acceptor, Endpoint, LinkSpec } from '../network.ts';
import type { World } from '../world.ts';
import { FULL_PACE, PeerPort, type PortOwner } from './port.ts';

export type TlsServerFate =
  | 'answers'
  | 'stranger' // its certificate is for another name
  | 'unknown' // nobody that is trusted has issued it
  | 'stalls' // after so many bytes of each connection
  | 'leaves' // by a reset, likewise
  | 'breaks' // one of its bytes
  | 'vanishes' // the network forgets the connection
  | 'truncates'; // ends a page that ends with its connection before it is whole

export interface TlsServerSpec {
  readonly address: string;
  readonly seed: number;
  readonly fate: TlsServerFate;
  /** Pages have a length; else they end with their connection, by what TLS has for that. */
  readonly hasLengths: boolean;
  /** An unused connection is closed after so long; it says so in TLS or does not. */
  readonly idleUs: number;
  /** Its bytes are sent in slices of up to so many. */
  readonly sliceBytes: number;
  readonly atBytes: number;
}

/** What all of them share: sessions are called one after the other. */
export interface TlsServerRoom {
  readonly world: World;
  readonly openssl: Openssl;
  /** What `openssl` is opened for. */
  readonly memory: Uint8Array;
  readonly contexts: Readonly<Record<'own' | 'stranger' | 'unknown', TlsContext>>;
  readonly page: string;
  readonly link: () => LinkSpec;
}

/** In the memory: what came, what was decrypted, what is to be encrypted, and what is to be sent. */
const CAME = 0;
const READ = 131_072;
const WRITTEN = 196_608;
const TAKEN = 262_144;
export const SERVER_MEMORY_BYTES = 393_216;
const RECORD_BYTES = 16_384;
const FIRST_REQUEST_US = 30_000_000;

export class TlsServer implements Acceptor {
  readonly mode = 'accept';
  readonly connectDelayUs = 100;
  readonly spec: TlsServerSpec;
  readonly room: TlsServerRoom;
  private readonly prng: Prng;
  requests = 0;

  constructor(room: TlsServerRoom, spec: TlsServerSpec) {
    this.room = room;
    this.spec = spec;
    this.prng = new Prng(spec.seed);
  }

  link(): LinkSpec {
    return this.room.link();
  }

  hasRoom(): boolean {
    return true;
  }

  accept(endpoint: Endpoint): void {
    Connection.begin(this, endpoint, new Prng(this.prng.nextU32()));
  }
}

class Connection implements PortOwner {
  private readonly server: TlsServer;
  private readonly prng: Prng;
  private readonly endpoint: Endpoint;
  private readonly port: PeerPort;
  private readonly session: TlsSession;
  private isShaken = false;
  private isOver = false;
  private isStill = false;
  private sentBytes = 0;
  private requests = 0;
  private text = '';

  static begin(server: TlsServer, endpoint: Endpoint, prng: Prng): void {
    new Connection(server, endpoint, prng).port.step();
  }

  private constructor(server: TlsServer, endpoint: Endpoint, prng: Prng) {
    const { contexts, openssl, world } = server.room;
    const { fate } = server.spec;
    this.server = server;
    this.prng = prng;
    this.endpoint = endpoint;
    const context = contexts[fate === 'stranger' || fate === 'unknown' ? fate : 'own'];
    const session = openssl.accept({ context, protocols: [], challenges: null, contextFor: () => context });
    if (session === null) throw new Error('no memory for a session');
    this.session = session;
    this.port = new PeerPort(world, endpoint, prng, FULL_PACE, FULL_PACE, this);
  }

  handleConnected(): void {
    // it is spoken to
  }

  handleFlushed(): void {
    // what there is was written at once
  }

  handleBytes(bytes: Uint8Array, at: number, length: number): void {
    const { session } = this;
    const { memory } = this.server.room;
    if (this.isOver) return;
    memory.set(bytes.subarray(at, at + length), CAME);
    session.feed(CAME, length);
    let result = this.isShaken ? TLS_DONE : session.handshake();
    if (!this.isShaken && result === TLS_DONE) {
      this.isShaken = true;
    }
    if (this.isShaken) result = this.read();
    session.feed(0, 0);
    this.sendTaken();
    if (result === TLS_FAILED || result === TLS_ENDED) this.leave(() => this.port.close());
    else if (this.isShaken) this.answer();
  }

  private read(): number {
    const { memory } = this.server.room;
    for (;;) {
      const count = this.session.read(READ, WRITTEN - READ);
      if (count <= 0) return count;
      this.text += Buffer.from(memory.subarray(READ, READ + count)).toString('latin1');
    }
  }

  private answer(): void {
    const { room, spec } = this.server;
    for (let at = this.text.indexOf('\r\n\r\n'); at >= 0 && !this.isOver; at = this.text.indexOf('\r\n\r\n')) {
      this.text = this.text.slice(at + 4);
      this.server.requests++;
      this.requests++;
      const { page } = room;
      const isCut = spec.fate === 'truncates';
      const length = spec.hasLengths && !isCut ? `Content-Length: ${page.length}\r\n` : 'Connection: close\r\n';
      this.write(`HTTP/1.1 200 OK\r\n${length}\r\n${isCut ? page.slice(0, page.length >> 1) : page}`);
      if (isCut) this.leave(() => this.port.end());
      else if (!spec.hasLengths) this.sayGoodbye();
    }
    if (!this.isOver) this.watchIdle();
  }

  private write(text: string): void {
    const { memory } = this.server.room;
    const bytes = Buffer.from(text, 'latin1');
    for (let at = 0; at < bytes.length && !this.isOver; at += RECORD_BYTES) {
      const record = bytes.subarray(at, at + RECORD_BYTES);
      memory.set(record, WRITTEN);
      if (!this.session.write(WRITTEN, record.length)) return this.leave(() => this.port.close());
      this.sendTaken();
    }
  }

  private watchIdle(): void {
    const { requests } = this;
    // who has just connected is given time
    const idleUs = requests === 0 ? FIRST_REQUEST_US : this.server.spec.idleUs;
    this.server.room.world.schedule(idleUs, () => {
      if (this.isOver || this.isStill || requests !== this.requests) return;
      // a page is on its way
      if (this.port.unsentPieces > 0 || !this.endpoint.isFlushed) this.watchIdle();
      else if (this.prng.oneIn(2)) this.sayGoodbye();
      else this.leave(() => this.port.close());
    });
  }

  private sayGoodbye(): void {
    if (this.isOver) return;
    this.session.end();
    this.sendTaken();
    if (this.isStill) return;
    this.leave(() => this.port.end());
    this.server.room.world.schedule(1_000_000, () => this.port.close());
  }

  private sendTaken(): void {
    const { memory } = this.server.room;
    this.session.hasSpoken = false;
    for (;;) {
      if (this.isOver) return;
      const count = this.session.take(TAKEN, SERVER_MEMORY_BYTES - TAKEN);
      if (count === 0) return;
      const bytes = Buffer.from(memory.subarray(TAKEN, TAKEN + count));
      for (let at = 0; at < bytes.length && !this.isOver;) {
        const end = Math.min(bytes.length, at + 1 + this.prng.below(this.server.spec.sliceBytes));
        this.send(bytes.subarray(at, end));
        at = end;
      }
    }
  }

  /** A part of what is sent, as its fate has it. */
  private send(bytes: Buffer): void {
    const { atBytes, fate } = this.server.spec;
    const at = atBytes - this.sentBytes;
    const isHere = at >= 0 && at < bytes.length;
    this.sentBytes += bytes.length;
    if (this.isStill) return;
    if (isHere && fate === 'breaks') bytes[at] ^= 1 << this.prng.below(8);
    if (isHere && fate === 'leaves') return this.leave(() => this.port.reset());
    if (isHere && fate === 'vanishes') return this.leave(() => this.endpoint.lose());
    this.isStill = isHere && fate === 'stalls';
    this.port.write(this.isStill ? bytes.subarray(0, at) : bytes);
  }

  handleEnd(): void {
    this.leave(() => this.port.close());
  }

  handleBroken(): void {
    this.leave(() => this.port.close());
  }

  private leave(how: () => void): void {
    if (this.isOver) return;
    this.isOver = true;
    this.session.dropOutput();
    this.session.free();
    how();
  }
}
