/** Handshakes with servers of node:tls, over bytes in memory: whatever becomes of them, nothing is kept. */
import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { after, test } from 'node:test';
import tls from 'node:tls';
import { Arena } from '../../base/arena.ts';
import { Timers } from '../../base/timers.ts';
import type { ServerPlan, UpstreamPlan } from '../../config/plan/upstream.ts';
import type { ServersTlsPlan } from '../../config/plan/tls.ts';
import { Openssl } from '../../io/openssl/openssl.ts';
import { readPair } from '../../load/tls/pair.ts';
import { readTrust } from '../../load/tls/trust.ts';
import { CertificateMaker } from '../../load/tls/testing/certificate-maker.ts';
import { NO_SECRETS } from '../../port/tls.ts';
import type { Socket, SocketHandler, Transport } from '../../port/transport.ts';
import type { OpenFailure, Opening, ServerLayer } from '../layer.ts';
import { HandshakeGate } from './handshake-gate.ts';
import { Later } from '../later.ts';
import { ServerLayers } from './server-layers.ts';
import type { SharedContext } from './shared-contexts.ts';

const maker = new CertificateMaker();
after(() => maker.remove());
maker.make('ca', { names: [], isAuthority: true });
const { certificate, key } = maker.make('site', { names: ['site.test'], issuer: 'ca' });
const { credential } = readPair({ certificate, key, passphraseFile: null, ocsp: null }, Date.now()).pair!;
const trust = readTrust({ ca: [maker.path('ca.pem')], crl: null }, Date.now()).trust!;
const SECRETS = { ...NO_SECRETS, credentials: [credential], authorities: [trust] };
const pem = (der: Uint8Array, label: string): string =>
  `-----BEGIN ${label}-----\n${Buffer.from(der).toString('base64')}\n-----END ${label}-----\n`;
const SITE = { cert: pem(credential.chain[0], 'CERTIFICATE'), key: pem(credential.key, 'PRIVATE KEY') };

const PLAN: ServersTlsPlan = {
  trust: trust.id,
  verifyDepth: -1,
  credential: null,
  serverName: 'site.test',
  sendsName: true,
  versions: ['1.2', '1.3'],
  ciphers: '',
  suites: '',
  groups: '',
  protocols: ['http/1.1'],
  reusesSessions: true,
};

class Wire extends Duplex {
  readonly outgoing: Buffer[] = [];

  override _read(): void {
    // pushed
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.outgoing.push(chunk);
    done();
  }
}

/** One proxy. */
class Stage {
  readonly arena = new Arena(new Uint8Array(Arena.bytesFor(16, 64)), 16, 64);
  private readonly later = new Later({ now: 0, requestTurn: () => undefined } as unknown as Transport);
  readonly layers: ServerLayers;
  private readonly prepared: SharedContext;
  readonly layer: ServerLayer;

  constructor(plan: ServersTlsPlan) {
    const { arena, later } = this;
    const transport = { now: 0 } as unknown as Transport;
    const room = { transport, arena, timers: new Timers(0), later, gate: new HandshakeGate(arena, later) };
    const openssl = Openssl.open(arena.memory, () => null);
    this.layers = new ServerLayers(room, () => openssl);
    this.prepared = this.layers.prepare(plan, SECRETS);
    const target = { hostname: 'written.test', port: 443 };
    this.layer = this.layers.layerOf({ tls: plan } as UpstreamPlan, { target } as ServerPlan)!;
    this.layers.giveBack(this.prepared);
  }
}

/** A connection of its to a server. */
class Connection {
  handler!: SocketHandler;
  pendingSegments = 0;
  isClosed = false;
  readonly wire = new Wire();
  readonly opening: Opening;
  failed: OpenFailure | null = null;
  socket: Socket | null = null;
  text = '';
  end: 'told' | 'broken' | null = null;
  private readonly stage: Stage;

  constructor(stage: Stage) {
    this.stage = stage;
    this.opening = stage.layer.open(this.asSocket, {
      handleOpen: (socket) => {
        this.socket = socket;
        socket.handler = {
          handleConnect: () => undefined,
          handleData: (_, slot, offset, length) => {
            this.text += Buffer.from(stage.arena.memory.subarray(offset, offset + length)).toString();
            stage.arena.release(slot);
          },
          handleEnd: () => (this.end = 'told'),
          handleDrain: () => undefined,
          handleClose: () => (this.end = 'broken'),
        };
      },
      handleOpenFailed: (reason) => (this.failed = reason),
    });
  }

  get asSocket(): Socket {
    return this as unknown as Socket;
  }

