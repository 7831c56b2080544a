/**
 * What all proxies together have counted of traffic, by the names of things: the sum of the rows of the board, without what a former owner of a
 * place had counted there, and with what the keepers before this one had. So it never falls: not when a plan is applied, a proxy dies (its
 * row keeps what it has counted), or another program takes over.
 */
import type { Board, WorkerRow } from '../../base/board.ts';
import {
  LISTENER_CELLS,
  PROCESS_CELLS,
  ROUTE_UNIT,
  ROUTE_UNITS_TIMED,
  SERVER_CELLS,
  type TrafficCells,
  UPSTREAM_CELLS,
} from '../../base/traffic-cells.ts';
import type { CountedPlan } from '../../config/plan/record.ts';
import type { ListenerPlan } from '../../config/plan/listener.ts';
import type { Plan } from '../../config/plan/plan.ts';
import type { ServerPlan, UpstreamPlan } from '../../config/plan/upstream.ts';

const KINDS = ['listener', 'route', 'upstream', 'server', 'process'] as const;
type Kind = (typeof KINDS)[number];

/** Something that is counted: its place on the board, and what it is known by wherever that is. */
export interface Counted {
  readonly kind: Kind;
  readonly key: string;
  readonly slot: number;
  readonly cells: number;
}

/** For a successor: cells in the order of base/traffic-cells.ts, which only grows, without zeros at the end. */
export interface TrafficMemory {
  readonly kind: string;
  readonly key: string;
  readonly cells: readonly number[];
}

export function ofListener({ name, protocol, slot }: ListenerPlan): Counted {
  return { kind: 'listener', key: `${name}\n${protocol}`, slot, cells: LISTENER_CELLS };
}

export function ofRoute({ name }: ListenerPlan, { route, upstream, isTimed, slot }: CountedPlan): Counted {
  const cells = isTimed ? ROUTE_UNIT * ROUTE_UNITS_TIMED : ROUTE_UNIT;
  return { kind: 'route', key: `${name}\n${route}\n${upstream}`, slot, cells };
}

export function ofUpstream({ name, slot }: UpstreamPlan): Counted {
  return { kind: 'upstream', key: name, slot, cells: UPSTREAM_CELLS };
}

/** `slot`: one of the server's own. */
export function ofServer(upstream: UpstreamPlan, server: ServerPlan, slot: number): Counted {
  const key = `${upstream.name}\n${server.name}\n${slot - server.firstSlot}`;
  return { kind: 'server', key, slot, cells: SERVER_CELLS };
}

function cellsByKey(): ReadonlyMap<Kind, Map<string, Float64Array>> {
  return new Map(KINDS.map((kind) => [kind, new Map<string, Float64Array>()]));
}

const CELLS_MAX = Math.max(LISTENER_CELLS, ROUTE_UNIT * ROUTE_UNITS_TIMED, UPSTREAM_CELLS, SERVER_CELLS, PROCESS_CELLS);

/** What belongs to none of these. */
const OF_PROCESSES: Counted = { kind: 'process', key: '', slot: 0, cells: PROCESS_CELLS };

export class TrafficTotals {
  private readonly board: Board;
  /** By kind and slot: whose it is, and what others had counted there before. */
  private readonly owners = new Map(KINDS.map((kind) => [kind, [] as string[]]));
  private readonly before = new Map(KINDS.map((kind) => [kind, new Map<number, Float64Array>()]));
  /** By kind and key: of the keepers before this one. */
  private former = cellsByKey();
  /** There are thousands of sums in a scrape. */
  private readonly scratch = new Float64Array(CELLS_MAX);

  constructor(board: Board) {
    this.board = board;
  }

  /** A plan holds, with its places. What it does not have is counted from zero if it comes again. */
  apply(plan: Plan): void {
    const former = cellsByKey();
    for (const counted of everything(plan)) {
      const { kind, key, slot } = counted;
      const cells = this.former.get(kind)!.get(key);
      if (cells !== undefined) former.get(kind)!.set(key, cells);
      const owners = this.owners.get(kind)!;
      if (owners[slot] !== undefined && owners[slot] !== key)
        this.before.get(kind)!.set(slot, this.sum(counted).slice(0, counted.cells));
      owners[slot] = key;
    }
    this.former = former;
  }

