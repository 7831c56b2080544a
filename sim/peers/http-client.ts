/**
 * A simulated HTTP client: sends what its spec says on one connection, more connections if the proxy announces that it
 * closes, and judges every byte that comes back.
 *
 * It holds the invariant of the program: each response is the one that a server gave to this very request, whole and in
 * order; or a clear error that is excused; or the connection was cut so that the client can tell.
 */
import { constants, gunzipSync } from 'node:zlib';
import { Prng } from '../../src/base/prng.ts';
import { checkContent, parseId } from '../content.ts';
import { excusesLoss, type Judge } from '../judge.ts';
import type { Attempt, Exchange, Ledger } from '../ledger.ts';
import type { BreakReason, Network } from '../network.ts';
import { FORGED_MARKER } from '../response.ts';
import type { HttpClientSpec } from '../scenario-http.ts';
import type { World } from '../world.ts';
import { fieldValues, HttpReader, MalformedError, type Head, type ReaderSink } from './http-reader.ts';
import { bodyBytes, requestHead } from './http-writer.ts';
import { PeerPort, type PortOwner } from './port.ts';
import { approach } from './proxy-header.ts';
import { StreamRecord, StreamSide, type StreamSpec } from './stream.ts';

/** How long a client waits for 100 (Continue) before it sends the body without. */
const CONTINUE_WAIT_US = 300_000;
const HALF_CLOSED_US = 1_000_000;

export class HttpClient implements PortOwner, ReaderSink {
  readonly spec: HttpClientSpec;
  isDone = false;
  private readonly world: World;
  private readonly network: Network;
  private readonly ledger: Ledger;
  private readonly judge: Judge;
  private readonly prng: Prng;
  private readonly name: string;
  private port: PeerPort | null = null;
  private reader: HttpReader | null = null;
  private connections = 0;
  private next = 0;
  /** Sent, at least in part, and not answered. */
  private readonly outstanding: Exchange[] = [];
  private isThinking = false;
  /** The one whose bytes are on their way out. */
  private sending: Exchange | null = null;
  /** The body that waits for 100 (Continue). */
  private heldBody: Uint8Array | null = null;
  private heldFor: Exchange | null = null;
  private isSilent = false;
  /** When it sent FIN although responses are still to come; -1: it has not. */
  private endedAtUs = -1;
  /** The proxy said, or the rules say, that nothing more comes on this connection. */
  private isLastResponseSeen = false;
  private tunnel: StreamSide | null = null;
  /** The request that became the tunnel. */
  private tunnelId = -1;
  /** The tunnel, while the client sends into it without knowing whether there will be one. */
  private eager: StreamSide | null = null;

  // the response being read
  private head: Head | null = null;
  private attempt: Attempt | null = null;
  /** A server has sent two responses to one request, and the second came when the next request was on its way. */
  private isForged = false;
  private body: Uint8Array[] = [];
  private bodyLength = 0;
  /** What comes of the body is compressed, and judged when no more comes. */
  private isCompressed = false;

  constructor(network: Network, ledger: Ledger, judge: Judge, spec: HttpClientSpec) {
    this.world = network.world;
    this.network = network;
    this.ledger = ledger;
    this.judge = judge;
    this.spec = spec;
    this.prng = new Prng(spec.seed);
    this.name = `client ${spec.id}`;
    this.world.schedule(spec.startUs, () => this.connect());
  }

  describe(): string {
    const waiting = this.outstanding.map((exchange) => exchange.request.id).join(', ');
    return `${this.name}: sent ${this.next} of ${this.spec.requests.length}, waits for [${waiting}]${this.isSilent ? ', silent' : ''}`;
  }

  private connect(): void {
    const { spec } = this;
    const address =
      this.connections === 0 ? spec.address : spec.address.replace(/[0-9]+$/, String(32_000 + this.connections));
    this.connections++;
    this.isLastResponseSeen = false;
    this.reader = new HttpReader('response', this);
    const { from, opening } = approach(this.ledger.scenario.plan, this.prng, address, spec.listener);
    const endpoint = this.network.dial(from, spec.listener);
    this.world.note('client %a connects by endpoint %b', spec.id, endpoint.id);
    this.port = new PeerPort(this.world, endpoint, this.prng, spec.writePace, spec.readPace, this, { opening });
  }

