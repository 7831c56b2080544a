/**
 * Datagrams over node:dgram, for places without io_uring. See `port/datagram.ts` for the contract.
 *
 * Node does not tell which address a client has asked: of a socket that is bound to all addresses, answers come from the one that
 * the system chooses. Bound to one address they come from that.
 */
import dgram from 'node:dgram';
import type { Address } from '../../base/address.ts';
import { formatIP, parseIPv4, parseIPv6 } from '../../base/address.ts';
import type { Correspondents } from '../../base/correspondents.ts';
import type {
  DatagramHandler,
  Datagrams,
  DatagramSocket,
  DropReason,
  Flow,
  FlowFailure,
  FlowHandler,
} from '../../port/datagram.ts';
import { CorrespondentWords } from '../../wire/correspondent-words.ts';
import { readIp, wordAt, writeIp } from '../../wire/ip-text.ts';
import { boundPlaceOf, closeDescriptorNow, duplicateDescriptor } from './descriptor.ts';

/** Sends that Node has not finished, of one socket: more are dropped, as the kernel would. */
const PENDING_MAX = 64;

/** After that a descriptor that was lacking is asked for again. */
const RETRY_MS = 100;

const addressBytes = new Uint8Array(16);

/** What it needs of the transport. */
export interface NodeTurns {
  /** What it has its driver do may close whoever calls. */
  beginTurn(): void;
  addressOf(preparedAddress: number): Address;
  /** The one that is next; null: any. */
  nextSourceOf(preparedAddress: number): Address | null;
  /** Opened or, with -1, closed. */
  countFlow(change: 1 | -1): void;
  readonly isFull: boolean;
}

export class NodeDatagrams implements Datagrams {
  private readonly turns: NodeTurns;
  private readonly sockets = new Set<NodeBoundSocket>();
  private readonly flows = new Set<NodeFlow>();

  constructor(turns: NodeTurns) {
    this.turns = turns;
  }

  bind(descriptor: number, handler: DatagramHandler): DatagramSocket {
    const socket = new NodeBoundSocket(this.turns, descriptor, handler, () => this.sockets.delete(socket));
    this.sockets.add(socket);
    return socket;
  }

  open(preparedAddress: number, handler: FlowHandler, tag: number): Flow | FlowFailure {
    if (this.turns.isFull) return 'no-resource';
    const to = { address: this.turns.addressOf(preparedAddress), source: this.turns.nextSourceOf(preparedAddress) };
    const flow = new NodeFlow(this.turns, to, handler, tag, () => this.flows.delete(flow));
    this.flows.add(flow);
    return flow;
  }

  adopt(descriptor: number, handler: FlowHandler, tag: number): Flow | null {
    if (this.turns.isFull) {
      closeDescriptorNow(descriptor);
      return null;
    }
    const flow = new NodeFlow(this.turns, descriptor, handler, tag, () => this.flows.delete(flow));
    this.flows.add(flow);
    return flow;
  }

  drop(): void {
    for (const socket of this.sockets) socket.close();
    for (const flow of this.flows) flow.close();
  }
}

interface Place {
  readonly host: string;
  readonly port: number;
}

class NodeBoundSocket implements DatagramSocket {
  readonly from = new Sender();
  readonly port: number;
  readonly knowsAsked: boolean;
  private readonly turns: NodeTurns;
  private readonly descriptor: number;
  private readonly handler: DatagramHandler;
  private readonly onClosed: () => void;
  private readonly socket: dgram.Socket;
  private readonly places: (Place | null)[] = [];
  private readonly free: number[] = [];
  private last: Place = { host: '', port: 0 };
  private pending = 0;
  private retry: NodeJS.Timeout | undefined;
  private isOpen = false;
  isStopped = true;
  private isClosed = false;

  constructor(turns: NodeTurns, descriptor: number, handler: DatagramHandler, onClosed: () => void) {
    this.turns = turns;
    this.descriptor = descriptor;
    this.handler = handler;
    this.onClosed = onClosed;
    const own = boundPlaceOf(descriptor);
    this.port = own.port;
    // of all addresses it stays unknown which one was asked
    this.from.readLocal(own.address, 0);
    this.from.localPort = own.port;
    this.knowsAsked = own.address.some((byte) => byte !== 0);
    this.socket = dgram.createSocket(own.isV6 ? 'udp6' : 'udp4');
    this.socket.on('message', (bytes, { address, port }) => this.handleMessage(bytes, address, port));
    this.socket.on('error', () => undefined);
    this.open();
  }

