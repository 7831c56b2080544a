/** Where a client's connection comes from, and whether what it says of earlier hops is believed. Read when the first request needs it. */
import type { TrustedProxies } from '../../core/client/trusted-proxies.ts';
import type { Connection, TlsFacts, ToldConnection } from '../../core/value/request-view.ts';
import { type IpWords, readIp } from '../../wire/ip-text.ts';
import type { ConnectionInfo, PeerAddress } from '../layer.ts';

const bytes = new Uint8Array(16);

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
  readonly address: PeerAddress;
  /** What a layer has found out. */
  readonly info: ConnectionInfo | null;
  readonly told: ToldConnection | null;
  readonly tls: TlsFacts | null;
  private readonly socket: PeerAddress;
  private isRead = false;
  /** By whose judgement it is trusted, or not. */
  private judge: TrustedProxies | null = null;

  /** `socket`: of the connection, of which a layer may know more. */
  constructor(info: ConnectionInfo | null, socket: PeerAddress, clock: { readonly now: number }) {
    this.clock = clock;
    this.since = clock.now;
    this.info = info;
    this.address = info?.peer ?? socket;
    this.told = info === null ? null : info.told;
    this.tls = info === null ? null : info.tls;
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

  senderAddress(into: Uint8Array, at: number): number {
    return this.socket.remoteAddress(into, at);
  }

  private read(): void {
    this.isRead = true;
    this.address.remoteAddress(bytes, 0);
    readIp(bytes, 0, this);
  }
}