  /** Its cells, as of base/traffic-cells.ts, and others behind them. They hold until the next call. */
  of(counted: Counted): Float64Array {
    const { kind, key, slot } = counted;
    const cells = this.sum(counted);
    const before = this.before.get(kind)!.get(slot);
    const former = this.former.get(kind)!.get(key);
    // a place may have become longer
    for (let i = 0; i < counted.cells; i++) cells[i] += (former?.[i] ?? 0) - (before?.[i] ?? 0);
    return cells;
  }

  ofProcesses(): Float64Array {
    return this.of(OF_PROCESSES);
  }

  /** For a successor. */
  memories(plan: Plan): readonly TrafficMemory[] {
    return [...everything(plan)].flatMap((counted) => {
      const cells = this.of(counted);
      let used = counted.cells;
      while (used > 0 && cells[used - 1] === 0) used--;
      return used === 0 ? [] : [{ kind: counted.kind, key: counted.key, cells: [...cells.subarray(0, used)] }];
    });
  }

  /** Of the predecessor. */
  recall(memories: readonly TrafficMemory[]): void {
    for (const { kind, key, cells } of memories) this.former.get(kind as Kind)?.set(key, Float64Array.from(cells));
  }

  /** The same, of what was counted since. */
  add(late: readonly TrafficMemory[]): void {
    for (const { kind, key, cells } of late) {
      const known = this.former.get(kind as Kind)?.get(key);
      const length = Math.max(cells.length, known?.length ?? 0);
      const sum = Array.from({ length }, (_, i) => (cells[i] ?? 0) + (known?.[i] ?? 0));
      this.recall([{ kind, key, cells: sum }]);
    }
  }

  private sum({ kind, slot, cells: count }: Counted): Float64Array {
    const { board, scratch } = this;
    scratch.fill(0, 0, count);
    for (let i = 0; i < board.shape.rows; i++) {
      const row = board.worker(i);
      if (row.isUsed) add(scratch, count, row, PLACES[kind](row.traffic, slot));
    }
    return scratch;
  }
}

/** What a proxy has written there is added if it can be a count. */
function add(total: Float64Array, count: number, { traffic: { cells } }: WorkerRow, at: number): void {
  for (let i = 0; i < count; i++) {
    const cell = cells[at + i];
    if (cell > 0 && cell <= Number.MAX_SAFE_INTEGER) total[i] += cell;
  }
}

const PLACES: Readonly<Record<Kind, (cells: TrafficCells, slot: number) => number>> = {
  listener: (cells, slot) => cells.listener(slot),
  route: (cells, slot) => cells.route(slot),
  upstream: (cells, slot) => cells.upstream(slot),
  server: (cells, slot) => cells.server(slot),
  process: () => 0,
};

/** Requests that are counted apart, in the order of the configuration; for some there may be no place. */
export function countedRoutes({
  listeners,
}: Pick<Plan, 'listeners'>): readonly { readonly listener: ListenerPlan; readonly counted: CountedPlan }[] {
  return listeners.flatMap((listener) =>
    listener.counted.filter(({ slot }) => slot >= 0).map((counted) => ({ listener, counted })),
  );
}

function* everything({ listeners, upstreams }: Plan): Generator<Counted> {
  yield OF_PROCESSES;
  for (const listener of listeners) {
    yield ofListener(listener);
    for (const counted of listener.counted) if (counted.slot >= 0) yield ofRoute(listener, counted);
  }
  for (const upstream of upstreams) {
    yield ofUpstream(upstream);
    for (const server of upstream.servers)
      for (let i = 0; i < server.slotCount; i++) yield ofServer(upstream, server, server.firstSlot + i);
  }
}
