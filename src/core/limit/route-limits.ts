/**
 * What a route lets in: requests by a rate, and so many at one time, of whatever its limits count together. The counting itself is
 * base/limit-table.ts, which all proxies share.
 */
import { KeyedHash } from '../../base/keyed-hash.ts';
import { HEAD_BYTES_MAX } from '../../base/limits.ts';
import { type LimitTable, REFUSED, UNITS_PER_REQUEST } from '../../base/limit-table.ts';
import { encodeUtf8 } from '../../base/text.ts';
import type { ConnectionLimitPlan, LimitPlan, LimitsPlan, RequestLimitPlan } from '../../config/plan/limits.ts';
import { ascii } from '../../wire/http1/classes.ts';
import { isV4, writeIp } from '../../wire/ip-text.ts';
import type { RequestView } from '../value/request-view.ts';
import { Span } from '../value/span.ts';
import { Template } from '../value/template.ts';

const NO_LINES = new Uint8Array(0);
const ADDRESS_BYTES = 16;
const TOO_LONG = encodeUtf8('too long');

const text = new Uint8Array(HEAD_BYTES_MAX);
const address = new Uint8Array(ADDRESS_BYTES);
const said = new Span();
const hash = new KeyedHash();
/** In place of what a limit says: the request has no key for it. */
const NO_KEY = -2;

/** What a process counts with. */
export interface LimitCounting {
  readonly table: LimitTable;
  /** The row of this process. */
  readonly row: number;
}

export interface Refusal {
  readonly kind: 'requests' | 'connections';
  /** By its name. */
  readonly limiter: string;
  readonly status: number;
  /** Of the answer: when the next request may be let in, if that is known. */
  readonly lines: Uint8Array;
}

/** What has become of a request. Used again for the next one. */
export class Verdict {
  refusal: Refusal | null = null;
  /** A limit would have refused it that only looks. */
  isDry = false;
  /** How long it has to wait. */
  delayMs = 0;
  /** What it holds until it is over, as cells of the table. */
  readonly cells: number[] = [];
}

/** What was held by a request that is over. */
export function giveBack({ row, table }: LimitCounting, cells: readonly number[]): void {
  for (let i = 0; i < cells.length; i++) table.release(cells[i], row);
}

/** One limit: the key that a request has for it. */
abstract class Limit<P extends LimitPlan> {
  readonly plan: P;
  private readonly template: Template | null;
  /** Of its zone and what it counts by: another rate is another count. */
  private readonly salt: Uint8Array;

  constructor(plan: P, salt: string) {
    this.plan = plan;
    this.template = plan.key === null ? null : new Template(plan.key, encodeUtf8);
    this.salt = encodeUtf8(salt);
  }

  /** Leaves the hash of the request's key in `hash`. False: it is empty. */
  protected hashKey(view: RequestView, table: LimitTable): boolean {
    if (this.template === null) this.readClient(view);
    else this.readKey(this.template, view);
    if (said.length === 0) return false;
    const { salt } = this;
    hash.hash(salt, 0, salt.length, table.key0, table.key1);
    hash.hash(said.bytes, said.at, said.length, hash.first, hash.second);
    return true;
  }

  /** Those that are too long for us have one key together: a client cannot make one so long that it is not counted. */
  private readKey(template: Template, view: RequestView): void {
    const end = template.emitAsIs(view, text, 0);
    if (end < 0) said.set(TOO_LONG, 0, TOO_LONG.length);
    else said.set(text, 0, end);
  }

  private readClient({ client }: RequestView): void {
    writeIp(address, 0, client);
    const bits = isV4(client) ? 128 : this.plan.ipv6Bits;
    for (let i = 0; i < ADDRESS_BYTES; i++) {
      const kept = Math.min(8, Math.max(0, bits - i * 8));
      address[i] &= 0xff00 >> kept;
    }
    said.set(address, 0, ADDRESS_BYTES);
  }
}

class RequestLimit extends Limit<RequestLimitPlan> {
  readonly refusal: Refusal;
  private readonly burstUnits: number;
  private readonly delayUnits: number;

