/**
 * The Location of a redirect: a template of the operator's with values of the request in it (RFC 9110 section 10.2.2).
 *
 * What comes from the request is escaped where it is not visible ASCII, so it cannot end the header line. And a
 * Location that begins with the request's path begins with exactly one `/`, or `//evil.example/` in a request would
 * lead to another host.
 */
import { SLASH } from '../../wire/http1/classes.ts';
import type { RequestView } from '../value/request-view.ts';
import { PATH } from '../value/source.ts';
import { Span } from '../value/span.ts';
import { Template } from '../value/template.ts';
import { OVERFLOW, TargetWriter, encodeLocation } from './target-writer.ts';

/** The Location does not fit: answer 414. */
export const REDIRECT_TOO_LONG = OVERFLOW;

const BACKSLASH = 0x5c;
const writer = new TargetWriter();
const span = new Span();

export class Redirect {
  readonly template: Template;

  /** `to`: see `RedirectActionPlan`. */
  constructor(to: string) {
    this.template = new Template(to, encodeLocation);
  }

  /**
   * Writes the value of Location for this request to `out` from `at`, not past `end`. Returns the offset behind it, or
   * REDIRECT_TOO_LONG. `out` may be the request's bytes, if its head does not lie within `at` to `end`.
   */
  write(view: RequestView, out: Uint8Array, at: number, end: number): number {
    writer.start(out, at, end);
    for (const part of this.template.parts) {
      if (part instanceof Uint8Array) {
        writer.known(part);
        continue;
      }
      part.find(view, span);
      if (part.kind === PATH) writePath(at);
      else writer.sent(span.bytes, span.at, span.length);
    }
    return writer.at;
  }
}

/** `start`: where the Location begins. */
function writePath(start: number): void {
  const { bytes } = span;
  let { at } = span;
  const end = at + span.length;
  if (writer.at === start || writer.isAfterOnly(start, SLASH)) {
    while (at < end && (bytes[at] === SLASH || bytes[at] === BACKSLASH)) at++;
    if (writer.at === start) writer.byte(SLASH);
  } else if (at === end || bytes[at] !== SLASH) {
    writer.byte(SLASH);
  }
  writer.sent(bytes, at, end - at);
}
