/**
 * A tiny arena, clients that send half a head and stand still, some that go on from one head to the next, and others that ask
 * and are answered: whoever moves is not shed, whoever is shed has stood still for longest, and nobody is refused for want of
 * memory but those.
 */
import { encodeUtf8 } from '../src/base/text.ts';
import assert from 'node:assert/strict';
import { formatRoutes } from '../src/config/plan/route-text.ts';
import { test } from 'node:test';
import { Board, SERVER_UP, WEIGHT_UNIT } from '../src/base/board.ts';
import { Prng } from '../src/base/prng.ts';
import type { Plan } from '../src/config/plan/plan.ts';
import { Openssl } from '../src/io/openssl/openssl.ts';
import { NativeCompression } from '../src/io/zlib/compression.ts';
import { Proxy } from '../src/proxy/proxy.ts';
import { CheckedArena } from './checked-arena.ts';
import { type Acceptor, type Endpoint, type LinkSpec, Network } from './network.ts';
import { FULL_PACE, PeerPort, type PortOwner } from './peers/port.ts';
import { drawPlan } from './scenario-plan.ts';
import { HARMFUL_FAULTS, HARMLESS_FAULTS } from './faults.ts';
import { drawScenario } from './scenario.ts';
import { SimTransport } from './transport.ts';
import { World } from './world.ts';

const SMALL = 64;
/** Memory is short when fewer are free. */
const RESERVE = SMALL / 16;
const CROWD = 80;
/** One comes in so long, the bystanders ask as often. */
const PACE_US = 150_000;
const MOVERS = 6;
const MOVE_US = 400_000;
/** What the guard may be late by in its judgement: a turn or two, and the way of a byte. */
const BLUR_US = 200_000;
/** Those that are shed in one turn have all been told after this time. */
const ARRIVAL_US = 20_000;
const LINK: LinkSpec = {
  delayUs: 100,
  jitterUs: 50,
  tinyBytes: 0,
  tinySlice: 1,
  stallOneIn: 0,
  stallUs: 0,
  bufferBytes: 16_384,
};
const LISTENER = '10.0.0.1:8000';
const SERVER = '10.1.0.1:9000';

class Peer implements PortOwner {
  readonly port: PeerPort;
  text = '';
  endedAtUs = 0;
  /** When it last sent something. */
  movedAtUs = 0;
  private readonly world: World;
  /** Called when it has been sent a whole head. */
  private readonly onHead: (peer: Peer) => void;

  constructor(world: World, endpoint: Endpoint, onHead: (peer: Peer) => void) {
    this.world = world;
    this.onHead = onHead;
    this.port = new PeerPort(world, endpoint, new Prng(1), FULL_PACE, FULL_PACE, this);
    this.port.step();
  }

  write(text: string): void {
    this.movedAtUs = this.world.nowUs;
    this.port.write(Buffer.from(text));
  }

  handleConnected(): void {}
  handleFlushed(): void {}
  handleBytes(bytes: Uint8Array, at: number, length: number): void {
    this.text += Buffer.from(bytes.subarray(at, at + length)).toString('latin1');
    if (this.text.includes('\r\n\r\n')) this.onHead(this);
  }
  handleEnd(): void {
    this.port.close();
    this.handleBroken();
  }
  handleBroken(): void {
    this.endedAtUs = this.world.nowUs;
  }
}

