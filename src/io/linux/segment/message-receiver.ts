/**
 * Receiving over a raw IPv6 socket, where the header is not part of what is read: destination and hop limit come as control
 * messages (RFC 3542 sections 6.2 and 6.3).
 */
import * as libc from '../libc.ts';
import { allocateNative, type NativeMemory } from '../native-memory.ts';
import { EINTR } from './system.ts';
import { receiveMessage } from '../socket-messages.ts';

const IPV6_RECVPKTINFO = 49;
const IPV6_PKTINFO = 50;
const IPV6_RECVHOPLIMIT = 51;
const IPV6_HOPLIMIT = 52;

// One block of memory: struct msghdr, struct iovec, struct sockaddr_in6, control messages, the payload.
const VECTOR_AT = 64;
const NAME_AT = 96;
const NAME_BYTES = 28;
const CONTROL_AT = 128;
const CONTROL_BYTES = 128;
const PAYLOAD_AT = 256;
const PAYLOAD_BYTES = 65_536;

const CONTROL_HEADER_BYTES = 16;

export interface ReceivedMessage {
  /** Borrowed, from 0 to `length`. */
  readonly bytes: Uint8Array;
  readonly length: number;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly hopLimit: number;
}

/** One for all sockets: what was received is handled before anything else is. */
let memory: NativeMemory | null = null;

export class MessageReceiver {
  private readonly descriptor: number;
  private readonly memory: NativeMemory;
  private readonly payload: Uint8Array;

  constructor(descriptor: number) {
    this.descriptor = descriptor;
    memory ??= allocateNative(PAYLOAD_AT + PAYLOAD_BYTES);
    this.memory = memory;
    this.payload = memory.bytes.subarray(PAYLOAD_AT);
    libc.setOption(descriptor, libc.IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    libc.setOption(descriptor, libc.IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
  }

  /** Null: nothing more has come in. */
  receive(): ReceivedMessage | null {
    const { bytes, view, address } = this.memory;
    for (;;) {
      view.setBigUint64(0, BigInt(address + NAME_AT), true);
      view.setUint32(8, NAME_BYTES, true);
      view.setBigUint64(16, BigInt(address + VECTOR_AT), true);
      view.setBigUint64(24, 1n, true);
      view.setBigUint64(32, BigInt(address + CONTROL_AT), true);
      view.setBigUint64(40, BigInt(CONTROL_BYTES), true);
      view.setUint32(48, 0, true);
      view.setBigUint64(VECTOR_AT, BigInt(address + PAYLOAD_AT), true);
      view.setBigUint64(VECTOR_AT + 8, BigInt(PAYLOAD_BYTES), true);
      const length = receiveMessage(this.descriptor, address);
      if (length === EINTR) continue;
      if (length < 0) return null;
      const source = bytes.slice(NAME_AT + 8, NAME_AT + 24);
      return { bytes: this.payload, length, source, ...this.readControl(Number(view.getBigUint64(40, true))) };
    }
  }

  private readControl(length: number): { destination: Uint8Array; hopLimit: number } {
    const { bytes, view } = this.memory;
    let destination = new Uint8Array(16);
    let hopLimit = 0;
    for (let at = CONTROL_AT; at + CONTROL_HEADER_BYTES <= CONTROL_AT + length;) {
      const bytesOfOne = Number(view.getBigUint64(at, true));
      if (bytesOfOne < CONTROL_HEADER_BYTES) break;
      const data = at + CONTROL_HEADER_BYTES;
      const type = view.getInt32(at + 12, true);
      if (view.getInt32(at + 8, true) === libc.IPPROTO_IPV6) {
        if (type === IPV6_PKTINFO) destination = bytes.slice(data, data + 16);
        else if (type === IPV6_HOPLIMIT) hopLimit = view.getInt32(data, true);
      }
      at += (bytesOfOne + 7) & ~7;
    }
    return { destination, hopLimit };
  }
}
