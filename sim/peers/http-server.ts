/**
 * A simulated HTTP server: reads requests strictly, checks every byte of their bodies, and answers as drawn: whole or
 * broken, early or late, with content from which the client can tell whose answer it got.
 */
import { Prng } from '../../src/base/prng.ts';
import { checkContent, fillContent, idText, mix } from '../content.ts';
import { excusesLoss } from '../judge.ts';
import type { Attempt, Exchange, Ledger } from '../ledger.ts';
import type { Acceptor, BreakReason, Endpoint, LinkSpec } from '../network.ts';
import {
  CHUNKS_MALFORMED,
  FORGED_MARKER,
  RESPONSE_HEADS_MALFORMED,
  SWITCH_UNASKED,
  type ResponseSpec,
} from '../response.ts';
import { drawLink, type LinkProfile } from '../scenario.ts';
import type { ServerSpec } from '../scenario-plan.ts';
import type { World } from '../world.ts';
import { fieldValues, HttpReader, MalformedError, type Head, type ReaderSink } from './http-reader.ts';
import { bodyBytes, latin1, responseHead } from './http-writer.ts';
import { FULL_PACE, PeerPort, type PortOwner } from './port.ts';
import { StreamSide } from './stream.ts';

/** How long a server keeps a silent connection, where it does not close at a worse moment. */
const IDLE_US = 30_000_000;

export class HttpServer implements Acceptor {
  mode: Acceptor['mode'] = 'accept';
  connectDelayUs = 100;
  readonly spec: ServerSpec;
  readonly world: World;
  readonly ledger: Ledger;
  private readonly prng: Prng;
  private readonly profile: LinkProfile;
  private readonly open = new Set<ServerConnection>();

  constructor(world: World, ledger: Ledger, spec: ServerSpec, seed: number, profile: LinkProfile) {
    this.world = world;
    this.ledger = ledger;
    this.spec = spec;
    this.prng = new Prng(mix(seed, spec.index));
    this.profile = profile;
  }

  get openConnections(): number {
    let count = 0;
    // what the proxy has given up may still be on its way
    for (const connection of this.open) if (!connection.isAbandoned) count++;
    return count;
  }

  link(): LinkSpec {
    return drawLink(this.prng, this.profile);
  }

  hasRoom(): boolean {
    return true;
  }

  accept(endpoint: Endpoint): void {
    this.open.add(new ServerConnection(this, endpoint, new Prng(this.prng.nextU32())));
  }

  forget(connection: ServerConnection): void {
    this.open.delete(connection);
  }
}

class ServerConnection implements PortOwner, ReaderSink {
  private readonly server: HttpServer;
  private readonly world: World;
  private readonly prng: Prng;
  private readonly port: PeerPort;
  private readonly reader: HttpReader;
  private readonly name: string;
  /** The request being read or answered; null between requests. */
  private attempt: Attempt | null = null;
  private isStranger = false;
  private isHeadRequest = false;
  private requestBytes = 0;
  private isRequestWhole = false;
  private isAnswering = false;
  /** What is left of the response's bytes. */
  private rest: Uint8Array = new Uint8Array(0);
  private writtenBytes = 0;
  /** Where the current request begins in what was received. */
  private requestAt = 0;
  /** How many of the response's bytes make it whole. */
  private wholeBytes = 0;
  private tunnel: StreamSide | null = null;
  private exchanges = 0;
  private readonly closesInIdle: boolean;

  constructor(server: HttpServer, endpoint: Endpoint, prng: Prng) {
    this.server = server;
    this.world = server.world;
    this.prng = prng;
    this.name = `server ${server.spec.index} on endpoint ${endpoint.id}`;
    this.reader = new HttpReader('request', this);
    this.closesInIdle = server.ledger.hasFault('serverCloses') && prng.oneIn(2);
    const announcement = server.ledger.announcementFor(server.spec);
    this.port = new PeerPort(this.world, endpoint, prng, FULL_PACE, FULL_PACE, this, { announcement });
    this.watchIdle(0);
    this.port.step();
  }

