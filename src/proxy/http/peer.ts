/** Where a client's connection comes from, and whether what it says of earlier hops is believed. Read when the first request needs it. */
import type { TrustedProxies } from '../../core/client/trusted-proxies.ts';
import type { Connection } from '../../core/value/request-view.ts';
import type { Socket } from '../../port/transport.ts';
import type { IpWords } from '../../wire/ip-text.ts';
import type { PeerAddress } from '../layer.ts';

const bytes = new Uint8Array(16);
const words = new DataView(bytes.buffer);

/** There have been so many. */
let connections = 0;

export class Peer implements IpWords, Connection {
  ip0 = 0;
  ip1 = 0;
  ip2 = 0;
  ip3 = 0;
  /** It is a trusted proxy. */
  isTrusted = false;
  readonly number: number;
  requests = 0;
  private readonly since: number;
  private readonly clock: { readonly now: number };
  private readonly address: PeerAddress;
  private readonly socket: Pick<Socket, 'localAddress'>;
  private isRead = false;
  /** By whose judgement it is trusted, or not. */
  private judge: TrustedProxies | null = null;

  /** `socket`: of the connection, whose `address` a layer may know better. */
  constructor(address: PeerAddress, socket: Pick<Socket, 'localAddress'>, clock: { readonly now: number }) {
    this.clock = clock;
    this.since = clock.now;
    this.address = address;
    this.socket = socket;
    this.number = ++connections;
  }

  /** Is judged by these. Null: nobody is trusted. */
  judgeBy(judge: TrustedProxies | null): void {
    if (!this.isRead) this.read();
    else if (this.judge === judge) return;
    this.judge = judge;
    this.isTrusted = judge !== null && judge.has(this);
  }

  get ageMs(): number {
    return this.clock.now - this.since;
  }

  remoteAddress(into: Uint8Array, at: number): number {
    return this.address.remoteAddress(into, at);
  }

  localAddress(into: Uint8Array, at: number): number {
    return this.socket.localAddress(into, at);
  }

  private read(): void {
    this.isRead = true;
    this.address.remoteAddress(bytes, 0);
    this.ip0 = words.getInt32(0);
    this.ip1 = words.getInt32(4);
    this.ip2 = words.getInt32(8);
    this.ip3 = words.getInt32(12);
  }
}
