/** The drawn configuration: listeners, routes, upstreams with their limits, and the servers behind them. */
import type { Address } from '../src/base/address.ts';
import { HEAD_BYTES_MAX } from '../src/base/limits.ts';
import type { Prng } from '../src/base/prng.ts';
import type { ActionPlan, MatchPlan, RetryPlan, RoutePlan } from '../src/config/plan/route.ts';
import type { Balance, ServerPlan, UpstreamPlan } from '../src/config/plan/upstream.ts';
import type { ForwardedPlan, ListenerPlan, ProxyProtocolPlan } from '../src/config/plan/listener.ts';
import type { HeaderEditPlan } from '../src/config/plan/response.ts';
import type { Plan } from '../src/config/plan/plan.ts';
import { formatRoutes } from '../src/config/plan/route-text.ts';
import { BALANCER } from './peers/proxy-header.ts';
import { drawCompress } from './scenario-compress.ts';
import { isCramped } from './scenario-http.ts';
import type { Fault } from './faults.ts';

/** One server process of the simulation, at one slot of the status board. */
export interface ServerSpec {
  readonly index: number;
  readonly protocol: 'http' | 'tcp';
  readonly upstream: number;
  readonly slot: number;
  readonly host: string;
  readonly port: number;
}

const TLVS = ['authority', 'alpn', 'ssl', 'unique-id', 'crc32c'] as const;
const BALANCERS: ProxyProtocolPlan = {
  from: { networks: [{ family: 4, address: BALANCER, bits: 32 }], unix: false },
  trust: { networks: [{ family: 4, address: BALANCER, bits: 32 }], unix: false },
};
const HEADER_MS = 60_000;

/** How long a stop may take. */
export const GRACE_MS = 20_000;

/** Longer than a run: what went to a server that has been replaced ends by itself. */
const DRAIN_MS = 1_000_000;

const KEEP_ALIVE = { idleS: 60, intervalS: 0, probes: 0 };
const NO_EDIT: HeaderEditPlan = { set: [], add: [], remove: [] };
const ANY: MatchPlan = { hosts: [], path: null, methods: [], values: [] };
const BALANCES: readonly Balance[] = ['round-robin', 'least-connections', 'random-two', 'source-hash', 'hash'];

export function drawPlan(prng: Prng, faults: ReadonlySet<Fault>): { plan: Plan; servers: ServerSpec[] } {
  const servers: ServerSpec[] = [];
  const slots = { count: 0 };
  const upstreams: UpstreamPlan[] = [];
  const httpUpstreams = 1 + prng.below(3);
  const hasTcp = prng.oneIn(3);
  const count = httpUpstreams + (hasTcp ? 1 : 0);
  for (let u = 0; u < count; u++)
    upstreams.push(drawUpstream(prng, faults, u, u < httpUpstreams ? 'http' : 'tcp', servers, slots));
  const listeners: ListenerPlan[] = [];
  const httpListeners = 1 + prng.below(2);
  for (let l = 0; l < httpListeners; l++) {
    listeners.push({
      ...drawListener(prng, faults, l),
      protocol: 'http',
      routes: formatRoutes(drawRoutes(prng, faults, httpUpstreams)),
      upstream: -1,
    });
  }
  if (hasTcp) {
    listeners.push({
      ...drawListener(prng, faults, httpListeners),
      protocol: 'tcp',
      routes: '',
      counted: [],
      upstream: httpUpstreams,
    });
  }
  return {
    plan: {
      workers: 1,
      listeners,
      upstreams,
      values: [],
      files: null,
      admin: null,
      accessLogs: [],
      serverSlots: slots.count,
      graceMs: GRACE_MS,
      drainMs: DRAIN_MS,
    },
    servers,
  };
}

/** Most clients' addresses are among them; the hops that clients claim are not. */
const TRUSTS: ForwardedPlan = {
  kind: 'trust',
  networks: [{ family: 4, address: '10.0.0.0', bits: 8 }],
  unix: false,
  field: 'X-Forwarded-For',
  isLastOnly: false,
  isPassed: false,
};
const FORWARDED: readonly ForwardedPlan[] = [{ kind: 'replace' }, { kind: 'append' }, TRUSTS];

/** A time around `ms`: short ones where the class of faults is about them. */
function around(prng: Prng, ms: number): number {
  return Math.floor(ms * (0.5 + prng.unit()));
}

