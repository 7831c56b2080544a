/** The characters that a program tells apart: code points that are in the same of its sets are one class. */
import { type CharSet, CODE_POINT_MAX, WORD_CHARS, hasChar } from './char-set.ts';

export class Alphabet {
  /** The class of each ASCII character. */
  readonly ascii = new Uint16Array(128);
  /** One code point of each class. */
  readonly samples: readonly number[];
  /** 1: its characters are word characters. Told apart only if that was asked for. */
  readonly isWord: Uint8Array;
  /** Where intervals of one class begin, ascending from 0. */
  private readonly starts: Int32Array;
  private readonly classes: Uint16Array;

  constructor(sets: readonly CharSet[], usesWords: boolean) {
    const told = usesWords ? [...sets, WORD_CHARS] : sets;
    const bounds = new Set([0]);
    for (const set of told) {
      for (let i = 0; i < set.length; i += 2) {
        bounds.add(set[i]);
        if (set[i + 1] < CODE_POINT_MAX) bounds.add(set[i + 1] + 1);
      }
    }
    this.starts = Int32Array.from([...bounds].sort((a, b) => a - b));
    this.classes = new Uint16Array(this.starts.length);
    const known = new Map<string, number>();
    const samples: number[] = [];
    for (const [i, start] of this.starts.entries()) {
      const signature = told.map((set) => (hasChar(set, start) ? '1' : '0')).join('');
      let found = known.get(signature);
      if (found === undefined) {
        found = samples.push(start) - 1;
        known.set(signature, found);
      }
      this.classes[i] = found;
    }
    this.samples = samples;
    this.isWord = Uint8Array.from(samples, (code) => (usesWords && hasChar(WORD_CHARS, code) ? 1 : 0));
    for (let code = 0; code < 128; code++) this.ascii[code] = this.classOf(code);
  }

  get size(): number {
    return this.samples.length;
  }

  classOf(code: number): number {
    const { starts } = this;
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle] <= code) low = middle;
      else high = middle - 1;
    }
    return this.classes[low];
  }
}
