/** Messages with ancillary data (recvmsg(2), cmsg(3)), and pairs of sockets to send them over. A negative result is an errno. */
import koffi from 'koffi';
import { AF_UNIX, type Call, result } from './libc.ts';

const library = koffi.load(null);

export const SOCK_SEQPACKET = 5;
export const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;

export const MSG_DONTWAIT = 0x40;
export const MSG_CMSG_CLOEXEC = 0x40000000;
export const MSG_CTRUNC = 8;
const MSG_NOSIGNAL = 0x4000;

const c = {
  recvmsg: library.func('intptr_t recvmsg(int, uintptr_t, int)') as Call,
  sendmsg: library.func('intptr_t sendmsg(int, uintptr_t, int)') as Call,
  socketpair: library.func('int socketpair(int, int, int, void *)') as Call,
};

/** `header` is the address of a `struct msghdr`. */
export function receiveMessage(descriptor: number, header: number, flags = 0): number {
  return result(c.recvmsg(descriptor, header, flags));
}

/** The same. */
export function sendMessage(descriptor: number, header: number, flags: number): number {
  return result(c.sendmsg(descriptor, header, flags | MSG_NOSIGNAL));
}

/** Two connected sockets; or a negative errno. */
export function socketPair(type: number): readonly [number, number] | number {
  const ends = new Int32Array(2);
  const created = result(c.socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends));
  return created < 0 ? created : [ends[0], ends[1]];
}
