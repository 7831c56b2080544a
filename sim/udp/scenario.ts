/** What a seed means: the plan, who asks, what answers, what is done to the node meanwhile, and what goes wrong. */
import type { Address } from '../../src/base/address.ts';
import { Prng } from '../../src/base/prng.ts';
import type { Plan } from '../../src/config/plan/plan.ts';
import type { UdpPlan } from '../../src/config/plan/listener.ts';
import { drawPlan } from '../scenario-plan.ts';
import { HOST, type WaySpec } from './kernel.ts';
import type { ClientSpec, ServerSpec } from './peers.ts';
import type { UdpTransportSpec } from './transport.ts';

/** Hidden completely: no datagram is lost, and a session that goes on stays where it is. */
export const HARMLESS = [
  'slow', // a long way
  'overtaking', // datagrams arrive in any order
  'late', // the process gets no CPU for a while
  'reloads', // the plan is applied again, with servers in another order
  'workers', // there are more proxies, or fewer
  'upgrades', // to another program
  'failedUpgrades', // to programs that end before they serve
  'engines', // some programs do not know which address a client has asked
] as const;

/** Each may cost datagrams, or sessions. */
export const HARMFUL = [
  'lost', // by the network
  'twice', // the network delivers some twice
  'kills', // of proxies
  'downs', // the keeper takes servers out and in again
  'refusing', // nobody listens at a server for a while
  'mute', // servers do not answer everything
  'openFails', // no socket towards a server
  'drops', // what is sent does not leave
  'crowd', // addresses that are never heard of again, more than there may be sessions
  'fewSockets', // fewer than sessions
] as const;

export type UdpFault = (typeof HARMLESS)[number] | (typeof HARMFUL)[number];

export interface NodeEvent {
  readonly kind: 'reload' | 'workers' | 'upgrade' | 'failed-upgrade' | 'kill' | 'down' | 'close';
  readonly atUs: number;
  /** Which one, or how many. */
  readonly number: number;
}

export interface UdpScenario {
  readonly seed: number;
  readonly faults: ReadonlySet<UdpFault>;
  readonly plan: Plan;
  readonly rules: UdpPlan;
  /** Bound sockets of each port: so many proxies at most have clients. */
  readonly sockets: number;
  readonly way: WaySpec;
  readonly transport: UdpTransportSpec;
  readonly clients: readonly ClientSpec[];
  /** They ask once, from anywhere. */
  readonly crowd: readonly ClientSpec[];
  readonly servers: readonly ServerSpec[];
  readonly events: readonly NodeEvent[];
}

/** Of the listener: at each of them this machine's two addresses can be asked. */
export const PORTS = [53, 5353];
const ASKED: readonly Address[] = [HOST, '10.0.0.2'].flatMap((host) => {
  return PORTS.map((port): Address => ({ family: 4, host, port }));
});
/** Everything happens in this time. */
export const ACTIVE_US = 4_000_000;
/** A client's pauses, late turns and the way together are shorter: a session ends by silence only when its client is done. */
const PAUSE_US = 700_000;
export const IDLE_MS = 3_000;
const WORKERS_MAX = 4;
/** Of each proxy in a crowd; far more than the clients that go on. */
const CROWDED_CONNECTIONS = 40;

const RULES: readonly UdpPlan[] = [
  { idleMs: IDLE_MS, requests: 0, responses: -1 },
  { idleMs: IDLE_MS, requests: 0, responses: -1 },
  { idleMs: IDLE_MS, requests: 0, responses: 1 },
  { idleMs: IDLE_MS, requests: 1, responses: 1 },
  { idleMs: IDLE_MS, requests: 1, responses: 0 },
];

export function drawUdpScenario(seed: number): UdpScenario {
  const prng = new Prng(seed);
  const faults = drawFaults(prng);
  const rules = RULES[prng.below(RULES.length)];
  const isTold = prng.oneIn(3);
  const servers = drawServers(prng, rules, faults, isTold);
  const clients = drawClients(prng, faults);
  return {
    seed,
    faults,
    plan: planOf(prng, rules, servers, faults, isTold),
    rules,
    sockets: WORKERS_MAX,
    way: {
      delayUs: faults.has('slow') ? 20_000 : 200,
      jitterUs: faults.has('overtaking') ? 30_000 : 0,
      lostOneIn: faults.has('lost') ? 5 + prng.below(50) : 0,
      twiceOneIn: faults.has('twice') ? 3 + prng.below(20) : 0,
    },
    transport: {
      clockBaseMs: [0, 123_456_789, 2 ** 31 - 1500, 2 ** 32 - 1500, 2 ** 33 + 17][prng.below(5)],
      wakeUs: prng.oneIn(3) ? 3_000 : 50,
      lateOneIn: faults.has('late') ? 20 + prng.below(100) : 0,
      lateMs: 300,
      openFailOneIn: faults.has('openFails') ? 2 + prng.below(6) : 0,
      dropOneIn: faults.has('drops') ? 5 + prng.below(50) : 0,
      socketsMax: faults.has('fewSockets') ? 2 + prng.below(10) : 100_000,
    },
    clients,
    crowd: faults.has('crowd') ? drawCrowd(prng, clients.length) : [],
    servers,
    events: drawEvents(prng, faults, servers.length),
  };
}

