/** Limits of bandwidth, from the model to the plan. */
import { DEFAULTS } from '../model/defaults.ts';
import type { BandwidthConfig, TcpBandwidthConfig } from '../model/bandwidth.ts';
import type { BandwidthPlan } from '../plan/route.ts';
import type { TcpBandwidthPlan } from '../plan/listener.ts';
import { parseSize } from '../words/units.ts';

export function compileBandwidth({ after, field, rate }: BandwidthConfig): BandwidthPlan {
  return {
    rate: bytes(rate),
    after: bytes(after ?? DEFAULTS.bandwidth.after),
    field: field ?? null,
  };
}

/** Null: neither way has a limit. */
export function compileTcpBandwidth(written: TcpBandwidthConfig | undefined): TcpBandwidthPlan | null {
  const upload = bytes(written?.upload ?? 0);
  const download = bytes(written?.download ?? 0);
  return upload === '0' && download === '0' ? null : { upload, download };
}

/** As a template. */
function bytes(written: string | number): string {
  const text = String(written);
  return String(parseSize(text) ?? text);
}
