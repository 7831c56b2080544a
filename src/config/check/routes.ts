/** The routes of a listener: each says one thing to do, and can be reached. */
import { RESPOND_BODY_BYTES_MAX, RESPONSE_EDIT_BYTES_MAX } from '../../base/limits.ts';
import { encodeUtf8 } from '../../base/text.ts';
import { checkAuth } from './auth.ts';
import { checkFiles } from './files.ts';
import type { UpstreamUses } from './upstream-uses.ts';
import type { Path } from '../findings/diagnostic.ts';
import { show } from '../findings/diagnostic.ts';
import type { Loose, RouteConfig } from '../model/config.ts';
import { isFramingHeader, isRelativeTarget } from '../words/patterns.ts';
import { hostsOf, itemsOf, listOf } from '../model/parts.ts';
import { parseTemplate } from '../words/template.ts';
import { parseTerm } from '../words/term.ts';
import { isMarkup } from '../words/media-type.ts';
import { DEFAULTS } from '../model/defaults.ts';
import type { Report } from './report.ts';

type Route = Loose<RouteConfig>;
type Match = NonNullable<Route['match']>;

/** RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5. */
const BODYLESS_STATUSES: ReadonlySet<number> = new Set([204, 205, 304]);

export function checkRoutes(
  listener: string | null,
  routes: readonly (Route | undefined)[],
  path: Path,
  uses: UpstreamUses,
  report: Report,
): void {
  const seen = new Reachability();
  const names = new Set<string>();
  for (const { path: at, value: route } of itemsOf(routes, path)) {
    if (route.name === undefined) continue;
    if (names.has(route.name)) report.atValue([...at, 'name'], 'name-taken', { value: show(route.name) });
    names.add(route.name);
  }
  for (const { path: at, value: route } of itemsOf(routes, path)) {
    checkErrors(route, at, names, report);
    if (route.cors?.credentials === true && route.cors.origins?.includes('*') === true)
      report.atKey([...at, 'cors', 'credentials'], 'cors-any-credentials', {});
    checkSteps(listener, route.steps, [...at, 'steps'], names, uses, report);
    const isStepsAlone = route.steps !== undefined && !hasAction(route);
    if (isStepsAlone) checkStepsAlone(route, at, report);
    const action = isStepsAlone ? 'steps' : checkAction(listener, route, at, names, uses, report);
    if (route.match !== undefined) checkMatch(route.match, [...at, 'match'], report);
    if (route.rewrite !== undefined) checkRewrite(route, [...at, 'rewrite'], report);
    checkEdits(route, at, report);
    if (route.steps !== undefined || route.name !== undefined) continue;
    // Of a match that is not whole nobody knows what it takes.
    if (action === null) continue;
    if (!report.isWhole([...at, 'match']) || !report.lacks(at, 'match')) continue;
    const taker = seen.add(route.match ?? {}, at);
    if (taker !== null) report.atKey(at, 'route-unreachable', { line: report.lineOf(taker) });
  }
}

/** Keys of a route that mean something only where a server answers. */
const ONLY_WITH_UPSTREAM = [
  'rewrite',
  'send',
  'timeout',
  'retry',
  'upgrade',
  'request-buffering',
  'limits',
  'auth',
  'intercept',
  'target-by',
  'compress',
  'bandwidth',
  'mirror',
] as const;

/** Statuses of `errors` that no answer has: the certificate of a client is wrong, or missing. */
const CERTIFICATES: ReadonlySet<unknown> = new Set([495, 496]);
const ACTIONS = ['upstream', 'redirect', 'respond', 'files', 'ready', 'close'] as const;

function hasAction(route: Route): boolean {
  return ACTIONS.some((key) => route[key] !== undefined);
}

/** It takes no request itself. One that is internal answers those that come from outside, with 404. */
function checkStepsAlone(route: Route, path: Path, report: Report): void {
  const reason = 'the route has nothing to do but its `steps`';
  const fix = 'write it in what they `take`, or in the route that follows';
  for (const key of [...ONLY_WITH_UPSTREAM, 'cors', 'security-headers', 'headers', 'errors'] as const) {
    if (route[key] === undefined || (key === 'errors' && (route.internal === true || isOfCertificates(route))))
      continue;
    report.atKey([...path, key], 'no-effect', { key, reason, fix });
  }
}

