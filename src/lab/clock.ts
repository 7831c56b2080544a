/** One clock for all processes of a lab: they are on one machine, so the kernel's monotonic one is the same for all. */

export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** For times that other programs write by the wall clock. Right to half a millisecond, and as of now: the wall clock moves. */
export function monotonicOfUnixMs(unixMs: number): number {
  return monotonicMs() - (Date.now() + 0.5 - unixMs);
}

/** For people: when by the wall clock something was that happened just now. */
export function unixMsOfMonotonic(ms: number): number {
  return Date.now() - (monotonicMs() - ms);
}
