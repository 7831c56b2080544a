/**
 * What the sockets and listeners of one transport share: the ring, the memory, the table of sockets, and the lists of
 * sockets that the turn has to look at again. The turn itself is in transport.ts.
 */
import type { Arena } from '../../base/arena.ts';
import type { KeepAlive } from '../../base/keep-alive.ts';
import { NARROW_RECEIVE_BYTES, SOCKETS_MAX, UNSENT_BYTES_MAX, UNSENT_BYTES_MAX_PROVEN } from '../../base/limits.ts';
import * as abi from './abi.ts';
import * as ffi from './ffi.ts';
import { LateSlots } from './late-slots.ts';
import { Messages } from './messages.ts';
import { ReceiveBuffers } from './receive-buffers.ts';
import type { Ring } from './ring.ts';
import { SegmentTable } from './segments.ts';
import { AddressTable, SOCKADDR_BYTES } from './sockaddr.ts';
import { SocketOptions } from './socket-options.ts';
import { Splicer } from './splicer.ts';
import type { UringSocket } from './socket.ts';
import { CANCEL, CLOSE, GENERATION_MASK } from './user-data.ts';

// struct tcp_info, and in it tcpi_bytes_acked (8 bytes) as a word.
const TCP_INFO_BYTES = 192;
const TCP_INFO_BYTES_ACKED = 120 >> 2;
/** Where in the scratch memory the length of a result stands, as a word. */
const LENGTH_AT = 64;

export class Engine {
  readonly ring: Ring;
  readonly arena: Arena;
  readonly memory: ffi.Mapping;
  readonly buffers: ReceiveBuffers;
  /**
   * Bytes after which a multishot receive ends by itself, or 0 where the kernel (before 6.17) knows no such limit. With it
   * a flood of data needs no cancellation.
   */
  readonly receiveLimit: number;
  readonly segments = new SegmentTable();
  readonly messages: Messages;
  readonly late: LateSlots;
  readonly splicer = new Splicer();
  readonly addresses = new AddressTable();

  /** Sockets by index. */
  readonly sockets: (UringSocket | null)[] = [];
  socketCount = 0;
  private readonly freeIndices: number[] = [];
  private lastGeneration = 0;

  /** Sockets that were resumed with something waiting. */
  ready: UringSocket[] = [];
  /** Sockets whose last segment said that another follows at once. */
  held: UringSocket[] = [];
  /** Sockets that found no buffer, oldest first. */
  starved: UringSocket[] = [];
  /** Listeners that wait for a descriptor. */
  stalledListeners = 0;
  /** A descriptor was given back since this was last cleared. */
  hasClosedDescriptor = false;

  private readonly options: SocketOptions;
  /** Values of options. `yes` is also a struct linger without time, and `no` one that is off. */
  private readonly yes: number;
  private readonly no: number;
  private readonly unsentMax: number;
  private readonly unsentMaxProven: number;
  private readonly narrowBytes: number;

  /** For socket options and names: never used across a call. */
  private readonly scratch = ffi.mapMemory(4096);
  private readonly scratchBytes = new Uint8Array(this.scratch.buffer);
  private readonly scratchWords = new Int32Array(this.scratch.buffer);

  constructor(
    ring: Ring,
    arena: Arena,
    memory: ffi.Mapping,
    postedSlots: number,
    receiveLimit: number,
    submitsOptions: boolean,
  ) {
    this.ring = ring;
    this.arena = arena;
    this.memory = memory;
    this.receiveLimit = receiveLimit;
    this.buffers = new ReceiveBuffers(ring, arena, memory, postedSlots);
    this.late = new LateSlots(arena.large.count);
    this.messages = new Messages(ring.submissionCount, memory);
    const options = new SocketOptions(ring, submitsOptions);
    this.options = options;
    this.yes = options.value(1);
    this.no = options.value(0);
    this.unsentMax = options.value(UNSENT_BYTES_MAX);
    this.unsentMaxProven = options.value(UNSENT_BYTES_MAX_PROVEN);
    this.narrowBytes = options.value(NARROW_RECEIVE_BYTES);
  }

