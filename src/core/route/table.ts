/**
 * Which route a request takes: the first in written order whose conditions all hold. Ten thousand routes are searched
 * nearly as fast as ten: host names are hashed, path rules stand in a radix tree per host name, and only what is left
 * is looked at one by one: regular expressions, and routes that differ in nothing but method, header or query.
 *
 * Nothing is allocated for a request.
 */
import { Regex } from '../../base/regex/regex.ts';
import type { EscapedSlash, RoutePlan } from '../../config/plan.ts';
import type { RequestView } from '../value/request-view.ts';
import { Conditions } from './conditions.ts';
import { HostTable } from './hosts.ts';
import { DOT, NormalPath, READ_DOTS, READ_SLASH, type Reading, normaliseRule } from '../value/path.ts';
import { NO_ROUTE_YET, TrieBuilder, type RouteFilter, type Trie } from './trie.ts';

/** No route matches. */
export const ROUTE_NONE = -1;
/** The path climbs above the root, or has a `%` without two hex digits: answer 400. */
export const ROUTE_BAD_PATH = -2;
/** Servers that read the path in another way would take it for one of another route: answer 400. */
export const ROUTE_DOUBTFUL_PATH = -3;

/** The tree of the routes that take any host. */
const ANY_HOST = 0;
const NO_PATH = new Uint8Array(0);
/** Used within one call only, so all tables share it. */
const path = new NormalPath();

/** Readings that are compared with each other at once; nobody has more of them in one path and means well. */
const DOUBTS_MAX = 3;

export function compileRoutes(routes: readonly RoutePlan[], escapedSlash: EscapedSlash = 'compare'): RouteTable {
  return new RouteTable(routes, escapedSlash);
}

/** The reading that rules and rewrites go by. */
export function readingOf(escapedSlash: EscapedSlash): Reading {
  return escapedSlash === 'decode' ? READ_SLASH : 0;
}

export class RouteTable implements RouteFilter {
  /** By route; null: nothing besides host and path. */
  private readonly conditions: (Conditions | null)[];
  private readonly trie: Trie;
  /** Host names to their trees, less the first. */
  private readonly exactHosts: HostTable;
  /** x of `*.x` to its tree, less `wildcardTree`. */
  private readonly wildcardHosts: HostTable;
  private readonly wildcardTree: number;
  /** Of the longest x, in labels. 0: there is none. */
  private readonly wildcardLabels: number;
  private readonly hasHosts: boolean;
  /** By tree; null: the tree has none. */
  private readonly regexRules: (readonly RegexRule[] | null)[];
  private readonly hasPaths: boolean;
  /** The first route takes everything as it is. */
  private readonly isCatchAll: boolean;

  /** What one call of `match` works on. */
  private view: RequestView | null = null;

  private readonly escapedSlash: EscapedSlash;

  constructor(routes: readonly RoutePlan[], escapedSlash: EscapedSlash) {
    this.escapedSlash = escapedSlash;
    const reachable = routes.slice(0, routes.findIndex(takesEverything) + 1 || routes.length);
    this.conditions = reachable.map((route) => Conditions.of(route.match));
    this.hasPaths = reachable.some(needsPath);
    this.isCatchAll = reachable.length > 0 && takesEverything(reachable[0]) && !this.hasPaths;

    const hosts = new Set(reachable.flatMap((route) => route.match.hosts));
    const exact = [...hosts].filter((host) => !host.startsWith('*.'));
    const wildcard = [...hosts].filter((host) => host.startsWith('*.')).map((host) => host.slice(2));
    this.exactHosts = new HostTable(exact);
    this.wildcardHosts = new HostTable(wildcard);
    this.wildcardTree = 1 + exact.length;
    this.wildcardLabels = wildcard.reduce((max, name) => Math.max(max, name.split('.').length), 0);
    this.hasHosts = hosts.size > 0;

    const builder = new TrieBuilder();
    const treeOf = new Map<string, number>();
    builder.addTree();
    for (const host of exact) treeOf.set(host, builder.addTree());
    for (const host of wildcard) treeOf.set(`*.${host}`, builder.addTree());
    this.regexRules = addRules(builder, reachable, treeOf);
    this.trie = builder.build();
  }

  /**
   * The index of the first matching route, ROUTE_NONE, or, if the table has rules about paths or rewrites them,
   * ROUTE_BAD_PATH or ROUTE_DOUBTFUL_PATH.
   */
  match(view: RequestView): number {
    if (this.isCatchAll) return 0;
    this.view = view;
    if (!this.hasPaths) return this.find(view);
    if (!path.readFrom(view.bytes, view.head, readingOf(this.escapedSlash))) return ROUTE_BAD_PATH;
    const { doubts } = path;
    const found = this.find(view);
    return doubts === 0 || this.isSameInAllReadings(view, doubts, found) ? found : ROUTE_DOUBTFUL_PATH;
  }

