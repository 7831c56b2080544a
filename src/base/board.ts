/**
 * The status board: one shared mapping of fixed layout. The keeper writes the server table; each proxy writes its own row.
 * Nobody waits for anybody, and no message is sent per request.
 *
 * Every word has one writer. The server table is guarded by one sequence word (even: stable), so that a reader never takes
 * half of a change: `readTable` copies and returns false if the keeper was writing.
 *
 * Words are 32 bits, host byte order. Counters that may pass 2^31 are two words: low 32 bits and the rest; the reader may
 * see them torn for one reading, which counters bear.
 */
import { assert } from './assert.ts';

const MAGIC = 0x4b45564e;
const LAYOUT = 1;

const HEADER_WORDS = 16;
const H_MAGIC = 0;
const H_LAYOUT = 1;
const H_SERVERS = 2;
const H_LISTENERS = 3;
const H_WORKERS = 4;
const H_SEQUENCE = 5;

/** One server slot. */
const SERVER_WORDS = 8;
const S_STATE = 0;
const S_WEIGHT = 1;
const S_FAMILY_PORT = 2;
const S_ADDRESS = 3; // 4 words, in network byte order as bytes

/** Server states. */
export const SERVER_EMPTY = 0; // no address (yet)
export const SERVER_UP = 1;
export const SERVER_DOWN = 2; // by active health
export const SERVER_EJECTED = 3; // by passive health
export type ServerState = 0 | 1 | 2 | 3;

/** Full weight of a server of weight 1; slow start uses the fractions. */
export const WEIGHT_UNIT = 256;

const WORKER_WORDS = 16;
const W_PID = 0;
const W_HEARTBEAT = 1;
const W_STATE = 2;
const W_SOCKETS = 3;
const W_REQUESTS = 4; // 2 words

/** Per worker and server. */
const COUNTER_WORDS = 8;
const C_CONNECTIONS = 0; // in use now: what least-connections and max-connections count
const C_FAILURES = 1;
const C_REQUESTS = 2; // 2 words: exchanges or relays begun

/** Per worker and listener. */
const LISTENER_WORDS = 8;
const L_CONNECTIONS = 0;
const L_ACCEPTED = 1;

/** Worker states. */
export const WORKER_STARTING = 0;
export const WORKER_SERVING = 1;
export const WORKER_DRAINING = 2;

export interface BoardShape {
  readonly servers: number;
  readonly listeners: number;
  readonly workers: number;
}

/** A server slot, read out. */
export interface ServerSlot {
  state: ServerState;
  /** Configured weight x WEIGHT_UNIT, less during slow start. */
  weight: number;
  family: 0 | 4 | 6;
  port: number;
  /** 16 bytes; IPv4 in the first 4. */
  readonly address: Uint8Array;
}

export class Board {
  readonly shape: BoardShape;
  private readonly words: Int32Array;
  private readonly bytes: Uint8Array;
  private readonly serversAt: number;
  private readonly workersAt: number;
  private readonly workerStride: number;

  static bytesFor(shape: BoardShape): number {
    const perWorker = WORKER_WORDS + shape.servers * COUNTER_WORDS + shape.listeners * LISTENER_WORDS;
    return 4 * (HEADER_WORDS + shape.servers * SERVER_WORDS + shape.workers * perWorker);
  }

  /** A new, zeroed board in `buffer`, by the keeper. */
  static create(buffer: ArrayBufferLike, shape: BoardShape): Board {
    const words = new Int32Array(buffer, 0, Board.bytesFor(shape) >> 2);
    words.fill(0);
    words[H_SERVERS] = shape.servers;
    words[H_LISTENERS] = shape.listeners;
    words[H_WORKERS] = shape.workers;
    words[H_LAYOUT] = LAYOUT;
    words[H_MAGIC] = MAGIC;
    return new Board(buffer);
  }

  /** A board that somebody else created. */
  static open(buffer: ArrayBufferLike): Board {
    return new Board(buffer);
  }

