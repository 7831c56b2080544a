/**
 * The Location of a redirect: a template of the operator's with parts of the request in it (RFC 9110 section 10.2.2).
 *
 * What comes from the request is escaped where it is not visible ASCII, so it cannot end the header line. And a
 * Location that begins with the request's path begins with exactly one `/`, or `//evil.example/` in a request would
 * lead to another host.
 */
import type { RequestHead } from '../../wire/http1/head.ts';
import { SLASH } from '../../wire/http1/classes.ts';
import { pathLength } from './path.ts';
import { OVERFLOW, TargetWriter, encodeLocation } from './target-writer.ts';

/** The Location does not fit: answer 414. */
export const REDIRECT_TOO_LONG = OVERFLOW;

const HOST = 1;
const PATH = 2;
const QUERY = 3;
const URI = 4;
const PLACEHOLDERS: ReadonlyMap<string, number> = new Map([
  ['{host}', HOST],
  ['{path}', PATH],
  ['{query}', QUERY],
  ['{uri}', URI],
]);
const BACKSLASH = 0x5c;
const writer = new TargetWriter();

export class Redirect {
  /** Literal bytes, or the number of a placeholder. */
  private readonly parts: readonly (Uint8Array | number)[];

  /** `to` may hold `{host}`, `{path}`, `{query}` and `{uri}`, see `RedirectActionPlan`. */
  constructor(to: string) {
    this.parts = to
      .split(/(\{(?:host|path|query|uri)\})/)
      .filter((part) => part !== '')
      .map((part) => PLACEHOLDERS.get(part) ?? encodeLocation(part));
  }

  /**
   * Writes the value of Location for the request that `head` describes in `bytes` to `out` from `at`, not past `end`.
   * Returns the offset behind it, or REDIRECT_TOO_LONG. `out` may be `bytes`, if the head does not lie within `at` to
   * `end`.
   */
  write(bytes: Uint8Array, head: RequestHead, out: Uint8Array, at: number, end: number): number {
    writer.start(out, at, end);
    for (let i = 0; i < this.parts.length; i++) {
      const part = this.parts[i];
      if (typeof part !== 'number') writer.known(part);
      else if (part === HOST) writer.sent(bytes, head.host, head.hostLength);
      else {
        if (part !== QUERY) writePath(bytes, head, at);
        if (part !== PATH) writer.sent(bytes, head.query, head.queryLength);
      }
    }
    return writer.at;
  }
}

/** `start`: where the Location begins. */
function writePath(bytes: Uint8Array, head: RequestHead, start: number): void {
  let at = head.path;
  const end = at + pathLength(head);
  if (writer.at === start || writer.isAfterOnly(start, SLASH)) {
    while (at < end && (bytes[at] === SLASH || bytes[at] === BACKSLASH)) at++;
    if (writer.at === start) writer.byte(SLASH);
  } else if (at === end || bytes[at] !== SLASH) {
    writer.byte(SLASH);
  }
  writer.sent(bytes, at, end - at);
}
