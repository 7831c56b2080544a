/**
 * The status board: what the processes of one evenkeel know of each other without asking. One mapping for the server table,
 * which only the keeper can write; and one for each proxy, which only that proxy can write, with its counters and its
 * heartbeat. Nobody waits for anybody, and no message is sent per request.
 */
import { assert } from './assert.ts';
import { type BoardShape, type ServerSlot, ServerTable } from './server-table.ts';
import { WorkerRow } from './worker-row.ts';

export {
  SERVER_DOWN,
  SERVER_DRAINING,
  SERVER_EJECTED,
  SERVER_EMPTY,
  SERVER_UP,
  WEIGHT_UNIT,
  emptySlot,
  type BoardShape,
  type ServerSlot,
  type ServerState,
} from './server-table.ts';
export {
  MEMORY_EXHAUSTED,
  MEMORY_PLENTY,
  MEMORY_SHORT,
  MEMORY_TIGHT,
  WORKER_DRAINING,
  WORKER_SERVING,
  WORKER_STARTING,
  type MemoryLevel,
  type SlotUse,
  type WorkerRow,
} from './worker-row.ts';

/** Its mappings, as each process has them. */
export interface BoardMemory {
  readonly table: ArrayBufferLike;
  /** One for each process that there may be. */
  readonly rows: readonly ArrayBufferLike[];
}

/** What its mappings must hold. */
export interface BoardSizes {
  readonly tableBytes: number;
  readonly rowBytes: number;
}

export class Board {
  readonly shape: BoardShape;
  private readonly table: ServerTable;
  private readonly rows: readonly WorkerRow[];

  static sizesFor(shape: BoardShape): BoardSizes {
    return { tableBytes: ServerTable.bytesFor(shape), rowBytes: WorkerRow.bytesFor(shape) };
  }

  /** A new board in zeroed memory, by the keeper. */
  static create(memory: BoardMemory, shape: BoardShape): Board {
    return new Board(ServerTable.create(memory.table, shape), memory.rows);
  }

  /** A board that somebody else created. */
  static open(memory: BoardMemory): Board {
    return new Board(new ServerTable(memory.table), memory.rows);
  }

  /** A new board that no other process sees. */
  static createAlone(shape: BoardShape): Board {
    const { tableBytes, rowBytes } = Board.sizesFor(shape);
    const rows = Array.from({ length: shape.rows }, () => new ArrayBuffer(rowBytes));
    return Board.create({ table: new ArrayBuffer(tableBytes), rows }, shape);
  }

  private constructor(table: ServerTable, rows: readonly ArrayBufferLike[]) {
    this.table = table;
    this.shape = table.shape;
    assert(rows.length === this.shape.rows, 'one mapping for each row');
    this.rows = rows.map((row) => new WorkerRow(row, this.shape));
  }

  // --- the server table: keeper writes, proxies read ---

  /** Changes with every change of the table. */
  get generation(): number {
    return this.table.generation;
  }

  /** How many proxies there are to be; the keeper says it. */
  get workers(): number {
    return this.table.workers;
  }
  set workers(workers: number) {
    this.table.workers = workers;
  }

  /** Keeper: applies `change` as one change. */
  update(change: (set: (slot: number, value: ServerSlot) => void) => void): void {
    this.table.update(change);
  }

  /** Keeper: reads one slot. */
  readServer(slot: number, into: ServerSlot): void {
    this.table.read(slot, into);
  }

  /** Calls `apply` for every slot in use, of one generation, and returns it; or calls nothing and returns -1: look again later. */
  readTable(scratch: ServerSlot, apply: (slot: number, value: ServerSlot) => void): number {
    return this.table.readAll(scratch, apply);
  }

  // --- the rows: each proxy writes its own ---

  /** The row of one process. */
  worker(row: number): WorkerRow {
    assert(row >= 0 && row < this.rows.length, 'row out of range');
    return this.rows[row];
  }

  /** Connections of clients, of all proxies. */
  listenerConnections(slot: number): number {
    let sum = 0;
    for (let i = 0; i < this.rows.length; i++) sum += this.rows[i].listenerConnections(slot);
    return sum;
  }

  /** Connections in use to a server, of all proxies. */
  serverConnections(slot: number): number {
    let sum = 0;
    for (let i = 0; i < this.rows.length; i++) sum += this.rows[i].serverConnections(slot);
    return sum;
  }
}
