/**
 * One proxy's row of the status board, in a mapping of its own: that proxy writes it, and others can only read it. While the
 * proxy is dead the keeper clears what no longer is.
 *
 * Every word has one writer. Words are 32 bits, host byte order. Counters that may pass 2^31 are two words: low 32 bits and
 * the rest; the reader may see them torn for one reading, which counters bear.
 */
import { assert } from './assert.ts';
import { ANSWER_KINDS_MAX } from './limits.ts';
import type { BoardShape } from './server-table.ts';
import { TrafficCells } from './traffic-cells.ts';

const WORKER_WORDS = 24 + 2 * ANSWER_KINDS_MAX;
const W_PID = 0;
const W_HEARTBEAT = 1;
const W_STATE = 2;
const W_WORKER = 3; // plus one; 0: nobody's
const W_REQUESTS = 4; // 2 words
const W_MEMORY_LEVEL = 6;
const W_SHED = 7;
const W_SLOTS = 8; // of each of the arena's sizes: in use, and at most
const W_ANSWERS = 20; // a word for each kind
const W_RESETS = W_ANSWERS + ANSWER_KINDS_MAX; // the same
const W_LINES_WAITING = W_RESETS + ANSWER_KINDS_MAX; // of access logs: not written yet
const W_LINES_DROPPED = W_LINES_WAITING + 1;
const W_USED = W_LINES_DROPPED + 1; // a process has had it

/** Per worker and server. */
const COUNTER_WORDS = 8;
const C_CONNECTIONS = 0; // in use now: what least-connections and max-connections count
const C_FAILURES = 1;
const C_REQUESTS = 2; // 2 words: exchanges or relays begun
const C_SHORTAGES = 5; // connections that failed for want of something on this machine
const C_IDLE = 6; // connections that are kept for the next request
const C_WAITING = 4; // of the upstream whose servers begin with this one: who waits for a server

/** Per worker and listener. */
const LISTENER_WORDS = 8;
const L_CONNECTIONS = 0;
const L_ACCEPTED = 1;
const L_DATAGRAMS_IN = 2; // 2 words: of clients
const L_DATAGRAMS_OUT = 4; // 2 words: to clients

/** Worker states. */
export const WORKER_STARTING = 0;
export const WORKER_SERVING = 1;
export const WORKER_DRAINING = 2;

/** How short a proxy is of memory. */
export const MEMORY_PLENTY = 0;
export const MEMORY_TIGHT = 1; // less than half is free: peers that stand still hold less
export const MEMORY_SHORT = 2; // the reserve is touched: peers that stand still are shed
export const MEMORY_EXHAUSTED = 3; // nothing is free
export type MemoryLevel = 0 | 1 | 2 | 3;

/** Slots of one size in use: now, and at most since the proxy was started. */
export interface SlotUse {
  readonly used: number;
  readonly usedMax: number;
}

/** An even number: cells of 64 bits follow. */
function wordsFor({ servers, listeners }: BoardShape): number {
  return WORKER_WORDS + servers * COUNTER_WORDS + listeners * LISTENER_WORDS;
}

/** One proxy's row: it is the only writer, except that the keeper clears the row of a dead proxy. */
export class WorkerRow {
  private readonly words: Int32Array;
  private readonly listenersAt: number;
  /** What it has counted of requests. */
  readonly traffic: TrafficCells;

  static bytesFor(shape: BoardShape): number {
    return 4 * wordsFor(shape) + TrafficCells.bytesFor(shape);
  }

  /** The shape is what the keeper says: nothing that another process wrote here is believed for a place. */
  constructor(buffer: ArrayBufferLike, shape: BoardShape) {
    assert(buffer.byteLength >= WorkerRow.bytesFor(shape), 'a row of the status board is cut short');
    const words = wordsFor(shape);
    this.words = new Int32Array(buffer, 0, words);
    this.traffic = new TrafficCells(buffer, 4 * words, shape);
    this.listenersAt = WORKER_WORDS + shape.servers * COUNTER_WORDS;
  }

  /** Keeper, when the proxy is dead: its gauges count no longer. Counters stay, so that they never fall. */
  clearGauges(): void {
    this.words[W_PID] = 0;
    this.words[W_HEARTBEAT] = 0;
    this.words[W_STATE] = 0;
    this.words[W_MEMORY_LEVEL] = 0;
    this.words[W_LINES_WAITING] = 0;
    this.words.fill(0, W_SLOTS, W_ANSWERS);
    this.words[W_WORKER] = 0;
    for (let at = WORKER_WORDS; at < this.listenersAt; at += COUNTER_WORDS) {
      this.words[at + C_CONNECTIONS] = 0;
      this.words[at + C_WAITING] = 0;
      this.words[at + C_IDLE] = 0;
    }
    for (let at = this.listenersAt; at < this.words.length; at += LISTENER_WORDS) this.words[at + L_CONNECTIONS] = 0;
  }

  get pid(): number {
    return this.words[W_PID];
  }
  set pid(pid: number) {
    this.words[W_PID] = pid;
    this.words[W_USED] = 1;
  }

  /** False: nothing was ever counted here. Looking at it costs memory that nothing else does. */
  get isUsed(): boolean {
    return this.words[W_USED] !== 0;
  }

