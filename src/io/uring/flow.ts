/**
 * A connected UDP socket on the ring. Where one answer at a time is expected it receives single-shot: then nothing is in flight
 * when the session has ended, and closing it is one operation.
 *
 * Closing cancels a receive and closes the descriptor in the same batch; the index is free when the receive has ended.
 */
import type { DropReason, Flow, FlowHandler } from '../../port/datagram.ts';
import * as abi from './abi.ts';
import { DATAGRAM_GROUP } from './datagram-buffers.ts';
import type { UringDatagrams } from './datagrams.ts';
import { dropReason, flowFailure } from './failures.ts';
import * as ffi from './ffi.ts';
import { isAboutRun, LastSend, NO_RUN } from './segment-runs.ts';
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
  private readonly last = new LastSend();
  /** The kernel takes runs here, as far as is known. */
  private hasRuns = false;

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
    this.hasRuns = !answersOne && this.datagrams.runs !== null;
    this.last.forget();
    this.arm();
  }

  send(_bytes: Uint8Array, offset: number, length: number): void {
    const { engine, buffers, runs } = this.datagrams;
    const { ring } = engine;
    const low = (buffers.memory.low + offset) | 0;
    if (!this.hasRuns) {
      this.push(low, length);
      return;
    }
    const { last } = this;
    const isAppended =
      last.admits(ring, length) && last.append(runs!, ring, low, buffers.memory.high, length, FLOW_SEND) >= 0;
    if (!isAppended) last.note(ring, this.push(low, length), low, length);
  }

  sendBehind(head: Uint8Array, headBytes: number, bytes: Uint8Array, offset: number, length: number): void {
    const at = offset - headBytes;
    for (let i = 0; i < headBytes; i++) bytes[at + i] = head[i];
    this.send(bytes, at, headBytes + length);
  }

  private push(low: number, length: number): number {
    const { engine, buffers } = this.datagrams;
    const head = abi.OP_SEND | abi.SQE_CQE_SKIP_SUCCESS;
    const flags = ffi.MSG_DONTWAIT | ffi.MSG_NOSIGNAL;
    const data = DATAGRAM_INDEX | this.index;
    return engine.ring.push(head, this.descriptor, low, buffers.memory.high, length, flags, FLOW_SEND, data, 0);
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
  handleSendFailed(errno: number, run: number): void {
    if (this.handler === null) return;
    if (run !== NO_RUN && isAboutRun(errno)) {
      this.resend(run);
      return;
    }
    const failure = flowFailure(errno);
    if (failure === 'refused' || failure === 'unreachable') this.handler.handleUnreachable(this, failure);
    else this.tellDropped(dropReason(errno), run);
  }

  private tellDropped(reason: DropReason, run: number): void {
    const count = run === NO_RUN ? 1 : this.datagrams.runs!.partCount(run);
    for (let i = 0; i < count && this.handler !== null; i++) this.handler.handleFlowDropped(this, reason);
  }

  /** Its datagrams one by one, and at once: their buffers are others' after this turn. */
  private resend(run: number): void {
    const { engine, runs } = this.datagrams;
    this.hasRuns = false;
    for (let part = 0; part < runs!.partCount(run); part++)
      this.push(runs!.partLow(run, part), runs!.partBytes(run, part));
    engine.ring.submit();
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
