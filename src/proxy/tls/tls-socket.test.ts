/** TLS over sockets of the test's, with node:tls as the client, in memory. */
import assert from 'node:assert/strict';
import { constants } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Duplex } from 'node:stream';
import { mock, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import { Arena } from '../../base/arena.ts';
import { Prng } from '../../base/prng.ts';
import { HANDSHAKE_PIECES, LONG_HANDSHAKE_PIECES } from '../../base/limits.ts';
import { TlsSessionTable } from '../../base/tls-session-table.ts';
import { Timers } from '../../base/timers.ts';
import type { TlsPlan } from '../../config/plan/tls.ts';
import { Openssl } from '../../io/openssl/openssl.ts';
import { readPair } from '../../load/tls/pair.ts';
import { CertificateMaker } from '../../load/tls/testing/certificate-maker.ts';
import { type Authorities, type Credential, type Secrets, type SessionStore, TlsRefusal } from '../../port/tls.ts';
import type { CloseReason, Socket, SocketHandler, Transport } from '../../port/transport.ts';
import { RequestHead } from '../../wire/http1/head.ts';
import type { Expiring } from '../expiring.ts';
import type { ConnectionInfo } from '../layer.ts';
import { HandshakeGate } from './handshake-gate.ts';
import { Later } from '../later.ts';
import { TlsLayers } from './tls-layers.ts';
import type { ListenerPlan } from '../../config/plan/listener.ts';

const maker = new CertificateMaker();
const ONE = credential('one', ['one.test', '*.one.test']);
const TWO = credential('two', ['two.test']);
const RSA = credential('rsa', ['one.test'], 'rsa');
const root = maker.make('root', { names: [], isAuthority: true, until: 100 });
const door = maker.make('door', { names: [], issuer: 'root', until: 10 });
const DOOR = { cert: readFileSync(door.certificate), key: readFileSync(door.key) };
const BY_ROOT = authorities('by-root', []);
/** Its list ends before the certificate. */
const BY_LIST = authorities('by-list', [maker.revoke('list', 'root', [], 5)]);
maker.remove();

function authorities(id: string, lists: readonly string[]): Authorities {
  const [certificate, ...revocations] = [root.certificate, ...lists].map((file) => derOf(readFileSync(file, 'latin1')));
  return { id, certificates: [certificate], announced: 1, revocations };
}

function derOf(pem: string): Uint8Array {
  return Uint8Array.from(Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64'));
}

function credential(name: string, names: readonly string[], key: 'ec' | 'rsa' = 'ec'): Credential {
  const { pair } = readPair({ ...maker.make(name, { names, key }), passphraseFile: null, ocsp: null }, Date.now());
  assert.ok(pair !== null);
  return pair.credential;
}

const PLAN: TlsPlan = {
  entries: [
    { names: ['one.test', '*.one.test'], credentials: [ONE.id, RSA.id], clients: null },
    { names: ['two.test'], credentials: [TWO.id], clients: null },
  ],
  unknownName: 'default',
  tickets: '',
  keepsSessions: false,
  sessionSeconds: 7200,
  versions: ['1.2', '1.3'],
  ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256',
  suites: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384',
  groups: 'X25519MLKEM768:X25519:P-256',
  prefersOwnOrder: false,
  protocols: ['http/1.1'],
  handshakeMs: 1000,
  handshakes: { perSecond: 0, perSource: 0 },
  plainHttp: 'refuse',
};

/** The socket below, as the port shows it: what it is sent leaves when the test lets it. */
class FakeSocket {
  handler!: SocketHandler;
  isPaused = false;
  hasEnded = false;
  isClosed = false;
  isReset = false;
  acknowledgedBytes = 0;
  unacknowledgedBytes = 0;
  isStanding = true;
  keepsScarce = false;
  readonly queue: { slot: number; offset: number; length: number }[] = [];
  private readonly arena: Arena;

  constructor(arena: Arena) {
    this.arena = arena;
  }

  get pendingSegments(): number {
    return this.queue.length;
  }

  send(slot: number, offset: number, length: number): void {
    assert.ok(length > 0 && this.queue.length < 4 && !this.hasEnded && !this.isClosed, 'send out of turn');
    assert.ok(offset >= this.arena.start(slot) && offset + length <= this.arena.end(slot));
    this.queue.push({ slot, offset, length });
  }

  /** Of one segment, what the peer gets. */
  leave(): Buffer | null {
    const segment = this.queue.shift();
    if (segment === undefined) return null;
    const { slot, offset, length } = segment;
    const bytes = Buffer.from(this.arena.memory.subarray(offset, offset + length));
    this.arena.release(slot);
    if (this.queue.length === 0 && !this.isClosed) this.handler.handleDrain(this as unknown as Socket);
    return bytes;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  end(): void {
    this.hasEnded = true;
  }

  close(): void {
    this.isClosed = true;
    for (const { slot } of this.queue.splice(0)) this.arena.release(slot);
  }

  reset(): void {
    this.isReset = true;
    this.close();
  }

  localAddress(): number {
    return 8443;
  }

  remoteAddress(into: Uint8Array, at: number): number {
    into.fill(0, at, at + 16);
    into.set([0xff, 0xff, 192, 0, 2, 1], at + 10);
    return 50_000;
  }
}

/** A node:tls client whose bytes are passed on in pieces that the test chooses. */
class Wire extends Duplex {
  readonly outgoing: Buffer[] = [];

  override _read(): void {
    // pushed
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.outgoing.push(chunk);
    done();
  }

  override _final(done: () => void): void {
    done();
  }
}

class Stage {
  readonly arena = new Arena(new Uint8Array(Arena.bytesFor(16, 64)), 16, 64);
  readonly timers = new Timers(0);
  readonly failures: string[] = [];
  readonly done: boolean[] = [];
  turnsWanted = 0;
  private readonly clock = { now: 0, requestTurn: () => this.turnsWanted++ };
  readonly later: Later;
  refused = 0;
  readonly layers: TlsLayers;
  info: ConnectionInfo | null = null;
  socket: Socket | null = null;
  failed: CloseReason | null = null;
  readonly received: Buffer[] = [];
  ends = 0;
  drains = 0;
  closed: CloseReason | null = null;
  onData: (socket: Socket, bytes: Buffer) => void = () => undefined;

  constructor(store: SessionStore | null = null) {
    const transport = this.clock as unknown as Transport;
    this.later = new Later(transport);
    this.layers = new TlsLayers({
      room: {
        transport,
        arena: this.arena,
        timers: this.timers,
        later: this.later,
        gate: new HandshakeGate(this.arena, this.later),
      },
      open: () => Openssl.open(this.arena.memory, () => store),
      head: new RequestHead(100),
      onDone: (_, isResumed) => this.done.push(isResumed),
      onFailure: (_, failure) => this.failures.push(failure),
      onDistrust: (_, cause) => this.failures.push(cause),
      onRefused: () => void this.refused++,
    });
  }

  apply(plan: TlsPlan, secrets: Secrets = SECRETS, protocol: 'http' | 'tcp' = 'http') {
    const steps = this.layers.prepare(plan, secrets);
    let step = steps.next();
    while (step.done !== true) step = steps.next();
    this.layers.begin(secrets);
    const layer = this.layers.layerOf({ name: 'web', protocol, tls: plan } as unknown as ListenerPlan, step.value)!;
    this.layers.end();
    return layer;
  }

  turn(): void {
    this.turnsWanted = 0;
    this.later.handleTurn();
  }

  pass(ms: number): void {
    this.clock.now += ms;
    this.timers.advance(this.clock.now, { handleExpiry: (timed, now) => (timed as Expiring).handleExpiry(now) });
  }

  readonly above = {
    handleOpen: (socket: Socket, info: ConnectionInfo): void => {
      this.socket = socket;
      this.info = info;
      socket.handler = this.handler;
    },
    handleOpenFailed: (reason: CloseReason): void => {
      this.failed = reason;
    },
  };

  readonly handler: SocketHandler = {
    handleConnect: () => undefined,
    handleData: (socket, slot, offset, length) => {
      const bytes = Buffer.from(this.arena.memory.subarray(offset, offset + length));
      if (this.arena.isLarge(slot)) assert.ok(offset >= this.arena.receiveStart(slot));
      this.arena.release(slot);
      this.received.push(bytes);
      this.onData(socket, bytes);
    },
    handleEnd: () => void this.ends++,
    handleDrain: () => void this.drains++,
    handleClose: (_, reason) => {
      this.closed = reason;
    },
  };

  get text(): string {
    return Buffer.concat(this.received).toString();
  }

  /** Sends a copy of these bytes, as a driver does. */
  send(text: Buffer | string, more = false, wanted = 0): void {
    const bytes = Buffer.from(text);
    const slot = bytes.length + wanted > 2048 ? this.arena.allocateLarge() : this.arena.allocate(bytes.length);
    assert.ok(slot >= 0);
    const start = this.arena.start(slot) + wanted;
    this.arena.memory.set(bytes, start);
    this.socket!.send(slot, start, bytes.length, more);
  }
}

const KEY = new Uint8Array(80).fill(5);
const SECRETS: Secrets = { credentials: [ONE, TWO, RSA], authorities: [], ticketKeys: [{ id: '', keys: [KEY] }] };

class Client {
  readonly below: FakeSocket;
  readonly wire = new Wire();
  readonly tls: tls.TLSSocket;
  readonly got: Buffer[] = [];
  error: NodeJS.ErrnoException | null = null;
  ended = false;
  session: Buffer | null = null;
  readonly opening: { cancel(): void };
  readonly stage: Stage;
  /** Sizes of the pieces that arrive; the last one is used on. */
  sizes: number[] = [20_000];

  constructor(stage: Stage, layer: ReturnType<Stage['apply']>, options: tls.ConnectionOptions = {}) {
    this.stage = stage;
    this.below = new FakeSocket(stage.arena);
    this.opening = layer.open(this.below as unknown as Socket, stage.above);
    this.tls = tls.connect({
      socket: this.wire,
      servername: 'one.test',
      rejectUnauthorized: false,
      ALPNProtocols: ['h2', 'http/1.1'],
      ...options,
    });
    this.tls.on('data', (data: Buffer) => this.got.push(data));
    this.tls.on('error', (error) => (this.error = error));
    this.tls.on('end', () => (this.ended = true));
    this.tls.on('session', (session: Buffer) => (this.session = session));
  }

  /** Hands on what is there in both directions until nothing moves. */
  async run(): Promise<void> {
    for (let quiet = 0; quiet < 4;) {
      await new Promise((resolve) => setImmediate(resolve));
      const moved = this.deliver() || this.collect();
      this.stage.turn();
      quiet = moved ? 0 : quiet + 1;
    }
  }

  collect(): boolean {
    let moved = false;
    for (let bytes = this.below.leave(); bytes !== null; bytes = this.below.leave()) {
      this.wire.push(bytes);
      moved = true;
    }
    return moved;
  }

  deliver(): boolean {
    const { below, stage, wire } = this;
    if (below.isPaused || below.isClosed || wire.outgoing.length === 0) return false;
    const first = Buffer.concat(wire.outgoing.splice(0));
    const size = Math.min(first.length, this.sizes[0]);
    if (this.sizes.length > 1) this.sizes.shift();
    const slot = stage.arena.allocateLarge();
    if (size < first.length) wire.outgoing.push(first.subarray(size));
    assert.ok(slot >= 0);
    stage.arena.memory.set(first.subarray(0, size), stage.arena.receiveStart(slot));
    below.handler.handleData(below as unknown as Socket, slot, stage.arena.receiveStart(slot), size);
    return true;
  }

  /** In the client's place, below its records: these bytes, so often that they are `bytes` long at least. */
  say(piece: Buffer, bytes = 0): void {
    const { below, stage } = this;
    if (below.isClosed) return;
    const all = Buffer.alloc(Math.max(piece.length, bytes), piece);
    const slot = stage.arena.allocateLarge();
    const start = stage.arena.receiveStart(slot);
    stage.arena.memory.set(all, start);
    below.handler.handleData(below as unknown as Socket, slot, start, all.length);
  }

  get text(): string {
    return Buffer.concat(this.got).toString();
  }

  over(): void {
    this.tls.destroy();
    if (!this.below.isClosed) {
      this.below.isClosed = true;
      for (const { slot } of this.below.queue.splice(0)) this.stage.arena.release(slot);
      this.below.handler.handleClose(this.below as unknown as Socket, 'reset');
    }
    this.stage.turn();
    assert.equal(this.stage.arena.usedSlots, 0);
  }
}

test('a plan whose contexts OpenSSL refuses leaves those before as they are, and keeps none of its own', async () => {
  const stage = new Stage();
  const layer = stage.apply(PLAN);
  const refused = { ...PLAN, entries: [...PLAN.entries, { names: [], credentials: ['broken'], clients: null }] };
  const secrets = { ...SECRETS, credentials: [...SECRETS.credentials, { ...ONE, id: 'broken', key: RSA.key }] };
  assert.throws(() => stage.apply(refused, secrets), TlsRefusal);
  const client = new Client(stage, layer);
  await client.run();
  assert.equal(client.error, null);
  client.over();
});

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`${version}: a handshake, and data both ways`, async () => {
    const stage = new Stage();
    const client = new Client(stage, stage.apply(PLAN), { minVersion: version, maxVersion: version });
    client.tls.write('hello');
    await client.run();
    assert.equal(client.error, null);
    assert.equal(stage.text, 'hello');
    assert.equal(stage.info?.protocol, 'http/1.1');
    assert.equal(stage.info?.tls?.version, version);
    assert.match(stage.info?.tls?.cipher ?? '', /AES/);
    assert.equal(stage.info?.tls?.serverName, 'one.test');
    stage.send('world');
    await client.run();
    assert.equal(client.text, 'world');
    client.over();
  });

  test(`${version}: a session goes on in another proxy that knows the key of its ticket, and in no other`, async () => {
    const options = { minVersion: version, maxVersion: version };
    const first = new Stage();
    const client = new Client(first, first.apply(PLAN), options);
    await client.run();
    first.send('x');
    await client.run();
    assert.ok(client.session !== null);
    client.over();
    const other = new Uint8Array(80).fill(6);
    const short = new Uint8Array(48).fill(7);
    for (const [keys, isResumed] of [
      [[KEY], true],
      [[other, short, KEY], true],
      [[other, short], false],
      [[], false],
    ] as const) {
      const second = new Stage();
      const secrets = { ...SECRETS, ticketKeys: [{ id: '', keys }] };
      const again = new Client(second, second.apply(PLAN, secrets), { ...options, session: client.session });
      await again.run();
      assert.equal(again.error, null);
      assert.equal(again.tls.isSessionReused(), isResumed);
      again.over();
    }
  });
}

function secretsOf(...keys: readonly Uint8Array[]): Secrets {
  return { ...SECRETS, ticketKeys: [{ id: '', keys }] };
}

/** What a client of TLS 1.2 or 1.3 goes on from, and may go on with a key share that no server takes. */
async function sessionOf(options: tls.ConnectionOptions): Promise<Buffer> {
  const stage = new Stage();
  const client = new Client(stage, stage.apply(PLAN), options);
  await client.run();
  stage.send('x');
  await client.run();
  client.over();
  assert.ok(client.session !== null);
  return client.session;
}

const LIMITED: TlsPlan = { ...PLAN, handshakes: { perSecond: 0, perSource: 2 } };

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  const options = { minVersion: version, maxVersion: version };

  test(`${version}: who only says that it resumes is charged when it is answered, if it never speaks again too`, async () => {
    const session = await sessionOf(options);
    const stage = new Stage();
    const layer = stage.apply(LIMITED, secretsOf(new Uint8Array(80).fill(6)));
    for (let i = 0; i < 5; i++) {
      const client = new Client(stage, layer, { ...options, session });
      while (!client.deliver()) await new Promise((resolve) => setImmediate(resolve));
      client.over();
    }
    assert.equal(stage.refused, 2);
  });

  test(`${version}: who resumes is not charged, also where its first key share is refused`, async () => {
    const asked = { ...options, ecdhCurve: 'P-521:P-256' };
    const session = await sessionOf(asked);
    const stage = new Stage();
    const layer = stage.apply(LIMITED);
    for (let i = 0; i < 8; i++) {
      const client = new Client(stage, layer, { ...asked, session });
      await client.run();
      assert.ok(client.tls.isSessionReused());
      client.over();
    }
    assert.equal(stage.refused, 0);
  });
}

