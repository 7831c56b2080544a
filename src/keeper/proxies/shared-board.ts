/** The memory of the status board: the server table, which the keeper alone writes, and a row for each process of a proxy. */
import { Board, type BoardShape } from '../../base/board.ts';
import { LISTENERS_MAX, SERVER_SLOTS_MAX } from '../../base/limits.ts';
import type { Host, SharedMemory } from '../../port/host.ts';
import { FIRST_ROW_DESCRIPTOR, TABLE_DESCRIPTOR } from './proxy-arguments.ts';

/** For each process and its successor, and one that was asked to go before both. */
const ROWS_PER_WORKER = 3;
/** Listeners that are gone keep their places while they drain. */
export const LISTENER_SLOTS = 2 * LISTENERS_MAX;

export class SharedBoard {
  readonly board: Board;
  private readonly table: SharedMemory;
  private readonly rows: readonly SharedMemory[];

  /** `workersMax`: the most proxies that a plan may have. */
  constructor(host: Host, workersMax: number) {
    const shape: BoardShape = {
      servers: SERVER_SLOTS_MAX,
      listeners: LISTENER_SLOTS,
      rows: workersMax * ROWS_PER_WORKER,
    };
    const { tableBytes, rowBytes } = Board.sizesFor(shape);
    this.table = host.createSharedMemory('evenkeel-servers', tableBytes, 'creator');
    this.rows = Array.from({ length: shape.rows }, (_, index) =>
      host.createSharedMemory(`evenkeel-proxy-${index}`, rowBytes, 'holder'),
    );
    this.board = Board.create({ table: this.table.buffer, rows: this.rows.map(({ buffer }) => buffer) }, shape);
  }

  /** Puts in their places what the process that has `row` inherits of it. */
  addTo(stdio: (number | 'ignore' | 'pipe')[], row: number): void {
    stdio[TABLE_DESCRIPTOR] = this.table.readOnlyDescriptor;
    this.rows.forEach((memory, i) => {
      stdio[FIRST_ROW_DESCRIPTOR + i] = i === row ? memory.descriptor : memory.readOnlyDescriptor;
    });
  }
}
