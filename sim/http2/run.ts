/** One seed: clients and servers of HTTP/2 with a production proxy between them, and what must hold. */
import { Board, SERVER_UP, WEIGHT_UNIT } from '../../src/base/board.ts';
import { Prng } from '../../src/base/prng.ts';
import { encodeUtf8 } from '../../src/base/text.ts';
import type { Plan } from '../../src/config/plan/plan.ts';
import { formatRoutes } from '../../src/config/plan/route-text.ts';
import type { ServerPlan } from '../../src/config/plan/upstream.ts';
import { Openssl } from '../../src/io/openssl/openssl.ts';
import { Proxy } from '../../src/proxy/proxy.ts';
import { SimCompression } from '../compression.ts';
import { CheckedArena } from '../checked-arena.ts';
import { HARMFUL_FAULTS } from '../faults.ts';
import { type LinkSpec, Network } from '../network.ts';
import { drawScenario } from '../scenario.ts';
import { drawPlan } from '../scenario-plan.ts';
import { type Sabotage, SimTransport } from '../transport.ts';
import { World } from '../world.ts';
import { Http2Client, type Outcome, type RequestSpec } from './client.ts';
import type { Manner } from './peer.ts';
import { type Arrivals, Http2Server, type ServerSpec } from './server.ts';

const LISTENER = '10.0.0.1:8000';
const PORT = 9000;
const OVER_US = 120_000_000;
/** Every connection has been given up by then, also one whose client is gone and was not heard of; */
const AT_REST_US = 200_000_000;
/** and no place is held for who has failed. */
const HELD_US = 15_000_000;

export const HTTP2_FAULTS = ['cancels', 'resets', 'refusals', 'departures', 'breaks', 'early', 'lossy'] as const;
export type Http2Fault = (typeof HTTP2_FAULTS)[number];

export interface Http2Played {
  readonly traceHash: string;
  readonly faults: ReadonlySet<Http2Fault>;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  readonly connections: number;
}

export interface Http2Options {
  readonly sabotage?: Sabotage;
  readonly world?: World;
}