function drawListener(prng: Prng, faults: ReadonlySet<Fault>, index: number): ListenerPlan {
  const isTight = faults.has('tightLimits') && prng.oneIn(2);
  const isBehind = prng.oneIn(5);
  return {
    name: `listener-${index}`,
    slot: index,
    protocol: 'http',
    intake: 'open',
    binds: ['10.0.0.1', '10.0.0.2'].slice(prng.below(2)).map((host) => ({
      address: { family: 4, host, port: 8000 + index },
      dual: false,
      isUdp: false,
    })),
    timeouts: {
      // a balancer sends its header at once, but the network may hold it back
      headMs: isBehind ? HEADER_MS : around(prng, 2500),
      bodyMs: around(prng, 2500),
      idleMs: around(prng, 2000),
      halfClosedMs: 1000,
    },
    limits: {
      headBytes: 4096 + prng.below(prng.oneIn(3) ? HEAD_BYTES_MAX - 4096 : 12_000),
      headers: 40 + prng.below(60),
      bodyBytes: faults.has('overLimits') ? 100 + prng.below(20_000) : 1 << 30,
      bodyRate: prng.oneIn(3) ? 1 + prng.below(200) : 0,
      connections: isTight ? 1 + prng.below(4) : 10_000,
    },
    keepAlive: prng.oneIn(4) ? KEEP_ALIVE : null,
    via: prng.oneIn(3) ? 'evenkeel' : null,
    forwarded: FORWARDED[prng.below(FORWARDED.length)],
    escapedSlash: 'compare',
    ignoresOtherHost: false,
    http2: false,
    routes: '',
    counted: [],
    isReady: true,
    upstream: -1,
    access: null,
    proxyProtocol: isBehind ? BALANCERS : null,
    tls: null,
    passthrough: null,
    tries: { attempts: 3, withinMs: 0 },
    tcp: null,
    udp: null,
    accessLogs: [],
    ...(prng.oneIn(2) ? { compress: drawCompress(prng) } : {}),
  };
}

function drawUpstream(
  prng: Prng,
  faults: ReadonlySet<Fault>,
  index: number,
  protocol: 'http' | 'tcp',
  servers: ServerSpec[],
  slots: { count: number },
): UpstreamPlan {
  const isTight = faults.has('tightLimits');
  const balance = BALANCES[prng.below(protocol === 'tcp' ? 4 : 5)];
  const count = 1 + prng.below(4);
  const plans: ServerPlan[] = [];
  for (let s = 0; s < count; s++) {
    const port = 9000 + s;
    const firstSlot = slots.count;
    // a name has more slots than addresses
    const isName = prng.oneIn(4);
    const slotCount = isName ? 2 + prng.below(4) : 1;
    const addresses = isName ? 1 + prng.below(slotCount) : 1;
    slots.count += slotCount;
    for (let a = 0; a < addresses; a++) {
      const host = `10.1.${index}.${s * 20 + a + 1}`;
      servers.push({ index: servers.length, protocol, upstream: index, slot: firstSlot + a, host, port });
    }
    const host = `10.1.${index}.${s * 20 + 1}`;
    plans.push({
      name: isName ? `server-${s}.test:${port}` : `${host}:${port}`,
      target: isName ? { hostname: `server-${s}.test`, port } : { family: 4, host, port },
      weight: 1 + prng.below(prng.oneIn(4) ? 50 : 3),
      state: 'enabled',
      maxConnections: isTight && prng.oneIn(2) ? 1 + prng.below(3) : 0,
      backup: s > 0 && prng.oneIn(6),
      firstSlot,
      slotCount,
      epoch: 0,
      passive: null,
      health: null,
      notify: null,
    });
  }
  const proxyProtocol = prng.oneIn(5) ? (prng.oneIn(2) ? 'v1' : 'v2') : null;
  return {
    name: `upstream-${index}`,
    slot: index,
    serverBy: null,
    resolver: null,
    balance,
    hash:
      balance === 'hash' ? (prng.oneIn(2) ? { kind: 'path', name: null } : { kind: 'header', name: 'x-key' }) : null,
    servers: plans,
    health: null,
    quorum: null,
    passive:
      faults.has('flaps') && prng.oneIn(2)
        ? { failures: 1 + prng.below(4), withinMs: 2000, ejectMs: 500 + prng.below(2000) }
        : null,
    sources: drawSources(prng),
    slowStartMs: 0,
    timeouts: {
      connectMs: around(prng, 700),
      responseMs: around(prng, 2500),
      idleMs: protocol === 'tcp' ? around(prng, 4000) : around(prng, 1500),
      queueMs: around(prng, 1500),
      tunnelMs: around(prng, 4000),
      halfClosedMs: around(prng, 4000),
    },
    keepAlive: prng.oneIn(4) ? KEEP_ALIVE : null,
    poolIdle: prng.oneIn(3) ? null : prng.below(prng.oneIn(2) ? 3 : 30),
    queueMax: isTight ? prng.below(4) : 1000,
    proxyProtocol,
    proxyTlvs: proxyProtocol === 'v2' ? TLVS : [],
    tls: null,
  };
}