  // --- sending ---

  handleConnected(): void {
    this.sendNext();
  }

  handleFlushed(): void {
    if (this.abortIfDue()) return;
    if (this.tunnel !== null) return this.tunnel.fill();
    if (this.heldBody !== null) return;
    if (this.sending !== null) {
      this.sending.isSent = true;
      if (this.sending.request.tunnel?.isEager === true) this.beginEager(this.sending);
      this.sending = null;
    }
    if (this.eager !== null) {
      this.eager.fill();
      if (this.eager.sending.isEnded && this.endedAtUs < 0) this.endedAtUs = this.world.nowUs;
      return;
    }
    this.sendNext();
  }

  private sendNext(): void {
    const { spec, port } = this;
    if (
      port === null ||
      port.isOver ||
      this.sending !== null ||
      this.isThinking ||
      this.isSilent ||
      this.isLastResponseSeen
    )
      return;
    if (this.next >= spec.requests.length) {
      if (spec.goodbye === 'end-early' && this.tunnel === null && !this.isTunnelAsked) {
        if (this.endedAtUs < 0) this.endedAtUs = this.world.nowUs;
        port.end();
      }
      return;
    }
    if (this.outstanding.length >= spec.pipelineDepth) return;
    const request = spec.requests[this.next];
    // a request that may end the connection, or change its protocol, is sent when all before it are answered
    if ((request.tunnel !== null || request.expectsContinue) && this.outstanding.length > 0) return;
    if (request.thinkUs > 0) {
      this.isThinking = true;
      this.world.schedule(request.thinkUs, () => {
        this.isThinking = false;
        this.send();
      });
    } else this.send();
  }

  /** It may be late with what it has to send or to read. */
  private get isSlow(): boolean {
    const { spec } = this;
    return spec.abort !== null || spec.writePace.gapUs > 0 || spec.readPace.gapUs > 0;
  }

  private get isTunnelAsked(): boolean {
    return this.spec.requests[this.spec.requests.length - 1].tunnel !== null;
  }

  private send(): void {
    const { port } = this;
    if (port === null || port.isOver || this.isLastResponseSeen || this.isSilent) return;
    const request = this.spec.requests[this.next++];
    const exchange = this.ledger.exchanges.get(request.id) as Exchange;
    this.outstanding.push(exchange);
    exchange.begunAtUs = this.world.nowUs;
    this.sending = exchange;
    this.world.note('client %a sends request %b: %c', this.spec.id, request.id, `${request.method} ${request.target}`);
    const body = bodyBytes(request.body, exchange.bodyKey, this.prng, request.id);
    if (request.expectsContinue) {
      this.heldBody = body;
      this.heldFor = exchange;
      this.world.schedule(CONTINUE_WAIT_US, () => this.releaseBody(exchange));
      port.write(requestHead(request));
    } else port.write(Buffer.concat([requestHead(request), body]));
  }

  private beginEager(exchange: Exchange): void {
    const { tunnel } = exchange.request;
    if (tunnel === null || this.port === null) return;
    this.eager = this.streamSide(exchange, this.port, tunnel.client, exchange.toServer, new StreamRecord(0));
    this.eager.start();
  }

  private streamSide(
    exchange: Exchange,
    port: PeerPort,
    spec: StreamSpec,
    sending: StreamRecord,
    receiving: StreamRecord,
  ): StreamSide {
    const side = new StreamSide(this.world, port, this.prng, this.name, spec, sending, receiving, () => {
      if (exchange.outcome === 'none') exchange.outcome = 'given-up';
      if (side.isBroken) this.judge.excuseBrokenStream(exchange);
      this.isDone = true;
    });
    return side;
  }

