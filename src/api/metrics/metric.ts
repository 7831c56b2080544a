/** A metric as a row of a table: its name, what it is, and how it is taken of a thing. With the things, rows are families. */
import type { CodeClassesView, EndingView, HistogramView } from '../traffic.ts';
import type { Family, Labels, Sample, Sum } from './exposition.ts';

/** What is taken of each thing of a kind: a number, or several with a label each. Undefined or null: there is none. */
export type Metric<T> =
  | readonly [
      name: string,
      type: 'gauge' | 'counter',
      help: string,
      take: (thing: T) => number | null | undefined | readonly Sample[],
    ]
  | readonly [
      name: string,
      type: 'histogram',
      help: string,
      take: (thing: T) => HistogramView | null | undefined,
      unitMs?: number,
    ]
  | readonly [name: string, type: 'summary', help: string, take: (thing: T) => Sum | null | undefined];

export const bit = (is: boolean): number => (is ? 1 : 0);
export const seconds = (milliseconds: number | null): number | null =>
  milliseconds === null ? null : milliseconds / 1_000;

export function familiesOf<T>(
  values: readonly Metric<T>[],
  things: readonly T[],
  labelsOf: (thing: T, index: number) => Labels,
): readonly Family[] {
  const labels = things.map(labelsOf);
  const samplesOf = <V>(take: (thing: T) => V | null | undefined): (readonly [Labels, V])[] =>
    things.flatMap((thing, index) => {
      const taken = take(thing);
      return taken === null || taken === undefined ? [] : [[labels[index], taken] as const];
    });
  return values.map((value): Family => {
    const [short, , help] = value;
    const name = `evenkeel_${short}`;
    switch (value[1]) {
      case 'histogram':
        return { name, help, type: value[1], samples: samplesOf(value[3]), unitMs: value[4] ?? 1 };
      case 'summary':
        return { name, help, type: value[1], samples: samplesOf(value[3]) };
      case 'gauge':
      case 'counter':
        return { name, help, type: value[1], samples: samplesOf(value[3]).flatMap(spread) };
    }
  });
}

/** How many series a family has for one thing. */
export function seriesOfTaken(taken: ReturnType<Metric<never>[3]>): number {
  if (taken === null || taken === undefined) return 0;
  if (typeof taken === 'number') return 1;
  if ('buckets' in taken) return taken.buckets.length + 2;
  return 'sum' in taken ? 2 : taken.length;
}

/** One number, or several with more labels. */
function spread([labels, taken]: readonly [Labels, number | readonly Sample[]]): readonly Sample[] {
  if (typeof taken === 'number') return [[labels, taken]];
  return taken.map(([more, value]) => [{ ...labels, ...more }, value]);
}

/** By the class of their status. */
export function classesOf(
  traffic: { readonly requests: CodeClassesView } | null | undefined,
): readonly Sample[] | null {
  return countsBy('code_class', traffic?.requests);
}

export function endingsOf(endings: readonly EndingView[] = []): readonly Sample[] {
  return endings.map(({ name, by, count }) => [{ reason: name, by }, count]);
}

export function countsBy(
  label: string,
  counts: Readonly<Record<string, number>> | null | undefined,
): readonly Sample[] | null {
  if (counts === null || counts === undefined) return null;
  return Object.entries(counts).map(([name, count]) => [{ [label]: name }, count]);
}
