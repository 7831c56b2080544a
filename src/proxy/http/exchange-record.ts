/** The part of an exchange that is told when it has ended: what happened to the request, when, and under which identifier. */
import type { CountedPlan } from '../../config/plan/record.ts';
import type { ListenerPlan } from '../../config/plan/listener.ts';
import type { RoutePlan } from '../../config/plan/route.ts';
import type { UpstreamPlan } from '../../config/plan/upstream.ts';
import { ANSWER_KINDS } from '../../core/answers/kinds.ts';
import { CLIENT_LEFT, type Phase, PHASE_REQUEST } from '../../core/endings.ts';
import { TraceContext } from '../../core/trace/trace-context.ts';
import type { RequestView } from '../../core/value/request-view.ts';
import { emitBytes } from '../../wire/http1/emit.ts';
import { METHOD_OTHER, type RequestHead } from '../../wire/http1/head.ts';
import type { Draft } from '../log/draft.ts';
import type { HeadNotes } from '../log/head-notes.ts';
import type { Server } from '../server.ts';
import { Waiter } from '../waiter.ts';
import { NO_KIND, NOTHING, type OwnResponse } from './own-responses.ts';
import { REQUEST_ID_BYTES_MAX } from './request-id.ts';
import type { AnswerRecord, RequestRecord } from './request-record.ts';
import { Trail } from './trail.ts';

class Answer implements AnswerRecord {
  owner = '';
  kind = NO_KIND;
  id: Uint8Array = NOTHING;
  idAt = 0;
  idLength = 0;
}

export abstract class ExchangeRecord extends Waiter implements RequestRecord {
  isRequest = false;
  isInner = false;
  method = METHOD_OTHER;
  ending = CLIENT_LEFT;
  phase: Phase = PHASE_REQUEST;
  status = 0;
  begunAt = 0;
  headAt = 0;
  responseAt = 0;
  endedAt = 0;
  queuedMs = 0;
  counted: CountedPlan | null = null;
  readonly trail = new Trail();
  readonly drafts: Draft[] = [];
  notes: HeadNotes | null = null;
  /** Null: no log has asked for one. */
  private ownId: Uint8Array | null = null;
  private ownIdLength = 0;
  private readonly ownAnswer = new Answer();
  /** That it is in; null: none, or nobody has asked for it yet. */
  trace: TraceContext | null = null;
  private ownTrace: TraceContext | null = null;

  abstract readonly asked: Trail | null;
  abstract readonly limiter: string;
  abstract readonly listener: ListenerPlan;
  abstract readonly routePlan: RoutePlan | null;
  abstract readonly upstreamPlan: UpstreamPlan | null;
  abstract readonly server: Server | null;
  abstract readonly isBound: boolean;
  abstract readonly requestBody: Uint8Array;
  abstract readonly receivedBytes: number;
  abstract readonly sentBytes: number;
  abstract readonly sentHeadBytes: number;

  /** Of a request with this head (null: what came is none) that has just come; its first byte at `begunAt`. */
  protected beginRecord(head: RequestHead | null, begunAt: number, now: number): void {
    this.isRequest = head !== null;
    this.isInner = false;
    this.method = head === null ? METHOD_OTHER : head.method;
    this.status = 0;
    this.counted = null;
    this.phase = PHASE_REQUEST;
    this.begunAt = begunAt;
    this.headAt = now;
    this.responseAt = 0;
    this.queuedMs = 0;
    this.trail.clear();
    this.ownAnswer.kind = NO_KIND;
  }

  /** It has been told. */
  protected releaseRecord(): void {
    this.ownIdLength = 0;
    this.trace = null;
  }

  /** The proxy's answer to this request is an error of its own. `listener`: by whose rules, if not the upstream's. */
  noteAnswer(response: OwnResponse, listener: string, id: Uint8Array, idAt: number, idLength: number): AnswerRecord {
    const { ownAnswer } = this;
    this.status = response.status;
    const isOfUpstream = ANSWER_KINDS[response.kind].of === 'upstream';
    ownAnswer.owner = isOfUpstream ? (this.upstreamPlan as UpstreamPlan).name : listener;
    ownAnswer.kind = response.kind;
    ownAnswer.id = id;
    ownAnswer.idAt = idAt;
    ownAnswer.idLength = idLength;
    return ownAnswer;
  }

  get answer(): AnswerRecord | null {
    return this.ownAnswer.kind === NO_KIND ? null : this.ownAnswer;
  }

  /** The request is to be found by the identifier in the view. */
  takeId({ requestId, requestIdBytes, requestIdLength }: RequestView): void {
    this.ownId ??= new Uint8Array(REQUEST_ID_BYTES_MAX);
    emitBytes(this.ownId, 0, requestIdBytes, requestId, requestIdLength);
    this.ownIdLength = requestIdLength;
  }

  get idBytes(): Uint8Array {
    return this.answer === null ? (this.ownId ?? NOTHING) : this.ownAnswer.id;
  }

  get idAt(): number {
    return this.answer === null ? 0 : this.ownAnswer.idAt;
  }

  get idLength(): number {
    return this.answer === null ? this.ownIdLength : this.ownAnswer.idLength;
  }

  /** It stays in this trace wherever it goes on. */
  keepTrace(trace: TraceContext): void {
    this.trace = this.ownTrace ??= new TraceContext();
    this.trace.copyFrom(trace);
  }
}
