/**
 * Path rules of all host names of a table: one compressed radix tree over bytes per host name, together in flat arrays.
 *
 * A node holds the routes whose prefix ends there and those whose exact path does, each list in ascending order: routes
 * are matched in written order, so a list is read until its next route cannot be better than what is found already. A
 * subtree whose lowest route cannot be better is not entered.
 */
import { assert } from '../../base/assert.ts';

/** Greater than every route. Ends each list. */
export const NO_ROUTE_YET = 0x7fffffff;

const NODE_WORDS = 7;
const N_LABEL = 0; // offset in `labels`
const N_LABEL_LENGTH = 1;
const N_FIRST_CHILD = 2; // index of a node; its siblings follow
const N_CHILD_COUNT = 3;
const N_PREFIX = 4; // offset in `lists`
const N_EXACT = 5;
const N_LOWEST = 6; // of the node and everything below

/** Says whether a route's other conditions hold. */
export interface RouteFilter {
  holds(route: number): boolean;
}

class BuildNode {
  label: Uint8Array;
  children = new Map<number, BuildNode>();
  prefix: number[] = [];
  exact: number[] = [];
  constructor(label: Uint8Array) {
    this.label = label;
  }

  /** Its children, by their first bytes. */
  sorted(): Iterable<BuildNode> {
    if (this.children.size < 2) return this.children.values();
    return [...this.children].sort(([a], [b]) => a - b).map(([, child]) => child);
  }
}

/** They are done in a fraction of a millisecond, also by code that has not run before. */
const NODES_PER_STEP = 64;

const EMPTY = new Uint8Array(0);

export class TrieBuilder {
  private readonly roots: BuildNode[] = [];

  /** A new, empty tree; they are numbered from 0. */
  addTree(): number {
    return this.roots.push(new BuildNode(EMPTY)) - 1;
  }

  /** Routes must be added in ascending order. The empty prefix is that of every path. */
  add(tree: number, path: Uint8Array, isExact: boolean, route: number): void {
    let node = this.roots[tree];
    let rest = path;
    while (rest.length > 0) {
      const child = node.children.get(rest[0]);
      if (child === undefined) {
        const leaf = new BuildNode(rest);
        node.children.set(rest[0], leaf);
        node = leaf;
        break;
      }
      const shared = sharedLength(child.label, rest);
      node = shared === child.label.length ? child : split(node, child, shared);
      rest = rest.subarray(shared);
    }
    const list = isExact ? node.exact : node.prefix;
    if (list.at(-1) !== route) list.push(route);
  }

  /** Between two steps somebody else may have the turn. */
  *build(): Generator<undefined, Trie> {
    // breadth first, so that the roots come first and siblings stand together
    const order = [...this.roots];
    const firstChild: number[] = [];
    let labelsSize = 0;
    for (let i = 0; i < order.length; i++) {
      firstChild.push(order.length);
      labelsSize += order[i].label.length;
      for (const child of order[i].sorted()) order.push(child);
      if (i % NODES_PER_STEP === 0) yield;
    }

    const nodes = new Int32Array(order.length * NODE_WORDS);
    const firstBytes = new Uint8Array(order.length);
    const labels = new Uint8Array(labelsSize);
    const lists: number[] = [NO_ROUTE_YET];
    let labelsLength = 0;
    for (let i = order.length - 1; i >= 0; i--) {
      const { label, children, prefix, exact } = order[i];
      firstBytes[i] = label.length > 0 ? label[0] : 0;
      const at = i * NODE_WORDS;
      nodes[at + N_LABEL] = labelsLength;
      nodes[at + N_LABEL_LENGTH] = label.length;
      nodes[at + N_FIRST_CHILD] = firstChild[i];
      nodes[at + N_CHILD_COUNT] = children.size;
      nodes[at + N_PREFIX] = addList(lists, prefix);
      nodes[at + N_EXACT] = addList(lists, exact);
      let lowest = Math.min(prefix[0] ?? NO_ROUTE_YET, exact[0] ?? NO_ROUTE_YET);
      for (let k = 0; k < children.size; k++) {
        lowest = Math.min(lowest, nodes[(firstChild[i] + k) * NODE_WORDS + N_LOWEST]);
      }
      nodes[at + N_LOWEST] = lowest;
      labels.set(label, labelsLength);
      labelsLength += label.length;
      if (i % NODES_PER_STEP === 0) yield;
    }
    return new Trie(nodes, firstBytes, labels, Int32Array.from(lists));
  }
}

