/**
 * What the keeper and the vip process say to each other over the control channel: one JSON object per line, as in
 * port/control.ts. Both are the same program, so that what is inside a message is not checked, only what it is.
 *
 * The channel's end is a message too: to the vip process it says that the keeper is gone, and it hands over and ends.
 */
import type { ServingVerdict } from '../core/vrrp/occupant.ts';
import type { Evidence } from '../core/vrrp/observer.ts';
import { parseObject } from '../port/control.ts';
import type { VipPlan } from './plan.ts';
import type { RestraintChange, RoleChange, RouterStatus } from './status.ts';

/** A plan for as many routers as there can be on a node, each with as many addresses as an advert holds. */
export const VIP_LINE_BYTES_MAX = 16 * 1024 * 1024;

/** A verdict on something of a router: that with this index among the tracked, its witnesses, or its lease. */
export type Verdict =
  | {
      readonly type: 'tracked';
      readonly router: string;
      readonly index: number;
      readonly isUp: boolean;
      /** What is added to the priority, if that is not the weight. */
      readonly amount?: number;
    }
  | { readonly type: 'witnesses'; readonly router: string; readonly passes: boolean }
  /** This node has the lease of it until then (CLOCK_BOOTTIME, microseconds; 0: it has not). `lease-known` with the number is said when that is taken. */
  | { readonly type: 'lease'; readonly router: string; readonly untilUs: number; readonly number: number };

interface PlanMessage<Type> {
  readonly type: Type;
  /** Grows from plan to plan. */
  readonly generation: number;
  readonly plan: VipPlan;
  readonly verdicts: readonly Verdict[];
}

/** The keeper to the vip process. */
export type KeeperToVip =
  /**
   * The first message: get everything ready by this plan, and say so. `predecessor`: the process that it stands by for, whose
   * changes to the machine are its own when that is gone; null: none.
   */
  | (PlanMessage<'prepare'> & { readonly predecessor: number | null })
  /** Go by this plan from now on, and say so. The verdicts are all there are. */
  | PlanMessage<'apply'>
  /** Take part. Not waited for when the process that it stands by for is gone: it hears that itself. */
  | { readonly type: 'begin' }
  | Verdict
  /** `untilUs` null: until `resume`. */
  | { readonly type: 'hand-over'; readonly router: string; readonly untilUs: number | null }
  /** The answer to `ask-serving`. */
  | { readonly type: 'serving'; readonly router: string; readonly verdict: ServingVerdict }
  | { readonly type: 'resume'; readonly router: string }
  /** The one that it stands by for is another keeper's, which has no other one left: go on when it is gone, and say `watching`. */
  | { readonly type: 'watch' }
  /** End in a good moment and leave everything as it is: a process of another keeper goes on with it. */
  | { readonly type: 'yield' }
  /** Say `stopped` and end. Graceful: keep addresses until a peer has taken over. */
  | { readonly type: 'stop'; readonly isGraceful: boolean };

/** The vip process to the keeper. */
export type VipToKeeper =
  /** Stands by. */
  | { readonly type: 'ready'; readonly generation: number }
  | { readonly type: 'applied'; readonly generation: number }
  | { readonly type: 'watching' }
  /** Takes part. `scheduling`: how this process was made punctual, for people. */
  | { readonly type: 'started'; readonly scheduling: string }
  | { readonly type: 'change'; readonly change: RoleChange }
  | { readonly type: 'restraint'; readonly change: RestraintChange }
  /** To try whether anything serves at the addresses of this router. */
  | { readonly type: 'ask-serving'; readonly router: string }
  /** A peer has the addresses of this router: to end the connections that came to them. */
  | { readonly type: 'end-connections'; readonly router: string; readonly addresses: readonly string[] }
  | { readonly type: 'evidence'; readonly router: string; readonly evidence: Evidence }
  /** Now and then, for each router. */
  | { readonly type: 'status'; readonly status: RouterStatus }
  /** It goes by what was said last of the lease of this router. */
  | { readonly type: 'lease-known'; readonly router: string; readonly number: number }
  /** Something that the operator should know. */
  | { readonly type: 'note'; readonly message: string }
  | { readonly type: 'stopped' };

const KEEPER_TYPES: ReadonlySet<unknown> = new Set<KeeperToVip['type']>([
  'prepare',
  'apply',
  'begin',
  'tracked',
  'witnesses',
  'lease',
  'hand-over',
  'serving',
  'resume',
  'watch',
  'yield',
  'stop',
]);
const VIP_TYPES: ReadonlySet<unknown> = new Set<VipToKeeper['type']>([
  'ready',
  'applied',
  'watching',
  'started',
  'change',
  'restraint',
  'ask-serving',
  'end-connections',
  'evidence',
  'status',
  'lease-known',
  'note',
  'stopped',
]);

/** Null if it is not one of the messages. */
export function parseKeeperToVip(line: string): KeeperToVip | null {
  return parse(line, KEEPER_TYPES) as KeeperToVip | null;
}

/** Null if it is not one of the messages. */
export function parseVipToKeeper(line: string): VipToKeeper | null {
  return parse(line, VIP_TYPES) as VipToKeeper | null;
}

function parse(line: string, types: ReadonlySet<unknown>): unknown {
  const value = parseObject(line);
  return value !== null && types.has(value.type) ? value : null;
}
