/**
 * One request, connection or datagram, played on the very data plane that serves (proxy/proxy.ts), on a stage of its own (stage.ts): by a plan, and
 * with servers in the states that they are in. A stand-in answers for each server. What came of it is seen where everybody sees it: at
 * the sockets, in the record of the request, in the counters of the board, and by who watches how routes are found.
 */
import type { Address } from '../base/address.ts';
import { Board, type ServerSlot, type ServerState } from '../base/board.ts';
import { encodeUtf8, latin1 } from '../base/text.ts';
import type { ListenerPlan } from '../config/plan/listener.ts';
import type { Plan } from '../config/plan/plan.ts';
import type { RoutePlan, StepPlan, TestPlan } from '../config/plan/route.ts';
import type { UpstreamPlan } from '../config/plan/upstream.ts';
import { parseRoutes } from '../config/plan/route-text.ts';
import { actionText, routeText, stepText, testText } from '../config/words/route-words.ts';
import { ANSWER_KINDS, type AnswerKind } from '../core/answers/kinds.ts';
import { type Ending, ENDINGS } from '../core/endings.ts';
import { ROUTE_BAD_PATH, ROUTE_DOUBTFUL_FIELD, ROUTE_DOUBTFUL_PATH } from '../core/route/table.ts';
import type { StepsEnd } from '../core/route/steps-end.ts';
import type { RequestView } from '../core/value/request-view.ts';
import type { ExplainedStep } from '../api/explanation.ts';
import type { ProxyEvent } from '../port/control.ts';
import type { RequestRecord } from '../proxy/http/request-record.ts';
import type { Layer } from '../proxy/layer.ts';
import { Proxy, type ProxyOptions, type ProxyWatch } from '../proxy/proxy.ts';
import { type Field, type HeadText, readHead } from './heads.ts';
import { RouteTrials } from './route-trial.ts';
import { type Cast, Stage } from './stage.ts';
import { writeAddress } from './address-bytes.ts';
import type { End, StageSocket } from './stage-socket.ts';
import { type TlsClient, toldLayer } from './told.ts';

/** How a server's place on the board stands. */
export interface Standing {
  readonly slot: number;
  readonly state: ServerState;
  /** In WEIGHT_UNITs. */
  readonly weight: number;
  readonly isBackup: boolean;
  /** Null: it has none, or a Unix socket's. */
  readonly address: Address | null;
  /** In use there, of all proxies. */
  readonly connections: number;
}

export interface Question {
  /** Index in the plan's listeners. */
  readonly listener: number;
  readonly client: Address;
  /** That it came to. */
  readonly local: Address;
  /** Null: it speaks in clear. */
  readonly tls: TlsClient | null;
  /** What the client sends first, as text in Latin-1: the head of a request, and its body. Empty: nothing. */
  readonly text: string;
}

export interface World {
  readonly plan: Plan;
  readonly standings: readonly Standing[];
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  readonly hostname: string;
  readonly seed: number;
}

export interface Rehearsed {
  /** Of HTTP: how its route was found. */
  readonly steps: readonly ExplainedStep[];
  readonly stepsLeftOut: number;
  /** Null: it has none, or it has not ended. */
  readonly record: EndedRequest | null;
  /** Of the proxy's own, and why connections and datagrams get nobody. */
  readonly kinds: readonly AnswerKind[];
  /** Slots of servers that were taken for it, the last one at the end. */
  readonly slots: readonly number[];
  /** Where it went last; null: nowhere. */
  readonly address: Address | null;
  /** What the last server was sent; null: nothing, or it is not of HTTP. */
  readonly sent: HeadText | null;
  /** What that has answered. */
  readonly stoodIn: HeadText | null;
  /** What the client got. */
  readonly said: string;
  readonly isReset: boolean;
  /** Names whose addresses were made up. */
  readonly namesAssumed: readonly string[];
}

export interface EndedRequest {
  readonly status: number;
  readonly ending: Ending;
  readonly route: RoutePlan | null;
  readonly upstream: UpstreamPlan | null;
  readonly server: string | null;
  /** The request has said that it belongs to that one. */
  readonly isBound: boolean;
  /** Of an error of the proxy's own. */
  readonly answer: AnswerKind | null;
  readonly queuedMs: number;
}

const OWN_ROW = 0;
/** For what other proxies have in use. */
const OTHER_ROW = 1;
const DESCRIPTOR = 3;
const DESCRIPTORS = 10_000;
/** As often a second passes until somebody gives up. */
const SECONDS_MAX = 4_000;
const STEPS_MAX = 200;
const MADE_UP = '192.0.2.1';

