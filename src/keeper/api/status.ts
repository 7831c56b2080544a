/**
 * How the whole of this evenkeel stands: the document that the status socket answers with. States and their reasons come
 * from what decided them: the health registry, the supervisor, the listeners. Only counters are read from the status
 * board. Times are milliseconds at the time of the answer.
 */
import {
  type AnswerView,
  type KeptView,
  type ListenerView,
  memory,
  type MemoryView,
  type DiscoveryView,
  type OverrideView,
  type ProxyView,
  type ServerView,
  type UpstreamView,
} from '../../api/data-plane.ts';
import type { DataPlaneStatus } from '../../api/status.ts';
import { type Address, addressText } from '../../base/address.ts';
import type { Board, WorkerRow } from '../../base/board.ts';
import { OWN_UPSTREAMS } from '../../config/plan/own-upstreams.ts';
import { healthOf } from '../../config/plan/upstream.ts';
import { type ListenerPlan } from '../../config/plan/listener.ts';
import { type Plan } from '../../config/plan/plan.ts';
import { type ServerPlan, type UpstreamPlan } from '../../config/plan/upstream.ts';
import { ANSWER_KINDS } from '../../core/answers/kinds.ts';
import { checkText } from './check-text.ts';
import type { CountMemory, FormerCounts } from '../generations/former-counts.ts';
import type { HealthRegistry, ServerHealth } from '../servers/health.ts';
import { bindText, type OpenListener } from '../proxies/listeners.ts';
import { overrideText } from '../overrides.ts';
import { askedFor, askedText } from '../../core/asked-name.ts';
import { serverSubject } from '../../core/overrides.ts';
import type { NameFailure } from '../servers/names.ts';
import type { TrafficMemory, TrafficTotals } from '../traffic/totals.ts';
import {
  endingViews,
  handshakesView,
  listenerTrafficView,
  loopView,
  serverTrafficView,
  sessionsView,
  upstreamTrafficView,
} from '../traffic/views.ts';
import type { ProxyAccount } from '../proxies/supervisor.ts';

/** How often a proxy's sign of life is looked at. */
export const BEAT_LOOK_MS = 250;

/** Remembers when each proxy's heartbeat last moved. */
export class BeatAges {
  private readonly board: Board;
  private readonly beats: { beat: number; atMs: number }[];

  constructor(board: Board, nowMs: number) {
    this.board = board;
    this.beats = Array.from({ length: board.shape.rows }, () => ({ beat: -1, atMs: nowMs }));
  }

  look(nowMs: number): void {
    this.beats.forEach((known, index) => {
      const beat = this.board.worker(index).heartbeat;
      if (beat === known.beat) return;
      known.beat = beat;
      known.atMs = nowMs;
    });
  }

  silentMs(index: number, nowMs: number): number {
    return nowMs - this.beats[index].atMs;
  }
}

/** Connections that the kernel has forwarded. */
export interface ForwardedFacts {
  /** Why the kernel does not have its rules; null: it has them. */
  readonly failure: string | null;
  /** At this address of a listener. */
  ofService(protocol: 'tcp' | 'udp', address: Address): number;
  /** Of TCP, at this address of a listener. */
  keptAt(address: Address): KeptView | null;
  /** At this address of a server. */
  ofServer(upstream: string, address: Address): number;
}

export interface DataPlaneFacts {
  readonly plan: Plan;
  readonly board: Board;
  readonly ages: BeatAges;
  readonly nowMs: number;
  readonly listeners: readonly OpenListener[];
  readonly isStopping: boolean;
  readonly overrides: readonly OverrideView[];
  /** Null: the servers of this upstream are those of the file. */
  readonly discoveryOf: (upstream: string) => DiscoveryView | null;
  readonly proxies: readonly ProxyAccount[];
  readonly health: HealthRegistry;
  readonly former: FormerCounts;
  readonly traffic: TrafficTotals;
  readonly forwarded: ForwardedFacts;
  /** By its text (core/asked-name.ts). */
  readonly failureOfName: (name: string) => NameFailure | null;
}

export function dataPlaneStatus(facts: DataPlaneFacts): DataPlaneStatus {
  return dataPlaneWith(
    facts,
    facts.plan.upstreams.map((_, index) => upstreamView(facts, index)),
  );
}

