/** Points in time as text, in UTC. Computed, since pure code has no Date. */
import { encodeUtf8 } from './text.ts';

export const HTTP_DATE_BYTES = 29;
export const ISO_TIME_BYTES = 25;
export const LOCAL_TIME_BYTES = 26;

const DAYS = ['Thu', 'Fri', 'Sat', 'Sun', 'Mon', 'Tue', 'Wed']; // 1970-01-01 was a Thursday
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DAY_MS = 86_400_000;

/**
 * IMF-fixdate, RFC 9110 section 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`. Writes the date of `timeMs`, milliseconds since 1970 and
 * before 10000, into the first 29 bytes of `into`.
 */
export function writeHttpDate(into: Uint8Array, timeMs: number): void {
  const dayNumber = Math.floor(timeMs / DAY_MS);
  const { year, month, day } = civil(dayNumber);
  into.set(
    encodeUtf8(`${DAYS[dayNumber % 7]}, ${two(day)} ${MONTHS[month - 1]} ${year} ${clockText(timeMs, dayNumber)} GMT`),
  );
}

/** ISO 8601: `1994-11-06T08:49:37+00:00`, into the first 25 bytes. */
export function writeIsoTime(into: Uint8Array, timeMs: number): void {
  const dayNumber = Math.floor(timeMs / DAY_MS);
  const { year, month, day } = civil(dayNumber);
  into.set(encodeUtf8(`${year}-${two(month)}-${two(day)}T${clockText(timeMs, dayNumber)}+00:00`));
}

/** As access logs have it since NCSA: `06/Nov/1994:08:49:37 +0000`, into the first 26 bytes. */
export function writeLocalTime(into: Uint8Array, timeMs: number): void {
  const dayNumber = Math.floor(timeMs / DAY_MS);
  const { year, month, day } = civil(dayNumber);
  into.set(encodeUtf8(`${two(day)}/${MONTHS[month - 1]}/${year}:${clockText(timeMs, dayNumber)} +0000`));
}

function clockText(timeMs: number, dayNumber: number): string {
  const second = Math.floor((timeMs - dayNumber * DAY_MS) / 1000);
  return `${two(Math.floor(second / 3600))}:${two(Math.floor(second / 60) % 60)}:${two(second % 60)}`;
}

/**
 * An IMF-fixdate as milliseconds since 1970; NaN: it is none. The older forms that RFC 9110 wants recipients to take are none.
 */
export function parseHttpDate(text: string): number {
  const found = /^[A-Za-z]{3}, (\d{2}) ([A-Za-z]{3}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/.exec(text);
  if (found === null) return Number.NaN;
  const [, day, monthName, year, hour, minute, second] = found;
  const month = MONTHS.indexOf(monthName) + 1;
  return month === 0 ? Number.NaN : utcMs([year, month, day, hour, minute, second].map(Number));
}

/** Milliseconds since 1970 of a year, month, day, hour, minute and second in UTC, which are not checked. */
export function utcMs([year, month, day, hour, minute, second]: readonly number[]): number {
  return daysSince1970(year, month, day) * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000;
}

/** The year begins in March here, so that the leap day is its last. */
function daysSince1970(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return 365 * y + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) + dayOfYear - 719_468;
}

/** Days since 1970-01-01 to the Gregorian calendar (H. Hinnant, "chrono-compatible low-level date algorithms"). */
function civil(dayNumber: number): { year: number; month: number; day: number } {
  const z = dayNumber + 719_468;
  const era = Math.floor(z / 146_097);
  const dayOfEra = z - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153); // March is 0
  const day = dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1;
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