/** Clients without the right certificate do not come as far as its steps. */
function isOfCertificates({ errors }: Route): boolean {
  return itemsOf(errors, []).every(({ value: { status } }) =>
    listOf(status ?? []).every((one) => CERTIFICATES.has(one)),
  );
}

function checkEdits(route: Route, path: Path, report: Report): void {
  for (const side of ['request', 'response'] as const)
    checkHeaders(route.headers?.[side], [...path, 'headers', side], report);
  checkHeaders(route.headers?.success, [...path, 'headers', 'success'], report);
  const expires = route.headers?.response?.expires;
  const { after, of = DEFAULTS.route.expires.of } = expires ?? {};
  if (after !== undefined && !after.includes('{') && parseTerm(after, of === 'modified') === null)
    report.atValue([...path, 'headers', 'response', 'expires', 'after'], 'bad-term', { value: show(after) });
  const replace: Path = [...path, 'headers', 'response', 'replace'];
  for (const { path: at, value: rule } of itemsOf(route.headers?.response?.replace, replace)) {
    report.oneOf(rule, at, ['is', 'prefix', 'regex']);
    if (rule.field !== undefined && isFramingHeader(rule.field))
      report.atValue([...at, 'field'], 'framing-header', { value: show(rule.field) });
    if (rule.attribute !== undefined && rule.field?.toLowerCase() !== 'set-cookie') {
      const reason = 'only Set-Cookie has attributes';
      report.atKey([...at, 'attribute'], 'no-effect', { key: 'attribute', reason, fix: 'leave it out' });
    }
  }
  checkSizes(route, path, report);
}

function checkErrors(route: Route, path: Path, names: ReadonlySet<string>, report: Report): void {
  if (route.intercept !== undefined && route.errors === undefined && report.lacks(path, 'errors')) {
    report.atKey([...path, 'intercept'], 'no-effect', {
      key: 'intercept',
      reason: 'there are no `errors`',
      fix: 'leave it out',
    });
  }
  for (const { path: at, value: mirror } of itemsOf(route.mirror, [...path, 'mirror'])) {
    report.oneOf(mirror, at, ['call', 'to']);
    if (mirror.call !== undefined && !names.has(mirror.call))
      report.atValue([...at, 'call'], 'undefined-route', { value: show(mirror.call) });
  }
  for (const { path: at, value: page } of itemsOf(route.errors, [...path, 'errors'])) {
    report.oneOf(page, at, ['call', 'to', 'redirect']);
    checkRedirect(page.redirect, [...at, 'redirect'], report);
    if (page.call !== undefined && !names.has(page.call)) {
      report.atValue([...at, 'call'], 'undefined-route', { value: show(page.call) });
    }
  }
}

function checkSteps(
  listener: string | null,
  steps: Route['steps'] | undefined,
  path: Path,
  names: ReadonlySet<string>,
  uses: UpstreamUses,
  report: Report,
): void {
  for (const { path: at, value: step } of itemsOf(steps, path)) {
    const kind = report.oneOf(step, at, ['set', 'if', 'rewrite', 'take', 'call', 'find', 'stop']);
    if (kind === 'if') {
      if (step.if?.is !== undefined) report.oneOf(step.if, [...at, 'if'], ['is', 'is-not', 'regex', 'not-regex']);
      if (step.do === undefined && report.lacks(at, 'do')) {
        report.atKey(at, 'missing-key', { place: 'a step with `if`', key: 'do', fix: 'write `do: [ ... ]`' });
      }
      checkSteps(listener, step.do, [...at, 'do'], names, uses, report);
    } else if (step.do !== undefined) {
      report.atKey([...at, 'do'], 'no-effect', { key: 'do', reason: 'there is no `if`', fix: 'leave it out' });
    }
    if (step.rewrite !== undefined) report.oneOf(step.rewrite, [...at, 'rewrite'], ['to', 'take']);
    const inner = step.take === undefined ? [...at, 'rewrite', 'take'] : [...at, 'take'];
    const taken = step.take ?? step.rewrite?.take;
    if (taken !== undefined) {
      checkErrors(taken, inner, names, report);
      checkAction(listener, taken, inner, names, uses, report);
      checkEdits(taken, inner, report);
      if (taken.rewrite !== undefined) checkRewrite(taken, [...inner, 'rewrite'], report);
    }
    if (step.call !== undefined && !names.has(step.call)) {
      report.atValue([...at, 'call'], 'undefined-route', { value: show(step.call) });
    }
  }
}