/** `upstreams`: their views, in the order of the plan. */
export function dataPlaneWith(facts: DataPlaneFacts, upstreams: readonly UpstreamView[]): DataPlaneStatus {
  return {
    proxies: proxyViews(facts),
    listeners: facts.plan.listeners.map((_, index) => listenerView(facts, index)),
    upstreams,
    overrides: facts.overrides,
    answers: answerViews(facts),
    ...endingViews(facts.traffic),
  };
}

/** For a successor. */
export function countsOf(
  { listeners, upstreams, answers }: DataPlaneStatus,
  traffic: readonly TrafficMemory[],
): CountMemory {
  return {
    traffic,
    ejections: upstreams.map(({ name, ejections = 0 }) => ({ upstream: name, ejections })),
    listeners: listeners.map(({ name, accepted, datagrams }) => ({ listener: name, accepted, datagrams })),
    servers: upstreams.flatMap(({ name: upstream, servers }) =>
      servers.map(({ name: server, address, requests, failures, shortages }) => {
        return { upstream, server, address, requests, failures, shortages };
      }),
    ),
    answers: answers.map(({ name, count, resets = 0 }) => ({ answer: name, count, resets })),
  };
}

export function proxyViews({ plan, board, ages, nowMs, proxies }: DataPlaneFacts): readonly ProxyView[] {
  // Without listeners there are none.
  if (plan.listeners.length === 0) return [];
  ages.look(nowMs);
  return proxies.map(({ row, state, pid, restarts, lastEnd }) => {
    const counts = row < 0 ? null : board.worker(row);
    return {
      state,
      pid,
      silentMs: row < 0 ? 0 : ages.silentMs(row, nowMs),
      restarts,
      lastEnd: lastEnd === null ? null : { reason: lastEnd.reason, ageMs: nowMs - lastEnd.atMs },
      connections: counts === null ? 0 : sum(plan.listeners.map(({ slot }) => counts.listenerConnections(slot))),
      requests: counts?.requests ?? 0,
      linesDropped: counts?.droppedLines ?? 0,
      loop: counts === null ? null : loopView(counts),
      memory: counts === null ? null : memoryView(counts),
    };
  });
}

function memoryView(row: WorkerRow): MemoryView {
  const [large, small, medium, head, foreign] = [0, 1, 2, 3, 4].map((size) => row.slots(size));
  return {
    state: memory.shape.state.options[row.memoryLevel],
    large: large.used,
    largeMax: large.usedMax,
    small: small.used,
    smallMax: small.usedMax,
    medium: medium.used,
    mediumMax: medium.usedMax,
    head: head.used,
    headMax: head.usedMax,
    foreign: foreign.used,
    foreignMax: foreign.usedMax,
    shed: row.shed,
  };
}

export function listenerView(
  { plan, board, listeners, isStopping, former, traffic, forwarded }: DataPlaneFacts,
  index: number,
): ListenerView {
  const own = plan.listeners[index];
  const { name, slot, protocol, binds, inKernel, intake, limits, tls } = own;
  const open = listeners.find(({ plan }) => plan.name === name);
  const failureOf = new Map(open?.failures.map(({ plan, reason }) => [plan, reason]));
  return {
    name,
    protocol,
    state: isStopping ? 'draining' : intake === 'closed' ? 'drained' : isShut(own, open, forwarded) ? 'closed' : 'open',
    binds: binds.map((bind) => {
      const failure = inKernel !== undefined ? forwarded.failure : (failureOf.get(bind) ?? null);
      return { address: bindText(bind), failure };
    }),
    ...(inKernel !== undefined ? { inKernel: true, kept: keptView(own, forwarded) } : {}),
    connections: sumOfWorkers(board, (row) => row.listenerConnections(slot)),
    accepted: former.accepted(name) + acceptedBy(board, own, forwarded),
    datagrams:
      protocol === 'udp'
        ? {
            in: former.datagrams(name).in + sumOfWorkers(board, (row) => row.datagramsIn(slot)),
            out: former.datagrams(name).out + sumOfWorkers(board, (row) => row.datagramsOut(slot)),
          }
        : null,
    connectionsMax: limits.connections * plan.workers,
    traffic: protocol === 'http' ? listenerTrafficView(traffic, own) : null,
    sessions: protocol === 'http' ? null : sessionsView(traffic, own),
    handshakes: tls === null ? null : handshakesView(traffic, own),
  };
}

