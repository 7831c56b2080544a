/**
 * The Location of a redirect: a template of the operator's with values of the request in it (RFC 9110 section 10.2.2).
 *
 * What comes from the request is escaped where it is not visible ASCII, so it cannot end the header line. And where the
 * Location is one `/` so far, whatever follows is written without the slashes and backslashes that it begins with, or
 * `//evil.example/` in a request, or a value that is empty, would lead to another host.
 */
import { SLASH } from '../../wire/http1/classes.ts';
import type { RequestView } from '../value/request-view.ts';
import { PATH, SENT_PATH } from '../value/source-kind.ts';
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
        span.set(part, 0, part.length);
      } else {
        part.find(view, span);
        if (part.kind === PATH || part.kind === SENT_PATH) separatePath(at);
      }
      const from = writer.isAfterOnly(at, SLASH) ? skipSlashes() : span.at;
      writer.sent(span.bytes, from, span.end - from);
    }
    return writer.at;
  }
}

/** A path in `span` comes behind a slash, its own or this one. `start`: where the Location begins. */
function separatePath(start: number): void {
  const hasSlash = span.length > 0 && span.bytes[span.at] === SLASH;
  if (writer.at === start || !(hasSlash || writer.isAfterOnly(start, SLASH))) writer.byte(SLASH);
}

/** The offset of the first byte in `span` that is none of those which browsers take for a slash (WHATWG URL, section 4.4). */
function skipSlashes(): number {
  const { bytes, end } = span;
  let { at } = span;
  while (at < end && (bytes[at] === SLASH || bytes[at] === BACKSLASH)) at++;
  return at;
}
