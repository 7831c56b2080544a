/** Lines of a head with values of the request in them. A field whose value turns out to be empty is not there. */
import { ascii } from '../../wire/http1/classes.ts';
import { emitFragment } from '../../wire/http1/emit.ts';
import type { RequestView } from './request-view.ts';
import { Template, TEMPLATE_OVERFLOW } from './template.ts';

interface Line {
  /** Whole lines in front of it, and its name. */
  readonly start: Uint8Array;
  readonly nameLength: number;
  readonly value: Template;
}

const END = ascii('\r\n');

export class FieldLines {
  /** There are values in them that are not in the request's head. */
  readonly needsView: boolean;
  /** The same lines for every request: all of them. */
  readonly constant: Uint8Array | null;
  private readonly lines: readonly Line[];
  private readonly rest: Uint8Array;

  constructor(fields: readonly (readonly [name: string, value: string])[]) {
    const lines: Line[] = [];
    let before = '';
    for (const [name, value] of fields) {
      const template = new Template(value, ascii);
      if (template.isConstant) {
        before += `${name}: ${value}\r\n`;
        continue;
      }
      lines.push({ start: ascii(`${before}${name}: `), nameLength: name.length + 2, value: template });
      before = '';
    }
    this.lines = lines;
    this.rest = ascii(before);
    this.constant = lines.length === 0 ? this.rest : null;
    this.needsView = lines.some(({ value }) => value.needsView);
  }

  /** How many bytes `emit` will write at most. */
  bound(view: RequestView): number {
    let length = this.rest.length;
    for (const { start, value } of this.lines) length += start.length + value.bound(view) + END.length;
    return length;
  }

  /** Writes them at `at`, not past `end`, and returns the offset behind them or TEMPLATE_OVERFLOW. */
  emit(view: RequestView, out: Uint8Array, at: number, end: number): number {
    for (const { start, nameLength, value } of this.lines) {
      if (at + start.length + END.length > end) return TEMPLATE_OVERFLOW;
      const from = emitFragment(out, at, start);
      const to = value.emitInField(view, out, from, end - END.length);
      if (to === TEMPLATE_OVERFLOW) return to;
      at = to === from ? from - nameLength : emitFragment(out, to, END);
    }
    return at + this.rest.length > end ? TEMPLATE_OVERFLOW : emitFragment(out, at, this.rest);
  }
}
