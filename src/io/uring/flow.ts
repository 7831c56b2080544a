/**
 * A connected UDP socket on the ring. Where one answer at a time is expected it receives single-shot: then nothing is in flight
 * when the session has ended, and closing it is one operation.
 *
 * Closing cancels a receive and closes the descriptor in the same batch; the index is free when the receive has ended.
 */
import type { Flow, FlowHandler } from '../../port/datagram.ts';
import * as abi from './abi.ts';
import { DATAGRAM_GROUP } from './datagram-buffers.ts';
import type { UringDatagrams } from './datagrams.ts';
import { dropReason, flowFailure } from './failures.ts';
import * as ffi from './ffi.ts';
import { DATAGRAM_INDEX, FLOW_RECEIVE, FLOW_SEND } from './user-data.ts';

export class UringFlow implements Flow {
  readonly index: number;
  tag = 0;
  private readonly datagrams: UringDatagrams;
  descriptor = -1;
  private handler: FlowHandler | null = null;
  private answersOne = false;
  private isReceiving = false;
  private isStopped = false;

  constructor(datagrams: UringDatagrams, index: number) {
    this.datagrams = datagrams;
    this.index = index;
  }

  begin(descriptor: number, handler: FlowHandler, tag: number, answersOne: boolean): void {
    this.descriptor = descriptor;
    this.handler = handler;
    this.tag = tag;
    this.answersOne = answersOne;
    this.isStopped = false;
    this.arm();
  }

  send(_bytes: Uint8Array, offset: number, length: number): void {
    const { engine, buffers } = this.datagrams;
    const { memory } = buffers;
    const head = abi.OP_SEND | abi.SQE_CQE_SKIP_SUCCESS;
    const flags = ffi.MSG_DONTWAIT | ffi.MSG_NOSIGNAL;
    const low = (memory.low + offset) | 0;
    const data = DATAGRAM_INDEX | this.index;
    engine.ring.push(head, this.descriptor, low, memory.high, length, flags, FLOW_SEND, data, 0);
  }

  /** Closed or stopped, by the handler perhaps. */
  private get isOver(): boolean {
    return this.handler === null || this.isStopped;
  }

  stop(): void {
    if (this.isOver) return;
    this.isStopped = true;
    if (this.isReceiving) this.datagrams.engine.cancel(FLOW_RECEIVE, DATAGRAM_INDEX | this.index);
  }

  close(): void {
    if (this.handler === null) return;
    this.handler = null;
    const { engine } = this.datagrams;
    if (this.isReceiving) engine.cancel(FLOW_RECEIVE, DATAGRAM_INDEX | this.index);
    engine.closeDescriptor(this.descriptor);
    if (!this.isReceiving) this.datagrams.leave(this);
  }

  handleReceived(result: number, flags: number): void {
    const { datagrams } = this;
    this.isReceiving = (flags & abi.CQE_F_MORE) !== 0;
    const at = (flags & abi.CQE_F_BUFFER) === 0 ? 0 : datagrams.buffers.take(flags >>> abi.CQE_BUFFER_SHIFT);
    if (this.handler === null) {
      if (!this.isReceiving) datagrams.leave(this);
      return;
    }
    if (result >= 0) this.handler.handleAnswer(this, datagrams.buffers.bytes, at, result);
    else if (result !== -ffi.ENOBUFS && result !== -ffi.ECANCELED)
      this.handler.handleUnreachable(this, flowFailure(-result));
    if (this.isReceiving || this.isOver) return;
    if (result === -ffi.ENOBUFS) datagrams.starvedFlows.push(this);
    else this.arm();
  }

  /** Of a send. What the network has said before is told here too. */
  handleSendFailed(errno: number): void {
    if (this.handler === null) return;
    const failure = flowFailure(errno);
    if (failure === 'refused' || failure === 'unreachable') this.handler.handleUnreachable(this, failure);
    else this.handler.handleFlowDropped(this, dropReason(errno));
  }

  handleBuffers(): void {
    if (!this.isOver && !this.isReceiving) this.arm();
  }

  private arm(): void {
    this.isReceiving = true;
    const kind = this.answersOne ? abi.RECV_POLL_FIRST : abi.RECV_POLL_FIRST | abi.RECV_MULTISHOT;
    const { ring } = this.datagrams.engine;
    const head = abi.OP_RECV | abi.SQE_BUFFER_SELECT | kind;
    ring.push(head, this.descriptor, 0, 0, 0, 0, FLOW_RECEIVE, DATAGRAM_INDEX | this.index, DATAGRAM_GROUP);
  }
}