/** Null: of UDP. */
function keptView({ binds, protocol }: ListenerPlan, forwarded: ForwardedFacts): readonly KeptView[] | null {
  if (protocol === 'udp') return null;
  return binds.flatMap(({ address }) => forwarded.keptAt(address) ?? []);
}

function isShut({ inKernel }: ListenerPlan, open: OpenListener | undefined, { failure }: ForwardedFacts): boolean {
  return inKernel !== undefined ? failure !== null : open?.binds.length === 0;
}

function acceptedBy(
  board: Board,
  { inKernel, slot, protocol, binds }: ListenerPlan,
  forwarded: ForwardedFacts,
): number {
  if (inKernel === undefined) return sumOfWorkers(board, (row) => row.listenerAccepted(slot));
  return sum(binds.map(({ address }) => forwarded.ofService(protocol === 'udp' ? 'udp' : 'tcp', address)));
}

/** `countsServers`: what was counted of its servers is wanted too. */
export function upstreamView(facts: DataPlaneFacts, index: number, countsServers = true): UpstreamView {
  const plan = facts.plan.upstreams[index];
  const { name, balance, servers, sticky, tls, health, quorum } = plan;
  const known = facts.health.serversOf(index);
  const up = facts.health.quorumOf(index);
  return {
    name,
    balance: sticky === undefined ? balance : `${balance}, sticky`,
    tls: tls === null ? null : tls.trust === null ? 'unverified' : 'verified',
    waiting: sumOfWorkers(facts.board, (row) => row.waiting(servers[0].firstSlot)),
    check: health === null ? null : checkText(health),
    quorum: quorum === null || up === null ? null : { weight: quorum.weight, ...up },
    traffic: upstreamTrafficView(facts.traffic, plan),
    ejections: facts.health.ejectionsOf(index),
    ...(plan.discovery === undefined ? {} : discoveryOf(facts, name)),
    servers: servers.flatMap((server, i) =>
      known[i].map((health) => serverView(facts, plan, server, health, countsServers)),
    ),
  };
}

function discoveryOf(facts: DataPlaneFacts, upstream: string): Pick<UpstreamView, 'discovery'> {
  const discovery = facts.discoveryOf(upstream);
  return discovery === null ? {} : { discovery };
}

const CHOSEN_BY_REQUESTS = { state: 'unchecked', reason: 'each request says where it goes' } as const;

const WITHOUT_WEIGHT = { state: 'draining', reason: 'its check says weight 0' } as const;

function trafficOf({ board, traffic }: DataPlaneFacts, upstream: UpstreamPlan, server: ServerPlan, slot: number) {
  const idle = sumOfWorkers(board, (row) => row.serverIdle(slot));
  return serverTrafficView(traffic, upstream, server, slot, idle);
}

function serverView(
  facts: DataPlaneFacts,
  upstreamPlan: UpstreamPlan,
  server: ServerPlan,
  health: ServerHealth,
  isCounted: boolean,
): ServerView {
  const { name: upstream, serverBy } = upstreamPlan;
  const { board } = facts;
  const { slot, address, account } = health;
  const { name, weight, backup, maxConnections } = server;
  const check = healthOf(upstreamPlan, server);
  const where = address === null || OWN_UPSTREAMS.has(upstream) ? null : addressText(address);
  const before = facts.former.server(upstream, name, where);
  const forwarded = address === null ? 0 : facts.forwarded.ofServer(upstream, address);
  return {
    name,
    address: where,
    ...serverState(facts, upstreamPlan, server, account),
    ...(serverBy === null ? {} : CHOSEN_BY_REQUESTS),
    ...administrativeState(facts, upstream, server, account?.state ?? 'unresolved', account?.weight ?? weight),
    check: check === null ? null : checkText(check),
    weight: account?.weight ?? weight,
    isBackup: account?.isBackup ?? backup,
    maxConnections: maxConnections === 0 ? null : maxConnections,
    connections: board.serverConnections(slot),
    requests: before.requests + sumOfWorkers(board, (row) => row.serverRequests(slot)) + forwarded,
    failures: before.failures + sumOfWorkers(board, (row) => row.serverFailures(slot)),
    shortages: before.shortages + sumOfWorkers(board, (row) => row.serverShortages(slot)),
    ...(isCounted ? { traffic: trafficOf(facts, upstreamPlan, server, slot) } : {}),
  };
}

