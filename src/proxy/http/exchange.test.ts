/** An exchange between a client's side and servers' sides that are no protocol at all, on a clock of the test's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arena } from '../../base/arena.ts';
import { LimitTable } from '../../base/limit-table.ts';
import { SERVER_UP } from '../../base/board.ts';
import { Prng } from '../../base/prng.ts';
import { Timers } from '../../base/timers.ts';
import type { LimitsPlan } from '../../config/plan/limits.ts';
import type { ListenerPlan } from '../../config/plan/listener.ts';
import type { RetryPlan, RoutePlan } from '../../config/plan/route.ts';
import type { ServerPlan, UpstreamPlan } from '../../config/plan/upstream.ts';
import { CLIENT_LEFT, endedByAnswer, ENDINGS, PHASES, SERVED, SERVER_LEFT, SWITCHED } from '../../core/endings.ts';
import { ANSWER_KINDS } from '../../core/answers/kinds.ts';
import { BelievedHops } from '../../core/client/forwarded-for.ts';
import type { LimitCounting } from '../../core/limit/route-limits.ts';
import {
  type Failure,
  FAILED_BAD_RESPONSE,
  FAILED_CONNECT,
  FAILED_NO_RESOURCE,
  FAILED_RESET,
  FAILED_STATUS,
} from '../../core/retry.ts';
import { request } from '../../core/value/fixtures.test.ts';
import { ResponseHead } from '../../wire/http1/head.ts';
import type { Context } from '../context.ts';
import type { Expiring } from '../expiring.ts';
import type { Server } from '../server.ts';
import { Upstream } from '../upstream.ts';
import type { ErrorPage } from './error-page.ts';
import { Exchange, type Towards } from './exchange.ts';
import { HttpClient } from './http-client.ts';
import type { KeptRequest } from './kept-request.ts';
import { EXCHANGE_TIMEOUT, NOTHING, type OwnResponse } from './own-responses.ts';
import type { ServerProtocol } from './protocol.ts';
import type { RequestRecord } from './request-record.ts';
import { Route } from './route.ts';
import type { BodySink, ClientSide, Pooled, PooledSide, ResponseHandler, ServerSide } from './sides.ts';

const REQUEST_BYTES = 100;
const QUEUE_MS = 500;
const EXCHANGE_MS = 2000;
const RETRIES: RetryPlan = {
  attempts: 3,
  connect: true,
  reset: true,
  timeout: true,
  statuses: [503],
  nonIdempotent: false,
};

const SINK: BodySink = {
  isFull: false,
  takesChunks: true,
  send: () => true,
  sendLast: () => true,
  flush: () => true,
  sendTrailers: () => true,
  finish: () => true,
};

class FakeClient implements ClientSide {
  ask(): void {
    assert.fail('its route has no guard');
  }

  settle(): void {
    assert.fail('its route has no guard');
  }

  readonly sink = SINK;
  readonly said: string[] = [];
  isRequestComplete = true;
  readonly sendsChunks = false;
  hasBodyWaiting = false;
  wantsRestRead = false;
  readonly address = { remoteAddress: () => 0, localAddress: () => 0 };
  readonly info = null;
  readonly listenerPlan = { name: 'web' } as ListenerPlan;
  readonly receivedBytes = 0;
  readonly sentBytes = 0;
  readonly sentHeadBytes = 0;
  pumps = 0;
  /** What it does with the end of its exchange, as the real one. */
  exchange: Exchange | null = null;

  pump(): void {
    this.pumps++;
  }
  noteBacklog(): void {
    this.said.push('backlog');
  }
  sendInterim(head: ResponseHead): boolean {
    this.said.push(`interim ${head.status}`);
    return true;
  }
  beginResponse(head: ResponseHead): void {
    this.said.push(`response ${head.status}`);
  }
  agreesTo(): boolean {
    return true;
  }
  sendSwitching(): boolean {
    this.said.push('switching');
    return true;
  }
  beginTunnel(): void {
    this.said.push('tunnel');
    this.end(SWITCHED);
  }
  handleResponseComplete(): void {
    this.said.push('complete');
    this.end(SERVED);
  }
  handleResponseBroken(ending: number): void {
    this.said.push('broken');
    this.end(ending);
  }
  sendCopies(): void {
    assert.fail('there are no copies');
  }

  goOn(text: Uint8Array): void {
    this.said.push(`goes on ${String.fromCharCode(...text)}`);
  }
  answer(response: OwnResponse): void {
    this.said.push(`answer ${response.status}`);
    this.exchange?.noteAnswer(response, 'web', NOTHING, 0, 0);
    this.end(endedByAnswer(response.kind));
  }
  giveUp(response: OwnResponse): void {
    this.said.push(`gives up ${response.status}`);
    this.exchange?.noteAnswer(response, 'web', NOTHING, 0, 0);
    this.end(endedByAnswer(response.kind));
  }

  end(ending: number): void {
    const { exchange } = this;
    this.exchange = null;
    exchange?.finish(ending);
  }
}

