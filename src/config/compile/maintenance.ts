/** What is done first in routes that are closed by hand, and for whom it is not. */
import { parseNetwork } from '../words/addresses.ts';
import { assert } from '../../base/assert.ts';
import { answerRoute } from './routes.ts';
import { DEFAULTS } from '../model/defaults.ts';
import type { MaintenanceConfig } from '../model/maintenance.ts';
import type { StepPlan } from '../plan/route.ts';
import type { ValuePlan } from '../plan/value.ts';
import { parseDuration } from '../words/units.ts';

/** Says whether a client is one of those who are served. No value of a file is called so. */
const STAFF = '__maintenance_staff';

export function compileMaintenance(written: MaintenanceConfig): StepPlan {
  const { body, status } = { ...DEFAULTS.maintenance, ...written };
  const { allow, 'content-type': contentType, 'retry-after': retryAfter } = written;
  const seconds = retryAfter === undefined ? null : Math.ceil((parseDuration(retryAfter) ?? 0) / 1000);
  const set = {
    'Cache-Control': 'no-store',
    ...(seconds === null ? {} : { 'Retry-After': String(seconds) }),
  };
  const respond = { status, body, ...(contentType === undefined ? {} : { 'content-type': contentType }) };
  const page: StepPlan = { kind: 'take', route: answerRoute({ respond, headers: { response: { set } } }) };
  if (allow === undefined) return page;
  const test = { value: `{value:${STAFF}}`, is: null, regex: null, isNegated: true };
  return { kind: 'if', test, steps: [page] };
}

/** Values that the step asks for. */
export function valuesOfMaintenance({ allow }: MaintenanceConfig): readonly ValuePlan[] {
  if (allow === undefined) return [];
  const networks = allow.map((text) => {
    const network = parseNetwork(text).value;
    assert(network !== null, `${text} was checked`);
    return [network, '1'] as const;
  });
  return [{ kind: 'networks', name: STAFF, of: DEFAULTS.value.of, networks, unix: '', otherwise: '' }];
}
