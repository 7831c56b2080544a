/**
 * Which server a session of an application is with, as proxies have learned it: in memory that those of a node share. All of them write it, and
 * nobody waits for anybody. Sessions are hashes (base/keyed-hash.ts), and servers are numbers of 32 bits that their users give them. It is of a fixed size:
 * where there is no room for a session, the one that was used longest ago of its bucket of eight goes.
 *
 *   header  the keys of the hash (2 words)
 *   cell    id, server, time in seconds (a word each)
 *
 * The server stands there mixed with the id: who reads a cell while another makes it its own finds a server that there is not, and never the
 * other session's.
 */
import { assert } from './assert.ts';

const HEADER_WORDS = 16;
const H_KEY0 = 0;
const H_KEY1 = 1;

const BUCKET = 8;
const CELLS = 2 ** 18;
const WORDS = 3;
const C_ID = 0;
const C_SERVER = 1;
const C_TIME = 2;

/** No server: the session is not known. */
export const UNKNOWN = 0;

export class LearnedTable {
  /** Of the memory, for who gets it from another version. */
  static readonly layout = `${CELLS} in ${BUCKET} x ${WORDS}`;
  static readonly bytes = 4 * (HEADER_WORDS + CELLS * WORDS);

  private readonly header: Int32Array;
  private readonly cells: Int32Array;

  /** Zeroed memory of `bytes`, or that of another table. */
  constructor(buffer: ArrayBufferLike) {
    assert(buffer.byteLength >= LearnedTable.bytes, 'too little memory for what is learned');
    this.header = new Int32Array(buffer, 0, HEADER_WORDS);
    this.cells = new Int32Array(buffer, 4 * HEADER_WORDS, CELLS * WORDS);
  }

  /** Once, by who has made the memory: two random words. */
  setKeys(key0: number, key1: number): void {
    this.header[H_KEY0] = key0;
    this.header[H_KEY1] = key1;
  }

  get key0(): number {
    return this.header[H_KEY0];
  }

  get key1(): number {
    return this.header[H_KEY1];
  }

  /**
   * The server of the session with this hash, which is in use now, or UNKNOWN. `nowS`: of a clock that never goes back and that all processes share.
   * `idleS`: what was not in use for longer is forgotten.
   */
  find(first: number, second: number, nowS: number, idleS: number): number {
    const { cells } = this;
    const id = idOf(first);
    const start = bucketOf(second);
    for (let cell = start; cell < start + BUCKET * WORDS; cell += WORDS) {
      if (Atomics.load(cells, cell + C_ID) !== id) continue;
      const server = Atomics.load(cells, cell + C_SERVER) ^ id;
      const lastS = Atomics.load(cells, cell + C_TIME);
      if (nowS - lastS > idleS) return UNKNOWN;
      if (lastS !== nowS) Atomics.store(cells, cell + C_TIME, nowS);
      return server;
    }
    return UNKNOWN;
  }

  /** From now on the session is with this server. */
  put(first: number, second: number, server: number, nowS: number): void {
    const { cells } = this;
    const id = idOf(first);
    const start = bucketOf(second);
    let oldest = start;
    let oldestS = Infinity;
    for (let cell = start; cell < start + BUCKET * WORDS; cell += WORDS) {
      const found = Atomics.load(cells, cell + C_ID);
      if (found === id) {
        oldest = cell;
        break;
      }
      const lastS = found === 0 ? -Infinity : Atomics.load(cells, cell + C_TIME);
      if (lastS >= oldestS) continue;
      oldest = cell;
      oldestS = lastS;
    }
    Atomics.store(cells, oldest + C_TIME, nowS);
    Atomics.store(cells, oldest + C_ID, id);
    Atomics.store(cells, oldest + C_SERVER, server ^ id);
  }
}

/** 0 is that of a free cell. */
function idOf(first: number): number {
  return first === 0 ? 1 : first;
}

function bucketOf(second: number): number {
  return (second & (CELLS / BUCKET - 1)) * BUCKET * WORDS;
}
