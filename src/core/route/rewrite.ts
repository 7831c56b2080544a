/**
 * The request target that goes to the upstream: as sent, or as the route's rewrite makes it. Always origin-form (RFC
 * 9112 section 3.2.1) or `*`, always visible ASCII; the query goes with it.
 *
 * The bytes of a path that was in normal form already are kept as they are. A path that was not is written in its
 * normal form, with the escapes of reserved characters put back.
 */
import { HEAD_BYTES_MAX } from '../../base/limits.ts';
import { CapturingRegex } from '../../base/regex/regex.ts';
import { encodeUtf8 } from '../../base/text.ts';
import type { RoutePlan } from '../../config/plan/route.ts';
import { QUESTION, SLASH } from '../../wire/http1/classes.ts';
import { METHOD_OPTIONS, type RequestHead } from '../../wire/http1/head.ts';
import { DOT, NormalPath, PERCENT, type Reading, escapedByte, isEscape, normaliseRule } from '../value/path.ts';
import { OVERFLOW, TargetWriter, encodeInto, encodePath } from './target-writer.ts';

/** The new target does not fit: answer 414. */
export const REWRITE_TOO_LONG = OVERFLOW;
/** The new path would lead out of where the rewrite put it: answer 400. */
export const REWRITE_BAD_PATH = -2;

const AMPERSAND = 0x26;
const BACKSLASH = 0x5c;
const SEMICOLON = 0x3b;
const ASTERISK = 0x2a;
const path = new NormalPath();
const rewritten = new NormalPath();
const writer = new TargetWriter();
/** What a regular expression makes of a path, and the same escaped. */
const replaced = new Uint8Array(HEAD_BYTES_MAX);
const encoded = new Uint8Array(HEAD_BYTES_MAX * 3);

const BEFORE_MATCH = -1;
const AFTER_MATCH = -2;

/** A route's rewrite, prepared. */
export interface Rewrite {
  /**
   * Writes the target for the request that `head` describes in `bytes` to `out` from `at`, not past `end`. Returns the
   * offset behind it, REWRITE_TOO_LONG or REWRITE_BAD_PATH; then what stands behind `at` means nothing. `out` may be
   * `bytes`, if the head does not lie within `at` to `end`.
   */
  write(bytes: Uint8Array, head: RequestHead, out: Uint8Array, at: number, end: number): number;
}

/** Null: the target stays as sent. */
export function compileRewrite({ match, action }: RoutePlan, reading: Reading = 0): Rewrite | null {
  if (action.kind !== 'proxy' || action.rewrite === null) return null;
  const { rewrite } = action;
  if (rewrite.kind === 'target') return null;
  if (rewrite.kind === 'regex') return new RegexRewrite(rewrite.regex, rewrite.to, reading);
  // an exact path is matched, and so replaced, as a whole
  if (rewrite.kind === 'path' || match.path?.kind === 'exact') return new PathRewrite(rewrite.value);
  return new PrefixRewrite(match.path?.kind === 'prefix' ? match.path.value : '', rewrite.value, reading);
}

/** Writes the target in origin-form, whichever form it was sent in. Returns as `Rewrite.write` does. */
export function writeOriginForm(
  bytes: Uint8Array,
  head: RequestHead,
  out: Uint8Array,
  at: number,
  end: number,
): number {
  writer.start(out, at, end);
  // RFC 9112 section 3.2.4: `OPTIONS http://host` asks about the server as a whole
  if (head.pathLength === 0) writer.byte(head.method === METHOD_OPTIONS ? ASTERISK : SLASH);
  writer.sent(bytes, head.path, head.pathLength);
  return writer.at;
}

/** Puts `replacement` in the place of the route's prefix. Where one of them ends in `/`, there is exactly one. */
class PrefixRewrite implements Rewrite {
  private readonly prefixLength: number;
  /** Begins with `/`. */
  private readonly replacement: Uint8Array;
  private readonly reading: Reading;

