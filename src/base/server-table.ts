/**
 * The server table of the status board: which servers there are, where they are, how much they weigh. The keeper writes it,
 * nobody else can.
 *
 * It stands in the mapping twice. The writer changes the copy that nobody is pointed at, then moves the generation word,
 * whose lowest bit says which copy counts. So there is a whole table at every moment, also while the writer is stopped, or
 * killed, in the middle of a change; and a reader whose copy was overwritten under its hands (two changes in the microseconds
 * that it took) knows it by the generation, and reads again.
 *
 * Words are 32 bits, host byte order. Every store and load of shared words is atomic: that keeps them in order between
 * processors too, where plain ones are not.
 */
import { assert } from './assert.ts';

const MAGIC = 0x4b45564e;
const LAYOUT = 3;

const HEADER_WORDS = 16;
const H_MAGIC = 0;
const H_LAYOUT = 1;
const H_SERVERS = 2;
const H_LISTENERS = 3;
const H_ROWS = 4;
const H_GENERATION = 5;
/** No slot from here on has ever been written. */
const H_USED = 6;
const H_WORKERS = 7;

/** One server slot. */
const SERVER_WORDS = 8;
const S_STATE = 0;
const S_WEIGHT = 1;
const S_FAMILY_PORT = 2; // port, family, and a bit that it is a backup
const S_ADDRESS = 3; // 4 words, in network byte order as bytes

/** A reader that is overtaken this often, by two changes each time, looks again in its next turn. */
const READS_MAX = 4;

/** Server states. */
export const SERVER_EMPTY = 0; // no address (yet)
export const SERVER_UP = 1;
export const SERVER_DOWN = 2; // by active health, or disabled
export const SERVER_EJECTED = 3; // by passive health
export const SERVER_DRAINING = 4; // up, for what is bound to it
export type ServerState = 0 | 1 | 2 | 3 | 4;

/** In the word of family and port. */
const BACKUP_BIT = 1 << 24;

/** Full weight of a server of weight 1; slow start uses the fractions. */
export const WEIGHT_UNIT = 256;

/** How many of each there is room for. What nobody uses costs no memory: the mappings are sparse. */
export interface BoardShape {
  readonly servers: number;
  readonly listeners: number;
  /** Proxy processes, finishing ones included. */
  readonly rows: number;
}

/** A server slot, read out. */
export interface ServerSlot {
  state: ServerState;
  /** Configured weight x WEIGHT_UNIT, less during slow start. */
  weight: number;
  family: 0 | 4 | 6;
  port: number;
  isBackup: boolean;
  /** 16 bytes; IPv4 in the first 4. */
  readonly address: Uint8Array;
}

export class ServerTable {
  readonly shape: BoardShape;
  private readonly words: Int32Array;
  private readonly tableWords: number;
  private readonly addressWords = new Int32Array(4);
  private readonly addressBytes = new Uint8Array(this.addressWords.buffer);
  /** What was read last. */
  private copy = new Int32Array(0);

  static bytesFor(shape: BoardShape): number {
    return 4 * (HEADER_WORDS + 2 * shape.servers * SERVER_WORDS);
  }

  /** In zeroed memory, by its writer. */
  static create(buffer: ArrayBufferLike, shape: BoardShape): ServerTable {
    const header = new Int32Array(buffer, 0, HEADER_WORDS);
    header[H_SERVERS] = shape.servers;
    header[H_LISTENERS] = shape.listeners;
    header[H_ROWS] = shape.rows;
    header[H_LAYOUT] = LAYOUT;
    header[H_MAGIC] = MAGIC;
    return new ServerTable(buffer);
  }

  constructor(buffer: ArrayBufferLike) {
    const header = new Int32Array(buffer, 0, HEADER_WORDS);
    assert(header[H_MAGIC] === MAGIC && header[H_LAYOUT] === LAYOUT, 'not a status board of this version');
    this.shape = { servers: header[H_SERVERS], listeners: header[H_LISTENERS], rows: header[H_ROWS] };
    const size = ServerTable.bytesFor(this.shape);
    assert(buffer.byteLength >= size, 'the status board is cut short');
    this.words = new Int32Array(buffer, 0, size >> 2);
    this.tableWords = this.shape.servers * SERVER_WORDS;
  }

