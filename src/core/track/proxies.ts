/**
 * Whether this node's own data plane serves: a node whose proxies do not serve has no use for the address. Pure: what is seen
 * of the proxies comes in, a verdict comes out.
 *
 * Every proxy counts, because the kernel gives each its share of the new connections whether it serves them or not. One that
 * was killed is back in a fraction of a second, and connections wait for it: that is no reason to move the address. So a
 * proxy must be missing for a while, and all must be there for a while before the verdict changes back: a proxy that is
 * started again and again is not well in between.
 */
import { HeartbeatWatch } from '../heartbeat.ts';

/** The start of a proxy takes a quarter of this, and a collection of its garbage a tenth. */
export const MISSING_MS_MAX = 1_000;
/** Longer than the longest wait between the starts of a proxy that keeps failing. */
export const STEADY_MS = 3_000;

/** What is seen of one proxy: a number that changes while it serves; null while it is not there, or not ready. */
export type ProxyBeat = number | null;

export class ProxiesTrack {
  /** Null: they were never all there. */
  isUp: boolean | null = null;
  /** The proxy that has been missing longest, and for how long. */
  missing: { readonly index: number; readonly ms: number } = { index: 0, ms: 0 };
  private readonly watches: readonly HeartbeatWatch[];
  private readonly lastBeats: number[];
  private readonly lookIntervalMs: number;
  private lastLookMs = -1;
  private steadyMs = 0;

  /** How often `handleLook` is going to be called; time in which nobody looked counts for nothing. */
  constructor(proxies: number, lookIntervalMs: number) {
    this.watches = Array.from({ length: proxies }, () => new HeartbeatWatch(lookIntervalMs));
    this.lastBeats = Array.from({ length: proxies }, () => -1);
    this.lookIntervalMs = lookIntervalMs;
  }

  handleLook(nowMs: number, beats: readonly ProxyBeat[]): void {
    const passedMs = this.lastLookMs < 0 ? 0 : Math.min(nowMs - this.lastLookMs, 2 * this.lookIntervalMs);
    this.lastLookMs = nowMs;
    let missing = { index: 0, ms: 0 };
    for (let i = 0; i < this.watches.length; i++) {
      this.lastBeats[i] = beats[i] ?? this.lastBeats[i];
      const ms = this.watches[i].handleLook(nowMs, this.lastBeats[i]);
      if (ms > missing.ms) missing = { index: i, ms };
    }
    this.missing = missing;
    const areAllThere = missing.ms < MISSING_MS_MAX && beats.every((beat) => beat !== null);
    this.steadyMs = areAllThere ? this.steadyMs + passedMs : 0;
    if (this.isUp === null && areAllThere) this.isUp = true;
    else if (this.isUp === true && missing.ms >= MISSING_MS_MAX) this.isUp = false;
    else if (this.isUp === false && this.steadyMs >= STEADY_MS) this.isUp = true;
  }
}
