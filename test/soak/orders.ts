/** What is done to the pair in a soak, and what of the traffic may fail by it: what was bound to something that was lost, and nothing else. */
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

/** An order, and the rest until the next one. Times are milliseconds since 1970. */
export interface Deed {
  readonly order: Order;
  readonly host: string;
  readonly beganAt: number;
  /** All serve again, and the address is where it belongs. */
  readonly settledAt: number;
}

/** What each of them may cost, as docs/soak.md says it too. */
export const COSTS: Readonly<Record<Order, string>> = {
  reload: 'nothing',
  upgrade: `nothing, but what is older than ${OLD_GENERATIONS_MAX} upgrades of its node`,
  'kill a proxy':
    'what that proxy has; of the active node, whose addresses move (`track: proxy`), the connections to it that are there then',
  'kill the keeper': 'of the active node: the connections to it that are there when the address moves',
  'hand over': 'connections to the predecessor that take longer than half a second more, and none without a word',
  'stop and start': 'the same',
  'kill a node': 'the connections to it, and whoever connects while nobody has the address',
};

/** Why connections that were bound to something may end. */
export type Cause =
  | 'proxy' // it was killed
  | 'node' // all of it was
  | 'planned move' // both nodes were well: each connection has half a second to end, and its client is told
  | 'unplanned move' // a client that says nothing is not told
  | 'gap' // nobody has the address
  | 'upgrade'; // nothing ends by it alone

export interface Loss {
  readonly cause: Cause;
  /** Milliseconds since 1970. */
  readonly atMs: number;
  /** The clients' ports of what it had then, as the kernel of the node says. */
  readonly ports: ReadonlySet<number>;
  /** It may have had what began after this time without being among them. */
  readonly unseenFromMs: number;
  /** Of a gap: when somebody has the address again. Else the same as `atMs`. */
  untilMs: number;
  /** So late did this process run about then, which is as idle as any. */
  lateMs: number;
}

/** What a client sees of a connection that ends under it. */
const CUT = new Set(['ECONNRESET', 'EPIPE', CLOSED]);
/** What is seen by a kernel may be told a moment after a client has felt it. */
const TOLD_MS = 1_000;
/** A client of a planned move is told within 0.6 s, on a machine that is not busy. */
const ENDED_MS = 10_000;
/** 0.1 s after that the predecessor does not have the address any more, and cannot tell anybody: on a machine where things run later than that. */
const LATE_MS = 100;

const RULES: Readonly<Record<Cause, (failure: Failure, loss: Loss, all: readonly Loss[]) => string | null>> = {
  proxy: ({ what }) => (CUT.has(what) ? 'its proxy was killed' : null),
  node: () => 'its node was killed',
  'planned move': ({ kind, what, atMs }, { untilMs, lateMs }) => {
    if (kind === 'fresh') return null;
    if (CUT.has(what) && atMs <= untilMs + ENDED_MS) return 'its address has moved as planned';
    return lateMs > LATE_MS
      ? 'its address has moved as planned, and its client was not told: nobody ran in time'
      : null;
  },
  'unplanned move': ({ what }) =>
    CUT.has(what) ? 'its address has moved' : 'its address had moved, and its client was not told',
  gap: () => 'nobody had the address',
  upgrade: ({ what }, _, all) =>
    CUT.has(what) && all.filter(({ cause }) => cause === 'upgrade').length > OLD_GENERATIONS_MAX
      ? 'its program was the oldest of too many'
      : null,
};

/** Why it is right that this has failed; null: it is not. */
export function excuseOf(failure: Failure, losses: readonly Loss[]): string | null {
  const own = losses.filter((loss) => concerns(failure, loss));
  for (const loss of own) {
    const excuse = RULES[loss.cause](failure, loss, own);
    if (excuse !== null) return excuse;
  }
  return null;
}

/** The connection was there, and bound to what was lost. */
function concerns({ port, sinceMs, atMs }: Failure, { ports, unseenFromMs, atMs: lostMs, untilMs }: Loss): boolean {
  if (sinceMs > untilMs || atMs + TOLD_MS < lostMs) return false;
  return ports.has(port) || sinceMs >= unseenFromMs;
}
