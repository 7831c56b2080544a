/** A route of the Config to a route of the Plan. */
import { assert } from '../base/assert.ts';
import { DEFAULTS } from './defaults.ts';
import type { RouteConfig, ValueMatch } from './model.ts';
import type {
  ActionPlan,
  HeaderEditPlan,
  MatchPlan,
  PathMatchPlan,
  RetryPlan,
  RewritePlan,
  RoutePlan,
  ValueMatchPlan,
} from './plan.ts';
import { hostsOf, listOf } from './parts.ts';
import type { SourcePlan } from './template.ts';
import { parseDuration, parseSize } from './units.ts';

/** `passesClaims`: the listener says `forwarded: pass`. */
export function compileRoute(route: RouteConfig, passesClaims: boolean): RoutePlan {
  return {
    match: compileMatch(route.match ?? {}),
    action: compileAction(route, passesClaims),
    requestHeaders: compileHeaders(route.headers?.request ?? {}),
    responseHeaders: compileHeaders(route.headers?.response ?? {}),
    successHeaders: compileHeaders(route.headers?.success ?? {}).add,
  };
}

function compileMatch(match: NonNullable<RouteConfig['match']>): MatchPlan {
  return {
    hosts: hostsOf(match.host).map((host) => host.toLowerCase()),
    path: match.path === undefined ? null : compilePath(match.path),
    methods: [...listOf(match.method)],
    values: [
      ...hostValues(match.host),
      ...Object.entries(match.header ?? {}).map(([name, value]) =>
        compileValue({ kind: 'header', name: name.toLowerCase() }, value),
      ),
      ...Object.entries(match.query ?? {}).map(([name, value]) => compileValue({ kind: 'query', name }, value)),
    ],
  };
}

function hostValues(host: NonNullable<RouteConfig['match']>['host']): ValueMatchPlan[] {
  if (typeof host !== 'object' || !('regex' in host)) return [];
  return [{ source: { kind: 'host', name: null }, kind: 'regex', value: host.regex }];
}

function compilePath(path: NonNullable<NonNullable<RouteConfig['match']>['path']>): PathMatchPlan {
  if (typeof path === 'string') return { kind: 'prefix', value: path };
  if (path.exact !== undefined) return { kind: 'exact', value: path.exact };
  if (path.regex !== undefined) return { kind: 'regex', value: path.regex };
  assert(path.prefix !== undefined, 'one of three was checked');
  return { kind: 'prefix', value: path.prefix };
}

function compileValue(source: SourcePlan, value: ValueMatch): ValueMatchPlan {
  if (typeof value === 'boolean') return { source, kind: value ? 'present' : 'absent' };
  if (typeof value === 'string') return { source, kind: 'exact', value };
  if (value.prefix !== undefined) return { source, kind: 'prefix', value: value.prefix };
  if (value.regex !== undefined) return { source, kind: 'regex', value: value.regex };
  assert(value.exact !== undefined, 'one of three was checked');
  return { source, kind: 'exact', value: value.exact };
}

function compileAction(route: RouteConfig, passesClaims: boolean): ActionPlan {
  if (route.redirect !== undefined) {
    const { to, status } = { ...DEFAULTS.route.redirect, ...route.redirect };
    return { kind: 'redirect', status, to };
  }
  if (route.respond !== undefined) {
    const defaults = DEFAULTS.route.respond;
    const {
      status = defaults.status,
      body = defaults.body,
      'content-type': contentType = defaults.contentType,
    } = route.respond;
    return { kind: 'respond', status, body, contentType };
  }
  if (route.ready === true) return { kind: 'ready' };
  if (route.close === true) return { kind: 'close' };
  assert(route.upstream !== undefined, 'one of five was checked');
  return {
    kind: 'proxy',
    upstream: route.upstream,
    rewrite: route.rewrite === undefined ? null : compileRewrite(route.rewrite),
    timeoutMs: route.timeout === undefined ? 0 : (parseDuration(route.timeout) ?? 0),
    retry: compileRetry(route.retry ?? {}),
    upgrade: route.upgrade ?? DEFAULTS.route.upgrade,
    bodyBytes: route.limits?.body === undefined ? null : parseSize(String(route.limits.body)),
    passesClaims,
  };
}

function compileRewrite(rewrite: NonNullable<RouteConfig['rewrite']>): RewritePlan {
  if (rewrite.prefix !== undefined) return { kind: 'prefix', value: rewrite.prefix };
  if (rewrite.path !== undefined) return { kind: 'path', value: rewrite.path };
  assert(rewrite.regex !== undefined && rewrite.to !== undefined, 'one of three was checked');
  return { kind: 'regex', regex: rewrite.regex, to: rewrite.to };
}

function compileRetry(retry: NonNullable<RouteConfig['retry']>): RetryPlan {
  const { attempts, on } = { ...DEFAULTS.route.retry, ...retry };
  const reasons: readonly (string | number)[] = on;
  return {
    attempts,
    connect: reasons.includes('connect'),
    reset: reasons.includes('reset'),
    timeout: reasons.includes('timeout'),
    statuses: reasons.filter((reason) => typeof reason === 'number'),
    nonIdempotent: reasons.includes('non-idempotent'),
  };
}

function compileHeaders(edit: NonNullable<NonNullable<RouteConfig['headers']>['request']>): HeaderEditPlan {
  return {
    set: Object.entries(edit.set ?? {}),
    add: Object.entries(edit.add ?? {}).flatMap(([name, values]) =>
      listOf(values).map((value): [string, string] => [name, value]),
    ),
    remove: [...listOf(edit.remove)],
  };
}