function drawFaults(prng: Prng): Set<UdpFault> {
  const faults = new Set<UdpFault>(HARMLESS.filter(() => prng.oneIn(2)));
  // none in two fifths of the runs, one in two fifths, several in the rest
  const kind = prng.below(5);
  const single = HARMFUL[prng.below(HARMFUL.length)];
  for (const fault of HARMFUL) if (kind >= 2 && (kind < 4 ? fault === single : prng.oneIn(3))) faults.add(fault);
  return faults;
}

function drawServers(prng: Prng, { responses }: UdpPlan, faults: ReadonlySet<UdpFault>, isTold: boolean): ServerSpec[] {
  return Array.from({ length: 1 + prng.below(3) }, (_, id) => ({
    id,
    seed: prng.nextU32(),
    address: { family: 4, host: `10.1.0.${1 + id}`, port: 9000 },
    isTold,
    answers: responses >= 0 ? responses : 1 + prng.below(2),
    tellOneIn: responses < 0 && prng.oneIn(2) ? 3 : 0,
    muteOneIn: faults.has('mute') ? 2 + prng.below(6) : 0,
    delayUs: prng.oneIn(2) ? 300 : 100_000,
  }));
}

function drawClients(prng: Prng, faults: ReadonlySet<UdpFault>): ClientSpec[] {
  const count = faults.has('crowd') ? 3 : 1 + prng.below(12);
  return Array.from({ length: count }, (_, id) => {
    const pauseUs = prng.oneIn(2) ? PAUSE_US : 30_000;
    return {
      id,
      seed: prng.nextU32(),
      // some share an address
      address: { family: 4, host: `10.2.0.${1 + prng.below(count)}`, port: 20_000 + id },
      asks: prng.oneIn(3) && !faults.has('crowd') ? ASKED.slice(prng.below(3)) : [ASKED[prng.below(4)]],
      startUs: prng.below(prng.oneIn(2) ? 500_000 : ACTIVE_US / 2),
      questions: 1 + prng.below(Math.floor(ACTIVE_US / pauseUs)),
      pauseUs,
      bytes: prng.oneIn(8) ? 20_000 : prng.below(300),
    };
  });
}

function drawCrowd(prng: Prng, first: number): ClientSpec[] {
  return Array.from({ length: 300 + prng.below(500) }, (_, i) => ({
    id: first + i,
    seed: 0,
    address: { family: 4, host: `10.3.${i >> 8}.${i & 0xff}`, port: 1000 },
    asks: [ASKED[prng.below(4)]],
    startUs: 500_000 + prng.below(ACTIVE_US - 500_000),
    questions: 1,
    pauseUs: 0,
    bytes: 0,
  }));
}

function drawEvents(prng: Prng, faults: ReadonlySet<UdpFault>, servers: number): NodeEvent[] {
  const events: NodeEvent[] = [];
  const add = (fault: UdpFault, kind: NodeEvent['kind'], most: number, below: number): void => {
    if (!faults.has(fault)) return;
    const count = 1 + prng.below(most);
    for (let i = 0; i < count; i++) events.push({ kind, atUs: prng.below(ACTIVE_US), number: prng.below(below) });
  };
  add('reloads', 'reload', 5, 1 << 30);
  add('workers', 'workers', 5, WORKERS_MAX);
  add('upgrades', 'upgrade', 3, 1);
  add('failedUpgrades', 'failed-upgrade', 3, 1);
  add('kills', 'kill', 5, 1 << 30);
  add('downs', 'down', 4, servers);
  add('refusing', 'close', 3, servers);
  return events.sort((a, b) => a.atUs - b.atUs);
}

function planOf(
  prng: Prng,
  rules: UdpPlan,
  servers: readonly ServerSpec[],
  faults: ReadonlySet<UdpFault>,
  isTold: boolean,
): Plan {
  const { plan } = drawPlan(new Prng(1), new Set());
  const [listener] = plan.listeners;
  const [upstream] = plan.upstreams;
  return {
    ...plan,
    workers: 1 + prng.below(WORKERS_MAX),
    admin: null,
    serverSlots: servers.length,
    upstreams: [
      {
        ...upstream,
        slot: 0,
        balance: (['round-robin', 'least-connections', 'source-hash'] as const)[prng.below(3)],
        hash: null,
        passive: null,
        proxyProtocol: isTold ? 'v2' : null,
        sources: prng.oneIn(3) ? [{ family: 4, host: '10.9.9.1', port: 0 }] : [],
        servers: servers.map(({ id, address }) => ({
          name: `${address.host}:${address.port}`,
          target: address,
          weight: 1,
          state: 'enabled',
          maxConnections: 0,
          backup: false,
          firstSlot: id,
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
        name: 'dns',
        slot: 0,
        protocol: 'udp',
        binds: PORTS.map((port) => ({ address: { family: 4, host: '0.0.0.0', port }, dual: false, isUdp: true })),
        limits: { ...listener.limits, connections: faults.has('crowd') ? CROWDED_CONNECTIONS : 10_000 },
        routes: '',
        counted: [],
        proxyProtocol: null,
        upstream: 0,
        udp: rules,
      },
    ],
  };
}
