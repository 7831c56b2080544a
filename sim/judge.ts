/**
 * What a client may be told, and what excuses it: an error or a cut connection is right only if something happened in the
 * run that can explain it. A run without faults has no excuse at all.
 */
import { idText } from './content.ts';
import type { Attempt, Exchange, Ledger } from './ledger.ts';
import { fieldValues, type Head } from './peers/http-reader.ts';
import type { Fault } from './scenario.ts';
import type { SimTransport } from './transport.ts';
import type { World } from './world.ts';

/** The closed list of statuses that the proxy may answer with itself, and what can explain each. */
const EXCUSES: ReadonlyMap<number, readonly Fault[]> = new Map<number, readonly Fault[]>([
  [408, ['slowClients', 'silentClients', 'stalls', 'lateTurns', 'fewSlots']],
  [
    502,
    [
      'refusing',
      'unreachable',
      'serverResets',
      'serverCloses',
      'serverMalformed',
      'connectFails',
      'flaps',
      'moves',
      'fewSlots',
      'acceptFails',
    ],
  ],
  [
    503,
    [
      'refusing',
      'unreachable',
      'blackholes',
      'flaps',
      'moves',
      'tightLimits',
      'connectFails',
      'fewSlots',
      'acceptFails',
      'drain',
      'lateTurns',
      'stalls',
    ],
  ],
  [504, ['blackholes', 'serverStalls', 'stalls', 'lateTurns', 'moves', 'fewSlots', 'tightLimits']],
]);

/** What may end a connection in the middle of something. */
const CUTS: readonly Fault[] = [
  'stalls',
  'lateTurns',
  'fewSlots',
  'acceptFails',
  'slowClients',
  'silentClients',
  'serverResets',
  'serverCloses',
  'serverStalls',
  'serverMalformed',
  'overLimits',
  'drain',
];

export class Judge {
  private readonly world: World;
  private readonly ledger: Ledger;
  private readonly transport: SimTransport;

  constructor(world: World, ledger: Ledger, transport: SimTransport) {
    this.world = world;
    this.ledger = ledger;
    this.transport = transport;
  }

  /** The connection ended before the response did, and the client could tell. */
  excuseCut(exchange: Exchange, isOwnDoing: boolean, how: string): void {
    if (isOwnDoing || this.ledger.hasFault(...CUTS)) return;
    const { request } = exchange;
    if (request.expect.kind === 'refuse' || (request.tunnel?.server.resetAtBytes ?? -1) >= 0) return;
    this.world.fail('cut without cause', `request ${request.id} of client ${exchange.client.id} was cut: ${how}`);
  }

  excuseBrokenStream(exchange: Exchange): void {
    const { client, server } = exchange.request.tunnel ?? { client: null, server: null };
    const isOwn = [client, server].some((side) => side !== null && (side.resetAtBytes >= 0 || side.silentAtBytes > 0));
    if (isOwn || this.ledger.hasFault(...CUTS, 'abortingClients')) return;
    this.world.fail('cut without cause', `the tunnel of request ${exchange.request.id} was reset`);
  }

  /** An answer by the proxy itself: an error, or what a route says. */
  checkOwnAnswer(exchange: Exchange, head: Head, isAborting: boolean): void {
    const { request } = exchange;
    const { expect } = request;
    const what = `${head.status} to request ${request.id} (${request.method} ${request.target})`;
    if (head.version !== 11) this.world.fail('response framing', `${what} is not HTTP/1.1`);
    if (fieldValues(head, 'date').length !== 1) this.world.fail('response framing', `${what} has no Date`);
    if (expect.kind === 'respond' && head.status === expect.status) return;
    if (expect.kind === 'redirect' && head.status === expect.status) {
      const location = fieldValues(head, 'location').join();
      if (location !== expect.location)
        this.world.fail('wrong answer', `Location is ${location} instead of ${expect.location}`);
      return;
    }
    if (expect.kind === 'refuse' && expect.statuses.includes(head.status)) return;
    const excuses = EXCUSES.get(head.status);
    if (excuses === undefined) this.world.fail('wrong answer', `${what} is not on the list`);
    if (head.status === 408 && isAborting) return;
    // the server's side of a tunnel may reset at once
    if (head.status === 502 && request.tunnel !== null && request.tunnel.server.resetAtBytes >= 0) return;
    if (!this.ledger.hasFault(...excuses)) this.world.fail('error without cause', what);
    if (head.status === 502 && exchange.attempts.length > 0) this.checkBlame(exchange);
  }