  private open(): void {
    // Node closes what it is given; the descriptor itself is ours.
    const duplicate = duplicateDescriptor(this.descriptor);
    if (duplicate < 0) {
      this.retry = setTimeout(() => this.open(), RETRY_MS);
      return;
    }
    // It receives from then on.
    this.socket.bind({ fd: duplicate });
    this.isOpen = true;
    if (this.isStopped) handleOf(this.socket)?.recvStop?.();
  }

  keepReturn(): number {
    const place = this.free.pop() ?? this.places.length;
    this.places[place] = this.last;
    return place;
  }

  forgetReturn(returnAddress: number): void {
    this.places[returnAddress] = null;
    this.free.push(returnAddress);
  }

  keepReturnTo(client: Correspondents): number {
    writeIp(addressBytes, 0, client);
    this.last = { host: formatIP(addressBytes), port: client.port };
    return this.keepReturn();
  }

  sendTo(returnAddress: number, bytes: Uint8Array, offset: number, length: number): void {
    const place = this.places[returnAddress];
    if (place === null || this.isClosed) return;
    if (this.pending >= PENDING_MAX) {
      process.nextTick(() => this.tellDropped('full'));
      return;
    }
    this.pending++;
    this.socket.send(Buffer.from(bytes.subarray(offset, offset + length)), place.port, place.host, (error) => {
      this.pending--;
      if (error !== null) this.tellDropped(dropReason(error));
    });
  }

  private tellDropped(reason: DropReason): void {
    if (this.isClosed) return;
    this.turns.beginTurn();
    if (!this.isClosed) this.handler.handleDropped(this, reason);
  }

  start(): void {
    if (this.isClosed) return;
    this.isStopped = false;
    if (this.isOpen) handleOf(this.socket)?.recvStart?.();
  }

  stop(): void {
    if (this.isStopped) return;
    this.isStopped = true;
    handleOf(this.socket)?.recvStop?.();
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    clearTimeout(this.retry);
    this.socket.close();
    closeDescriptorNow(this.descriptor);
    this.onClosed();
  }

  private handleMessage(bytes: Buffer, host: string, port: number): void {
    if (this.isStopped || this.isClosed) return;
    this.turns.beginTurn();
    if (this.isClosed) return;
    this.last = { host, port };
    this.from.read(host, port);
    this.handler.handleDatagram(this, bytes, 0, bytes.length);
  }
}

interface Handle {
  readonly fd?: number;
  readonly recvStart?: () => void;
  readonly recvStop?: () => void;
}

/** What Node keeps of a socket. */
interface State {
  readonly handle?: Handle;
  connectState?: number;
}

/** Node's own CONNECT_STATE_CONNECTED. */
const CONNECTED = 2;

/** Node has no words for it: when a socket receives, which descriptor it has, and that somebody else has connected it. */
function stateOf(socket: dgram.Socket): State | undefined {
  return Object.getOwnPropertySymbols(socket)
    .map((symbol) => (socket as unknown as Record<symbol, State | undefined>)[symbol])
    .find((state) => state?.handle !== undefined);
}

function handleOf(socket: dgram.Socket): Handle | undefined {
  return stateOf(socket)?.handle;
}

/** Of a flow that is to be connected. `source` null: any. */
interface Way {
  readonly address: Address;
  readonly source: Address | null;
}

class NodeFlow implements Flow {
  readonly tag: number;
  private readonly turns: NodeTurns;
  private readonly handler: FlowHandler;
  private readonly onClosed: () => void;
  private readonly socket: dgram.Socket;
  /** Node takes a moment to connect. */
  private state: 'connecting' | 'connected' | 'failed' = 'connecting';
  /** Sent meanwhile. */
  private early: Buffer[] = [];
  private pending = 0;
  private isClosed = false;

