/**
 * The request target that goes to the upstream: as sent, or as the route's rewrite makes it. Always origin-form (RFC
 * 9112 section 3.2.1) or `*`, always visible ASCII; the query goes with it.
 *
 * The bytes of a path that was in normal form already are kept as they are. A path that was not is written in its
 * normal form, with the escapes of reserved characters put back.
 */
import { HEAD_BYTES_MAX } from '../../base/limits.ts';
import { decodeUtf8 } from '../../base/text.ts';
import type { RoutePlan } from '../../config/plan.ts';
import { SLASH } from '../../wire/http1/classes.ts';
import { METHOD_OPTIONS, type RequestHead } from '../../wire/http1/head.ts';
import { NormalPath, dotSegment, normaliseRule } from './path.ts';
import { OVERFLOW, TargetWriter, encodePath } from './target-writer.ts';

/** The new target does not fit: answer 414. */
export const REWRITE_TOO_LONG = OVERFLOW;
/** The new path would lead out of where the rewrite put it: answer 400. */
export const REWRITE_BAD_PATH = -2;

const AMPERSAND = 0x26;
const ASTERISK = 0x2a;
const path = new NormalPath();
const rewritten = new NormalPath();
const writer = new TargetWriter();

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
export function compileRewrite({ match, action }: RoutePlan): Rewrite | null {
  if (action.kind !== 'proxy' || action.rewrite === null) return null;
  const { rewrite } = action;
  if (rewrite.kind === 'regex') return new RegexRewrite(rewrite.regex, rewrite.to);
  // an exact path is matched, and so replaced, as a whole
  if (rewrite.kind === 'path' || match.path?.kind === 'exact') return new PathRewrite(rewrite.value);
  return new PrefixRewrite(match.path?.kind === 'prefix' ? match.path.value : '', rewrite.value);
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

  constructor(prefix: string, replacement: string) {
    this.prefixLength = normaliseRule(prefix).length;
    const path = withSlash(replacement);
    const isSlashLost = prefix.endsWith('/') && !path.endsWith('/');
    this.replacement = encodePath(isSlashLost ? `${path}/` : path, false);
  }

  write(bytes: Uint8Array, head: RequestHead, out: Uint8Array, at: number, end: number): number {
    if (!path.readFrom(bytes, head) || path.length < this.prefixLength) return REWRITE_BAD_PATH;
    const { replacement } = this;
    const pathEnd = path.at + path.length;
    let rest = path.at + this.prefixLength;
    if (replacement[replacement.length - 1] === SLASH) {
      if (rest < pathEnd && path.bytes[rest] === SLASH) rest++;
      // the prefix /a in front of `..` is no dot segment, but what comes behind a slash is
      else if (dotSegment(path.bytes, rest, segmentEnd(path.bytes, rest, pathEnd)) > 0) return REWRITE_BAD_PATH;
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
    this.value = encodePath(withSlash(value), false);
  }

  write(bytes: Uint8Array, head: RequestHead, out: Uint8Array, at: number, end: number): number {
    writer.start(out, at, end);
    writer.known(this.value);
    writer.sent(bytes, head.query, head.queryLength);
    return writer.at;
  }
}

/** Replaces what the expression matches in the normal form, as `String.prototype.replace` does. Needs strings. */
class RegexRewrite implements Rewrite {
  private readonly regex: RegExp;
  private readonly to: string;

  constructor(regex: string, to: string) {
    this.regex = new RegExp(regex);
    this.to = to;
  }

  write(bytes: Uint8Array, head: RequestHead, out: Uint8Array, at: number, end: number): number {
    if (!path.readFrom(bytes, head)) return REWRITE_BAD_PATH;
    const before = decodeUtf8(path.bytes, path.at, path.length);
    const after = withSlash(before.replace(this.regex, this.to));
    if (after.length > HEAD_BYTES_MAX) return REWRITE_TOO_LONG;
    // a `?` of the path is always escaped, so this one comes from the rule
    const question = after.indexOf('?');
    const newPath = encodePath(question < 0 ? after : after.slice(0, question), false);
    if (!rewritten.read(newPath, 0, newPath.length) || rewritten.hadDotSegments) return REWRITE_BAD_PATH;
    writer.start(out, at, end);
    writer.known(newPath);
    if (question < 0) {
      writer.sent(bytes, head.query, head.queryLength);
    } else {
      writer.known(encodePath(after.slice(question), true));
      if (head.queryLength > 1) {
        writer.byte(AMPERSAND);
        writer.sent(bytes, head.query + 1, head.queryLength - 1);
      }
    }
    return writer.at;
  }
}

function withSlash(text: string): string {
  return text.startsWith('/') ? text : `/${text}`;
}

function segmentEnd(bytes: Uint8Array, at: number, end: number): number {
  let i = at;
  while (i < end && bytes[i] !== SLASH) i++;
  return i;
}
