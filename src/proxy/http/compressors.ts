/**
 * The bodies of one proxy that are being compressed. In a turn a proxy works on them for about as long as a request takes, so that nobody
 * else waits for that: one slice, of the body whose segment has waited for longest, until all of that is done. (In turns with others each would find
 * the processor's caches full of theirs: three times the work, measured with 64 bodies.)
 */
import type { Arena } from '../../base/arena.ts';
import { BROTLI_STREAMS_MAX, GZIP_STREAMS_MAX } from '../../base/limits.ts';
import type { CodingName } from '../../config/plan/response.ts';
import type { Compression, Encoder } from '../../port/compression.ts';
import type { Delayed, Later } from '../later.ts';

/** What a body waits for after a slice: its next one, memory, or others, who add it again. */
export const WAITS_FOR_TURN = 0;
export const WAITS_FOR_MEMORY = 1;
export const WAITS_FOR_OTHERS = 2;
export type Waiting = typeof WAITS_FOR_TURN | typeof WAITS_FOR_MEMORY | typeof WAITS_FOR_OTHERS;

/** A body of which a segment is to be worked on. */
export interface Slicing {
  /** One slice. */
  workOn(): Waiting;
}

const NO_SLOT = -1;
const STREAMS_MAX = { gzip: GZIP_STREAMS_MAX, br: BROTLI_STREAMS_MAX } as const;

export class Compressors implements Delayed {
  private readonly arena: Arena;
  private readonly later: Later;
  private readonly open: () => Compression;
  private compression: Compression | null = null;
  private readonly bodies = { gzip: 0, br: 0 };
  /** The first one is being worked on. */
  private readonly waiting: Slicing[] = [];
  private isAwake = false;
  /** What is written next goes there. All bodies share it: a body whose encoder says nothing yet keeps none. */
  private slot = NO_SLOT;

  /** `open` is called when a first body is to be compressed. */
  constructor(arena: Arena, later: Later, open: () => Compression) {
    this.arena = arena;
    this.later = later;
    this.open = open;
  }

  /** Whether one more body may be compressed. If so, `leave` has to follow when that is over. */
  enter(coding: CodingName): boolean {
    this.compression ??= this.open();
    if (!this.compression.has(coding) || this.bodies[coding] >= STREAMS_MAX[coding]) return false;
    this.bodies[coding]++;
    return true;
  }

  leave(coding: CodingName): void {
    const { bodies } = this;
    bodies[coding]--;
    if (bodies.gzip + bodies.br === 0) this.releaseOutput();
  }

  /** For a body that has entered. Null: there is no memory for it. */
  begin(coding: CodingName, level: number): Encoder | null {
    return (this.compression as Compression).begin(coding, level);
  }

  /** A large slot to write into; -1: none is free. It stays here until `take`. */
  get output(): number {
    if (this.slot < 0) this.slot = this.arena.allocateLarge();
    return this.slot;
  }

  /** The slot is the caller's. */
  take(): number {
    const { slot } = this;
    this.slot = NO_SLOT;
    return slot;
  }

  /** Nobody is in the middle of a segment. */
  get isIdle(): boolean {
    return this.waiting.length === 0;
  }

  /** In one of the next turns. */
  add(body: Slicing): void {
    this.waiting.push(body);
    this.wake(false);
  }

  remove(body: Slicing): void {
    const at = this.waiting.indexOf(body);
    if (at >= 0) this.waiting.splice(at, 1);
  }

  handleLater(): void {
    this.isAwake = false;
    const body = this.waiting.at(0);
    const waitsFor = body === undefined ? WAITS_FOR_OTHERS : body.workOn();
    if (body !== undefined && waitsFor === WAITS_FOR_OTHERS) this.remove(body);
    if (this.waiting.length > 0) this.wake(waitsFor === WAITS_FOR_MEMORY);
    else this.releaseOutput();
  }

  private releaseOutput(): void {
    if (this.slot >= 0) this.arena.release(this.take());
  }

  private wake(isAtLeisure: boolean): void {
    if (this.isAwake) return;
    this.isAwake = true;
    if (isAtLeisure) this.later.addAtLeisure(this);
    else this.later.add(this);
  }
}
