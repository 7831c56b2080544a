/**
 * The one place that knows what was asked, what reached which server, and what was answered. Clients and servers write into
 * it what they see; it holds the invariants that need both sides.
 */
import { addressText, formatIP, parseIPv6 } from '../src/base/address.ts';
import { Prng } from '../src/base/prng.ts';
import type { ListenerPlan } from '../src/config/plan/listener.ts';
import { mix, parseId } from './content.ts';
import type { Head } from './peers/http-reader.ts';
import { splitAddress } from './network.ts';
import { fieldValues } from './peers/http-reader.ts';
import { Announcement } from './peers/proxy-header.ts';
import { StreamRecord } from './peers/stream.ts';
import { drawResponse, type ResponseSpec } from './response.ts';
import { isIdempotent, type HttpClientSpec, type RequestSpec } from './scenario-http.ts';
import type { Fault } from './faults.ts';
import type { Scenario } from './scenario.ts';
import type { ServerSpec } from './scenario-plan.ts';
import type { TcpClientSpec } from './scenario-tcp.ts';
import type { World } from './world.ts';

/** One arrival of a request's head at a server. */
export interface Attempt {
  readonly exchange: Exchange;
  readonly number: number;
  readonly server: number;
  readonly response: ResponseSpec;
  /** Of the response's body. */
  readonly key: number;
  /** If it becomes a tunnel. */
  readonly toServer: StreamRecord;
  readonly toClient: StreamRecord;
  /** The client has seen the switch of protocols. */
  isSwitched: boolean;
  /** Whether the server's connection is still busy with it. */
  isHeld: () => boolean;
  isRequestWhole: boolean;
  /** The server wrote the response to its last byte, and means it. */
  isResponseWhole: boolean;
}

/** One request and everything that became of it. */
export class Exchange {
  readonly request: RequestSpec;
  readonly client: HttpClientSpec;
  readonly attempts: Attempt[] = [];
  /** Of a client that does not wait for the switch, and so cannot know by which attempt it will come. */
  readonly toServer: StreamRecord;
  /** When the client began to send it. */
  begunAtUs = 0;
  /** The client has written all of it. */
  isSent = false;
  outcome: 'none' | 'answered' | 'error' | 'cut' | 'given-up' = 'none';

  constructor(request: RequestSpec, client: HttpClientSpec) {
    this.request = request;
    this.client = client;
    this.toServer = new StreamRecord(mix(request.id, 0xea6e));
  }

  get bodyKey(): number {
    return mix(this.request.id, 0xb0d);
  }
}

export interface TcpRelay {
  readonly spec: TcpClientSpec;
  readonly toServer: StreamRecord;
  readonly toClient: StreamRecord;
  /** The serial number of the server's connection as each side knows it; -1: not yet. */
  serialAtClient: number;
  serialAtServer: number;
}

export class Ledger {
  readonly world: World;
  readonly scenario: Scenario;
  readonly exchanges = new Map<number, Exchange>();
  readonly relays = new Map<number, TcpRelay>();
  /** Heads with identifiers that nobody gave out, from mutated requests. */
  strangers = 0;
  /** Called for each request that reaches a server, with the time at which its client began with it. */
  watchArrival: (server: number, begunAtUs: number) => void = () => undefined;
  private readonly prng: Prng;

  constructor(world: World, scenario: Scenario) {
    this.world = world;
    this.scenario = scenario;
    this.prng = new Prng(scenario.seed ^ 0x1ed6e4);
    for (const client of scenario.httpClients) {
      for (const request of client.requests) this.exchanges.set(request.id, new Exchange(request, client));
    }
    for (const spec of scenario.tcpClients) {
      const toServer = new StreamRecord(mix(spec.id, 0xc1));
      const toClient = new StreamRecord(mix(spec.id, 0x5e));
      this.relays.set(spec.id, { spec, toServer, toClient, serialAtClient: -1, serialAtServer: -1 });
    }
  }

  hasFault(...faults: Fault[]): boolean {
    return faults.some((fault) => this.scenario.faults.has(fault));
  }

  listenerOf(client: HttpClientSpec): ListenerPlan {
    const isIts = ({ binds }: ListenerPlan): boolean =>
      binds.some((bind) => addressText(bind.address) === client.listener);
    return this.scenario.plan.listeners.find(isIts) as ListenerPlan;
  }

  /** A server has read a whole head. Null: it is nobody's request, which only hostile clients can cause. */
  arrive(head: Head, server: number, upstream: number): Attempt | null {
    const { world } = this;
    if (head.target.includes('smuggled'))
      world.fail('smuggling', `${head.method} ${head.target} reached server ${server}`);
    const ids = fieldValues(head, 'x-sim');
    const id = ids.length === 1 ? parseId(ids[0]) : -1;
    const exchange = this.exchanges.get(id);
    if (exchange === undefined) {
      if (!this.hasFault('hostileClients'))
        world.fail('crossed request', `server ${server} got a request with X-Sim ${ids.join(' | ')}`);
      this.strangers++;
      return null;
    }
    const { request } = exchange;
    const number = exchange.attempts.length + 1;
    world.note('request %a reaches server %b, attempt %c', request.id, server, number);
    this.checkRequest(exchange, head, upstream);
    this.watchArrival(server, exchange.begunAtUs);
    if (number > 1) this.checkRetry(exchange);
    const key = mix(request.id, 0x100 + number);
    const attempt: Attempt = {
      exchange,
      number,
      server,
      response: drawResponse(this.prng, this.scenario.faults, request),
      key,
      toServer: request.tunnel?.isEager === true ? exchange.toServer : new StreamRecord(mix(key, 0xc1)),
      toClient: new StreamRecord(mix(key, 0x5e)),
      isSwitched: false,
      isHeld: () => false,
      isRequestWhole: false,
      isResponseWhole: false,
    };
    exchange.attempts.push(attempt);
    return attempt;
  }

