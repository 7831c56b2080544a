/**
 * When it is time to warn that a certificate ends. Pure: each look brings the time and the certificates that are in use.
 * A certificate is warned of when a third, a tenth and a day of its time are left, and when it has ended; from a tenth on each day.
 */

export interface Lifetime {
  readonly id: string;
  /** Unix time. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

export type ExpiryStage = 'third' | 'tenth' | 'day' | 'ended';

const DAY_MS = 86_400_000;

/** Null: there is time. */
export function expiryStage({ notBeforeMs, notAfterMs }: Lifetime, nowMs: number): ExpiryStage | null {
  const leftMs = notAfterMs - nowMs;
  const wholeMs = notAfterMs - notBeforeMs;
  if (leftMs <= 0) return 'ended';
  // Of one that lives for three days, a day is no sign yet.
  if (leftMs <= Math.min(DAY_MS, wholeMs / 3)) return 'day';
  if (leftMs <= wholeMs / 10) return 'tenth';
  return leftMs <= wholeMs / 3 ? 'third' : null;
}

export class ExpiryWatch {
  /** By certificate: what was said last, and when. */
  private told = new Map<string, { readonly stage: ExpiryStage; readonly atMs: number }>();

  /** Those to warn of now. */
  handleLook<T extends Lifetime>(nowMs: number, certificates: readonly T[]): readonly T[] {
    const told: typeof this.told = new Map();
    const due = certificates.filter((certificate) => {
      const stage = expiryStage(certificate, nowMs);
      if (stage === null || told.has(certificate.id)) return false;
      const last = this.told.get(certificate.id);
      const isOld = last === undefined || last.stage !== stage || nowMs - last.atMs >= DAY_MS;
      const isDue = stage === 'third' ? last === undefined : isOld;
      told.set(certificate.id, isDue || last === undefined ? { stage, atMs: nowMs } : last);
      return isDue;
    });
    this.told = told;
    return due;
  }
}