/** What became of one connection. */
class FakeServer implements PooledSide {
  readonly sink = SINK;
  readonly server: Server;
  exchange: ResponseHandler;
  isReady = false;
  wasConnected = false;
  isStaleNext = false;
  isStanding = true;
  isReused = false;
  isAbandoned = false;
  /** Lengths of the requests that it was sent. */
  readonly sent: number[] = [];
  readonly keepsScarce = false;
  readonly acknowledgedBytes = 0;
  idleSince = 0;
  newer: Pooled | null = null;
  older: Pooled | null = null;

  constructor(server: Server, exchange: ResponseHandler) {
    this.server = server;
    this.exchange = exchange;
  }

  /** The connection stands. */
  connect(): void {
    this.isReady = true;
    this.wasConnected = true;
    this.exchange.handleServerReady(this);
  }

  respond(status: number): void {
    const head = new ResponseHead(1);
    head.status = status;
    this.exchange.beginResponse(head, 0, true);
    this.exchange.noteResponseBegun();
    this.exchange.handleResponseComplete();
  }

  fail(how: Failure, status = 0): void {
    this.isReady = false;
    this.exchange.handleTryFailed(how, status, this);
  }

  join(): this {
    return this;
  }
  reuse(exchange: ResponseHandler): void {
    this.exchange = exchange;
    this.isReused = true;
  }
  sendRequest(kept: KeptRequest): void {
    this.sent.push(kept.length);
  }
  touch(): void {
    // no timer
  }
  pump(): void {
    // nothing waits
  }
  finishRest(): void {
    // never ahead
  }
  isStale(): boolean {
    return this.isStaleNext;
  }
  abandon(): void {
    this.isAbandoned = true;
  }
  close(): void {
    this.isReady = false;
  }
  reset(): void {
    this.isReady = false;
  }
}

function serverPlan(slot: number, maxConnections: number): ServerPlan {
  const target = { family: 4, host: `192.0.2.${slot + 1}`, port: 80 } as const;
  return {
    name: `s${slot}`,
    target,
    weight: 1,
    maxConnections,
    backup: false,
    firstSlot: slot,
    slotCount: 1,
    epoch: 0,
    passive: null,
    health: null,
    notify: null,
    state: 'enabled',
  };
}

/** Of a process of its own. */
function newCounting(): LimitCounting {
  const table = new LimitTable(new ArrayBuffer(LimitTable.bytesFor(1)), 1);
  table.join(0);
  return { table, row: 0 };
}

interface Options {
  readonly servers?: number;
  readonly maxConnections?: number;
  readonly retry?: Partial<RetryPlan>;
  readonly limits?: LimitsPlan;
}

