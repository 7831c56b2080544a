/** How long a response may be kept: the lines of Expires and Cache-Control, in place of what the server says. */
import { parseHttpDate } from '../../base/date-text.ts';
import { encodeUtf8, latin1 } from '../../base/text.ts';
import type { ExpiresPlan } from '../../config/plan/response.ts';
import { expiryOf } from '../../core/value/expiry.ts';
import { expandText, type LateValues, markLate } from '../../core/value/late.ts';
import { findField } from '../../core/value/lookup.ts';
import type { RequestView } from '../../core/value/request-view.ts';
import { Span } from '../../core/value/span.ts';
import { Template } from '../../core/value/template.ts';
import { ascii, emitFragment } from '../../wire/http1/emit.ts';
import type { ResponseHead } from '../../wire/http1/head.ts';
import { type RuleTexts, textOf } from './replacement.ts';

/** Longer terms are none. */
const TERM_BYTES_MAX = 256;
/** Of both lines. */
const LINES_BYTES_MAX = 128;
const LAST_MODIFIED = ascii('last-modified');
const NOTHING: Uint8Array = new Uint8Array(0);
const term = new Uint8Array(TERM_BYTES_MAX);
const span = new Span();

export class ExpiryRule {
  /** What the lines take the place of, in lower case. */
  static readonly fields: readonly Uint8Array[] = [ascii('expires'), ascii('cache-control')];
  private readonly after: Template;
  private readonly isModified: boolean;
  private last: RuleTexts = { value: NOTHING, by: NOTHING, base: NOTHING };

  constructor({ after, isModified }: ExpiresPlan) {
    this.after = new Template(markLate(after), encodeUtf8);
    this.isModified = isModified;
  }

  /** The term for the request in the view, as far as that makes it: the same object as long as it is the same. */
  render(view: RequestView): RuleTexts {
    const value = textOf(this.after, view, this.last.value);
    if (value !== this.last.value) this.last = { value, by: NOTHING, base: NOTHING };
    return this.last;
  }

  /** Writes the lines for a response to `out` at `at`: the offset behind them; `at`: there are none. `head` null: it is no server's. */
  write(
    { value }: RuleTexts,
    values: LateValues,
    bytes: Uint8Array,
    head: ResponseHead | null,
    nowMs: number,
    out: Uint8Array,
    at: number,
  ): number {
    const length = expandText(value, 0, value.length, values, span, term, 0, term.length);
    if (length < 0 || at + LINES_BYTES_MAX > out.length) return at;
    const hasModified = this.isModified && head !== null && findField(bytes, head, LAST_MODIFIED, 0, span);
    const modifiedMs = hasModified ? parseHttpDate(latin1(span.bytes, span.at, span.length)) : Number.NaN;
    const expiry = expiryOf(latin1(term, 0, length), this.isModified, nowMs, modifiedMs);
    if (expiry === null) return at;
    const { cacheControl, expires } = expiry;
    return emitFragment(out, at, ascii(`Expires: ${expires}\r\nCache-Control: ${cacheControl}\r\n`));
  }
}