  /** If every attempt got a good and whole answer, the proxy has no reason for 502. */
  private checkBlame(exchange: Exchange): void {
    const last = exchange.attempts[exchange.attempts.length - 1];
    if (
      last.isResponseWhole &&
      last.response.fault === 'none' &&
      !this.ledger.hasFault(
        'serverResets',
        'serverCloses',
        'fewSlots',
        'connectFails',
        'refusing',
        'unreachable',
        'blackholes',
        'acceptFails',
        'moves',
      )
    ) {
      this.world.fail(
        'error without cause',
        `502 to request ${exchange.request.id}, whose last attempt got a good answer`,
      );
    }
  }

  /** The body of an answer by the proxy itself. */
  checkOwnBody(exchange: Exchange, _head: Head, body: Uint8Array): void {
    const { expect, method, id } = exchange.request;
    if (expect.kind !== 'respond' || _head.status !== expect.status || method === 'HEAD') return;
    const text = Buffer.from(body).toString('latin1');
    if (fieldValues(_head, 'content-type').join() === 'text/plain' && text !== expect.body) {
      this.world.fail('wrong answer', `the fixed answer to request ${id} is ${JSON.stringify(text.slice(0, 60))}`);
    }
  }

  /** The final head of a server's response, as the client got it. */
  checkResponseHead(exchange: Exchange, attempt: Attempt, head: Head): void {
    const { response } = attempt;
    const { request } = exchange;
    const fail = (detail: string): never => this.world.fail('changed response', `to request ${request.id}: ${detail}`);
    if (response.fault === 'malformed-head') fail('the malformed head of the server was passed on');
    if (head.version !== 11) fail('not HTTP/1.1');
    if (response.fault !== 'malformed-body' && head.status !== response.status)
      fail(`status ${head.status} instead of ${response.status}`);
    for (const name of ['keep-alive', 'x-hop', 'proxy-connection']) {
      if (fieldValues(head, name).length > 0) fail(`hop-by-hop field ${name} was passed on`);
    }
    if (head.status !== 101 && fieldValues(head, 'date').length !== 1)
      fail(`${fieldValues(head, 'date').length} Date fields`);
    if (head.status !== 101 && fieldValues(head, 'upgrade').length > 0) fail('Upgrade was passed on');
    const { expect } = request;
    if (expect.kind !== 'proxy' || response.fault === 'malformed-body') return;
    const { responseHeaders } = expect.route;
    for (const [name, value] of [...responseHeaders.set, ...responseHeaders.add]) {
      if (!fieldValues(head, name.toLowerCase()).includes(value)) fail(`${name} was not added`);
    }
    for (const [name] of responseHeaders.set)
      if (fieldValues(head, name.toLowerCase()).length > 1) fail(`${name} was not replaced`);
    for (const name of responseHeaders.remove) if (fieldValues(head, name).length > 0) fail(`${name} was not removed`);
  }

  /** The client takes the response for whole: so it must be. */
  checkWholeResponse(exchange: Exchange, attempt: Attempt, bodyBytes: number, trailers: Head['fields']): void {
    const { response } = attempt;
    const { request } = exchange;
    if (response.fault === 'malformed-body' && request.method === 'HEAD') return;
    const expected = request.method === 'HEAD' || response.body.kind === 'none' ? 0 : response.body.bytes;
    if (!attempt.isResponseWhole) {
      if (expected === 0 && request.method === 'HEAD') return;
      this.world.fail(
        'truncated response',
        `the response to request ${request.id} looks whole, but the server did not finish it (${response.fault})`,
      );
    }
    if (bodyBytes !== expected) {
      this.world.fail(
        'truncated response',
        `the response to request ${request.id} ended after ${bodyBytes} of ${expected} bytes`,
      );
    }
    for (const [name, value] of trailers) {
      if (name === 'x-checksum' && value !== idText(request.id))
        this.world.fail('response content', `trailer of ${request.id} is ${value}`);
    }
  }

  /** What the whole run must have come to when all peers are done. */
  checkOutcomes(): void {
    if (this.ledger.hasFault('abortingClients', ...CUTS)) return;
    for (const exchange of this.ledger.exchanges.values()) {
      if (exchange.outcome === 'none' && !this.wasSkipped(exchange)) {
        this.world.fail(
          'unanswered request',
          `request ${exchange.request.id} of client ${exchange.client.id} has no outcome`,
        );
      }
    }
    if (this.transport.failedConnects > 0 && !this.ledger.hasFault('connectFails', 'acceptFails')) {
      this.world.fail('simulator', 'a connect failed that should not');
    }
  }

  /** Behind a response after which the connection ended, there is no answer. */
  private wasSkipped(exchange: Exchange): boolean {
    return !exchange.isSent;
  }
}