  private isSameInAllReadings(view: RequestView, doubts: Reading, found: number): boolean {
    const { escapedSlash } = this;
    if (escapedSlash === 'refuse' && (doubts & READ_SLASH) !== 0) return false;
    const compared = escapedSlash === 'compare' ? doubts : doubts & ~READ_SLASH;
    // With dot segments it matters who does what first, so that no list of readings would be whole.
    if ((compared & READ_DOTS) !== 0 && compared !== READ_DOTS) return false;
    if (bitCount(compared) > DOUBTS_MAX) return false;
    const base = readingOf(escapedSlash);
    for (let reading = compared; reading > 0; reading = (reading - 1) & compared) {
      if (!path.readFrom(view.bytes, view.head, base | reading) || path.hadDotSegments) return false;
      if (this.find(view) !== found) return false;
    }
    return true;
  }

  private find(view: RequestView): number {
    let best = NO_ROUTE_YET;
    if (this.hasHosts && view.head.hostLength > 0) best = this.findByHost(view);
    best = this.findInTree(ANY_HOST, best);
    return best === NO_ROUTE_YET ? ROUTE_NONE : best;
  }

  /** RouteFilter: for the request that `match` is called with. */
  holds(route: number): boolean {
    const conditions = this.conditions[route];
    return conditions === null || conditions.hold(this.view as RequestView);
  }

  private findByHost({ bytes, head }: RequestView): number {
    const { host } = head;
    let end = host + head.hostLength;
    // `shop.example.` is the same name, said to be complete (RFC 1034 section 3.1)
    if (bytes[end - 1] === DOT) end--;
    let best = NO_ROUTE_YET;
    const exact = this.exactHosts.find(bytes, host, end - host);
    if (exact >= 0) best = this.findInTree(1 + exact, best);
    let labels = 0;
    for (let i = end - 1; i > host && labels < this.wildcardLabels; i--) {
      if (bytes[i] !== DOT) continue;
      labels++;
      const wildcard = this.wildcardHosts.find(bytes, i + 1, end - i - 1);
      if (wildcard >= 0) best = this.findInTree(this.wildcardTree + wildcard, best);
    }
    return best;
  }

  private findInTree(tree: number, best: number): number {
    if (!this.hasPaths) return this.trie.findAny(tree, best, this);
    const found = this.trie.find(tree, path.bytes, path.at, path.length, best, this);
    const rules = this.regexRules[tree];
    return rules === null ? found : this.findRegex(rules, found);
  }

  private findRegex(rules: readonly RegexRule[], best: number): number {
    for (let i = 0; i < rules.length && rules[i].route < best; i++) {
      if (rules[i].regex.test(path.bytes, path.at, path.length) && this.holds(rules[i].route)) return rules[i].route;
    }
    return best;
  }
}

function bitCount(bits: number): number {
  let count = 0;
  for (let rest = bits; rest > 0; rest &= rest - 1) count++;
  return count;
}

interface RegexRule {
  readonly route: number;
  readonly regex: Regex;
}

/** Adds every route to the trees of its hosts, in order, and returns the regular expressions by tree. */
function addRules(
  builder: TrieBuilder,
  routes: readonly RoutePlan[],
  treeOf: ReadonlyMap<string, number>,
): (readonly RegexRule[] | null)[] {
  const regexRules: (RegexRule[] | null)[] = new Array<null>(1 + treeOf.size).fill(null);
  for (const [route, { match }] of routes.entries()) {
    const trees = match.hosts.length === 0 ? [ANY_HOST] : match.hosts.map((host) => treeOf.get(host) as number);
    const regex = match.path?.kind === 'regex' ? new Regex(match.path.value) : null;
    const rule = match.path === null ? NO_PATH : normaliseRule(match.path.value);
    for (const tree of new Set(trees)) {
      if (regex !== null) (regexRules[tree] ??= []).push({ route, regex });
      else builder.add(tree, rule, match.path?.kind === 'exact', route);
    }
  }
  return regexRules;
}

function takesEverything({ match }: RoutePlan): boolean {
  return match.hosts.length === 0 && match.path === null && Conditions.of(match) === null;
}

/** A route that rewrites must know that the path can be normalised. */
function needsPath({ match, action }: RoutePlan): boolean {
  return match.path !== null || (action.kind === 'proxy' && action.rewrite !== null);
}
