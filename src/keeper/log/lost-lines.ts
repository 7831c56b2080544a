/** Lines of access logs that are missing: those for which a proxy had no room, and those that one took along when it ended. */
import type { Board } from '../../base/board.ts';
import type { Log } from './log.ts';
import { type Recurring, RecurringLog } from './recurring-log.ts';

export class LostLines {
  private readonly board: Board;
  private readonly log: Log;
  private readonly recurring: RecurringLog;
  /** By row: how many of its dropped lines have been told. */
  private readonly told: number[];

  /** `now`: milliseconds of a monotonic clock. */
  constructor(board: Board, log: Log, now: () => number) {
    this.board = board;
    this.log = log;
    this.recurring = new RecurringLog(log, now);
    this.told = Array.from({ length: board.shape.rows }, (_, row) => board.worker(row).droppedLines);
  }

  /** To be called often: it tells seldom. */
  look(): void {
    this.told.forEach((told, row) => {
      const { droppedLines } = this.board.worker(row);
      if (droppedLines === told) return;
      this.told[row] = droppedLines;
      // of a process that has begun anew
      const isNew = droppedLines < told;
      this.recurring.handle('', DROPPED, isNew ? droppedLines : droppedLines - told, '');
    });
  }

  /** The process of this row has ended. */
  handleEnd(row: number): void {
    const { waitingLines } = this.board.worker(row);
    if (waitingLines <= 0) return;
    this.log.warn(`a proxy ended before access logs had all of its lines`, { lines: waitingLines });
  }

  stop(): void {
    this.recurring.stop();
  }
}

const DROPPED: Recurring = {
  level: 'warn',
  text: (count, within) =>
    `${count === 1 ? '1 line' : `${count} lines`} of access logs${within} dropped: what they are written to takes them too slowly`,
  details: { reason: 'lines-dropped' },
};
