/** Which plan is in force, and what those before it still hold: places on the board that were given up and are not quiet yet. */
import type { GenerationsView } from '../../api/generations.ts';
import type { Board } from '../../base/board.ts';
import type { Plan } from '../../config/plan/plan.ts';
import type { Places } from '../../core/place.ts';
import type { LeftPlace } from '../../core/slots.ts';
import type { ProxyAccount } from '../proxies/supervisor.ts';

const HELD_MAX = 1_000;
/** Plans whose times are remembered. */
const TIMES_MAX = 1_000;

/** When each plan began to be in force. */
export class GenerationTimes {
  private readonly unixMs: () => number;
  private readonly times = new Map<number, number>();

  /** `unixMs`: milliseconds since 1970. */
  constructor(unixMs: () => number) {
    this.unixMs = unixMs;
  }

  note(generation: number): void {
    this.times.set(generation, this.unixMs());
    this.times.delete(generation - TIMES_MAX);
  }

  /** ISO 8601; null: not known any more. */
  textOf(generation: number): string | null {
    const at = this.times.get(generation);
    return at === undefined ? null : new Date(at).toISOString();
  }
}

export interface GenerationFacts {
  /** 0: none yet. */
  readonly generation: number;
  readonly plan: Plan;
  readonly board: Board;
  readonly places: Places;
  readonly proxies: readonly ProxyAccount[];
  readonly times: GenerationTimes;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

type Held = GenerationsView['draining'][number];

export function generationsView({
  board,
  generation,
  nowMs,
  places,
  plan,
  proxies,
  times,
}: GenerationFacts): GenerationsView {
  const held = (
    kind: Held['kind'],
    left: readonly LeftPlace[],
    connections: (slot: number) => number,
  ): readonly Held[] =>
    left.map(({ name, range, since }) => ({
      kind,
      name: kind === 'listener' ? name.slice(0, name.lastIndexOf(' ')) : name,
      generation: since,
      since: times.textOf(since),
      connections: sum(Array.from({ length: range.count }, (_, i) => connections(range.first + i))),
    }));
  const ofProxies = proxies
    .filter(({ row, state }) => state === 'draining' && row >= 0)
    .map(({ pid, row }): Held => {
      const counts = board.worker(row);
      const connections = sum(plan.listeners.map(({ slot }) => counts.listenerConnections(slot)));
      return { kind: 'proxy', name: `pid ${pid}`, generation: null, since: null, connections };
    });
  const draining = [
    ...held('listener', places.listeners.left, (slot) => board.listenerConnections(slot)),
    ...held('server', places.servers.left, (slot) => board.serverConnections(slot)),
    ...ofProxies,
  ];
  return {
    generation,
    since: times.textOf(generation) ?? new Date(nowMs).toISOString(),
    draining: draining.filter(({ connections, kind }) => connections > 0 || kind === 'proxy').slice(0, HELD_MAX),
  };
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, one) => total + one, 0);
}
