/**
 * Failed tries, counted on the board and reported once per server and turn, however many there are. What was this machine's
 * own shortage is no failure of the server's: it is counted apart, and reported once a second.
 */
import type { WorkerRow } from '../base/board.ts';
import {
  FAILED_BAD_RESPONSE,
  FAILED_CONNECT,
  FAILED_CONNECT_TIMEOUT,
  FAILED_NO_BUFFER,
  FAILED_NO_PORT,
  FAILED_RESET,
  FAILED_RESPONSE_TIMEOUT,
  isLocalFailure,
} from '../core/retry.ts';
import type { ProxyEvent } from '../port/control.ts';

export class FailureLog {
  private readonly row: WorkerRow;
  private readonly report: (event: ProxyEvent) => void;
  private readonly counts = new Map<number, { count: number; reason: string }>();
  private readonly withoutPort = new Map<number, number>();
  private readonly withoutResource = new Map<number, number>();

  constructor(row: WorkerRow, report: (event: ProxyEvent) => void) {
    this.row = row;
    this.report = report;
  }

  note(slot: number, how: number, status: number): void {
    if (isLocalFailure(how)) {
      this.noteShortage(slot, how);
      return;
    }
    this.row.countServerFailure(slot);
    const entry = this.counts.get(slot);
    if (entry === undefined) this.counts.set(slot, { count: 1, reason: reasonText(how, status) });
    else entry.count++;
  }

  private noteShortage(slot: number, how: number): void {
    // of the buffers tells whoever owns them: they have nothing to do with the server
    if (how === FAILED_NO_BUFFER) return;
    this.row.countServerShortage(slot);
    const counts = how === FAILED_NO_PORT ? this.withoutPort : this.withoutResource;
    counts.set(slot, (counts.get(slot) ?? 0) + 1);
  }

  /** Once a turn. */
  flush(): void {
    if (this.counts.size === 0) return;
    for (const [slot, { count, reason }] of this.counts) this.report({ kind: 'server-failed', slot, reason, count });
    this.counts.clear();
  }

  /** Once a second. */
  flushShortages(): void {
    for (const [slot, count] of this.withoutPort) this.report({ kind: 'shortage', slot, shortage: 'port', count });
    for (const [slot, count] of this.withoutResource)
      this.report({ kind: 'shortage', slot, shortage: 'resource', count });
    this.withoutPort.clear();
    this.withoutResource.clear();
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
