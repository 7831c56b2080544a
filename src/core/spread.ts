/**
 * Closing many connections, spread over time: in one turn they would hold up everybody else, and whoever comes back would come back
 * at once.
 */

/** How many of `count` are closed now, `sinceMs` after the last ones, for all to be closed `leftMs` after those. */
export function closingsDue(count: number, sinceMs: number, leftMs: number): number {
  return sinceMs >= leftMs ? count : Math.ceil((count * sinceMs) / leftMs);
}