  /** What a connection to this server begins with; null: with nothing of the kind. */
  announcementFor({ upstream }: ServerSpec): Announcement | null {
    return this.scenario.plan.upstreams[upstream].proxyProtocol === null ? null : new Announcement();
  }

  private checkRequest(exchange: Exchange, head: Head, upstream: number): void {
    const { request } = exchange;
    const what = `request ${request.id}`;
    const fail = (detail: string): never => this.world.fail('changed request', `${what}: ${detail}`);
    const { expect } = request;
    if (expect.kind === 'refuse' && expect.isLate) {
      if (head.method !== request.method) fail(`method ${head.method} instead of ${request.method}`);
      return;
    }
    if (expect.kind !== 'proxy') return fail(`reached a server, but its route says ${expect.kind}`);
    if (head.method !== request.method) fail(`method ${head.method} instead of ${request.method}`);
    const reached = this.scenario.plan.upstreams[upstream].name;
    if (reached !== expect.upstream) fail(`reached ${reached} instead of ${expect.upstream}`);
    if (head.target !== expect.target) fail(`target ${head.target} instead of ${expect.target}`);
    if (head.version !== 11) fail('not sent as HTTP/1.1');
    const hosts = fieldValues(head, 'host');
    if (hosts.length !== 1 || (request.host !== null && hosts[0] !== request.host)) {
      fail(`Host ${hosts.join(' | ')} instead of ${request.host}`);
    }
    const forwardedFor = fieldValues(head, 'x-forwarded-for');
    const isRight =
      forwardedFor.length === 1 && canonical(forwardedFor[0]) === canonical(this.hopsOf(exchange).join(', '));
    if (!isRight) fail(`X-Forwarded-For ${forwardedFor.join(' | ')}`);
    if (fieldValues(head, 'x-forwarded-proto').join() !== 'http') fail('X-Forwarded-Proto');
    if (fieldValues(head, 'x-request-id').length !== 1)
      fail(`${fieldValues(head, 'x-request-id').length} X-Request-Id fields`);
    for (const name of ['keep-alive', 'proxy-connection', 'x-hop']) {
      if (fieldValues(head, name).length > 0) fail(`hop-by-hop field ${name} was passed on`);
    }
    if (request.tunnel === null && fieldValues(head, 'upgrade').length > 0) fail('an Upgrade that nobody asked for');
    const { requestHeaders } = expect.route;
    for (const [name, value] of [...requestHeaders.set, ...requestHeaders.add]) {
      if (!fieldValues(head, name.toLowerCase()).includes(value)) fail(`${name} was not added`);
    }
    for (const name of requestHeaders.remove) if (fieldValues(head, name).length > 0) fail(`${name} was not removed`);
    for (const [name, value] of request.fields) {
      if (!END_TO_END.has(name)) continue;
      if (fieldValues(head, name.toLowerCase()).join() !== value)
        fail(`${name} is ${fieldValues(head, name.toLowerCase()).join()}`);
    }
  }

  /** What X-Forwarded-For has to be at a server. */
  private hopsOf({ request, client }: Exchange): readonly string[] {
    const { host } = splitAddress(client.address);
    const claimed = request.fields.filter(([name]) => name === 'X-Forwarded-For').map((field) => field[1]);
    const { kind } = this.listenerOf(client).forwarded;
    if (kind === 'append') return [...claimed, host];
    // none of the claimed hops is a trusted proxy, so of several the last is the client
    return kind === 'trust' && host.startsWith('10.') ? [...claimed.slice(-1), host] : [host];
  }

  private checkRetry(exchange: Exchange): void {
    const { request, attempts } = exchange;
    const { expect } = request;
    const retry = expect.kind === 'proxy' && expect.route.action.kind === 'proxy' ? expect.route.action.retry : null;
    if (retry === null) return;
    const number = attempts.length + 1;
    if (!isIdempotent(request.method) && !retry.nonIdempotent) {
      this.world.fail(
        'unsafe retry',
        `${request.method} request ${request.id} reached a server for the ${number}. time`,
      );
    }
    // what the network holds back may come when it is long given up
    if (attempts.some((attempt) => attempt.isSwitched) && !this.hasFault('stalls')) {
      this.world.fail('unsafe retry', `request ${request.id} was repeated after the protocol was switched`);
    }
    if (number > retry.attempts + 1)
      this.world.fail('endless retry', `request ${request.id}, attempt ${number} of ${retry.attempts}`);
  }
}

/** A list of addresses, each in its one canonical form. */
function canonical(list: string): string {
  const parts = list.split(', ').map((part) => {
    const bytes = part.includes(':') ? parseIPv6(part) : null;
    return bytes === null ? part : formatIP(bytes);
  });
  return parts.join(', ');
}

/** Fields that must arrive as they were sent. */
const END_TO_END = new Set(['X-Key', 'Cookie', 'X-Long', 'Accept-Encoding']);
