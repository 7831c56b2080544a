/**
 * Regular expressions that cost the same for every byte, whatever the expression and the input. UTF-8 in, characters are
 * code points; a byte that belongs to none is U+FFFD, as in `decodeUtf8`.
 *
 * An expression becomes an automaton that reads the input once, from its end (`machine.ts` says why from there). Where the
 * automaton has too many states, the machine itself is run, which costs some steps for each character; where those are too
 * many as well, the expression is refused. Rejected: V8's own engine with its flags, which backtracks without end on counted
 * repetitions, differs between versions, and needs a string; and RE2 as a library, of which no port is both fast and free of
 * a compiler.
 */
import { HEAD_BYTES_MAX } from '../limits.ts';
import { codePointAt, codePointSize } from '../text.ts';
import { Automaton, MATCH, NO_MATCH } from './automaton.ts';
import { EDGE, Machine } from './machine.ts';
import {
  OP_ACCEPT,
  OP_CHAR,
  OP_CLEAR,
  OP_LAZY_LOOP,
  OP_LOOP,
  OP_SAVE,
  OP_SPLIT,
  compileProgram,
  type Program,
} from './program.ts';
import { RegexError, type RegexNode, type RegexProblem, type RegexSyntax, parseRegex } from './syntax.ts';

/**
 * Steps that a character may cost where there is no automaton: 16 KiB of them take 5 ms at 6 ns a step, half of which was
 * measured.
 */
const STEPS_MAX = 48;
/** What an expression that captures may keep for its states, for each of their sides. */
const SETTLED_BYTES_MAX = 1 << 20;
/** EDGE, OTHER and WORD. */
const SIDES = 3;

// What one call works on, shared by all expressions. Places: one for each character, and the end.
const classes = new Uint16Array(HEAD_BYTES_MAX);
const offsets = new Int32Array(HEAD_BYTES_MAX + 1);
const states = new Int32Array(HEAD_BYTES_MAX + 1);

/** What is wrong with the text, or null. `captures`: `exec` is to be called. */
export function checkRegexText(text: string, captures: boolean): RegexProblem | null {
  try {
    compile(text, captures);
    return null;
  } catch (error) {
    if (error instanceof RegexError) return error.problem;
    throw error;
  }
}

interface Compiled {
  readonly syntax: RegexSyntax;
  readonly machine: Machine;
  /** Null: the machine is run. */
  readonly automaton: Automaton | null;
}

function compile(text: string, captures: boolean): Compiled {
  const syntax = parseRegex(text);
  if (captures && syntax.hasGroupInLookAhead) {
    throw new RegexError('a group inside `(?=...)` captures nothing', 'write `(?:...)` there', true);
  }
  const machine = new Machine(compileProgram(syntax.root));
  const automaton = Automaton.build(machine, !captures);
  const isTooLarge = captures
    ? isTooLargeToCapture(machine, automaton)
    : automaton === null && machine.stepsMax > STEPS_MAX;
  if (isTooLarge) {
    const fix = 'write lower counts or `*` and `+` instead of them, anchor it with `^` and `$`, or divide it';
    throw new RegexError('what it has to remember while it reads grows too large', fix, true);
  }
  return { syntax, machine, automaton };
}

function isTooLargeToCapture({ program }: Machine, automaton: Automaton | null): boolean {
  if (automaton === null) return true;
  const hasEmptyIterations = program.op.includes(OP_LOOP) || program.op.includes(OP_LAZY_LOOP);
  if (hasEmptyIterations && program.order.length > STEPS_MAX / 2) return true;
  return automaton.right.length * program.op.length > SETTLED_BYTES_MAX;
}

/** Says whether a text matches. */
export class Regex {
  private readonly machine: Machine;
  private readonly automaton: Automaton | null;
  /** Every match begins at the start of the input, with these bytes. */
  private readonly prefix: Uint8Array;
  /** ... and this is all of it. */
  private readonly isPrefixOnly: boolean;
  private readonly values: Uint8Array;
  private readonly before: Uint8Array;

  /** Throws a RegexError: texts of a configuration were checked. */
  constructor(text: string) {
    const { syntax, machine, automaton } = compile(text, false);
    this.machine = machine;
    this.automaton = automaton;
    const { bytes, isAll } = prefixOf(syntax.root);
    this.prefix = bytes;
    this.isPrefixOnly = isAll;
    this.values = machine.createValues();
    this.before = machine.createValues();
  }

