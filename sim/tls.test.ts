/**
 * Seeds of TLS clients, with real sessions, before a proxy that speaks TLS: those that ask are answered, whatever the network makes of their records
 * and whatever others do; those that stall, leave, break a byte, or flood are gone in time, and leave nothing behind.
 *
 * OpenSSL's bytes differ from run to run and their number does not, with keys whose signatures are all as long: so a seed is the same run again.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Board } from '../src/base/board.ts';
import { Prng } from '../src/base/prng.ts';
import { encodeUtf8 } from '../src/base/text.ts';
import type { Plan } from '../src/config/plan/plan.ts';
import type { TlsPlan } from '../src/config/plan/tls.ts';
import { formatRoutes } from '../src/config/plan/route-text.ts';
import { INTERMEDIATE } from '../src/config/words/tls-profiles.ts';
import { Openssl } from '../src/io/openssl/openssl.ts';
import { NativeCompression } from '../src/io/zlib/compression.ts';
import { readPair } from '../src/load/tls/pair.ts';
import { CertificateMaker } from '../src/load/tls/testing/certificate-maker.ts';
import { NO_SECRETS } from '../src/port/tls.ts';
import { Proxy } from '../src/proxy/proxy.ts';
import { isCaught } from './canary.ts';
import { CheckedArena } from './checked-arena.ts';
import { HARMFUL_FAULTS } from './faults.ts';
import { type LinkSpec, Network } from './network.ts';
import {
  CLIENT_MEMORY_BYTES,
  TlsClient,
  type TlsClientRoom,
  type TlsClientSpec,
  type TlsFate,
} from './peers/tls-client.ts';
import { drawScenario } from './scenario.ts';
import { drawPlan } from './scenario-plan.ts';
import { SIM_SECONDS } from './seconds.ts';
import { type Sabotage, SimTransport } from './transport.ts';
import { World } from './world.ts';

const LISTENER = '10.0.0.1:8000';
const SEEDS = 4 * SIM_SECONDS;
const HANDSHAKE_MS = 4_000;
/** Whoever stands still is gone by then. */
const OVER_US = 40_000_000;
const FATES: readonly TlsFate[] = ['asks', 'asks', 'stalls', 'leaves', 'breaks', 'floods'];

const maker = new CertificateMaker();
after(() => maker.remove());
const { pair } = readPair(
  { ...maker.make('one', { names: ['one.test'], key: 'ed25519' }), passphraseFile: null, ocsp: null },
  Date.now(),
);
assert.ok(pair !== null);
const { credential } = pair;
const memory = new Uint8Array(CLIENT_MEMORY_BYTES);
const openssl = Openssl.open(memory);
const GROUPS = 'X25519';

function contextFor(version: TlsClientSpec['version']): TlsClientRoom['contexts']['1.2'] {
  const settings = {
    ...INTERMEDIATE,
    groups: GROUPS,
    versions: [version],
    verifyDepth: -1,
    protocols: [],
    keepsTickets: false,
  };
  return openssl.createServersContext(settings, null, null);
}
const contexts = { '1.2': contextFor('1.2'), '1.3': contextFor('1.3') };

