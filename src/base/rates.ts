/** What lies between two looks at counters. One that is lower than before began anew: nothing is known of the time between. */

export function perSecond(before: number, after: number, seconds: number): number {
  return seconds > 0 ? Math.max(0, after - before) / seconds : 0;
}

/** What was added to each of them. `before`: what is not in it was nothing. */
export function growthOf(before: readonly number[], after: readonly number[]): readonly number[] {
  return after.map((count, i) => Math.max(0, count - (before[i] ?? 0)));
}

/**
 * Below which value this part of what was counted is, by buckets that are below 1, 2, 4, ..., each without those before; as Prometheus reckons:
 * inside of one it is taken to be spread evenly. Null: nothing was counted.
 */
export function quantileOf(buckets: readonly number[], part: number): number | null {
  const rank = buckets.reduce((sum, count) => sum + count, 0) * part;
  if (rank === 0) return null;
  let below = 0;
  for (const [i, count] of buckets.entries()) {
    if (below + count >= rank) {
      const from = i === 0 ? 0 : 2 ** (i - 1);
      return from + (2 ** i - from) * ((rank - below) / count);
    }
    below += count;
  }
  return 2 ** (buckets.length - 1);
}