  private releaseBody(exchange: Exchange): void {
    const body = this.heldBody;
    if (body === null || this.heldFor !== exchange || this.port === null) return;
    this.heldBody = null;
    if (body.length > 0) this.port.write(body);
    else this.handleFlushed();
  }

  private abortIfDue(): boolean {
    const { abort } = this.spec;
    const port = this.port;
    if (abort === null || port === null || port.isOver || this.isSilent) return this.isSilent;
    if (this.tunnel !== null && this.tunnel.receiving.isEndSeen) return false;
    if (port.sentBytes < abort.sentBytes && port.receivedBytes < abort.receivedBytes) return false;
    this.world.note('client %a: %b after %c bytes sent', this.spec.id, abort.how, port.sentBytes);
    if (abort.how === 'silence' || abort.how === 'deafness') {
      this.isSilent = true;
      if (abort.how === 'deafness') this.waitForEnd(port);
      return true;
    }
    if (this.tunnel !== null) this.tunnel.sending.isReset = true;
    if (abort.how === 'reset' || this.tunnel !== null) port.reset();
    else port.close();
    if (abort.how === 'reset') this.judge.expectDropped(this.outstanding);
    this.finish('given-up');
    return true;
  }

  /** It reads no more, and so cannot know that the connection has ended; nobody else may keep it for that. */
  private waitForEnd(port: PeerPort): void {
    port.pauseReading();
    this.world.schedule(100_000, () => {
      if (this.isDone) return;
      if (port.endpoint.isAbandoned || port.isOver) this.handleGone('end');
      else this.waitForEnd(port);
    });
  }

  // --- receiving ---

  handleBytes(bytes: Uint8Array, at: number, length: number): void {
    if (this.abortIfDue()) return;
    if (this.tunnel !== null) return this.tunnel.handleBytes(bytes, at, length);
    try {
      this.reader?.feed(bytes, at, length);
    } catch (error) {
      this.rethrow(error);
    }
  }

  handleEnd(): void {
    if (this.isSilent) return this.handleGone('end');
    if (this.tunnel !== null) return this.tunnel.handleEnd();
    const isInside = this.head !== null;
    try {
      this.reader?.end();
    } catch (error) {
      // the connection ended inside a message, and the client can tell
      if (!(error instanceof MalformedError)) throw error;
      this.world.note('%a: response cut: %b', this.name, error.message);
    }
    if (!this.isDone) this.handleGone(isInside ? 'end inside a response' : 'end');
  }

  handleBroken(reason: BreakReason): void {
    if (this.tunnel !== null) {
      const exchange = this.ledger.exchanges.get(this.tunnelId);
      this.tunnel.handleBroken(exchange === undefined || excusesLoss(this.ledger, exchange));
    }
    this.handleGone(reason);
  }

  private handleGone(how: string): void {
    this.world.note('%a: connection gone: %b', this.name, how);
    if (this.tunnel !== null) {
      this.tunnel.sending.isReset = true;
      this.port?.reset();
    } else this.port?.close();
    const wasAnnounced = this.isLastResponseSeen;
    const { attempt, spec } = this;
    if (this.head !== null && attempt !== null && this.isCompressed) this.checkCompressed(attempt, false);
    // the proxy takes a client that has sent FIN for gone if nothing can be answered soon
    const isTakenForGone = this.endedAtUs >= 0 && this.world.nowUs - this.endedAtUs >= HALF_CLOSED_US;
    // what is behind a broken response shares its fate, and a reset may overtake the responses before it
    const isExcused = wasAnnounced || this.isSlow || isTakenForGone;
    if (
      !isExcused &&
      this.outstanding.length > 0 &&
      !this.outstanding.some((exchange) => this.judge.excusesCut(exchange))
    ) {
      this.world.fail('cut without cause', `request ${this.outstanding[0].request.id} of ${this.name} was cut: ${how}`);
    }
    for (const exchange of this.outstanding) exchange.outcome = 'cut';
    this.outstanding.length = 0;
    this.sending = null;
    this.heldBody = null;
    this.head = null;
    // what was not begun goes over a new connection, as any client does
    if (this.next < spec.requests.length && !this.isSilent && this.connections < 20 && how !== 'refused')
      this.connect();
    else this.isDone = true;
  }

