/** What is said of tracing to what a listener and its routes do. */
import { DEFAULTS } from '../model/defaults.ts';
import type { Config, ListenerConfig } from '../model/config.ts';
import type { HeaderEditPlan } from '../plan/response.ts';
import type { LogPlan, TracingPlan } from '../plan/record.ts';
import { SPAN_LINE } from '../plan/span-line.ts';
import { hundredths } from '../words/units.ts';

/** `all`: what is said for all listeners. Null: requests of this one are not traced. */
export function compileTracing({ protocol, tracing }: ListenerConfig, all: Config['tracing']): TracingPlan | null {
  const isOn = tracing ?? (all !== undefined && (protocol ?? DEFAULTS.listener.protocol) === 'http');
  if (!isOn) return null;
  const { sample } = { ...DEFAULTS.tracing, ...all };
  return { share: sample === 'none' ? 0 : hundredths(sample) };
}

/** The log whose lines are spans. No other one is called so. */
const SPANS_LOG = '(tracing)';

/** The names of the logs that the spans of traced listeners are in. */
export function spanLogsOf(all: Config['tracing']): readonly string[] {
  return all?.endpoint === undefined ? [] : [SPANS_LOG];
}

/** Those logs: requests whose traces are recorded are in them. */
export function compileSpanLogs(all: Config['tracing']): readonly LogPlan[] {
  const { endpoint, service } = { ...DEFAULTS.tracing, endpoint: undefined, ...all };
  if (endpoint === undefined) return [];
  const format = { text: SPAN_LINE, escape: 'json' as const };
  return [
    {
      name: SPANS_LOG,
      file: null,
      syslog: null,
      otlp: { endpoint, service },
      format,
      sessionFormat: format,
      when: '{trace-sampled}',
      sample: hundredths('100%'),
      keepsErrors: false,
    },
  ];
}

/** The fields of a trace are ours, unless the route says something of them itself. */
export function traceHeaders(edit: HeaderEditPlan): HeaderEditPlan {
  const said = new Set([...edit.set.map(([name]) => name), ...edit.remove].map((name) => name.toLowerCase()));
  if (said.has('traceparent')) return edit;
  const ours = ['traceparent', 'tracestate'].filter((name) => !said.has(name));
  return { ...edit, set: [...edit.set, ...ours.map((name) => [name, `{${name}}`] as const)] };
}
