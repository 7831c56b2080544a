/**
 * A session with a client that is OpenSSL too, in memory: what the client says comes in pieces of any size, and in some rounds something is wrong
 * with it. What the session gives must be what the client has said, as far as it goes; it must never throw, and never go on for ever.
 */
import assert from 'node:assert/strict';
import koffi from 'koffi';
import type { Prng } from '../../base/prng.ts';
import { readPair } from '../../load/tls/pair.ts';
import { CertificateMaker } from '../../load/tls/testing/certificate-maker.ts';
import { ASKS_NOTHING, TLS_DONE, TLS_WANTS_MORE, type TlsAcceptor, type TlsSession } from '../../port/tls.ts';
import { Openssl } from './openssl.ts';

const MEMORY_BYTES = 1 << 20;
/** Where what comes is, what was read, and what is sent. */
const FED_AT = 0;
const READ_AT = 1 << 18;
const SENT_AT = 1 << 19;
const ROOM = 1 << 18;
const RECORD_BYTES = 16_384;
const MESSAGE_BYTES_MAX = 40_000;
/** A round that goes on for longer goes on for ever. */
const STEPS_MAX = 20_000;
const KINDS = ['flip', 'drop', 'twice', 'insert', 'cut'] as const;

interface Site {
  readonly memory: Uint8Array;
  readonly tls: Openssl;
  readonly acceptors: readonly TlsAcceptor[];
  readonly clients: number;
}

let site: Site | null = null;

function siteOf(): Site {
  if (site !== null) return site;
  const memory = new Uint8Array(MEMORY_BYTES);
  const tls = Openssl.open(memory);
  const maker = new CertificateMaker();
  const { pair } = readPair(
    { ...maker.make('a', { names: ['a.test'] }), passphraseFile: null, ocsp: null },
    Date.now(),
  );
  maker.remove();
  assert.ok(pair !== null);
  const acceptors = (['1.2', '1.3'] as const).map((version) => {
    const settings = { versions: [version], ciphers: '', suites: '', groups: '', prefersOwnOrder: false };
    const clients = { ...ASKS_NOTHING, choosesEarly: version === '1.3' };
    const context = tls.createContext(settings, [pair.credential], clients);
    return { context, protocols: [], challenges: null, contextFor: () => context };
  });
  site = { memory, tls, acceptors, clients: native.SSL_CTX_new(native.TLS_client_method()) };
  return site;
}

const library = koffi.load(null);
type Native = (...operands: (number | Uint8Array | null)[]) => number;
const native = {
  TLS_client_method: library.func('uintptr_t TLS_client_method()') as Native,
  SSL_CTX_new: library.func('uintptr_t SSL_CTX_new(uintptr_t method)') as Native,
  SSL_new: library.func('uintptr_t SSL_new(uintptr_t context)') as Native,
  SSL_free: library.func('void SSL_free(uintptr_t ssl)') as Native,
  SSL_set_connect_state: library.func('void SSL_set_connect_state(uintptr_t ssl)') as Native,
  SSL_set_bio: library.func('void SSL_set_bio(uintptr_t ssl, uintptr_t input, uintptr_t output)') as Native,
  SSL_do_handshake: library.func('int SSL_do_handshake(uintptr_t ssl)') as Native,
  SSL_read: library.func('int SSL_read(uintptr_t ssl, void *into, int room)') as Native,
  SSL_write: library.func('int SSL_write(uintptr_t ssl, void *bytes, int length)') as Native,
  SSL_key_update: library.func('int SSL_key_update(uintptr_t ssl, int type)') as Native,
  BIO_new: library.func('uintptr_t BIO_new(uintptr_t method)') as Native,
  BIO_s_mem: library.func('uintptr_t BIO_s_mem()') as Native,
  BIO_read: library.func('int BIO_read(uintptr_t bio, void *into, int room)') as Native,
  BIO_write: library.func('int BIO_write(uintptr_t bio, void *bytes, int length)') as Native,
  ERR_clear_error: library.func('void ERR_clear_error()') as Native,
};

const part = new Uint8Array(MESSAGE_BYTES_MAX);
const TEXT = Buffer.from(Array.from({ length: 2 * MESSAGE_BYTES_MAX }, (_, i) => String(i)).join(' '));

/** Another part of one text. */
function textOf(prng: Prng, length: number): Buffer {
  const from = prng.below(TEXT.length - length);
  return TEXT.subarray(from, from + length);
}

class Client {
  readonly said: Buffer[] = [];
  readonly heard: Buffer[] = [];
  private readonly ssl: number;
  private readonly input = native.BIO_new(native.BIO_s_mem());
  private readonly output = native.BIO_new(native.BIO_s_mem());
  private isDone = false;

  constructor(context: number) {
    this.ssl = native.SSL_new(context);
    native.SSL_set_bio(this.ssl, this.input, this.output);
    native.SSL_set_connect_state(this.ssl);
  }

  /** Goes on with what it has got; once it has keys it says something, now and then. */
  step(prng: Prng): void {
    if (!this.isDone) this.isDone = native.SSL_do_handshake(this.ssl) === 1;
    if (this.isDone) {
      this.hear();
      if (prng.oneIn(8)) native.SSL_key_update(this.ssl, prng.below(2));
      if (prng.oneIn(2)) this.say(prng);
    }
    native.ERR_clear_error();
  }

