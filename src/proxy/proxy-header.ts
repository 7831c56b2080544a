/**
 * The layer below a listener whose clients come through load balancers: reads the PROXY protocol header that they begin with, and
 * is then out of the way. Who does not send one where one is due gets a reset.
 */
import { answerKind } from '../core/answers/kinds.ts';
import { TrustedProxies } from '../core/client/trusted-proxies.ts';
import type { ToldConnection } from '../core/value/request-view.ts';
import type { ListenerPlan, ProxyProtocolPlan } from '../config/plan/listener.ts';
import type { CloseReason, Socket, SocketHandler } from '../port/transport.ts';
import { IpWords, readIp } from '../wire/ip-text.ts';
import { PROXY_HEADER_BYTES_MAX, PROXY_MORE, ProxyAddresses, readProxyHeader } from '../wire/proxy-protocol/header.ts';
import type { Context } from './context.ts';
import { type ConnectionInfo, type Layer, type LayerUser, NOTHING_KNOWN, type Opening } from './layer.ts';

const WRONG = answerKind('proxy-header');
const NO_BYTES = new Uint8Array(0);
/** Most headers are shorter; one that comes in pieces is put together in so much at first. */
const PIECES_BYTES = 256;

const bytes = new Uint8Array(16);
const peer = new IpWords();

export class ProxyHeaders implements Layer {
  readonly context: Context;
  readonly listener: ListenerPlan;
  private readonly senders: TrustedProxies;
  private readonly trusted: TrustedProxies;

  constructor(context: Context, listener: ListenerPlan, { from, trust }: ProxyProtocolPlan) {
    this.context = context;
    this.listener = listener;
    this.senders = new TrustedProxies(from);
    this.trusted = new TrustedProxies(trust);
  }

  open(socket: Socket, above: LayerUser): Opening {
    socket.remoteAddress(bytes, 0);
    readIp(bytes, 0, peer);
    const reading = new Reading(this, socket, above, this.trusted.has(peer));
    if (this.senders.has(peer)) socket.handler = reading;
    else above.handleOpen(socket, NOTHING_KNOWN);
    return reading;
  }
}

class Told implements ToldConnection {
  private readonly addresses: ProxyAddresses;

  constructor(addresses: ProxyAddresses) {
    this.addresses = addresses;
  }

  get authority(): string {
    return this.addresses.authority;
  }

  get uniqueId(): string {
    return this.addresses.uniqueId;
  }

  get tlvs(): Uint8Array {
    return this.addresses.tlvs;
  }

  remoteAddress(into: Uint8Array, at: number): number {
    into.set(this.addresses.source, at);
    return this.addresses.sourcePort;
  }

  localAddress(into: Uint8Array, at: number): number {
    into.set(this.addresses.destination, at);
    return this.addresses.destinationPort;
  }
}

class Reading implements SocketHandler, Opening {
  readonly keepsScarce = false;
  private readonly layer: ProxyHeaders;
  private readonly socket: Socket;
  private readonly above: LayerUser;
  private readonly isTrusted: boolean;
  private readonly since: number;
  /** What has come of a header that comes in pieces. */
  private pieces = NO_BYTES;
  private length = 0;

  constructor(layer: ProxyHeaders, socket: Socket, above: LayerUser, isTrusted: boolean) {
    this.layer = layer;
    this.socket = socket;
    this.above = above;
    this.isTrusted = isTrusted;
    this.since = layer.context.transport.now;
  }

  handleData(socket: Socket, slot: number, offset: number, length: number): void {
    const { arena, memory } = this.layer.context;
    const addresses = new ProxyAddresses();
    const earlier = this.length;
    let read: number;
    if (earlier === 0) {
      read = readProxyHeader(memory, offset, offset + length, addresses);
      if (read === PROXY_MORE) this.keep(memory, offset, length);
    } else {
      this.keep(memory, offset, Math.min(length, PROXY_HEADER_BYTES_MAX - earlier));
      read = readProxyHeader(this.pieces, 0, this.length, addresses);
    }
    if (read === PROXY_MORE && this.length < PROXY_HEADER_BYTES_MAX) {
      arena.release(slot);
      return;
    }
    if (read <= 0) {
      arena.release(slot);
      this.refuse();
      return;
    }
    this.above.handleOpen(socket, this.infoOf(addresses));
    const taken = read - earlier;
    if (taken < length) socket.handler.handleData(socket, slot, offset + taken, length - taken);
    else arena.release(slot);
  }

  private infoOf(addresses: ProxyAddresses): ConnectionInfo {
    if (!addresses.isTold) return NOTHING_KNOWN;
    const told = new Told(addresses);
    return { ...NOTHING_KNOWN, peer: this.isTrusted ? told : null, told };
  }

  private keep(from: Uint8Array, at: number, length: number): void {
    const needed = this.length + length;
    if (needed > this.pieces.length) {
      const grown = new Uint8Array(needed <= PIECES_BYTES ? PIECES_BYTES : PROXY_HEADER_BYTES_MAX);
      grown.set(this.pieces.subarray(0, this.length));
      this.pieces = grown;
    }
    this.pieces.set(from.subarray(at, at + length), this.length);
    this.length = needed;
  }

  /** It begins otherwise. */
  private refuse(): void {
    this.note();
    this.socket.reset();
    this.above.handleOpenFailed('other');
  }

  /** Whoever only looks whether somebody listens says nothing at all: that is no mistake. */
  handleEnd(socket: Socket): void {
    if (this.length > 0) {
      this.refuse();
      return;
    }
    socket.close();
    this.above.handleOpenFailed('other');
  }

  handleClose(_socket: Socket, reason: CloseReason): void {
    this.above.handleOpenFailed(reason);
  }

  handleConnect(): void {
    // accepted, never connected
  }

  handleDrain(): void {
    // nothing was sent
  }

  cancel(): void {
    const { context, listener } = this.layer;
    const isLate = context.transport.now - this.since >= listener.timeouts.headMs;
    if (isLate) this.note();
    // Of TCP, an end would be taken for the server's.
    if (isLate || listener.protocol === 'tcp') this.socket.reset();
    else this.socket.close();
  }

  private note(): void {
    const { context, listener } = this.layer;
    context.answers.noteReset(listener.name, WRONG);
  }
}
