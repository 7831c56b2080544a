/**
 * How the whole of this evenkeel stands: the document that the status socket answers with. States and their reasons come
 * from what decided them: the health registry, the supervisor, the listeners. Only counters are read from the status
 * board. Times are milliseconds at the time of the answer.
 */
import { addressText } from '../../base/address.ts';
import type { Board, WorkerRow } from '../../base/board.ts';
import { FILES_UPSTREAM } from '../../config/files-plan.ts';
import { healthOf, type ListenerPlan, type Plan, type ServerPlan, type UpstreamPlan } from '../../config/plan.ts';
import { ANSWER_KINDS } from '../../core/answers/kinds.ts';
import type { EndpointState } from '../../core/health/endpoint-health.ts';
import { checkText } from './check-text.ts';
import type { CountMemory, DatagramCounts, FormerCounts } from '../generations/former-counts.ts';
import type { HaStatus } from '../ha/ha-status.ts';
import type { HealthRegistry, ServerHealth } from '../servers/health.ts';
import { bindText, type OpenListener } from '../proxies/listeners.ts';
import { type OverrideView, overrideText } from '../overrides.ts';
import { askedText } from '../../core/asked-name.ts';
import { serverSubject } from '../../core/overrides.ts';
import type { NameFailure } from '../servers/names.ts';
import type { ProxyAccount } from '../proxies/supervisor.ts';

export interface StatusDocument extends DataPlaneStatus {
  /** Of this document's shape: another one if a reader of this one could misread it. */
  readonly format: 1;
  /** Of the program. */
  readonly version: string;
  readonly pid: number;
  /** It finishes what is in flight, and takes no orders. */
  readonly isStopping: boolean;
  readonly uptimeMs: number;
  /** When this was made, ISO 8601. */
  readonly at: string;
  readonly configuration: ConfigurationView;
  /** What is less than it should be, though everything may serve; with remedies. */
  readonly problems: readonly string[];
  /** Orders that a restart will forget, because they could not be written down; each with the reason. */
  readonly unstored: readonly string[];
  /** Null: the configuration has no `ha`. */
  readonly ha: HaStatus | null;
  /** Null: no listener has TLS. */
  readonly tls: TlsStatus | null;
  /** Null: there are no peers. */
  readonly peers: PeersStatus | null;
}

export interface PeersStatus {
  /** This one. */
  readonly node: string;
  /** Null: it has no key. */
  readonly fingerprint: string | null;
  /** What is wrong on this side; null: nothing. */
  readonly problem: string | null;
  readonly peers: readonly LinkView[];
}

export interface LinkView {
  readonly name: string;
  readonly address: string;
  readonly isUp: boolean;
  /** ISO 8601. */
  readonly since: string;
  /** Why it is not. */
  readonly reason: string;
  /** Of its program, as it said last. Null: it never did. */
  readonly version: string | null;
}

export interface TlsStatus {
  /** Its version. */
  readonly openssl: string;
  readonly certificates: readonly CertificateView[];
  /** What cannot be used as it is on disk. */
  readonly faults?: readonly CertificateFaultView[];
  /** Those that are asked from authorities. */
  readonly acme: readonly AcmeView[];
}

export interface AcmeView {
  readonly names: readonly string[];
  /** Of the authority: a URL. */
  readonly directory: string;
  /** The peer that asks for it in place of this node. Null: this node does. */
  readonly obtainer: string | null;
  readonly file: string;
  /** `held`: it is there; `due`: it is to be ordered; `ordering`: it is; `waiting`: the order failed, and is repeated at `next`. */
  readonly state: 'held' | 'due' | 'ordering' | 'waiting';
  /** ISO 8601. */
  readonly since: string;
  /** The next order. Null: it is under way. */
  readonly next: string | null;
  /** Orders that have failed, one after the other. */
  readonly failures: number;
  /** Of the last one, if it failed. */
  readonly failure: { readonly text: string; readonly at: string } | null;
}