test('a hello that comes in pieces is judged whole', async () => {
  const session = await sessionOf({});
  const stage = new Stage();
  const layer = stage.apply({ ...PLAN, handshakes: { perSecond: 0, perSource: 1 } });
  const first = new Client(stage, layer);
  await first.run();
  first.over();
  for (const sizes of [[200, 20_000], [1, 4, 1, 300, 20_000], Array.from({ length: 1500 }, () => 1)]) {
    const client = new Client(stage, layer, { session });
    client.sizes = [...sizes, 20_000];
    await client.run();
    assert.equal(stage.refused, 0);
    assert.ok(client.tls.isSessionReused());
    client.over();
  }
});

test('before the hello is whole OpenSSL keeps nothing for it, and a little memory holds it', async () => {
  const stage = new Stage();
  const layer = stage.apply(PLAN);
  const [stays, leaves, late] = [new Client(stage, layer), new Client(stage, layer), new Client(stage, layer)];
  for (const client of [stays, leaves, late]) {
    client.sizes = [1, 60, 20_000];
    for (let i = 0; i < 2;) {
      await new Promise((resolve) => setImmediate(resolve));
      if (client.deliver()) i++;
    }
  }
  stage.arena.judge(0);
  assert.deepEqual([stage.arena.foreign.used, stage.arena.large.used, stage.arena.small.used], [0, 0, 3]);
  leaves.below.handler.handleEnd(leaves.below as unknown as Socket);
  assert.deepEqual(stage.failures, ['the client has left']);
  late.opening.cancel();
  assert.deepEqual(stage.failures, ['the client has left', 'not done in time']);
  await stays.run();
  assert.equal(stays.error, null);
  for (const client of [late, leaves, stays]) client.tls.destroy();
  stays.over();
});