  /** The place that this process fills; -1: nobody has the row. */
  get worker(): number {
    return this.words[W_WORKER] - 1;
  }
  set worker(worker: number) {
    this.words[W_WORKER] = worker + 1;
  }

  /** A number that changes with every turn of a living proxy. The keeper judges its age by its own clock. */
  get heartbeat(): number {
    return this.words[W_HEARTBEAT];
  }
  beat(): void {
    this.words[W_HEARTBEAT]++;
  }

  get state(): number {
    return this.words[W_STATE];
  }
  set state(state: number) {
    this.words[W_STATE] = state;
  }

  get memoryLevel(): MemoryLevel {
    return this.words[W_MEMORY_LEVEL] as MemoryLevel;
  }
  /** Of the arena's sizes of slots the one with this index. */
  slots(size: number): SlotUse {
    const at = W_SLOTS + 2 * size;
    return { used: this.words[at], usedMax: this.words[at + 1] };
  }
  writeMemory(level: MemoryLevel, sizes: readonly SlotUse[]): void {
    const { words } = this;
    words[W_MEMORY_LEVEL] = level;
    for (let i = 0, at = W_SLOTS; i < sizes.length; i++) {
      words[at++] = sizes[i].used;
      words[at++] = sizes[i].usedMax;
    }
  }

  /** Connections that were ended because memory was short and they stood still. */
  get shed(): number {
    return this.words[W_SHED] >>> 0;
  }
  countShed(): void {
    this.words[W_SHED]++;
  }

  get requests(): number {
    return this.readCounter(W_REQUESTS);
  }
  countRequest(): void {
    this.addCounter(W_REQUESTS);
  }

  /** Answers of the proxy's own, by kind (core/answers/kinds.ts). */
  answers(kind: number): number {
    return this.words[W_ANSWERS + kind] >>> 0;
  }
  countAnswer(kind: number): void {
    this.words[W_ANSWERS + kind]++;
  }
  /** Of these, resets of connections: nobody was answered. */
  resets(kind: number): number {
    return this.words[W_RESETS + kind] >>> 0;
  }
  countReset(kind: number): void {
    this.words[W_RESETS + kind]++;
  }

  /** Lines of access logs that are not written yet: what a proxy takes with it that is killed. */
  get waitingLines(): number {
    return this.words[W_LINES_WAITING];
  }
  setWaitingLines(lines: number): void {
    this.words[W_LINES_WAITING] = lines;
  }
  /** Lines for which there was no room. */
  get droppedLines(): number {
    return this.words[W_LINES_DROPPED] >>> 0;
  }
  countDroppedLines(lines: number): void {
    this.words[W_LINES_DROPPED] += lines;
  }

  serverConnections(slot: number): number {
    return this.words[WORKER_WORDS + slot * COUNTER_WORDS + C_CONNECTIONS];
  }
  addServerConnections(slot: number, delta: 1 | -1): void {
    this.words[WORKER_WORDS + slot * COUNTER_WORDS + C_CONNECTIONS] += delta;
  }
  /** Who waits for a server of the upstream whose first slot this is. */
  waiting(firstSlot: number): number {
    return this.words[WORKER_WORDS + firstSlot * COUNTER_WORDS + C_WAITING];
  }
  setWaiting(firstSlot: number, count: number): void {
    this.words[WORKER_WORDS + firstSlot * COUNTER_WORDS + C_WAITING] = count;
  }
  serverIdle(slot: number): number {
    return this.words[WORKER_WORDS + slot * COUNTER_WORDS + C_IDLE];
  }
  setServerIdle(slot: number, count: number): void {
    this.words[WORKER_WORDS + slot * COUNTER_WORDS + C_IDLE] = count;
  }
  serverFailures(slot: number): number {
    return this.words[WORKER_WORDS + slot * COUNTER_WORDS + C_FAILURES];
  }
  countServerFailure(slot: number): void {
    this.words[WORKER_WORDS + slot * COUNTER_WORDS + C_FAILURES]++;
  }
  serverShortages(slot: number): number {
    return this.words[WORKER_WORDS + slot * COUNTER_WORDS + C_SHORTAGES] >>> 0;
  }
  countServerShortage(slot: number): void {
    this.words[WORKER_WORDS + slot * COUNTER_WORDS + C_SHORTAGES]++;
  }
  serverRequests(slot: number): number {
    return this.readCounter(WORKER_WORDS + slot * COUNTER_WORDS + C_REQUESTS);
  }
  countServerRequest(slot: number): void {
    this.addCounter(WORKER_WORDS + slot * COUNTER_WORDS + C_REQUESTS);
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

  datagramsIn(listener: number): number {
    return this.readCounter(this.listenersAt + listener * LISTENER_WORDS + L_DATAGRAMS_IN);
  }
  countDatagramIn(listener: number): void {
    this.addCounter(this.listenersAt + listener * LISTENER_WORDS + L_DATAGRAMS_IN);
  }
  datagramsOut(listener: number): number {
    return this.readCounter(this.listenersAt + listener * LISTENER_WORDS + L_DATAGRAMS_OUT);
  }
  countDatagramOut(listener: number): void {
    this.addCounter(this.listenersAt + listener * LISTENER_WORDS + L_DATAGRAMS_OUT);
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