function drawSources(prng: Prng): readonly Address[] {
  if (!prng.oneIn(4)) return [];
  return Array.from({ length: 1 + prng.below(3) }, (_, i) => ({ family: 4, host: `10.9.9.${1 + i}`, port: 0 }));
}

function drawRetry(prng: Prng): RetryPlan {
  return {
    attempts: 1 + prng.below(3),
    connect: !prng.oneIn(4),
    reset: prng.oneIn(2),
    timeout: prng.oneIn(3),
    statuses: prng.oneIn(3) ? [502, 503] : [],
    nonIdempotent: prng.oneIn(5),
  };
}

function drawEdit(prng: Prng, faults: ReadonlySet<Fault>, side: string): HeaderEditPlan {
  if (!prng.oneIn(4)) return NO_EDIT;
  return {
    set: prng.oneIn(2) ? [[`X-Set-${side}`, `set ${prng.below(100)}`]] : [],
    add: prng.oneIn(2)
      ? [
          [
            `X-Add-${side}`,
            `add-${prng.below(100)}${'+'.repeat(prng.oneIn(3) && !isCramped(faults) ? prng.below(4000) : 0)}`,
          ],
        ]
      : [],
    remove: prng.oneIn(2) ? [`x-remove-${side}`] : [],
  };
}

/** Routes that requests can be aimed at: route i is hit by a path under `/r<i>` and, if it has one, its host. */
function drawRoutes(prng: Prng, faults: ReadonlySet<Fault>, upstreams: number): RoutePlan[] {
  const routes: RoutePlan[] = [];
  const count = prng.below(5);
  for (let i = 0; i < count; i++) {
    const shape = prng.below(4);
    const match: MatchPlan =
      shape === 0
        ? { ...ANY, path: { kind: 'prefix', value: `/r${i}/` } }
        : shape === 1
          ? { ...ANY, path: { kind: 'exact', value: `/r${i}` } }
          : shape === 2
            ? { ...ANY, path: { kind: 'regex', value: `^/r${i}/[a-z]+/` } }
            : {
                ...ANY,
                hosts: [prng.oneIn(2) ? `h${i}.test` : `*.h${i}.test`],
                path: { kind: 'prefix', value: `/r${i}/` },
              };
    routes.push({
      match,
      action: drawAction(prng, faults, upstreams, shape),
      requestHeaders: drawEdit(prng, faults, 'q'),
      responseHeaders: drawEdit(prng, faults, 's'),
      successHeaders: { set: [], add: [] },
      name: null,
      steps: [],
      errors: [],
      isInternal: false,
    });
  }
  if (!prng.oneIn(8)) {
    routes.push({
      match: ANY,
      action: drawProxy(prng, faults, upstreams),
      requestHeaders: NO_EDIT,
      responseHeaders: NO_EDIT,
      successHeaders: { set: [], add: [] },
      name: null,
      steps: [],
      errors: [],
      isInternal: false,
    });
  }
  return routes;
}

function drawAction(prng: Prng, faults: ReadonlySet<Fault>, upstreams: number, shape: number): ActionPlan {
  if (prng.oneIn(6))
    return {
      kind: 'respond',
      status: [200, 404, 503][prng.below(3)],
      body: 'pong\n'.repeat(prng.below(prng.oneIn(3) && !isCramped(faults) ? 4800 : 50)),
      contentType: 'text/plain',
    };
  if (prng.oneIn(8))
    return {
      kind: 'redirect',
      status: [301, 302, 303, 307, 308][prng.below(5)] as 301,
      to: 'https://elsewhere.test{uri}',
    };
  const proxy = drawProxy(prng, faults, upstreams);
  if (!prng.oneIn(3) || shape === 2) return proxy;
  return {
    ...proxy,
    rewrite: shape !== 1 && prng.oneIn(2) ? { kind: 'prefix', value: '/new/' } : { kind: 'path', value: '/fixed/path' },
  };
}

function drawProxy(prng: Prng, faults: ReadonlySet<Fault>, upstreams: number): ActionPlan & { kind: 'proxy' } {
  const isTimed = faults.has('serverStalls') && prng.oneIn(3);
  return {
    kind: 'proxy',
    upstream: `upstream-${prng.below(upstreams)}`,
    rewrite: null,
    timeoutMs: isTimed ? around(prng, 1500) : 0,
    retry: drawRetry(prng),
    upgrade: true,
    bodyBytes: null,
    passesClaims: false,
    interceptsErrors: false,
  };
}
