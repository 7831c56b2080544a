/**
 * Gaps of a document: parts that could not be read, and have been reported. A front-end leaves them where they were, so that the
 * rest is looked at like any other document, and nothing is said that follows only from what is not there.
 */
import { kindOf } from './model/schema-walk.ts';

/** A value that could not be read. */
export const UNREADABLE: unique symbol = Symbol('unreadable');

/** The key of a map below which it is UNREADABLE that there may be more keys: no map has a key of this name. */
export const REST = '<<';

/** There may be more in this map or list. */
export function markGap(value: unknown): void {
  if (Array.isArray(value)) value.push(UNREADABLE);
  else if (isMap(value)) value[REST] = UNREADABLE;
}

/** A document of which nothing could be read. */
export function nothingRead(): unknown {
  return { [REST]: UNREADABLE };
}

/** There may be more anywhere. */
export function markAllGaps(value: unknown): void {
  if (!Array.isArray(value) && !isMap(value)) return;
  for (const part of Object.values(value)) markAllGaps(part);
  markGap(value);
}

/** Keys that are not in this map may have been meant to be. */
export function hasGap(map: unknown): boolean {
  return isMap(map) && map[REST] === UNREADABLE;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return kindOf(value) === 'map' && value !== UNREADABLE;
}