export function rehearse(world: World, question: Question): Rehearsed {
  return new Rehearsal(world, question).run();
}

class Rehearsal implements ProxyWatch, Cast {
  private readonly question: Question;
  private readonly listener: ListenerPlan;
  private readonly stage: Stage;
  private readonly board: Board;
  private readonly proxy: Proxy;
  private readonly plan: Plan;
  private readonly walk: RouteWalk;
  private record: EndedRequest | null = null;
  private readonly namesAssumed: string[] = [];
  private readonly servers: StandIn[] = [];
  private address: Address | null = null;

  constructor({ plan, standings, nowMs, hostname, seed }: World, question: Question) {
    this.question = question;
    this.listener = plan.listeners[question.listener];
    this.plan = withoutOthers(plan, question.listener);
    this.stage = new Stage(this);
    this.board = boardOf(plan, standings);
    this.walk = new RouteWalk(this.listener);
    this.proxy = new RehearsedProxy(
      {
        transport: this.stage,
        board: this.board,
        row: OWN_ROW,
        seed,
        wallClockMs: () => nowMs,
        hostname: encodeUtf8(hostname),
        machineAddresses: () => [],
        report: (event) => this.handleEvent(event),
        descriptors: DESCRIPTORS,
        openTls: () => {
          throw new Error('nothing is encrypted on a stage');
        },
        openCompression: () => ({ has: () => false, begin: () => null }),
        watch: this,
      },
      toldLayer(this.listener, question.tls),
    );
  }

  run(): Rehearsed {
    const { listener, proxy, question, stage } = this;
    proxy.apply(this.plan, [{ id: 0, listener: question.listener, descriptor: DESCRIPTOR }]);
    stage.play(proxy);
    const client = new Client();
    if (listener.protocol === 'udp') {
      stage.datagrams.deliver(DESCRIPTOR, question.client, question.local, new Uint8Array(1));
      stage.play(proxy);
    } else {
      const socket = stage.connectClient(DESCRIPTOR, question.client, question.local, client);
      if (question.text !== '') socket.receive(latin1Bytes(question.text));
      stage.play(proxy);
      for (let second = 0; second < SECONDS_MAX && !this.isOver(client); second++) {
        stage.now += 1_000;
        stage.play(proxy);
      }
    }
    const row = this.board.worker(OWN_ROW);
    const last = this.servers.at(-1) ?? null;
    return {
      ...this.walk.told(),
      record: this.record,
      kinds: ANSWER_KINDS.filter((_, kind) => row.answers(kind) > 0),
      slots: this.slots(),
      address: this.address ?? stage.datagrams.sent.at(-1) ?? null,
      sent: last?.request ?? null,
      stoodIn: last?.response ?? null,
      said: client.said,
      isReset: client.isReset,
      namesAssumed: this.namesAssumed,
    };
  }

  private isOver(client: Client): boolean {
    if (this.listener.protocol === 'http') return this.record !== null;
    return client.isOver || this.servers.length > 0;
  }

  private slots(): readonly number[] {
    const row = this.board.worker(OWN_ROW);
    const all = this.plan.upstreams.flatMap(({ servers }) =>
      servers.flatMap(({ firstSlot, slotCount }) => Array.from({ length: slotCount }, (_, i) => firstSlot + i)),
    );
    return all.filter((slot) => row.serverRequests(slot) > 0);
  }

  // --- what the proxy meets ---

  serverAt(address: Address): End {
    this.address = address;
    const standIn = new StandIn(this.listener.protocol === 'http' ? () => this.walk.responseNames : null);
    this.servers.push(standIn);
    return standIn;
  }

  private handleEvent(event: ProxyEvent): void {
    if (event.kind !== 'name-wanted') return;
    const { upstream, hostname } = event;
    this.namesAssumed.push(hostname);
    this.stage.later(() => {
      this.proxy.handleName(upstream, hostname, { addresses: [{ family: 4, host: MADE_UP }], ttlMs: 60_000 });
    });
  }

  // --- what is watched ---

  handleMatch(view: RequestView, after: number, found: number): void {
    this.walk.handleMatch(view, after, found);
  }

  handleTest(plan: TestPlan, holds: boolean): void {
    this.walk.handleTest(plan, holds);
  }