  private watchIdle(exchanges: number): void {
    const afterUs = this.closesInIdle ? this.prng.below(400_000) : IDLE_US;
    this.world.schedule(afterUs, () => {
      if (this.attempt !== null || this.isStranger || exchanges !== this.exchanges || this.tunnel !== null) return;
      if (!this.reader.isBetweenMessages && !this.closesInIdle) return;
      this.world.note('%a closes its idle connection', this.name);
      this.finish(() => (this.prng.oneIn(4) && this.closesInIdle ? this.port.reset() : this.port.close()));
    });
  }

  private finish(how: () => void): void {
    how();
    this.server.forget(this);
  }

  get isAbandoned(): boolean {
    return this.port.endpoint.isAbandoned;
  }

  handleConnected(): void {}

  handleBytes(bytes: Uint8Array, at: number, length: number): void {
    if (this.reader.isBetweenMessages) this.requestAt = this.port.receivedBytes - length;
    if (this.tunnel !== null) return this.tunnel.handleBytes(bytes, at, length);
    try {
      this.reader.feed(bytes, at, length);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      const id = this.attempt?.exchange.request.id;
      this.world.fail('malformed request', `${this.name} (request ${id ?? 'not known'}) got ${error.message}`);
    }
  }

  handleEnd(): void {
    if (this.tunnel !== null && this.isEndOfTunnel) return this.tunnel.handleEnd();
    // an HTTP server takes the end of the connection as the end of interest
    this.world.note('%a sees the end', this.name);
    this.finish(() => this.port.close());
  }

  /** FIN is the client's, and not the proxy's because it has given the request up. */
  private get isEndOfTunnel(): boolean {
    const { attempt } = this;
    if (attempt === null) return false;
    const { toServer } = attempt;
    return attempt.isSwitched || (toServer.isEnded && toServer.receivedBytes === toServer.writtenBytes);
  }

  handleBroken(_reason: BreakReason): void {
    if (this.tunnel !== null) {
      const exchange = this.attempt?.exchange;
      this.tunnel.handleBroken(exchange === undefined || excusesLoss(this.server.ledger, exchange));
    }
    this.server.forget(this);
  }

  handleFlushed(): void {
    if (this.tunnel !== null) return this.tunnel.fill();
    if (this.isAnswering) this.writeMore();
  }

  handleHead(head: Head): 'as-framed' | 'no-body' | 'tunnel' {
    const { server } = this;
    this.exchanges++;
    if (this.attempt?.response.fault === 'extra') {
      // the first of two answers was whole, the second one is still being written: this server has nothing to complain of
      this.attempt = null;
      this.finish(() => this.port.reset());
      return 'tunnel';
    }
    if (this.isAnswering || this.attempt !== null || this.isStranger) {
      this.world.fail('pipelined request', `${this.name} got a request while it answers another one`);
    }
    const { noticedAt } = this.port.endpoint;
    if (noticedAt >= 0 && this.requestAt >= noticedAt) {
      this.world.fail('reuse', `${this.name} got a request after it had sent what nobody asked for`);
    }
    this.requestBytes = 0;
    this.isRequestWhole = false;
    this.isHeadRequest = head.method === 'HEAD';
    this.attempt = server.ledger.arrive(head, server.spec.index, server.spec.upstream);
    const { attempt } = this;
    if (attempt === null) {
      this.isStranger = true;
      return 'as-framed';
    }
    const { client, request } = attempt.exchange;
    if (this.port.announcement?.isOf(client.address) === false)
      this.world.fail('header', `${this.name} got request ${request.id} on another client's connection`);
    attempt.isHeld = () => this.attempt === attempt && !this.port.isOver && !this.isAbandoned;
    const { response } = attempt;
    const expects = fieldValues(head, 'expect').join().toLowerCase() === '100-continue';
    if (expects && !response.isEarly && response.sendsContinue) {
      this.port.write(latin1(`HTTP/1.1 100 Continue\r\n\r\n`));
    }
    if (response.switches && fieldValues(head, 'upgrade').join() === 'sim-tunnel') return this.beginTunnel(attempt);
    if (response.isEarly) this.answerLater();
    return 'as-framed';
  }

