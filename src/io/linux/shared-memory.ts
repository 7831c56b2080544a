/**
 * Memory shared between the processes of one evenkeel: memfds (memfd_create(2)), whose descriptors are inherited.
 *
 * Whoever holds a descriptor is not trusted with more than its purpose. The size is sealed, or a holder could truncate the
 * file, and everybody else would die of SIGBUS at the next look. Who is to read gets a descriptor that was opened for
 * reading: it cannot be mapped for writing, and opening it again, through /proc, is refused to every other user.
 */
import { closeSync, fchmodSync, fstatSync, openSync, writeSync } from 'node:fs';
import type { MemoryWriter, SharedMemory } from '../../port/host.ts';
import * as libc from './libc.ts';

const OWNER_ONLY = 0o600;
const SIZE_SEALS = libc.F_SEAL_SHRINK | libc.F_SEAL_GROW;

/** Zeroed memory. Failing to get some kilobytes at the start is not survivable and throws. */
export function createSharedMemory(name: string, bytes: number, writer: MemoryWriter): SharedMemory {
  const descriptor = createFile(name);
  check(`size the shared memory "${name}"`, libc.truncate(descriptor, bytes));
  const buffer = mapWhole(descriptor, bytes, 'write');
  // Refused before Linux 5.1: there, descriptors that are open for reading have to be enough.
  if (writer === 'creator') libc.addSeals(descriptor, libc.F_SEAL_FUTURE_WRITE);
  check(`seal the shared memory "${name}"`, libc.addSeals(descriptor, SIZE_SEALS | libc.F_SEAL_SEAL));
  return { descriptor, readOnlyDescriptor: openSync(`/proc/self/fd/${descriptor}`, 'r'), buffer };
}

/** The memory behind a descriptor that somebody else created and handed over. Writing what is mapped to read is fatal. */
export function openSharedMemory(descriptor: number, access: 'read' | 'write'): ArrayBuffer {
  return mapWhole(descriptor, fstatSync(descriptor).size, access);
}

/** A file without a name that holds `content`, and that nobody can change. */
export function createUnnamedFile(name: string, content: Uint8Array): number {
  const descriptor = createFile(name);
  try {
    for (let at = 0; at < content.length;) at += writeSync(descriptor, content, at, content.length - at, at);
    check(`seal the file "${name}"`, libc.addSeals(descriptor, SIZE_SEALS | libc.F_SEAL_WRITE | libc.F_SEAL_SEAL));
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  return descriptor;
}

function createFile(name: string): number {
  const descriptor = libc.memfd(name);
  check(`create the file "${name}"`, descriptor);
  fchmodSync(descriptor, OWNER_ONLY);
  return descriptor;
}

function mapWhole(descriptor: number, bytes: number, access: 'read' | 'write'): ArrayBuffer {
  const mapped = libc.mapShared(descriptor, bytes, access);
  if (typeof mapped === 'number') throw outOf('map the shared memory', mapped);
  return mapped;
}

function check(what: string, result: number): void {
  if (result < 0) throw outOf(what, result);
}

function outOf(what: string, negativeErrno: number): Error {
  return new Error(`cannot ${what}: ${libc.errorName(negativeErrno)}`);
}