export interface CertificateView {
  /** Null: it is shown to the servers of `upstream`. */
  readonly listener: string | null;
  readonly upstream?: string;
  readonly file: string;
  /** Of its key: `ECDSA P-256`. */
  readonly kind: string;
  /** That it is used for. */
  readonly names: readonly string[];
  /** ISO 8601. */
  readonly notBefore: string;
  readonly notAfter: string;
  /** Whole ones; negative: it has expired. */
  readonly daysLeft: number;
  /** Self-signed, in the place of one that is still to be obtained: nobody believes it. */
  readonly isStandIn?: boolean;
  /** What clients have to show that ask for its names, as `client-certificate.mode` has it. Null: nothing. */
  readonly clients?: string | null;
  /** The response that is to be stapled to it. Null: there is none. `until`: ISO 8601; null: it cannot be used, or does not say. */
  readonly ocsp?: { readonly file: string; readonly isStapled: boolean; readonly until: string | null } | null;
}

export interface CertificateFaultView {
  /** Null: it is of `upstream`, for its servers. */
  readonly listener: string | null;
  readonly upstream: string | null;
  /** A certificate, or authorities. */
  readonly file: string;
  /** As far as they are known. */
  readonly names: readonly string[];
  readonly reason: string;
  /** What was read before is in force. False: it is not used. */
  readonly isFormerUsed: boolean;
}

export interface ConfigurationView {
  /** Null: it came from standard input. */
  readonly file: string | null;
  /** The beginning of the text's SHA-256, by which two nodes can be compared. */
  readonly digest: string;
  /** What the file says now is not what was loaded. Null: it cannot be read. */
  readonly isChanged: boolean | null;
}

export interface DataPlaneStatus {
  readonly proxies: readonly ProxyView[];
  readonly listeners: readonly ListenerView[];
  readonly upstreams: readonly UpstreamView[];
  /** What has been said by hand, and who said it. */
  readonly overrides: readonly OverrideView[];
  /** Answers that the proxies gave by themselves because something was wrong; only kinds that there were. */
  readonly answers: readonly AnswerView[];
}

export interface AnswerView {
  readonly name: string;
  /** 0: that of the server's last response. */
  readonly status: number;
  readonly text: string;
  /** Since the start. */
  readonly count: number;
  /** Of these, connections that were reset: those of TCP listeners, who answer nobody. */
  readonly resets?: number;
}

export interface ProxyView {
  readonly state: ProxyAccount['state'];
  /** 0: there is no process. */
  readonly pid: number;
  /** How long it has given no sign of life; the precision is that of the looks. */
  readonly silentMs: number;
  readonly restarts: number;
  readonly lastEnd: { readonly reason: string; readonly ageMs: number } | null;
  /** Of clients, now. */
  readonly connections: number;
  readonly requests: number;
  /** Null: there is no process. */
  readonly memory: MemoryView | null;
}

/** Buffers of a proxy: in use now, and at most since it was started. See docs/limits.md. */
export interface MemoryView {
  readonly state: 'plenty' | 'tight' | 'short' | 'exhausted';
  /** Of 32 KiB, to receive into. */
  readonly large: number;
  readonly largeMax: number;
  /** Of 2 KiB, of 8 KiB, and for the largest heads: what waits. */
  readonly small: number;
  readonly smallMax: number;
  readonly medium: number;
  readonly mediumMax: number;
  readonly head: number;
  readonly headMax: number;
  /** What OpenSSL keeps for half a record or half a handshake, as pieces of 17 KiB. */
  readonly foreign: number;
  readonly foreignMax: number;
  /** Connections that were ended because memory was short and they stood still. */
  readonly shed: number;
}

export interface ListenerView {
  readonly name: string;
  readonly protocol: ListenerPlan['protocol'];
  /** `closed`: none of its addresses could be opened. `drained`: by hand. `draining`: the whole program stops. */
  readonly state: 'open' | 'closed' | 'drained' | 'draining';
  readonly binds: readonly BindView[];
  /** Of UDP, sessions. */
  readonly connections: number;
  readonly accepted: number;
  /** Null: of another protocol than udp. */
  readonly datagrams: DatagramCounts | null;
}

