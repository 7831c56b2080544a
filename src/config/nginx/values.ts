/** Times and sizes as nginx writes them (ngx_parse.c). */

const MS_PER: readonly (readonly [unit: string, ms: number])[] = [
  ['y', 365 * 86_400_000],
  ['M', 30 * 86_400_000],
  ['w', 7 * 86_400_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
];

/**
 * Milliseconds, or null. Units descend, each at most once; a number without one is seconds and comes last. `isSeconds`: of a
 * directive that counts whole seconds: it takes years and months, and no milliseconds.
 */
export function parseTime(text: string, isSeconds = false): number | null {
  if (text === '') return null;
  let total = 0;
  let rank = isSeconds ? -1 : 1;
  let rest = text;
  while (rest !== '') {
    const match = /^([0-9]{1,15})(ms|[yMwdhms]?) */.exec(rest);
    if (match === null) return null;
    const unit = match[2] === '' ? 's' : match[2];
    const next = MS_PER.findIndex(([name]) => name === unit);
    if (next <= rank || (isSeconds && unit === 'ms')) return null;
    // seconds without a unit are the last
    rank = match[2] === '' ? MS_PER.length : next;
    total += Number(match[1]) * MS_PER[next][1];
    rest = rest.slice(match[0].length);
  }
  return Number.isSafeInteger(total) ? total : null;
}

/** Bytes, or null. `isOffset`: of a directive that takes gigabytes too. */
export function parseNginxSize(text: string, isOffset = false): number | null {
  const match = /^([0-9]{1,15})([kKmMgG]?)$/.exec(text);
  if (match === null) return null;
  const unit = match[2].toLowerCase();
  if (unit === 'g' && !isOffset) return null;
  const bytes = Number(match[1]) * { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 }[unit]!;
  return Number.isSafeInteger(bytes) ? bytes : null;
}
