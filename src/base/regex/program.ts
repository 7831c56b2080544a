/**
 * The tree of a regular expression to a program: instructions that name the next one. Matching asks of each instruction, at
 * each place of the input, whether the rest can be matched from there; `order` says in which order to ask.
 */
import type { CharSet } from './char-set.ts';
import { RegexError, type RegexNode } from './syntax.ts';

/** The expression has matched. */
export const OP_ACCEPT = 0;
/** One character of the set `b`, then `a`. */
export const OP_CHAR = 1;
/** `a`, and `b` where that leads nowhere. */
export const OP_SPLIT = 2;
/** As OP_SPLIT with an iteration, `a`, that may match nothing: one that does is none. OP_AGAIN follows, and ends it. */
export const OP_LOOP = 3;
/** The same, and the way out, `b`, is preferred. */
export const OP_LAZY_LOOP = 4;
/** The place is noted in slot `b`: 2 n is the start of group n, 2 n + 1 its end. */
export const OP_SAVE = 5;
/** What the groups of `b` have captured is forgotten: the first in its high 16 bits, the one behind the last in the others. */
export const OP_CLEAR = 6;
/** ASSERT_ `b` holds here. */
export const OP_ASSERT = 7;
/** What begins at `b` matches here. */
export const OP_LOOK = 8;
/** What begins at `b` does not match here. */
export const OP_LOOK_NOT = 9;
/** `a`, unless the iteration that ends here began here. */
export const OP_AGAIN = 10;

export const ASSERT_START = 0;
export const ASSERT_END = 1;
export const ASSERT_WORD = 2;
export const ASSERT_NOT_WORD = 3;
const ASSERTS = { start: ASSERT_START, end: ASSERT_END, word: ASSERT_WORD, 'not-word': ASSERT_NOT_WORD } as const;

/** Counted repetitions are written out, so that a short text can be a long program. */
const INSTRUCTIONS_MAX = 8192;

export interface Program {
  readonly op: Uint8Array;
  readonly a: Int32Array;
  readonly b: Int32Array;
  readonly start: number;
  readonly sets: readonly CharSet[];
  /**
   * Every instruction but OP_CHAR and OP_ACCEPT, each behind those it depends on. The inside of a loop comes twice: it
   * depends on the loop, and the loop on it.
   */
  readonly order: Int32Array;
  /** The instructions of `order` that something in front of them depends on. */
  readonly backward: readonly number[];
  readonly usesWords: boolean;
}

/** Throws a RegexError if the program is too long. */
export function compileProgram(root: RegexNode): Program {
  return new Compiler().compile(root);
}

type Repeat = Extract<RegexNode, { kind: 'repeat' }>;
const LOOP = -1;

class Compiler {
  private readonly op: number[] = [];
  private readonly a: number[] = [];
  private readonly b: number[] = [];
  private readonly sets: CharSet[] = [];
  private readonly setNumbers = new Map<string, number>();
  private readonly order: number[] = [];
  private readonly backward: number[] = [];
  private usesWords = false;

  compile(root: RegexNode): Program {
    const accept = this.add(OP_ACCEPT, 0, 0);
    const end = this.addOrdered(OP_SAVE, accept, 1);
    const start = this.addOrdered(OP_SAVE, this.node(root, end), 0);
    return {
      op: Uint8Array.from(this.op),
      a: Int32Array.from(this.a),
      b: Int32Array.from(this.b),
      start,
      sets: this.sets,
      order: Int32Array.from(this.order),
      backward: this.backward,
      usesWords: this.usesWords,
    };
  }

