/** Whom a route asks who may enter, from the model to the plan. */
import { assert } from '../../base/assert.ts';
import { DEFAULTS } from '../model/defaults.ts';
import type { AuthConfig } from '../model/auth.ts';
import { listOf } from '../model/parts.ts';
import {
  CHECK_FIELD,
  CLAIM_FIELD,
  CLIENT_FIELD,
  CREDENTIALS_ADDRESS,
  CREDENTIALS_UPSTREAM,
  type CredentialChecks,
  REALM_FIELD,
  MARK,
  TOKEN_FIELD,
  TOO_MANY_GUESSES,
  USER_FIELD,
} from '../plan/credentials.ts';
import type { GuardPlan, QuestionPlan, RoutePlan } from '../plan/route.ts';
import type { UpstreamPlan } from '../plan/upstream.ts';
import { ownUpstream } from './own-upstream.ts';
import { parseDuration } from '../words/units.ts';

const REFUSALS = [401, 403];
/** Passwords may wait for others that are looked at. */
const TIME_MS_MAX = 30_000;
/** Of all proxies together. */
const CONNECTIONS_MAX = 2048;

/** `own`: a route of the program's own. */
export function compileAuth(auth: AuthConfig, checks: CredentialChecks, own: RoutePlan): GuardPlan {
  const { satisfy, delay } = { ...DEFAULTS.route.auth, ...auth };
  const questions: QuestionPlan[] = [];
  if (auth.basic !== undefined) questions.push(compileBasic(auth.basic, checks, own));
  if (auth.jwt !== undefined) questions.push(compileJwt(auth.jwt, checks, own));
  if (auth.ask !== undefined) questions.push(compileAsk(auth.ask));
  return { questions, isAnyEnough: satisfy === 'any', delayMs: parseDuration(delay) ?? 0 };
}

function compileBasic(basic: NonNullable<AuthConfig['basic']>, checks: CredentialChecks, own: RoutePlan): QuestionPlan {
  const { realm, set = {}, users } = { ...DEFAULTS.route.auth.basic, ...basic };
  const fields = [
    [CHECK_FIELD, checks.addUsers(users)],
    [REALM_FIELD, `${MARK}${realm}${MARK}`],
    [CLIENT_FIELD, '{client}'],
  ] as const;
  return {
    to: { kind: 'take', route: credentialRoute(own, fields) },
    set: Object.keys(set).map((name) => [name, `{response:${USER_FIELD}}`]),
    refusals: [...REFUSALS, TOO_MANY_GUESSES],
  };
}

function compileJwt(jwt: NonNullable<AuthConfig['jwt']>, checks: CredentialChecks, own: RoutePlan): QuestionPlan {
  const { audience, issuer = null, keys, leeway, set = {}, token } = { ...DEFAULTS.route.auth.jwt, ...jwt };
  const claims = [...new Set(Object.values(set))];
  const key = checks.addTokens(keys, {
    issuer,
    audiences: listOf(audience),
    leewayMs: parseDuration(leeway) ?? 0,
    claims,
  });
  const fields: [string, string][] = [[CHECK_FIELD, key]];
  if (token !== undefined) fields.push([TOKEN_FIELD, `${MARK}${token}${MARK}`]);
  return {
    to: { kind: 'take', route: credentialRoute(own, fields) },
    set: Object.entries(set).map(([name, claim]) => [name, `{response:${CLAIM_FIELD}${claims.indexOf(claim)}}`]),
    refusals: REFUSALS,
  };
}

/** To the process that knows them. Of a request it hears nothing but who it says that it is. */
function credentialRoute(own: RoutePlan, set: RoutePlan['requestHeaders']['set']): RoutePlan {
  return {
    ...own,
    action: {
      kind: 'proxy',
      upstream: CREDENTIALS_UPSTREAM,
      rewrite: { kind: 'target', target: '/' },
      timeoutMs: TIME_MS_MAX,
      retry: { attempts: 2, connect: true, reset: true, timeout: false, statuses: [], nonIdempotent: false },
      upgrade: false,
      bodyBytes: null,
      passesClaims: true,
      interceptsErrors: false,
    },
    requestHeaders: { set, add: [], remove: ['Cookie'] },
  };
}

function compileAsk({ call, set = {}, to }: NonNullable<AuthConfig['ask']>): QuestionPlan {
  const rest = { set: Object.entries(set), refusals: REFUSALS };
  if (call !== undefined) return { to: { kind: 'call', name: call }, ...rest };
  assert(to !== undefined, 'one of two was checked');
  return { to: { kind: 'target', target: to }, ...rest };
}

/** Of the process that knows them. */
export function credentialsUpstream(slot: number, firstSlot: number): UpstreamPlan {
  const own = {
    name: CREDENTIALS_UPSTREAM,
    server: 'credentials',
    host: CREDENTIALS_ADDRESS,
    connectionsMax: CONNECTIONS_MAX,
  };
  return ownUpstream(own, slot, firstSlot);
}
