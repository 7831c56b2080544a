/** Numbers and times as people read them. */

const STEPS: readonly (readonly [factor: number, unit: string])[] = [
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
];

/** Three digits: `0.4`, `12.3`, `1.2k`. */
export function short(value: number): string {
  for (const [factor, unit] of STEPS) if (value >= factor) return `${digits(value / factor)}${unit}`;
  return digits(value);
}

function digits(value: number): string {
  if (value === 0) return '0';
  if (value < 0.1) return '<0.1';
  return value < 100 ? value.toFixed(1).replace(/\.0$/, '') : Math.round(value).toString();
}

export function whole(value: number): string {
  return value.toLocaleString('en');
}

export function bytes(value: number): string {
  const text = short(value);
  return /[0-9]$/.test(text) ? `${text} B` : `${text.slice(0, -1)} ${text.at(-1)}B`;
}

/** `3 ms`, `1.2 s`. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1000) return `${digits(milliseconds)} ms`;
  return `${digits(milliseconds / 1000)} s`;
}

const UNITS: readonly (readonly [milliseconds: number, unit: string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
];

/** The largest unit that fits: `now`, `12 s`, `3 min`, `5 d`. */
export function age(milliseconds: number | null): string {
  if (milliseconds === null) return '–';
  for (const [size, unit] of UNITS) if (milliseconds >= size) return `${Math.floor(milliseconds / size)} ${unit}`;
  return 'now';
}

/** `3 min ago`. */
export function ago(milliseconds: number | null): string {
  const text = age(milliseconds);
  return text === 'now' || text === '–' ? text : `${text} ago`;
}

/** The time of a day, and the day if it is another one. */
export function clock(at: string, now: number): string {
  const date = new Date(at);
  const time = date.toLocaleTimeString('en-GB');
  return now - date.getTime() < 43_200_000
    ? time
    : `${date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })} ${time}`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${whole(count)} ${count === 1 ? one : many}`;
}
