/** Pairs of packet sockets between processes, with descriptors in packets (SCM_RIGHTS), and `port/session-channel.ts` on one end. */
import {
  parseSessionMessage,
  type SessionChannel,
  type SessionMessage,
  type SessionPacket,
} from '../../src/port/session-channel.ts';
import type { OpenFile, UdpKernel } from './kernel.ts';

/** Packets that fit the buffer of a socket. */
const ROOM = 12;
/** Descriptors on their way are the kernel's. */
const KERNEL = 0;

interface Packet {
  readonly text: string;
  readonly descriptors: readonly number[];
}

class ChannelEnd implements OpenFile {
  descriptors = 1;
  other!: ChannelEnd;
  readonly packets: Packet[] = [];
  isGone = false;
  private readonly kernel: UdpKernel;

  constructor(kernel: UdpKernel) {
    this.kernel = kernel;
  }

  handleGone(): void {
    this.isGone = true;
    for (const { descriptors } of this.packets.splice(0)) for (const each of descriptors) this.kernel.close(each);
  }
}

/** Descriptors of two ends that belong together. */
export function openChannel(kernel: UdpKernel, process: number): readonly [number, number] {
  const [one, other] = [new ChannelEnd(kernel), new ChannelEnd(kernel)];
  one.other = other;
  other.other = one;
  return [kernel.open(one, process), kernel.open(other, process)];
}

/** Owns `descriptor`, which is one of those. */
export class SimSessionChannel implements SessionChannel {
  private readonly kernel: UdpKernel;
  private readonly process: number;
  private readonly descriptor: number;
  private readonly end: ChannelEnd;
  private isOpen = true;

  constructor(kernel: UdpKernel, process: number, descriptor: number) {
    this.kernel = kernel;
    this.process = process;
    this.descriptor = descriptor;
    this.end = kernel.fileOf(descriptor) as ChannelEnd;
  }

  send(message: SessionMessage, descriptors: readonly number[] = []): boolean {
    const { other } = this.end;
    if (!this.isOpen || other.isGone || other.packets.length >= ROOM) return false;
    const copies = descriptors.map((descriptor) => this.kernel.duplicate(descriptor, KERNEL));
    other.packets.push({ text: JSON.stringify(message), descriptors: copies });
    return true;
  }

  receive(): SessionPacket | 'gone' | null {
    if (!this.isOpen) return 'gone';
    const packet = this.end.packets.shift();
    if (packet === undefined) return this.end.other.isGone ? 'gone' : null;
    const descriptors = packet.descriptors.map((descriptor) => {
      const own = this.kernel.duplicate(descriptor, this.process);
      this.kernel.close(descriptor);
      return own;
    });
    return { message: parseSessionMessage(packet.text), descriptors };
  }

  drop(descriptor: number): void {
    this.kernel.close(descriptor);
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.kernel.close(this.descriptor);
  }
}
