/**
 * Durations and sizes as an operator writes them: `500ms 10s 5m 1h`, `512 16KiB 1MiB 1GiB`. One whole number and one unit,
 * nothing else, so that a value means the same to everybody; what is close to that gets a correction instead of a guess.
 */

const MS_PER: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const BYTES_PER: Readonly<Record<string, number>> = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };

/** What these patterns accept, the parsers accept. They are in the JSON Schema too. */
export const DURATION_PATTERN = '^[0-9]{1,12}(ms|s|m|h)$';
export const SIZE_PATTERN = '^[0-9]{1,16}(KiB|MiB|GiB|TiB)?$';

/** Milliseconds, or null. */
export function parseDuration(text: string): number | null {
  const match = /^([0-9]{1,12})(ms|s|m|h)$/.exec(text);
  return match === null ? null : Number(match[1]) * MS_PER[match[2]];
}

/** Bytes, or null. Up to 2^53 - 1. */
export function parseSize(text: string): number | null {
  const match = /^([0-9]{1,16})(KiB|MiB|GiB|TiB)?$/.exec(text);
  if (match === null) return null;
  const bytes = Number(match[1]) * (match[2] === undefined ? 1 : BYTES_PER[match[2]]);
  return Number.isSafeInteger(bytes) ? bytes : null;
}

/** The shortest text that `parseDuration` reads as this many milliseconds. */
export function formatDuration(ms: number): string {
  for (const unit of ['h', 'm', 's']) {
    if (ms !== 0 && ms % MS_PER[unit] === 0) return `${ms / MS_PER[unit]}${unit}`;
  }
  return ms === 0 ? '0s' : `${ms}ms`;
}

/** The shortest text that `parseSize` reads as this many bytes. */
export function formatSize(bytes: number): string {
  for (const unit of ['TiB', 'GiB', 'MiB', 'KiB']) {
    if (bytes !== 0 && bytes % BYTES_PER[unit] === 0) return `${bytes / BYTES_PER[unit]}${unit}`;
  }
  return `${bytes}`;
}

const LOOSE_MS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    ms: 1,
    msec: 1,
    millisecond: 1,
    s: 1000,
    sec: 1000,
    second: 1000,
    m: 60_000,
    min: 60_000,
    minute: 60_000,
    h: 3_600_000,
    hr: 3_600_000,
    hour: 3_600_000,
    d: 86_400_000,
    day: 86_400_000,
    w: 604_800_000,
    week: 604_800_000,
  }),
);

/** What `1m30s`, `1.5 s`, `10 sec` or `2d` was meant to be, or null. A number without unit is taken as seconds. */
export function suggestDuration(text: string): string | null {
  const trimmed = text.trim().toLowerCase();
  if (/^[0-9]{1,9}$/.test(trimmed)) return formatDuration(Number(trimmed) * 1000);
  if (trimmed.length > 40 || !/^([0-9]+(\.[0-9]+)? *[a-z]+ *)+$/.test(trimmed)) return null;
  let ms = 0;
  for (const part of trimmed.matchAll(/([0-9]+(?:\.[0-9]+)?) *([a-z]+)/g)) {
    const perUnit = LOOSE_MS.get(part[2]) ?? LOOSE_MS.get(part[2].replace(/s$/, ''));
    if (perUnit === undefined) return null;
    ms += Number(part[1]) * perUnit;
  }
  return Number.isSafeInteger(ms) ? formatDuration(ms) : null;
}

/** What `16k`, `16 KB`, `1.5MiB` or `10m` was meant to be, or null. */
export function suggestSize(text: string): string | null {
  const match = /^([0-9]{1,12}(?:\.[0-9]{1,6})?) *([kmgt]?)(?:i?b|bytes?)?$/.exec(text.trim().toLowerCase());
  if (match === null) return null;
  const bytes = Number(match[1]) * (match[2] === '' ? 1 : BYTES_PER[`${match[2].toUpperCase()}iB`]);
  return Number.isSafeInteger(bytes) ? formatSize(bytes) : null;
}

/** `12.5%`: hundredths of a percent. The text was checked. */
export function hundredths(share: string): number {
  return Math.round(Number(share.slice(0, -1)) * 100);
}

/** `10/s`, `30/m`: thousandths of a request per second, as nginx reckons them; null: it is none, or more than a million per second. */
export function parseRate(text: string): number | null {
  const found = /^([1-9][0-9]{0,8})\/([sm])$/.exec(text);
  if (found === null) return null;
  const rate = Math.floor((Number(found[1]) * 1000) / (found[2] === 's' ? 1 : 60));
  return rate > 1_000_000_000 ? null : rate;
}