export function playHttp2(
  seed: number,
  { sabotage = 'none', world = new World(seed, false) }: Http2Options = {},
): Http2Played {
  const prng = new Prng(seed ^ 0x48_32);
  // in one of three nothing is harmful, in one there is one thing
  const faults = drawFaults(prng);
  const network = new Network(world);
  const arena = new CheckedArena(world, 128, 512);
  const omitted = faults.has('lossy') ? [] : HARMFUL_FAULTS;
  const transport = new SimTransport(network, arena, drawScenario(seed, { faults: omitted, clients: [] }).transport);
  transport.sabotage = sabotage;
  const arrivals: Arrivals = new Map();
  const specs = Array.from({ length: 1 + prng.below(3) }, (_, i) => drawServer(prng, i, faults));
  const servers = specs.map((spec) => new Http2Server(world, spec, arrivals, () => drawLink(prng)));
  for (const server of servers) network.acceptors.set(server.spec.address, server);
  const board = Board.createAlone({ servers: servers.length, listeners: 1, rows: 1 });
  board.update((set) => {
    for (const i of servers.keys()) {
      const address = Uint8Array.of(10, 1, 0, i + 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
      set(i, { state: SERVER_UP, weight: WEIGHT_UNIT, family: 4, port: PORT, isBackup: false, address });
    }
  });
  const proxy = new Proxy({
    transport,
    board,
    row: 0,
    seed,
    wallClockMs: () => Math.floor(world.nowUs / 1000),
    hostname: encodeUtf8('sim'),
    machineAddresses: () => [],
    report: () => undefined,
    descriptors: 10_000,
    openTls: () => Openssl.open(arena.memory),
    openCompression: () => new SimCompression(world, arena.memory, new Prng(seed), false),
  });
  const atRest = arena.usedSlots;
  const descriptor = transport.openListener(LISTENER, () => drawLink(prng));
  proxy.apply(planOf(specs), [{ id: 0, listener: 0, descriptor }]);
  void transport.run(proxy);
  const clients: Http2Client[] = [];
  const requests = new Map<number, RequestSpec>();
  const count = 1 + prng.below(4);
  for (let i = 0; i < count; i++) {
    const manner = drawManner(prng);
    const asked = drawRequests(prng, requests, faults, bytesFor([manner]), bytesFor(specs.map((spec) => spec.manner)));
    world.schedule(prng.below(50_000), () => {
      const endpoint = network.dial(`10.2.0.${i + 1}:${20_000 + i}`, LISTENER);
      clients.push(new Http2Client(world, endpoint, new Prng(seed ^ (i + 1)), `client ${i}`, manner, asked));
    });
  }
  const isOver = (): boolean => clients.length === count && clients.every(({ isDone }) => isDone);
  world.run(OVER_US, isOver);
  if (!isOver()) world.fail('everything ends', waitingText(clients));
  judge(world, clients, requests, arrivals, faults);
  transport.isCalm = true;
  world.run(world.nowUs + AT_REST_US, () => transport.openSockets === 0);
  world.run(world.nowUs + HELD_US, () => false);
  if (transport.openSockets > 0) world.fail('everything ends', transport.describeSockets());
  if (arena.usedSlots !== atRest) world.fail('slots', `${arena.usedSlots - atRest} are in use`);
  for (const i of servers.keys()) {
    const left = board.worker(0).serverConnections(i);
    if (left !== 0) world.fail('counters', `${left} streams of server ${i} are counted that are gone`);
  }
  arena.leave(false);
  const outcomes: Record<Outcome, number> = { waits: 0, whole: 0, error: 0, cut: 0, cancelled: 0 };
  for (const client of clients) for (const outcome of client.outcomes.values()) outcomes[outcome]++;
  const connections = servers.reduce((sum, server) => sum + server.connections, 0);
  return { traceHash: world.traceHash, faults, outcomes, connections };
}

function waitingText(clients: readonly Http2Client[]): string {
  return clients
    .flatMap(({ name, outcomes }) =>
      [...outcomes].filter(([, outcome]) => outcome === 'waits').map(([id]) => `${name}: ${id}`),
    )
    .join(', ');
}

function judge(
  world: World,
  clients: readonly Http2Client[],
  requests: ReadonlyMap<number, RequestSpec>,
  arrivals: Arrivals,
  faults: ReadonlySet<Http2Fault>,
): void {
  const excuses: readonly Http2Fault[] = ['resets', 'refusals', 'breaks', 'lossy'];
  const isHarmed = excuses.some((fault) => faults.has(fault));
  for (const { name, outcomes, refused } of clients) {
    for (const id of refused)
      if (arrivals.has(id)) world.fail('refused', `${name}: ${id}, which a server has worked on`);
    for (const [id, outcome] of outcomes) {
      const { bodyBytes, cancelUs, hasTrailers } = requests.get(id) as RequestSpec;
      if (outcome === 'cancelled' && cancelUs > 0) continue;
      // a part of its body was sent, and is not here any more
      const isGone = faults.has('departures') && (bodyBytes > 0 || hasTrailers);
      if (outcome !== 'whole' && !isHarmed && !isGone) world.fail('unanswered', `${name}: ${id} ends as ${outcome}`);
      // none of them is idempotent but those without a body
      const tries = arrivals.get(id) ?? 0;
      if (outcome === 'whole' && tries === 0) world.fail('content', `${id} has an answer that no server gave`);
      if (tries > 1 && bodyBytes >= 0) world.fail('repeated', `${id} was worked on ${tries} times`);
      if (tries > 1 && !['breaks', 'lossy', 'resets'].some((fault) => faults.has(fault as Http2Fault)))
        world.fail('repeated', `${id}: ${tries} times`);
    }
  }
}

export function drawFaults(prng: Prng): ReadonlySet<Http2Fault> {
  const kind = prng.below(3);
  if (kind === 0) return new Set();
  if (kind === 1) return new Set([HTTP2_FAULTS[prng.below(HTTP2_FAULTS.length)]]);
  return new Set(HTTP2_FAULTS.filter(() => prng.oneIn(2)));
}

function drawManner(prng: Prng): Manner {
  return {
    dataBytes: prng.oneIn(3) ? 16_384 : 60 + prng.below(prng.oneIn(2) ? 100 : 2000),
    blockBytes: prng.oneIn(2) ? 0 : 1 + prng.below(40),
    windowBytes: prng.oneIn(2) ? 65_535 : 60 + prng.below(prng.oneIn(2) ? 100 : 20_000),
    streamsMax: prng.oneIn(2) ? 0 : 1 + prng.below(8),
    gapUs: prng.oneIn(3) ? 0 : prng.below(3_000),
    isPadding: prng.oneIn(4),
  };
}

function drawServer(prng: Prng, index: number, faults: ReadonlySet<Http2Fault>): ServerSpec {
  return {
    address: `10.1.0.${index + 1}:${PORT}`,
    seed: prng.nextU32(),
    manner: drawManner(prng),
    resetOneIn: faults.has('resets') ? 8 : 0,
    refuseOneIn: faults.has('refusals') ? 6 : 0,
    goOneIn: faults.has('departures') ? 10 : 0,
    breakOneIn: faults.has('breaks') ? 15 : 0,
    earlyOneIn: faults.has('early') ? 3 : 0,
    thinkUs: prng.below(prng.oneIn(2) ? 500 : 200_000),
  };
}

/** What comes through the smallest of these windows in a reasonable time. */
function bytesFor(manners: readonly Manner[]): number {
  return Math.min(80_000, ...manners.map(({ windowBytes }) => 100 * windowBytes));
}

function drawBytes(prng: Prng, bytes: number): number {
  if (prng.oneIn(5)) return 0;
  return prng.below(prng.oneIn(4) ? bytes : Math.min(bytes, 1_500));
}

function drawRequests(
  prng: Prng,
  all: Map<number, RequestSpec>,
  faults: ReadonlySet<Http2Fault>,
  answerBytes: number,
  bodyBytes: number,
): readonly RequestSpec[] {
  const isBurst = prng.oneIn(3);
  return Array.from({ length: 1 + prng.below(25) }, () => {
    const spec: RequestSpec = {
      id: all.size + 1,
      atUs: isBurst ? 0 : prng.below(400_000),
      bodyBytes: prng.oneIn(2) ? -1 : drawBytes(prng, bodyBytes),
      hasLength: prng.oneIn(2),
      hasTrailers: prng.oneIn(4),
      answerBytes: drawBytes(prng, answerBytes),
      cancelUs: faults.has('cancels') && prng.oneIn(4) ? 1 + prng.below(100_000) : 0,
    };
    all.set(spec.id, spec);
    return spec;
  });
}

function drawLink(prng: Prng): LinkSpec {
  return {
    delayUs: 1 + prng.below(prng.oneIn(3) ? 20_000 : 500),
    jitterUs: prng.below(500),
    tinyBytes: prng.oneIn(3) ? prng.below(3_000) : 0,
    tinySlice: 1 + prng.below(40),
    stallOneIn: 0,
    stallUs: 0,
    bufferBytes: prng.oneIn(3) ? 600 + prng.below(3_000) : 65_536,
  };
}

function planOf(servers: readonly ServerSpec[]): Plan {
  const { plan } = drawPlan(new Prng(1), new Set());
  const [listener] = plan.listeners;
  const [upstream] = plan.upstreams;
  const edit = { set: [], add: [], remove: [] };
  const retry = { attempts: 3, connect: true, reset: true, timeout: true, statuses: [], nonIdempotent: false };
  return {
    ...plan,
    admin: null,
    serverSlots: servers.length,
    upstreams: [
      {
        ...upstream,
        protocol: 'http2',
        balance: 'round-robin',
        hash: null,
        passive: null,
        sources: [],
        proxyProtocol: null,
        proxyTlvs: [],
        queueMax: 1_000,
        poolIdle: null,
        timeouts: { ...upstream.timeouts, connectMs: 10_000, responseMs: 60_000, idleMs: 3_000, queueMs: 10_000 },
        servers: servers.map(({ address }, i): ServerPlan => ({
          name: address,
          target: { family: 4, host: `10.1.0.${i + 1}`, port: PORT },
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
        http2: true,
        limits: { ...listener.limits, connections: 1_000 },
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
