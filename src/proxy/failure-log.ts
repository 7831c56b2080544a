/**
 * Failed tries, counted on the board and reported once per server and turn, however many there are. What was this machine's
 * own shortage is no failure of the server's: it is counted apart, and reported once a second.
 */
import type { WorkerRow } from '../base/board.ts';
import {
  type Failure,
  type LocalFailure,
  FAILED_NO_BUFFER,
  FAILED_NO_PORT,
  FAILED_WITHDRAWN,
  isLocalFailure,
} from '../core/retry.ts';
import type { ProxyEvent } from '../port/control.ts';
import type { Place } from '../core/slots.ts';
import { failureText } from './failure-text.ts';

export interface FailedPlace extends Place {
  /** With FAILED_TLS: why. */
  readonly tlsFailure?: string;
}

export class FailureLog {
  private readonly row: WorkerRow;
  private readonly report: (event: ProxyEvent) => void;
  /** By place: each server has its own, also one whose slot was another's. */
  private readonly counts = new Map<Place, { count: number; reason: string }>();
  private readonly withoutPort = new Map<Place, number>();
  private readonly withoutResource = new Map<Place, number>();

  constructor(row: WorkerRow, report: (event: ProxyEvent) => void) {
    this.row = row;
    this.report = report;
  }

  /** `place`: the same object for the same server. */
  note(place: FailedPlace, how: Failure, status: number): void {
    if (isLocalFailure(how)) {
      this.noteShortage(place, how);
      return;
    }
    this.row.countServerFailure(place.slot);
    const entry = this.counts.get(place);
    if (entry === undefined) this.counts.set(place, { count: 1, reason: failureText(how, status, place.tlsFailure) });
    else entry.count++;
  }

  private noteShortage(place: Place, how: LocalFailure): void {
    // The arena tells of its shortage; a server that was taken out is short of nothing.
    if (how === FAILED_NO_BUFFER || how === FAILED_WITHDRAWN) return;
    this.row.countServerShortage(place.slot);
    const counts = how === FAILED_NO_PORT ? this.withoutPort : this.withoutResource;
    counts.set(place, (counts.get(place) ?? 0) + 1);
  }

  /** Once a turn. */
  flush(): void {
    if (this.counts.size === 0) return;
    for (const [{ slot, epoch }, { count, reason }] of this.counts) {
      this.report({ kind: 'server-failed', slot, epoch, reason, count });
    }
    this.counts.clear();
  }

  /** Once a second. */
  flushShortages(): void {
    this.reportShortages('port', this.withoutPort);
    this.reportShortages('resource', this.withoutResource);
  }

  private reportShortages(shortage: 'port' | 'resource', counts: Map<Place, number>): void {
    for (const [{ slot, epoch }, count] of counts) this.report({ kind: 'shortage', slot, epoch, shortage, count });
    counts.clear();
  }
}