class Stage implements ServerProtocol, Towards {
  readonly transport = { now: 0, prepareAddress: () => 0, forgetAddress: () => undefined };
  readonly arena = new Arena(new Uint8Array(Arena.bytesFor(4, 16)), 4, 16);
  readonly timers = new Timers(0);
  readonly upstream: Upstream;
  readonly route: Route;
  readonly failures: number[] = [];
  /** Of the requests that have ended. */
  readonly records: string[] = [];
  /** Of each, in their order. */
  readonly connections: FakeServer[] = [];
  /** The machine has no descriptor for the next so many. */
  shortages = 0;
  evictions = 0;
  private readonly context: Context;
  private readonly inUse: number[] = [];

  constructor({ servers = 2, maxConnections = 0, retry = {}, limits }: Options = {}) {
    const counting = limits === undefined ? null : newCounting();
    this.context = {
      transport: this.transport,
      arena: this.arena,
      memory: this.arena.memory,
      scratchSlot: this.arena.allocateLarge(),
      timers: this.timers,
      prng: new Prng(1),
      pools: new Set(),
      isDraining: false,
      segmentsEnough: 2,
      limitCounting: () => counting,
      learnedTable: () => null,
      sharedClockMs: 0,
      board: { serverConnections: (slot: number) => this.inUse[slot] ?? 0 },
      row: {
        addServerConnections: (slot: number, delta: number) => {
          this.inUse[slot] = (this.inUse[slot] ?? 0) + delta;
        },
        countServerRequest: () => undefined,
        setWaiting: () => undefined,
      },
      requestReaders: [
        {
          handleRequest: ({ answer, ending, phase, server, status }: RequestRecord) => {
            const by = server === null ? 'nobody' : server.plan.name;
            const error = answer === null ? '' : `, ${ANSWER_KINDS[answer.kind].name} of ${answer.owner}`;
            this.records.push(`${ENDINGS[ending].name} in ${PHASES[phase]} ${status} by ${by}${error}`);
          },
        },
      ],
      noteFailure: (_: unknown, how: Failure) => this.failures.push(how),
      evictIdle: () => this.evictions-- > 0,
    } as unknown as Context;
    this.upstream = new Upstream(this.context, {
      name: 'u',
      balance: 'round-robin',
      hash: null,
      servers: Array.from({ length: servers }, (_, slot) => serverPlan(slot, maxConnections)),
      sources: [],
      timeouts: { connectMs: 1000, responseMs: 1000, idleMs: 1000, queueMs: QUEUE_MS, tunnelMs: 1000 },
      poolIdle: 10,
      proxyProtocol: null,
      queueMax: 1,
    } as unknown as UpstreamPlan);
    this.readBoard();
    const noEdit = { set: [], add: [], remove: [] };
    const action = {
      kind: 'proxy',
      upstream: 'web',
      rewrite: null,
      timeoutMs: EXCHANGE_MS,
      retry: { ...RETRIES, ...retry },
      upgrade: true,
      bodyBytes: null,
      passesClaims: false,
      interceptsErrors: false,
      ...(limits === undefined ? {} : { limits }),
    } as const;
    const match = { hosts: [], path: null, methods: [], values: [] };
    const plan: RoutePlan = {
      match,
      action,
      requestHeaders: noEdit,
      responseHeaders: noEdit,
      successHeaders: { set: [], add: [] },
      name: null,
      steps: [],
      errors: [],
      isInternal: false,
    };
    this.route = new Route(plan, 0);
    this.route.bind({
      upstreams: new Map([['web', this.upstream]]),
      isReady: true,
      logsOf: () => [],
      compression: null,
    });
  }

