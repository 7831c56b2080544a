/**
 * What there is to say of a session of TCP or UDP that has ended, as http/request-record.ts has it of requests. Only sessions that are in
 * an access log have one; who has it calls `end` or `discard`, once.
 */
import type { ListenerPlan } from '../config/plan/listener.ts';
import type { UpstreamPlan } from '../config/plan/upstream.ts';
import {
  endedByAnswer,
  isComplete,
  type Phase,
  PHASE_CONNECT,
  PHASE_DONE,
  PHASE_QUEUE,
  PHASE_REQUEST,
  PHASE_RESPONSE,
  sessionStatus,
} from '../core/endings.ts';
import type { Failure } from '../core/retry.ts';
import type { RequestView } from '../core/value/request-view.ts';
import type { Context, OpenRecord } from './context.ts';
import { Trail } from './http/trail.ts';
import type { AccessLog } from './log/access-log.ts';
import type { Draft } from './log/draft.ts';
import type { EndRecord } from './log/end-record.ts';

const NOTHING = new Uint8Array(0);
/** A server that has let its client in has done what it was asked for. */
const WELL = 200;

export class SessionRecord implements EndRecord, OpenRecord {
  readonly listener: ListenerPlan;
  upstreamPlan: UpstreamPlan | null = null;
  readonly trail = new Trail();
  readonly drafts: Draft[] = [];
  ending = 0;
  phase: Phase = PHASE_REQUEST;
  status = 0;
  begunAt: number;
  endedAt = 0;
  queuedMs = 0;
  receivedBytes = 0;
  sentBytes = 0;
  private queuedAt = 0;
  private readonly context: Context;
  // of the chain of those that have not ended
  isListed = false;
  listedBefore: OpenRecord | null = null;
  listedAfter: OpenRecord | null = null;

  /** It has none of these. */
  readonly requestBody = NOTHING;
  readonly counted = null;
  readonly notes = null;
  readonly limiter = '';
  readonly sentHeadBytes = 0;
  readonly idBytes = NOTHING;
  readonly idAt = 0;
  readonly idLength = 0;

  /** Of a session whose client has just come; its connection is in the view. Null: it is in none of these logs. */
  static begin(
    context: Context,
    listener: ListenerPlan,
    logs: readonly AccessLog[],
    view: RequestView,
  ): SessionRecord | null {
    const record = new SessionRecord(context, listener);
    context.accessLogs.begin(logs, view, record.drafts, true);
    if (record.drafts.length === 0) return null;
    context.sessionRecords.add(record);
    return record;
  }

  private constructor(context: Context, listener: ListenerPlan) {
    this.context = context;
    this.listener = listener;
    this.begunAt = context.transport.now;
  }

  get headAt(): number {
    return this.begunAt;
  }

  /** It waits for a server of this upstream that has room. */
  queue(): void {
    this.phase = PHASE_QUEUE;
    this.queuedAt = this.context.transport.now;
  }

  /** There is none to try: where one would stand, the name of the upstream does. `kind`: of an answer. */
  lackServer(kind: number): void {
    if (this.upstreamPlan === null) return;
    this.leaveQueue();
    this.phase = PHASE_CONNECT;
    this.trail.passOver(this.upstreamPlan.name, sessionStatus(endedByAnswer(kind)), this.context.transport.now);
  }

  /** This server is tried. */
  beginTry(server: string): void {
    this.leaveQueue();
    this.phase = PHASE_CONNECT;
    this.trail.begin(server, this.context.transport.now);
  }

  /** `kind`: of an answer. */
  failTry(failure: Failure, kind: number): void {
    this.trail.fail(sessionStatus(endedByAnswer(kind)), failure, this.context.transport.now);
  }

  /** The session and its server are joined. */
  join(): void {
    this.phase = PHASE_RESPONSE;
    this.trail.connected(this.context.transport.now, true);
  }

  /** Of the client. */
  countReceived(bytes: number): void {
    this.receivedBytes += bytes;
  }

  /** Of the server, or of an answer of our own. */
  countSent(bytes: number): void {
    if (this.sentBytes === 0) this.trail.respond(WELL, this.context.transport.now);
    this.sentBytes += bytes;
  }

  /** `ending`: of core/endings.ts. */
  end(ending: number): void {
    if (!this.context.sessionRecords.delete(this)) return;
    this.leaveQueue();
    this.ending = ending;
    this.status = sessionStatus(ending);
    if (isComplete(ending)) this.phase = PHASE_DONE;
    this.endedAt = this.context.transport.now;
    this.context.accessLogs.finish(this);
  }

  /** It goes on elsewhere, and has its line there. */
  discard(): void {
    this.context.sessionRecords.delete(this);
    this.context.accessLogs.discard(this.drafts);
  }

  private leaveQueue(): void {
    if (this.queuedAt === 0) return;
    this.queuedMs += this.context.transport.now - this.queuedAt;
    this.queuedAt = 0;
  }
}
