/**
 * Seeds of servers that speak TLS, with real sessions, behind a proxy whose clients speak HTTP in clear. Who asks gets the page, whole, or is told that there is
 * none: a page is never cut without the client seeing it. No server with a wrong certificate sees a request, and none of them costs
 * a client its answer while another server is there. Nothing is left behind.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Board, SERVER_UP, WEIGHT_UNIT } from '../src/base/board.ts';
import { Prng } from '../src/base/prng.ts';
import { encodeUtf8 } from '../src/base/text.ts';
import type { Plan } from '../src/config/plan/plan.ts';
import type { ServerPlan } from '../src/config/plan/upstream.ts';
import type { ServersTlsPlan } from '../src/config/plan/tls.ts';
import { formatRoutes } from '../src/config/plan/route-text.ts';
import { INTERMEDIATE } from '../src/config/words/tls-profiles.ts';
import { Openssl } from '../src/io/openssl/openssl.ts';
import { NativeCompression } from '../src/io/zlib/compression.ts';
import { readPair } from '../src/load/tls/pair.ts';
import { CertificateMaker } from '../src/load/tls/testing/certificate-maker.ts';
import { ASKS_NOTHING, type Credential, NO_SECRETS, type TlsContext } from '../src/port/tls.ts';
import { Proxy } from '../src/proxy/proxy.ts';
import { isCaught } from './canary.ts';
import { CheckedArena } from './checked-arena.ts';
import { HARMFUL_FAULTS } from './faults.ts';
import { type Endpoint, type LinkSpec, Network } from './network.ts';
import { FULL_PACE, PeerPort, type PortOwner } from './peers/port.ts';
import {
  SERVER_MEMORY_BYTES,
  TlsServer,
  type TlsServerFate,
  type TlsServerRoom,
  type TlsServerSpec,
} from './peers/tls-server.ts';
import { drawScenario } from './scenario.ts';
import { drawPlan } from './scenario-plan.ts';
import { type Sabotage, SimTransport } from './transport.ts';
import { World } from './world.ts';

const LISTENER = '10.0.0.1:8000';
const OVER_US = 120_000_000;
/** Longer than a place is held for who has failed. */
const HELD_DONE_US = 15_000_000;
/** A server with such a fate costs at most a try; of the others, a page may be cut. */
const WRONG: readonly TlsServerFate[] = ['stranger', 'unknown'];
const FATES: readonly TlsServerFate[] = [
  'answers',
  'answers',
  ...WRONG,
  'stalls',
  'leaves',
  'breaks',
  'vanishes',
  'truncates',
];

const maker = new CertificateMaker();
after(() => maker.remove());
const [ONE, TWO, UNKNOWN] = [credential('one', 'one.test'), credential('two', 'two.test'), credential('x', 'one.test')];

function credential(name: string, host: string): Credential {
  const made = maker.make(name, { names: [host], key: 'ed25519' });
  const { pair } = readPair({ ...made, passphraseFile: null, ocsp: null }, Date.now());
  assert.ok(pair !== null);
  return pair.credential;
}

const AUTHORITIES = {
  id: 'known',
  certificates: [ONE.chain[0], TWO.chain[0]],
  announced: 0,
  revocations: [],
};
const memory = new Uint8Array(SERVER_MEMORY_BYTES);
const openssl = Openssl.open(memory);
const GROUPS = 'X25519';

function contextOf(own: Credential): TlsContext {
  const context = openssl.createContext({ ...INTERMEDIATE, groups: GROUPS }, [own], ASKS_NOTHING);
  context.setTicketKeys([new Uint8Array(80).fill(5)]);
  return context;
}
const contexts = { own: contextOf(ONE), stranger: contextOf(TWO), unknown: contextOf(UNKNOWN) };

