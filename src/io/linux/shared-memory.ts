/** Memory shared between the keeper and its proxies: a memfd (memfd_create(2)), whose descriptor the proxies inherit. */
import { closeSync, fstatSync, writeSync } from 'node:fs';
import type { SharedMemory } from '../../port/host.ts';
import * as libc from './libc.ts';

/** Zeroed memory. Failing to get some kilobytes at the start is not survivable and throws. */
export function createSharedMemory(name: string, bytes: number): SharedMemory {
  const descriptor = libc.memfd(name);
  if (descriptor < 0) throw outOf(`create the shared memory "${name}"`, descriptor);
  const result = libc.truncate(descriptor, bytes);
  if (result < 0) throw outOf(`size the shared memory "${name}"`, result);
  return { descriptor, buffer: mapWhole(descriptor, bytes) };
}

/** The memory behind a descriptor that somebody else created and handed over. */
export function openSharedMemory(descriptor: number): ArrayBuffer {
  return mapWhole(descriptor, fstatSync(descriptor).size);
}

/** A file without a name that holds `content`. */
export function createUnnamedFile(name: string, content: Uint8Array): number {
  const descriptor = libc.memfd(name);
  if (descriptor < 0) throw outOf(`create the file "${name}"`, descriptor);
  try {
    for (let at = 0; at < content.length;) at += writeSync(descriptor, content, at, content.length - at, at);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  return descriptor;
}

function mapWhole(descriptor: number, bytes: number): ArrayBuffer {
  const mapped = libc.mapShared(descriptor, bytes);
  if (typeof mapped === 'number') throw outOf('map the shared memory', mapped);
  return mapped;
}

function outOf(what: string, negativeErrno: number): Error {
  return new Error(`cannot ${what}: ${libc.errorName(negativeErrno)}`);
}