  /** `to`: where it is to be connected, or a descriptor that is. */
  constructor(turns: NodeTurns, to: Way | number, handler: FlowHandler, tag: number, onClosed: () => void) {
    this.turns = turns;
    this.handler = handler;
    this.tag = tag;
    this.onClosed = onClosed;
    turns.countFlow(1);
    const isV6 = typeof to === 'number' ? boundPlaceOf(to).isV6 : to.address.family === 6;
    this.socket = dgram.createSocket(isV6 ? 'udp6' : 'udp4');
    this.socket.on('message', (bytes) => {
      if (this.isClosed) return;
      turns.beginTurn();
      if (!this.isClosed) handler.handleAnswer(this, bytes, 0, bytes.length);
    });
    this.socket.on('error', (error) => this.handleError(error));
    if (typeof to === 'number') {
      this.socket.bind({ fd: to });
      stateOf(this.socket)!.connectState = CONNECTED;
      this.state = 'connected';
      return;
    }
    const { address, source } = to;
    this.socket.on('connect', () => this.handleConnected());
    if (source !== null) this.socket.bind(0, source.host);
    this.socket.connect(address.port, address.host);
  }

  get descriptor(): number {
    return this.isClosed || this.state !== 'connected' ? -1 : (handleOf(this.socket)?.fd ?? -1);
  }

  stop(): void {
    if (!this.isClosed) handleOf(this.socket)?.recvStop?.();
  }

  send(bytes: Uint8Array, offset: number, length: number): void {
    if (this.isClosed) return;
    this.sendOwn(Buffer.from(bytes.subarray(offset, offset + length)));
  }

  sendBehind(head: Uint8Array, headBytes: number, bytes: Uint8Array, offset: number, length: number): void {
    if (this.isClosed) return;
    this.sendOwn(Buffer.concat([head.subarray(0, headBytes), bytes.subarray(offset, offset + length)]));
  }

  private sendOwn(own: Buffer): void {
    const isFull = this.early.length + this.pending >= PENDING_MAX;
    if (isFull || this.state === 'failed') process.nextTick(() => this.tellDropped(isFull ? 'full' : 'refused'));
    else if (this.state === 'connecting') this.early.push(own);
    else this.sendNow(own);
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    // What was given to it leaves first.
    if (this.early.length === 0) this.finish();
  }

  private handleConnected(): void {
    const { early } = this;
    this.state = 'connected';
    this.early = [];
    for (const bytes of early) this.sendNow(bytes);
    if (this.isClosed) this.finish();
  }

  private finish(): void {
    this.socket.close();
    this.turns.countFlow(-1);
    this.onClosed();
  }

  private sendNow(bytes: Buffer): void {
    this.pending++;
    this.socket.send(bytes, (error) => {
      this.pending--;
      if (error !== null) this.handleError(error);
    });
  }

  private handleError(error: Error): void {
    const hasNoWay = this.state === 'connecting';
    if (hasNoWay) {
      this.state = 'failed';
      this.early = [];
      if (this.isClosed) this.finish();
    }
    if (this.isClosed) return;
    const failure = flowFailure(error);
    if (failure === 'other' && !hasNoWay) {
      this.tellDropped(dropReason(error));
      return;
    }
    this.turns.beginTurn();
    if (!this.isClosed) this.handler.handleUnreachable(this, failure);
  }

  private tellDropped(reason: DropReason): void {
    if (this.isClosed) return;
    this.turns.beginTurn();
    if (!this.isClosed) this.handler.handleFlowDropped(this, reason);
  }
}

class Sender extends CorrespondentWords {
  read(host: string, port: number): void {
    this.port = port;
    const v4 = parseIPv4(host);
    if (v4 !== null) {
      this.ip0 = 0;
      this.ip1 = 0;
      this.ip2 = 0xffff;
      this.ip3 = wordAt(v4, 0);
      return;
    }
    const [plain] = host.split('%');
    readIp(parseIPv6(plain) ?? new Uint8Array(16), 0, this);
  }
}

const DROPS: Readonly<Record<string, DropReason>> = {
  EAGAIN: 'full',
  ENOBUFS: 'full',
  ENOMEM: 'full',
  EMSGSIZE: 'too-large',
};

const FLOW_FAILURES: Readonly<Record<string, FlowFailure>> = {
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EADDRINUSE: 'no-port',
  EADDRNOTAVAIL: 'no-port',
  EMFILE: 'no-resource',
  ENFILE: 'no-resource',
};

function dropReason(error: Error): DropReason {
  return DROPS[codeOf(error)] ?? 'refused';
}

function flowFailure(error: Error): FlowFailure {
  return FLOW_FAILURES[codeOf(error)] ?? 'other';
}

function codeOf(error: Error): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}
