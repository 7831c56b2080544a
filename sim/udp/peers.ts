/** Clients and servers of UDP, and what of theirs must not happen: `Ledger` knows who has asked what, and sees every datagram. */
import { addressText, type Address } from '../../src/base/address.ts';
import { Prng } from '../../src/base/prng.ts';
import { wordAt } from '../../src/wire/ip-text.ts';
import { PROXY_WRONG, ProxyAddresses, readDatagramHeader } from '../../src/wire/proxy-protocol/header.ts';
import type { World } from '../world.ts';
import { type Datagram, HOST, ipOf, type UdpKernel } from './kernel.ts';

export interface ClientSpec {
  readonly id: number;
  readonly seed: number;
  readonly address: Address;
  /** Addresses of the listener that it asks, in turn. */
  readonly asks: readonly Address[];
  readonly startUs: number;
  readonly questions: number;
  /** Between two of them, at most. */
  readonly pauseUs: number;
  readonly bytes: number;
}

export interface ServerSpec {
  readonly id: number;
  readonly seed: number;
  readonly address: Address;
  /** Who the client is, by a PROXY protocol header. */
  readonly isTold: boolean;
  /** To each question; more are said unasked. */
  readonly answers: number;
  /** Once in so many questions it says something more, later; 0: never. */
  readonly tellOneIn: number;
  /** Once in so many it does not answer; 0: never. */
  readonly muteOneIn: number;
  readonly delayUs: number;
}

/** What a datagram says. Its bytes follow from it. */
interface Saying {
  /** Bytes of the PROXY protocol header in front. */
  readonly headerBytes: number;
  /** `q` of a client, `a` of a server, `t` of a server, unasked. */
  readonly kind: string;
  readonly client: number;
  readonly question: number;
  /** Of the server's datagrams about the question. */
  readonly count: number;
}

function textOf({ kind, client, question, count }: Omit<Saying, 'headerBytes'>, bytes: number): string {
  const head = `${kind} ${client} ${question} ${count} `;
  return head.padEnd(Math.max(head.length, bytes), String.fromCharCode(97 + ((client * 7 + question) % 26)));
}

function bytesOf(saying: Omit<Saying, 'headerBytes'>, length: number): Uint8Array {
  return Buffer.from(textOf(saying, length), 'latin1');
}

/** After a question, at most. */
const TELL_US = 400_000;
/** No text does. */
const HEADER_BEGINS = 0x0d;
const SAYING = /^([qat]) (\d+) (\d+) (\d+) /;

/** The word of an IPv4 address among 16 bytes. */
function ipIn(address: Uint8Array): number {
  return wordAt(address, 12);
}

interface Session {
  /** Of the proxy towards the server. */
  port: number;
  server: number;
  /** The client has been answered, and has asked again. */
  isProven: boolean;
  /** The last question that had been asked when an answer came; Infinity: none has come. */
  answeredAt: number;
}

export interface Expectations {
  /** A session that goes on stays with its server and its port. */
  readonly staysPut: boolean;
  /** The same of clients that have asked again after an answer, whatever others do. */
  readonly provenStayPut: boolean;
  /** Every program knows which address a client has asked. */
  readonly knowsAsked: boolean;
}

export class Ledger {
  /** Questions that servers have had, and that clients have had answers to: each once. */
  readonly heard = new Set<string>();
  readonly answered = new Set<string>();
  told = 0;
  private readonly world: World;
  private readonly expectations: Expectations;
  asked = 0;
  private readonly clients = new Map<number, ClientSpec>();
  private readonly lastAsked = new Map<number, number>();
  /** How often each datagram came to the proxies, less how often it has left. */
  private readonly within = new Map<string, number>();
  /** By client and the address that it asks. */
  private readonly sessions = new Map<string, Session>();

  constructor(world: World, kernel: UdpKernel, expectations: Expectations) {
    this.world = world;
    this.expectations = expectations;
    kernel.watch = (direction, datagram) => this.see(direction, datagram);
  }

  enter(client: ClientSpec): void {
    this.clients.set(client.id, client);
  }

  /** What it says, and that this is what it is to say. */
  read({ bytes }: Datagram): Saying {
    const told = new ProxyAddresses();
    const hasHeader = bytes[0] === HEADER_BEGINS;
    const headerBytes = hasHeader ? readDatagramHeader(bytes, 0, bytes.length, told) : 0;
    if (headerBytes === PROXY_WRONG) this.world.fail('header', 'is none');
    const text = Buffer.from(bytes.subarray(headerBytes)).toString('latin1');
    const [, kind, client, question, count] = SAYING.exec(text) ?? this.world.fail('spoilt', text.slice(0, 40));
    const saying = { headerBytes, kind, client: Number(client), question: Number(question), count: Number(count) };
    if (textOf(saying, text.length) !== text || !this.clients.has(saying.client))
      this.world.fail('spoilt', text.slice(0, 40));
    if (hasHeader) this.checkHeader(told, saying);
    return saying;
  }

  /** It names this client, and what that has asked, where that is known. */
  private checkHeader(told: ProxyAddresses, saying: Saying): void {
    const { address } = this.clients.get(saying.client) as ClientSpec;
    const asked = this.addressOf(saying);
    const destination = ipIn(told.destination);
    const isAsked = destination === ipOf(asked) || (destination === 0 && !this.expectations.knowsAsked);
    const isRight = ipIn(told.source) === ipOf(address) && told.sourcePort === address.port;
    if (!isRight || !isAsked || told.destinationPort !== asked.port)
      this.world.fail('header', `${told.sourcePort} of question ${saying.question} of client ${saying.client}`);
  }

  handleAsked(client: number, question: number): void {
    this.asked++;
    this.lastAsked.set(client, question);
  }

