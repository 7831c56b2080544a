/**
 * Which route a request takes: the first in written order whose conditions all hold. Ten thousand routes are searched
 * nearly as fast as ten: host names are hashed, path rules stand in a radix tree per host name, and only what is left
 * is looked at one by one: regular expressions, and routes that differ in nothing but method, header or query.
 *
 * Nothing is allocated for a request.
 */
import type { Regex } from '../../base/regex/regex.ts';
import type { EscapedSlash } from '../../config/plan/listener.ts';
import type { RoutePlan } from '../../config/plan/route.ts';
import type { RequestView } from '../value/request-view.ts';
import type { Conditions } from './conditions.ts';
import { NameTable } from '../value/name-table.ts';
import type { RouteWatch } from './route-watch.ts';
import { Rule } from './rule.ts';
import { DOT, NormalPath, READ_DOTS, READ_SLASH, type Reading } from '../value/path.ts';
import { NO_ROUTE_YET, TrieBuilder, type RouteFilter, type Trie } from './trie.ts';

/** No route matches. */
export const ROUTE_NONE = -1;
/** The path climbs above the root, or has a `%` without two hex digits: answer 400. */
export const ROUTE_BAD_PATH = -2;
/** Servers that read the path in another way would take it for one of another route: answer 400. */
export const ROUTE_DOUBTFUL_PATH = -3;

/** A condition asks for a field that this request has in a spelling that only some servers take for it: answer 400. */
export const ROUTE_DOUBTFUL_FIELD = -4;

/** The tree of the routes that take any host. */
const ANY_HOST = 0;
/** Used within one call only, so all tables share it. */
const path = new NormalPath();

/** Readings that are compared with each other at once; nobody has more of them in one path and means well. */
const DOUBTS_MAX = 3;

export function compileRoutes(routes: readonly RoutePlan[], escapedSlash: EscapedSlash = 'compare'): RouteTable {
  const builder = new RouteTableBuilder();
  for (const route of routes) builder.add(new Rule(route));
  const work = builder.build(escapedSlash);
  for (;;) {
    const next = work.next();
    if (next.done === true) return next.value;
  }
}

/** The reading that rules and rewrites go by. */
export function readingOf(escapedSlash: EscapedSlash): Reading {
  return escapedSlash === 'decode' ? READ_SLASH : 0;
}

/** What a table is made of. */
interface Parts {
  /** By route; null: nothing besides host and path. */
  readonly conditions: readonly (Conditions | null)[];
  readonly trie: Trie;
  readonly exactHosts: NameTable;
  /** x of `*.x`. */
  readonly wildcardHosts: NameTable;
  /** By tree; undefined: the tree has none. */
  readonly regexRules: readonly (readonly RegexRule[] | undefined)[];
  readonly hasPaths: boolean;
  /** The first route takes everything as it is. */
  readonly isCatchAll: boolean;
}

interface RegexRule {
  readonly route: number;
  readonly regex: Regex;
}

/** Puts a table together, a rule at a time, so that nobody has to wait for all of them. */
export class RouteTableBuilder {
  private readonly conditions: (Conditions | null)[] = [];
  private readonly tries = new TrieBuilder();
  private readonly exact = new Map<string, number>();
  private readonly wildcard = new Map<string, number>();
  private readonly regexRules: RegexRule[][] = [];
  private hasPaths = false;
  private isCatchAll = false;
  private isFull = false;

  constructor() {
    this.tries.addTree();
  }

  /** In written order. */
  add(rule: Rule): void {
    if (this.isFull) return;
    const route = this.conditions.push(rule.conditions) - 1;
    this.hasPaths ||= rule.needsPath;
    this.isFull = rule.takesEverything;
    if (rule.isCalled) return;
    if (route === 0) this.isCatchAll = rule.takesEverything && !rule.needsPath;
    if (rule.hosts.length === 0) this.addTo(ANY_HOST, rule, route);
    for (const host of rule.hosts) this.addTo(this.treeOf(host), rule, route);
  }

  /** Between two steps somebody else may have the turn. `watch`: hears what is looked for. */
  *build(escapedSlash: EscapedSlash, watch: RouteWatch | null = null): Generator<undefined, RouteTable> {
    const { conditions, regexRules, hasPaths, isCatchAll } = this;
    const parts: Parts = {
      conditions,
      trie: yield* this.tries.build(),
      exactHosts: yield* NameTable.prepare(this.exact),
      wildcardHosts: yield* NameTable.prepare(this.wildcard),
      regexRules,
      hasPaths,
      isCatchAll,
    };
    return watch === null ? new RouteTable(parts, escapedSlash) : new WatchedTable(parts, escapedSlash, watch);
  }

