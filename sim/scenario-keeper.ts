/** What the stand-in keeper does to the status board, and what happens to the servers that it watches. */
import { Prng } from '../src/base/prng.ts';
import type { AdminState } from '../src/config/plan/upstream.ts';
import type { Plan } from '../src/config/plan/plan.ts';
import type { Fault } from './faults.ts';
import type { ServerSpec } from './scenario-plan.ts';

export type KeeperStep =
  | {
      readonly atUs: number;
      readonly kind: 'state';
      readonly slot: number;
      readonly state: 'up' | 'down' | 'ejected' | 'empty';
    }
  | { readonly atUs: number; readonly kind: 'override'; readonly slot: number; readonly state: AdminState }
  | { readonly atUs: number; readonly kind: 'weight'; readonly slot: number; readonly share: number }
  /** The server answers at a new address from now on, and the board learns of it after `lagUs`. */
  | { readonly atUs: number; readonly kind: 'move'; readonly slot: number; readonly lagUs: number }
  /** How the server answers connection attempts. */
  | {
      readonly atUs: number;
      readonly kind: 'reach';
      readonly slot: number;
      readonly mode: 'accept' | 'refuse' | 'drop' | 'unreachable';
    };

export interface KeeperSpec {
  readonly steps: readonly KeeperStep[];
}

const SPAN_US = 4_000_000;

function drawOverrides(prng: Prng, servers: readonly ServerSpec[], steps: KeeperStep[]): void {
  for (let i = 2 + prng.below(20); i > 0; i--) {
    const { slot } = servers[prng.below(servers.length)];
    const state = (['drain', 'drain', 'disabled', 'enabled'] as const)[prng.below(4)];
    steps.push({ atUs: prng.below(SPAN_US), kind: 'override', slot, state });
  }
}

export function drawKeeper(
  prng: Prng,
  _plan: Plan,
  servers: readonly ServerSpec[],
  faults: ReadonlySet<Fault>,
): KeeperSpec {
  const steps: KeeperStep[] = [];
  const draw = (): { atUs: number; slot: number } => ({
    atUs: prng.oneIn(4) ? 0 : prng.below(SPAN_US),
    slot: servers[prng.below(servers.length)].slot,
  });
  const repeat = (isOn: boolean, step: () => void): void => {
    for (let i = isOn ? 1 + prng.below(6) : 0; i > 0; i--) step();
  };
  repeat(faults.has('flaps'), () => {
    steps.push({ ...draw(), kind: 'state', state: (['up', 'down', 'ejected', 'empty', 'up'] as const)[prng.below(5)] });
  });
  repeat(prng.oneIn(4), () => steps.push({ ...draw(), kind: 'weight', share: 1 + prng.below(256) }));
  repeat(faults.has('moves'), () =>
    steps.push({ ...draw(), kind: 'move', lagUs: prng.oneIn(2) ? 0 : prng.below(1_000_000) }),
  );
  for (const [fault, mode] of [
    ['refusing', 'refuse'],
    ['blackholes', 'drop'],
    ['unreachable', 'unreachable'],
  ] as const) {
    repeat(faults.has(fault), () => {
      const { atUs, slot } = draw();
      steps.push({ atUs, slot, kind: 'reach', mode });
      if (!prng.oneIn(3)) steps.push({ atUs: atUs + prng.below(2_000_000), slot, kind: 'reach', mode: 'accept' });
    });
  }
  if (faults.has('overrides')) drawOverrides(new Prng(prng.nextU32()), servers, steps);
  return { steps: steps.sort((x, y) => x.atUs - y.atUs) };
}