function planOf(servers: readonly TlsServerSpec[], reusesSessions: boolean, version: '1.2' | '1.3'): Plan {
  const { plan } = drawPlan(new Prng(1), new Set());
  const [listener] = plan.listeners;
  const [upstream] = plan.upstreams;
  const edit = { set: [], add: [], remove: [] };
  const tls: ServersTlsPlan = {
    ...INTERMEDIATE,
    versions: [version],
    groups: GROUPS,
    trust: AUTHORITIES.id,
    verifyDepth: -1,
    credential: null,
    serverName: 'one.test',
    sendsName: true,
    protocols: ['http/1.1'],
    reusesSessions,
  };
  const retry = { attempts: 8, connect: true, reset: true, timeout: true, statuses: [], nonIdempotent: false };
  return {
    ...plan,
    admin: null,
    serverSlots: servers.length,
    upstreams: [
      {
        ...upstream,
        balance: 'round-robin',
        hash: null,
        passive: null,
        sources: [],
        proxyProtocol: null,
        proxyTlvs: [],
        queueMax: 1_000,
        poolIdle: null,
        timeouts: { ...upstream.timeouts, connectMs: 3_000, responseMs: 3_000, idleMs: 3_000, queueMs: 3_000 },
        tls,
        servers: servers.map(({ address }, i): ServerPlan => ({
          name: address,
          target: { family: 4, host: `10.1.0.${i + 1}`, port: 9000 },
          weight: 1,
          state: 'enabled',
          maxConnections: 0,
          backup: false,
          firstSlot: i,
          slotCount: 1,
          epoch: 0,
          passive: null,
          health: null,
          notify: null,
        })),
      },
    ],
    listeners: [
      {
        ...listener,
        slot: 0,
        binds: [{ address: { family: 4, host: '10.0.0.1', port: 8000 }, dual: false, isUdp: false }],
        timeouts: { headMs: 60_000, bodyMs: 60_000, idleMs: 5_000, halfClosedMs: 1_000 },
        proxyProtocol: null,
        routes: formatRoutes([
          {
            match: { hosts: [], path: null, methods: [], values: [] },
            action: {
              kind: 'proxy',
              upstream: upstream.name,
              rewrite: null,
              timeoutMs: 0,
              retry,
              upgrade: true,
              bodyBytes: null,
              passesClaims: false,
              interceptsErrors: false,
            },
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

/** Asks once, over a connection of its own. */
class Client implements PortOwner {
  outcome: 'waits' | 'page' | 'error' | 'cut' = 'waits';
  private readonly port: PeerPort;
  private readonly world: World;
  private readonly page: string;
  private text = '';

  constructor(world: World, endpoint: Endpoint, page: string) {
    this.world = world;
    this.page = page;
    this.port = new PeerPort(world, endpoint, new Prng(1), FULL_PACE, FULL_PACE, this);
    this.port.step();
  }

  handleConnected(): void {
    this.port.write(Buffer.from('GET / HTTP/1.1\r\nHost: one.test\r\nConnection: close\r\n\r\n'));
  }

  handleFlushed(): void {
    // it was one request
  }

  handleBytes(bytes: Uint8Array, at: number, length: number): void {
    this.text += Buffer.from(bytes.subarray(at, at + length)).toString('latin1');
  }

  handleEnd(): void {
    this.judge();
    this.port.close();
  }

  handleBroken(): void {
    this.judge();
    this.port.close();
  }

  private judge(): void {
    if (this.outcome !== 'waits') return;
    const [, status, fields, rest] = /^HTTP\/1\.1 ([0-9]{3}) [^\r]*\r\n([^]*?\r\n)\r\n([^]*)$/.exec(this.text) ?? [];
    const body = fields === undefined ? null : wholeBody(fields, rest);
    if (body === null) this.outcome = 'cut';
    else if (status !== '200') this.outcome = 'error';
    else if (body === this.page) this.outcome = 'page';
    else this.world.fail('response content', `${body.length} of ${this.page.length} bytes as if they were all`);
  }
}

/** Null: the message says that there is more. */
function wholeBody(fields: string, rest: string): string | null {
  const length = /^content-length: ([0-9]+)\r$/im.exec(fields)?.[1];
  if (length !== undefined) return rest.length < Number(length) ? null : rest;
  if (!/^transfer-encoding: chunked\r$/im.test(fields)) return null;
  let body = '';
  for (let at = 0; ;) {
    const [line, size] = /^([0-9a-f]+)\r\n/i.exec(rest.slice(at, at + 20)) ?? ['', ''];
    if (size === '') return null;
    const count = Number.parseInt(size, 16);
    at += line.length;
    if (count === 0) return rest.slice(at) === '\r\n' ? body : null;
    if (rest.length < at + count + 2) return null;
    body += rest.slice(at, at + count);
    at += count + 2;
  }
}

function drawLink(prng: Prng): LinkSpec {
  return {
    delayUs: 1 + prng.below(2_000),
    jitterUs: prng.below(500),
    tinyBytes: prng.oneIn(3) ? prng.below(3_000) : 0,
    tinySlice: 1 + prng.below(40),
    stallOneIn: prng.oneIn(3) ? 50 : 0,
    stallUs: 20_000,
    bufferBytes: prng.oneIn(3) ? 600 + prng.below(3_000) : 65_536,
  };
}

function drawServer(prng: Prng, index: number): TlsServerSpec {
  return {
    address: `10.1.0.${index + 1}:9000`,
    seed: prng.nextU32(),
    fate: FATES[prng.below(FATES.length)],
    hasLengths: !prng.oneIn(3),
    idleUs: 1 + prng.below(prng.oneIn(2) ? 50_000 : 2_000_000),
    sliceBytes: prng.oneIn(2) ? 65_536 : 1 + prng.below(200),
    atBytes: prng.below(prng.oneIn(2) ? 1_000 : 6_000),
  };
}

interface Played {
  readonly traceHash: string;
  readonly outcomes: readonly Client['outcome'][];
  readonly refused: number;
}

function play(seed: number, sabotage: Sabotage = 'none'): Played {
  const prng = new Prng(seed);
  /** Connections break by themselves, and memory runs out. */
  const isLossy = prng.oneIn(2);
  const world = new World(seed, false);
  const network = new Network(world);
  const arena = new CheckedArena(world, 64, 256);
  const transport = new SimTransport(
    network,
    arena,
    drawScenario(seed, { faults: isLossy ? [] : HARMFUL_FAULTS, clients: [] }).transport,
  );
  transport.sabotage = sabotage;
  const page = `<page>${'x'.repeat(1 + prng.below(prng.oneIn(3) ? 40_000 : 300))}</page>`;
  const room: TlsServerRoom = { world, openssl, memory, contexts, page, link: () => drawLink(prng) };
  const servers = Array.from({ length: 1 + prng.below(4) }, (_, i) => new TlsServer(room, drawServer(prng, i)));
  for (const server of servers) network.acceptors.set(server.spec.address, server);
  const board = Board.createAlone({ servers: servers.length, listeners: 1, rows: 1 });
  board.update((set) => {
    for (const i of servers.keys()) {
      const address = Uint8Array.of(10, 1, 0, i + 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
      set(i, { state: SERVER_UP, weight: WEIGHT_UNIT, family: 4, port: 9000, isBackup: false, address });
    }
  });
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
  const descriptor = transport.openListener(LISTENER, () => drawLink(prng));
  const specs = servers.map(({ spec }) => spec);
  proxy.apply(planOf(specs, prng.oneIn(2), prng.oneIn(2) ? '1.2' : '1.3'), [{ id: 0, listener: 0, descriptor }], {
    ...NO_SECRETS,
    authorities: [AUTHORITIES],
  });
  void transport.run(proxy);
  const clients: Client[] = [];
  const count = 5 + prng.below(30);
  for (let i = 0; i < count; i++) {
    const from = `10.2.0.${1 + i}:${20_000 + i}`;
    const startUs = prng.below(3_000_000);
    world.schedule(startUs, () => clients.push(new Client(world, network.dial(from, LISTENER), page)));
  }
  const isOver = (): boolean => clients.length === count && clients.every(({ outcome }) => outcome !== 'waits');
  world.run(OVER_US, isOver);
  if (!isOver()) world.fail('everything ends', `${clients.filter(({ outcome }) => outcome === 'waits').length} wait`);
  judge(world, servers, clients, isLossy);
  world.run(world.nowUs + 20_000_000, () => transport.openSockets === 0);
  if (transport.openSockets > 0) world.fail('everything ends', transport.describeSockets());
  transport.isCalm = true;
  world.run(world.nowUs + 400_000, () => false);
  assert.equal(arena.usedSlots, atRest, `seed ${seed}: slots are in use`);
  arena.judge(0);
  assert.equal(arena.foreign.used, 0, `seed ${seed}: sessions are counted that are gone`);
  // tries that failed may count on for a while
  const isIdle = (): boolean => servers.every((_, i) => board.worker(0).serverConnections(i) === 0);
  world.run(world.nowUs + HELD_DONE_US, isIdle);
  assert.ok(isIdle(), `seed ${seed}: connections are counted that are gone`);
  arena.leave(false);
  return {
    traceHash: world.traceHash,
    outcomes: clients.map(({ outcome }) => outcome),
    refused: servers.filter(({ spec }) => WRONG.includes(spec.fate)).length,
  };
}

function judge(world: World, servers: readonly TlsServer[], clients: readonly Client[], isLossy: boolean): void {
  const fates = servers.map(({ spec }) => spec.fate);
  const without = (...known: TlsServerFate[]): boolean => fates.every((fate) => known.includes(fate));
  for (const { requests, spec } of servers) {
    if (WRONG.includes(spec.fate) && requests > 0) world.fail('tls', `${spec.fate} ${spec.address} has a request`);
  }
  const missed = clients.filter(({ outcome }) => outcome !== 'page').length;
  if (!isLossy && fates.includes('answers') && without('answers', ...WRONG) && missed > 0)
    world.fail('unanswered', `${missed} clients of ${fates.join(', ')}`);
  const expected = isLossy ? ['error', 'cut'] : ['error'];
  if (without(...WRONG) && clients.some(({ outcome }) => !expected.includes(outcome)))
    world.fail('tls', `an answer of ${fates.join(', ')}`);
}

test('servers over TLS: pages come whole or are seen to be cut, and no wrong server sees a request', (t) => {
  const counts = { page: 0, error: 0, cut: 0, waits: 0 };
  let refused = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const played = play(seed);
    for (const outcome of played.outcomes) counts[outcome]++;
    refused += played.refused;
  }
  const said = `${counts.page} pages, ${counts.error} errors, ${counts.cut} cut, ${refused} wrong servers`;
  assert.ok(counts.page > 300 && counts.error > 50 && counts.cut > 10 && refused > 10, said);
  t.diagnostic(said);
});

test('a seed is the same run again', () => {
  for (const seed of [3, 4, 5]) assert.equal(play(seed).traceHash, play(seed).traceHash);
});

for (const sabotage of ['drop-byte', 'flip-byte', 'double-slice'] as const) {
  test(`canary: a transport that is broken by ${sabotage} is caught`, () => {
    assert.ok(isCaught(40, (seed) => play(seed, sabotage)));
  });
}