function checkAction(
  listener: string | null,
  route: Route,
  path: Path,
  names: ReadonlySet<string>,
  uses: UpstreamUses,
  report: Report,
): string | null {
  const action = report.oneOf(route, path, ACTIONS);
  if (route.upstream !== undefined) uses.add(route.upstream, [...path, 'upstream'], 'http', listener);
  if (action === 'files') checkFiles(route, path, names, report);
  else if (action !== null && action !== 'upstream') {
    const reason = `\`${action}\` answers without a server`;
    const refuse = (keys: readonly string[]): void => {
      report.atKey([...path, ...keys], 'no-effect', { key: keys.join('.'), reason, fix: 'leave it out' });
    };
    for (const key of ONLY_WITH_UPSTREAM) if (route[key] !== undefined) refuse([key]);
    if (route.headers?.request !== undefined) refuse(['headers', 'request']);
    if (route.headers?.success !== undefined) refuse(['headers', 'success']);
    for (const key of ['replace', 'cookie-flags'] as const)
      if (route.headers?.response?.[key] !== undefined) refuse(['headers', 'response', key]);
    if (action === 'close' && route.headers?.response !== undefined) refuse(['headers', 'response']);
    for (const key of ['cors', 'security-headers'] as const)
      if (action === 'close' && route[key] !== undefined) refuse([key]);
  }
  checkSend(route, path, names, report);
  checkAuth(route.auth, [...path, 'auth'], names, report);
  checkRedirect(route.redirect, [...path, 'redirect'], report);
  const status = route.respond?.status;
  if (status !== undefined && BODYLESS_STATUSES.has(status) && (route.respond?.body ?? '') !== '') {
    report.atKey([...path, 'respond', 'body'], 'body-not-allowed', { status: String(status) });
  }
  checkMarkup(route.respond, [...path, 'respond', 'body'], report);
  for (const part of ['response', 'success'] as const) {
    checkOwnFields(action, route.headers?.[part], [...path, 'headers', part], report);
  }
  return action;
}

function checkSend(route: Route, path: Path, names: ReadonlySet<string>, report: Report): void {
  const { send, 'target-by': targetBy } = route;
  if (send?.text !== undefined && send.body !== undefined) {
    const reason = 'the `text` takes the place of the body';
    report.atKey([...path, 'send', 'body'], 'no-effect', { key: 'body', reason, fix: 'leave it out' });
  }
  for (const [text, name] of Object.entries(targetBy?.calls ?? {})) {
    if (name !== undefined && !names.has(name))
      report.atValue([...path, 'target-by', 'calls', text], 'undefined-route', { value: show(name) });
  }
}

function checkRedirect(redirect: Route['redirect'], path: Path, report: Report): void {
  if (redirect?.to !== undefined && isRelativeTarget(redirect.to))
    report.atValue([...path, 'to'], 'relative-redirect', { value: show(redirect.to) });
}