  constructor(prefix: string, replacement: string, reading: Reading) {
    this.reading = reading;
    this.prefixLength = normaliseRule(prefix).length;
    const path = withSlash(replacement);
    const isSlashLost = prefix.endsWith('/') && !path.endsWith('/');
    this.replacement = encodePath(isSlashLost ? `${path}/` : path);
  }

  write(bytes: Uint8Array, head: RequestHead, out: Uint8Array, at: number, end: number): number {
    if (!path.readFrom(bytes, head, this.reading) || path.length < this.prefixLength) return REWRITE_BAD_PATH;
    const { replacement } = this;
    const pathEnd = path.at + path.length;
    let rest = path.at + this.prefixLength;
    if (replacement[replacement.length - 1] === SLASH) {
      if (rest < pathEnd && path.bytes[rest] === SLASH) rest++;
      // the prefix /a in front of `..` is no dot segment, but what comes behind a slash is
      else if (mayBeDotSegment(path.bytes, rest, pathEnd)) return REWRITE_BAD_PATH;
    }
    writer.start(out, at, end);
    writer.known(replacement);
    if (path.isChanged) writer.decoded(path.bytes, rest, pathEnd, path.reserved, rest - path.at);
    else writer.sent(path.bytes, rest, pathEnd - rest);
    writer.sent(bytes, head.query, head.queryLength);
    return writer.at;
  }
}

/** Puts `value` in the place of the whole path. */
class PathRewrite implements Rewrite {
  private readonly value: Uint8Array;

  constructor(value: string) {
    this.value = encodePath(withSlash(value));
  }

  write(bytes: Uint8Array, head: RequestHead, out: Uint8Array, at: number, end: number): number {
    writer.start(out, at, end);
    writer.known(this.value);
    writer.sent(bytes, head.query, head.queryLength);
    return writer.at;
  }
}

/** Replaces what the expression matches first in the normal form, as `String.prototype.replace` does. */
class RegexRewrite implements Rewrite {
  private readonly regex: CapturingRegex;
  private readonly replacement: Replacement;
  private readonly reading: Reading;

  constructor(regex: string, to: string, reading: Reading) {
    this.reading = reading;
    this.regex = new CapturingRegex(regex);
    this.replacement = new Replacement(to, this.regex);
  }

  write(bytes: Uint8Array, head: RequestHead, out: Uint8Array, at: number, end: number): number {
    if (!path.readFrom(bytes, head, this.reading)) return REWRITE_BAD_PATH;
    const length = this.replace();
    if (length > HEAD_BYTES_MAX) return REWRITE_TOO_LONG;
    // a `?` of the path is always escaped, so this one comes from the rule
    let question = 0;
    while (question < length && replaced[question] !== QUESTION) question++;
    const pathLength = encodeInto(encoded, replaced, 0, question, false);
    if (mayClimb(encoded, pathLength)) return REWRITE_BAD_PATH;
    writer.start(out, at, end);
    writer.sent(encoded, 0, pathLength);
    if (question === length) {
      writer.sent(bytes, head.query, head.queryLength);
    } else {
      writer.sent(encoded, 0, encodeInto(encoded, replaced, question, length, true));
      if (head.queryLength > 1) {
        writer.byte(AMPERSAND);
        writer.sent(bytes, head.query + 1, head.queryLength - 1);
      }
    }
    return writer.at;
  }

  /** Writes the new path to `replaced`, and returns its length, which is greater than HEAD_BYTES_MAX if it does not fit. */
  private replace(): number {
    const isMatch = this.regex.exec(path.bytes, path.at, path.length);
    let length = 0;
    if (isMatch) {
      length = putBytes(length, path.bytes, path.at, path.at + this.regex.groups[0]);
      length = this.replacement.write(length);
      length = putBytes(length, path.bytes, path.at + this.regex.groups[1], path.at + path.length);
    } else {
      length = putBytes(length, path.bytes, path.at, path.at + path.length);
    }
    if (length > 0 && length < HEAD_BYTES_MAX && replaced[0] !== SLASH) {
      replaced.copyWithin(1, 0, length);
      replaced[0] = SLASH;
      length++;
    }
    if (length === 0) replaced[length++] = SLASH;
    return length;
  }
}