export interface BindView {
  readonly address: string;
  /** Why it could not be opened; null: it could. */
  readonly failure: string | null;
}

export interface UpstreamView {
  readonly name: string;
  readonly balance: string;
  /** Servers are spoken to in TLS, and have to prove who they are, or not. Null: in clear. */
  readonly tls: 'verified' | 'unverified' | null;
  /** Requests and connections that wait for a server. */
  readonly waiting: number;
  /** How servers are checked that have no check of their own: `http /healthz`. Null: they are not. */
  readonly check: string | null;
  readonly servers: readonly ServerView[];
}

export interface ServerView {
  /** As configured. */
  readonly name: string;
  /** Null: its name has none, or it is the process that reads files, to whom only the proxies go. */
  readonly address: string | null;
  /**
   * `unchecked`: it gets work, and nothing has shown yet that it can do it. `unresolved`: it has no address. `draining`: it is up,
   * and gets no new clients. `disabled`: it gets nobody, however it is.
   */
  readonly state: EndpointState | 'unresolved' | 'draining' | 'disabled';
  /** Why it is in this state. */
  readonly reason: string;
  /** Null: not known. */
  readonly stateAgeMs: number | null;
  /** How it is checked. Null: it is not. */
  readonly check: string | null;
  /** The last check; null: none has ended yet. */
  readonly lastCheck: CheckView | null;
  /** The last failure of real traffic. */
  readonly lastFailure: { readonly ageMs: number; readonly detail: string } | null;
  /** How long it gets nothing yet; null: it is not ejected. */
  readonly ejectedForMs: number | null;
  readonly weight: number;
  /** The part of its weight that it has now: less than 1 during a slow start. */
  readonly weightShare: number;
  readonly isBackup: boolean;
  /** Null: no limit. */
  readonly maxConnections: number | null;
  readonly connections: number;
  readonly requests: number;
  readonly failures: number;
  /** Connections that could not be made for want of something on this machine: no failures of the server's. */
  readonly shortages: number;
}

export interface CheckView {
  readonly ageMs: number;
  /** Null: it could not be made, for want of something on this machine. */
  readonly isPassed: boolean | null;
  readonly detail: string;
}

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

export interface DataPlaneFacts {
  readonly plan: Plan;
  readonly board: Board;
  readonly ages: BeatAges;
  readonly nowMs: number;
  readonly listeners: readonly OpenListener[];
  readonly isStopping: boolean;
  readonly overrides: readonly OverrideView[];
  readonly proxies: readonly ProxyAccount[];
  readonly health: HealthRegistry;
  readonly former: FormerCounts;
  /** By its text (core/asked-name.ts). */
  readonly failureOfName: (name: string) => NameFailure | null;
}

export function dataPlaneStatus(facts: DataPlaneFacts): DataPlaneStatus {
  const { plan } = facts;
  return {
    // Without listeners there are none.
    proxies: plan.listeners.length === 0 ? [] : proxyViews(facts),
    listeners: plan.listeners.map((listener) => listenerView(facts, listener)),
    upstreams: plan.upstreams.map((upstream, index) => upstreamView(facts, upstream, index)),
    overrides: facts.overrides,
    answers: answerViews(facts),
  };
}

/** For a successor. */
export function countsOf({ listeners, upstreams, answers }: DataPlaneStatus): CountMemory {
  return {
    listeners: listeners.map(({ name, accepted, datagrams }) => ({ listener: name, accepted, datagrams })),
    servers: upstreams.flatMap(({ name: upstream, servers }) =>
      servers.map(({ name: server, address, requests, failures, shortages }) => {
        return { upstream, server, address, requests, failures, shortages };
      }),
    ),
    answers: answers.map(({ name, count, resets = 0 }) => ({ answer: name, count, resets })),
  };
}

function proxyViews({ plan, board, ages, nowMs, proxies }: DataPlaneFacts): readonly ProxyView[] {
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
      memory: counts === null ? null : memoryView(counts),
    };
  });
}

const MEMORY_STATES = ['plenty', 'tight', 'short', 'exhausted'] as const;

