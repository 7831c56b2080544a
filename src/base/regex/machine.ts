/**
 * What a program says about one place of an input, from right to left: which of its instructions lead to a match from there.
 * That depends only on which do at the place behind it, and on the character in between; so the input is read once, from
 * its end, whatever the expression. Looking ahead is a question about what is known already.
 */
import { Alphabet } from './alphabet.ts';
import {
  ASSERT_END,
  ASSERT_START,
  ASSERT_WORD,
  OP_ACCEPT,
  OP_AGAIN,
  OP_ASSERT,
  OP_CHAR,
  OP_LAZY_LOOP,
  OP_LOOK,
  OP_LOOK_NOT,
  OP_LOOP,
  OP_SPLIT,
  type Program,
} from './program.ts';
import { hasChar } from './char-set.ts';

/** What stands beside a place, on its left or right: the edge of the input, or a character. */
export const EDGE = 0;
export const OTHER = 1;
export const WORD = 2;

export class Machine {
  readonly program: Program;
  readonly alphabet: Alphabet;
  /** The instructions that are OP_CHAR. */
  readonly chars: Int32Array;
  /** By class: those of them that take it. */
  readonly charsOf: readonly Int32Array[];
  private readonly backward: Int32Array;
  /** By instruction: an OP_AGAIN whose iteration began at this place. */
  readonly blocked: Uint8Array;
  private readonly blank: Uint8Array;

  constructor(program: Program) {
    this.program = program;
    this.alphabet = new Alphabet(program.sets, program.usesWords);
    const chars: number[] = [];
    for (let i = 0; i < program.op.length; i++) if (program.op[i] === OP_CHAR) chars.push(i);
    this.chars = Int32Array.from(chars);
    this.charsOf = this.alphabet.samples.map((code) => {
      const takes = program.sets.map((set) => hasChar(set, code));
      return Int32Array.from(chars.filter((index) => takes[program.b[index]]));
    });
    this.backward = Int32Array.from(program.backward);
    this.blank = Uint8Array.from(program.op, (op) => (op === OP_ACCEPT ? 1 : 0));
    this.blocked = new Uint8Array(program.op.length);
  }

  /** Steps that one character may cost. */
  get stepsMax(): number {
    return this.program.order.length + this.charsOf.reduce((most, { length }) => Math.max(most, length), 0);
  }

  /** One byte for each instruction: 1 if it leads to a match. Nothing does yet. */
  createValues(): Uint8Array {
    return this.blank.slice();
  }

  /** What stands beside a place if a character of the class does. */
  sideOf(charClass: number): number {
    return this.alphabet.isWord[charClass] === 1 ? WORD : OTHER;
  }

  /** `values` becomes those of a place, where of the OP_CHARs `chars` lead to a match. */
  settleFor(values: Uint8Array, chars: Int32Array, left: number, right: number): void {
    values.set(this.blank);
    for (let i = 0; i < chars.length; i++) values[chars[i]] = 1;
    this.settle(values, left, right);
  }

  /** `values` has those of the OP_CHARs of a place; now it has those of all. */
  settle(values: Uint8Array, left: number, right: number): void {
    const { op, a, b, order } = this.program;
    // what is inside of a loop is asked for the first time as if there were no further iteration
    for (let i = 0; i < this.backward.length; i++) values[this.backward[i]] = 0;
    for (let i = 0; i < order.length; i++) {
      const index = order[i];
      const behind = values[a[index]];
      let value = behind;
      switch (op[index]) {
        case OP_SPLIT:
        case OP_LOOP:
        case OP_LAZY_LOOP:
          value = behind | values[b[index]];
          break;
        case OP_AGAIN:
          value = behind & (this.blocked[index] ^ 1);
          break;
        case OP_ASSERT:
          value = behind & (isTrue(b[index], left, right) ? 1 : 0);
          break;
        case OP_LOOK:
          value = behind & values[b[index]];
          break;
        case OP_LOOK_NOT:
          value = behind & (values[b[index]] ^ 1);
          break;
        default:
      }
      values[index] = value;
    }
  }

  /** From all values of a place, those of `takers`, the OP_CHARs that take the character before it. Others stay as they are. */
  step(values: Uint8Array, takers: Int32Array, before: Uint8Array): void {
    const { a } = this.program;
    for (let i = 0; i < takers.length; i++) before[takers[i]] = values[a[takers[i]]];
  }
}

function isTrue(assertion: number, left: number, right: number): boolean {
  if (assertion === ASSERT_START) return left === EDGE;
  if (assertion === ASSERT_END) return right === EDGE;
  return ((left === WORD) !== (right === WORD)) === (assertion === ASSERT_WORD);
}
