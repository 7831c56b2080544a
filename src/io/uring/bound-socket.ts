/**
 * A bound UDP socket on the ring: one multishot recvmsg, which ends when no buffer is posted and is armed again in the next turn, and
 * a sendmsg for each answer, which does not wait.
 *
 *   state      event                  does                        then
 *   STOPPED    start                  arms                        ARMED
 *   ARMED      a datagram             hands it over               ARMED
 *              the last one, failed   wants to be armed           STARVED
 *              stop, close            cancels                     STOPPING
 *   STARVED    the end of the turn    arms                        ARMED
 *              stop, close                                        STOPPED
 *   STOPPING   a datagram             hands it over, or drops it  STOPPING
 *              the last one, failed   closes if it is to          STOPPED
 */
import type { Correspondents } from '../../base/correspondents.ts';
import type { DatagramHandler, DatagramSocket } from '../../port/datagram.ts';
import { CorrespondentWords } from '../../wire/correspondent-words.ts';
import { readIp, wordAt } from '../../wire/ip-text.ts';
import * as abi from './abi.ts';
import { DATAGRAM_GROUP } from './datagram-buffers.ts';
import type { UringDatagrams } from './datagrams.ts';
import { dropReason } from './failures.ts';
import { nameBytes, PKTINFO6_BYTES, PKTINFO_BYTES } from './return-addresses.ts';
import { isAboutRun, LastSend, NO_RUN } from './segment-runs.ts';
import { BOUND_RECEIVE, BOUND_SEND, DATAGRAM_INDEX } from './user-data.ts';

const ARMED = 0;
const STARVED = 1;
const STOPPING = 2;
const STOPPED = 3;

/** struct io_uring_recvmsg_out: lengths of name, control and payload, and flags. The name follows. */
const HEADER_BYTES = 16;
/** Room for a sockaddr_in6, and for HEAD_BYTES_MAX in front of the datagram; a multiple of 8, so that a control message behind it is aligned. */
export const NAME_ROOM_BYTES = 40;
const CONTROL_LENGTH_AT = 4;

export class UringBoundSocket implements DatagramSocket {
  readonly from = new Sender();
  readonly index: number;
  readonly port: number;
  readonly knowsAsked = true;
  private readonly datagrams: UringDatagrams;
  private readonly descriptor: number;
  private readonly handler: DatagramHandler;
  private readonly isV6: boolean;
  /** What the kernel tells of the address that was asked. 0: nothing, there is only one. */
  private readonly controlBytes: number;
  private state: 0 | 1 | 2 | 3 = STOPPED;
  private isClosed = false;
  private readonly last = new LastSend();
  /** To whom that went. */
  private lastReturn = -1;
  /** Where the datagram's buffer begins that is handed over now, and whether it has a control message. */
  private headerAt = 0;
  private hasControl = false;

  constructor(datagrams: UringDatagrams, descriptor: number, index: number, handler: DatagramHandler) {
    this.datagrams = datagrams;
    this.descriptor = descriptor;
    this.index = index;
    this.handler = handler;
    const own = datagrams.nameOf(descriptor);
    this.port = own.port;
    this.isV6 = own.isV6;
    this.controlBytes = own.isAny ? (own.isV6 ? PKTINFO6_BYTES : PKTINFO_BYTES) : 0;
    this.from.setLocal(own.address, own.isV6);
    this.from.localPort = own.port;
    // The service manager may have opened it.
    if (own.isAny) datagrams.engine.tellAskedAddress(descriptor, own.isV6);
  }

  get isStopped(): boolean {
    return this.state === STOPPED;
  }

  get isDone(): boolean {
    return this.isClosed && this.state === STOPPED;
  }

  keepReturn(): number {
    const name = this.headerAt + HEADER_BYTES;
    const { returns, buffers } = this.datagrams;
    return returns.keep(buffers.bytes, name, this.hasControl ? name + NAME_ROOM_BYTES : -1);
  }

  forgetReturn(returnAddress: number): void {
    this.datagrams.returns.forget(returnAddress);
  }

  keepReturnTo(client: Correspondents): number {
    return this.datagrams.returns.make(client, this.isV6);
  }

  sendTo(returnAddress: number, _bytes: Uint8Array, offset: number, length: number): void {
    const { last, lastReturn } = this;
    const { buffers, engine, returns, runs } = this.datagrams;
    if (runs === null || !returns.hasRuns(returnAddress)) {
      this.push(returnAddress, offset, length);
      return;
    }
    const { ring } = engine;
    const { low, high } = buffers.memory;
    if (returnAddress === lastReturn && last.admits(ring, length)) {
      const run = last.append(runs, ring, (low + offset) | 0, high, length, BOUND_SEND);
      if (run > NO_RUN) returns.address(runs, run, returnAddress, nameBytes(this.isV6), this.controlBytes);
      if (run >= 0) return;
    }
    this.lastReturn = returnAddress;
    last.note(ring, this.push(returnAddress, offset, length), (low + offset) | 0, length);
  }