  handleBody(bytes: Uint8Array, at: number, length: number): void {
    const { attempt } = this;
    if (attempt === null) return;
    const { exchange } = attempt;
    const right = checkContent(exchange.bodyKey, this.requestBytes, bytes, at, length);
    if (right >= 0) {
      this.world.fail(
        'request content',
        `byte ${this.requestBytes + right} of the body of request ${exchange.request.id} is wrong`,
      );
    }
    this.requestBytes += length;
  }

  handleMessageEnd(trailers: Head['fields']): void {
    const { attempt } = this;
    this.isRequestWhole = true;
    if (attempt === null) return this.answerStranger();
    const { body, id } = attempt.exchange.request;
    const expected = body.kind === 'none' ? 0 : body.bytes;
    if (this.requestBytes !== expected) {
      this.world.fail(
        'request content',
        `the body of request ${id} ended after ${this.requestBytes} of ${expected} bytes`,
      );
    }
    if (body.kind === 'chunked' && body.trailerBytes > 0 && trailers.length > 0 && trailers[0][1] !== idText(id)) {
      this.world.fail('request content', `the trailer of request ${id} is ${trailers[0][1]}`);
    }
    attempt.isRequestWhole = true;
    if (attempt.response.isEarly) this.nextIfDone();
    else this.answerLater();
  }

  // --- answering ---

  private beginTunnel(attempt: Attempt): 'tunnel' {
    const { exchange } = attempt;
    const { tunnel, id } = exchange.request;
    if (tunnel === null) return this.world.fail('changed request', `request ${id} arrived with an Upgrade`);
    const head = responseHead(attempt.response, marker(attempt), false);
    this.tunnel = new StreamSide(
      this.world,
      this.port,
      this.prng,
      this.name,
      tunnel.server,
      attempt.toClient,
      attempt.toServer,
      () => this.server.forget(this),
    );
    this.world.schedule(attempt.response.delayUs, () => {
      if (this.port.isOver) return;
      attempt.isResponseWhole = true;
      this.port.write(head);
      this.tunnel?.start();
    });
    return 'tunnel';
  }

  private answerLater(): void {
    const { attempt } = this;
    if (attempt === null) return;
    this.world.schedule(attempt.response.delayUs, () => {
      if (this.port.isOver || this.attempt !== attempt) return;
      this.answer(attempt);
    });
  }

  private answer(attempt: Attempt): void {
    const { response, exchange } = attempt;
    this.world.note(
      '%a answers request %b: %c',
      this.name,
      exchange.request.id,
      `${response.status} ${response.fault}`,
    );
    const parts: Uint8Array[] = [];
    for (const status of response.interim)
      parts.push(latin1(`HTTP/1.1 ${status} Early Hints\r\nX-Sim: ${marker(attempt)}\r\nLink: </x>\r\n\r\n`));
    switch (response.fault) {
      case 'reset-before':
        return this.finish(() => this.port.reset());
      case 'close-before':
        return this.finish(() => this.port.close());
      case 'stall-before':
        return;
      case 'malformed-head':
        parts.push(latin1(malformed(headsFor(exchange), response).replace('%M', marker(attempt))));
        break;
      case 'malformed-body':
        parts.push(latin1(`HTTP/1.1 200 OK\r\nX-Sim: ${marker(attempt)}\r\nTransfer-Encoding: chunked\r\n\r\n`));
        if (this.isHeadRequest) attempt.isResponseWhole = true;
        else parts.push(latin1(malformed(CHUNKS_MALFORMED, response)));
        break;
      case 'none':
      case 'extra':
      case 'reset-inside':
      case 'close-inside':
      case 'stall-inside':
        parts.push(responseHead(response, marker(attempt), this.isHeadRequest));
        if (!this.isHeadRequest) parts.push(bodyBytes(response.body, attempt.key, this.prng, exchange.request.id));
        this.wholeBytes = parts.reduce((sum, part) => sum + part.length, 0);
        if (response.fault === 'extra' && response.body.kind !== 'close') {
          parts.push(latin1(`HTTP/1.1 200 OK\r\nX-Sim: ${FORGED_MARKER}\r\nContent-Length: 0\r\n\r\n`));
          this.port.endpoint.unaskedAt = this.port.queuedBytes + this.wholeBytes;
        }
    }
    this.rest = Buffer.concat(parts);
    this.writtenBytes = 0;
    this.isAnswering = true;
    this.writeMore();
  }