  private constructor(buffer: ArrayBufferLike) {
    const header = new Int32Array(buffer, 0, HEADER_WORDS);
    assert(header[H_MAGIC] === MAGIC && header[H_LAYOUT] === LAYOUT, 'not a status board of this version');
    this.shape = { servers: header[H_SERVERS], listeners: header[H_LISTENERS], workers: header[H_WORKERS] };
    const size = Board.bytesFor(this.shape);
    assert(buffer.byteLength >= size, 'the status board is cut short');
    this.words = new Int32Array(buffer, 0, size >> 2);
    this.bytes = new Uint8Array(buffer, 0, size);
    this.serversAt = HEADER_WORDS;
    this.workersAt = HEADER_WORDS + this.shape.servers * SERVER_WORDS;
    this.workerStride = WORKER_WORDS + this.shape.servers * COUNTER_WORDS + this.shape.listeners * LISTENER_WORDS;
  }

  // --- the server table: keeper writes, proxies read ---

  /** Changes with every change of the table. Odd while the keeper writes. */
  get sequence(): number {
    return Atomics.load(this.words, H_SEQUENCE);
  }

  /** Keeper: applies `change`, during which setServer may be called, as one change. */
  update(change: (set: (slot: number, value: ServerSlot) => void) => void): void {
    Atomics.add(this.words, H_SEQUENCE, 1);
    try {
      change((slot, value) => this.writeServer(slot, value));
    } finally {
      Atomics.add(this.words, H_SEQUENCE, 1);
    }
  }

  private writeServer(slot: number, value: ServerSlot): void {
    assert(slot >= 0 && slot < this.shape.servers, 'server slot out of range');
    const at = this.serversAt + slot * SERVER_WORDS;
    this.words[at + S_STATE] = value.state;
    this.words[at + S_WEIGHT] = value.weight;
    this.words[at + S_FAMILY_PORT] = (value.family << 16) | value.port;
    this.bytes.set(value.address.subarray(0, 16), (at + S_ADDRESS) * 4);
  }

  /** Reads one slot; meaningful only inside `readTable`, or by the keeper. */
  readServer(slot: number, into: ServerSlot): void {
    const at = this.serversAt + slot * SERVER_WORDS;
    const familyPort = this.words[at + S_FAMILY_PORT];
    into.state = this.words[at + S_STATE] as ServerState;
    into.weight = this.words[at + S_WEIGHT]!;
    into.family = (familyPort >>> 16) as 0 | 4 | 6;
    into.port = familyPort & 0xffff;
    into.address.set(this.bytes.subarray((at + S_ADDRESS) * 4, (at + S_ADDRESS) * 4 + 16));
  }

  /**
   * Calls `read` for every slot and returns the sequence that the copy belongs to, or -1 if the keeper was writing: what
   * was read is then void; look again next turn.
   */
  readTable(scratch: ServerSlot, read: (slot: number, value: ServerSlot) => void): number {
    const before = this.sequence;
    if ((before & 1) === 1) return -1;
    for (let slot = 0; slot < this.shape.servers; slot++) {
      this.readServer(slot, scratch);
      read(slot, scratch);
    }
    return this.sequence === before ? before : -1;
  }

  // --- one proxy's row ---

  /** The part of the board that worker `index` writes. */
  worker(index: number): WorkerRow {
    assert(index >= 0 && index < this.shape.workers, 'worker out of range');
    return new WorkerRow(this.words, this.workersAt + index * this.workerStride, this.shape);
  }

  /** Connections in use to a server, of all proxies. */
  serverConnections(slot: number): number {
    let sum = 0;
    let at = this.workersAt + WORKER_WORDS + slot * COUNTER_WORDS + C_CONNECTIONS;
    for (let i = 0; i < this.shape.workers; i++, at += this.workerStride) sum += this.words[at];
    return sum;
  }
}

