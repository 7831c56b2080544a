/** A server of HTTP/2 in the simulation: checks what it is asked, byte by byte, and answers as the request says, or does not. */
import { Prng } from '../../src/base/prng.ts';
import { CANCEL, REFUSED_STREAM } from '../../src/wire/http2/error-codes.ts';
import * as F from '../../src/wire/http2/frame.ts';
import { idText, parseId } from '../content.ts';
import type { Acceptor, Endpoint, LinkSpec } from '../network.ts';
import type { World } from '../world.ts';
import { requestKey, responseKey } from './client.ts';
import { Http2Peer, type Manner, PeerStream, word } from './peer.ts';

export interface ServerSpec {
  readonly address: string;
  readonly seed: number;
  readonly manner: Manner;
  /** Once in so many requests; 0: never. It resets the stream, at any time; */
  readonly resetOneIn: number;
  /** refuses it, without having worked on it; */
  readonly refuseOneIn: number;
  /** goes in order, behind this request; */
  readonly goOneIn: number;
  /** or the connection breaks. */
  readonly breakOneIn: number;
  /** Answers before it has all of the request. */
  readonly earlyOneIn: number;
  readonly thinkUs: number;
}

/** RFC 9113 section 7: it means nothing special. */
const UNKNOWN_CODE = 0x0bad_f00d;

/** What servers have been asked, by request. */
export type Arrivals = Map<number, number>;

class ServerStream extends PeerStream {
  request = -1;
  answerBytes = 0;
  bodyBytes = 0;
  isAnswered = false;
}

export class Http2Server implements Acceptor {
  readonly mode = 'accept';
  readonly connectDelayUs = 50;
  readonly spec: ServerSpec;
  private readonly world: World;
  private readonly prng: Prng;
  private readonly drawLink: () => LinkSpec;
  private readonly arrivals: Arrivals;
  connections = 0;

  constructor(world: World, spec: ServerSpec, arrivals: Arrivals, link: () => LinkSpec) {
    this.world = world;
    this.spec = spec;
    this.prng = new Prng(spec.seed);
    this.arrivals = arrivals;
    this.drawLink = link;
  }

  link(): LinkSpec {
    return this.drawLink();
  }

  hasRoom(): boolean {
    return true;
  }

  accept(endpoint: Endpoint): void {
    this.connections++;
    const name = `${this.spec.address}#${this.connections}`;
    const connection = new ServerConnection(
      this.world,
      endpoint,
      new Prng(this.prng.nextU32()),
      name,
      this.spec,
      this.arrivals,
    );
    connection.begin();
  }
}

class ServerConnection extends Http2Peer<ServerStream> {
  private readonly spec: ServerSpec;
  private readonly arrivals: Arrivals;
  private preface = F.PREFACE.length;
  private lastId = -1;
  private isLeaving = false;

  constructor(world: World, endpoint: Endpoint, prng: Prng, name: string, spec: ServerSpec, arrivals: Arrivals) {
    super(world, endpoint, prng, name, spec.manner);
    this.spec = spec;
    this.arrivals = arrivals;
  }

  begin(): void {
    this.sendSettings();
    this.port.step();
  }

  handleConnected(): void {
    // it is, when it is accepted
  }

  override handleBytes(bytes: Uint8Array, at: number, length: number): void {
    const skipped = Math.min(this.preface, length);
    for (let i = 0; i < skipped; i++)
      if (bytes[at + i] !== F.PREFACE[F.PREFACE.length - this.preface + i]) this.fail('preface', 'it is another one');
    this.preface -= skipped;
    super.handleBytes(bytes, at + skipped, length - skipped);
  }

  protected override beginStream(id: number): ServerStream | null {
    if (id % 2 === 0 || id <= this.lastId) return null;
    this.lastId = id;
    const open = [...this.streams.values()].filter((stream) => {
      return !stream.isOver && !stream.isReset && !(stream.hasEnded && stream.isSent);
    });
    const { streamsMax } = this.spec.manner;
    if (streamsMax > 0 && open.length >= streamsMax)
      this.fail('streams', `${open.length} are open, and another one begins`);
    const stream = new ServerStream(id, this.newWindow, this.manner.windowBytes);
    this.streams.set(id, stream);
    return stream;
  }

  protected override handleHead(stream: ServerStream, fields: ReadonlyMap<string, string>): void {
    const { prng, spec } = this;
    stream.hasHead = true;
    stream.request = parseId((fields.get(':path') ?? '').slice(1));
    if (stream.request < 0) this.fail('content', `nobody asks for ${fields.get(':path')}`);
    stream.answerBytes = Number(fields.get('x-answer'));
    stream.bodyBytes = Number(fields.get('x-body'));
    stream.receivedKey = requestKey(stream.request);
    this.world.note('%a is asked %b on stream %c', this.name, stream.request, stream.id);
    // what is on its way when it goes, it has not worked on
    stream.isAnswered = this.isLeaving;
    if (this.isLeaving) return;
    if (prng.oneIn(spec.refuseOneIn)) {
      this.resetStream(stream, REFUSED_STREAM);
      return;
    }
    this.arrivals.set(stream.request, (this.arrivals.get(stream.request) ?? 0) + 1);
    if (prng.oneIn(spec.goOneIn)) {
      this.isLeaving = true;
      this.send(F.FRAME_GOAWAY, 0, 0, Uint8Array.from([...word(stream.id), ...word(0)]));
    }
    if (prng.oneIn(spec.breakOneIn)) this.world.schedule(prng.below(spec.thinkUs + 1), () => this.breakOff());
    if (prng.oneIn(spec.resetOneIn))
      this.world.schedule(prng.below(2 * spec.thinkUs + 1), () => {
        if (!this.isGone) this.resetStream(stream, prng.oneIn(2) ? CANCEL : UNKNOWN_CODE);
      });
    if (prng.oneIn(spec.earlyOneIn)) this.planAnswer(stream);
  }

  private breakOff(): void {
    if (this.isGone) return;
    this.isGone = true;
    this.port.reset();
  }

  protected override handleStreamEnd(stream: ServerStream): void {
    if (stream.receivedBytes !== stream.bodyBytes)
      this.fail(
        'content',
        `${stream.request}: ${stream.receivedBytes} of ${stream.bodyBytes} bytes as if they were all`,
      );
    this.planAnswer(stream);
  }

  private planAnswer(stream: ServerStream): void {
    if (stream.isAnswered) return;
    stream.isAnswered = true;
    this.world.schedule(this.prng.below(this.spec.thinkUs + 1), () => {
      if (!this.isGone && !stream.isOver && !stream.isReset) this.answer(stream);
    });
  }

  private answer(stream: ServerStream): void {
    const { answerBytes, id, request } = stream;
    const { prng } = this;
    if (prng.oneIn(6))
      this.sendHead(
        id,
        [
          [':status', '103'],
          ['x-hint', 'a'],
        ],
        false,
      );
    const isBare = answerBytes === 0 && prng.oneIn(2);
    const length = prng.oneIn(2) ? [['content-length', String(answerBytes)] as const] : [];
    this.sendHead(id, [[':status', '200'], ['x-id', idText(request)], ...length], isBare);
    if (isBare) stream.isSent = true;
    else this.beginBody(stream, responseKey(request), answerBytes, prng.oneIn(3) ? [['x-sum', idText(request)]] : null);
  }

  protected override handleReset(): void {
    // nothing is done for it any more
  }

  protected override handleGoaway(): void {
    // the proxy begins nothing more, which it need not say
  }

  override handleEnd(): void {
    this.leave();
  }

  override handleBroken(): void {
    this.leave();
  }
}
