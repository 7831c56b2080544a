/**
 * Fields of a response's head that access logs say: kept from when the head goes to the client until its request has ended. Where no
 * log says one, nobody has notes.
 */
import type { NotedFieldsPlan } from '../../config/plan/record.ts';
import { findField } from '../../core/value/lookup.ts';
import { Span } from '../../core/value/span.ts';
import { ascii, equalsIgnoringCase } from '../../wire/http1/classes.ts';
import { emitBytes } from '../../wire/http1/emit.ts';
import type { ResponseHead } from '../../wire/http1/head.ts';

/** Of one value; the rest is left out, as of all values of a line's end. */
const VALUE_BYTES_MAX = 512;
const CR = 13;
const LF = 10;
const COLON = 0x3a;
const SPACE = 0x20;

const span = new Span();

/** Names, as logs write them and as they are looked for. */
export class NotedFields {
  readonly plan: NotedFieldsPlan;
  readonly ofResponse: readonly Uint8Array[];
  readonly sent: readonly Uint8Array[];

  constructor(plan: NotedFieldsPlan) {
    this.plan = plan;
    this.ofResponse = plan.response.map(ascii);
    this.sent = plan.sent.map(ascii);
  }
}

/** Of one request; the same notes for the next one. */
export class HeadNotes {
  private names: NotedFields | null = null;
  private bytes = new Uint8Array(0);
  /** Of each name: of the server's response first. */
  private readonly lengths: number[] = [];

  /** Of the request before. */
  clear(): void {
    this.names = null;
  }

  /**
   * `head`: the server's, null where an answer is the proxy's own. What the client is sent is `length` bytes of `memory` at `at`: a line of a
   * status, and lines of fields.
   */
  take(names: NotedFields, memory: Uint8Array, head: ResponseHead | null, at: number, length: number): void {
    const count = names.ofResponse.length + names.sent.length;
    if (this.bytes.length < count * VALUE_BYTES_MAX) this.bytes = new Uint8Array(count * VALUE_BYTES_MAX);
    this.names = names;
    let index = 0;
    for (const name of names.ofResponse) {
      if (head === null) span.clear();
      else findField(memory, head, name, 0, span);
      this.keep(index++);
    }
    for (const name of names.sent) {
      findLine(memory, at, at + length, name);
      this.keep(index++);
    }
  }

  private keep(index: number): void {
    const length = Math.min(span.length, VALUE_BYTES_MAX);
    emitBytes(this.bytes, index * VALUE_BYTES_MAX, span.bytes, span.at, length);
    this.lengths[index] = length;
  }

  /** Leaves the value in `into`; empty: there was none. `name`: in lower case. */
  find(kind: 'response' | 'sent', name: string, into: Span): void {
    into.clear();
    const { names } = this;
    if (names === null) return;
    const place = names.plan[kind].indexOf(name);
    if (place < 0) return;
    const index = kind === 'response' ? place : names.ofResponse.length + place;
    into.set(this.bytes, index * VALUE_BYTES_MAX, this.lengths[index]);
  }
}

/** Leaves the value of the first line of this name in the span. */
function findLine(memory: Uint8Array, from: number, to: number, name: Uint8Array): void {
  span.clear();
  for (let at = memory.indexOf(LF, from) + 1; at > from && at + name.length < to; at = memory.indexOf(LF, at) + 1) {
    if (memory[at + name.length] !== COLON || !equalsIgnoringCase(memory, at, name.length, name)) continue;
    let value = at + name.length + 1;
    while (memory[value] === SPACE) value++;
    span.set(memory, value, memory.indexOf(CR, value) - value);
    return;
  }
}