test('a hello longer than those that are read is for OpenSSL to take', async () => {
  const stage = new Stage();
  const ALPNProtocols = [...Array.from({ length: 80 }, (_, i) => `${i}`.padStart(250, 'x')), 'http/1.1'];
  const client = new Client(stage, stage.apply(PLAN), { ALPNProtocols });
  client.sizes = [1, 1000];
  await client.run();
  assert.equal(client.error, null);
  assert.equal(client.tls.alpnProtocol, 'http/1.1');
  client.over();
});

test('keys of 48 bytes, and those that a context had before', async () => {
  const stage = new Stage();
  const short = new Uint8Array(48).fill(7);
  const isResumed = async (session: Buffer, ...keys: readonly Uint8Array[]): Promise<boolean> => {
    const client = new Client(stage, stage.apply(PLAN, secretsOf(...keys)), { session });
    await client.run();
    const isReused = client.tls.isSessionReused();
    client.over();
    return isReused;
  };
  const first = new Client(stage, stage.apply(PLAN, secretsOf(short)));
  await first.run();
  stage.send('x');
  await first.run();
  first.over();
  assert.ok(first.session !== null);
  assert.ok(await isResumed(first.session, short));
  assert.ok(await isResumed(first.session, KEY, short), 'the former one decrypts');
  assert.ok(!(await isResumed(first.session, KEY)), 'it is gone');
  const none = new Client(stage, stage.apply({ ...PLAN, tickets: null }, secretsOf(KEY)));
  await none.run();
  stage.send('x');
  await none.run();
  assert.equal(none.session, null, 'without tickets nothing is promised');
  none.over();
});

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`${version}: without tickets a session goes on in every proxy that shares the table`, async () => {
    const memory = new ArrayBuffer(TlsSessionTable.bytes);
    const options = { minVersion: version, maxVersion: version };
    const plan = { ...PLAN, tickets: null, keepsSessions: true };
    const visit = async (stage: Stage, asked: tls.ConnectionOptions = {}, own = plan): Promise<Client> => {
      const client = new Client(stage, stage.apply(own), { ...options, ...asked });
      await client.run();
      stage.send('x');
      await client.run();
      assert.equal(client.error, null);
      return client;
    };
    const first = await visit(new Stage(new TlsSessionTable(memory)));
    const { session } = first;
    assert.ok(session !== null);
    first.over();
    for (const [table, isResumed, own] of [
      [new TlsSessionTable(memory), true, plan],
      [new TlsSessionTable(memory), true, plan],
      [new TlsSessionTable(new ArrayBuffer(TlsSessionTable.bytes)), false, plan],
      [null, false, plan],
      [new TlsSessionTable(memory), false, { ...plan, keepsSessions: false }],
    ] as const) {
      const client = await visit(new Stage(table), { session }, own);
      assert.equal(client.tls.isSessionReused(), isResumed);
      client.over();
    }
    new Uint8Array(memory).fill(0xff);
    const again = await visit(new Stage(new TlsSessionTable(memory)), { session });
    assert.ok(!again.tls.isSessionReused(), 'nonsense is no session');
    again.over();
  });
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  for (const keepsSessions of [false, true]) {
    const by = keepsSessions ? 'table' : 'ticket';
    test(`${version}, ${by}: a session ends with the client's certificate, and with the list of those that are revoked`, async (t) => {
      t.after(() => mock.restoreAll());
      const table = new TlsSessionTable(new ArrayBuffer(TlsSessionTable.bytes));
      const realNow = Date.now;
      for (const [judges, endsInDays, as] of [
        [BY_ROOT, 10, DOOR],
        [BY_LIST, 5, DOOR],
        [BY_ROOT, Infinity, {}],
      ] as const) {
        const clients = { mode: 'optional', authorities: judges.id, depth: 1 } as const;
        const entries = PLAN.entries.map((entry) => ({ ...entry, clients }));
        const plan = { ...PLAN, entries, tickets: keepsSessions ? null : '', keepsSessions };
        const visit = async (inDays: number, session?: Buffer): Promise<[boolean, Buffer | null]> => {
          mock.method(Date, 'now', () => realNow() + inDays * 86_400_000);
          const stage = new Stage(table);
          const layer = stage.apply(plan, { ...SECRETS, authorities: [judges] });
          const own = session === undefined ? as : { ...as, session };
          const client = new Client(stage, layer, { minVersion: version, maxVersion: version, ...own });
          await client.run();
          stage.send('x');
          await client.run();
          const isReused = client.tls.isSessionReused();
          client.over();
          mock.restoreAll();
          assert.deepEqual([client.error, stage.failures], [null, []]);
          return [isReused, client.session];
        };
        const [, session] = await visit(0);
        assert.ok(session !== null);
        for (const days of [1, 4, 6, 9, 11]) {
          const [isReused] = await visit(days, session);
          assert.equal(isReused, days < endsInDays, `${judges.id}, in ${days} days`);
        }
      }
    });
  }
}

