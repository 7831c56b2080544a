/** A client of UDP as values see it, for access logs: where it comes from, and what it has asked. */
import type { Correspondents } from '../../base/correspondents.ts';
import { type Connection, RequestView } from '../../core/value/request-view.ts';
import { RequestHead } from '../../wire/http1/head.ts';
import { copyIp, IpWords, writeIp } from '../../wire/ip-text.ts';
import type { Context } from '../context.ts';

/** There have been so many. */
let sessions = 0;

/** One client at a time: what it says holds until it looks at the next. */
export class DatagramView implements Connection {
  readonly view: RequestView;
  readonly requests = 0;
  readonly ageMs = 0;
  readonly told = null;
  readonly tls = null;
  number = 0;
  private of!: Correspondents;
  private port = 0;

  constructor({ hostname, memory, variables, wallClockMs }: Context) {
    this.view = new RequestView(memory, new RequestHead(0), variables);
    this.view.hostname = hostname;
    this.view.wallClockMs = wallClockMs;
    this.view.connection = this;
  }

  /** `port`: that it has asked. */
  look(of: Correspondents, port: number): void {
    this.of = of;
    this.port = port;
    this.number = ++sessions;
    copyIp(of, this.view.client);
    copyIp(of, this.view.peer);
    this.view.variables.begin();
  }

  remoteAddress(into: Uint8Array, at: number): number {
    writeIp(into, at, this.of);
    return this.of.port;
  }

  localAddress(into: Uint8Array, at: number): number {
    writeIp(into, at, wordsOf(this.of.local0, this.of.local1, this.of.local2, this.of.local3));
    return this.port;
  }

  senderAddress(into: Uint8Array, at: number): number {
    const { proxy0, proxy1, proxy2, proxy3, proxyPort } = this.of;
    if (proxyPort === 0) return this.remoteAddress(into, at);
    writeIp(into, at, wordsOf(proxy0, proxy1, proxy2, proxy3));
    return proxyPort;
  }
}

const words = new IpWords();

function wordsOf(ip0: number, ip1: number, ip2: number, ip3: number): IpWords {
  words.ip0 = ip0;
  words.ip1 = ip1;
  words.ip2 = ip2;
  words.ip3 = ip3;
  return words;
}