  private treeOf(host: string): number {
    const isWildcard = host.startsWith('*.');
    const name = isWildcard ? host.slice(2) : host;
    const trees = isWildcard ? this.wildcard : this.exact;
    const known = trees.get(name);
    if (known !== undefined) return known;
    const tree = this.tries.addTree();
    trees.set(name, tree);
    return tree;
  }

  private addTo(tree: number, { path, isExact, regex }: Rule, route: number): void {
    if (regex !== null) (this.regexRules[tree] ??= []).push({ route, regex });
    else this.tries.add(tree, path, isExact, route);
  }
}

export class RouteTable implements RouteFilter {
  private readonly conditions: readonly (Conditions | null)[];
  private readonly trie: Trie;
  private readonly exactHosts: NameTable;
  private readonly wildcardHosts: NameTable;
  private readonly hasHosts: boolean;
  private readonly regexRules: Parts['regexRules'];
  private readonly hasPaths: boolean;
  private readonly isCatchAll: boolean;

  /** What one call of `match` works on. */
  private view: RequestView | null = null;

  private after = -1;

  private readonly escapedSlash: EscapedSlash;

  constructor(parts: Parts, escapedSlash: EscapedSlash) {
    this.escapedSlash = escapedSlash;
    this.conditions = parts.conditions;
    this.trie = parts.trie;
    this.exactHosts = parts.exactHosts;
    this.wildcardHosts = parts.wildcardHosts;
    this.hasHosts = parts.exactHosts.labels + parts.wildcardHosts.labels > 0;
    this.regexRules = parts.regexRules;
    this.hasPaths = parts.hasPaths;
    this.isCatchAll = parts.isCatchAll;
  }

  /**
   * The index of the first matching route, ROUTE_NONE, or, if the table has rules about paths or rewrites them,
   * ROUTE_BAD_PATH or ROUTE_DOUBTFUL_PATH; or ROUTE_DOUBTFUL_FIELD. `after`: only routes behind this one count.
   */
  match(view: RequestView, after = -1): number {
    if (this.isCatchAll) return 0;
    this.view = view;
    this.after = after;
    view.hasLookalike = false;
    const found = this.hasPaths ? this.matchPath(view) : this.find(view);
    return view.hasLookalike ? ROUTE_DOUBTFUL_FIELD : found;
  }

  private matchPath(view: RequestView): number {
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
    if (route <= this.after) return false;
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
    if (exact >= 0) best = this.findInTree(exact, best);
    let labels = 0;
    for (let i = end - 1; i >= host && labels < this.wildcardHosts.labels; i--) {
      if (bytes[i] !== DOT) continue;
      labels++;
      const wildcard = this.wildcardHosts.find(bytes, i + 1, end - i - 1);
      if (wildcard >= 0) best = this.findInTree(wildcard, best);
    }
    return best;
  }

  private findInTree(tree: number, best: number): number {
    if (!this.hasPaths) return this.trie.findAny(tree, best, this);
    const found = this.trie.find(tree, path.bytes, path.at, path.length, best, this);
    const rules = this.regexRules[tree];
    return rules === undefined ? found : this.findRegex(rules, found);
  }

  private findRegex(rules: readonly RegexRule[], best: number): number {
    for (let i = 0; i < rules.length && rules[i].route < best; i++) {
      if (rules[i].regex.test(path.bytes, path.at, path.length) && this.holds(rules[i].route)) return rules[i].route;
    }
    return best;
  }
}

class WatchedTable extends RouteTable {
  private readonly watch: RouteWatch;

  constructor(parts: Parts, escapedSlash: EscapedSlash, watch: RouteWatch) {
    super(parts, escapedSlash);
    this.watch = watch;
  }

  override match(view: RequestView, after = -1): number {
    const found = super.match(view, after);
    this.watch.handleMatch(view, after, found);
    return found;
  }
}

function bitCount(bits: number): number {
  let count = 0;
  for (let rest = bits; rest > 0; rest &= rest - 1) count++;
  return count;
}
