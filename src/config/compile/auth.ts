/** Whom a route asks who may enter, from the model to the plan. */
import { assert } from '../../base/assert.ts';
import { DEFAULTS } from '../model/defaults.ts';
import type { AuthConfig } from '../model/auth.ts';
import type { GuardPlan, QuestionPlan } from '../plan/route.ts';
import { parseDuration } from '../words/units.ts';

const REFUSALS = [401, 403];

export function compileAuth(auth: AuthConfig): GuardPlan {
  const { satisfy, delay } = { ...DEFAULTS.route.auth, ...auth };
  const questions: QuestionPlan[] = [];
  if (auth.ask !== undefined) questions.push(compileAsk(auth.ask));
  return { questions, isAnyEnough: satisfy === 'any', delayMs: parseDuration(delay) ?? 0 };
}

function compileAsk({ call, set = {}, to }: NonNullable<AuthConfig['ask']>): QuestionPlan {
  const rest = { set: Object.entries(set), refusals: REFUSALS };
  if (call !== undefined) return { to: { kind: 'call', name: call }, ...rest };
  assert(to !== undefined, 'one of two was checked');
  return { to: { kind: 'target', target: to }, ...rest };
}
