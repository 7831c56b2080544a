/**
 * The format of a log's lines, compiled: text, values of the request, and values of its end. A request's part is written into a draft
 * while its head is here; `finish` puts both together.
 */
import { encodeUtf8 } from '../../base/text.ts';
import { type EndValuePlan, parseLog, type SourcePlan } from '../../config/words/template.ts';
import type { RequestView } from '../../core/value/request-view.ts';
import { Source } from '../../core/value/source.ts';
import { Span } from '../../core/value/span.ts';
import { emitBytes } from '../../wire/http1/emit.ts';
import type { Draft } from './draft.ts';
import { EndPart, type EndValues } from './end-values.ts';
import { type Escape, ESCAPED_BYTES_MAX, emitEscaped } from './escape.ts';

/** Of one value; the rest is left out. */
const VALUE_BYTES_MAX = 8 * 1024;
/** There was no room. */
export const LINE_OVERFLOW = -1;
const DASH = 0x2d;
const LF = 10;

const span = new Span();

export class LineFormat {
  /** Of the request: text and sources; null: a value of the end stands there, with the text behind it. */
  private readonly parts: readonly (Uint8Array | Source | null)[];
  private readonly late: readonly EndPart[];
  private readonly lateBytesMax: number;
  /** Of which nothing is said where they are empty. */
  private readonly optional = new Set<Source>();
  private readonly escape: Escape;
  /** The identifier of a request is in it. */
  readonly namesId: boolean;

  constructor(text: string, escape: Escape) {
    this.escape = escape;
    const plans = parseLog(text);
    const late: EndPart[] = [];
    this.parts = plans.flatMap((plan, i): readonly (Uint8Array | Source | null)[] => {
      if (typeof plan === 'string') return isEndValue(plans[i - 1]) ? [] : [encodeUtf8(plan)];
      if (isEndValue(plan)) {
        const next = plans[i + 1];
        late.push(new EndPart(plan, escape, encodeUtf8(typeof next === 'string' ? next : '')));
        return [null];
      }
      const sources = Source.allOf(plan);
      // a target without a query lacks nothing
      for (const rest of sources.slice(1)) this.optional.add(rest);
      return sources;
    });
    this.late = late;
    this.lateBytesMax = late.reduce((sum, { bytesMax }) => sum + bytesMax, 0);
    this.namesId = plans.some((plan) => isEndValue(plan) && plan.kind === 'request-id');
  }

  /** What the request in the view says. */
  begin(view: RequestView, draft: Draft): void {
    const { parts } = this;
    draft.length = 0;
    let late = 0;
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i];
      if (part === null) draft.ends[late++] = draft.length;
      else if (part instanceof Source) {
        if (part.find(view, span) || !this.optional.has(part)) this.put(draft);
      } else if (draft.reserve(part.length)) {
        draft.length = emitBytes(draft.bytes, draft.length, part, 0, part.length);
      }
    }
    draft.ends[late] = draft.length;
  }

  private put(draft: Draft): void {
    const length = Math.min(span.length, VALUE_BYTES_MAX);
    if (length === 0) {
      if (this.escape === 'text' && draft.reserve(1)) draft.bytes[draft.length++] = DASH;
      return;
    }
    if (!draft.reserve(length * ESCAPED_BYTES_MAX)) return;
    draft.length = emitEscaped(this.escape, draft.bytes, draft.length, span.bytes, span.at, length);
  }

  /** The whole line with its end, at `at` and not past `end`. The offset behind it, or LINE_OVERFLOW. */
  finish(draft: Draft, values: EndValues, out: Uint8Array, at: number, end: number): number {
    const { late } = this;
    if (at + draft.length + this.lateBytesMax >= end) return LINE_OVERFLOW;
    let from = 0;
    for (let i = 0; i < late.length; i++) {
      const to = draft.ends[i];
      if (to > from) at = emitBytes(out, at, draft.bytes, from, to - from);
      from = to;
      at = late[i].emit(values, out, at);
    }
    at = emitBytes(out, at, draft.bytes, from, draft.length - from);
    out[at++] = LF;
    return at;
  }
}

function isEndValue(plan: string | SourcePlan | EndValuePlan | undefined): plan is EndValuePlan {
  return typeof plan === 'object' && 'isOfEnd' in plan;
}
