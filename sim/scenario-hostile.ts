/** The drawn hostile clients: which smuggling attempt each makes, or how a valid request is mutated. */
import { addressText } from '../src/base/address.ts';
import type { Prng } from '../src/base/prng.ts';
import type { Plan } from '../src/config/plan/plan.ts';
import { SMUGGLING } from './peers/smuggling.ts';
import type { Fault } from './faults.ts';

export interface HostileClientSpec {
  readonly id: number;
  readonly seed: number;
  readonly address: string;
  readonly listener: string;
  readonly startUs: number;
  /** Index into SMUGGLING, or -1: a mutation of a valid request. */
  readonly attempt: number;
  readonly mutations: number;
}

/** Apart from the numbers of the others. */
export const FIRST_HOSTILE_CLIENT = 2000;

export function drawHostileClients(prng: Prng, plan: Plan, faults: ReadonlySet<Fault>): HostileClientSpec[] {
  const clients: HostileClientSpec[] = [];
  if (!faults.has('hostileClients')) return clients;
  const listeners = plan.listeners.filter((listener) => listener.protocol === 'http');
  const count = 1 + prng.below(12);
  for (let i = 0; i < count; i++) {
    const { binds } = listeners[prng.below(listeners.length)];
    clients.push({
      id: FIRST_HOSTILE_CLIENT + i,
      seed: prng.nextU32(),
      address: `10.4.0.${1 + i}:${33_000 + i}`,
      listener: addressText(binds[prng.below(binds.length)].address),
      startUs: prng.below(2_000_000),
      attempt: prng.oneIn(2) ? prng.below(SMUGGLING.length) : -1,
      mutations: 1 + prng.below(4),
    });
  }
  return clients;
}
