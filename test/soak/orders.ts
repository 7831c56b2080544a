/** What is done to the pair in a soak, and what of the traffic may fail by it. */
import { OLD_GENERATIONS_MAX } from '../../src/core/fleet/generations.ts';
import { CLOSED, type Failure } from '../campaign/traffic.ts';

export const ORDERS = [
  'reload',
  'upgrade',
  'kill a proxy',
  'kill the keeper',
  'hand over',
  'stop and start',
  'kill a node',
] as const;
export type Order = (typeof ORDERS)[number];

/** An order, and the rest until the next one. */
export interface Deed {
  readonly order: Order;
  readonly host: string;
  /** It was the one with the address. */
  readonly isActive: boolean;
  /** Milliseconds since 1970. */
  readonly beganAt: number;
  /** All serve again, and the address is where it belongs. */
  readonly settledAt: number;
}

/** What a client sees of a connection that ends under it. */
const CUT = new Set(['ECONNRESET', 'EPIPE', CLOSED]);

/** What makes a node give its addresses to the other one. */
const GIVES_UP: ReadonlySet<Order> = new Set<Order>(['kill a proxy', 'kill the keeper', 'stop and start']);

/** What each of them may cost, as docs/soak.md says it too. */
export const COSTS: Readonly<Record<Order, string>> = {
  reload: 'nothing',
  upgrade: `nothing, but what is older than ${OLD_GENERATIONS_MAX} upgrades of its node`,
  'kill a proxy':
    'what that proxy has; of the active node, whose addresses move (`track: proxy`), all connections that are there',
  'kill the keeper': 'of the active node: connections that were there before; no request over a new one',
  'hand over': 'the same',
  'stop and start': 'the same',
  'kill a node': 'whatever there is until the other node has the address',
};

function movesBy({ isActive, order }: Deed): boolean {
  return isActive && (order === 'hand over' || order === 'kill a node' || GIVES_UP.has(order));
}

/** Why it is right that this has failed; null: it is not. `deeds`: all that were done so far, in their order. */
export function excuseOf(failure: Failure, deeds: readonly Deed[]): string | null {
  const { atMs, kind, sinceMs, what } = failure;
  const last = deeds.findLast(({ beganAt }) => beganAt <= atMs);
  if (last === undefined) return null;
  const { order, isActive, settledAt } = last;
  const isOlder = sinceMs < settledAt;
  if (order === 'kill a proxy' && CUT.has(what)) return 'its proxy was killed';
  if (order === 'kill a node' && isActive) return 'its node was killed';
  if (movesBy(last) && isOlder && kind !== 'fresh') return 'its address has moved';
  // such a connection is dead, whoever tells its client, and when
  const movedBefore = deeds.some((deed) => movesBy(deed) && deed.beganAt <= atMs && deed.settledAt > sinceMs);
  if (movedBefore && kind !== 'fresh') return 'its address had moved, and its client was not told at once';
  const upgrades = deeds.filter((deed) => deed.order === 'upgrade' && deed.beganAt > sinceMs).length;
  if (upgrades > OLD_GENERATIONS_MAX && CUT.has(what)) return 'its program was the oldest of too many';
  return null;
}