test('a session is resumed for as long as it may, by ticket and by table', async () => {
  const table = new TlsSessionTable(new ArrayBuffer(TlsSessionTable.bytes));
  const visit = async (plan: TlsPlan, session?: Buffer): Promise<Client> => {
    const stage = new Stage(table);
    const client = new Client(stage, stage.apply(plan), session === undefined ? {} : { session });
    await client.run();
    stage.send('x');
    await client.run();
    assert.equal(client.error, null);
    return client;
  };
  const begun = [];
  for (const tickets of ['', null]) {
    for (const sessionSeconds of [1, 7200]) {
      const plan = { ...PLAN, tickets, keepsSessions: tickets === null, sessionSeconds };
      const client = await visit(plan);
      client.over();
      assert.ok(client.session !== null);
      begun.push({ plan, session: client.session });
    }
  }
  // OpenSSL goes by its own clock, in whole seconds
  await sleep(2100);
  for (const { plan, session } of begun) {
    const client = await visit(plan, session);
    assert.equal(client.tls.isSessionReused(), plan.sessionSeconds > 1, JSON.stringify(plan.tickets));
    client.over();
  }
});

test('a handshake that may have long messages counts for as much', async () => {
  for (const [clients, pieces] of [
    [null, HANDSHAKE_PIECES],
    [{ mode: 'optional', authorities: BY_ROOT.id, depth: 1 } as const, LONG_HANDSHAKE_PIECES],
  ] as const) {
    const stage = new Stage();
    const plan = { ...PLAN, entries: PLAN.entries.map((entry) => ({ ...entry, clients })) };
    const client = new Client(stage, stage.apply(plan, { ...SECRETS, authorities: [BY_ROOT] }));
    while (!client.deliver()) await new Promise((resolve) => setImmediate(resolve));
    stage.arena.judge(0);
    assert.equal(stage.arena.foreign.used, pieces);
    await client.run();
    assert.equal(client.error, null);
    stage.arena.judge(0);
    assert.equal(stage.arena.foreign.used, 0);
    client.over();
  }
});

