/**
 * Datagrams on the ring of a transport: bound sockets, flows, and what they share. Made when the first UDP socket is; a process
 * without one has nothing of it.
 *
 * Sends do not wait (MSG_DONTWAIT) and report only failure, so that they are over when the kernel has taken them.
 */
import type {
  DatagramHandler,
  Datagrams,
  DatagramSocket,
  Flow,
  FlowFailure,
  FlowHandler,
} from '../../port/datagram.ts';
import { SOCKETS_MAX } from '../../base/limits.ts';
import * as abi from './abi.ts';
import { NAME_ROOM_BYTES, UringBoundSocket } from './bound-socket.ts';
import { DatagramBuffers } from './datagram-buffers.ts';
import type { Engine } from './engine.ts';
import { flowFailure } from './failures.ts';
import * as ffi from './ffi.ts';
import { UringFlow } from './flow.ts';
import { CONTROL, CONTROL_LENGTH, NAME, NAME_LENGTH, VECTOR, VECTOR_COUNT } from './msghdr.ts';
import { ReturnAddresses } from './return-addresses.ts';
import { SegmentRuns } from './segment-runs.ts';
import { SOCKADDR_BYTES } from './sockaddr.ts';
import { BOUND_RECEIVE, BOUND_SEND, DATAGRAM_INDEX, FLOW_RECEIVE, FLOW_SEND } from './user-data.ts';

// A place for the struct msghdr and struct iovec of a submission, in words.
const PLACE_WORDS = 32;
const VECTOR_AT = 16;

export class UringDatagrams implements Datagrams {
  readonly engine: Engine;
  readonly buffers: DatagramBuffers;
  readonly returns = new ReturnAddresses();
  /** Null: each datagram leaves for itself. */
  readonly runs: SegmentRuns | null;
  /** Who found no buffer. */
  starvedSockets: UringBoundSocket[] = [];
  starvedFlows: UringFlow[] = [];
  private readonly sockets: UringBoundSocket[] = [];
  private readonly flows: UringFlow[] = [];
  private readonly freeFlows: UringFlow[] = [];
  private readonly places: ffi.Mapping;
  private readonly placeWords: Int32Array;
  /** By their controlBytes. */
  private readonly receiveMessages = new Map<number, ffi.Mapping>();

  constructor(engine: Engine, segments: boolean) {
    this.engine = engine;
    this.runs = segments ? new SegmentRuns() : null;
    this.buffers = new DatagramBuffers(engine.ring);
    this.places = ffi.mapMemory(engine.ring.submissionCount * PLACE_WORDS * 4);
    this.placeWords = new Int32Array(this.places.buffer);
  }

  bind(descriptor: number, handler: DatagramHandler): DatagramSocket {
    const done = this.sockets.findIndex(({ isDone }) => isDone);
    const index = done < 0 ? this.sockets.length : done;
    const socket = new UringBoundSocket(this, descriptor, index, handler);
    this.sockets[index] = socket;
    return socket;
  }

  open(preparedAddress: number, handler: FlowHandler, tag: number, answersOne: boolean): Flow | FlowFailure {
    const descriptor = this.openConnected(preparedAddress);
    if (typeof descriptor !== 'number') return descriptor;
    return this.begin(descriptor, handler, tag, answersOne);
  }

  adopt(descriptor: number, handler: FlowHandler, tag: number): Flow | null {
    if (this.engine.socketCount < SOCKETS_MAX) return this.begin(descriptor, handler, tag, false);
    ffi.close(descriptor);
    return null;
  }

  private begin(descriptor: number, handler: FlowHandler, tag: number, answersOne: boolean): Flow {
    let flow = this.freeFlows.pop();
    if (flow === undefined) {
      flow = new UringFlow(this, this.flows.length);
      this.flows.push(flow);
    }
    this.engine.socketCount++;
    flow.begin(descriptor, handler, tag, answersOne);
    return flow;
  }

  private openConnected(preparedAddress: number): number | FlowFailure {
    const { engine } = this;
    const { addresses } = engine;
    if (engine.socketCount >= SOCKETS_MAX) return 'no-resource';
    const type = ffi.SOCK_DGRAM | ffi.SOCK_NONBLOCK | ffi.SOCK_CLOEXEC;
    const family = addresses.family(preparedAddress);
    let descriptor = ffi.socket(family, type, 0);
    if (descriptor < 0 && engine.hasClosedDescriptor) {
      // Descriptors that were closed in this turn are free only now.
      engine.ring.submit();
      descriptor = ffi.socket(family, type, 0);
    }
    if (descriptor < 0) return 'no-resource';
    if (addresses.sourceCount(preparedAddress) > 0 && !this.bindToSource(descriptor, preparedAddress)) {
      ffi.close(descriptor);
      return 'no-port';
    }
    if (ffi.connect(descriptor, addresses.place(preparedAddress), addresses.length(preparedAddress)) < 0) {
      const error = ffi.errno();
      ffi.close(descriptor);
      return flowFailure(error);
    }
    return descriptor;
  }

