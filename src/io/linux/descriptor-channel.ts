/**
 * Descriptors from one process to another, beside the channel on which they speak: a pair of packet sockets and SCM_RIGHTS
 * (unix(7)). The sender sends first and then says, on the other channel, how many there are; so the receiver never waits.
 */
import { closeSync } from 'node:fs';
import type { Packet } from '../../port/rendezvous.ts';
import * as libc from './libc.ts';
import { allocateNative, type NativeMemory } from './native-memory.ts';
import {
  MSG_CMSG_CLOEXEC,
  MSG_CTRUNC,
  MSG_DONTWAIT,
  receiveMessage,
  sendMessage,
  SOCK_SEQPACKET,
  socketPair,
} from './socket-messages.ts';

/** The kernel takes 253 in one message (SCM_MAX_FD). */
export const PER_MESSAGE = 250;
/** What a message may say besides. */
const TEXT_BYTES_MAX = 2048;

const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;

// One page: struct msghdr, struct iovec, what is said (a byte at least), and the control message.
const PAGE_BYTES = 4096;
const VECTOR_AT = 64;
const TEXT_AT = 2048;
const CONTROL_AT = 96;
const CONTROL_HEADER_BYTES = 16;
const CONTROL_LENGTH_AT = 40;
const FLAGS_AT = 48;

/** Two ends of a new channel. The second one is for the other process. Throws when out of descriptors. */
export function createDescriptorChannel(): readonly [own: number, other: number] {
  const ends = socketPair(SOCK_SEQPACKET);
  if (typeof ends === 'number') throw new Error(`cannot create a socket pair: ${libc.errorName(ends)}`);
  return ends;
}

let page: NativeMemory | null = null;

/** A message header that points to room for `count` descriptors, and to as much text. */
function header(count: number, textBytes = 1): NativeMemory {
  page ??= allocateNative(PAGE_BYTES);
  const { address, view } = page;
  view.setBigUint64(0, 0n, true); // no name
  view.setUint32(8, 0, true);
  view.setBigUint64(16, BigInt(address + VECTOR_AT), true);
  view.setBigUint64(24, 1n, true);
  view.setBigUint64(32, BigInt(address + CONTROL_AT), true);
  view.setBigUint64(CONTROL_LENGTH_AT, BigInt(align(CONTROL_HEADER_BYTES + count * 4)), true);
  view.setInt32(FLAGS_AT, 0, true);
  view.setBigUint64(VECTOR_AT, BigInt(address + TEXT_AT), true);
  view.setBigUint64(VECTOR_AT + 8, BigInt(textBytes), true);
  return page;
}

function align(bytes: number): number {
  return (bytes + 7) & ~7;
}

const ONE_BYTE = new Uint8Array(1);

/**
 * Sends copies of `descriptors`, in order, and `text` with each message. False: the other process takes none now, or there
 * are too many under way. `wait`: until it does.
 */
export function sendDescriptors(
  channel: number,
  descriptors: readonly number[],
  text: Uint8Array = ONE_BYTE,
  whenFull: 'fail' | 'wait' = 'fail',
): boolean {
  for (let at = 0; at < descriptors.length; at += PER_MESSAGE) {
    const part = descriptors.slice(at, at + PER_MESSAGE);
    const { address, bytes, view } = header(part.length, text.length);
    bytes.set(text, TEXT_AT);
    view.setBigUint64(CONTROL_AT, BigInt(CONTROL_HEADER_BYTES + part.length * 4), true);
    view.setInt32(CONTROL_AT + 8, SOL_SOCKET, true);
    view.setInt32(CONTROL_AT + 12, SCM_RIGHTS, true);
    part.forEach((one, i) => view.setInt32(CONTROL_AT + CONTROL_HEADER_BYTES + i * 4, one, true));
    if (sendMessage(channel, address, whenFull === 'wait' ? 0 : MSG_DONTWAIT) < 0) return false;
  }
  return true;
}

/** Takes over `count` descriptors that were sent before. Null: they are not there, or this process can have no more. */
export function receiveDescriptors(channel: number, count: number): readonly number[] | null {
  const received: number[] = [];
  while (received.length < count) {
    const { address, view } = header(PER_MESSAGE);
    const length = receiveMessage(channel, address, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    const arrived = length <= 0 ? [] : descriptorsOf(view);
    received.push(...arrived);
    // Out of descriptors, the kernel drops what does not fit.
    if (arrived.length > 0 && (view.getInt32(FLAGS_AT, true) & MSG_CTRUNC) === 0) continue;
    for (const one of received) closeSync(one);
    return null;
  }
  return received;
}

/** Those that came with the message that was received. */
function descriptorsOf(view: DataView): readonly number[] {
  const bytes =
    Number(view.getBigUint64(CONTROL_LENGTH_AT, true)) === 0
      ? 0
      : Number(view.getBigUint64(CONTROL_AT, true)) - CONTROL_HEADER_BYTES;
  return Array.from({ length: Math.max(0, bytes) / 4 }, (_, i) =>
    view.getInt32(CONTROL_AT + CONTROL_HEADER_BYTES + i * 4, true),
  );
}

/** A packet that says this, with copies of these descriptors, PER_MESSAGE at most. False: the other process takes none now. */
export function sendPacket(channel: number, text: string, descriptors: readonly number[]): boolean {
  const bytes = Buffer.from(text);
  if (descriptors.length > 0) return sendDescriptors(channel, descriptors, bytes);
  const { address, bytes: page, view } = header(0, bytes.length);
  page.set(bytes, TEXT_AT);
  view.setBigUint64(CONTROL_LENGTH_AT, 0n, true);
  return sendMessage(channel, address, MSG_DONTWAIT) >= 0;
}

/** A packet that was sent; its descriptors are this process's own. Null: there is none. `gone`: nobody can send any. */
export function receivePacket(channel: number): Packet | 'gone' | null {
  const { address, bytes, view } = header(PER_MESSAGE, TEXT_BYTES_MAX);
  const length = receiveMessage(channel, address, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (length <= 0) return length === 0 || libc.errorName(length) !== 'EAGAIN' ? 'gone' : null;
  const text = Buffer.from(bytes.subarray(TEXT_AT, TEXT_AT + length)).toString();
  return { text, descriptors: descriptorsOf(view) };
}
