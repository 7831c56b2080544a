/**
 * Queues of send segments, all in one table: a socket holds the numbers of its first and last node, so an idle socket costs
 * nothing. The table grows by doubling; its size is bounded by SEND_SEGMENTS_MAX per socket.
 */
const NODE_WORDS = 4;
const NEXT = 0;
const SLOT = 1;
const OFFSET = 2;
const LENGTH = 3;

const FIRST_NODES = 256;

export class SegmentTable {
  private words = new Int32Array(0);
  private free = -1;

  /** A node without successor. */
  allocate(slot: number, offset: number, length: number): number {
    if (this.free < 0) this.grow();
    const node = this.free;
    const at = node * NODE_WORDS;
    this.free = this.words[at + NEXT];
    this.words[at + NEXT] = -1;
    this.words[at + SLOT] = slot;
    this.words[at + OFFSET] = offset;
    this.words[at + LENGTH] = length;
    return node;
  }

  append(node: number, next: number): void {
    this.words[node * NODE_WORDS + NEXT] = next;
  }

  /** Frees the node and returns its successor, or -1. */
  remove(node: number): number {
    const at = node * NODE_WORDS;
    const next = this.words[at + NEXT];
    this.words[at + NEXT] = this.free;
    this.free = node;
    return next;
  }

  /** Leaves out the segment's first `bytes` bytes. */
  skip(node: number, bytes: number): void {
    this.words[node * NODE_WORDS + OFFSET] += bytes;
    this.words[node * NODE_WORDS + LENGTH] -= bytes;
  }

  next(node: number): number {
    return this.words[node * NODE_WORDS + NEXT];
  }

  slot(node: number): number {
    return this.words[node * NODE_WORDS + SLOT];
  }

  offset(node: number): number {
    return this.words[node * NODE_WORDS + OFFSET];
  }

  length(node: number): number {
    return this.words[node * NODE_WORDS + LENGTH];
  }

  private grow(): void {
    const before = this.words.length / NODE_WORDS;
    const after = before === 0 ? FIRST_NODES : before * 2;
    const words = new Int32Array(after * NODE_WORDS);
    words.set(this.words);
    for (let node = before; node < after; node++) words[node * NODE_WORDS + NEXT] = node + 1 < after ? node + 1 : -1;
    this.words = words;
    this.free = before;
  }
}
