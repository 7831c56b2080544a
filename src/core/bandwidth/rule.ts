/** How fast a route's responses go to their clients: by what a request says, and by what its response says. */
import { encodeUtf8 } from '../../base/text.ts';
import type { BandwidthPlan } from '../../config/plan/route.ts';
import type { FieldTable } from '../../wire/http1/head.ts';
import { findField } from '../value/lookup.ts';
import type { RequestView } from '../value/request-view.ts';
import { Span } from '../value/span.ts';
import { Template } from '../value/template.ts';

/** Of a value that is a number of bytes; longer ones are none. */
const TEXT_BYTES_MAX = 64;
/** No limit. */
export const UNLIMITED = 0;
/** In place of what a field says: there is none. */
export const UNSAID = -1;

const text = new Uint8Array(TEXT_BYTES_MAX);
const span = new Span();

/** A number of bytes, which a request or a connection may say. */
export class Amount {
  private readonly template: Template;
  /** -1: it is not the same for all. */
  private readonly fixed: number;

  constructor(said: string) {
    this.template = new Template(said, encodeUtf8);
    const { constant } = this.template;
    if (constant !== null) span.set(constant, 0, constant.length);
    this.fixed = constant === null ? -1 : (parseBytes(span) ?? 0);
  }

  get isFixed(): boolean {
    return this.fixed >= 0;
  }

  /** What is no number is 0. `view`: null where it is fixed. */
  of(view: RequestView | null): number {
    if (this.fixed >= 0 || view === null) return Math.max(0, this.fixed);
    this.template.read(view, text, span);
    return parseBytes(span) ?? 0;
  }
}

export class BandwidthRule {
  private readonly rate: Amount;
  private readonly after: Amount;
  /** In lower case; null: responses say nothing of it. */
  private readonly field: Uint8Array | null;

  constructor({ after, field, rate }: BandwidthPlan) {
    this.rate = new Amount(rate);
    this.after = new Amount(after);
    this.field = field === null ? null : encodeUtf8(field.toLowerCase());
  }

  /** Bytes in a second for the response to the request in the view, or UNLIMITED. */
  rateFor(view: RequestView): number {
    return this.rate.of(view);
  }

  /** Bytes of the response that are not counted. */
  afterFor(view: RequestView): number {
    return this.after.of(view);
  }

  /** The rate that a response with this head says, or UNSAID. */
  saidBy(bytes: Uint8Array, head: FieldTable): number {
    if (this.field === null || !findField(bytes, head, this.field, 0, span)) return UNSAID;
    return parseBytes(span) ?? UNSAID;
  }
}

const DIGIT_0 = 0x30;
const LOWER = 0x20;
const FACTORS: ReadonlyMap<number, number> = new Map([
  [0x6b, 2 ** 10],
  [0x6d, 2 ** 20],
  [0x67, 2 ** 30],
]);

/** A whole number, with `k`, `m` or `g` or without. Null: it is none, or too large. */
export function parseBytes({ at, bytes, end }: Span): number | null {
  let value = 0;
  let i = at;
  for (; i < end && bytes[i] >= DIGIT_0 && bytes[i] < DIGIT_0 + 10; i++) value = value * 10 + bytes[i] - DIGIT_0;
  if (i === at) return null;
  if (i < end) {
    const factor = FACTORS.get(bytes[i++] | LOWER);
    if (factor === undefined || i < end) return null;
    value *= factor;
  }
  return value <= Number.MAX_SAFE_INTEGER ? value : null;
}