/** ECMA-262 section 22.1.3.19.1: `$1`, `$&` and the like. */
class Replacement {
  private readonly parts: readonly (Uint8Array | number)[];
  private readonly regex: CapturingRegex;

  constructor(to: string, regex: CapturingRegex) {
    this.regex = regex;
    this.parts = to
      .split(/(\$(?:[$&`']|[0-9]{1,2}|<[^>]*>))/)
      .filter((part) => part !== '')
      .flatMap((part) => replacementPart(part, regex));
  }

  write(length: number): number {
    const { groups } = this.regex;
    for (let i = 0; i < this.parts.length; i++) {
      const part = this.parts[i];
      if (typeof part !== 'number') length = putBytes(length, part, 0, part.length);
      else if (part === BEFORE_MATCH) length = putBytes(length, path.bytes, path.at, path.at + groups[0]);
      else if (part === AFTER_MATCH) {
        length = putBytes(length, path.bytes, path.at + groups[1], path.at + path.length);
      } else if (groups[part * 2 + 1] >= 0) {
        length = putBytes(length, path.bytes, path.at + groups[part * 2], path.at + groups[part * 2 + 1]);
      }
    }
    return length;
  }
}

/** Text, or the number of a group, BEFORE_MATCH or AFTER_MATCH. A `$` that means nothing stands for itself. */
function replacementPart(part: string, { groupCount, groupNames }: CapturingRegex): (Uint8Array | number)[] {
  if (part === '$$') return [encodeUtf8('$')];
  if (part === '$&') return [0];
  if (part === '$`') return [BEFORE_MATCH];
  if (part === "$'") return [AFTER_MATCH];
  if (/^\$<.*>$/.test(part) && groupNames.size > 0) {
    const number = groupNames.get(part.slice(2, -1));
    return number === undefined ? [] : [number];
  }
  const digits = /^\$([0-9]{1,2})$/.exec(part)?.[1] ?? '';
  if (Number(digits) > 0 && Number(digits) < groupCount) return [Number(digits)];
  if (Number(digits[0]) > 0 && Number(digits[0]) < groupCount) return [Number(digits[0]), encodeUtf8(digits.slice(1))];
  return [encodeUtf8(part)];
}

/** Appends bytes to `replaced`. What does not fit makes the length too great. */
function putBytes(length: number, bytes: Uint8Array, at: number, end: number): number {
  const room = replaced.length - length;
  for (let i = 0; i < end - at && i < room; i++) replaced[length + i] = bytes[at + i];
  return length + end - at;
}

function withSlash(text: string): string {
  return text.startsWith('/') ? text : `/${text}`;
}

/** True if a path has dot segments in any reading, or is refused in one. */
export function mayClimb(bytes: Uint8Array, length: number): boolean {
  if (!rewritten.read(bytes, 0, length) || rewritten.hadDotSegments) return true;
  const { doubts } = rewritten;
  for (let reading = doubts; reading > 0; reading = (reading - 1) & doubts) {
    if (!rewritten.read(bytes, 0, length, reading) || rewritten.hadDotSegments) return true;
  }
  return false;
}

/** True if what begins at `at`, in normal form, is `.` or `..` in any reading. */
function mayBeDotSegment(bytes: Uint8Array, at: number, end: number): boolean {
  let i = at;
  let dots = 0;
  for (; i < end; dots++) {
    if (bytes[i] === DOT) i++;
    else if (isEscape(bytes, i, end) && isTwiceEscapedDot(bytes, i, end)) i += 5;
    else break;
  }
  if (dots === 0 || dots > 2) return false;
  return i === end || bytes[i] === SLASH || bytes[i] === BACKSLASH || bytes[i] === SEMICOLON || bytes[i] === PERCENT;
}

function isTwiceEscapedDot(bytes: Uint8Array, at: number, end: number): boolean {
  return escapedByte(bytes, at) === PERCENT && at + 4 < end && escapedByte(bytes, at + 2) === DOT;
}
