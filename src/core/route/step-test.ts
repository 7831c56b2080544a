/** A question about a value of the request, as a step asks it. */
import { CapturingRegex } from '../../base/regex/regex.ts';
import { HEAD_BYTES_MAX } from '../../base/limits.ts';
import { encodeUtf8 } from '../../base/text.ts';
import type { TestPlan } from '../../config/plan/route.ts';
import { keepMatch } from '../value/match.ts';
import type { RequestView } from '../value/request-view.ts';
import { Span } from '../value/span.ts';
import { Template } from '../value/template.ts';

const ZERO = 0x30;
const span = new Span();
const expected = new Span();
const text = new Uint8Array(HEAD_BYTES_MAX);
const otherText = new Uint8Array(HEAD_BYTES_MAX);

export class StepTest {
  private readonly value: Template;
  /** What it is compared with; null: with nothing. */
  private readonly is: Template | null;
  private readonly regex: CapturingRegex | null;
  private readonly isNegated: boolean;

  constructor(plan: TestPlan) {
    this.value = new Template(plan.value, encodeUtf8);
    this.is = plan.is === null ? null : new Template(plan.is, encodeUtf8);
    this.regex = plan.regex === null ? null : new CapturingRegex(plan.regex);
    this.isNegated = plan.isNegated;
  }

  /** What an expression captured is kept, whatever the answer. */
  holds(view: RequestView): boolean {
    this.value.read(view, text, span);
    return this.isTrue(view) !== this.isNegated;
  }

  private isTrue(view: RequestView): boolean {
    const { bytes, at, length } = span;
    if (this.regex !== null) {
      if (length > HEAD_BYTES_MAX || !this.regex.exec(bytes, at, length)) return false;
      keepMatch(this.regex, view, bytes, at, length);
      return true;
    }
    if (this.is === null) return length > 1 || (length === 1 && bytes[at] !== ZERO);
    this.is.read(view, otherText, expected);
    if (expected.length !== length) return false;
    for (let i = 0; i < length; i++) if (bytes[at + i] !== expected.bytes[expected.at + i]) return false;
    return true;
  }
}