  handleStep(plan: Exclude<StepPlan, { kind: 'if' }>, view: RequestView, end: StepsEnd | 'stop' | null): void {
    this.walk.handleStep(plan, view, end);
  }

  handleRequest(record: RequestRecord): void {
    if (this.record !== null || (!record.isRequest && record.answer === null)) return;
    this.record = {
      status: record.status,
      ending: ENDINGS[record.ending],
      route: record.routePlan,
      upstream: record.upstreamPlan,
      server: record.server?.plan.name ?? null,
      isBound: record.isBound,
      answer: record.answer === null ? null : ANSWER_KINDS[record.answer.kind],
      queuedMs: record.queuedMs,
    };
  }
}

class RehearsedProxy extends Proxy {
  private readonly told: Layer | null;

  constructor(options: ProxyOptions, told: Layer | null) {
    super(options);
    this.told = told;
  }

  protected override layerOf(): Layer | null {
    return this.told;
  }
}

/** The routes that were tried, and what was done on the way. */
class RouteWalk {
  private readonly routes: readonly RoutePlan[];
  private readonly trials: RouteTrials;
  private steps: ExplainedStep[] = [];
  private leftOut = 0;
  private route: RoutePlan | null = null;

  constructor({ escapedSlash, protocol, routes }: ListenerPlan) {
    this.routes = protocol === 'http' ? parseRoutes(routes) : [];
    this.trials = new RouteTrials(escapedSlash);
  }

  told(): { readonly steps: readonly ExplainedStep[]; readonly stepsLeftOut: number } {
    return { steps: this.steps, stepsLeftOut: this.leftOut };
  }

  /** Fields that the route changes in a response, but for one that says where the request goes on. */
  get responseNames(): readonly string[] {
    if (this.route === null) return [];
    const { action, responseHeaders, successHeaders } = this.route;
    const goesOnBy = action.kind === 'proxy' ? action.targetBy?.field.toLowerCase() : undefined;
    const set = [...responseHeaders.set, ...successHeaders.set].map(([name]) => name);
    return [...responseHeaders.remove, ...set].filter((name) => name.toLowerCase() !== goesOnBy);
  }

  handleMatch(view: RequestView, after: number, found: number): void {
    const { routes } = this;
    const end = found < 0 ? routes.length : found;
    const missed: (ExplainedStep & { readonly isOfOtherHost: boolean })[] = [];
    for (let i = after + 1; i < end; i++) {
      const { why, isOfOtherHost, holds } = this.trials.try(routes[i], view);
      const text = holds ? 'the path can be read in several ways, and not all lead to one route' : why;
      missed.push({ ...stepOf('route', i + 1, routeText(routes[i]), false, text), isOfOtherHost });
    }
    const room = Math.max(0, STEPS_MAX - this.steps.length);
    const near = missed.length > room ? missed.filter(({ isOfOtherHost }) => !isOfOtherHost) : missed;
    for (const { isOfOtherHost: _, ...step } of near.slice(0, room)) this.steps.push(step);
    this.leftOut += missed.length - Math.min(near.length, room);
    if (found >= 0) {
      this.route = routes[found];
      this.steps.push(stepOf('route', found + 1, routeText(routes[found]), true, actionText(routes[found].action)));
    } else if (found in REFUSED) this.steps.push(stepOf('step', null, 'look for a route', false, REFUSED[found]));
  }

  handleTest(plan: TestPlan, holds: boolean): void {
    this.note(stepOf('test', null, testText(plan), holds, ''));
  }

  handleStep(plan: Exclude<StepPlan, { kind: 'if' }>, view: RequestView, end: StepsEnd | 'stop' | null): void {
    if (plan.kind === 'find' && end === null) return;
    if (plan.kind === 'take') this.route = plan.route;
    if (plan.kind === 'rewrite' && end === 'took') this.route = plan.take;
    const isDone = plan.kind !== 'rewrite' || end !== null || this.isMoved(view);
    const why = plan.kind !== 'rewrite' ? '' : isDone ? `the target is ${targetOf(view)}` : 'the path does not match';
    this.note(
      stepOf('step', null, stepText(plan), isDone, end === 'failed' ? 'it cannot be: too long, or no path' : why),
    );
  }

  private lastTarget = '';

  /** Since the last time. */
  private isMoved(view: RequestView): boolean {
    const target = view.isRewritten ? targetOf(view) : '';
    const isMoved = target !== this.lastTarget;
    this.lastTarget = target;
    return isMoved;
  }