function planOf(): Plan {
  const { plan } = drawPlan(new Prng(1), new Set());
  const [listener] = plan.listeners;
  const [upstream] = plan.upstreams;
  const timeouts = { headMs: 600_000, bodyMs: 600_000, idleMs: 600_000, halfClosedMs: 1000 };
  const edit = { set: [], add: [], remove: [] };
  return {
    ...plan,
    admin: null,
    serverSlots: 1,
    upstreams: [
      {
        ...upstream,
        balance: 'round-robin',
        hash: null,
        passive: null,
        servers: [
          {
            name: SERVER,
            target: { family: 4, host: '10.1.0.1', port: 9000 },
            weight: 1,
            state: 'enabled',
            maxConnections: 0,
            backup: false,
            firstSlot: 0,
            slotCount: 1,
            epoch: 0,
            passive: null,
            health: null,
            notify: null,
          },
        ],
      },
    ],
    listeners: [
      {
        ...listener,
        slot: 0,
        binds: [{ address: { family: 4, host: '10.0.0.1', port: 8000 }, dual: false, isUdp: false }],
        timeouts,
        routes: formatRoutes([
          {
            match: { hosts: [], path: null, methods: [], values: [] },
            action: {
              kind: 'proxy',
              upstream: upstream.name,
              rewrite: null,
              timeoutMs: 0,
              retry: { attempts: 0, connect: false, reset: false, timeout: false, statuses: [], nonIdempotent: false },
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

function play(seed: number): { shed: number; answered: number } {
  const world = new World(seed, false);
  const network = new Network(world);
  const arena = new CheckedArena(world, 64, SMALL);
  const transport = new SimTransport(network, arena, drawScenario(seed, { faults: ALL, clients: [] }).transport);
  const plan = planOf();
  const board = Board.createAlone({ servers: 1, listeners: 1, rows: 1 });
  board.update((set) => {
    const address = Uint8Array.of(10, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    set(0, { state: SERVER_UP, weight: WEIGHT_UNIT, family: 4, port: 9000, isBackup: false, address });
  });
  const server: Acceptor = {
    mode: 'accept',
    connectDelayUs: 100,
    link: () => LINK,
    hasRoom: () => true,
    accept(endpoint) {
      const peer = new Peer(world, endpoint, () => {
        peer.text = '';
        peer.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
      });
    },
  };
  network.acceptors.set(SERVER, server);
  const events: string[] = [];
  const proxy = new Proxy({
    transport,
    board,
    row: 0,
    seed,
    wallClockMs: () => 0,
    hostname: encodeUtf8('sim'),
    machineAddresses: () => [],
    report: (event) => events.push(event.kind),
    descriptors: 10_000,
    openTls: () => Openssl.open(transport.arena.memory),
    openCompression: () => new NativeCompression(transport.arena.memory),
  });
  proxy.apply(plan, [{ id: 0, listener: 0, descriptor: transport.openListener(LISTENER, () => LINK) }]);
  void transport.run(proxy);

  let clients = 0;
  const dial = (onHead: (peer: Peer) => void): Peer =>
    new Peer(world, network.dial(`10.2.0.1:${20_000 + clients++}`, LISTENER), onHead);
  const still: Peer[] = [];
  const movers: Peer[] = [];
  let answered = 0;
  /** Of all that still stand, none has stood still for longer than who is ended now. */
  const checkShed = (shed: Peer): void => {
    const earlier = still.filter((peer) => peer.endedAtUs === 0 && peer.text === '' && peer !== shed);
    for (const { movedAtUs } of earlier) {
      if (movedAtUs + BLUR_US < shed.movedAtUs) world.fail('shed out of turn', `${movedAtUs}, ${shed.movedAtUs}`);
    }
  };
  for (let i = 0; i < MOVERS; i++) {
    const mover = dial((peer) => {
      if (!peer.text.startsWith('HTTP/1.1 200 ')) world.fail('a moving client is shed', peer.text);
      peer.text = '';
    });
    const half = 'GET / HTTP/1.1\r\nHost: a\r\n';
    mover.write(half);
    movers.push(mover);
    // It ends the head that it has begun, and begins another: a head that only trickles stands still.
    const go = (): void => {
      mover.write(`\r\n${half}`);
      world.schedule(MOVE_US, go);
    };
    world.schedule(MOVE_US, go);
  }
  for (let i = 0; i < CROWD; i++) {
    world.schedule(i * PACE_US, () => {
      const peer = dial((shed) => world.schedule(ARRIVAL_US, () => checkShed(shed)));
      peer.write('GET / HTTP/1.1\r\nHost: a\r\n');
      still.push(peer);
    });
  }
  let asked = 0;
  const ask = (): void => {
    asked++;
    const peer = dial(({ text }) => {
      if (!text.startsWith('HTTP/1.1 200 ')) world.fail('a bystander is refused', text);
      answered++;
      peer.port.close();
    });
    peer.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  };
  const end = CROWD * PACE_US + 8_000_000;
  for (let at = 0; at < end; at += PACE_US) world.schedule(at, ask);
  world.run(end + 1_000_000, () => false);
  assert.equal(answered, asked);
  assert.deepEqual(events.slice(0, 1), ['memory-short']);
  for (const mover of movers) assert.equal(mover.endedAtUs, 0);
  const gone = still.filter(({ text }) => text !== '');
  assert.ok(gone.every(({ text }) => text.startsWith('HTTP/1.1 503 ')));
  const { shed } = board.worker(0);
  assert.equal(gone.length, shed, 'who was shed was told so, and nobody else was ended');
  assert.ok(arena.small.used <= SMALL - RESERVE);
  arena.leave(false);
  return { shed, answered };
}

/** Each class of faults would excuse what must not happen here. */
const ALL = [...HARMLESS_FAULTS, ...HARMFUL_FAULTS];

test('when memory is short, who moves stays, who stood still for longest goes, and everybody else is served', (t) => {
  for (let seed = 1; seed <= 5; seed++) {
    const { shed, answered } = play(seed);
    assert.ok(shed > 0 && shed < CROWD / 2, `seed ${seed}: ${shed} were shed`);
    t.diagnostic(`seed ${seed}: ${shed} shed, ${answered} answered`);
  }
});
