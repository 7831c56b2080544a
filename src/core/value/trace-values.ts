/** What there is to say of a request's trace. Where nobody traces, all of it is empty. */
import { ascii } from '../../wire/http1/classes.ts';
import { SPAN_ID_AT, SPAN_ID_BYTES, TRACE_ID_AT, TRACE_ID_BYTES, TRACEPARENT_BYTES } from '../trace/trace-context.ts';
import type { RequestView } from './request-view.ts';
import { PARENT_SPAN_ID, SPAN_ID, TRACE_ID, TRACEPARENT, TRACE_SAMPLED } from './source-kind.ts';
import type { Span } from './span.ts';

const YES = ascii('1');

type TraceKind = typeof TRACE_ID | typeof SPAN_ID | typeof PARENT_SPAN_ID | typeof TRACE_SAMPLED | typeof TRACEPARENT;

/** False: nothing, and the span is empty. */
export function findTrace(view: RequestView, kind: TraceKind, span: Span): boolean {
  span.clear();
  if (view.tracer === null) return false;
  const { bytes, hasParent, isSampled, parentId } = view.tracer.traceOf(view);
  switch (kind) {
    case TRACE_ID:
      span.set(bytes, TRACE_ID_AT, TRACE_ID_BYTES);
      break;
    case SPAN_ID:
      span.set(bytes, SPAN_ID_AT, SPAN_ID_BYTES);
      break;
    case PARENT_SPAN_ID:
      span.set(parentId, 0, hasParent ? SPAN_ID_BYTES : 0);
      break;
    case TRACE_SAMPLED:
      span.set(YES, 0, isSampled ? 1 : 0);
      break;
    case TRACEPARENT:
      span.set(bytes, 0, TRACEPARENT_BYTES);
      break;
  }
  return span.length > 0;
}