  hear(): void {
    if (!this.isDone) return;
    for (let count; (count = native.SSL_read(this.ssl, part, part.length)) > 0;)
      this.heard.push(Buffer.from(part.subarray(0, count)));
    native.ERR_clear_error();
  }

  private say(prng: Prng): void {
    const length = 1 + prng.below(prng.oneIn(4) ? MESSAGE_BYTES_MAX : 100);
    const bytes = textOf(prng, length);
    if (native.SSL_write(this.ssl, bytes, length) === length) this.said.push(bytes);
  }

  take(): Buffer {
    const all: Buffer[] = [];
    for (let count; (count = native.BIO_read(this.output, part, part.length)) > 0;)
      all.push(Buffer.from(part.subarray(0, count)));
    return Buffer.concat(all);
  }

  give(bytes: Uint8Array): void {
    if (bytes.length > 0) native.BIO_write(this.input, bytes, bytes.length);
  }

  free(): void {
    native.SSL_free(this.ssl);
    native.ERR_clear_error();
  }
}

/** What a proxy does with a session. */
class Server {
  readonly heard: Buffer[] = [];
  readonly said: Buffer[] = [];
  isOver = false;
  private isDone = false;
  private readonly memory: Uint8Array;
  private readonly session: TlsSession;

  constructor(memory: Uint8Array, session: TlsSession) {
    this.memory = memory;
    this.session = session;
  }

  /** What it says to these bytes. */
  hear(bytes: Uint8Array, prng: Prng): Uint8Array {
    const { memory, session } = this;
    const at = FED_AT + prng.below(64);
    memory.set(bytes, at);
    session.feed(at, bytes.length);
    if (!this.isDone) this.shake();
    for (let result = this.isDone ? 1 : 0; result > 0;) {
      result = session.read(READ_AT, RECORD_BYTES);
      if (result > 0) this.heard.push(Buffer.from(memory.subarray(READ_AT, READ_AT + result)));
      else if (result !== TLS_WANTS_MORE) this.isOver = true;
    }
    assert.ok(this.isOver || session.unreadBytes === 0, 'it leaves what came');
    session.feed(0, 0);
    if (this.isDone && !this.isOver && prng.oneIn(3)) this.say(prng);
    const count = session.take(SENT_AT, ROOM);
    assert.ok(count < ROOM);
    return memory.slice(SENT_AT, SENT_AT + count);
  }

  private shake(): void {
    const result = this.session.handshake();
    this.isDone = result === TLS_DONE;
    this.isOver = result !== TLS_DONE && result !== TLS_WANTS_MORE;
  }

  private say(prng: Prng): void {
    const length = 1 + prng.below(prng.oneIn(4) ? RECORD_BYTES : 100);
    const bytes = textOf(prng, length);
    this.memory.set(bytes, READ_AT);
    if (this.session.write(READ_AT, length)) this.said.push(bytes);
    else this.isOver = true;
  }
}

function spoil(prng: Prng, bytes: Buffer): Buffer {
  const at = prng.below(bytes.length);
  const kind = KINDS[prng.below(KINDS.length)];
  if (kind === 'flip') bytes[at] ^= 1 << prng.below(8);
  else if (kind === 'drop') return Buffer.from([...bytes.subarray(0, at), ...bytes.subarray(at + 1 + prng.below(9))]);
  else if (kind === 'twice') return Buffer.from([...bytes, ...bytes]);
  else if (kind === 'cut') return bytes.subarray(0, at);
  else if (kind === 'insert') {
    const record = [20 + prng.below(5), 3, prng.below(5), 0, 2, prng.below(256), prng.below(256)];
    return Buffer.from([...bytes.subarray(0, at), ...record, ...bytes.subarray(at)]);
  }
  return bytes;
}

export function fuzzTlsSession(prng: Prng): void {
  const { acceptors, clients, memory, tls } = siteOf();
  const session = tls.accept(acceptors[prng.below(acceptors.length)]);
  assert.ok(session !== null);
  const server = new Server(memory, session);
  const client = new Client(clients);
  /** In how many pieces from now something is wrong; never in half of the rounds. */
  let untilSpoiled = prng.oneIn(2) ? Number.POSITIVE_INFINITY : 1 + prng.below(20);
  const isRight = untilSpoiled === Number.POSITIVE_INFINITY;
  let steps = 0;
  for (let turns = 4 + prng.below(12); turns > 0 && !server.isOver; turns--) {
    client.step(prng);
    const bytes = client.take();
    for (let at = 0; at < bytes.length && !server.isOver;) {
      assert.ok(++steps < STEPS_MAX, 'it goes on for ever');
      const size = 1 + prng.below(prng.oneIn(3) ? 20 : RECORD_BYTES);
      let piece = bytes.subarray(at, at + size);
      at += size;
      if (--untilSpoiled === 0) piece = spoil(prng, piece);
      client.give(server.hear(piece, prng));
    }
  }
  client.hear();
  assert.ok(!isRight || !server.isOver, session.failure);
  const heard = Buffer.concat(server.heard);
  const said = Buffer.concat(client.said);
  assert.ok(heard.equals(isRight ? said : said.subarray(0, heard.length)), 'what it gives is not what was said');
  if (isRight) assert.ok(Buffer.concat(client.heard).equals(Buffer.concat(server.said)), 'what it says is not heard');
  if (!server.isOver && prng.oneIn(2)) session.end();
  session.dropOutput();
  session.free();
  client.free();
  assert.equal(session.unreadBytes, 0);
}