  /** That this client asked with this question. */
  addressOf({ client, question }: Saying): Address {
    const { asks } = this.clients.get(client) as ClientSpec;
    return asks[question % asks.length];
  }

  private see(direction: 'in' | 'out', datagram: Datagram): void {
    const saying = this.read(datagram);
    const { kind, client, question, count } = saying;
    const key = `${kind} ${client} ${question} ${count}`;
    const within = (this.within.get(key) ?? 0) + (direction === 'in' ? 1 : -1);
    if (within < 0) this.world.fail('sent twice', `${key} to ${addressText(datagram.to)}`);
    this.within.set(key, within);
    if (direction === 'in' || kind === 'q') return;
    const { address, asks } = this.clients.get(client) as ClientSpec;
    if (addressText(address) !== addressText(datagram.to))
      this.world.fail('wrong client', `${key} to ${addressText(datagram.to)}`);
    const asked = this.addressOf(saying);
    // who asks two addresses has one session where that is not known, and may go on with it where it is
    const isUnknown = !this.expectations.knowsAsked && (datagram.from.host === HOST || asks.length > 1);
    const isThere = asked.host === datagram.from.host || isUnknown;
    if (!isThere || asked.port !== datagram.from.port)
      this.world.fail('wrong source', `${key} from ${addressText(datagram.from)}`);
  }

  /** A server has it, from this port of the proxies. */
  handleQuestion(saying: Saying, server: number, port: number): void {
    const { client, question } = saying;
    this.heard.add(`${client} ${question}`);
    const key = `${client} ${addressText(this.addressOf(saying))}`;
    const session = this.sessions.get(key);
    if (session === undefined) {
      this.sessions.set(key, { port, server, isProven: false, answeredAt: Infinity });
      return;
    }
    const { staysPut, provenStayPut, knowsAsked } = this.expectations;
    // a session for each address, or one for all, as the engine tells
    const isOne = knowsAsked || (this.clients.get(client) as ClientSpec).asks.length === 1;
    if (session.port !== port) {
      if (isOne && (staysPut || (provenStayPut && session.isProven)))
        this.world.fail('session', `${key} had port ${session.port} and server ${session.server}, has ${port}`);
      session.isProven = false;
      session.answeredAt = Infinity;
    } else if (question > session.answeredAt) session.isProven = true;
    session.port = port;
    session.server = server;
  }

  handleAnswer(saying: Saying): void {
    const { client, question, kind } = saying;
    if (kind === 't') this.told++;
    else this.answered.add(`${client} ${question}`);
    const session = this.sessions.get(`${client} ${addressText(this.addressOf(saying))}`);
    if (session?.answeredAt === Infinity) session.answeredAt = this.lastAsked.get(client) as number;
  }
}

/** What clients and servers stand in. */
export interface Place {
  readonly world: World;
  readonly kernel: UdpKernel;
  readonly ledger: Ledger;
}

export class Client {
  isDone = false;
  private readonly place: Place;
  private readonly spec: ClientSpec;
  private readonly prng: Prng;
  private next = 0;

  constructor(place: Place, spec: ClientSpec) {
    this.place = place;
    this.spec = spec;
    this.prng = new Prng(spec.seed);
    place.ledger.enter(spec);
    place.kernel.listen(spec.address, (datagram) => {
      place.ledger.handleAnswer(place.ledger.read(datagram));
      return true;
    });
    place.world.schedule(spec.startUs, () => this.ask());
  }

  private ask(): void {
    const { spec, place } = this;
    const question = this.next++;
    const saying = { kind: 'q', client: spec.id, question, count: 0 };
    place.ledger.handleAsked(spec.id, question);
    place.kernel.send(spec.address, spec.asks[question % spec.asks.length], bytesOf(saying, spec.bytes));
    if (this.next === spec.questions) this.isDone = true;
    else place.world.schedule(this.prng.below(spec.pauseUs), () => this.ask());
  }
}

export class Server {
  /** Nobody listens. */
  isClosed = false;
  /** It is down, as everybody has been told for a while. */
  isDown = false;
  private readonly place: Place;
  private readonly spec: ServerSpec;
  private readonly prng: Prng;
  private readonly counts = new Map<string, number>();

  constructor(place: Place, spec: ServerSpec) {
    this.place = place;
    this.spec = spec;
    this.prng = new Prng(spec.seed);
    place.kernel.listen(spec.address, (datagram) => this.handleDatagram(datagram));
  }

  private handleDatagram(datagram: Datagram): boolean {
    const { place, spec, prng } = this;
    if (this.isClosed) return false;
    const saying = place.ledger.read(datagram);
    if (spec.isTold !== saying.headerBytes > 0) place.world.fail('header', 'is missing, or one too many');
    if (this.isDown) place.world.fail('server that is down', `${spec.id} is asked by client ${saying.client}`);
    place.ledger.handleQuestion(saying, spec.id, datagram.from.port);
    if (!prng.oneIn(spec.muteOneIn)) {
      for (let i = 0; i < spec.answers; i++) this.sayLater('a', saying, datagram, spec.delayUs);
    }
    if (prng.oneIn(spec.tellOneIn)) this.sayLater('t', saying, datagram, TELL_US);
    return true;
  }

  private sayLater(kind: string, saying: Saying, { from, bytes }: Datagram, withinUs: number): void {
    const { place, spec, prng, counts } = this;
    const { client, question, headerBytes } = saying;
    place.world.schedule(prng.below(withinUs), () => {
      const key = `${client} ${question}`;
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      place.kernel.send(spec.address, from, bytesOf({ kind, client, question, count }, bytes.length - headerBytes));
    });
  }
}
