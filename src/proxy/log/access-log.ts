/** One access log of this proxy: its format, which requests are in it, and where its lines go. */
import { encodeUtf8 } from '../../base/text.ts';
import type { Prng } from '../../base/prng.ts';
import type { LogPlan } from '../../config/plan/record.ts';
import { isComplete } from '../../core/endings.ts';
import { expandText, hasMarks, markLate } from '../../core/value/late.ts';
import type { RequestView } from '../../core/value/request-view.ts';
import { Span } from '../../core/value/span.ts';
import { Template } from '../../core/value/template.ts';
import { Draft } from './draft.ts';
import type { EndRecord } from './end-record.ts';
import type { EndValues } from './end-values.ts';
import type { LineBuffer } from './line-buffer.ts';
import { LINE_OVERFLOW, LineFormat } from './line-format.ts';
import type { WriteNews } from './write-news.ts';

/** A line waits no longer than two ticks of the proxy's clock. */
const FLUSH_MS = 50;
const SERVER_ERRORS = 500;
const WHOLE = 10_000;
const ZERO = 0x30;
/** Of a condition. */
const TEXT_BYTES_MAX = 8 * 1024;
const draftOfCondition = new Uint8Array(TEXT_BYTES_MAX);
const span = new Span();

export class LogDraft extends Draft {
  log!: AccessLog;
  format!: LineFormat;
  /** Not all requests are logged, and this one is not, unless it ends in an error. */
  isForErrors = false;
}

export class AccessLog {
  readonly name: string;
  readonly news: WriteNews;
  private readonly prng: Prng;
  private plan!: LogPlan;
  private format!: LineFormat;
  /** Of sessions. */
  private sessionFormat!: LineFormat;
  /** What has to be neither empty nor `0`: known when the request comes, or when it has ended. */
  private early: Template | null = null;
  private late: Uint8Array | null = null;
  private buffer: LineBuffer | null = null;

  constructor(name: string, prng: Prng, news: WriteNews) {
    this.name = name;
    this.news = news;
    this.prng = prng;
  }

  /** Lines go to `buffer` from now on, in the form that the plan says for requests that come from now on. */
  apply(plan: LogPlan, buffer: LineBuffer): void {
    const { format, sessionFormat } = plan;
    if (!this.plan || !isSame(this.plan.format, format)) this.format = new LineFormat(format.text, format.escape);
    if (isSame(format, sessionFormat)) this.sessionFormat = this.format;
    else if (!this.plan || !isSame(this.plan.sessionFormat, sessionFormat))
      this.sessionFormat = new LineFormat(sessionFormat.text, sessionFormat.escape);
    this.plan = plan;
    const marked = plan.when === null ? null : encodeUtf8(markLate(plan.when));
    this.late = marked !== null && hasMarks(marked) ? marked : null;
    this.early = plan.when === null || this.late !== null ? null : new Template(plan.when, encodeUtf8);
    this.buffer?.finish();
    this.buffer = buffer;
  }

  /** No plan has it any more. Requests that are under way are not in it. */
  end(): void {
    this.buffer?.finish();
    this.buffer = null;
  }

  /** A line has the identifier of its request. */
  get namesId(): boolean {
    return this.format.namesId;
  }

  get isEmpty(): boolean {
    return this.buffer === null || this.buffer.isEmpty;
  }

  handleTick(now: number): void {
    this.buffer?.handleTick(now, FLUSH_MS);
  }

  flush(): void {
    this.buffer?.flush();
  }

  /** False: the request in the view is not in it, or the session whose connection is there. */
  begin(view: RequestView, draft: LogDraft, isSession: boolean): boolean {
    const { early, plan } = this;
    const format = isSession ? this.sessionFormat : this.format;
    const isWanted =
      (plan.sample >= WHOLE || this.prng.nextU32() % WHOLE < plan.sample) &&
      (early === null || holds(draftOfCondition, Math.max(0, early.emitAsIs(view, draftOfCondition, 0))));
    if (!isWanted && !plan.keepsErrors) return false;
    draft.log = this;
    draft.format = format;
    draft.isForErrors = !isWanted;
    format.begin(view, draft);
    return true;
  }

  finish(draft: LogDraft, record: EndRecord, values: EndValues): void {
    const { buffer } = this;
    if (buffer === null || !this.takes(draft, record, values)) return;
    const end = draft.format.finish(draft, values, buffer.memory, buffer.at, buffer.end);
    if (end === LINE_OVERFLOW) buffer.drop();
    else buffer.commit(end);
  }

  private takes({ isForErrors }: LogDraft, record: EndRecord, values: EndValues): boolean {
    const { late, plan } = this;
    if (plan.keepsErrors && isError(record)) return true;
    if (isForErrors) return false;
    if (late === null) return true;
    return holds(draftOfCondition, expandText(late, 0, late.length, values, span, draftOfCondition, 0, TEXT_BYTES_MAX));
  }
}

function isSame(one: LogPlan['format'], other: LogPlan['format']): boolean {
  return one.text === other.text && one.escape === other.escape;
}

function isError({ ending, status }: EndRecord): boolean {
  return status >= SERVER_ERRORS || !isComplete(ending);
}

function holds(bytes: Uint8Array, length: number): boolean {
  return length > 1 || (length === 1 && bytes[0] !== ZERO);
}
