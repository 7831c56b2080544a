/**
 * Options of sockets that only have to be set before what is submitted next is: as submissions where the kernel has them (6.7),
 * for a system call costs several times as much. A socket that does not have an option refuses it, which is no loss.
 */
import * as abi from './abi.ts';
import * as ffi from './ffi.ts';
import type { Ring } from './ring.ts';
import { OPTION } from './user-data.ts';

/** Values that fit the page; a program has a handful. */
const VALUES_MAX = 512;
const VALUE_BYTES = 8;

export class SocketOptions {
  private readonly ring: Ring;
  private readonly isSubmitted: boolean;
  /** Values stay where they are: the kernel reads them when it takes the submission. */
  private readonly values = ffi.mapMemory(VALUES_MAX * VALUE_BYTES);
  private readonly words = new Int32Array(this.values.buffer);
  private valueCount = 0;

  constructor(ring: Ring, isSubmitted: boolean) {
    this.ring = ring;
    this.isSubmitted = isSubmitted;
  }

  /** The number of a value of one or two words, for `set`. */
  value(first: number, second = 0): number {
    const number = this.valueCount++;
    this.words[number * 2] = first;
    this.words[number * 2 + 1] = second;
    return number;
  }

  /** `bytes` of the value: 4 or 8. */
  set(descriptor: number, level: number, option: number, value: number, bytes: number): void {
    const { ring, values } = this;
    const offset = value * VALUE_BYTES;
    if (!this.isSubmitted) {
      ffi.setsockopt(descriptor, level, option, values.address + offset, bytes);
      return;
    }
    pushOption(ring, descriptor, level, option, values.low + offset, values.high, bytes, OPTION);
  }
}

/** Submits an option: its value is `bytes` at this address. Only failure is reported, with this user data. */
export function pushOption(
  ring: Ring,
  descriptor: number,
  level: number,
  option: number,
  low: number,
  high: number,
  bytes: number,
  data: number,
): void {
  const head = abi.OP_URING_CMD | abi.SQE_CQE_SKIP_SUCCESS;
  const at = ring.push(head, descriptor, level, option, 0, 0, data, 0, 0);
  const words = ring.submissions;
  words[at + 2] = abi.SOCKET_SETSOCKOPT;
  words[at + 11] = bytes;
  words[at + 12] = low;
  words[at + 13] = high;
}
