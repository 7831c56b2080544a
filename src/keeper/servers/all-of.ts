/** A check of several parts (`health.also`): they are asked one after the other, and all of them have to pass. */
import type { HealthPlan } from '../../config/plan/health.ts';
import { checkText } from '../api/check-text.ts';
import type { ProbeResult } from './probe.ts';

/** `ask`: of a check of one part. The reason is the last one's that was asked, with what that was. */
export async function askAll(health: HealthPlan, ask: (one: HealthPlan) => Promise<ProbeResult>): Promise<ProbeResult> {
  const { also = [], ...first } = health;
  let result = await ask(first);
  const { address: _, ...shared } = first;
  for (const { isClear, ...part } of also) {
    if (result.isPassed !== true) break;
    const one = { ...shared, ...part, tls: isClear ? null : first.tls };
    const { weight } = result;
    const { isPassed, reason, ...said } = await ask(one);
    result = { ...(weight === undefined ? {} : { weight }), ...said, isPassed, reason: `${checkText(one)}: ${reason}` };
  }
  return result;
}