export class Trie {
  private readonly nodes: Int32Array;
  /** The first byte of each node's label. */
  private readonly firstBytes: Uint8Array;
  private readonly labels: Uint8Array;
  private readonly lists: Int32Array;

  constructor(nodes: Int32Array, firstBytes: Uint8Array, labels: Uint8Array, lists: Int32Array) {
    this.nodes = nodes;
    this.firstBytes = firstBytes;
    this.labels = labels;
    this.lists = lists;
  }

  /**
   * The lowest route of `tree` below `best` whose rule holds for the `length` bytes at `at` and that `filter` accepts,
   * or `best`.
   */
  find(tree: number, bytes: Uint8Array, at: number, length: number, best: number, filter: RouteFilter): number {
    const { nodes, labels } = this;
    const end = at + length;
    let node = tree * NODE_WORDS;
    for (;;) {
      if (nodes[node + N_LOWEST] >= best) return best;
      const labelLength = nodes[node + N_LABEL_LENGTH];
      if (end - at < labelLength) return best;
      const label = nodes[node + N_LABEL] - at;
      for (const labelEnd = at + labelLength; at < labelEnd; at++) {
        if (bytes[at] !== labels[label + at]) return best;
      }
      best = this.scan(nodes[node + N_PREFIX], best, filter);
      if (at === end) return this.scan(nodes[node + N_EXACT], best, filter);
      node = this.child(node, bytes[at]);
      if (node < 0) return best;
    }
  }

  /** The lowest route of `tree` below `best` that has no path rule and that `filter` accepts, or `best`. */
  findAny(tree: number, best: number, filter: RouteFilter): number {
    return this.scan(this.nodes[tree * NODE_WORDS + N_PREFIX], best, filter);
  }

  private scan(list: number, best: number, filter: RouteFilter): number {
    const { lists } = this;
    for (let at = list; lists[at] < best; at++) {
      if (filter.holds(lists[at])) return lists[at];
    }
    return best;
  }

  /**
   * The offset of the child whose label begins with `byte`, or -1. A table by byte for wide nodes gained nothing
   * measurable.
   */
  private child(node: number, byte: number): number {
    const { firstBytes, nodes } = this;
    let low = nodes[node + N_FIRST_CHILD];
    let high = low + nodes[node + N_CHILD_COUNT] - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const first = firstBytes[middle];
      if (first === byte) return middle * NODE_WORDS;
      if (first < byte) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }
}

/** Puts a node with the first `length` bytes of the child's label between `parent` and `child`. */
function split(parent: BuildNode, child: BuildNode, length: number): BuildNode {
  assert(length > 0 && length < child.label.length, 'a label is split inside');
  const middle = new BuildNode(child.label.subarray(0, length));
  parent.children.set(middle.label[0], middle);
  child.label = child.label.subarray(length);
  middle.children.set(child.label[0], child);
  return middle;
}

function sharedLength(a: Uint8Array, b: Uint8Array): number {
  const max = Math.min(a.length, b.length);
  let i = 0;
  while (i < max && a[i] === b[i]) i++;
  return i;
}

function addList(lists: number[], routes: readonly number[]): number {
  if (routes.length === 0) return 0;
  const at = lists.length;
  for (const route of routes) lists.push(route);
  lists.push(NO_ROUTE_YET);
  return at;
}
