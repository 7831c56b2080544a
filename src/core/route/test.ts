/** A question about a value of the request, as a step asks it. */
import { CapturingRegex } from '../../base/regex/regex.ts';
import { HEAD_BYTES_MAX } from '../../base/limits.ts';
import { encodeUtf8 } from '../../base/text.ts';
import type { TestPlan } from '../../config/plan.ts';
import { keepMatch } from '../value/match.ts';
import type { RequestView } from '../value/request-view.ts';
import { Span } from '../value/span.ts';
import { Template } from '../value/template.ts';

const ZERO = 0x30;
const span = new Span();
const expected = new Span();
const text = new Uint8Array(HEAD_BYTES_MAX);
const otherText = new Uint8Array(HEAD_BYTES_MAX);

export class Test {
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
    read(this.value, view, text, span);
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
    read(this.is, view, otherText, expected);
    if (expected.length !== length) return false;
    for (let i = 0; i < length; i++) if (bytes[at + i] !== expected.bytes[expected.at + i]) return false;
    return true;
  }
}

/** Leaves in `into` what the template says, in `buffer` if it is not there already. */
function read(template: Template, view: RequestView, buffer: Uint8Array, into: Span): void {
  const [part] = template.parts;
  if (template.parts.length === 1 && part instanceof Uint8Array) into.set(part, 0, part.length);
  else into.set(buffer, 0, Math.max(0, template.emitAsIs(view, buffer, 0)));
}
