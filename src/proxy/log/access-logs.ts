/** All access logs of this proxy: which ones a request is in, and what of it waits for its end. */
import type { WorkerRow } from '../../base/board.ts';
import type { Prng } from '../../base/prng.ts';
import type { LogPlan } from '../../config/plan/record.ts';
import type { RequestView } from '../../core/value/request-view.ts';
import type { ResponseValues } from '../../core/value/response-values.ts';
import type { ProxyEvent } from '../../port/control.ts';
import type { Outlet, OutletHandler } from '../../port/outlet.ts';
import type { Transport } from '../../port/transport.ts';
import { AccessLog, LogDraft } from './access-log.ts';
import type { Draft } from './draft.ts';
import type { EndRecord } from './end-record.ts';
import { EndValues } from './end-values.ts';
import { LineBuffer } from './line-buffer.ts';
import { WriteNews } from './write-news.ts';

const SPARE_DRAFTS_MAX = 4096;

export interface LogRoom {
  readonly transport: Transport;
  readonly row: WorkerRow;
  readonly prng: Prng;
  readonly wallClockMs: () => number;
  readonly responseValues: ResponseValues;
  readonly report: (event: ProxyEvent) => void;
}

export class AccessLogs {
  private readonly room: LogRoom;
  private readonly values: EndValues;
  private byName = new Map<string, AccessLog>();
  /** Of drafts that no request has. */
  private readonly spares: LogDraft[] = [];
  private waitingLines = 0;

  constructor(room: LogRoom) {
    this.room = room;
    this.values = new EndValues(room.wallClockMs, room.responseValues);
  }

  get isEmpty(): boolean {
    for (const log of this.byName.values()) if (!log.isEmpty) return false;
    return true;
  }

  /** `descriptors`: of each log's target, opened anew. */
  apply(plans: readonly LogPlan[], descriptors: readonly number[]): void {
    const { prng, report, row, transport } = this.room;
    const counts = {
      wait: (lines: number) => row.setWaitingLines((this.waitingLines += lines)),
      drop: (lines: number) => row.countDroppedLines(lines),
    };
    const former = this.byName;
    this.byName = new Map();
    for (const [i, plan] of plans.entries()) {
      const log = former.get(plan.name) ?? new AccessLog(plan.name, prng, new WriteNews(plan.name, report, transport));
      former.delete(plan.name);
      const open = (handler: OutletHandler): Outlet => transport.openOutlet(descriptors[i], handler);
      log.apply(plan, new LineBuffer(open, counts, log.news, transport));
      this.byName.set(plan.name, log);
    }
    for (const gone of former.values()) gone.end();
  }

  find(names: readonly string[]): readonly AccessLog[] {
    return names.flatMap((name) => this.byName.get(name) ?? []);
  }

  handleTick(now: number): void {
    for (const log of this.byName.values()) log.handleTick(now);
  }

  flush(): void {
    for (const log of this.byName.values()) log.flush();
  }

  /** What the request in the view says goes into its lines; of a session, what is known of its connection, which is there. */
  begin(logs: readonly AccessLog[], view: RequestView, drafts: Draft[], isSession = false): void {
    for (let i = 0; i < logs.length; i++) {
      const draft = this.spares.pop() ?? new LogDraft();
      if (logs[i].begin(view, draft, isSession)) drafts.push(draft);
      else this.spares.push(draft);
    }
  }

  /** It has no lines. */
  discard(drafts: Draft[]): void {
    for (const draft of drafts) this.recycle(draft as LogDraft);
    drafts.length = 0;
  }

  private recycle(draft: LogDraft): void {
    draft.recycle();
    if (this.spares.length < SPARE_DRAFTS_MAX) this.spares.push(draft);
  }

  /** Of a request or a session that is in one. */
  finish(record: EndRecord): void {
    const { drafts } = record;
    this.values.look(record);
    for (let i = 0; i < drafts.length; i++) {
      const draft = drafts[i] as LogDraft;
      draft.log.finish(draft, record, this.values);
      this.recycle(draft);
    }
    record.notes?.clear();
    drafts.length = 0;
  }
}