  /** How much a character of a text may cost: 1 is one look into a table. */
  get stepsMax(): number {
    return this.automaton === null ? this.machine.stepsMax : 1;
  }

  /** True if the expression matches somewhere in the `length` bytes at `at`, HEAD_BYTES_MAX at most. */
  test(bytes: Uint8Array, at: number, length: number): boolean {
    const { prefix, automaton } = this;
    if (length < prefix.length) return false;
    for (let i = 0; i < prefix.length; i++) if (bytes[at + i] !== prefix[i]) return false;
    if (this.isPrefixOnly) return true;
    if (automaton === null) return this.run(decode(this.machine, bytes, at, length));
    const { next } = automaton;
    const { ascii } = this.machine.alphabet;
    const size = this.machine.alphabet.size;
    let state = automaton.first;
    for (let i = at + length - 1; i >= at; i--) {
      const byte = bytes[i];
      if (byte >= 0x80) return this.testText(automaton, decode(this.machine, bytes, at, length));
      state = next[state * size + ascii[byte]];
      if (state <= MATCH) return state === MATCH;
    }
    return automaton.atStart[state] === 1;
  }

  private testText(automaton: Automaton, count: number): boolean {
    const { size } = this.machine.alphabet;
    let state = automaton.first;
    for (let i = count - 1; i >= 0 && state > MATCH; i--) state = automaton.next[state * size + classes[i]];
    return state === MATCH || (state !== NO_MATCH && automaton.atStart[state] === 1);
  }

  /** Runs the machine over `count` characters in `classes`. */
  private run(count: number): boolean {
    const { machine } = this;
    const { charsOf } = machine;
    const { start } = machine.program;
    let values = this.values;
    let before = this.before;
    let right = EDGE;
    // the OP_CHARs that may be set in each
    let set = machine.chars;
    let setBefore = machine.chars;
    for (let k = 0; k < set.length; k++) values[set[k]] = 0;
    for (let i = count - 1; ; i--) {
      const left = i < 0 ? EDGE : machine.sideOf(classes[i]);
      machine.settle(values, left, right);
      if (values[start] === 1) return true;
      if (i < 0) return false;
      for (let k = 0; k < setBefore.length; k++) before[setBefore[k]] = 0;
      const takers = charsOf[classes[i]];
      machine.step(values, takers, before);
      setBefore = set;
      set = takers;
      const other = values;
      values = before;
      before = other;
      right = left;
    }
  }
}

/** Finds the first match, and what its groups captured: those of ECMAScript, except inside look-aheads. */
export class CapturingRegex {
  /** The whole match included. */
  readonly groupCount: number;
  readonly groupNames: ReadonlyMap<string, number>;
  /** Offsets of each group's start and end from `at`; -1: it took no part. Valid until the next call. */
  readonly groups: Int32Array;
  private readonly machine: Machine;
  private readonly program: Program;
  private readonly automaton: Automaton;
  /** Of the place that is walked through, by instruction. */
  private values: Uint8Array;
  /** By state and what stands on the left: made when they are wanted first. */
  private readonly settled: (Uint8Array | undefined)[];
  /** Those of a place where an iteration began. */
  private readonly blockedValues: Uint8Array;

  /** Throws a RegexError. */
  constructor(text: string) {
    const { syntax, machine, automaton } = compile(text, true);
    this.machine = machine;
    this.program = machine.program;
    this.automaton = automaton as Automaton;
    this.groupCount = syntax.groupCount;
    this.groupNames = syntax.groupNames;
    this.groups = new Int32Array(syntax.groupCount * 2);
    this.values = this.blockedValues = machine.createValues();
    this.settled = new Array<undefined>(this.automaton.right.length * SIDES).fill(undefined);
  }

