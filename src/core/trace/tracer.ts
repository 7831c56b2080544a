/** Finds the trace of a request, or begins one. */
import type { Prng } from '../../base/prng.ts';
import type { TracingPlan } from '../../config/plan/record.ts';
import { ascii } from '../../wire/http1/classes.ts';
import { findField } from '../value/lookup.ts';
import type { RequestTracer, RequestView } from '../value/request-view.ts';
import { Span } from '../value/span.ts';
import { TraceContext } from './trace-context.ts';

const TRACEPARENT = ascii('traceparent');
const span = new Span();
const other = new Span();

export class Tracer implements RequestTracer {
  private readonly plan: TracingPlan;
  private readonly prng: Prng;
  /** Of the request that is looked at. */
  private readonly context = new TraceContext();

  constructor(plan: TracingPlan, prng: Prng) {
    this.plan = plan;
    this.prng = prng;
  }

  traceOf(view: RequestView): TraceContext {
    if (view.trace !== null) return view.trace;
    const { context, prng } = this;
    view.trace = context;
    if (!this.findParent(view) || !context.continue(span.bytes, span.at, span.length, prng))
      context.begin(this.plan.share, prng);
    return context;
  }

  /** Of several fields nobody can say which is meant. */
  private findParent({ bytes, head }: RequestView): boolean {
    return (
      findField(bytes, head, TRACEPARENT, 0, span) && !findField(bytes, head, TRACEPARENT, span.at + span.length, other)
    );
  }
}
