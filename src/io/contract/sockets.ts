/**
 * The few socket calls that node:net has no words for, for tests on Linux: descriptors that listen without anybody
 * accepting, duplicates, and the limit of descriptors.
 */
import koffi from 'koffi';
import { parseIPv4, parseIPv6 } from '../../base/address.ts';
import type { Address } from '../../base/address.ts';

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_ERROR = 4;
const F_GETFL = 3;
const F_SETFL = 4;
const O_NONBLOCK = 0o4000;
const CLONE_NEWNET = 0x40000000;
const RLIMIT_NOFILE = 7;

const libc = koffi.load(null);
const socket = libc.func('int socket(int, int, int)');
const bindTo = libc.func('int bind(int, const uint8_t *, int)');
const acceptFrom = libc.func('int accept4(int, void *, void *, int)');
const listenOn = libc.func('int listen(int, int)');
const getsockname = libc.func('int getsockname(int, uint8_t *, int *)');
const dupDescriptor = libc.func('int dup(int)');
const closeDescriptor = libc.func('int close(int)');
const getsockopt = libc.func('int getsockopt(int, int, int, void *, uint32_t *)');
const fcntl = libc.func('int fcntl(int, int, ...)');
const unshare = libc.func('int unshare(int)');
const setns = libc.func('int setns(int, int)');
const getrlimit = libc.func('int getrlimit(int, uint64_t *)');
const setrlimit = libc.func('int setrlimit(int, const uint64_t *)');

function checked(result: number, call: string): number {
  if (result < 0) throw new Error(`${call}: errno ${koffi.errno()}`);
  return result;
}

function sockaddr(address: Address): Buffer {
  if (address.family === 0) {
    const bytes = Buffer.alloc(110);
    bytes.writeUInt16LE(AF_UNIX, 0);
    bytes.write(address.host, 2);
    return bytes;
  }
  if (address.family === 4) {
    const bytes = Buffer.alloc(16);
    bytes.writeUInt16LE(AF_INET, 0);
    bytes.writeUInt16BE(address.port, 2);
    bytes.set(parseIPv4(address.host)!, 4);
    return bytes;
  }
  const bytes = Buffer.alloc(28);
  bytes.writeUInt16LE(AF_INET6, 0);
  bytes.writeUInt16BE(address.port, 2);
  bytes.set(parseIPv6(address.host)!, 8);
  return bytes;
}

function makeSocket(address: Address, type: number): number {
  const family = address.family === 0 ? AF_UNIX : address.family === 4 ? AF_INET : AF_INET6;
  return checked(socket(family, type | SOCK_CLOEXEC, 0) as number, 'socket');
}

/** Binds and listens; port 0 takes a free one. */
export function openListening(wanted: Address, backlog: number): { descriptor: number; address: Address } {
  const listening = bound(wanted, SOCK_STREAM);
  checked(listenOn(listening.descriptor, backlog) as number, 'listen');
  return listening;
}

/** A UDP socket; port 0 takes a free one. */
export function openBound(wanted: Address): { descriptor: number; address: Address } {
  return bound(wanted, SOCK_DGRAM);
}

function bound(wanted: Address, type: number): { descriptor: number; address: Address } {
  const descriptor = makeSocket(wanted, type);
  const where = sockaddr(wanted);
  checked(bindTo(descriptor, where, where.length) as number, 'bind');
  if (wanted.family === 0) return { descriptor, address: wanted };
  const name = Buffer.alloc(28);
  checked(getsockname(descriptor, name, [name.length]) as number, 'getsockname');
  return { descriptor, address: { ...wanted, port: name.readUInt16BE(2) } };
}

/** Waits for a connection: somebody else is about to make it. */
export function acceptOne(listening: number): number {
  return checked(acceptFrom(listening, null, null, SOCK_CLOEXEC) as number, 'accept4');
}

export function duplicate(descriptor: number): number {
  return checked(dupDescriptor(descriptor) as number, 'dup');
}

export function close(descriptor: number): void {
  checked(closeDescriptor(descriptor) as number, 'close');
}

/** Sets the soft limit of open descriptors and returns the old one. */
export function setDescriptorLimit(limit: bigint): bigint {
  const limits = new BigUint64Array(2);
  checked(getrlimit(RLIMIT_NOFILE, limits) as number, 'getrlimit');
  const before = limits[0];
  limits[0] = limit;
  checked(setrlimit(RLIMIT_NOFILE, limits) as number, 'setrlimit');
  return before;
}

/** Whether the connection broke and nobody was told. */
export function hasError(descriptor: number): boolean {
  const error = new Int32Array(1);
  checked(getsockopt(descriptor, SOL_SOCKET, SO_ERROR, error, new Uint32Array([4])) as number, 'getsockopt');
  return error[0] !== 0;
}

export function setNonBlocking(descriptor: number): void {
  const flags = checked(fcntl(descriptor, F_GETFL) as number, 'fcntl');
  checked(fcntl(descriptor, F_SETFL, 'int', flags | O_NONBLOCK) as number, 'fcntl');
}

/** Puts this thread into an empty network namespace of its own. False: not permitted. */
export function leaveNetwork(): boolean {
  return (unshare(CLONE_NEWNET) as number) === 0;
}

/** Puts this thread back into the network namespace that `descriptor` is of. */
export function enterNetwork(descriptor: number): void {
  checked(setns(descriptor, CLONE_NEWNET) as number, 'setns');
}
