/**
 * Text with values of the request in it, compiled once. What the values may do where they are written depends on the place:
 * each place has a way to write them that keeps a peer's bytes from ending it. Here is that of header fields; a body's is in
 * body-template.ts, a Location's in core/route/redirect.ts.
 */
import { parseTemplate } from '../../config/words/template.ts';
import { VALUE_CLASS } from '../../wire/http1/classes.ts';
import { emitFragment } from '../../wire/http1/emit.ts';
import type { RequestView } from './request-view.ts';
import { Source } from './source.ts';
import { Span } from './span.ts';

/** There was no room. */
export const TEMPLATE_OVERFLOW = -1;

const QUESTION_MARK = 0x3f;
const NOTHING: Uint8Array = new Uint8Array(0);
const span = new Span();

export class Template {
  /** In their order. */
  readonly parts: readonly (Uint8Array | Source)[];
  /** Without values: the same bytes for every request. */
  readonly isConstant: boolean;
  /** Those bytes, where they are one part or none. */
  readonly constant: Uint8Array | null;
  /** There are values in it that are not in the request's head: the view must have been filled. */
  readonly needsView: boolean;

  /** `encode`: the bytes of the operator's own text in this place. */
  constructor(text: string, encode: (literal: string) => Uint8Array) {
    this.parts = parseTemplate(text).flatMap((part): readonly (Uint8Array | Source)[] =>
      typeof part === 'string' ? [encode(part)] : Source.allOf(part),
    );
    this.isConstant = this.parts.every((part) => part instanceof Uint8Array);
    const [first = NOTHING] = this.parts;
    this.constant = this.parts.length <= 1 && first instanceof Uint8Array ? first : null;
    this.needsView = this.parts.some((part) => part instanceof Source && part.needsView);
  }

  /** How many bytes `emitInField` will write at most. */
  bound(view: RequestView): number {
    let length = 0;
    for (const part of this.parts) {
      if (part instanceof Uint8Array) {
        length += part.length;
      } else {
        part.find(view, span);
        length += span.length;
      }
    }
    return length;
  }

  /** Leaves in `into` what it says, in `buffer` if it is not the same for every request. What has no room there is nothing. */
  read(view: RequestView, buffer: Uint8Array, into: Span): void {
    const { constant } = this;
    if (constant !== null) into.set(constant, 0, constant.length);
    else into.set(buffer, 0, Math.max(0, this.emitAsIs(view, buffer, 0)));
  }

  /** Writes it as it is to `out` from `at`, as far as there is room, and returns the offset behind it or TEMPLATE_OVERFLOW. */
  emitAsIs(view: RequestView, out: Uint8Array, at: number): number {
    for (let k = 0; k < this.parts.length; k++) {
      const part = this.parts[k];
      if (part instanceof Uint8Array) span.set(part, 0, part.length);
      else part.find(view, span);
      const { bytes, length } = span;
      if (at + length > out.length) return TEMPLATE_OVERFLOW;
      const from = span.at;
      for (let i = 0; i < length; i++) out[at + i] = bytes[from + i];
      at += length;
    }
    return at;
  }

  /**
   * Writes it as part of header lines at `at`, not past `end`, and returns the offset behind it or TEMPLATE_OVERFLOW. The
   * values cannot end their line: what may not stand in a field value becomes `?`.
   */
  emitInField(view: RequestView, out: Uint8Array, at: number, end: number): number {
    for (const part of this.parts) {
      if (part instanceof Uint8Array) {
        if (at + part.length > end) return TEMPLATE_OVERFLOW;
        at = emitFragment(out, at, part);
        continue;
      }
      part.find(view, span);
      if (at + span.length > end) return TEMPLATE_OVERFLOW;
      const { bytes } = span;
      for (let i = span.at, stop = span.at + span.length; i < stop; i++) {
        out[at++] = VALUE_CLASS[bytes[i]] === 0 ? QUESTION_MARK : bytes[i];
      }
    }
    return at;
  }
}