  /** To the next source that this machine has. */
  private bindToSource(descriptor: number, preparedAddress: number): boolean {
    const { engine } = this;
    for (let left = engine.addresses.sourceCount(preparedAddress); left > 0; left--) {
      engine.prepareSource(descriptor);
      if (engine.bindTo(descriptor, engine.addresses.nextSource(preparedAddress))) return true;
    }
    return false;
  }

  /** Its receive is over: its place may be another one's. */
  leave(flow: UringFlow): void {
    this.engine.socketCount--;
    this.freeFlows.push(flow);
  }

  /** The socket's own address. */
  nameOf(descriptor: number): { isV6: boolean; isAny: boolean; address: Uint8Array; port: number } {
    const name = this.engine.ownName(descriptor) ?? new Uint8Array(SOCKADDR_BYTES);
    const isV6 = (name[0] | (name[1] << 8)) === ffi.AF_INET6;
    const address = isV6 ? name.subarray(8, 24) : name.subarray(4, 8);
    return { isV6, isAny: address.every((byte) => byte === 0), address, port: (name[2] << 8) | name[3] };
  }

  /** The struct msghdr of a recvmsg: what room there is in front of a datagram. Sockets with as many controlBytes have the same. */
  receiveMessage(controlBytes: number): ffi.Mapping {
    let message = this.receiveMessages.get(controlBytes);
    if (message === undefined) {
      message = ffi.mapMemory(4096);
      this.receiveMessages.set(controlBytes, message);
      const words = new Int32Array(message.buffer);
      words[NAME_LENGTH] = NAME_ROOM_BYTES;
      words[CONTROL_LENGTH] = controlBytes;
    }
    return message;
  }

  /** Submits a sendmsg of `length` bytes of the buffers from `offset`: where the submission stands. */
  pushMessage(
    descriptor: number,
    returnAddress: number,
    nameBytes: number,
    controlBytes: number,
    offset: number,
    length: number,
    operation: number,
    index: number,
  ): number {
    const { returns, placeWords: words, places, buffers } = this;
    const { ring } = this.engine;
    const head = abi.OP_SENDMSG | abi.SQE_CQE_SKIP_SUCCESS;
    const flags = ffi.MSG_DONTWAIT | ffi.MSG_NOSIGNAL;
    const submission = ring.push(head, descriptor, 0, 0, 1, flags, operation, DATAGRAM_INDEX | index, 0);
    const at = (submission >> 4) * PLACE_WORDS;
    const high = returns.high(returnAddress);
    words[at + NAME] = returns.nameLow(returnAddress);
    words[at + NAME + 1] = high;
    words[at + NAME_LENGTH] = nameBytes;
    words[at + VECTOR] = (places.low + (at + VECTOR_AT) * 4) | 0;
    words[at + VECTOR + 1] = places.high;
    words[at + VECTOR_COUNT] = 1;
    words[at + CONTROL] = controlBytes === 0 ? 0 : returns.controlLow(returnAddress);
    words[at + CONTROL + 1] = controlBytes === 0 ? 0 : high;
    words[at + CONTROL_LENGTH] = controlBytes;
    words[at + VECTOR_AT] = (buffers.memory.low + offset) | 0;
    words[at + VECTOR_AT + 1] = buffers.memory.high;
    words[at + VECTOR_AT + 2] = length;
    ring.submissions[submission + 4] = (places.low + at * 4) | 0;
    ring.submissions[submission + 5] = places.high;
    return submission;
  }

  /** `run`: of a send, see SegmentRuns. */
  handleCompletion(operation: number, run: number, data: number, result: number, flags: number): void {
    const index = data & ~DATAGRAM_INDEX;
    switch (operation) {
      case BOUND_RECEIVE:
        this.sockets[index].handleReceived(result, flags);
        break;
      case FLOW_RECEIVE:
        this.flows[index].handleReceived(result, flags);
        break;
      case BOUND_SEND:
        this.sockets[index].handleSendFailed(-result, run);
        break;
      case FLOW_SEND:
        this.flows[index].handleSendFailed(-result, run);
        break;
      default:
      // a cancellation that came too late: the receive tells of its end by itself
    }
  }

  /** The end of a turn. */
  endTurn(): void {
    const { tookAll } = this.engine.ring;
    this.buffers.endTurn(tookAll);
    this.returns.endTurn(tookAll);
    this.runs?.endTurn(tookAll);
    if (this.starvedSockets.length > 0) {
      for (const socket of this.starvedSockets.splice(0)) socket.handleBuffers();
    }
    if (this.starvedFlows.length > 0) for (const flow of this.starvedFlows.splice(0)) flow.handleBuffers();
  }

  /** The transport ends. */
  drop(): void {
    for (const socket of this.sockets) socket.close();
    for (const flow of this.flows) flow.close();
  }

  get isDone(): boolean {
    return this.sockets.every(({ isDone }) => isDone);
  }
}
