/** A configuration as text in which each line says one thing, and what each line is about: nobody who sent JSON knows our lines. */
import { pointerText } from './pointer.ts';

export interface PlacedText {
  readonly text: string;
  /** The place that is on a line, which counts from 1. */
  readonly placeOf: (line: number) => string;
}

export function placedText(config: unknown): PlacedText {
  const text = `${JSON.stringify(config, null, 2)}\n`;
  const places: (readonly (string | number)[])[] = [];
  place(config, [], places);
  return { text, placeOf: (line) => pointerText(places[line - 1] ?? []) };
}

/** As JSON.stringify lays them out: an opening line, a line or several for each, a closing line; empty ones are on one line. */
function place(value: unknown, at: readonly (string | number)[], places: (readonly (string | number)[])[]): void {
  places.push(at);
  if (typeof value !== 'object' || value === null) return;
  const parts = Object.entries(value);
  for (const [key, each] of parts) place(each, [...at, Array.isArray(value) ? Number(key) : key], places);
  if (parts.length > 0) places.push(at);
}
