/**
 * Counts on the board the sessions of TCP and UDP, as http/request-counter.ts does requests: bytes as they pass, for a session may last for days,
 * and the rest when it is over. docs/decisions/metrics.md
 */
import type { WorkerRow } from '../base/board.ts';
import { countIn } from '../base/histogram.ts';
import {
  P_SESSION_ENDINGS,
  T_DURATION,
  T_RECEIVED,
  T_SENT,
  type TrafficCells,
  U_CONNECT,
  U_DURATION,
  U_QUEUE,
  U_RETRIES,
} from '../base/traffic-cells.ts';
import type { Failure } from '../core/retry.ts';

/** Of one direction of a session that is joined to its server. */
export class PassedBytes {
  private readonly cells: Float64Array;
  private readonly listenerCell: number;
  private readonly serverCell: number;

  constructor(cells: Float64Array, listenerCell: number, serverCell: number) {
    this.cells = cells;
    this.listenerCell = listenerCell;
    this.serverCell = serverCell;
  }

  add(bytes: number): void {
    this.cells[this.listenerCell] += bytes;
    this.cells[this.serverCell] += bytes;
  }
}

export class SessionCounter {
  private readonly traffic: TrafficCells;
  private readonly cells: Float64Array;

  constructor(row: WorkerRow) {
    this.traffic = row.traffic;
    this.cells = row.traffic.cells;
  }

  /** Of the client. Listener and server: their places on the board, here and below. */
  received(listener: number, server: number, bytes: number): void {
    const { cells, traffic } = this;
    cells[traffic.listener(listener) + T_RECEIVED] += bytes;
    cells[traffic.server(server) + T_RECEIVED] += bytes;
  }

  /** To the client. */
  sent(listener: number, server: number, bytes: number): void {
    const { cells, traffic } = this;
    cells[traffic.listener(listener) + T_SENT] += bytes;
    cells[traffic.server(server) + T_SENT] += bytes;
  }

  /** The same of a session that is joined to its server: to be told as they pass. */
  passedFrom(listener: number, server: number): PassedBytes {
    const { cells, traffic } = this;
    return new PassedBytes(cells, traffic.listener(listener) + T_RECEIVED, traffic.server(server) + T_RECEIVED);
  }

  passedTo(listener: number, server: number): PassedBytes {
    const { cells, traffic } = this;
    return new PassedBytes(cells, traffic.listener(listener) + T_SENT, traffic.server(server) + T_SENT);
  }

  /** A text of the listener's own. */
  answered(listener: number, bytes: number): void {
    this.cells[this.traffic.listener(listener) + T_SENT] += bytes;
  }

  /** It has waited for a server that had room. */
  queued(upstream: number, tookMs: number): void {
    countIn(this.cells, this.traffic.upstream(upstream) + U_QUEUE, tookMs);
  }

  connected(upstream: number, tookMs: number): void {
    countIn(this.cells, this.traffic.upstream(upstream) + U_CONNECT, tookMs);
  }

  /** A try has failed so, and another one follows. */
  retried(upstream: number, failure: Failure): void {
    this.cells[this.traffic.upstream(upstream) + U_RETRIES + failure]++;
  }

  /** It is over. `upstream`: negative: it was to go to none. `ending`: of core/endings.ts. */
  ended(listener: number, upstream: number, ending: number, tookMs: number): void {
    const { cells, traffic } = this;
    cells[P_SESSION_ENDINGS + ending]++;
    countIn(cells, traffic.listener(listener) + T_DURATION, tookMs);
    if (upstream >= 0) countIn(cells, traffic.upstream(upstream) + U_DURATION, tookMs);
  }
}