function memoryView(row: WorkerRow): MemoryView {
  const [large, small, medium, head, foreign] = [0, 1, 2, 3, 4].map((size) => row.slots(size));
  return {
    state: MEMORY_STATES[row.memoryLevel],
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

function listenerView(
  { board, listeners, isStopping, former }: DataPlaneFacts,
  { name, slot, protocol, binds, intake }: ListenerPlan,
): ListenerView {
  const open = listeners.find(({ plan }) => plan.name === name);
  const failureOf = new Map(open?.failures.map(({ plan, reason }) => [plan, reason]));
  return {
    name,
    protocol,
    state: isStopping ? 'draining' : intake === 'closed' ? 'drained' : open?.binds.length === 0 ? 'closed' : 'open',
    binds: binds.map((bind) => ({ address: bindText(bind), failure: failureOf.get(bind) ?? null })),
    connections: sumOfWorkers(board, (row) => row.listenerConnections(slot)),
    accepted: former.accepted(name) + sumOfWorkers(board, (row) => row.listenerAccepted(slot)),
    datagrams:
      protocol === 'udp'
        ? {
            in: former.datagrams(name).in + sumOfWorkers(board, (row) => row.datagramsIn(slot)),
            out: former.datagrams(name).out + sumOfWorkers(board, (row) => row.datagramsOut(slot)),
          }
        : null,
  };
}

function upstreamView(facts: DataPlaneFacts, plan: UpstreamPlan, index: number): UpstreamView {
  const { name, balance, servers, tls, health } = plan;
  const known = facts.health.serversOf(index);
  return {
    name,
    balance,
    tls: tls === null ? null : tls.trust === null ? 'unverified' : 'verified',
    waiting: sumOfWorkers(facts.board, (row) => row.waiting(servers[0].firstSlot)),
    check: health === null ? null : checkText(health),
    servers: servers.flatMap((server, i) => known[i].map((health) => serverView(facts, plan, server, health))),
  };
}

const CHOSEN_BY_REQUESTS = { state: 'unchecked', reason: 'each request says where it goes' } as const;

function serverView(
  facts: DataPlaneFacts,
  upstreamPlan: UpstreamPlan,
  server: ServerPlan,
  health: ServerHealth,
): ServerView {
  const { name: upstream, serverBy } = upstreamPlan;
  const { board, nowMs } = facts;
  const { slot, address, account } = health;
  const { name, weight, backup, maxConnections } = server;
  const check = healthOf(upstreamPlan, server);
  const where = address === null || upstream === FILES_UPSTREAM ? null : addressText(address);
  const before = facts.former.server(upstream, name, where);
  return {
    name,
    address: where,
    ...(account === null ? unresolved(facts, upstreamPlan, server) : stateOf(account, nowMs)),
    ...(serverBy === null ? {} : CHOSEN_BY_REQUESTS),
    ...administrativeState(facts, upstream, server, account?.state ?? 'unresolved'),
    check: check === null ? null : checkText(check),
    weight,
    isBackup: backup,
    maxConnections: maxConnections === 0 ? null : maxConnections,
    connections: board.serverConnections(slot),
    requests: before.requests + sumOfWorkers(board, (row) => row.serverRequests(slot)),
    failures: before.failures + sumOfWorkers(board, (row) => row.serverFailures(slot)),
    shortages: before.shortages + sumOfWorkers(board, (row) => row.serverShortages(slot)),
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
  { name, state, weight }: ServerPlan,
  found: ServerView['state'],
): Partial<ServerState> {
  if (state === 'enabled' && weight > 0) return {};
  if (state !== 'disabled' && found !== 'up' && found !== 'unchecked') return {};
  const override = overrides.find(({ subject }) => subject === serverSubject(upstream, name));
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

/** A name that has no address. */
function unresolved(
  { failureOfName, nowMs }: DataPlaneFacts,
  { resolver }: UpstreamPlan,
  { target }: ServerPlan,
): ServerState {
  const failure = 'hostname' in target ? failureOfName(askedText({ hostname: target.hostname, resolver })) : null;
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
  return sum(Array.from({ length: board.shape.rows }, (_, index) => read(board.worker(index))));
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