test('however a handshake ends, in the middle of a record too, what was counted for it is counted no more, once', async () => {
  const ends: Record<string, (client: Client) => void> = {
    time: ({ opening }) => opening.cancel(),
    end: ({ below }) => below.handler.handleEnd(below as unknown as Socket),
    reset: ({ below }) => below.handler.handleClose(below as unknown as Socket, 'reset'),
    alert: (client) => client.say(Buffer.alloc(16_400, 7)),
    flood: (client) => {
      for (let i = 0; i < 20; i++) client.say(Buffer.from([20, 3, 3, 0, 1, 1]), 16_000);
    },
  };
  for (const clients of [null, { mode: 'optional', authorities: BY_ROOT.id, depth: 1 } as const]) {
    for (const [name, end] of Object.entries(ends)) {
      for (const part of [null, Buffer.from([23, 3, 3, 64, 0, 0])]) {
        const stage = new Stage();
        const { foreign } = stage.arena;
        const plan = { ...PLAN, entries: PLAN.entries.map((entry) => ({ ...entry, clients })) };
        const client = new Client(stage, stage.apply(plan, { ...SECRETS, authorities: [BY_ROOT] }));
        while (!client.deliver()) await new Promise((resolve) => setImmediate(resolve));
        if (part !== null) client.say(part);
        const pieces = clients === null ? HANDSHAKE_PIECES : LONG_HANDSHAKE_PIECES;
        assert.equal(foreign.count - foreign.freeCount, pieces, name);
        end(client);
        assert.equal(foreign.freeCount, foreign.count, name);
        // what waits for a client that was told hears of its end as well
        if (!client.below.isClosed) client.opening.cancel();
        assert.equal(foreign.freeCount, foreign.count, name);
      }
    }
  }
});