  private readBoard(): void {
    for (const server of this.upstream.servers) {
      const address = Uint8Array.of(192, 0, 2, server.slot + 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
      this.upstream.readSlot(server, { state: SERVER_UP, weight: 256, family: 4, port: 80, isBackup: false, address });
    }
    this.upstream.refreshed();
  }

  /** A reload: another server has the place of this one. */
  replace(replaced: Server): void {
    const { plan } = this.upstream;
    const servers = plan.servers.map((each) =>
      each.firstSlot === replaced.slot ? { ...each, epoch: each.epoch + 1 } : each,
    );
    this.upstream.apply(Object.assign({}, plan, { servers }), Infinity);
    this.readBoard();
  }

  readonly keeper = {
    keep(kept: KeptRequest): null {
      kept.allocate(REQUEST_BYTES);
      kept.length = REQUEST_BYTES;
      return null;
    },
  };

  protocolOf(): ServerProtocol {
    return this;
  }

  connect(_: Upstream, server: Server, exchange: ResponseHandler): ServerSide | null {
    if (this.shortages-- > 0) return null;
    const connection = new FakeServer(server, exchange);
    this.connections.push(connection);
    return connection;
  }

  /** A request that has come whole looks for a server. */
  begin(method = 'GET'): FakeClient {
    const client = new FakeClient();
    const view = request('/', 'a.example', method);
    const exchange = Exchange.begin(this.context, client, view.head, 0);
    client.exchange = exchange;
    assert.equal(exchange.keep(this.route, this, view, new BelievedHops(), view.bytes.length), null);
    exchange.start();
    exchange.begin();
    return client;
  }

  pass(ms: number): void {
    this.transport.now += ms;
    this.timers.advance(this.transport.now, { handleExpiry: (timed, now) => (timed as Expiring).handleExpiry(now) });
  }

  /** Nothing of an exchange is left. */
  assertClean(): void {
    assert.equal(this.arena.usedSlots, 1, 'the scratch slot alone');
  }
}

test('a server is found, gets the request, and its response goes to the client', () => {
  const stage = new Stage();
  const client = stage.begin();
  const [server] = stage.connections;
  assert.deepEqual(server.sent, []);
  server.connect();
  assert.deepEqual(server.sent, [REQUEST_BYTES]);
  server.respond(200);
  assert.deepEqual(client.said, ['response 200', 'complete']);
  stage.assertClean();
});

test('a try that fails is repeated on another server with the same request', () => {
  const stage = new Stage();
  const client = stage.begin();
  stage.connections[0].fail(FAILED_CONNECT);
  stage.connections[1].connect();
  stage.connections[1].respond(200);
  assert.notEqual(stage.connections[0].server, stage.connections[1].server);
  assert.deepEqual(stage.connections[1].sent, [REQUEST_BYTES]);
  assert.deepEqual(client.said, ['response 200', 'complete']);
  assert.deepEqual(stage.failures, [FAILED_CONNECT]);
  stage.assertClean();
});

test('when every server has failed, the answer says how the last one did', () => {
  const stage = new Stage();
  const client = stage.begin();
  for (let i = 0; i < 2; i++) {
    stage.connections[i].connect();
    stage.connections[i].fail(FAILED_RESET);
  }
  assert.equal(stage.connections.length, 2);
  assert.deepEqual(client.said, ['answer 502']);
  stage.assertClean();
});

test('RFC 9110 section 9.2.2: what may have been done is not repeated, what was not sent is', () => {
  const stage = new Stage();
  const client = stage.begin('POST');
  stage.connections[0].fail(FAILED_CONNECT);
  stage.connections[1].connect();
  stage.connections[1].fail(FAILED_RESET);
  assert.deepEqual(client.said, ['answer 502']);
});

test('a request that goes on to a page gives up its try before its head is read again: others may look at theirs then', () => {
  const stage = new Stage();
  const { exchange } = stage.begin();
  const looked: string[] = [];
  stage.connections[0].abandon = () => void looked.push('another');
  const page = { plan: { to: { kind: 'call' }, goesOn: true } } as ErrorPage<Route>;
  Object.assign(exchange!, { errorPageFor: () => page, original: { isKept: true, release: () => undefined } });
  const client = Object.assign(Object.create(HttpClient.prototype) as HttpClient, {
    context: {},
    exchange,
    parseHead: () => looked.push('its own'),
    service: { turnFailed: () => (looked.push('page'), { action: { kind: 'close' } }) },
    close: (ending: number) => exchange!.finish(ending),
  });
  client.answer(EXCHANGE_TIMEOUT);
  assert.deepEqual(looked, ['another', 'its own', 'page']);
  stage.assertClean();
});

test('an invalid response is never repeated', () => {
  const stage = new Stage();
  const client = stage.begin();
  stage.connections[0].connect();
  stage.connections[0].fail(FAILED_BAD_RESPONSE);
  assert.deepEqual(client.said, ['answer 502']);
});

test('a status of the rule is tried elsewhere once more, and what the last server says is passed on', () => {
  const stage = new Stage();
  const client = stage.begin();
  const [first] = stage.connections;
  first.connect();
  assert.ok(first.exchange.retriesStatus(503));
  assert.equal(first.exchange.retriesStatus(500), false);
  first.fail(FAILED_STATUS, 503);
  const second = stage.connections[1];
  second.connect();
  assert.equal(second.exchange.retriesStatus(503), false, 'there is no other server');
  second.respond(503);
  assert.deepEqual(client.said, ['response 503', 'complete']);
});

test('who has the place of a server that failed a request has not failed it', () => {
  for (const [how, status] of [
    [FAILED_STATUS, 503],
    [FAILED_CONNECT, 0],
  ] as const) {
    const stage = new Stage({ servers: 1 });
    const client = stage.begin();
    const [first] = stage.connections;
    if (how === FAILED_STATUS) first.connect();
    stage.replace(first.server);
    if (how === FAILED_STATUS) assert.ok(first.exchange.retriesStatus(status));
    first.fail(how, status);
    assert.deepEqual(client.said, []);
    const second = stage.connections[1];
    second.connect();
    second.respond(200);
    assert.deepEqual(client.said, ['response 200', 'complete']);
    stage.assertClean();
  }
});

test('a pooled connection that had died does not count as a try, and a fresh one is made', () => {
  const stage = new Stage({ servers: 1, retry: { attempts: 1 } });
  stage.begin();
  const [pooled] = stage.connections;
  pooled.connect();
  pooled.respond(200);
  stage.upstream.give(pooled.server);
  pooled.server.idle.put(pooled);
  const client = stage.begin();
  assert.ok(pooled.isReused);
  assert.deepEqual(pooled.sent, [REQUEST_BYTES, REQUEST_BYTES]);
  pooled.isStaleNext = true;
  stage.upstream.give(pooled.server);
  pooled.fail(FAILED_RESET);
  assert.equal(stage.connections.length, 2);
  stage.connections[1].connect();
  stage.connections[1].respond(200);
  assert.deepEqual(client.said, ['response 200', 'complete']);
  assert.deepEqual(stage.failures, []);
  stage.assertClean();
});

test('without a descriptor an unused connection makes room; without one the answer is 503, and no server is to blame', () => {
  const stage = new Stage({ servers: 1, retry: { connect: false } });
  stage.shortages = 1;
  stage.evictions = 1;
  stage.begin();
  assert.equal(stage.connections.length, 1);
  stage.shortages = 1;
  stage.evictions = 0;
  assert.deepEqual(stage.begin().said, ['answer 503']);
  assert.deepEqual(stage.failures, [FAILED_NO_RESOURCE, FAILED_NO_RESOURCE]);
});

test('at the limit a request waits: for a server, or until its time in the queue is over; the queue is bounded', () => {
  const stage = new Stage({ servers: 1, maxConnections: 1 });
  const first = stage.begin();
  const second = stage.begin();
  assert.deepEqual(stage.begin().said, ['answer 503'], 'the queue is full');
  stage.connections[0].connect();
  stage.connections[0].respond(200);
  stage.upstream.give(stage.connections[0].server);
  assert.equal(stage.connections.length, 2);
  assert.equal(second.pumps, 1);
  const third = stage.begin();
  stage.pass(QUEUE_MS);
  assert.deepEqual(third.said, ['gives up 503']);
  assert.deepEqual(first.said, ['response 200', 'complete']);
});

test('a request that a limit delays waits before a server is looked for, and not again where it goes on when its time is over', () => {
  const limit = { zone: 'z', key: null, ipv6Bits: 64, status: 429, isDry: false, burst: 1, delayAfter: 0 };
  const delayed = (delayMs: number): readonly [Stage, FakeClient] => {
    const rate = 1_000_000 / delayMs;
    const stage = new Stage({ limits: { requests: [{ ...limit, rate }], connections: [] } });
    stage.begin();
    const client = stage.begin();
    stage.pass(Math.min(delayMs, EXCHANGE_MS) - 100);
    assert.equal(stage.connections.length, 1);
    return [stage, client];
  };
  const [stage, client] = delayed(1000);
  stage.pass(200);
  assert.equal(stage.connections.length, 2);
  assert.equal(client.pumps, 1);

  const [other, late] = delayed(10_000);
  late.giveUp = ({ status }) => {
    late.said.push(`gives up ${status}`);
    late.exchange?.start();
    late.exchange?.begin();
  };
  other.pass(200);
  assert.deepEqual(late.said, ['gives up 504']);
  assert.equal(other.connections.length, 2);
});

test('the exchange has its time, tries included; the try under way is given up', () => {
  const stage = new Stage();
  const client = stage.begin();
  stage.connections[0].fail(FAILED_CONNECT);
  stage.connections[1].connect();
  stage.pass(EXCHANGE_MS);
  assert.deepEqual(client.said, ['gives up 504']);
  assert.ok(stage.connections[1].isAbandoned);
  stage.assertClean();
});

test('a client that leaves gives the try up, or its place in the queue', () => {
  const stage = new Stage({ servers: 1, maxConnections: 1 });
  const first = stage.begin();
  const second = stage.begin();
  second.end(CLIENT_LEFT);
  first.end(CLIENT_LEFT);
  assert.ok(stage.connections[0].isAbandoned);
  assert.equal(stage.upstream.hasWaiters, false);
  stage.assertClean();
});

test('101: the server’s side is no longer the exchange’s, and is not given up with it', () => {
  const stage = new Stage();
  const client = stage.begin();
  const [server] = stage.connections;
  server.connect();
  assert.ok(server.exchange.passSwitching(new ResponseHead(1)));
  const times = { idleMs: 1, halfClosedMs: 1 };
  server.exchange.beginTunnel({ times, retireAt: Infinity, endTunnel: () => undefined }, undefined as never);
  assert.deepEqual(client.said, ['switching', 'tunnel']);
  assert.equal(server.isAbandoned, false);
  stage.assertClean();
});

test('a request has one end, of which its record tells: how, with what, by whom', () => {
  const stage = new Stage({ servers: 1, maxConnections: 1, retry: { attempts: 1 } });
  const ends: (() => void)[] = [
    () => stage.connections.at(-1)?.respond(200),
    () => stage.connections.at(-1)?.fail(FAILED_RESET),
    () => stage.pass(EXCHANGE_MS),
  ];
  for (const end of ends) {
    stage.begin();
    stage.connections.at(-1)?.connect();
    end();
    const { server } = stage.connections.at(-1) as FakeServer;
    stage.upstream.give(server);
  }
  stage.begin().end(CLIENT_LEFT);
  stage.upstream.give(stage.upstream.servers[0]);
  const client = stage.begin();
  stage.connections.at(-1)?.connect();
  stage.connections.at(-1)?.exchange.beginResponse(new ResponseHead(1), 0, true);
  client.handleResponseBroken(SERVER_LEFT);
  assert.deepEqual(stage.records, [
    'served in done 200 by s0',
    'server-reset in wait 502 by s0, server-reset of u',
    'exchange-timeout in wait 504 by s0, exchange-timeout of u',
    'client-left in connect 0 by s0',
    'server-left in response 0 by s0',
  ]);
});