  handleHead(head: Head): 'as-framed' | 'no-body' | 'tunnel' {
    const exchange = this.outstanding[0];
    const { world } = this;
    if (exchange === undefined && this.eager !== null) return 'tunnel';
    if (exchange === undefined)
      world.fail('crossed response', `${this.name} got a response (${head.status}) that it did not ask for`);
    const { request } = exchange;
    const isInterim = head.status >= 100 && head.status < 200 && head.status !== 101;
    if (isInterim) {
      if (request.version === 10) world.fail('response framing', `${this.name}: ${head.status} to an HTTP/1.0 request`);
      if (head.status === 100 && !request.expectsContinue)
        world.fail('response framing', `${this.name}: 100 that was not asked for`);
      this.releaseBody(exchange);
    }
    const markers = fieldValues(head, 'x-sim');
    this.head = head;
    this.attempt = null;
    this.body = [];
    this.bodyLength = 0;
    this.isCompressed = request.method !== 'HEAD' && fieldValues(head, 'content-encoding').length > 0;
    this.isForged = markers[0] === FORGED_MARKER && this.ledger.hasFault('serverMalformed');
    if (this.isForged) world.note('%a gets a forged response', this.name);
    else if (markers.length === 1) this.attempt = this.attemptOf(exchange, markers[0], head);
    else if (!isInterim) this.judge.checkOwnAnswer(exchange, head, this.isSlow);
    if (request.version === 10 && fieldValues(head, 'transfer-encoding').length > 0) {
      world.fail('response framing', `${this.name}: Transfer-Encoding to an HTTP/1.0 request`);
    }
    if (this.attempt !== null && !isInterim) this.judge.checkResponseHead(exchange, this.attempt, head);
    world.note('%a: %b to request %c', this.name, head.status, request.id);
    if (head.status === 101) return this.beginTunnel(exchange);
    // of a request that did not come in time the proxy may not know that it is HEAD
    return request.method === 'HEAD' && head.status !== 408 ? 'no-body' : 'as-framed';
  }

  /** `id.check/number`: which attempt at which request a response answers. */
  private attemptOf(exchange: Exchange, marker: string, head: Head): Attempt {
    const [idPart, numberPart] = marker.split('/');
    const id = parseId(idPart);
    const { world } = this;
    const { request, attempts } = exchange;
    if (id !== request.id)
      world.fail('crossed response', `${this.name} got ${head.status} for ${marker} to request ${request.id}`);
    const attempt = attempts[Number(numberPart) - 1];
    if (attempt === undefined) world.fail('crossed response', `${this.name}: no attempt ${marker}`);
    // an interim response may have been passed on before the attempt failed; an attempt given up may arrive late
    if (attempt.number !== attempts.length && head.status >= 200 && !this.ledger.hasFault('stalls'))
      world.fail('stale response', `request ${request.id} was answered from an attempt given up: ${marker}`);
    return attempt;
  }

  private beginTunnel(exchange: Exchange): 'tunnel' {
    const { request } = exchange;
    const { tunnel } = request;
    const { world, port, attempt, eager } = this;
    if (tunnel === null || port === null || attempt === null)
      return world.fail('response framing', `${this.name}: 101 that was not asked for`);
    if (!attempt.response.switches) world.fail('response framing', `${this.name}: 101 that no server sent`);
    exchange.outcome = 'answered';
    attempt.isSwitched = true;
    this.tunnelId = request.id;
    this.outstanding.shift();
    this.head = null;
    if (eager === null) {
      this.tunnel = this.streamSide(exchange, port, tunnel.client, attempt.toServer, attempt.toClient);
    } else {
      this.tunnel = eager;
      this.tunnel.receiving = attempt.toClient;
    }
    this.tunnel.start();
    return 'tunnel';
  }