  private note(step: ExplainedStep): void {
    if (this.steps.length < STEPS_MAX) this.steps.push(step);
    else this.leftOut++;
  }
}

const REFUSED: Readonly<Record<number, string>> = {
  [ROUTE_BAD_PATH]: 'the path climbs above the root, or has a `%` without two hexadecimal digits',
  [ROUTE_DOUBTFUL_PATH]: 'servers that read the path in another way would take it for one of another route',
  [ROUTE_DOUBTFUL_FIELD]: 'a field is spelt so that some servers take it for one that a route asks for',
};

function stepOf(
  kind: ExplainedStep['kind'],
  route: number | null,
  text: string,
  holds: boolean,
  why: string,
): ExplainedStep {
  return { kind, route, text, holds, why };
}

function targetOf({ bytes, head }: RequestView): string {
  return latin1(bytes, head.path, head.pathLength);
}

/** Who asks. */
class Client implements End {
  said = '';
  isOver = false;
  isReset = false;

  handleBytes(bytes: Uint8Array): void {
    this.said += latin1(bytes, 0, bytes.length);
  }

  handleEnd(isReset: boolean): void {
    this.isOver = true;
    this.isReset ||= isReset;
  }
}

/** Answers in place of a server. */
class StandIn implements End {
  request: HeadText | null = null;
  response: HeadText | null = null;
  /** The fields that it answers with; null: it does not speak HTTP. */
  private readonly names: (() => readonly string[]) | null;
  private text = '';

  constructor(names: (() => readonly string[]) | null) {
    this.names = names;
  }

  handleBytes(bytes: Uint8Array, socket: StageSocket): void {
    if (this.names === null || this.request !== null) return;
    this.text += latin1(bytes, 0, bytes.length);
    this.request = readHead(this.text);
    if (this.request === null) return;
    const own: readonly Field[] = [['Content-Type', 'text/html']];
    const told = this.names().filter(
      (name) => !/^(content-type|content-length|transfer-encoding|connection)$/i.test(name),
    );
    const fields = [...own, ...[...new Set(told)].map((name): Field => [name, 'as the server says'])];
    this.response = { line: 'HTTP/1.1 200 OK', fields, body: '' };
    const lines = [...fields, ['Content-Length', '0']].map(([name, value]) => `${name}: ${value}\r\n`).join('');
    socket.receive(latin1Bytes(`HTTP/1.1 200 OK\r\n${lines}\r\n`));
  }

  handleEnd(): void {
    // the record says how it ended
  }
}

function latin1Bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (each) => each.charCodeAt(0) & 0xff);
}

/** Nothing is encrypted or logged, and what belongs to other listeners is not prepared. */
function withoutOthers(plan: Plan, index: number): Plan {
  return {
    ...plan,
    listeners: plan.listeners.map((one, i) => ({
      ...one,
      tls: null,
      proxyProtocol: null,
      accessLogs: [],
      routes: i === index ? one.routes : '',
    })),
    upstreams: plan.upstreams.map(plainly),
    accessLogs: [],
  };
}

/** What servers speak changes nothing of where a request goes, and those of the stage speak HTTP/1. */
function plainly(upstream: UpstreamPlan): UpstreamPlan {
  const { protocol: _, ...plain } = upstream;
  return { ...plain, tls: null, proxyProtocol: null };
}

function boardOf(plan: Plan, standings: readonly Standing[]): Board {
  const listeners = 1 + Math.max(0, ...plan.listeners.map(({ slot }) => slot));
  const board = Board.createAlone({ servers: Math.max(1, plan.serverSlots), listeners, rows: 2 });
  board.workers = plan.workers;
  board.update((set) => {
    for (const { slot, state, weight, isBackup, address } of standings) {
      const bytes = new Uint8Array(16);
      const family = address === null ? 0 : address.family;
      if (address !== null) writeAddress(address, bytes, 0);
      const value: ServerSlot = {
        state,
        weight,
        family,
        port: address?.port ?? 0,
        isBackup,
        address: family === 4 ? padded(bytes.subarray(12)) : bytes,
      };
      set(slot, value);
    }
  });
  const others = board.worker(OTHER_ROW);
  for (const { slot, connections } of standings)
    for (let i = 0; i < connections; i++) others.addServerConnections(slot, 1);
  return board;
}

function padded(bytes: Uint8Array): Uint8Array {
  const all = new Uint8Array(16);
  all.set(bytes);
  return all;
}
