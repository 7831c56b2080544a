/**
 * What waits in the queue of a listening socket when it is to be closed: connections that the kernel has accepted, and no
 * program yet. Closing resets them (tcp(7); `net.ipv4.tcp_migrate_req` is off by default). So first a filter drops every SYN,
 * as if it was lost on the way: handshakes that are under way end well, no other one begins, and the queue is served until it
 * is empty. A client whose SYN was dropped repeats it a second later, and is refused then, or accepted by another socket.
 */
import * as libc from './libc.ts';
import { ACCEPT, attachFilter, detachFilter, type Filter, op, REFUSE } from './socket-filter.ts';

/** For a handshake that has begun. Its last packet is the time to the client and back away; one that takes longer is repeated. */
const HANDSHAKE_MS = 20;
const LOOK_MS = 5;
/** For a queue that nobody serves. */
const WAIT_MS_MAX = 500;

const TCP_INFO = 11;
/** tcpi_unacked of struct tcp_info (linux/tcp.h): of a listening socket, how many connections wait. */
const QUEUED_AT = 24;
const INFO_BYTES = 32;

/** The flags of a TCP header: the packet is seen from there on. */
const FLAGS_AT = 13;
const SYN = 0x02;
const ACK = 0x10;

const NO_SYN: Filter = [
  { code: op.LOAD_BYTE, operand: FLAGS_AT },
  { code: op.JUMP_IF_BITS, operand: ACK, skips: [1, 0] },
  { code: op.JUMP_IF_BITS, operand: SYN, skips: [1, 0] },
  ACCEPT,
  REFUSE,
];

/**
 * Resolves when nothing waits at these TCP sockets any more, or has not been served for half a second. From here on they take
 * no new connection. The queues are served by their owners meanwhile.
 */
export async function emptyQueues(descriptors: readonly number[]): Promise<void> {
  if (descriptors.length === 0) return;
  // What cannot be told apart is closed as it is.
  const filtered = descriptors.filter((descriptor) => attachFilter(descriptor, NO_SYN) === 0);
  for (let waitedMs = 0; waitedMs < WAIT_MS_MAX; waitedMs += LOOK_MS) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    if (waitedMs >= HANDSHAKE_MS && filtered.every((descriptor) => queued(descriptor) === 0)) return;
  }
}

/** Undoes `emptyQueues`: they take new connections again. */
export function acceptAgain(descriptors: readonly number[]): void {
  for (const descriptor of descriptors) detachFilter(descriptor);
}

/** How many connections wait at this listening socket; 0 too where the kernel does not say. */
function queued(descriptor: number): number {
  const info = new Uint8Array(INFO_BYTES);
  const got = libc.getOptionBytes(descriptor, libc.IPPROTO_TCP, TCP_INFO, info);
  return got < INFO_BYTES ? 0 : new DataView(info.buffer).getUint32(QUEUED_AT, true);
}
