/**
 * What a client may be told, and what excuses it: an error or a cut connection is right only if something happened in the
 * run that can explain it. A run without faults has no excuse at all.
 */
import { idText } from './content.ts';
import type { Attempt, Exchange, Ledger } from './ledger.ts';
import { fieldValues, type Head } from './peers/http-reader.ts';
import type { Fault } from './faults.ts';
import { entityTag, fateOf } from './representation.ts';
import type { World } from './world.ts';

/** Whatever the proxy does itself, these can delay or break it at any point. */
export const ANYTHING: readonly Fault[] = ['stalls', 'lateTurns', 'fewSlots', 'shortages', 'lostPeers'];

/** The closed list of statuses that the proxy may answer with itself, and what else can explain each. */
const EXCUSES: ReadonlyMap<number, readonly Fault[]> = new Map<number, readonly Fault[]>([
  [408, []],
  [502, ['refusing', 'unreachable', 'moves', 'serverCloses', 'serverMalformed']],
  [503, ['flaps', 'tightLimits', 'connectFails', 'acceptFails']],
  [504, ['blackholes', 'serverStalls', 'connectFails']],
]);

/** From a client's reset to the end of what was done for it, with every delay on the way. */
const DROP_US = 500_000;

/** A tunnel may be reset for other reasons than a side's reset. */
export function excusesLoss(ledger: Ledger, exchange: Exchange): boolean {
  const { tunnel } = exchange.request;
  const { readPace, writePace, abort } = exchange.client;
  const isSilent = tunnel !== null && (tunnel.client.silentAtBytes > 0 || tunnel.server.silentAtBytes > 0);
  const isSlow = readPace.gapUs > 0 || writePace.gapUs > 0;
  return isSilent || isSlow || abort !== null || ledger.hasFault(...ANYTHING, 'serverCloses');
}

export class Judge {
  private readonly world: World;
  private readonly ledger: Ledger;

  constructor(world: World, ledger: Ledger) {
    this.world = world;
    this.ledger = ledger;
  }

  /** The connection may end before the response does, in a way that the client can tell. */
  excusesCut(exchange: Exchange): boolean {
    const { request, attempts } = exchange;
    if (this.ledger.hasFault(...ANYTHING) || request.expect.kind === 'refuse') return true;
    if ((request.tunnel?.server.resetAtBytes ?? -1) >= 0) return true;
    // no server had it
    if (attempts.length === 0) return this.ledger.hasFault('drain');
    // a response that has begun and cannot be ended, or none that comes in time
    const last = attempts[attempts.length - 1];
    return last.response.fault !== 'none' || this.ledger.hasFault('serverCloses', 'serverStalls');
  }

  /** The client of these has reset its connection: soon no server may work for it any more. */
  expectDropped(exchanges: readonly Exchange[]): void {
    const { seesResetWhilePaused } = this.ledger.scenario.transport;
    // a socket that is paused because of what lies unread may not show the reset until it is used
    if (exchanges.length !== 1 || !exchanges[0].isSent || !seesResetWhilePaused) return;
    if (this.ledger.hasFault(...ANYTHING)) return;
    const { attempts, request } = exchanges[0];
    this.world.schedule(DROP_US, () => {
      const held = attempts.find((attempt) => attempt.isHeld());
      if (held === undefined) return;
      this.world.fail(
        'lost client',
        `server ${held.server} still works on request ${request.id}, whose client is gone`,
      );
    });
  }

  excuseBrokenStream(exchange: Exchange): void {
    const { client, server } = exchange.request.tunnel ?? { client: null, server: null };
    const isOwn = [client, server].some((side) => side !== null && (side.resetAtBytes >= 0 || side.silentAtBytes > 0));
    // progress inside buffers is not seen: to the proxy a very slow reader looks silent
    if (exchange.client.readPace.gapUs > 0 || exchange.client.writePace.gapUs > 0) return;
    // a server may close by itself what it takes for idle
    if (isOwn || exchange.client.abort !== null || this.ledger.hasFault(...ANYTHING, 'serverCloses')) return;
    this.world.fail('cut without cause', `the tunnel of request ${exchange.request.id} was reset`);
  }

