/** The channel on which sessions of UDP change hands (port/session-channel.ts): an end of a pair of packet sockets. */
import { closeSync } from 'node:fs';
import {
  parseSessionMessage,
  type SessionChannel,
  type SessionMessage,
  type SessionPacket,
} from '../../port/session-channel.ts';
import { receivePacket, sendPacket } from './descriptor-channel.ts';

export class LinuxSessionChannel implements SessionChannel {
  private descriptor: number;

  /** Owns it. */
  constructor(descriptor: number) {
    this.descriptor = descriptor;
  }

  send(message: SessionMessage, descriptors: readonly number[] = []): boolean {
    return this.descriptor >= 0 && sendPacket(this.descriptor, JSON.stringify(message), descriptors);
  }

  receive(): SessionPacket | 'gone' | null {
    const packet = this.descriptor < 0 ? 'gone' : receivePacket(this.descriptor);
    if (packet === null || packet === 'gone') return packet;
    return { message: parseSessionMessage(packet.text), descriptors: packet.descriptors };
  }

  drop(descriptor: number): void {
    closeSync(descriptor);
  }

  close(): void {
    if (this.descriptor >= 0) closeSync(this.descriptor);
    this.descriptor = -1;
  }
}
