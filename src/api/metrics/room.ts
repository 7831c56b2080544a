/** One answer has room for so many series: what each kind of things may have of it, and what is left out. */
import { type Family, familyText, type Format, type Labels, linesOf } from './exposition.ts';
import { familiesOf, type Metric, seriesOfTaken } from './metric.ts';

/** What one answer has at most. What is left out behind it is counted. */
export const SERIES_MAX = 10_000;

/** Of things, in one piece of text. */
const PIECE_THINGS = 50;

/** Things of which there may be more than an answer has room for: the first ones are shown. */
export class Group<T> {
  readonly name: string;
  shown = 0;
  private readonly values: readonly Metric<T>[];
  private readonly things: readonly T[];
  private readonly labelsOf: (thing: T) => Labels;

  constructor(name: string, values: readonly Metric<T>[], things: readonly T[], labelsOf: (thing: T) => Labels) {
    this.name = name;
    this.values = values;
    this.things = things;
    this.labelsOf = labelsOf;
  }

  get hidden(): number {
    return this.things.length - this.shown;
  }

  /** Shows as many as there is room for. Returns the room that is left. */
  *fill(room: number): Generator<string, number> {
    while (this.shown < this.things.length) {
      const series = this.seriesOf(this.things[this.shown]);
      if (series > room) break;
      room -= series;
      if (++this.shown % PIECE_THINGS === 0) yield '';
    }
    return room;
  }

  *text(format: Format): Generator<string> {
    const labels: Labels[] = [];
    for (const value of this.values) {
      let isBegun = false;
      for (let from = 0; from < this.shown; from += PIECE_THINGS) {
        const some = this.things.slice(from, Math.min(this.shown, from + PIECE_THINGS));
        const [family] = familiesOf([value], some, (thing, i) => (labels[from + i] ??= this.labelsOf(thing)));
        const piece: string = isBegun ? linesOf(family) : familyText(family, format);
        isBegun ||= piece !== '';
        yield piece;
      }
    }
  }

  private seriesOf(thing: T): number {
    let series = 0;
    for (const value of this.values) series += seriesOfTaken(value[3](thing));
    return series;
  }
}

/** Each kind has its part of the room; what it does not need is for the others, in their order. */
export function* share(groups: readonly Pick<Group<never>, 'fill'>[], room: number): Generator<string> {
  const part = Math.floor(room / groups.length);
  let left = room - part * groups.length;
  for (const group of groups) left += yield* group.fill(part);
  for (const group of groups) left = yield* group.fill(left);
}

export function hiddenOf(groups: readonly Pick<Group<never>, 'name' | 'hidden'>[]): Family {
  return {
    name: 'evenkeel_metrics_hidden',
    type: 'gauge',
    help: HIDDEN,
    samples: groups.map(({ name, hidden }) => [{ of: name }, hidden]),
  };
}

export const HIDDEN = `Things without metrics of their own, by kind: there would be more than ${SERIES_MAX} series.`;
