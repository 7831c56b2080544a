/** Values by name that are made of what a response says: maps that are looked at when it comes. */
import { HTTP_DATE_BYTES, writeHttpDate } from '../../base/date-text.ts';
import { encodeUtf8 } from '../../base/text.ts';
import type { MapPlan } from '../../config/plan/value.ts';
import { parseOffset } from '../../config/words/template.ts';
import { expandText, type LateValues, markLate } from './late.ts';
import { MapTable } from './map-table.ts';
import { Span } from './span.ts';

/** What such a value is chosen by, and what it is; more is as nothing. */
const TEXT_BYTES_MAX = 8 * 1024;
const NOTHING = new Uint8Array(0);

export class ResponseValues {
  private readonly wallClockMs: () => number;
  private maps: ReadonlyMap<string, ResponseMap> = new Map();

  constructor(wallClockMs: () => number) {
    this.wallClockMs = wallClockMs;
  }

  /** Those of a plan, in place of all others. */
  define(maps: readonly ResponseMap[]): void {
    this.maps = new Map(maps.map((map) => [map.name, map]));
  }

  /** Leaves the value of this name in `into`, which holds until it is asked for again. */
  find(name: string, values: LateValues, into: Span): void {
    const map = this.maps.get(name);
    if (map === undefined) into.set(NOTHING, 0, 0);
    else map.find(values, into);
  }

  /** Milliseconds since 1970. */
  get now(): number {
    return this.wallClockMs();
  }

  /** The date that is so long from now: `720h`. */
  findDate(offset: string, into: Span): void {
    const text = new Uint8Array(HTTP_DATE_BYTES);
    writeHttpDate(text, Math.max(0, this.wallClockMs() + (parseOffset(offset) ?? 0)));
    into.set(text, 0, text.length);
  }
}

export class ResponseMap {
  readonly name: string;
  private readonly of: Uint8Array;
  private readonly table: MapTable;
  private readonly texts: readonly Uint8Array[];
  private readonly draft = new Uint8Array(TEXT_BYTES_MAX);
  private readonly text = new Uint8Array(TEXT_BYTES_MAX);
  private readonly part = new Span();

  constructor(plan: MapPlan) {
    this.name = plan.name;
    this.of = encodeUtf8(markLate(plan.of));
    this.table = new MapTable(plan);
    this.texts = this.table.texts.map((text) => encodeUtf8(markLate(text)));
  }

  find(values: LateValues, into: Span): void {
    const length = this.expand(this.of, values, this.draft);
    const text = this.texts[this.table.find(this.draft, 0, length)];
    into.set(this.text, 0, this.expand(text, values, this.text));
  }

  private expand(text: Uint8Array, values: LateValues, out: Uint8Array): number {
    return Math.max(0, expandText(text, 0, text.length, values, this.part, out, 0, out.length));
  }
}
