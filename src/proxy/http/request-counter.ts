/** Counts on the board the requests that have ended. */
import type { WorkerRow } from '../../base/board.ts';
import type { RequestReader, RequestRecord } from './request-record.ts';

export class RequestCounter implements RequestReader {
  private readonly row: WorkerRow;

  constructor(row: WorkerRow) {
    this.row = row;
  }

  handleRequest({ isRequest }: RequestRecord): void {
    if (isRequest) this.row.countRequest();
  }
}