test('with tickets nothing is kept but for clients that take none', async () => {
  const memory = new ArrayBuffer(TlsSessionTable.bytes);
  const isEmpty = (): boolean => new Uint8Array(memory).every((byte) => byte === 0);
  const plan = { ...PLAN, keepsSessions: true };
  for (const options of [
    { maxVersion: 'TLSv1.2', secureOptions: 0 },
    { minVersion: 'TLSv1.3', secureOptions: 0 },
    { maxVersion: 'TLSv1.2', secureOptions: constants.SSL_OP_NO_TICKET },
  ] as const) {
    assert.ok(isEmpty());
    const stage = new Stage(new TlsSessionTable(memory));
    const client = new Client(stage, stage.apply(plan), options);
    await client.run();
    stage.send('x');
    await client.run();
    client.over();
  }
  assert.ok(!isEmpty());
});

test('bytes come through whole, however they are cut on their way', async () => {
  const prng = new Prng(7);
  const bytes = Buffer.alloc(300_000);
  for (let i = 0; i < bytes.length; i++) bytes[i] = prng.below(256);
  for (const sizes of [
    [1, 2, 3, 4, 5, 6, 7, 11, 1000, 17, 4, 1, 32_000],
    [32_192],
    [16_406],
    [700, 16_383, 5, 31_000],
  ]) {
    const stage = new Stage();
    const client = new Client(stage, stage.apply(PLAN));
    client.sizes = [...sizes];
    let isOdd = false;
    stage.onData = (socket) => {
      // every other piece is more than the driver wants
      isOdd = !isOdd;
      if (isOdd) socket.pause();
      queueMicrotask(() => socket.resume());
    };
    for (let at = 0; at < bytes.length; at += 37_000) client.tls.write(bytes.subarray(at, at + 37_000));
    await client.run();
    assert.ok(Buffer.concat(stage.received).equals(bytes), `in pieces of ${sizes.join()}`);
    client.over();
  }
});

test('segments of every kind are sent whole and in order', async () => {
  const stage = new Stage();
  const client = new Client(stage, stage.apply(PLAN));
  await client.run();
  let expected = '';
  for (const [length, more, at] of [
    [5, false, 0],
    [300, true, 0],
    [1000, false, 600],
    [300, true, 0],
    [200, true, 0],
    [16_380, false, 600],
    [32_192, false, 512],
    [10, true, 0],
    [32_000, true, 512],
    [3, false, 0],
    [2048, false, 0],
    [9, true, 0],
  ] as const) {
    const text = String.fromCharCode(97 + (expected.length % 26)).repeat(length);
    expected += text;
    stage.send(text, more, at);
    if (!more) await client.run();
  }
  await client.run();
  assert.equal(client.text.length, expected.length);
  assert.equal(client.text, expected);
  client.over();
});

test('two small parts of a message are one record', async () => {
  const stage = new Stage();
  const client = new Client(stage, stage.apply(PLAN));
  await client.run();
  stage.send('head ', true);
  assert.equal(client.below.queue.length, 0);
  assert.equal(stage.socket?.pendingSegments, 1);
  stage.send('body', false);
  assert.equal(client.below.queue.length, 1);
  assert.equal(client.below.queue[0].length, 'head body'.length + 22);
  await client.run();
  assert.equal(client.text, 'head body');
  assert.ok(stage.drains > 0);
  client.over();
});

