/** A bounded first-in first-out queue of bytes: one kernel socket buffer. */
import { assert } from '../src/base/assert.ts';

export class ByteQueue {
  readonly capacity: number;
  private bytes: Uint8Array;
  private head = 0;
  private count = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.bytes = new Uint8Array(Math.min(capacity, 1024));
  }

  get length(): number {
    return this.count;
  }

  get free(): number {
    return this.capacity - this.count;
  }

  push(source: Uint8Array, at: number, length: number): void {
    assert(length <= this.free, 'byte queue overflow');
    if (this.count + length > this.bytes.length) this.grow(this.count + length);
    const size = this.bytes.length;
    const tail = (this.head + this.count) % size;
    const first = Math.min(length, size - tail);
    this.bytes.set(source.subarray(at, at + first), tail);
    if (first < length) this.bytes.set(source.subarray(at + first, at + length), 0);
    this.count += length;
  }

  /** Takes exactly `length` bytes. */
  take(into: Uint8Array, at: number, length: number): void {
    assert(length <= this.count, 'byte queue underflow');
    const size = this.bytes.length;
    const first = Math.min(length, size - this.head);
    into.set(this.bytes.subarray(this.head, this.head + first), at);
    if (first < length) into.set(this.bytes.subarray(0, length - first), at + first);
    this.head = (this.head + length) % size;
    this.count -= length;
  }

  moveTo(other: ByteQueue, length: number): void {
    const size = this.bytes.length;
    const first = Math.min(length, size - this.head);
    other.push(this.bytes, this.head, first);
    if (first < length) other.push(this.bytes, 0, length - first);
    this.head = (this.head + length) % size;
    this.count -= length;
  }

  clear(): void {
    this.head = 0;
    this.count = 0;
  }

  private grow(needed: number): void {
    let size = this.bytes.length;
    while (size < needed) size *= 2;
    const bytes = new Uint8Array(Math.min(this.capacity, size));
    const count = this.count;
    this.take(bytes, 0, count);
    this.bytes = bytes;
    this.head = 0;
    this.count = count;
  }
}