  send(slot: number, offset: number, length: number): void {
    this.wire.push(Buffer.from(this.stage.arena.memory.subarray(offset, offset + length)));
    this.stage.arena.release(slot);
  }

  pause(): void {
    // nothing waits here
  }

  resume(): void {
    // nothing waits here
  }

  close(): void {
    this.isClosed = true;
  }

  reset(): void {
    this.isClosed = true;
  }

  /** Hands on what the server says, in pieces of `size`, until it says no more, or `most` pieces. */
  async run(size: number, most = Infinity): Promise<number> {
    let pieces = 0;
    for (let quiet = 0; quiet < 6;) {
      await new Promise((resolve) => setImmediate(resolve));
      const bytes = Buffer.concat(this.wire.outgoing.splice(0));
      quiet = bytes.length === 0 ? quiet + 1 : 0;
      for (let at = 0; at < bytes.length; at += size) {
        if (this.isClosed || pieces === most) return pieces;
        pieces++;
        this.deliver(bytes.subarray(at, at + size));
      }
    }
    return pieces;
  }

  private deliver(bytes: Buffer): void {
    const { arena } = this.stage;
    const slot = arena.allocateLarge();
    const start = arena.receiveStart(slot);
    arena.memory.set(bytes, start);
    this.handler.handleData(this.asSocket, slot, start, bytes.length);
  }
}

function answer(connection: Connection, options: tls.TLSSocketOptions): tls.TLSSocket {
  const server = new tls.TLSSocket(connection.wire, { isServer: true, ...options });
  server.on('error', () => undefined);
  return server;
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  const context = tls.createSecureContext({ ...SITE, minVersion: version, maxVersion: version });

  test(`${version}: in pieces of any size, and what comes behind the handshake is the protocol's`, async () => {
    const stage = new Stage(PLAN);
    const { arena } = stage;
    for (const size of [1, 7, 1000, 20_000]) {
      const connection = new Connection(stage);
      const server = answer(connection, { secureContext: context });
      server.once('secure', () => server.write('hello'));
      await connection.run(size);
      assert.equal(connection.failed, null, stage.layer.failure);
      assert.equal(connection.text, 'hello');
      server.end();
      await connection.run(size);
      assert.equal(connection.end, 'told');
      connection.socket!.close();
      assert.equal(arena.usedSlots, 0);
    }
    assert.equal(arena.foreign.freeCount, new Stage(PLAN).arena.foreign.freeCount);
    stage.layer.release();
  });

  test(`${version}: given up, or broken off, at each of its bytes`, async () => {
    const stage = new Stage({ ...PLAN, reusesSessions: false });
    const { arena } = stage;
    const free = arena.foreign.freeCount;
    for (const how of ['cancel', 'close', 'end'] as const) {
      for (let most = 0; ; most++) {
        const connection = new Connection(stage);
        answer(connection, { secureContext: context });
        await connection.run(97, most);
        if (connection.socket !== null) {
          connection.socket.close();
          break;
        }
        if (how === 'cancel') connection.opening.cancel();
        else if (how === 'close') connection.handler.handleClose(connection.asSocket, 'reset');
        else connection.handler.handleEnd(connection.asSocket);
        assert.equal(connection.failed, how === 'cancel' ? null : 'handshake');
        assert.equal(arena.usedSlots, 0);
        assert.equal(arena.foreign.freeCount, free);
      }
    }
    stage.layer.release();
  });
}

test('an end without a word is one only where nothing depends on it', async () => {
  for (const [protocols, end] of [
    [['http/1.1'], 'broken'],
    [[], 'told'],
  ] as const) {
    const stage = new Stage({ ...PLAN, protocols });
    const connection = new Connection(stage);
    answer(connection, { secureContext: tls.createSecureContext(SITE) });
    await connection.run(20_000);
    connection.handler.handleEnd(connection.asSocket);
    assert.equal(connection.end, end);
    connection.socket!.close();
  }
});

test('who is not believed is told so, and no layer is freed under a handshake', async () => {
  const stage = new Stage({ ...PLAN, serverName: null });
  const connection = new Connection(stage);
  const server = answer(connection, { secureContext: tls.createSecureContext(SITE) });
  let alert = '';
  server.on('error', (error: NodeJS.ErrnoException) => (alert = error.code ?? ''));
  stage.layer.retain();
  stage.layer.release();
  await connection.run(20_000);
  assert.equal(connection.failed, 'handshake');
  assert.equal(stage.layer.failure, 'its certificate is not for written.test');
  await new Promise((resolve) => setImmediate(resolve));
  assert.match(alert, /ALERT/);
  stage.layer.release();
});