  private push(returnAddress: number, offset: number, length: number): number {
    const { datagrams, descriptor, isV6, controlBytes, index } = this;
    const name = nameBytes(isV6);
    return datagrams.pushMessage(descriptor, returnAddress, name, controlBytes, offset, length, BOUND_SEND, index);
  }

  start(): void {
    if (!this.isClosed) this.arm();
  }

  stop(): void {
    if (this.state === STARVED) this.state = STOPPED;
    if (this.state !== ARMED) return;
    this.state = STOPPING;
    this.datagrams.engine.cancel(BOUND_RECEIVE, DATAGRAM_INDEX | this.index);
  }

  close(): void {
    if (this.isClosed) return;
    this.stop();
    this.isClosed = true;
    if (this.state === STOPPED) this.finish();
  }

  handleReceived(result: number, flags: number): void {
    if ((flags & abi.CQE_F_BUFFER) !== 0) {
      const at = this.datagrams.buffers.take(flags >>> abi.CQE_BUFFER_SHIFT);
      if (!this.isClosed && result >= HEADER_BYTES) this.handOver(at, result);
    }
    if ((flags & abi.CQE_F_MORE) !== 0) return;
    if (this.state === STOPPING) {
      this.state = STOPPED;
      if (this.isClosed) this.finish();
    } else if (this.state === ARMED) {
      this.state = STARVED;
      this.datagrams.starvedSockets.push(this);
    }
  }

  handleSendFailed(errno: number, run: number): void {
    if (this.isClosed) return;
    const { runs } = this.datagrams;
    if (run !== NO_RUN && isAboutRun(errno)) {
      this.resend(run);
      return;
    }
    const count = run === NO_RUN ? 1 : runs!.partCount(run);
    for (let i = 0; i < count; i++) this.handler.handleDropped(this, dropReason(errno));
  }

  /** Its datagrams one by one, and at once: their buffers are others' after this turn. */
  private resend(run: number): void {
    const { buffers, engine, returns, runs } = this.datagrams;
    const returnAddress = returns.ofRun(run);
    returns.endRuns(returnAddress);
    for (let part = 0; part < runs!.partCount(run); part++) {
      this.push(returnAddress, (runs!.partLow(run, part) - buffers.memory.low) >>> 0, runs!.partBytes(run, part));
    }
    engine.ring.submit();
  }

  /** There are buffers again. */
  handleBuffers(): void {
    if (this.state === STARVED) this.arm();
  }

  private handOver(at: number, result: number): void {
    const { bytes } = this.datagrams.buffers;
    const name = at + HEADER_BYTES;
    const payload = name + NAME_ROOM_BYTES + this.controlBytes;
    this.headerAt = at;
    this.hasControl = this.controlBytes > 0 && bytes[at + CONTROL_LENGTH_AT] >= this.controlBytes - 4;
    this.from.read(bytes, name, this.hasControl ? name + NAME_ROOM_BYTES : -1, this.isV6);
    this.handler.handleDatagram(this, bytes, payload, at + result - payload);
  }

  private arm(): void {
    this.state = ARMED;
    const head = abi.OP_RECVMSG | abi.SQE_BUFFER_SELECT | abi.RECV_MULTISHOT;
    const { low, high } = this.datagrams.receiveMessage(this.controlBytes);
    const { ring } = this.datagrams.engine;
    ring.push(head, this.descriptor, low, high, 1, 0, BOUND_RECEIVE, DATAGRAM_INDEX | this.index, DATAGRAM_GROUP);
  }

  private finish(): void {
    this.datagrams.engine.closeDescriptor(this.descriptor);
  }
}

const CMSG_BYTES = 16;
const MAPPED = 0xffff;

class Sender extends CorrespondentWords {
  /** The address that the socket has alone. */
  setLocal(address: Uint8Array, isV6: boolean): void {
    if (isV6) this.readLocal(address, 0);
    else this.readLocalV4(address, 0);
  }

  /** A sockaddr_in or sockaddr_in6, and in_pktinfo or in6_pktinfo. */
  read(bytes: Uint8Array, name: number, control: number, isV6: boolean): void {
    this.port = (bytes[name + 2] << 8) | bytes[name + 3];
    if (isV6) {
      readIp(bytes, name + 8, this);
    } else {
      this.ip0 = 0;
      this.ip1 = 0;
      this.ip2 = MAPPED;
      this.ip3 = wordAt(bytes, name + 4);
    }
    if (control < 0) return;
    if (isV6) this.readLocal(bytes, control + CMSG_BYTES);
    else this.readLocalV4(bytes, control + CMSG_BYTES + 4); // ipi_spec_dst
  }

  private readLocalV4(bytes: Uint8Array, at: number): void {
    this.local2 = MAPPED;
    this.local3 = wordAt(bytes, at);
  }
}
