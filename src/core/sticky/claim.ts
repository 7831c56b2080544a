/** What a request says of the server that it belongs to. */
import { HEAD_BYTES_MAX } from '../../base/limits.ts';
import { encodeUtf8 } from '../../base/text.ts';
import type { StickyPlan } from '../../config/plan/upstream.ts';
import type { RequestView } from '../value/request-view.ts';
import type { Span } from '../value/span.ts';
import { Template } from '../value/template.ts';

const text = new Uint8Array(HEAD_BYTES_MAX);

export class Claim {
  private readonly templates: readonly Template[];
  /** A byte; -1: the whole text counts. */
  private readonly mark: number;

  constructor({ by, behind }: Pick<StickyPlan, 'by' | 'behind'>) {
    this.templates = by.map((template) => new Template(template, encodeUtf8));
    this.mark = behind === '' ? -1 : behind.charCodeAt(0);
  }

  /** Leaves in `said` the first of its texts that is not empty for the request in the view. False: all of them are. */
  find(view: RequestView, said: Span): boolean {
    for (let i = 0; i < this.templates.length; i++) {
      this.templates[i].read(view, text, said);
      if (said.length > 0) return this.mark < 0 || this.skipMark(said);
    }
    return false;
  }

  /** What counts is behind the last mark. */
  private skipMark(said: Span): boolean {
    const { bytes, at, end } = said;
    let from = end;
    while (from > at && bytes[from - 1] !== this.mark) from--;
    if (from === at) return false;
    said.set(bytes, from, end - from);
    return said.length > 0;
  }
}