type ServerState = Pick<
  ServerView,
  'state' | 'reason' | 'stateAgeMs' | 'lastCheck' | 'lastFailure' | 'ejectedForMs' | 'weightShare'
>;

function stateOf(account: NonNullable<ServerHealth['account']>, nowMs: number): ServerState {
  const { state, reason, sinceMs, lastProbe, lastFailure, ejectedUntilMs, share } = account;
  return {
    state,
    reason,
    stateAgeMs: nowMs - sinceMs,
    lastCheck:
      lastProbe === null
        ? null
        : { ageMs: nowMs - lastProbe.atMs, isPassed: lastProbe.isPassed, detail: lastProbe.detail },
    lastFailure: lastFailure === null ? null : { ageMs: nowMs - lastFailure.atMs, detail: lastFailure.detail },
    ejectedForMs: ejectedUntilMs === null ? null : Math.max(0, ejectedUntilMs - nowMs),
    weightShare: share,
  };
}

/** What is said of it, by hand or in the file, where that says more than what was found out. */
function administrativeState(
  { overrides }: DataPlaneFacts,
  upstream: string,
  { name, state, weight: written }: ServerPlan,
  found: ServerView['state'],
  weight: number,
): Partial<ServerState> {
  if (state === 'enabled' && weight > 0) return {};
  if (state !== 'disabled' && found !== 'up' && found !== 'unchecked') return {};
  const override = overrides.find(({ subject }) => subject === serverSubject(upstream, name));
  if (weight !== written && state === 'enabled') return WITHOUT_WEIGHT;
  const file = weight === 0 && state === 'enabled' ? 'weight 0 in the file' : `\`state: ${state}\` in the file`;
  return {
    state: state === 'disabled' ? 'disabled' : 'draining',
    reason: override === undefined ? file : byHand(override),
    stateAgeMs: override === undefined ? null : override.ageMs,
  };
}

/** `by hand, alice: drained; the file says enabled` */
function byHand(override: OverrideView): string {
  return `by hand${override.by === null ? '' : `, ${override.by}`}: ${overrideText(override, override.file)}`;
}

/** As it was found out. `account`: null, its name has no address. */
export function serverState(
  { failureOfName, nowMs }: Pick<DataPlaneFacts, 'failureOfName' | 'nowMs'>,
  upstream: Pick<UpstreamPlan, 'resolver'>,
  server: Pick<ServerPlan, 'service' | 'target'>,
  account: ServerHealth['account'],
): ServerState {
  const asked = askedFor(server, upstream);
  const failure = asked === null ? null : failureOfName(askedText(asked));
  if (account === null) return unresolved(failure, nowMs);
  const state = stateOf(account, nowMs);
  // the last addresses count
  return failure === null
    ? state
    : { ...state, reason: `${state.reason}; its name does not resolve now: ${failure.reason}` };
}

function unresolved(failure: NameFailure | null, nowMs: number): ServerState {
  return {
    state: 'unresolved',
    reason: failure?.reason ?? 'no answer yet',
    stateAgeMs: failure === null ? null : nowMs - failure.sinceMs,
    lastCheck: null,
    lastFailure: null,
    ejectedForMs: null,
    weightShare: 1,
  };
}

function answerViews({ board, former }: DataPlaneFacts): readonly AnswerView[] {
  return ANSWER_KINDS.flatMap(({ name, status, text }, kind) => {
    const count = former.answers(name) + sumOfWorkers(board, (row) => row.answers(kind));
    const resets = former.resets(name) + sumOfWorkers(board, (row) => row.resets(kind));
    return count === 0 ? [] : [{ name, status, text, count, resets }];
  });
}

function sumOfWorkers(board: Board, read: (row: ReturnType<Board['worker']>) => number): number {
  let total = 0;
  for (let index = 0; index < board.shape.rows; index++) total += read(board.worker(index));
  return total;
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