/** Escapes of markup do not hold a value inside of a script, a style or the attribute of an event. */
function checkMarkup(respond: Route['respond'], path: Path, report: Report): void {
  if (respond?.body === undefined || !isMarkup(respond['content-type'] ?? DEFAULTS.route.respond.contentType)) return;
  let before = '';
  for (const part of parseTemplate(respond.body)) {
    if (typeof part === 'string') {
      before += part.toLowerCase();
      continue;
    }
    const isInside = (tag: string): boolean => before.lastIndexOf(`<${tag}`) > before.lastIndexOf(`</${tag}`);
    const isEvent = /[\s"'/]on[a-z]+\s*=\s*("[^"]*|'[^']*|[^\s"'>]*)$/.test(before.slice(before.lastIndexOf('<') + 1));
    if (!isInside('script') && !isInside('style') && !isEvent) continue;
    const value = part.name === null ? part.kind : `${part.kind}:${part.name}`;
    report.atValue(path, 'value-in-script', { value: show(`{${value}}`) });
    return;
  }
}

/** What the proxy writes itself in an answer of its own, and a date in every response that lacks one. */
function checkOwnFields(action: string | null, edit: HeaderEdit | undefined, path: Path, report: Report): void {
  const fixes = new Map([['date', 'leave it out']]);
  if (action !== null && action !== 'upstream' && action !== 'files') {
    fixes.set('content-type', action === 'respond' ? 'write it as `respond.content-type`' : 'leave it out');
    fixes.set('location', action === 'redirect' ? 'write it as `redirect.to`' : 'use `redirect`');
  }
  for (const part of ['set', 'add'] as const) {
    for (const name of Object.keys(edit?.[part] ?? {})) {
      const fix = fixes.get(name.toLowerCase());
      if (fix !== undefined) report.atKey([...path, part, name], 'own-header', { value: show(name), fix });
    }
  }
}

/** What goes into one slot with a response's head. */
function checkSizes(route: Route, path: Path, report: Report): void {
  const { respond } = route;
  const bodyBytes = encodeUtf8(respond?.body ?? '').length + (respond?.['content-type'] ?? '').length;
  if (bodyBytes > RESPOND_BODY_BYTES_MAX) {
    report.atKey([...path, 'respond', 'body'], 'too-large', {
      what: 'the body',
      size: String(bodyBytes),
      limit: String(RESPOND_BODY_BYTES_MAX),
      fix: 'let a server answer with it',
    });
  }
  const edit = route.headers?.response;
  let linesBytes = 0;
  const { success } = route.headers ?? {};
  for (const part of [edit?.set, edit?.add, success?.set, success?.add]) {
    for (const [name, values] of Object.entries(part ?? {})) {
      for (const value of listOf(values)) linesBytes += name.length + value.length + ': \r\n'.length;
    }
  }
  if (linesBytes > RESPONSE_EDIT_BYTES_MAX) {
    report.atKey([...path, 'headers', 'response'], 'too-large', {
      what: 'the lines that are added to a response',
      size: String(linesBytes),
      limit: String(RESPONSE_EDIT_BYTES_MAX),
      fix: 'add fewer or shorter ones',
    });
  }
}

function checkMatch(match: Match, path: Path, report: Report): void {
  if (typeof match.path === 'object') report.oneOf(match.path, [...path, 'path'], ['prefix', 'exact', 'regex']);
  for (const part of ['header', 'query'] as const) {
    for (const [name, value] of Object.entries(match[part] ?? {})) {
      if (typeof value === 'object') report.oneOf(value, [...path, part, name], ['exact', 'prefix', 'regex']);
    }
  }
  checkTwice(Object.keys(match.header ?? {}), [...path, 'header'], new Set(), report);
}

function checkRewrite(route: Route, path: Path, report: Report): void {
  const rewrite = route.rewrite ?? {};
  const kind = report.oneOf(rewrite, path, ['prefix', 'path', 'target', 'regex']);
  if (kind === 'regex' && rewrite.to === undefined && report.lacks(path, 'to')) {
    report.atKey([...path, 'to'], 'missing-key', { place: '`rewrite`', key: 'to', fix: 'for example `to: /v2/$1`' });
  }
  if (kind !== null && kind !== 'regex' && rewrite.to !== undefined) {
    const reason = `\`${kind}\` says what to write already`;
    report.atKey([...path, 'to'], 'no-effect', {
      key: 'to',
      reason,
      fix: `write it as \`${kind}: ${rewrite.to}\`, or use \`regex\``,
    });
  }
  if (kind === 'prefix' && matchedPath(route.match).kind === 'regex') {
    report.atKey([...path, 'prefix'], 'rewrite-without-prefix', {});
  }
}

type PathMatch =
  | { readonly kind: 'prefix' | 'exact' | 'regex'; readonly value: string }
  | { readonly kind: 'none' | 'unknown' };

function matchedPath(match: Match | undefined): PathMatch {
  const path = match?.path;
  if (path === undefined) return { kind: 'none' };
  if (typeof path === 'string') return { kind: 'prefix', value: path };
  for (const kind of ['prefix', 'exact', 'regex'] as const) {
    const value = path[kind];
    if (value !== undefined) return { kind, value };
  }
  return { kind: 'unknown' };
}

type HeaderEdit = NonNullable<NonNullable<Route['headers']>['request']>;

function checkHeaders(edit: HeaderEdit | undefined, path: Path, report: Report): void {
  if (edit === undefined) return;
  const changed = new Set<string>();
  for (const part of ['set', 'add'] as const) {
    const names = Object.keys(edit[part] ?? {});
    for (const name of names.filter(isFramingHeader)) {
      report.atKey([...path, part, name], 'framing-header', { value: show(name) });
    }
    // The same field may be set and added to, but not be named twice in one of both.
    checkTwice(names, [...path, part], new Set(), report);
    for (const name of names) changed.add(name.toLowerCase());
  }
  for (const { path: at, value: name } of itemsOf(edit.remove, [...path, 'remove'])) {
    if (isFramingHeader(name)) report.atValue(at, 'framing-header', { value: show(name) });
    if (changed.has(name.toLowerCase())) report.atValue(at, 'duplicate-header', { value: show(name) });
    changed.add(name.toLowerCase());
  }
}

function checkTwice(names: readonly string[], path: Path, seen: Set<string>, report: Report): void {
  for (const name of names) {
    if (seen.has(name.toLowerCase())) report.atKey([...path, name], 'duplicate-header', { value: show(name) });
    seen.add(name.toLowerCase());
  }
}

/**
 * Finds routes that an earlier one leaves nothing for: the earlier has the same conditions or fewer, and a path that is the
 * same or a prefix. It does not find all of them, and what it finds is certain. Linear in the number of routes.
 */
class Reachability {
  private readonly takers = new Map<string, Takers>();

  /** Where the route is that takes everything this one could, or null. */
  add(match: Match, path: Path): Path | null {
    const hosts = hostsOf(match.host).map((host) => host.toLowerCase());
    const own = conditionsOf(match, hosts);
    const regex = conditionsOf({ host: match.host }, hosts);
    const matched = matchedPath(match);
    for (const conditions of new Set([
      own,
      conditionsOf({ ...match, host: undefined }, []),
      regex,
      conditionsOf({}, []),
    ])) {
      const taker = this.takers.get(conditions)?.find(matched) ?? null;
      if (taker !== null) return taker;
    }
    const takers = this.takers.get(own) ?? new Takers();
    this.takers.set(own, takers);
    takers.add(matched, path);
    return null;
  }
}

/** The first routes for each path, of those with the same conditions. */
class Takers {
  private readonly byPath = new Map<string, Path>();
  /** Of the prefixes among them. */
  private readonly lengths = new Set<number>();

  add(matched: PathMatch, path: Path): void {
    this.byPath.set(pathIdentity(matched), path);
    if (matched.kind === 'prefix') this.lengths.add(matched.value.length);
  }

  /** One that takes all that this one matches: by the same path, or a prefix of it. */
  find(matched: PathMatch): Path | null {
    const { byPath } = this;
    const same = byPath.get(pathIdentity(matched)) ?? byPath.get('prefix /');
    if (same !== undefined) return same;
    if (matched.kind !== 'prefix' && matched.kind !== 'exact') return null;
    for (const length of this.lengths) {
      const taker = length > matched.value.length ? undefined : byPath.get(`prefix ${matched.value.slice(0, length)}`);
      if (taker !== undefined) return taker;
    }
    return null;
  }
}

/** Everything but the path, as one text: the same for the same conditions in any order. */
function conditionsOf(match: Match, hosts: readonly string[]): string {
  const regex = typeof match.host === 'object' && !Array.isArray(match.host) ? match.host : null;
  if (regex === null && match.method === undefined && match.header === undefined && match.query === undefined)
    return [...hosts].sort().join(' ');
  return JSON.stringify([
    [...hosts].sort(),
    regex,
    [...listOf(match.method)].sort(),
    sortedEntries(match.header),
    sortedEntries(match.query),
  ]);
}

function sortedEntries(map: Readonly<Record<string, unknown>> | undefined): unknown[] {
  return Object.entries(map ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
}

function pathIdentity(matched: PathMatch): string {
  return 'value' in matched ? `${matched.kind} ${matched.value}` : 'prefix /';
}