test('without a free slot a segment waits, counts as pending, and leaves when there is one', async () => {
  const stage = new Stage();
  const client = new Client(stage, stage.apply(PLAN));
  await client.run();
  const shared = stage.arena.allocateLarge();
  stage.arena.memory.fill(65, stage.arena.start(shared), stage.arena.start(shared) + 30_000);
  stage.arena.retain(shared);
  const taken: number[] = [];
  for (let slot = stage.arena.allocateLarge(); slot >= 0; slot = stage.arena.allocateLarge()) taken.push(slot);
  stage.socket?.send(shared, stage.arena.start(shared), 30_000, false);
  assert.equal(client.below.queue.length, 0);
  assert.equal(stage.socket?.pendingSegments, 1);
  stage.socket?.end();
  for (const slot of taken) stage.arena.release(slot);
  stage.turn();
  await client.run();
  assert.equal(client.text, 'A'.repeat(30_000));
  assert.ok(client.ended, 'and behind it the end');
  stage.arena.release(shared);
  client.over();
});

test('the certificate is that of the name that the client asks for, and of its kind of key', async () => {
  for (const [options, expected] of [
    [{ servername: 'two.test' }, TWO],
    [{ servername: 'www.one.test' }, ONE],
    [{ servername: 'other.test' }, ONE],
    [{ servername: '' }, ONE],
    [{ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }, RSA],
  ] as const) {
    const stage = new Stage();
    const client = new Client(stage, stage.apply(PLAN), options);
    await client.run();
    assert.equal(client.error, null);
    assert.deepEqual(Uint8Array.from(client.tls.getPeerCertificate().raw), expected.chain[0], JSON.stringify(options));
    client.over();
  }
});

test('who names no host of ours is refused where the plan says so, by an alert', async () => {
  for (const servername of ['other.test', '']) {
    const stage = new Stage();
    const client = new Client(stage, stage.apply({ ...PLAN, unknownName: 'refuse' }), { servername });
    await client.run();
    assert.match(String(client.error?.message), /unrecognized name/);
    assert.ok(client.below.hasEnded);
    assert.equal(stage.socket, null);
    assert.equal(stage.failures.length, 1);
    client.over();
    assert.equal(stage.failed, 'reset');
  }
});

test('a client that wants another protocol than those spoken here is refused; one that wants none is not', async () => {
  for (const [protocols, isServed] of [
    [['h2'], false],
    [[], true],
    [['http/1.1'], true],
  ] as const) {
    const stage = new Stage();
    const client = new Client(stage, stage.apply(PLAN), { ALPNProtocols: [...protocols] });
    await client.run();
    assert.equal(stage.socket !== null, isServed);
    if (isServed) assert.equal(stage.info?.protocol, protocols[0] ?? null);
    client.over();
  }
});

test('a response about the certificate goes to clients that ask for it, and no longer than it is valid', async () => {
  const response = Uint8Array.of(1, 2, 3);
  for (const [untilMs, requestOCSP, expected] of [
    [Infinity, true, response],
    [Date.now() + 60_000, true, response],
    [Date.now() + 60_000, false, null],
    [Date.now() - 1, true, null],
  ] as const) {
    const stage = new Stage();
    const credentials = [{ ...ONE, staple: { response, untilMs } }, TWO, RSA];
    const client = new Client(stage, stage.apply(PLAN, { ...SECRETS, credentials }), { requestOCSP } as object);
    let got: Buffer | null = null;
    client.tls.on('OCSPResponse', (bytes: Buffer | null) => (got = bytes));
    await client.run();
    assert.deepEqual(got === null ? null : Uint8Array.from(got), expected);
    client.over();
  }
});

test('what is no TLS is told so, and the client that waits is let go by whoever counts it', async () => {
  const stage = new Stage();
  const client = new Client(stage, stage.apply(PLAN));
  client.wire.outgoing[0] = Buffer.from('\x16\x03\x01\x00\x05garbage and more garbage');
  await client.run();
  assert.ok(client.below.hasEnded);
  assert.equal(stage.failures.length, 1);
  client.opening.cancel();
  assert.ok(client.below.isClosed);
  client.tls.destroy();
  assert.equal(stage.arena.usedSlots, 0);
});