function planOf(page: string): Plan {
  const { plan } = drawPlan(new Prng(1), new Set());
  const [listener] = plan.listeners;
  const edit = { set: [], add: [], remove: [] };
  const tls: TlsPlan = {
    ...INTERMEDIATE,
    groups: GROUPS,
    entries: [{ names: ['one.test'], credentials: [credential.id], clients: null }],
    unknownName: 'refuse',
    protocols: ['http/1.1'],
    tickets: '',
    keepsSessions: false,
    sessionSeconds: 7200,
    handshakeMs: HANDSHAKE_MS,
    handshakes: { perSecond: 0, perSource: 0 },
    plainHttp: 'refuse',
  };
  return {
    ...plan,
    upstreams: [],
    admin: null,
    serverSlots: 0,
    listeners: [
      {
        ...listener,
        binds: [{ address: { family: 4, host: '10.0.0.1', port: 8000 }, dual: false, isUdp: false }],
        timeouts: { headMs: 5_000, bodyMs: 5_000, idleMs: 5_000, halfClosedMs: 1_000 },
        proxyProtocol: null,
        tls,
        routes: formatRoutes([
          {
            match: { hosts: [], path: null, methods: [], values: [] },
            action: { kind: 'respond', status: 200, body: page, contentType: 'text/plain' },
            requestHeaders: edit,
            responseHeaders: edit,
            successHeaders: { set: [], add: [] },
            name: null,
            steps: [],
            errors: [],
            isInternal: false,
          },
        ]),
      },
    ],
  };
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

/** Slices, delays, and stalls that no timeout is as short as. */
function drawLink(prng: Prng): LinkSpec {
  const isTiny = prng.oneIn(3);
  return {
    delayUs: 1 + prng.below(2_000),
    jitterUs: prng.below(500),
    tinyBytes: isTiny ? prng.below(3_000) : 0,
    tinySlice: 1 + prng.below(40),
    stallOneIn: prng.oneIn(3) ? 50 : 0,
    stallUs: 20_000,
    bufferBytes: prng.oneIn(3) ? 600 + prng.below(3_000) : 65_536,
  };
}

function drawClient(prng: Prng, id: number): TlsClientSpec {
  // some come all at once
  const startUs = prng.oneIn(2) ? 200_000 : prng.below(2_000_000);
  const fate = FATES[prng.below(FATES.length)];
  return {
    id,
    seed: prng.nextU32(),
    startUs,
    fate,
    version: fate !== 'floods' && prng.oneIn(2) ? '1.2' : '1.3',
    rekeyings: fate === 'floods' ? 2_000 : prng.oneIn(4) ? prng.below(60) : 0,
    requests: 1 + prng.below(12),
    ahead: 1 + prng.below(4),
    sliceBytes: prng.oneIn(2) ? 65_536 : 1 + prng.below(200),
    atBytes: prng.below(prng.oneIn(2) ? 500 : 1_500),
  };
}

interface Played {
  readonly traceHash: string;
  readonly answers: number;
  readonly told: number;
}

function play(seed: number, sabotage: Sabotage = 'none'): Played {
  const prng = new Prng(seed);
  const world = new World(seed, false);
  const network = new Network(world);
  const arena = new CheckedArena(world, 64, 256);
  const transport = new SimTransport(
    network,
    arena,
    drawScenario(seed, { faults: HARMFUL_FAULTS, clients: [] }).transport,
  );
  transport.sabotage = sabotage;
  const board = Board.createAlone({ servers: 1, listeners: 1, rows: 1 });
  const proxy = new Proxy({
    transport,
    board,
    row: 0,
    seed,
    wallClockMs: () => 0,
    hostname: encodeUtf8('sim'),
    machineAddresses: () => [],
    report: () => undefined,
    descriptors: 10_000,
    openTls: () => Openssl.open(arena.memory),
    openCompression: () => new NativeCompression(arena.memory),
  });
  const atRest = arena.usedSlots;
  const page = `<page>${'x'.repeat(1 + prng.below(prng.oneIn(3) ? 20_000 : 300))}`;
  const ticketKeys = [{ id: '', keys: [new Uint8Array(80).fill(5)] }];
  const descriptor = transport.openListener(LISTENER, () => drawLink(prng));
  proxy.apply(planOf(page), [{ id: 0, listener: 0, descriptor }], {
    ...NO_SECRETS,
    credentials: [credential],
    ticketKeys,
  });
  void transport.run(proxy);
  const room: TlsClientRoom = { network, openssl, memory, contexts, listener: LISTENER, page };
  const clients: TlsClient[] = [];
  const specs = Array.from({ length: 5 + prng.below(40) }, (_, id) => drawClient(prng, id));
  for (const spec of specs) world.schedule(spec.startUs, () => clients.push(new TlsClient(room, spec)));
  world.run(OVER_US, () => clients.length === specs.length && clients.every(({ isOver }) => isOver));
  for (const client of clients) {
    if (!client.isOver) world.fail('everything ends', client.describe());
    if (client.spec.fate === 'floods' && client.answers > 0) world.fail('flood', client.describe());
    if (client.spec.fate === 'asks' && client.answers !== client.spec.requests)
      world.fail('unanswered', client.describe());
  }
  world.run(world.nowUs + 10_000_000, () => transport.openSockets === 0);
  if (transport.openSockets > 0) world.fail('everything ends', transport.describeSockets());
  world.run(world.nowUs + 400_000, () => false);
  assert.equal(arena.usedSlots, atRest, `seed ${seed}: slots are in use`);
  arena.judge(0);
  assert.equal(arena.foreign.used, 0, `seed ${seed}: sessions are counted that are gone`);
  assert.equal(board.worker(0).listenerConnections(0), 0);
  arena.leave(false);
  return {
    traceHash: world.traceHash,
    answers: sum(clients.map(({ answers }) => answers)),
    told: clients.filter(({ isTold }) => isTold).length,
  };
}

test('TLS clients that ask are answered, and those that stall, leave or break something leave nothing', (t) => {
  let answers = 0;
  let told = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const played = play(seed);
    answers += played.answers;
    told += played.told;
  }
  assert.ok(answers > 10 * SEEDS && told > SEEDS / 2, `${answers} answers, ${told} alerts`);
  t.diagnostic(`${answers} answers, ${told} alerts`);
});

test('a seed is the same run again', () => {
  for (const seed of [3, 4, 5]) assert.equal(play(seed).traceHash, play(seed).traceHash);
});

for (const sabotage of ['drop-byte', 'flip-byte', 'double-slice'] as const) {
  test(`canary: a transport that is broken by ${sabotage} is caught`, () => {
    assert.ok(isCaught(30, (seed) => play(seed, sabotage)));
  });
}
