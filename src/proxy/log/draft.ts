/**
 * The line of one request in one log, as far as the request itself says it: written while its head is here. At `ends` values of the
 * request's end belong in between.
 */
import { HEAD_BYTES_MAX } from '../../base/limits.ts';

const FIRST_BYTES = 512;
/** What is more is kept for no other request. */
const KEPT_BYTES_MAX = 4096;
/** Of all values together; further ones are left empty. */
export const DRAFT_BYTES_MAX = HEAD_BYTES_MAX;

export class Draft {
  bytes = new Uint8Array(FIRST_BYTES);
  length = 0;
  /** Of the parts in front of each value of the end, and of all. */
  readonly ends: number[] = [];

  /** Room for so many bytes more. False: it is full. */
  reserve(count: number): boolean {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return true;
    if (needed > DRAFT_BYTES_MAX) return false;
    const bytes = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
    bytes.set(this.bytes.subarray(0, this.length));
    this.bytes = bytes;
    return true;
  }

  recycle(): void {
    if (this.bytes.length > KEPT_BYTES_MAX) this.bytes = new Uint8Array(FIRST_BYTES);
  }
}