/** One proxy's row: it is the only writer, except that the keeper clears the row of a dead proxy. */
export class WorkerRow {
  private readonly words: Int32Array;
  private readonly at: number;
  private readonly countersAt: number;
  private readonly listenersAt: number;
  private readonly end: number;

  constructor(words: Int32Array, at: number, shape: BoardShape) {
    this.words = words;
    this.at = at;
    this.countersAt = at + WORKER_WORDS;
    this.listenersAt = this.countersAt + shape.servers * COUNTER_WORDS;
    this.end = this.listenersAt + shape.listeners * LISTENER_WORDS;
  }

  /** Keeper, when the proxy is dead: its gauges count no longer. Counters stay, so that they never fall. */
  clearGauges(): void {
    this.words[this.at + W_PID] = 0;
    this.words[this.at + W_HEARTBEAT] = 0;
    this.words[this.at + W_STATE] = 0;
    this.words[this.at + W_SOCKETS] = 0;
    for (let at = this.countersAt; at < this.listenersAt; at += COUNTER_WORDS) this.words[at + C_CONNECTIONS] = 0;
    for (let at = this.listenersAt; at < this.end; at += LISTENER_WORDS) this.words[at + L_CONNECTIONS] = 0;
  }

  get pid(): number {
    return this.words[this.at + W_PID];
  }
  set pid(pid: number) {
    this.words[this.at + W_PID] = pid;
  }

  /** A number that changes with every turn of a living proxy. The keeper judges its age by its own clock. */
  get heartbeat(): number {
    return this.words[this.at + W_HEARTBEAT];
  }
  beat(): void {
    this.words[this.at + W_HEARTBEAT]++;
  }

  get state(): number {
    return this.words[this.at + W_STATE];
  }
  set state(state: number) {
    this.words[this.at + W_STATE] = state;
  }

  get sockets(): number {
    return this.words[this.at + W_SOCKETS];
  }
  set sockets(count: number) {
    this.words[this.at + W_SOCKETS] = count;
  }

  get requests(): number {
    return this.readCounter(this.at + W_REQUESTS);
  }
  countRequest(): void {
    this.addCounter(this.at + W_REQUESTS);
  }

  serverConnections(slot: number): number {
    return this.words[this.countersAt + slot * COUNTER_WORDS + C_CONNECTIONS];
  }
  addServerConnections(slot: number, delta: 1 | -1): void {
    this.words[this.countersAt + slot * COUNTER_WORDS + C_CONNECTIONS] += delta;
  }
  serverFailures(slot: number): number {
    return this.words[this.countersAt + slot * COUNTER_WORDS + C_FAILURES];
  }
  countServerFailure(slot: number): void {
    this.words[this.countersAt + slot * COUNTER_WORDS + C_FAILURES]++;
  }
  serverRequests(slot: number): number {
    return this.readCounter(this.countersAt + slot * COUNTER_WORDS + C_REQUESTS);
  }
  countServerRequest(slot: number): void {
    this.addCounter(this.countersAt + slot * COUNTER_WORDS + C_REQUESTS);
  }

  listenerConnections(listener: number): number {
    return this.words[this.listenersAt + listener * LISTENER_WORDS + L_CONNECTIONS];
  }
  addListenerConnections(listener: number, delta: 1 | -1): void {
    this.words[this.listenersAt + listener * LISTENER_WORDS + L_CONNECTIONS] += delta;
  }
  listenerAccepted(listener: number): number {
    return this.words[this.listenersAt + listener * LISTENER_WORDS + L_ACCEPTED] >>> 0;
  }
  countListenerAccepted(listener: number): void {
    this.words[this.listenersAt + listener * LISTENER_WORDS + L_ACCEPTED]++;
  }

  private readCounter(at: number): number {
    return this.words[at + 1] * 4294967296 + (this.words[at] >>> 0);
  }
  private addCounter(at: number): void {
    const low = (this.words[at] + 1) | 0;
    this.words[at] = low;
    if (low === 0) this.words[at + 1]++;
  }
}
