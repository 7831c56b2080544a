/** Values of which there may be one for each node: `150`, or `{ lb01: 150, lb02: 100 }`. */
import { assert } from '../../base/assert.ts';
import type { Path } from '../findings/diagnostic.ts';

type PerNode<T> = T | { readonly [node: string]: T | undefined };

interface NodeValue<T> {
  /** Null: for all nodes. */
  readonly node: string | null;
  readonly path: Path;
  readonly value: T;
}

/** Every value that is written, with its place; `path` is that of `value`. */
export function valuesByNode<T>(value: PerNode<T> | undefined, path: Path): readonly NodeValue<T>[] {
  if (value === undefined) return [];
  if (!isByNode(value)) return [{ node: null, path, value }];
  return Object.entries(value).flatMap(([node, inside]) =>
    inside === undefined ? [] : [{ node, path: [...path, node], value: inside }],
  );
}

/** The value for this node. That it has one was checked. */
export function forNode<T>(value: PerNode<T>, node: string): T {
  if (!isByNode(value)) return value;
  const own = value[node];
  assert(own !== undefined, `node ${node} has a value`);
  return own;
}

/** No value that may be written per node is a map, but `preempt: { delay: 10s }`. */
function isByNode<T>(value: PerNode<T>): value is { readonly [node: string]: T | undefined } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return typeof (value as { readonly delay?: unknown }).delay !== 'string';
}
