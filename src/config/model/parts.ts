/** The parts of a document of which some may have been taken out, and of what may be one value or a list. */
import type { Path } from '../findings/diagnostic.ts';

/** What may be written as one value or as a list of them; wrong items are left out. */
export function listOf<T>(value: T | readonly (T | undefined)[] | undefined): readonly T[] {
  if (value === undefined) return [];
  return Array.isArray(value)
    ? (value as readonly (T | undefined)[]).filter((item) => item !== undefined)
    : [value as T];
}

/** Path and value of each item of what may be one value or a list; wrong items are left out. */
export function itemsOf<T>(
  value: T | readonly (T | undefined)[] | undefined,
  path: Path,
): readonly { readonly path: Path; readonly value: T }[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) return [{ path, value: value as T }];
  return (value as readonly (T | undefined)[])
    .map((item, i) => ({ path: [...path, i], value: item }))
    .filter((item): item is { path: (string | number)[]; value: T & {} } => item.value !== undefined);
}

/** The entries of a map; wrong ones are left out. */
export function entriesOf<T>(map: { readonly [name: string]: T | undefined } | undefined): [name: string, value: T][] {
  return Object.entries(map ?? {}).filter((entry): entry is [string, T & {}] => entry[1] !== undefined);
}

/** The names of `match.host`; none where it is a regular expression. */
export function hostsOf(
  host: string | readonly (string | undefined)[] | { readonly regex?: string | undefined } | undefined,
): readonly string[] {
  return typeof host === 'object' && !Array.isArray(host)
    ? []
    : listOf(host as string | readonly (string | undefined)[]);
}

/** Those with the same key together, in the order in which each key is met first. */
export function groupedBy<T>(items: readonly T[], keyOf: (item: T) => unknown): readonly (readonly [T, ...T[]])[] {
  const groups = new Map<unknown, [T, ...T[]]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups.values()];
}