  handleBody(bytes: Uint8Array, at: number, length: number): void {
    if (this.tunnel !== null) return this.tunnel.handleBytes(bytes, at, length);
    const { attempt } = this;
    if (attempt === null || this.isCompressed) {
      this.body.push(bytes.slice(at, at + length));
    } else if (attempt.response.fault !== 'malformed-body') {
      this.checkBody(attempt, this.bodyLength, bytes, at, length);
    }
    this.bodyLength += length;
  }

  private checkBody(attempt: Attempt, position: number, bytes: Uint8Array, at: number, length: number): void {
    const right = checkContent(attempt.key, position, bytes, at, length);
    if (right < 0) return;
    this.world.fail(
      'response content',
      `${this.name}: byte ${position + right} of the response to ${attempt.exchange.request.id} is wrong`,
    );
  }

  /** Of a body that is compressed, all of it or what came of it: how long it was. */
  private checkCompressed(attempt: Attempt, isWhole: boolean): number {
    const content = gunzipOf(Buffer.concat(this.body), isWhole);
    if (content === null) {
      const { id } = attempt.exchange.request;
      return this.world.fail('response content', `${this.name}: the response to ${id} is not what gzip makes`);
    }
    this.checkBody(attempt, 0, content, 0, content.length);
    return content.length;
  }

  handleMessageEnd(trailers: Head['fields']): void {
    const { head, attempt } = this;
    const exchange = this.outstanding[0];
    if (head === null) return;
    this.head = null;
    if (head.status < 200) return;
    this.world.note('%a: response to %b is whole, %c bytes', this.name, exchange.request.id, this.bodyLength);
    if (this.isForged) exchange.outcome = 'error';
    else if (attempt === null) this.judge.checkOwnBody(exchange, head, Buffer.concat(this.body));
    else {
      const bytes = this.isCompressed ? this.checkCompressed(attempt, true) : this.bodyLength;
      this.judge.checkWholeResponse(exchange, attempt, bytes, trailers);
    }
    exchange.outcome = attempt === null ? 'error' : 'answered';
    this.outstanding.shift();
    this.afterResponse(exchange, head);
  }

  private afterResponse(exchange: Exchange, head: Head): void {
    const { spec, port } = this;
    const connection = fieldValues(head, 'connection').join(',').toLowerCase();
    const isLast =
      connection.includes('close') ||
      (head.version === 10 && !connection.includes('keep-alive')) ||
      exchange.request.closes;
    if (isLast) {
      // the proxy closes; what was sent behind it is not answered
      this.isLastResponseSeen = true;
      this.sending = null;
      this.heldBody = null;
      this.reader?.stop();
      return;
    }
    if (this.eager !== null) {
      // no tunnel, and what was sent into it looks like rubbish to the proxy
      port?.reset();
      this.finish('given-up');
      return;
    }
    // answered early, and the connection stays: the body must follow all the same
    this.releaseBody(exchange);
    if (this.next >= spec.requests.length && this.outstanding.length === 0 && this.sending === null) {
      if (spec.goodbye === 'close' && !this.isSilent) {
        port?.close();
        this.finish('none');
        return;
      }
    }
    this.sendNext();
  }

  private finish(outcome: 'given-up' | 'none'): void {
    for (const exchange of this.outstanding) if (outcome === 'given-up') exchange.outcome = outcome;
    this.outstanding.length = 0;
    this.isDone = true;
  }

  private rethrow(error: unknown): never {
    if (error instanceof MalformedError) {
      return this.world.fail(
        'malformed response',
        `${this.name}, request ${this.outstanding[0]?.request.id}: ${error.message}`,
      );
    }
    throw error;
  }
}

/** Null: it is not what gzip makes of a body, or its beginning. A whole one ends with how long it is (RFC 1952 section 2.3.1), and nothing behind that. */
function gunzipOf(coded: Buffer, isWhole: boolean): Buffer | null {
  try {
    const content = gunzipSync(coded, isWhole ? {} : { finishFlush: constants.Z_SYNC_FLUSH });
    return isWhole && coded.readUInt32LE(coded.length - 4) !== content.length ? null : content;
  } catch {
    return null;
  }
}
