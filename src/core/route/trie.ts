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

/** Ten thousand routes are rather more nodes, made anew for each plan: what most have none of is not allocated for each. */
const NO_ROUTES: readonly number[] = [];

class BuildNode {
  /** The label is `bytes` from `at` to `end`. */
  readonly bytes: Uint8Array;
  readonly at: number;
  end: number;
  /** Its children, by their first bytes: the lowest, and each one's next. */
  child: BuildNode | null = null;
  sibling: BuildNode | null = null;
  prefix = NO_ROUTES;
  exact = NO_ROUTES;
  /** Where its children begin in the order in which nodes are written. */
  firstChild = 0;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = bytes.length;
  }

  get firstByte(): number {
    return this.bytes[this.at];
  }
}

/** They are done in a fraction of a millisecond, also by code that has not run before. */
const NODES_PER_STEP = 64;

const EMPTY = new Uint8Array(0);

export class TrieBuilder {
  private readonly roots: BuildNode[] = [];

  /** A new, empty tree; they are numbered from 0. */
  addTree(): number {
    return this.roots.push(new BuildNode(EMPTY, 0)) - 1;
  }

  /** Routes must be added in ascending order. The empty prefix is that of every path. */
  add(tree: number, path: Uint8Array, isExact: boolean, route: number): void {
    let node = this.roots[tree];
    for (let at = 0; at < path.length;) {
      const child = childOf(node, path[at]);
      if (child === null) {
        node = insert(node, new BuildNode(path, at));
        break;
      }
      const shared = sharedLength(child, path, at);
      if (shared < child.end - child.at) split(child, shared);
      node = child;
      at += shared;
    }
    if (isExact) node.exact = withRoute(node.exact, route);
    else node.prefix = withRoute(node.prefix, route);
  }

  /** Between two steps somebody else may have the turn. */
  *build(): Generator<undefined, Trie> {
    // breadth first, so that the roots come first and siblings stand together
    const order = [...this.roots];
    let labelsSize = 0;
    for (let i = 0; i < order.length; i++) {
      const node = order[i];
      node.firstChild = order.length;
      labelsSize += node.end - node.at;
      for (let { child } = node; child !== null; child = child.sibling) order.push(child);
      if (i % NODES_PER_STEP === 0) yield;
    }

    const nodes = new Int32Array(order.length * NODE_WORDS);
    const firstBytes = new Uint8Array(order.length);
    const labels = new Uint8Array(labelsSize);
    const lists: number[] = [NO_ROUTE_YET];
    let labelsLength = 0;
    for (let i = order.length - 1; i >= 0; i--) {
      const { bytes, at: labelAt, end, prefix, exact, firstChild } = order[i];
      const labelLength = end - labelAt;
      firstBytes[i] = labelLength > 0 ? bytes[labelAt] : 0;
      const at = i * NODE_WORDS;
      let lowest = Math.min(prefix[0] ?? NO_ROUTE_YET, exact[0] ?? NO_ROUTE_YET);
      let childCount = 0;
      for (let { child } = order[i]; child !== null; child = child.sibling) {
        lowest = Math.min(lowest, nodes[(firstChild + childCount) * NODE_WORDS + N_LOWEST]);
        childCount++;
      }
      nodes[at + N_LABEL] = labelsLength;
      nodes[at + N_LABEL_LENGTH] = labelLength;
      nodes[at + N_FIRST_CHILD] = firstChild;
      nodes[at + N_CHILD_COUNT] = childCount;
      nodes[at + N_PREFIX] = addList(lists, prefix);
      nodes[at + N_EXACT] = addList(lists, exact);
      nodes[at + N_LOWEST] = lowest;
      for (let k = labelAt; k < end; k++) labels[labelsLength++] = bytes[k];
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

/** Null: there is none. */
function childOf(node: BuildNode, byte: number): BuildNode | null {
  let { child } = node;
  while (child !== null && child.firstByte < byte) child = child.sibling;
  return child?.firstByte === byte ? child : null;
}

/** `parent` has no child with the same first byte. */
function insert(parent: BuildNode, node: BuildNode): BuildNode {
  let before: BuildNode | null = null;
  for (let { child } = parent; child !== null && child.firstByte < node.firstByte; child = child.sibling)
    before = child;
  if (before === null) {
    node.sibling = parent.child;
    parent.child = node;
  } else {
    node.sibling = before.sibling;
    before.sibling = node;
  }
  return node;
}

/** The node keeps the first `length` bytes of its label; all that it was is its only child, with the others. */
function split(node: BuildNode, length: number): void {
  assert(length > 0 && length < node.end - node.at, 'a label is split inside');
  const rest = new BuildNode(node.bytes, node.at + length);
  rest.end = node.end;
  rest.child = node.child;
  rest.prefix = node.prefix;
  rest.exact = node.exact;
  node.end = rest.at;
  node.child = rest;
  node.prefix = NO_ROUTES;
  node.exact = NO_ROUTES;
}

/** Of the node's label and of `path` from `at` on: how many bytes are the same. */
function sharedLength({ bytes, at: labelAt, end }: BuildNode, path: Uint8Array, at: number): number {
  const max = Math.min(end - labelAt, path.length - at);
  let i = 0;
  while (i < max && bytes[labelAt + i] === path[at + i]) i++;
  return i;
}

/** The same list, or one with the route behind the others. */
function withRoute(routes: readonly number[], route: number): readonly number[] {
  if (routes.length === 0) return [route];
  if (routes.at(-1) !== route) (routes as number[]).push(route);
  return routes;
}

function addList(lists: number[], routes: readonly number[]): number {
  if (routes.length === 0) return 0;
  const at = lists.length;
  for (const route of routes) lists.push(route);
  lists.push(NO_ROUTE_YET);
  return at;
}
