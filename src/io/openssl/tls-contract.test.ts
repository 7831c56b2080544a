/** Sockets with TLS (proxy/tls) are held to the contract of sockets (port/transport.ts), on both engines, as clients and as servers, against node:tls. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Timers } from '../../base/timers.ts';
import type { TlsPlan } from '../../config/plan/tls.ts';
import { INTERMEDIATE } from '../../config/words/tls-profiles.ts';
import { LoopbackWorld } from '../contract/loopback.ts';
import type { Coat } from '../contract/stage.ts';
import { createNodeTransport } from '../node/node-transport.ts';
import { Openssl } from './openssl.ts';
import { layerContract } from '../transport-contract.ts';
import { probeUring } from '../uring/probe.ts';
import { createUringTransport } from '../uring/transport.ts';
import { readPair } from '../../load/tls/pair.ts';
import { CertificateMaker } from '../../load/tls/testing/certificate-maker.ts';
import { ASKS_NOTHING } from '../../port/tls.ts';
import type { Socket, Transport } from '../../port/transport.ts';
import { RequestHead } from '../../wire/http1/head.ts';
import type { Expiring } from '../../proxy/expiring.ts';
import { Later } from '../../proxy/later.ts';
import type { LayerUser } from '../../proxy/layer.ts';
import { HandshakeGate } from '../../proxy/tls/handshake-gate.ts';
import { TlsLayer } from '../../proxy/tls/tls-layer.ts';
import { TlsServerLayer } from '../../proxy/tls/server-layer.ts';

const maker = new CertificateMaker();
const files = maker.make('one', { names: ['one.test'] });
const { pair } = readPair({ ...files, passphraseFile: null, ocsp: null }, Date.now());
assert.ok(pair !== null);
const { credential } = pair;
const PEM = { certificate: readFileSync(files.certificate, 'utf8'), key: readFileSync(files.key, 'utf8') };
maker.remove();

const PLAN: TlsPlan = {
  ...INTERMEDIATE,
  entries: [{ names: ['one.test'], credentials: [credential.id], clients: null }],
  unknownName: 'default',
  tickets: '',
  keepsSessions: false,
  sessionSeconds: 7200,
  protocols: [],
  handshakeMs: 10_000,
  handshakes: { perSecond: 0, perSource: 0 },
  plainHttp: 'refuse',
};

function failed(failure: string): void {
  assert.fail(failure);
}

function above(opened: (socket: Socket) => void): LayerUser {
  return { handleOpen: opened, handleOpenFailed: failed };
}

/** TLS as a proxy has it. */
function coat(transport: Transport): Coat {
  const { arena } = transport;
  const timers = new Timers(transport.now);
  const later = new Later(transport);
  const room = { transport, arena, timers, later, gate: new HandshakeGate(arena, later) };
  const tls = Openssl.open(arena.memory);
  const clients = new TlsLayer({
    room,
    tls,
    plan: PLAN,
    contexts: [tls.createContext(PLAN, [credential], ASKS_NOTHING)],
    isHttp: false,
    head: new RequestHead(100),
    onDone: () => undefined,
    onFailure: failed,
    onDistrust: failed,
    onRefused: () => failed('refused'),
    onUnused: () => undefined,
  });
  const servers = new TlsServerLayer({
    room,
    tls,
    context: tls.createServersContext({ ...PLAN, verifyDepth: -1, keepsTickets: false }, null, null),
    identity: { sentName: null, verifiedName: null },
    needsFarewell: false,
    onUnused: () => undefined,
  });
  return {
    accept: (socket, opened) => void clients.open(socket, above(opened)),
    connect: (socket, opened) => void servers.open(socket, above(opened)),
    handleTurn: (now) => {
      timers.advance(now, { handleExpiry: (timed, at) => (timed as Expiring).handleExpiry(at) });
      later.handleTurn();
    },
  };
}

/** node:tls drops what it has read when a reset follows. */
const without = ['unacknowledgedBytes: of what a peer does not read some, then none, and a reset loses nothing'];
const createWorld = (): LoopbackWorld => new LoopbackWorld(PEM);
const probe = probeUring();
layerContract('TLS over io_uring', {
  skip: probe.ok ? undefined : probe.reason,
  createTransport: createUringTransport,
  createWorld,
  coat,
  without,
});
layerContract('TLS over node', { createTransport: createNodeTransport, createWorld, coat, without });
