/** What a campaign has seen: for whoever runs it, and, with EVENKEEL_RESULTS, as a line of JSON for the report. */
import { appendFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import type { Footprint } from './footprint.ts';

export type Campaign = 'changes' | 'kills' | 'kills under systemd';

export interface CampaignResult {
  readonly campaign: Campaign;
  readonly engine: string;
  readonly seed: number;
  readonly reloadMs: readonly number[];
  readonly upgradeMs: readonly number[];
  /** Upgrades to programs that cannot serve, by what is wrong with them. */
  readonly refused: Readonly<Record<string, number>>;
  /** By what was killed. */
  readonly kills: Readonly<Record<string, number>>;
  /** By kind of traffic. */
  readonly done: Readonly<Record<string, number>>;
  /** What failed and had to, by why. */
  readonly excused: Readonly<Record<string, number>>;
  /** What failed and must not. */
  readonly failures: number;
  /** Of each program in its turn, at the end of its time in charge. */
  readonly footprints: readonly Footprint[];
}

export function report(t: TestContext, result: CampaignResult): void {
  const { reloadMs, upgradeMs, refused, kills, done, excused, footprints } = result;
  t.diagnostic(`${reloadMs.length} reloads: ${spread(reloadMs)}; ${upgradeMs.length} upgrades: ${spread(upgradeMs)}`);
  t.diagnostic(`upgrades in vain: ${JSON.stringify(refused)}; kills: ${JSON.stringify(kills)}`);
  t.diagnostic(`done: ${JSON.stringify(done)}; failed as it had to: ${JSON.stringify(excused)}`);
  for (const footprint of footprints) t.diagnostic(JSON.stringify(footprint));
  const file = process.env['EVENKEEL_RESULTS'];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(result)}\n`);
}

function spread(times: readonly number[]): string {
  if (times.length === 0) return 'none';
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): string => sorted[Math.floor(share * (sorted.length - 1))].toFixed(0);
  return `${at(0.5)} ms in the median, ${at(0.99)} ms p99, ${at(1)} ms at most`;
}
