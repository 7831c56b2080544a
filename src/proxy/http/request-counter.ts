/**
 * Counts on the board the requests that have ended: by listener, route, upstream and server, with how long they took. Each is counted once, in
 * the cells of its places, whatever became of it. docs/decisions/metrics.md
 */
import type { WorkerRow } from '../../base/board.ts';
import { countIn } from '../../base/histogram.ts';
import {
  P_ENDINGS,
  S_RESPONSE_TIME,
  S_RESPONSES,
  T_CLASSES,
  T_DURATION,
  T_RECEIVED,
  T_SENT,
  type TrafficCells,
  U_CONNECT,
  U_DURATION,
  U_FIRST_BYTE,
  U_QUEUE,
  U_RETRIES,
} from '../../base/traffic-cells.ts';
import type { RequestReader, RequestRecord } from './request-record.ts';

const CLASS_LAST = 5;

export class RequestCounter implements RequestReader {
  private readonly row: WorkerRow;
  private readonly traffic: TrafficCells;

  constructor(row: WorkerRow) {
    this.row = row;
    this.traffic = row.traffic;
  }

  handleRequest(record: RequestRecord): void {
    const { begunAt, endedAt, status } = record;
    const ofClass = status > 599 ? CLASS_LAST : (status / 100) | 0;
    const tookMs = endedAt - begunAt;
    if (!record.isInner) this.countForClient(record, ofClass, tookMs);
    if (record.upstreamPlan !== null) this.countForUpstream(record, record.upstreamPlan.slot, ofClass, tookMs);
  }

  private countForClient(record: RequestRecord, ofClass: number, tookMs: number): void {
    if (record.isRequest) this.row.countRequest();
    const { traffic } = this;
    const { cells } = traffic;
    const { listener, receivedBytes, sentBytes } = record;
    cells[P_ENDINGS + record.ending]++;
    const listenerAt = traffic.listener(listener.slot);
    count(cells, listenerAt, ofClass, receivedBytes, sentBytes);
    countIn(cells, listenerAt + T_DURATION, tookMs);
    const counted = record.counted === null ? listener.counted[0] : record.counted;
    if (counted !== undefined && counted.slot >= 0) {
      const routeAt = traffic.route(counted.slot);
      count(cells, routeAt, ofClass, receivedBytes, sentBytes);
      if (counted.isTimed) countIn(cells, routeAt + T_DURATION, tookMs);
    }
  }

  /** `slot`: of the upstream. */
  private countForUpstream(record: RequestRecord, slot: number, ofClass: number, tookMs: number): void {
    const { traffic } = this;
    const { cells } = traffic;
    const upstreamAt = traffic.upstream(slot);
    countIn(cells, upstreamAt + U_DURATION, tookMs);
    if (record.queuedMs > 0) countIn(cells, upstreamAt + U_QUEUE, record.queuedMs);
    const { receivedBytes, responseAt, sentBytes, server } = record;
    const tried = record.trail.last;
    if (server === null || tried === null) return;
    if (tried.hasNewConnection) countIn(cells, upstreamAt + U_CONNECT, tried.connectedAt - tried.begunAt);
    const serverAt = traffic.server(server.slot);
    count(cells, serverAt, ofClass, receivedBytes, sentBytes);
    if (responseAt > 0) {
      const waitedMs = responseAt - tried.begunAt;
      countIn(cells, upstreamAt + U_FIRST_BYTE, waitedMs);
      cells[serverAt + S_RESPONSE_TIME] += waitedMs;
      cells[serverAt + S_RESPONSES]++;
    }
    if (record.trail.count > 1) this.countRetries(record, upstreamAt);
  }

  /** Tries that have failed, and were followed by another one. */
  private countRetries({ trail }: RequestRecord, upstreamAt: number): void {
    const { cells } = this.traffic;
    for (let i = 1; i < trail.count; i++) {
      const { failure } = trail.at(i - 1);
      if (failure !== 0 && !trail.at(i).isForNobody) cells[upstreamAt + U_RETRIES + failure]++;
    }
  }
}

function count(cells: Float64Array, at: number, ofClass: number, receivedBytes: number, sentBytes: number): void {
  cells[at + T_CLASSES + ofClass]++;
  cells[at + T_RECEIVED] += receivedBytes;
  cells[at + T_SENT] += sentBytes;
}
