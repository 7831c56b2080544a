/**
 * Netlink messages on their way from the vip process's loop to the thread that has the kernel do them (refresh-thread.ts), in
 * memory that both see. Neither waits for the other, but for `settle`. One writer and one reader; first in, first out.
 */

/** 1023 routers with an address each, or four with as many as there may be. */
const CAPACITY_BYTES = 128 * 1024;
const POSITION_MASK = CAPACITY_BYTES - 1;

/** Words in front of the messages. Positions only grow, and wrap around as 32-bit numbers do. */
const STATE = 0;
const WRITTEN = 1;
const DONE = 2;
const HEADER_WORDS = 4;

const IS_SERVED = 1;

/** In place of a length: the rest of the memory is not used, the next message is at its beginning. */
const WRAP = -1;
const LENGTH_BYTES = 4;

export class RefreshQueue {
  static readonly bytes: number = 4 * HEADER_WORDS + CAPACITY_BYTES;
  private readonly header: Int32Array;
  private readonly lengths: Int32Array;
  private readonly content: Uint8Array;

  constructor(memory: SharedArrayBuffer) {
    this.header = new Int32Array(memory, 0, HEADER_WORDS);
    this.lengths = new Int32Array(memory, 4 * HEADER_WORDS);
    this.content = new Uint8Array(memory, 4 * HEADER_WORDS);
  }

  // --- the loop's end ---

  /** Copies the messages. False: nobody takes them, or there is no room, and they have to be done at once. */
  push(messages: Uint8Array): boolean {
    const { header, lengths, content } = this;
    if (Atomics.load(header, STATE) !== IS_SERVED) return false;
    const written = header[WRITTEN];
    const bytes = recordBytes(messages.length);
    let at = written & POSITION_MASK;
    const rest = CAPACITY_BYTES - at;
    const skipped = rest < bytes ? rest : 0;
    const used = (written - Atomics.load(header, DONE)) | 0;
    if (used + skipped + bytes > CAPACITY_BYTES) return false;
    if (skipped > 0) {
      lengths[at / LENGTH_BYTES] = WRAP;
      at = 0;
    }
    lengths[at / LENGTH_BYTES] = messages.length;
    content.set(messages, at + LENGTH_BYTES);
    Atomics.store(header, WRITTEN, (written + skipped + bytes) | 0);
    Atomics.notify(header, WRITTEN);
    return true;
  }

  /** Returns when everything that was pushed has been done. */
  settle(): void {
    const { header } = this;
    for (;;) {
      const done = Atomics.load(header, DONE);
      if (done === header[WRITTEN] || Atomics.load(header, STATE) !== IS_SERVED) return;
      Atomics.wait(header, DONE, done);
    }
  }

  // --- the thread's end ---

  /** Has everything done that is pushed, until something is thrown. */
  serve(perform: (messages: Uint8Array) => void): never {
    const { header } = this;
    Atomics.store(header, STATE, IS_SERVED);
    try {
      for (;;) {
        const written = Atomics.load(header, WRITTEN);
        if (!this.performNext(perform)) Atomics.wait(header, WRITTEN, written);
      }
    } finally {
      Atomics.store(header, STATE, 0);
      // Whoever is about to wait must see another number than before.
      Atomics.store(header, DONE, Atomics.load(header, WRITTEN));
      Atomics.notify(header, DONE);
    }
  }

  /** False: there is nothing. */
  private performNext(perform: (messages: Uint8Array) => void): boolean {
    const { header, lengths, content } = this;
    const done = header[DONE];
    if (done === Atomics.load(header, WRITTEN)) return false;
    const at = done & POSITION_MASK;
    const length = lengths[at / LENGTH_BYTES];
    let bytes = CAPACITY_BYTES - at;
    if (length !== WRAP) {
      perform(content.slice(at + LENGTH_BYTES, at + LENGTH_BYTES + length));
      bytes = recordBytes(length);
    }
    Atomics.store(header, DONE, (done + bytes) | 0);
    Atomics.notify(header, DONE);
    return true;
  }
}

/** With the length, and so that the next one begins at a word. */
function recordBytes(length: number): number {
  return LENGTH_BYTES + Math.ceil(length / LENGTH_BYTES) * LENGTH_BYTES;
}
