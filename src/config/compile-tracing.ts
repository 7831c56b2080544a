/** What is said of tracing to what a listener and its routes do. */
import { DEFAULTS } from './defaults.ts';
import type { Config, ListenerConfig } from './model.ts';
import type { HeaderEditPlan, TracingPlan } from './plan.ts';
import { hundredths } from './units.ts';

/** `all`: what is said for all listeners. Null: requests of this one are not traced. */
export function compileTracing({ protocol, tracing }: ListenerConfig, all: Config['tracing']): TracingPlan | null {
  const isOn = tracing ?? (all !== undefined && (protocol ?? DEFAULTS.listener.protocol) === 'http');
  if (!isOn) return null;
  const { sample } = { ...DEFAULTS.tracing, ...all };
  return { share: sample === 'none' ? 0 : hundredths(sample) };
}

/** The fields of a trace are ours, unless the route says something of them itself. */
export function traceHeaders(edit: HeaderEditPlan): HeaderEditPlan {
  const said = new Set([...edit.set.map(([name]) => name), ...edit.remove].map((name) => name.toLowerCase()));
  if (said.has('traceparent')) return edit;
  const ours = ['traceparent', 'tracestate'].filter((name) => !said.has(name));
  return { ...edit, set: [...edit.set, ...ours.map((name) => [name, `{${name}}`] as const)] };
}