test('HTTP in clear gets an answer: a refusal, or the way to the same with https', async () => {
  for (const [plainHttp, said, answer] of [
    ['refuse', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', /^HTTP\/1.1 400 .*HTTPS/s],
    [
      'redirect',
      'GET /a?b HTTP/1.1\r\nHost: one.test:80\r\n\r\n',
      /^HTTP\/1.1 308 .*Location: https:\/\/one\.test:8443\/a\?b\r\n/s,
    ],
    ['redirect', 'GET /a HTTP/1.1\r\n\r\n', /^HTTP\/1.1 400 /],
    ['redirect', 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n', /^HTTP\/1.1 400 /],
    ['redirect', 'GET', /^HTTP\/1.1 400 /],
  ] as const) {
    const stage = new Stage();
    const client = new Client(stage, stage.apply({ ...PLAN, plainHttp }));
    client.wire.outgoing[0] = Buffer.from(said);
    client.deliver();
    assert.match(client.below.leave()?.toString() ?? '', answer);
    assert.ok(client.below.hasEnded);
    client.over();
  }
});

test('a TCP listener takes no HTTP for what it is not', async () => {
  const stage = new Stage();
  const client = new Client(stage, stage.apply(PLAN, SECRETS, 'tcp'));
  client.wire.outgoing[0] = Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  client.deliver();
  assert.equal(client.below.leave(), null);
  assert.ok(client.below.hasEnded);
  assert.deepEqual(stage.failures, ['http request']);
  client.over();
});

test('a handshake of endless bytes ends', async () => {
  const stage = new Stage();
  const client = new Client(stage, stage.apply(PLAN));
  // a message of 16 MiB, in records of 16 KiB
  const record = Buffer.alloc(5 + 16_384);
  record.set([22, 3, 1, 64, 0, 1, 1, 0, 0]);
  client.wire.outgoing[0] = record;
  for (let i = 0; i < 20; i++) client.wire.outgoing.push(record);
  await client.run();
  assert.ok(client.below.hasEnded);
  assert.equal(stage.failures.length, 1);
  client.over();
});

test('both sides end by themselves: what comes behind is still read', async () => {
  const stage = new Stage();
  const client = new Client(stage, stage.apply(PLAN), {});
  client.tls.allowHalfOpen = true;
  await client.run();
  stage.send('last');
  stage.socket?.end();
  await client.run();
  assert.equal(client.text, 'last');
  assert.ok(client.ended);
  assert.ok(client.below.hasEnded);
  client.tls.end('late');
  await client.run();
  assert.equal(stage.text, 'late');
  assert.equal(stage.ends, 1);
  client.below.handler.handleEnd(client.below as unknown as Socket);
  assert.equal(stage.ends, 1, 'FIN says it again');
  client.over();
});

test('closed between messages it says so first', async () => {
  const stage = new Stage();
  const client = new Client(stage, stage.apply(PLAN));
  await client.run();
  stage.socket?.close();
  assert.equal(client.below.isClosed, false);
  await client.run();
  assert.ok(client.below.isClosed);
  assert.ok(client.ended);
  assert.equal(client.error, null);
  client.tls.destroy();
  assert.equal(stage.arena.usedSlots, 0);
});

test('a kernel that has no room for the last word does not keep the socket', async () => {
  const stage = new Stage();
  const client = new Client(stage, stage.apply(PLAN));
  await client.run();
  stage.socket?.close();
  stage.pass(5000);
  assert.ok(client.below.isClosed);
  client.tls.destroy();
  assert.equal(stage.arena.usedSlots, 0);
});

test('bytes that were changed on their way break the connection', async () => {
  const stage = new Stage();
  const client = new Client(stage, stage.apply(PLAN));
  await client.run();
  client.tls.write('hello');
  await new Promise((resolve) => setImmediate(resolve));
  client.wire.outgoing[0][9] ^= 1;
  client.deliver();
  assert.equal(stage.closed, 'reset');
  assert.equal(stage.text, '');
  await client.run();
  assert.match(String(client.error?.message), /bad record mac/);
  assert.ok(client.below.hasEnded && !client.below.isClosed);
  stage.pass(5000);
  assert.ok(client.below.isClosed);
  client.tls.destroy();
  assert.equal(stage.arena.usedSlots, 0);
});

test('a peer that breaks while its last bytes wait is heard to the end', async () => {
  const stage = new Stage();
  const client = new Client(stage, stage.apply(PLAN));
  await client.run();
  stage.onData = (socket) => socket.pause();
  for (let i = 0; i < 3; i++) client.tls.write(Buffer.alloc(16_384, 65));
  client.sizes = [1000, 32_000];
  await client.run();
  assert.ok(client.below.isPaused);
  assert.ok(stage.text.length < 3 * 16_384);
  client.below.isClosed = true;
  client.below.handler.handleClose(client.below as unknown as Socket, 'reset');
  assert.equal(stage.closed, null);
  const before = stage.text.length;
  stage.onData = () => undefined;
  stage.socket?.resume();
  assert.equal(stage.text.length, before, 'not from where it is called');
  stage.turn();
  assert.ok(stage.text.length > before);
  assert.equal(stage.closed, 'reset');
  client.tls.destroy();
  assert.equal(stage.arena.usedSlots, 0);
});

test('contexts of a plan that has gone stay for the handshakes that began by it', async () => {
  const stage = new Stage();
  const client = new Client(stage, stage.apply(PLAN));
  const layer = stage.apply({ ...PLAN, versions: ['1.3'] });
  await client.run();
  assert.equal(client.error, null);
  assert.notEqual(stage.socket, null);
  client.over();
  const next = new Client(stage, layer, { maxVersion: 'TLSv1.2' });
  await next.run();
  assert.match(String(next.error?.message), /version/);
  next.over();
});