  /** Changes with every change of the table. */
  get generation(): number {
    return Atomics.load(this.words, H_GENERATION);
  }

  /** How many proxies there are to be. */
  get workers(): number {
    return this.words[H_WORKERS];
  }
  set workers(workers: number) {
    this.words[H_WORKERS] = workers;
  }

  /** Writer: applies `change` as one change. If it throws, nothing has changed. */
  update(change: (set: (slot: number, value: ServerSlot) => void) => void): void {
    const { generation, words } = this;
    const from = this.copyAt(generation);
    const to = this.copyAt(generation + 1);
    const usedWords = words[H_USED] * SERVER_WORDS;
    for (let i = 0; i < usedWords; i++) {
      if (words[to + i] !== words[from + i]) Atomics.store(words, to + i, words[from + i]);
    }
    change((slot, value) => this.write(to, slot, value));
    Atomics.store(words, H_GENERATION, (generation + 1) | 0);
  }

  /** Writer: reads one slot. */
  read(slot: number, into: ServerSlot): void {
    this.readFrom(this.words, this.copyAt(this.generation), slot, into);
  }

  /**
   * Calls `apply` for every slot that is in use, each of the same generation, and returns that; or calls nothing and returns -1, if the
   * writer was quicker several times over: then look again next turn.
   */
  readAll(scratch: ServerSlot, apply: (slot: number, value: ServerSlot) => void): number {
    for (let i = 0; i < READS_MAX; i++) {
      const { generation } = this;
      // Nothing that is read here may lead out of the mapping, whatever wrote it.
      const used = Math.min(Atomics.load(this.words, H_USED), this.shape.servers);
      const usedWords = used * SERVER_WORDS;
      if (this.copy.length < usedWords) this.copy = new Int32Array(usedWords);
      const { copy } = this;
      const from = this.copyAt(generation);
      for (let word = 0; word < usedWords; word++) copy[word] = Atomics.load(this.words, from + word);
      if (this.generation !== generation) continue;
      for (let slot = 0; slot < used; slot++) {
        this.readFrom(copy, 0, slot, scratch);
        apply(slot, scratch);
      }
      return generation;
    }
    return -1;
  }

  private copyAt(generation: number): number {
    return HEADER_WORDS + (generation & 1) * this.tableWords;
  }

  private write(tableAt: number, slot: number, value: ServerSlot): void {
    assert(slot >= 0 && slot < this.shape.servers, 'server slot out of range');
    const { words } = this;
    if (slot >= words[H_USED]) Atomics.store(words, H_USED, slot + 1);
    const at = tableAt + slot * SERVER_WORDS;
    Atomics.store(words, at + S_STATE, value.state);
    Atomics.store(words, at + S_WEIGHT, value.weight);
    Atomics.store(words, at + S_FAMILY_PORT, (value.isBackup ? BACKUP_BIT : 0) | (value.family << 16) | value.port);
    this.addressBytes.set(value.address.subarray(0, 16));
    for (let i = 0; i < 4; i++) Atomics.store(words, at + S_ADDRESS + i, this.addressWords[i]);
  }

  private readFrom(words: Int32Array, tableAt: number, slot: number, into: ServerSlot): void {
    const at = tableAt + slot * SERVER_WORDS;
    const familyPort = words[at + S_FAMILY_PORT];
    into.state = words[at + S_STATE] as ServerState;
    into.weight = words[at + S_WEIGHT];
    into.family = ((familyPort >>> 16) & 0xff) as 0 | 4 | 6;
    into.isBackup = (familyPort & BACKUP_BIT) !== 0;
    into.port = familyPort & 0xffff;
    for (let i = 0; i < 4; i++) this.addressWords[i] = words[at + S_ADDRESS + i];
    into.address.set(this.addressBytes);
  }
}

/** To read into. */
export function emptySlot(): ServerSlot {
  return { state: SERVER_EMPTY, weight: 0, family: 0, port: 0, isBackup: false, address: new Uint8Array(16) };
}