  nextGeneration(): number {
    this.lastGeneration = (this.lastGeneration + 1) & GENERATION_MASK;
    return this.lastGeneration;
  }

  /** An index for a new socket, or -1 when the table is full. */
  takeIndex(): number {
    const free = this.freeIndices.pop();
    if (free !== undefined) return free;
    if (this.sockets.length === SOCKETS_MAX) return -1;
    this.sockets.push(null);
    return this.sockets.length - 1;
  }

  enter(socket: UringSocket): void {
    this.sockets[socket.index] = socket;
    this.socketCount++;
  }

  returnIndex(index: number): void {
    this.freeIndices.push(index);
  }

  /** The last operation of the socket is over: its index may be used again. */
  leave(socket: UringSocket): void {
    this.sockets[socket.index] = null;
    this.freeIndices.push(socket.index);
    this.socketCount--;
  }

  /** Closes a descriptor in the next batch. It reports only failure, which only a bug can cause. */
  closeDescriptor(descriptor: number): void {
    this.ring.push(abi.OP_CLOSE | abi.SQE_CQE_SKIP_SUCCESS, descriptor, 0, 0, 0, 0, CLOSE, 0, 0);
    this.hasClosedDescriptor = true;
  }

  /** Cancels the operation of this user data. Only failure is reported. */
  cancel(dataLow: number, dataHigh: number): void {
    const head = abi.OP_ASYNC_CANCEL | abi.SQE_CQE_SKIP_SUCCESS;
    this.ring.push(head, -1, dataLow, dataHigh, 0, 0, dataLow | CANCEL, dataHigh, 0);
  }

  /** What every TCP socket gets that connects. Accepted ones have it from their listening socket. */
  prepareStream(descriptor: number): void {
    this.options.set(descriptor, ffi.IPPROTO_TCP, ffi.TCP_NODELAY, this.yes, 4);
    this.setProven(descriptor, false);
  }

  /** The same for what it will accept, at once. A socket that is not TCP refuses, which is no loss. */
  prepareListening(descriptor: number): void {
    const { address } = this.scratch;
    this.scratchWords[0] = 1;
    ffi.setsockopt(descriptor, ffi.IPPROTO_TCP, ffi.TCP_NODELAY, address, 4);
    this.scratchWords[0] = UNSENT_BYTES_MAX;
    ffi.setsockopt(descriptor, ffi.IPPROTO_TCP, ffi.TCP_NOTSENT_LOWAT, address, 4);
  }

  /** How much may wait unsent in the kernel. */
  setProven(descriptor: number, isProven: boolean): void {
    const value = isProven ? this.unsentMaxProven : this.unsentMax;
    this.options.set(descriptor, ffi.IPPROTO_TCP, ffi.TCP_NOTSENT_LOWAT, value, 4);
  }

  /** Binding chooses an address alone: the port is chosen by connecting, for which it need be free towards the peer only. */
  prepareSource(descriptor: number): void {
    this.scratchWords[0] = 1;
    ffi.setsockopt(descriptor, ffi.SOL_IP, ffi.IP_BIND_ADDRESS_NO_PORT, this.scratch.address, 4);
  }

  /** False: this machine does not have the address. */
  bindTo(descriptor: number, source: number): boolean {
    const { addresses } = this;
    return ffi.bind(descriptor, addresses.place(source), addresses.length(source)) === 0;
  }

  /** Bounds what the kernel receives for the descriptor, or lets it find the bound by itself again. */
  setNarrow(descriptor: number, isNarrow: boolean): void {
    if (isNarrow) this.options.set(descriptor, ffi.SOL_SOCKET, ffi.SO_RCVBUF, this.narrowBytes, 4);
    else this.options.set(descriptor, ffi.SOL_SOCKET, ffi.SO_BUF_LOCK, this.no, 4);
  }