  private writeMore(): void {
    const { attempt } = this;
    if (attempt === null || this.port.isOver || !this.isAnswering) return;
    const { response } = attempt;
    if (
      response.fault.endsWith('-inside') &&
      this.writtenBytes >= Math.min(response.faultAtBytes, this.rest.length + this.writtenBytes - 1)
    ) {
      if (response.fault === 'reset-inside') return this.finish(() => this.port.reset());
      if (response.fault === 'close-inside') return this.finish(() => this.port.close());
      return;
    }
    if (this.rest.length === 0) return this.endAnswer(attempt);
    let length = Math.min(this.rest.length, response.pieceBytes);
    if (response.fault.endsWith('-inside')) {
      length = Math.min(length, Math.max(1, Math.min(response.faultAtBytes - this.writtenBytes, this.rest.length - 1)));
    }
    const piece = this.rest.subarray(0, length);
    this.rest = this.rest.subarray(length);
    this.writtenBytes += length;
    if (this.writtenBytes >= this.wholeBytes && MEANT.has(response.fault)) attempt.isResponseWhole = true;
    // many small pieces with pauses would outlast every timeout of the run
    if (response.gapUs > 0 && this.rest.length / response.pieceBytes < 200) {
      this.world.schedule(response.gapUs, () => this.port.write(piece));
    } else this.port.write(piece);
  }

  private endAnswer(attempt: Attempt): void {
    const { response } = attempt;
    this.isAnswering = false;
    const isMalformed =
      response.fault === 'malformed-head' || (response.fault === 'malformed-body' && !this.isHeadRequest);
    if (response.body.kind === 'close' || response.closes || isMalformed) {
      if (this.isRequestWhole || isMalformed || this.server.ledger.hasFault('serverCloses'))
        this.finish(() => this.port.close());
      else if (response.body.kind === 'close') this.port.end();
      else this.leaveUpload();
      return;
    }
    if (response.silentCloseUs >= 0) {
      this.world.schedule(response.silentCloseUs, () => {
        if (this.port.isOver) return;
        // in the middle of a body that ends with the connection, its end would make it look whole
        const isInside = this.tunnel !== null || (this.isAnswering && this.attempt?.response.body.kind === 'close');
        this.finish(() => (isInside ? this.port.reset() : this.port.close()));
      });
    }
    this.nextIfDone();
  }

  /**
   * Closes under an upload, which is a reset, once all of the answer has arrived at the proxy: no excuse if its client does not
   * get it.
   */
  private leaveUpload(): void {
    if (this.port.isOver) return;
    if (this.port.endpoint.isFlushed) this.finish(() => this.port.reset());
    else this.world.schedule(200, () => this.leaveUpload());
  }

  private nextIfDone(): void {
    if (this.isAnswering || !this.isRequestWhole || this.rest.length > 0 || this.attempt?.isResponseWhole !== true)
      return;
    this.attempt = null;
    this.watchIdle(this.exchanges);
  }

  private answerStranger(): void {
    this.isStranger = false;
    const body = new Uint8Array(20);
    fillContent(99, 0, body, 0, body.length);
    this.port.write(latin1('HTTP/1.1 200 OK\r\nX-Sim: stranger\r\nContent-Length: 20\r\n\r\n'));
    if (!this.isHeadRequest) this.port.write(body);
    this.watchIdle(this.exchanges);
  }
}

const HEADS_WITH_SWITCH = [...RESPONSE_HEADS_MALFORMED, SWITCH_UNASKED];

function headsFor(exchange: Exchange): readonly string[] {
  return exchange.request.tunnel === null ? HEADS_WITH_SWITCH : RESPONSE_HEADS_MALFORMED;
}

/** Faults after which the response itself still stands. */
const MEANT: ReadonlySet<string> = new Set(['none', 'extra']);

function marker(attempt: Attempt): string {
  return `${idText(attempt.exchange.request.id)}/${attempt.number}`;
}

function malformed(list: readonly string[], response: ResponseSpec): string {
  return list[response.variant % list.length];
}
