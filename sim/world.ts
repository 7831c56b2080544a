/**
 * The virtual world of one run: its clock, its dice, and the record of what happened.
 *
 * Everything that happens is an action scheduled for a virtual microsecond; equal times keep the order in which they were
 * scheduled. Nothing in here, and nothing that runs in it, may look at the real clock, at Math.random, or at the iteration
 * order of anything but arrays and insertion-ordered maps: one seed is one history. The hash over every note proves it.
 */
import { Prng } from '../src/base/prng.ts';

/** Something that must never happen did. Thrown from wherever it is seen; ends the run. */
export class Violation extends Error {
  override readonly name = 'Violation';
  readonly invariant: string;

  constructor(invariant: string, detail: string) {
    super(`${invariant}: ${detail}`);
    this.invariant = invariant;
  }
}

interface Planned {
  readonly atUs: number;
  readonly order: number;
  readonly action: () => void;
}

interface Note {
  readonly atUs: number;
  readonly text: string;
  readonly a: number | string;
  readonly b: number | string;
  readonly c: number | string;
}

/** The hash of each text, kept because the texts are few and come often. */
const textHashes = new Map<string, number>();

export class World {
  nowUs = 0;
  /** The network's dice. Peers have their own, so that leaving one out changes little for the others. */
  readonly prng: Prng;
  /** Actions done so far. */
  actionCount = 0;
  /** The first violation. A driver may swallow what is thrown through it; this remembers. */
  violation: Violation | null = null;

  private readonly heap: Planned[] = [];
  private order = 0;
  private hash = 0x811c9dc5 | 0;
  private readonly notes: Note[] | null;

  /** `isRecording`: keep every note for `trace`. The hash is made in either case. */
  constructor(seed: number, isRecording: boolean) {
    this.prng = new Prng(seed);
    this.notes = isRecording ? [] : null;
  }

  schedule(delayUs: number, action: () => void): void {
    const planned = { atUs: this.nowUs + Math.max(0, Math.floor(delayUs)), order: this.order++, action };
    const heap = this.heap;
    let i = heap.length;
    heap.push(planned);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!isBefore(planned, heap[parent])) break;
      heap[i] = heap[parent];
      i = parent;
    }
    heap[i] = planned;
  }

  /** Does everything planned up to `untilUs`, or until `isDone` says so; returns whether it did. */
  run(untilUs: number, isDone: () => boolean): boolean {
    while (!isDone()) if (!this.step(untilUs)) return false;
    return true;
  }

  /** Does what is planned next, if that is up to `untilUs`; returns whether it did. */
  step(untilUs: number): boolean {
    if (this.heap.length === 0 || this.heap[0].atUs > untilUs) return false;
    const planned = this.take();
    this.nowUs = planned.atUs;
    this.actionCount++;
    planned.action();
    if (this.violation !== null) throw this.violation;
    return true;
  }

  private take(): Planned {
    const heap = this.heap;
    const first = heap[0];
    const last = heap.pop() as Planned;
    const count = heap.length;
    if (count === 0) return first;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= count) break;
      if (child + 1 < count && isBefore(heap[child + 1], heap[child])) child++;
      if (!isBefore(heap[child], last)) break;
      heap[i] = heap[child];
      i = child;
    }
    heap[i] = last;
    return first;
  }

  /** Records that something happened. `text` is a constant with %a, %b, %c where the values go. */
  note(text: string, a: number | string = 0, b: number | string = 0, c: number | string = 0): void {
    let hash = this.hash;
    hash = Math.imul(hash ^ this.nowUs, 0x01000193);
    hash = Math.imul(hash ^ hashOf(text), 0x01000193);
    hash = Math.imul(hash ^ (typeof a === 'number' ? a | 0 : hashOf(a)), 0x01000193);
    hash = Math.imul(hash ^ (typeof b === 'number' ? b | 0 : hashOf(b)), 0x01000193);
    hash = Math.imul(hash ^ (typeof c === 'number' ? c | 0 : hashOf(c)), 0x01000193);
    this.hash = hash ^ (hash >>> 15);
    if (this.notes !== null) this.notes.push({ atUs: this.nowUs, text, a, b, c });
  }

  fail(invariant: string, detail: string): never {
    const violation = new Violation(invariant, detail);
    this.violation ??= violation;
    this.note('VIOLATION %a: %b', invariant, detail);
    throw violation;
  }

  /** Equal for equal histories. */
  get traceHash(): string {
    return (this.hash >>> 0).toString(16).padStart(8, '0');
  }

  /** What happened, one line each; empty unless recording. */
  trace(): string[] {
    return (this.notes ?? []).map((note) => {
      const at = (note.atUs / 1000).toFixed(3).padStart(11);
      const text = note.text.replace(/%([abc])/g, (_, key: 'a' | 'b' | 'c') => String(note[key]));
      return `${at} ms  ${text}`;
    });
  }
}

function isBefore(x: Planned, y: Planned): boolean {
  return x.atUs < y.atUs || (x.atUs === y.atUs && x.order < y.order);
}

function hashOf(text: string): number {
  const known = textHashes.get(text);
  if (known !== undefined) return known;
  let hash = 0x811c9dc5 | 0;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  if (text.length < 120 && textHashes.size < 4096) textHashes.set(text, hash);
  return hash;
}