  /** Bytes that the peer's kernel has acknowledged, modulo 2^32; 0 for what is not TCP. */
  acknowledgedBytes(descriptor: number): number {
    this.scratchWords[LENGTH_AT] = TCP_INFO_BYTES;
    const { address } = this.scratch;
    const result = ffi.getsockopt(descriptor, ffi.IPPROTO_TCP, ffi.TCP_INFO, address, address + LENGTH_AT * 4);
    return result < 0 ? 0 : this.scratchWords[TCP_INFO_BYTES_ACKED];
  }

  setKeepAlive(descriptor: number, { idleS, intervalS, probes }: KeepAlive): void {
    this.setOption(descriptor, ffi.SOL_SOCKET, ffi.SO_KEEPALIVE, 1);
    if (idleS > 0) this.setOption(descriptor, ffi.IPPROTO_TCP, ffi.TCP_KEEPIDLE, idleS);
    if (intervalS > 0) this.setOption(descriptor, ffi.IPPROTO_TCP, ffi.TCP_KEEPINTVL, intervalS);
    if (probes > 0) this.setOption(descriptor, ffi.IPPROTO_TCP, ffi.TCP_KEEPCNT, probes);
  }

  /** Of a UDP socket: each datagram comes with the address that was asked. */
  tellAskedAddress(descriptor: number, isV6: boolean): void {
    if (isV6) this.setOption(descriptor, ffi.SOL_IPV6, ffi.IPV6_RECVPKTINFO, 1);
    else this.setOption(descriptor, ffi.SOL_IP, ffi.IP_PKTINFO, 1);
  }

  private setOption(descriptor: number, level: number, option: number, value: number): void {
    this.scratchWords[0] = value;
    ffi.setsockopt(descriptor, level, option, this.scratch.address, 4);
  }

  /** Whether the descriptor's close, also that by the end of the process, sends a reset. */
  setResetOnClose(descriptor: number, isOn: boolean): void {
    this.options.set(descriptor, ffi.SOL_SOCKET, ffi.SO_LINGER, isOn ? this.yes : this.no, 8);
  }

  /** TCP: a reset has come, or the kernel has given the connection up. */
  isOver(descriptor: number): boolean {
    return this.tcpState(descriptor) === ffi.TCP_CLOSE;
  }

  /** Nothing has come that ends the connection. */
  isStanding(descriptor: number): boolean {
    const state = this.tcpState(descriptor);
    return state === ffi.TCP_ESTABLISHED || state < 0;
  }

  /** -1: it is not TCP. */
  private tcpState(descriptor: number): number {
    const lengthAt = 128;
    this.scratchWords[lengthAt >> 2] = 1;
    const { address } = this.scratch;
    const result = ffi.getsockopt(descriptor, ffi.IPPROTO_TCP, ffi.TCP_INFO, address, address + lengthAt);
    return result === 0 ? this.scratchBytes[0] : -1;
  }

  /** What was sent and is not acknowledged. */
  unacknowledgedBytes(descriptor: number): number {
    const bytes = ffi.ioctl(descriptor, ffi.SIOCOUTQ, this.scratch.address) < 0 ? 0 : this.scratchWords[0];
    // what was on its way when a reset came is counted for ever
    return bytes > 0 && this.isOver(descriptor) ? 0 : bytes;
  }

  /** The peer's sockaddr, valid until the next call, or null. */
  peerName(descriptor: number): Uint8Array | null {
    this.scratchWords[LENGTH_AT] = SOCKADDR_BYTES;
    if (ffi.getpeername(descriptor, this.scratch.address, this.scratch.address + LENGTH_AT * 4) < 0) return null;
    return this.scratchBytes;
  }

  /** Its own, likewise. */
  ownName(descriptor: number): Uint8Array | null {
    this.scratchWords[LENGTH_AT] = SOCKADDR_BYTES;
    if (ffi.getsockname(descriptor, this.scratch.address, this.scratch.address + LENGTH_AT * 4) < 0) return null;
    return this.scratchBytes;
  }
}