  /** Returns where `node` begins, if `next` comes behind it. */
  private node(node: RegexNode, next: number): number {
    switch (node.kind) {
      case 'char':
        return this.add(OP_CHAR, next, this.setNumber(node.set));
      case 'sequence':
        return node.items.reduceRight((behind, item) => this.node(item, behind), next);
      case 'choice': {
        const entries = node.options.map((option) => this.node(option, next));
        return entries.reduceRight((others, entry) => this.addOrdered(OP_SPLIT, entry, others));
      }
      case 'group': {
        const end = this.addOrdered(OP_SAVE, next, node.number * 2 + 1);
        return this.addOrdered(OP_SAVE, this.node(node.item, end), node.number * 2);
      }
      case 'assert':
        if (node.what === 'word' || node.what === 'not-word') this.usesWords = true;
        return this.addOrdered(OP_ASSERT, next, ASSERTS[node.what]);
      case 'look-ahead': {
        const accept = this.add(OP_ACCEPT, 0, 0);
        return this.addOrdered(node.isNegative ? OP_LOOK_NOT : OP_LOOK, next, this.node(node.item, accept));
      }
      case 'repeat':
        return this.repeat(node, next);
      case 'empty':
        break;
    }
    return next;
  }

  private repeat(node: Repeat, next: number): number {
    let entry = node.max === Infinity ? this.optional(node, next, LOOP) : next;
    if (node.max !== Infinity) for (let i = node.min; i < node.max; i++) entry = this.optional(node, next, entry);
    for (let i = 0; i < node.min; i++) entry = this.iteration(node, entry);
    return entry;
  }

  /** An iteration with `behind` it, or `next` at once. LOOP: behind it comes the same choice. */
  private optional(node: Repeat, next: number, behind: number): number {
    const { order } = this;
    const { isGreedy } = node;
    const isLoop = behind === LOOP;
    const isNullable = canBeEmpty(node.item);
    const choice = this.add(isNullable ? (isGreedy ? OP_LOOP : OP_LAZY_LOOP) : OP_SPLIT, 0, 0);
    let end = isLoop ? choice : behind;
    if (isNullable) end = this.add(OP_AGAIN, end, 0);
    if (isLoop) this.backward.push(end);
    const inside = order.length;
    if (isNullable && !isLoop) this.pushOrder(end);
    const body = this.iteration(node, end);
    const isSwapped = !isNullable && !isGreedy;
    this.a[choice] = isSwapped ? next : body;
    this.b[choice] = isSwapped ? body : next;
    const behindBody = order.length;
    this.pushOrder(choice);
    if (!isLoop) return choice;
    if (isNullable) this.pushOrder(end);
    for (let i = inside; i < behindBody; i++) this.pushOrder(order[i]);
    return choice;
  }

  private iteration(node: Repeat, next: number): number {
    const [from, to] = node.groups;
    const body = this.node(node.item, next);
    return from === to ? body : this.addOrdered(OP_CLEAR, body, (from << 16) | to);
  }

  private setNumber(set: CharSet): number {
    const key = set.join(' ');
    let number = this.setNumbers.get(key);
    if (number === undefined) {
      number = this.sets.push(set) - 1;
      this.setNumbers.set(key, number);
    }
    return number;
  }

  private add(op: number, a: number, b: number): number {
    if (this.op.length >= INSTRUCTIONS_MAX) throw tooLong();
    this.a.push(a);
    this.b.push(b);
    return this.op.push(op) - 1;
  }

  private addOrdered(op: number, a: number, b: number): number {
    const index = this.add(op, a, b);
    this.pushOrder(index);
    return index;
  }

  private pushOrder(index: number): void {
    if (this.order.push(index) > INSTRUCTIONS_MAX) throw tooLong();
  }
}

function tooLong(): RegexError {
  const fix = 'write lower counts, or `*` and `+` instead of them';
  return new RegexError('it is too long once its counted repetitions are written out', fix, true);
}

function canBeEmpty(node: RegexNode): boolean {
  switch (node.kind) {
    case 'char':
      return false;
    case 'sequence':
      return node.items.every(canBeEmpty);
    case 'choice':
      return node.options.some(canBeEmpty);
    case 'group':
      return canBeEmpty(node.item);
    case 'repeat':
      return node.min === 0 || canBeEmpty(node.item);
    case 'empty':
    case 'assert':
    case 'look-ahead':
      break;
  }
  return true;
}
