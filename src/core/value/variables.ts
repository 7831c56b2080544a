/**
 * Values of a request that have names: what a step has set, and what a definition makes of other values. They are made when
 * somebody reads them, and kept until the request has been dealt with; who reads none pays for none.
 */
import { HEAD_BYTES_MAX } from '../../base/limits.ts';
import { Captures } from './captures.ts';
import type { Span } from './span.ts';

/** Of all values of one request. */
const BYTES_MAX = 4 * HEAD_BYTES_MAX;
/** Definitions that are made of each other. Circles are refused with the configuration. */
const DEPTH_MAX = 16;
const NOTHING: Uint8Array = new Uint8Array(0);

/** Of this process: names are the configuration's, and so a bounded number. */
const numbers = new Map<string, number>();

export function variableNumber(name: string): number {
  const known = numbers.get(name);
  if (known !== undefined) return known;
  numbers.set(name, numbers.size);
  return numbers.size - 1;
}

/** A template, as far as it matters here. */
export interface Text<View> {
  /** What it says whatever the request; null: that depends. */
  readonly constant: Uint8Array | null;
  emitAsIs(view: View, out: Uint8Array, at: number): number;
}

/** Makes a value of other ones. */
export interface Definition<View> {
  readonly name: string;
  /** Made once for a request. */
  readonly isKept: boolean;
  /** Which text the value is; null: it is empty. `draft`: for what it is chosen by. */
  choose(view: View, draft: Uint8Array): Text<View> | null;
}

/** The values of a request that is looked at again later. */
export interface SavedVariables {
  readonly values: readonly (readonly [number: number, bytes: Uint8Array])[];
  readonly captures: Captures;
}

export class Variables<View> {
  readonly captures = new Captures();
  /** What had to be kept was too much: values are missing. */
  isFull = false;
  private readonly bytes = new Uint8Array(BYTES_MAX);
  private used = 0;
  /** By number: the request that has a value, and where it is. */
  private request = 1;
  private readonly requests: number[] = [];
  private readonly texts: Uint8Array[] = [];
  private readonly ats: number[] = [];
  private readonly lengths: number[] = [];
  private definitions: readonly (Definition<View> | undefined)[] = [];
  /** What is being written, by depth. */
  private readonly drafts: Uint8Array[] = [];
  private depth = 0;

  /** Those of a plan, in place of all others. */
  define(definitions: readonly Definition<View>[]): void {
    const list: Definition<View>[] = [];
    for (const definition of definitions) list[variableNumber(definition.name)] = definition;
    this.definitions = list;
  }

  /** Another request: none has a value yet. */
  begin(): void {
    this.request++;
    this.used = 0;
    this.isFull = false;
    this.captures.clear();
  }

  /** A copy of those that the request has. */
  save(): SavedVariables {
    const values: [number, Uint8Array][] = [];
    for (let number = 0; number < this.requests.length; number++) {
      if (this.requests[number] !== this.request) continue;
      const at = this.ats[number];
      values.push([number, this.texts[number].slice(at, at + this.lengths[number])]);
    }
    const captures = new Captures();
    captures.copyFrom(this.captures);
    return { values, captures };
  }

  /** The request, which has just begun, has these. */
  restore({ values, captures }: SavedVariables): void {
    for (const [number, bytes] of values) this.keep(number, bytes, 0, bytes.length);
    this.captures.copyFrom(captures);
  }

  /** Leaves the value in `span`. False: it is empty. */
  find(number: number, view: View, span: Span): boolean {
    if (this.requests[number] !== this.request) {
      const definition = this.definitions[number];
      if (definition === undefined) {
        span.set(NOTHING, 0, 0);
        return false;
      }
      const { used } = this;
      this.assign(number, this.choose(definition, view), view);
      if (!definition.isKept) {
        this.requests[number] = 0;
        // holds until the next value is made
        this.used = used;
      }
    }
    span.set(this.texts[number], this.ats[number], this.lengths[number]);
    return span.length > 0;
  }

  /** The value is what `text` says now. */
  assign(number: number, text: Text<View> | null, view: View): void {
    const constant = text === null ? NOTHING : text.constant;
    if (constant !== null) this.keep(number, constant, 0, constant.length);
    else this.write(number, text as Text<View>, view);
  }

  /** The value is these bytes, which are copied. */
  set(number: number, bytes: Uint8Array, at: number, length: number): void {
    const { used } = this;
    if (used + length > this.bytes.length) {
      this.isFull = true;
      this.keep(number, NOTHING, 0, 0);
      return;
    }
    for (let i = 0; i < length; i++) this.bytes[used + i] = bytes[at + i];
    this.used = used + length;
    this.keep(number, this.bytes, used, length);
  }

  private choose(definition: Definition<View>, view: View): Text<View> | null {
    const draft = this.beginDraft();
    if (draft === null) return null;
    const text = definition.choose(view, draft);
    this.depth--;
    return text;
  }

  private write(number: number, text: Text<View>, view: View): void {
    const draft = this.beginDraft();
    if (draft === null) {
      this.keep(number, NOTHING, 0, 0);
      return;
    }
    const end = text.emitAsIs(view, draft, 0);
    this.depth--;
    if (end < 0) this.isFull = true;
    this.set(number, draft, 0, Math.max(0, end));
  }

  /** For a text whose values may need drafts themselves. Null: too many need each other. */
  private beginDraft(): Uint8Array | null {
    if (this.depth === DEPTH_MAX) {
      this.isFull = true;
      return null;
    }
    return (this.drafts[this.depth++] ??= new Uint8Array(HEAD_BYTES_MAX));
  }

  private keep(number: number, bytes: Uint8Array, at: number, length: number): void {
    this.requests[number] = this.request;
    this.texts[number] = bytes;
    this.ats[number] = at;
    this.lengths[number] = length;
  }
}
