/** What a request asks of a file besides the file: RFC 9110 sections 13 and 14, as nginx reads them. */

/** As of a file that is there. */
export interface Version {
  /** With its quotes. */
  readonly etag: string;
  /** Whole seconds since 1970. */
  readonly modified: number;
  readonly size: number;
}

/** By lower-case name. */
export type Fields = Readonly<Record<string, string | string[] | undefined>>;

export type Part =
  | { readonly status: 200 }
  | { readonly status: 206; readonly first: number; readonly last: number }
  | { readonly status: 304 | 412 | 416 };

export function partFor(fields: Fields, version: Version): Part {
  const unmodified = text(fields['if-unmodified-since']);
  const match = text(fields['if-match']);
  const modified = text(fields['if-modified-since']);
  const noneMatch = text(fields['if-none-match']);
  if (unmodified !== null && version.modified > secondsOf(unmodified)) return { status: 412 };
  if (match !== null && !matches(match, version.etag, false)) return { status: 412 };
  if (modified !== null || noneMatch !== null) {
    const isNewer = modified !== null && secondsOf(modified) !== version.modified;
    const isOther = noneMatch !== null && !matches(noneMatch, version.etag, true);
    if (!isNewer && !isOther) return { status: 304 };
  }
  const range = text(fields['range']);
  if (range === null || !isForRange(text(fields['if-range']), version)) return { status: 200 };
  return rangeOf(range, version.size);
}

/** RFC 9110 section 13.1.5: the version that a part is wanted of. */
function isForRange(wanted: string | null, { etag, modified }: Version): boolean {
  if (wanted === null) return true;
  return wanted.endsWith('"') ? wanted === etag : secondsOf(wanted) === modified;
}

/** Several ranges are the whole: what they are good for a single one does too. */
function rangeOf(text: string, size: number): Part {
  if (!/^bytes=/i.test(text)) return { status: 200 };
  const parts = text.slice('bytes='.length).split(',');
  let found: { readonly first: number; readonly last: number } | null = null;
  let count = 0;
  for (const part of parts) {
    const [whole, from, to] = /^\s*([0-9]*)\s*-\s*([0-9]*)\s*$/.exec(part) ?? [];
    if (whole === undefined || (from === '' && to === '')) return { status: 416 };
    const isSuffix = from === '';
    const first = isSuffix ? Math.max(0, size - Number(to)) : Number(from);
    const last = isSuffix || to === '' ? size - 1 : Math.min(Number(to), size - 1);
    if (!isSuffix && to !== '' && Number(to) < first) continue;
    if (first > last) {
      if (first === 0) return { status: 200 };
      continue;
    }
    found ??= { first, last };
    count++;
  }
  if (found === null) return { status: 416 };
  return count > 1 ? { status: 200 } : { status: 206, ...found };
}

/** An If-Match or If-None-Match list. */
function matches(list: string, etag: string, isWeak: boolean): boolean {
  if (list.trim() === '*') return true;
  for (const [, weak, tag] of list.matchAll(/(W\/)?("[^"]*")/g)) {
    if (tag === etag && (isWeak || weak === undefined)) return true;
  }
  return false;
}

/** NaN, which is no time and equals none: what is not a date. */
function secondsOf(date: string): number {
  return Date.parse(date) / 1000;
}

function text(field: string | string[] | undefined): string | null {
  if (field === undefined) return null;
  return Array.isArray(field) ? field.join(', ') : field;
}
