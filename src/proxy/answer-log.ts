/**
 * The answers that this proxy gives by itself because something is wrong: counted on the board by kind, and reported to the
 * keeper once a second by listener or upstream and kind, with the identifier of one of the requests. Nothing of it is on the
 * way of a request that is answered by a server.
 */
import { latin1 } from '../base/text.ts';
import type { WorkerRow } from '../base/board.ts';
import type { ProxyEvent } from '../port/control.ts';
import { ErrorLog } from './error-log.ts';
import type { RequestReader, RequestRecord } from './http/request-record.ts';

const NO_BYTES: Uint8Array = new Uint8Array(0);

interface Entry {
  count: number;
  sample: string;
}

export class AnswerLog implements RequestReader {
  private readonly row: WorkerRow;
  private readonly report: (event: ProxyEvent) => void;
  /** Each of them by itself. */
  private readonly errors: ErrorLog;
  /** By the name of the listener or upstream, by kind. */
  private readonly entries = new Map<string, Map<number, Entry>>();

  constructor(row: WorkerRow, report: (event: ProxyEvent) => void) {
    this.row = row;
    this.report = report;
    this.errors = new ErrorLog(report);
  }

  handleRequest(record: RequestRecord): void {
    const { answer } = record;
    if (answer === null) return;
    this.note(answer.owner, answer.kind, answer.id, answer.idAt, answer.idLength);
    this.errors.handleError(record, answer);
  }

  /** The request's identifier, if it has one, is `length` bytes of `bytes` at `at`. */
  note(owner: string, kind: number, bytes = NO_BYTES, at = 0, length = 0): void {
    this.row.countAnswer(kind);
    let kinds = this.entries.get(owner);
    if (kinds === undefined) {
      kinds = new Map();
      this.entries.set(owner, kinds);
    }
    const entry = kinds.get(kind);
    if (entry === undefined) kinds.set(kind, { count: 1, sample: latin1(bytes, at, length) });
    else entry.count++;
  }

  /** A connection is reset for this reason, and nobody is answered. */
  noteReset(owner: string, kind: number): void {
    this.row.countReset(kind);
    this.note(owner, kind);
  }

  /** Once a second. */
  flush(now: number): void {
    this.errors.flush(now);
    if (this.entries.size === 0) return;
    for (const [owner, kinds] of this.entries) {
      for (const [answer, { count, sample }] of kinds) this.report({ kind: 'answered', owner, answer, count, sample });
    }
    this.entries.clear();
  }
}
