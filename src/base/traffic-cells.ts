/**
 * What one proxy has counted of traffic, in its row of the status board: cells (base/histogram.ts) in blocks, a block for each listener, route,
 * upstream and server, by its place on the board, and one for the process. The proxy that has the row writes it, and only adds: whatever
 * the next process in its row counts comes on top. The keeper reads it (keeper/traffic.ts). What nobody touches costs no memory.
 *
 * Times of requests are whole milliseconds, as the transport's turns have them.
 */
import { HISTOGRAM_CELLS } from './histogram.ts';
import { LoopCells } from './loop-cells.ts';
import type { BoardShape } from './server-table.ts';

/** Of requests; listeners and routes begin with the same cells. Listeners of TCP and UDP have bytes and durations of sessions there. */
/** By class of their status: nobody was answered, 1xx to 5xx. */
export const T_CLASSES = 0;
export const T_RECEIVED = 6;
export const T_SENT = 7;
/** A route has it if its times are asked for. */
export const T_DURATION = 8;
/** Handshakes of TLS with clients: full, resumed, and those that have failed. */
export const T_HANDSHAKES = T_DURATION + HISTOGRAM_CELLS;
export const LISTENER_CELLS = 32;

export const HANDSHAKE_FULL = 0;
export const HANDSHAKE_RESUMED = 1;
export const HANDSHAKE_FAILED = 2;

/** The places of routes are so many cells long: one is for a route without its times, ROUTE_UNITS_TIMED are for one with them. */
export const ROUTE_UNIT = 8;
export const ROUTE_UNITS_TIMED = 4;

export const U_CONNECT = 0;
export const U_FIRST_BYTE = HISTOGRAM_CELLS;
export const U_QUEUE = 2 * HISTOGRAM_CELLS;
/** Of whole requests. */
export const U_DURATION = 3 * HISTOGRAM_CELLS;
/** Tries after which there was another one, by why they failed (FAILED_... of core/retry.ts): up to 20 kinds. */
export const U_RETRIES = 4 * HISTOGRAM_CELLS;
export const UPSTREAM_CELLS = 96;

/** A server has those of requests whose last try was there, and behind them: */
export const S_RESPONSE_TIME = 8;
export const S_RESPONSES = 9;
export const SERVER_CELLS = 16;

/** Of the process: how often each ending of core/endings.ts was, of requests, its loop, and the endings of sessions. */
export const P_ENDINGS = 0;
/** Its loop: LOOP_CELLS. */
export const P_LOOP = 160;
export const P_SESSION_ENDINGS = 192;
export const PROCESS_CELLS = 352;

/** How many of ROUTE_UNIT there are, where there are so many servers. Those of one plan are half of them at most: those of the plan before may rest there. */
export function routeUnits(servers: number): number {
  return Math.max(64, 2 * servers);
}

export class TrafficCells {
  readonly cells: Float64Array;
  readonly loop: LoopCells;
  /** Where the blocks of each kind begin. */
  readonly listenersAt = PROCESS_CELLS;
  readonly serversAt: number;
  readonly upstreamsAt: number;
  readonly routesAt: number;
  /** How many of ROUTE_UNIT there are. */
  readonly routeUnits: number;

  static bytesFor(shape: BoardShape): number {
    const { listeners, servers } = shape;
    const places = listeners * LISTENER_CELLS + servers * (SERVER_CELLS + UPSTREAM_CELLS);
    return 8 * (PROCESS_CELLS + places + routeUnits(shape.servers) * ROUTE_UNIT);
  }

  /** `offset`: a multiple of 8. There are as many places for upstreams as for servers. */
  constructor(buffer: ArrayBufferLike, offset: number, shape: BoardShape) {
    this.cells = new Float64Array(buffer, offset, TrafficCells.bytesFor(shape) >> 3);
    this.loop = new LoopCells(this.cells, P_LOOP);
    this.serversAt = this.listenersAt + shape.listeners * LISTENER_CELLS;
    this.upstreamsAt = this.serversAt + shape.servers * SERVER_CELLS;
    this.routesAt = this.upstreamsAt + shape.servers * UPSTREAM_CELLS;
    this.routeUnits = routeUnits(shape.servers);
  }

  /** `how`: HANDSHAKE_... */
  countHandshake(listener: number, how: number): void {
    this.cells[this.listener(listener) + T_HANDSHAKES + how]++;
  }

  listener(slot: number): number {
    return this.listenersAt + slot * LISTENER_CELLS;
  }
  server(slot: number): number {
    return this.serversAt + slot * SERVER_CELLS;
  }
  upstream(slot: number): number {
    return this.upstreamsAt + slot * UPSTREAM_CELLS;
  }
  route(slot: number): number {
    return this.routesAt + slot * ROUTE_UNIT;
  }
}