  /** False: it matches nowhere in the `length` bytes at `at`, HEAD_BYTES_MAX at most. */
  exec(bytes: Uint8Array, at: number, length: number): boolean {
    const { automaton, groups } = this;
    const { size } = this.machine.alphabet;
    const count = decode(this.machine, bytes, at, length);
    let state = automaton.first;
    states[count] = state;
    for (let i = count - 1; i >= 0; i--) states[i] = state = automaton.next[state * size + classes[i]];
    let start = 0;
    let isFound = automaton.atStart[states[0]] === 1;
    while (!isFound && start < count) {
      isFound = automaton.hits[states[start + 1] * size + classes[start]] === 1;
      start++;
    }
    if (!isFound) return false;
    groups.fill(-1);
    this.walk(start);
    for (let i = 0; i < groups.length; i++) if (groups[i] >= 0) groups[i] = offsets[groups[i]];
    return true;
  }

  /** From the start of a match to its end: at each choice what is preferred, of what leads to a match. */
  private walk(start: number): void {
    const { op, a, b } = this.program;
    const { groups } = this;
    const { blocked } = this.machine;
    let place = start;
    let hasBlocked = false;
    this.arriveAt(place);
    for (let pc = this.program.start; op[pc] !== OP_ACCEPT;) {
      switch (op[pc]) {
        case OP_CHAR:
          if (hasBlocked) blocked.fill(0);
          hasBlocked = false;
          this.arriveAt(++place);
          pc = a[pc];
          break;
        case OP_SPLIT:
          pc = this.values[a[pc]] === 1 ? a[pc] : b[pc];
          break;
        case OP_LOOP:
        case OP_LAZY_LOOP:
          if (op[pc] === OP_LAZY_LOOP && this.values[b[pc]] === 1) {
            pc = b[pc];
            break;
          }
          // an iteration that would match nothing is none
          blocked[pc + 1] = 1;
          hasBlocked = true;
          this.values = this.settle(this.blockedValues, states[place], this.leftOf(place));
          pc = this.values[a[pc]] === 1 ? a[pc] : b[pc];
          break;
        case OP_SAVE:
          groups[b[pc]] = place;
          pc = a[pc];
          break;
        case OP_CLEAR:
          groups.fill(-1, (b[pc] >> 16) * 2, (b[pc] & 0xffff) * 2);
          pc = a[pc];
          break;
        default:
          pc = a[pc];
      }
    }
    if (hasBlocked) blocked.fill(0);
  }

  private arriveAt(place: number): void {
    const left = this.leftOf(place);
    const state = states[place];
    this.values = this.settled[state * SIDES + left] ??= this.settle(this.machine.createValues(), state, left);
  }

  private leftOf(place: number): number {
    return place === 0 ? EDGE : this.machine.sideOf(classes[place - 1]);
  }

  private settle(values: Uint8Array, state: number, left: number): Uint8Array {
    this.machine.settleFor(values, this.automaton.chars[state], left, this.automaton.right[state]);
    return values;
  }
}

/** Writes the classes of the characters, and where each begins. Returns their number. */
function decode(machine: Machine, bytes: Uint8Array, at: number, length: number): number {
  const { alphabet } = machine;
  const end = at + length;
  let count = 0;
  for (let i = at; i < end; count++) {
    offsets[count] = i - at;
    const byte = bytes[i];
    if (byte < 0x80) {
      classes[count] = alphabet.ascii[byte];
      i++;
    } else {
      const code = codePointAt(bytes, i, end);
      classes[count] = alphabet.classOf(code < 0 ? 0xfffd : code);
      i += code < 0 ? 1 : codePointSize(code);
    }
  }
  offsets[count] = length;
  return count;
}

/** What an expression that begins with `^` and single characters begins with. */
function prefixOf(root: RegexNode): { readonly bytes: Uint8Array; readonly isAll: boolean } {
  const [anchor, ...rest] = root.kind === 'sequence' ? root.items : [root];
  if (anchor.kind !== 'assert' || anchor.what !== 'start') return { bytes: new Uint8Array(0), isAll: false };
  const codes = rest.map(asciiOf);
  const other = codes.indexOf(-1);
  return { bytes: Uint8Array.from(other < 0 ? codes : codes.slice(0, other)), isAll: other < 0 };
}

/** The only character that a node matches, if it is ASCII, or -1. */
function asciiOf(node: RegexNode): number {
  if (node.kind !== 'char' || node.set.length !== 2) return -1;
  const [from, to] = node.set;
  return from === to && from < 0x80 ? from : -1;
}