  constructor(plan: RequestLimitPlan) {
    super(plan, `requests ${plan.zone} ${plan.rate}`);
    const retryAfterS = Math.max(1, Math.ceil(UNITS_PER_REQUEST / plan.rate));
    const lines = ascii(`Retry-After: ${retryAfterS}\r\n`);
    this.refusal = { kind: 'requests', limiter: plan.zone, status: plan.status, lines };
    this.burstUnits = plan.burst * UNITS_PER_REQUEST;
    this.delayUnits = plan.delayAfter === null ? Infinity : plan.delayAfter * UNITS_PER_REQUEST;
  }

  /** How long the request has to wait in milliseconds, REFUSED or NO_KEY. */
  take(view: RequestView, table: LimitTable, nowMs: number): number {
    if (!this.hashKey(view, table)) return NO_KEY;
    const { rate } = this.plan;
    const excess = table.take(hash.first, hash.second, rate, this.burstUnits, nowMs);
    if (excess < 0) return REFUSED;
    return excess <= this.delayUnits ? 0 : Math.floor(((excess - this.delayUnits) * 1000) / rate);
  }
}

class ConnectionLimit extends Limit<ConnectionLimitPlan> {
  readonly refusal: Refusal;

  constructor(plan: ConnectionLimitPlan) {
    super(plan, `connections ${plan.zone}`);
    this.refusal = { kind: 'connections', limiter: plan.zone, status: plan.status, lines: NO_LINES };
  }

  /** The cell that counts the request, below 0: it is refused; null: it has no key. */
  hold(view: RequestView, { row, table }: LimitCounting): number | null {
    if (!this.hashKey(view, table)) return null;
    return table.hold(hash.first, hash.second, this.plan.max, row);
  }
}

export class RouteLimits {
  private readonly requests: readonly RequestLimit[];
  private readonly connections: readonly ConnectionLimit[];
  /** Of the request that is looked at: what its limits have counted, to be taken back. */
  private readonly takenCells: number[] = [];
  private readonly takenUnits: number[] = [];

  constructor({ requests, connections }: LimitsPlan) {
    this.requests = requests.map((plan) => new RequestLimit(plan));
    this.connections = connections.map((plan) => new ConnectionLimit(plan));
  }

  /** Whether the request in the view is let in, into `verdict`. `nowMs`: of a clock that never goes back and that all processes share. */
  judge(view: RequestView, counting: LimitCounting, nowMs: number, verdict: Verdict): void {
    verdict.refusal = null;
    verdict.isDry = false;
    verdict.delayMs = 0;
    verdict.cells.length = 0;
    if (this.judgeRate(view, counting.table, nowMs, verdict)) this.judgeCount(view, counting, verdict);
  }

  private judgeRate(view: RequestView, table: LimitTable, nowMs: number, verdict: Verdict): boolean {
    const { takenCells, takenUnits } = this;
    takenCells.length = 0;
    takenUnits.length = 0;
    for (const limit of this.requests) {
      const delayMs = limit.take(view, table, nowMs);
      if (delayMs === NO_KEY) continue;
      if (delayMs !== REFUSED) {
        takenCells.push(table.lastCell);
        takenUnits.push(table.lastUnits);
      }
      if (limit.plan.isDry) {
        if (delayMs !== 0) verdict.isDry = true;
        continue;
      }
      if (delayMs === REFUSED) {
        this.refuse(limit.refusal, table, verdict);
        return false;
      }
      verdict.delayMs = Math.max(verdict.delayMs, delayMs);
    }
    return true;
  }

  private judgeCount(view: RequestView, counting: LimitCounting, verdict: Verdict): void {
    const { cells } = verdict;
    for (const limit of this.connections) {
      const cell = limit.hold(view, counting);
      if (cell === null) continue;
      if (cell >= 0) cells.push(cell);
      else if (limit.plan.isDry) verdict.isDry = true;
      else {
        giveBack(counting, cells);
        cells.length = 0;
        this.refuse(limit.refusal, counting.table, verdict);
        return;
      }
    }
  }

  /** Who is refused counts nowhere, and waits for nothing. */
  private refuse(refusal: Refusal, table: LimitTable, verdict: Verdict): void {
    const { takenCells, takenUnits } = this;
    for (let i = 0; i < takenCells.length; i++) table.untake(takenCells[i], takenUnits[i]);
    verdict.delayMs = 0;
    verdict.refusal = refusal;
  }
}
