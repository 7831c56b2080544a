/** Failed tries, counted on the board and reported once per server and turn, however many there are. */
import type { WorkerRow } from '../base/board.ts';
import {
  FAILED_BAD_RESPONSE,
  FAILED_CONNECT,
  FAILED_CONNECT_TIMEOUT,
  FAILED_RESET,
  FAILED_RESPONSE_TIMEOUT,
} from '../core/retry.ts';
import type { ProxyEvent } from './context.ts';

export class FailureLog {
  private readonly row: WorkerRow;
  private readonly report: (event: ProxyEvent) => void;
  private readonly counts = new Map<number, { count: number; reason: string }>();

  constructor(row: WorkerRow, report: (event: ProxyEvent) => void) {
    this.row = row;
    this.report = report;
  }

  note(slot: number, how: number, status: number): void {
    this.row.countServerFailure(slot);
    const entry = this.counts.get(slot);
    if (entry === undefined) this.counts.set(slot, { count: 1, reason: reasonText(how, status) });
    else entry.count++;
  }

  flush(): void {
    if (this.counts.size === 0) return;
    for (const [slot, { count, reason }] of this.counts) this.report({ kind: 'server-failed', slot, reason, count });
    this.counts.clear();
  }
}

function reasonText(how: number, status: number): string {
  switch (how) {
    case FAILED_CONNECT:
      return 'connection refused or unreachable';
    case FAILED_CONNECT_TIMEOUT:
      return 'no connection in time';
    case FAILED_RESET:
      return 'connection closed without a response';
    case FAILED_RESPONSE_TIMEOUT:
      return 'no response in time';
    case FAILED_BAD_RESPONSE:
      return 'invalid response';
    default:
      return `status ${status}`;
  }
}
