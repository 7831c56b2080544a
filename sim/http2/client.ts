/** A client of HTTP/2 in the simulation: asks on many streams of one connection, and knows every byte that it has to get. */
import type { Prng } from '../../src/base/prng.ts';
import { REFUSED_STREAM } from '../../src/wire/http2/error-codes.ts';
import * as F from '../../src/wire/http2/frame.ts';
import { idText, mix } from '../content.ts';
import type { Endpoint } from '../network.ts';
import type { World } from '../world.ts';
import { Http2Peer, type Manner, PeerStream } from './peer.ts';

export interface RequestSpec {
  /** Of all requests of the run. */
  readonly id: number;
  readonly atUs: number;
  /** -1: it has no body. */
  readonly bodyBytes: number;
  readonly hasLength: boolean;
  readonly hasTrailers: boolean;
  /** What its response has to have. */
  readonly answerBytes: number;
  /** When the client gives it up, after it has begun; 0: never. */
  readonly cancelUs: number;
}

/** `cut`: the stream or the connection ended before the response did. */
export type Outcome = 'waits' | 'whole' | 'error' | 'cut' | 'cancelled';

/** How the bodies of a request and of its response are told from all others. */
export function requestKey(id: number): number {
  return mix(id, 1);
}

export function responseKey(id: number): number {
  return mix(id, 2);
}

class ClientStream extends PeerStream {
  readonly spec: RequestSpec;
  status = 0;
  outcome: Outcome = 'waits';

  constructor(id: number, sendWindow: number, receiveWindow: number, spec: RequestSpec) {
    super(id, sendWindow, receiveWindow);
    this.spec = spec;
  }
}

export class Http2Client extends Http2Peer<ClientStream> {
  readonly outcomes = new Map<number, Outcome>();
  /** The proxy says that nobody has worked on these. */
  readonly refused: number[] = [];
  private readonly requests: readonly RequestSpec[];
  /** They are due, and there is no room for them. */
  private readonly waiting: RequestSpec[] = [];
  private lastId = -1;
  private isLeaving = false;

  constructor(
    world: World,
    endpoint: Endpoint,
    prng: Prng,
    name: string,
    manner: Manner,
    requests: readonly RequestSpec[],
  ) {
    super(world, endpoint, prng, name, manner);
    this.requests = requests;
    for (const { id } of requests) this.outcomes.set(id, 'waits');
    this.port.step();
  }

  get isDone(): boolean {
    return [...this.outcomes.values()].every((outcome) => outcome !== 'waits');
  }

  handleConnected(): void {
    this.port.write(F.PREFACE);
    this.sendSettings();
    for (const spec of this.requests) {
      this.world.schedule(spec.atUs, () => {
        this.waiting.push(spec);
        this.askNext();
      });
    }
  }

  private get openCount(): number {
    return [...this.streams.values()].filter(({ outcome }) => outcome === 'waits').length;
  }

  private askNext(): void {
    while (!this.isGone && !this.isLeaving && this.waiting.length > 0 && this.openCount < this.streamsMax)
      this.ask(this.waiting.shift() as RequestSpec);
  }

  private ask(spec: RequestSpec): void {
    const { answerBytes, bodyBytes, cancelUs, hasLength, hasTrailers, id } = spec;
    this.lastId += 2;
    const stream = new ClientStream(this.lastId, this.newWindow, this.manner.windowBytes, spec);
    this.streams.set(stream.id, stream);
    this.world.note('%a asks %b on stream %c', this.name, id, stream.id);
    const hasBody = bodyBytes >= 0;
    this.sendHead(
      stream.id,
      [
        [':method', hasBody ? 'POST' : 'GET'],
        [':scheme', 'http'],
        [':path', `/${idText(id)}`],
        [':authority', 'a.test'],
        ['x-answer', String(answerBytes)],
        ['x-body', String(Math.max(0, bodyBytes))],
        ...(hasBody && hasLength ? [['content-length', String(bodyBytes)] as const] : []),
      ],
      !hasBody,
    );
    if (hasBody) this.beginBody(stream, requestKey(id), bodyBytes, hasTrailers ? [['x-sum', idText(id)]] : null);
    else stream.isSent = true;
    if (cancelUs > 0) this.world.schedule(cancelUs, () => this.cancel(stream));
  }

  private cancel(stream: ClientStream): void {
    if (this.isGone || stream.outcome !== 'waits') return;
    this.resetStream(stream);
    this.settle(stream, 'cancelled');
  }

  private settle(stream: ClientStream, outcome: Outcome): void {
    if (stream.outcome !== 'waits') return;
    stream.outcome = outcome;
    this.outcomes.set(stream.spec.id, outcome);
    this.world.note('request %a ends: %b', stream.spec.id, outcome);
    this.askNext();
    if (this.isDone) this.world.schedule(this.prng.below(10_000), () => this.leave());
  }

  protected override beginStream(): null {
    return null;
  }

  protected override handleHead(stream: ClientStream, fields: ReadonlyMap<string, string>): void {
    const status = Number(fields.get(':status'));
    if (status < 200) return;
    stream.hasHead = true;
    stream.status = status;
    stream.receivedKey = status === 200 ? responseKey(stream.spec.id) : -1;
    if (status !== 200) return;
    if (fields.get('x-id') !== idText(stream.spec.id))
      this.fail('content', `${stream.spec.id} has the answer of ${fields.get('x-id')}`);
  }

  protected override handleStreamEnd(stream: ClientStream): void {
    const { answerBytes, id } = stream.spec;
    if (stream.status !== 200) this.settle(stream, 'error');
    else if (stream.receivedBytes === answerBytes) this.settle(stream, 'whole');
    else this.fail('content', `${id}: ${stream.receivedBytes} of ${answerBytes} bytes as if they were all`);
  }

  protected override handleReset(stream: ClientStream, code: number): void {
    if (code === REFUSED_STREAM) this.refused.push(stream.spec.id);
    // behind a complete response it is no more than that the rest of the request is not wanted
    this.settle(stream, 'cut');
  }

  protected override handleGoaway(lastId: number): void {
    if (lastId === 0x7fff_ffff) return;
    this.isLeaving = true;
    for (const stream of this.streams.values()) {
      if (stream.id <= lastId || stream.outcome !== 'waits') continue;
      this.refused.push(stream.spec.id);
      this.settle(stream, 'cut');
    }
    this.giveUpWaiting();
  }

  private giveUpWaiting(): void {
    for (const { id } of this.requests)
      if (![...this.streams.values()].some(({ spec }) => spec.id === id)) this.outcomes.set(id, 'cut');
  }

  override handleEnd(): void {
    this.lose();
  }

  override handleBroken(): void {
    this.lose();
  }

  private lose(): void {
    if (this.isGone) return;
    this.leave();
    for (const stream of this.streams.values()) this.settle(stream, 'cut');
    this.giveUpWaiting();
  }
}
