/**
 * One rule for fields of responses: where a value, or an attribute of a cookie, is this text, begins with it, or matches an expression,
 * another text takes the place of what was compared; of all of it, if it was an expression.
 */
import { HEAD_BYTES_MAX, RESPONSE_EDIT_BYTES_MAX } from '../../base/limits.ts';
import { CapturingRegex } from '../../base/regex/regex.ts';
import { encodeUtf8 } from '../../base/text.ts';
import type { ReplacePlan } from '../../config/plan/response.ts';
import { expandText, type LateValue, type LateValues, markLate } from '../../core/value/late.ts';
import type { RequestView } from '../../core/value/request-view.ts';
import { Span } from '../../core/value/span.ts';
import { Template } from '../../core/value/template.ts';
import { equalsIgnoringCase, LOWER } from '../../wire/http1/classes.ts';

/** The texts of a rule for one request. */
export interface RuleTexts {
  readonly value: Uint8Array;
  readonly by: Uint8Array;
  readonly base: Uint8Array;
}

/** What it was not for; there was no room. */
export const DECLINED = -1;
export const NO_ROOM = -2;

const SLASH = 0x2f;
const DOT = 0x2e;
const NOTHING: Uint8Array = new Uint8Array(0);
const draft = new Uint8Array(HEAD_BYTES_MAX);
const written = new Uint8Array(RESPONSE_EDIT_BYTES_MAX + HEAD_BYTES_MAX);
const span = new Span();

export class Replacement implements LateValues {
  /** In lower case. */
  readonly field: Uint8Array;
  /** Of a cookie, in lower case. Null: the rule is for the whole value. */
  readonly attribute: Uint8Array | null;
  private readonly kind: ReplacePlan['kind'];
  private readonly isDomain: boolean;
  private readonly regex: CapturingRegex | null;
  private readonly value: Template;
  private readonly by: Template;
  private readonly base: Template;
  private readonly constant: RuleTexts | null;
  /** Of the request before. */
  private last: RuleTexts;
  private values: LateValues | null = null;
  private matched: Uint8Array = NOTHING;
  private matchedAt = 0;

  constructor(plan: ReplacePlan) {
    const { kind, value, by, base } = plan;
    this.field = encodeUtf8(plan.field.toLowerCase());
    this.attribute = plan.attribute === null ? null : encodeUtf8(plan.attribute.toLowerCase());
    this.isDomain = plan.attribute?.toLowerCase() === 'domain';
    this.kind = kind;
    this.regex = kind === 'regex' ? new CapturingRegex(value) : null;
    this.value = new Template(kind === 'regex' ? '' : value, encodeUtf8);
    this.by = new Template(markLate(by, kind === 'regex'), encodeUtf8);
    this.base = new Template(base, encodeUtf8);
    const isConstant = [this.value, this.by, this.base].every((text) => text.isConstant);
    this.last = { value: constantOf(this.value), by: constantOf(this.by), base: constantOf(this.base) };
    this.constant = isConstant ? this.last : null;
  }

  /** For the request in the view: the same object as long as they are the same, for they mostly are. */
  render(view: RequestView): RuleTexts {
    const { constant, last } = this;
    if (constant !== null) return constant;
    const value = textOf(this.value, view, last.value);
    const by = textOf(this.by, view, last.by);
    const base = textOf(this.base, view, last.base);
    if (value === last.value && by === last.by && base === last.base) return last;
    return (this.last = { value, by, base });
  }

  /**
   * Writes what becomes of the `length` bytes at `from` to `out` at `at`, not past `end`: the offset behind it, or DECLINED or NO_ROOM.
   * `values`: what marks stand for.
   */
  replace(
    texts: RuleTexts,
    values: LateValues,
    bytes: Uint8Array,
    from: number,
    length: number,
    out: Uint8Array,
    at: number,
    end: number,
  ): number {
    // a dot in front of a domain says nothing (RFC 6265 section 5.2.3)
    const skipped = this.isDomain && this.kind === 'exact' && length > 0 && bytes[from] === DOT ? 1 : 0;
    const matched = this.match(texts.value, bytes, from + skipped, length - skipped);
    if (matched < 0) return DECLINED;
    this.values = values;
    this.matched = bytes;
    this.matchedAt = from;
    let to = expandText(texts.by, 0, texts.by.length, this, span, written, 0, written.length);
    if (to < 0) return NO_ROOM;
    const rest = from + skipped + matched;
    const restLength = from + length - rest;
    if (to + restLength > written.length) return NO_ROOM;
    for (let i = 0; i < restLength; i++) written[to++] = bytes[rest + i];
    const { base } = texts;
    const baseLength = written[0] === SLASH && to > 0 ? base.length : 0;
    if (at + skipped + baseLength + to > end) return NO_ROOM;
    if (skipped === 1) out[at++] = DOT;
    for (let i = 0; i < baseLength; i++) out[at++] = base[i];
    for (let i = 0; i < to; i++) out[at++] = written[i];
    return at;
  }

  /** How many of the bytes another text takes the place of; -1: it is not for them. */
  private match(value: Uint8Array, bytes: Uint8Array, at: number, length: number): number {
    switch (this.kind) {
      case 'exact':
        return this.isSame(value, bytes, at, length) ? length : -1;
      case 'prefix':
        return length >= value.length && value.every((byte, i) => bytes[at + i] === byte) ? value.length : -1;
      case 'regex':
        return (this.regex as CapturingRegex).exec(bytes, at, length) ? length : -1;
    }
  }

  private isSame(value: Uint8Array, bytes: Uint8Array, at: number, length: number): boolean {
    if (!this.isDomain) return length === value.length && value.every((byte, i) => bytes[at + i] === byte);
    return equalsIgnoringCase(
      bytes,
      at,
      length,
      value.map((byte) => LOWER[byte]),
    );
  }

  /** A group of its expression, or what only the response knows. */
  find(plan: LateValue, into: Span): void {
    if (plan.kind !== 'capture') {
      (this.values as LateValues).find(plan, into);
      return;
    }
    const { groups } = this.regex as CapturingRegex;
    const group = Number(plan.name) * 2;
    const isThere = group < groups.length && groups[group] >= 0;
    if (isThere) into.set(this.matched, this.matchedAt + groups[group], groups[group + 1] - groups[group]);
    else into.set(NOTHING, 0, 0);
  }
}

/** What the template says for the request; `last` if it is that. */
export function textOf(template: Template, view: RequestView, last: Uint8Array): Uint8Array {
  if (template.constant !== null) return template.constant;
  const length = Math.max(0, template.emitInField(view, draft, 0, draft.length));
  if (length === last.length) {
    let same = 0;
    while (same < length && draft[same] === last[same]) same++;
    if (same === length) return last;
  }
  return draft.slice(0, length);
}

function constantOf({ constant }: Template): Uint8Array {
  return constant ?? NOTHING;
}