  /** An answer by the proxy itself: an error, or what a route says. `isSlow`: the client may be late with a request. */
  checkOwnAnswer(exchange: Exchange, head: Head, isSlow: boolean): void {
    const { request } = exchange;
    const { expect } = request;
    const what = `${head.status} to request ${request.id} (${request.method} ${request.target})`;
    if (head.version !== 11) this.world.fail('response framing', `${what} is not HTTP/1.1`);
    if (fieldValues(head, 'date').length !== 1) this.world.fail('response framing', `${what} has no Date`);
    if (fieldValues(head, 'content-encoding').length > 0) this.world.fail('compression', `${what} is compressed`);
    if (expect.kind === 'respond' && head.status === expect.status) return;
    if (expect.kind === 'redirect' && head.status === expect.status) {
      const location = fieldValues(head, 'location').join();
      if (location !== expect.location)
        this.world.fail('wrong answer', `Location is ${location} instead of ${expect.location}`);
      return;
    }
    if (expect.kind === 'refuse' && expect.statuses.includes(head.status)) return;
    this.checkPatience(exchange, head.status);
    const excuses = EXCUSES.get(head.status);
    if (excuses === undefined) this.world.fail('wrong answer', `${what} is not on the list`);
    if (this.ledger.hasFault(...ANYTHING, ...excuses)) return;
    if (head.status === 408 && isSlow) return;
    if (head.status === 502) {
      // a connection waited for room at a server that was then taken away
      if (this.ledger.hasFault('connectFails') && this.ledger.hasFault('reloads', 'overrides')) return;
      // the server's side of a tunnel may reset at once
      if (request.tunnel !== null && request.tunnel.server.resetAtBytes >= 0) return;
      if (exchange.attempts.some((attempt) => attempt.response.fault !== 'none')) return;
    }
    this.world.fail('error without cause', what);
  }

  /** No timeout is over before its time. */
  private checkPatience(exchange: Exchange, status: number): void {
    const { request, client } = exchange;
    const { plan } = this.ledger.scenario;
    let leastMs = 0;
    if (status === 408) {
      const { timeouts } = this.ledger.listenerOf(client);
      leastMs = Math.min(timeouts.headMs, timeouts.bodyMs);
    } else if (status === 504 && request.expect.kind === 'proxy') {
      const { upstream } = request.expect;
      const { connectMs, responseMs } = plan.upstreams.find(({ name }) => name === upstream)!.timeouts;
      const { action } = request.expect.route;
      const wholeMs = action.kind === 'proxy' && action.timeoutMs > 0 ? action.timeoutMs : Infinity;
      leastMs = Math.min(connectMs, responseMs, wholeMs);
    }
    const tookMs = (this.world.nowUs - exchange.begunAtUs) / 1000;
    // the proxy counts whole milliseconds
    if (tookMs < leastMs - 2)
      this.world.fail('too early', `${status} to request ${request.id} after ${tookMs} of ${leastMs} ms`);
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
    if (head.status !== 101) this.checkCoding(exchange, attempt, head);
    const { responseHeaders } = expect.route;
    for (const [name, value] of [...responseHeaders.set, ...responseHeaders.add]) {
      if (!fieldValues(head, name.toLowerCase()).includes(value)) fail(`${name} was not added`);
    }
    for (const [name] of responseHeaders.set)
      if (fieldValues(head, name.toLowerCase()).length > 1) fail(`${name} was not replaced`);
    for (const name of responseHeaders.remove) if (fieldValues(head, name).length > 0) fail(`${name} was not removed`);
  }

  private checkCoding({ client, request }: Exchange, { response }: Attempt, head: Head): void {
    const listener = this.ledger.listenerOf(client);
    const fate = fateOf(listener, request, response);
    const codings = fieldValues(head, 'content-encoding').join();
    const fail = (detail: string): never =>
      this.world.fail('compression', `the response to request ${request.id} (${fate}) ${detail}`);
    if (codings !== '' && codings !== 'gzip') fail(`has the codings ${codings}`);
    const isCompressed = codings === 'gzip';
    if (isCompressed && fate !== 'compressed' && fate !== 'may-be-compressed') fail('is compressed');
    if (!isCompressed && fate === 'compressed') fail('is not compressed');
    const varies = fieldValues(head, 'vary').join() === 'Accept-Encoding';
    const isVarying = fate === 'compressed' || fate === 'varies';
    if (isVarying && varies !== (listener.compress?.saysVary === true)) fail(`has Vary: ${String(varies)}`);
    const tag = entityTag(response);
    const expected = tag !== null && isCompressed && !tag.startsWith('W/') ? `W/${tag}` : (tag ?? '');
    if (fieldValues(head, 'etag').join() !== expected) fail(`has ETag ${fieldValues(head, 'etag').join()}`);
    if (!isCompressed) return;
    for (const name of ['content-length', 'accept-ranges'])
      if (fieldValues(head, name).length > 0) fail(`is compressed, and has ${name}`);
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

  /** What the whole run must have come to when all peers are done: nobody was forgotten. */
  checkOutcomes(): void {
    for (const exchange of this.ledger.exchanges.values()) {
      if (exchange.outcome === 'none' && exchange.isSent) {
        this.world.fail(
          'unanswered request',
          `request ${exchange.request.id} of client ${exchange.client.id} has no outcome`,
        );
      }
    }
  }
}
