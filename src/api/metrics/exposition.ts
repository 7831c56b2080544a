/** The text formats of Prometheus (0.0.4) and OpenMetrics (1.0.0): families of metrics as lines. Both have the same series. */
import type { HistogramView } from '../traffic.ts';

/** Which of both. */
export type Format = 'prometheus' | 'openmetrics';

export const PROMETHEUS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
export const OPENMETRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/** Behind everything else. */
export const END: Readonly<Record<Format, string>> = { prometheus: '', openmetrics: '# EOF\n' };

export type Labels = Readonly<Record<string, string>>;
export type Sample = readonly [labels: Labels, value: number];

/** So often, and all of it together. */
export interface Sum {
  readonly count: number;
  readonly sum: number;
}

interface FamilyOf<T extends string, V> {
  /** With its unit; that of a counter ends with `_total`. */
  readonly name: string;
  readonly help: string;
  readonly type: T;
  readonly samples: readonly (readonly [labels: Labels, value: V])[];
}

/** Metrics of one name. */
export type Family =
  | FamilyOf<'gauge' | 'counter', number>
  /** Of milliseconds, or 1/16 of them. */
  | (FamilyOf<'histogram', HistogramView> & { readonly unitMs: number })
  | FamilyOf<'summary', Sum>;

/** Empty for a family that has no samples. */
export function familyText(family: Family, format: Format = 'prometheus'): string {
  const { name, help, type } = family;
  if (family.samples.length === 0) return '';
  // what OpenMetrics calls a counter is its name without the ending
  const called = format === 'openmetrics' && type === 'counter' ? name.replace(/_total$/, '') : name;
  return `# HELP ${called} ${escapeHelp(help, format)}\n# TYPE ${called} ${type}\n${linesOf(family)}`;
}

/** How many lines, and so series, a family is. */
export function seriesOf({ type, samples }: Family): number {
  const [first] = samples;
  if (first === undefined) return 0;
  if (type === 'histogram') return samples.length * ((first[1] as HistogramView).buckets.length + 2);
  return type === 'summary' ? 2 * samples.length : samples.length;
}

/** Without its head: of a family whose samples are told in parts. */
export function linesOf(family: Family): string {
  const { name } = family;
  switch (family.type) {
    case 'histogram':
      return family.samples.map(([labels, value]) => histogramText(name, labels, value, family.unitMs)).join('');
    case 'summary':
      return family.samples
        .map(([labels, { count, sum }]) => line(`${name}_sum`, labels, sum) + line(`${name}_count`, labels, count))
        .join('');
    case 'gauge':
    case 'counter':
      return family.samples.map(([labels, value]) => line(name, labels, value)).join('');
  }
}

function histogramText(name: string, labels: Labels, view: HistogramView, unitMs: number): string {
  const { buckets, count, sumSeconds } = view;
  const inside = pairsOf(labels);
  const before = inside === '' ? '' : `${inside},`;
  let below = 0;
  let text = '';
  for (let i = 0; i < buckets.length; i++) {
    below += buckets[i];
    const bound = i === buckets.length - 1 ? '+Inf' : String((2 ** i * unitMs) / 1_000);
    text += `${name}_bucket{${before}le="${bound}"} ${below}\n`;
  }
  return text + line(`${name}_sum`, labels, sumSeconds) + line(`${name}_count`, labels, count);
}

function line(name: string, labels: Labels, value: number): string {
  const pairs = pairsOf(labels);
  return `${name}${pairs === '' ? '' : `{${pairs}}`} ${valueText(value)}\n`;
}

function pairsOf(labels: Labels): string {
  let text = '';
  for (const name in labels) text += `${text === '' ? '' : ','}${name}="${escapeLabel(labels[name])}"`;
  return text;
}

function valueText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return String(value);
}

/** OpenMetrics has quotes escaped here too. */
function escapeHelp(text: string, format: Format): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return format === 'openmetrics' ? escaped.replaceAll('"', '\\"') : escaped;
}

function escapeLabel(text: string): string {
  // nearly none has anything of that, and there are tens of thousands
  return /["\\\n]/.test(text) ? escapeHelp(text, 'openmetrics') : text;
}
