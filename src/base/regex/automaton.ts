/**
 * A machine with every state it can be in worked out before: one table look-up for each character. State 0 leads to no match
 * any more, and state 1 has found one.
 */
import { EDGE, OTHER, WORD, type Machine } from './machine.ts';

export const NO_MATCH = 0;
export const MATCH = 1;

/** Bounds of the work at the start, and of the memory: some 100 ms and 4 MiB, which a list of 300 names needs half of. */
const STATES_MAX = 8192;
const ENTRIES_MAX = 1 << 20;
const STEPS_MAX = 16_000_000;

export class Automaton {
  /** By state and class: the state before a character of the class. */
  readonly next: Int32Array;
  /** By state: 1 if a match begins at the start of the input. */
  readonly atStart: Uint8Array;
  /** By state and class, unless it searches: 1 if a match begins behind a character of the class. */
  readonly hits: Uint8Array;
  /** By state: what stands on the right. */
  readonly right: Uint8Array;
  /** By state: the OP_CHARs that lead to a match. */
  readonly chars: readonly Int32Array[];
  readonly first: number;

  /** Null: it has too many states. `isSearch`: the state after a match is MATCH; else each place keeps its own. */
  static build(machine: Machine, isSearch: boolean): Automaton | null {
    const builder = new Builder(machine, isSearch);
    return builder.isComplete ? new Automaton(builder) : null;
  }

  private constructor(builder: Builder) {
    this.next = Int32Array.from(builder.next);
    this.atStart = Uint8Array.from(builder.atStart);
    this.hits = Uint8Array.from(builder.hits);
    this.right = Uint8Array.from(builder.right);
    this.chars = builder.isSearch ? [] : builder.chars;
    this.first = builder.isSearch ? this.findDeadEnds(builder) : builder.first;
  }

  /** A state that only leads to itself, and is no match at the start, becomes NO_MATCH. Returns the first state. */
  private findDeadEnds(builder: Builder): number {
    const { next, atStart } = this;
    const classes = builder.machine.alphabet.size;
    const isDead = (state: number): boolean => {
      for (let i = 0; i < classes; i++) if (next[state * classes + i] !== state) return false;
      return state > MATCH && atStart[state] === 0;
    };
    const dead = new Set<number>();
    for (let state = 0; state < atStart.length; state++) if (isDead(state)) dead.add(state);
    for (let i = 0; i < next.length; i++) if (dead.has(next[i])) next[i] = NO_MATCH;
    return dead.has(builder.first) ? NO_MATCH : builder.first;
  }
}

class Builder {
  readonly machine: Machine;
  readonly isSearch: boolean;
  readonly next: number[] = [];
  readonly atStart: number[] = [];
  readonly hits: number[] = [];
  readonly right: number[] = [];
  readonly chars: Int32Array[] = [];
  readonly first: number;
  readonly isComplete: boolean;
  private readonly states = new Map<string, number>();
  private stepsLeft = STEPS_MAX;

  constructor(machine: Machine, isSearch: boolean) {
    this.machine = machine;
    this.isSearch = isSearch;
    for (const state of [NO_MATCH, MATCH]) {
      this.addState(`${state}`, [], OTHER);
      for (let i = 0; i < machine.alphabet.size; i++) this.next.push(state);
      if (!isSearch) for (let i = 0; i < machine.alphabet.size; i++) this.hits.push(state);
      this.atStart.push(state);
    }
    this.first = this.stateOf([], EDGE);
    this.isComplete = this.explore();
  }

  private explore(): boolean {
    const { machine, isSearch } = this;
    const { alphabet, program } = machine;
    const values = machine.createValues();
    for (let state = MATCH + 1; state < this.chars.length; state++) {
      let settledFor = -1;
      for (let charClass = 0; charClass < alphabet.size; charClass++) {
        const left = machine.sideOf(charClass);
        if (left !== settledFor) this.settle(state, values, left);
        settledFor = left;
        const isHit = values[program.start] === 1;
        if (!isSearch) this.hits.push(isHit ? 1 : 0);
        this.next.push(isHit && isSearch ? MATCH : this.stateBefore(values, charClass, left));
      }
      this.settle(state, values, EDGE);
      this.atStart.push(values[program.start]);
      const states = this.chars.length;
      if (states > STATES_MAX || states * alphabet.size > ENTRIES_MAX || this.stepsLeft < 0) return false;
    }
    return true;
  }

  private stateBefore(values: Uint8Array, charClass: number, side: number): number {
    const { a } = this.machine.program;
    const takers = this.machine.charsOf[charClass];
    const chars: number[] = [];
    for (let i = 0; i < takers.length; i++) if (values[a[takers[i]]] === 1) chars.push(takers[i]);
    this.stepsLeft -= takers.length + chars.length * 4;
    return this.stateOf(chars, side);
  }

  private settle(state: number, values: Uint8Array, left: number): void {
    this.machine.settleFor(values, this.chars[state], left, this.right[state]);
    this.stepsLeft -= this.machine.program.order.length + (values.length >> 4);
  }

  private stateOf(chars: readonly number[], right: number): number {
    let key = right === EDGE ? 'e' : right === WORD ? 'w' : 'o';
    for (let i = 0; i < chars.length; i++) key += String.fromCharCode(chars[i]);
    return this.states.get(key) ?? this.addState(key, chars, right);
  }

  private addState(key: string, chars: readonly number[], right: number): number {
    this.states.set(key, this.chars.length);
    this.right.push(right);
    return this.chars.push(Int32Array.from(chars)) - 1;
  }
}
