/** A route of the Config to a route of the Plan. */
import { assert } from '../../base/assert.ts';
import { namesOfLogs } from './access-logs.ts';
import { compileAuth } from './auth.ts';
import { compileLimits, type LimiterConfigs } from './limits.ts';
import { compileBandwidth } from './bandwidth.ts';
import { compileCors, OriginLists } from './cors.ts';
import { grpcStatusesOf } from '../words/grpc-statuses.ts';
import { securityLines } from '../words/security-headers.ts';
import { compileCompress } from './compress.ts';
import { compileFiles, type FileTypes } from './files.ts';
import { compileMirror } from './mirror.ts';
import { traceHeaders } from './tracing.ts';
import { CredentialChecks, NO_CREDENTIAL_FILES } from '../plan/credentials.ts';
import { FileSites } from '../plan/files.ts';
import { DEFAULTS } from '../model/defaults.ts';
import type { RouteConfig, StepConfig } from '../model/config.ts';
import type { ValueMatch } from '../model/match.ts';
import type { SendConfig, TargetByConfig } from '../model/send.ts';
import type {
  ActionPlan,
  MatchPlan,
  PathMatchPlan,
  ProxyActionPlan,
  RetryPlan,
  RewritePlan,
  RoutePlan,
  SendPlan,
  StepPlan,
  TargetByPlan,
  ValueMatchPlan,
} from '../plan/route.ts';
import type { ErrorPagePlan } from '../plan/route.ts';
import type { HeaderEditPlan, OddFields, ReplacePlan } from '../plan/response.ts';
import { hostsOf, listOf } from '../model/parts.ts';
import type { SourcePlan } from '../words/template.ts';
import { parseDuration, parseSize } from '../words/units.ts';

/** What a listener says that concerns its routes. */
export interface ListenerTraits {
  /** `forwarded: pass`, or `pass` of one that trusts. */
  readonly passesClaims: boolean;
  /** `odd-fields` */
  readonly oddFields: OddFields;
  /** Its requests are part of traces. */
  readonly isTraced: boolean;
  readonly isTls: boolean;
  /** The logs that its spans are in. */
  readonly spanLogs: readonly string[];
}

/** What the routes of all listeners have in common. */
export interface RouteContext extends ListenerTraits {
  readonly sites: FileSites;
  readonly checks: CredentialChecks;
  readonly origins: OriginLists;
  readonly types: FileTypes;
  readonly limiters: LimiterConfigs;
}

const NO_CONTEXT: RouteContext = {
  passesClaims: false,
  oddFields: 'pass',
  isTraced: false,
  isTls: false,
  spanLogs: [],
  sites: new FileSites(),
  checks: new CredentialChecks(NO_CREDENTIAL_FILES),
  origins: new OriginLists(),
  types: {},
  limiters: {},
};

export function compileRoute(route: RouteConfig, context: RouteContext): RoutePlan {
  const { passesClaims, oddFields, isTraced, sites, spanLogs, types } = context;
  const errors = (route.errors ?? []).map((page) => compileErrorPage(page, route.headers ?? {}));
  const answer = (status: number): RoutePlan => ({
    ...compileRoute({ respond: { status, body: `${status}\n` } }, NO_CONTEXT),
    errors,
  });
  const files = route.files === undefined ? null : compileFiles(route.files, types, sites, errors, answer);
  const action = files?.action ?? compileAction(route, passesClaims);
  const written = files?.requestHeaders ?? compileHeaders(route.headers?.request ?? {});
  const requestHeaders = isTraced ? traceHeaders(written) : written;
  const cors = route.cors === undefined ? null : compileCors(route.cors, context.origins, answerRoute);
  const preset = route['security-headers'];
  const told = [...(preset === undefined ? [] : securityLines(preset, context.isTls)), ...(cors?.set ?? [])];
  return {
    name: route.name ?? null,
    steps: [
      ...(cors === null ? [] : [cors.step]),
      ...(route.steps ?? []).flatMap((step) => compileStep(step, context)),
      ...(files?.steps ?? []),
    ],
    errors: files?.errors ?? errors,
    isInternal: route.internal ?? DEFAULTS.route.internal,
    ...(route.histogram === true ? { isTimed: true as const } : {}),
    match: compileMatch(route.match ?? {}),
    action: action.kind === 'proxy' ? compileEntry(action, route, context) : action,
    requestHeaders: oddFields === 'pass' ? requestHeaders : { ...requestHeaders, odd: oddFields },
    responseHeaders: withLines(compileResponse(route.headers?.response ?? {}), told, cors?.add ?? []),
    successHeaders: compileSuccess(route.headers?.success ?? {}),
    ...(route.compress === undefined ? {} : { compress: compileCompress(route.compress) }),
    ...(route['access-log'] === undefined ? {} : { accessLogs: [...namesOfLogs(route['access-log']), ...spanLogs] }),
  };
}

/** Of a route that answers itself, and asks for nothing that is named. */
export function answerRoute(route: RouteConfig): RoutePlan {
  return compileRoute(route, NO_CONTEXT);
}

/** With lines besides, unless the route says something of their fields itself. */
function withLines(edit: HeaderEditPlan, set: HeaderEditPlan['set'], add: HeaderEditPlan['add']): HeaderEditPlan {
  if (set.length + add.length === 0) return edit;
  const own = new Set([...edit.set.map(([name]) => name), ...edit.remove].map((name) => name.toLowerCase()));
  const more = set.filter(([name]) => !own.has(name.toLowerCase()));
  return { ...edit, set: [...more, ...edit.set], add: [...add, ...edit.add] };
}

function compileEntry(
  action: ProxyActionPlan,
  { auth, bandwidth, limits: written, mirror }: RouteConfig,
  context: RouteContext,
): ProxyActionPlan {
  const limits = compileLimits(written, context.limiters);
  return {
    ...action,
    ...(limits === null ? {} : { limits }),
    ...(auth === undefined ? {} : { guard: compileAuth(auth, context.checks, answerRoute({ respond: {} })) }),
    ...(mirror === undefined ? {} : { mirrors: mirror.map(compileMirror) }),
    ...(bandwidth === undefined ? {} : { bandwidth: compileBandwidth(bandwidth) }),
  };
}

/** `headers`: of the route, which a redirect has too. */
function compileErrorPage(
  page: NonNullable<RouteConfig['errors']>[number],
  headers: NonNullable<RouteConfig['headers']>,
): ErrorPagePlan {
  const { status, call, to, redirect, answer = null } = page;
  const statuses = listOf(status);
  if (call !== undefined) return { statuses, to: { kind: 'call', name: call }, answer };
  if (to !== undefined) return { statuses, to: { kind: 'target', target: to }, answer };
  assert(redirect !== undefined, 'one of three was checked');
  const route: RoutePlan = {
    ...compileRoute({ redirect }, NO_CONTEXT),
    responseHeaders: redirectHeaders(headers),
  };
  return { statuses, to: { kind: 'take', route }, answer: answer ?? 'own' };
}

/** What is set and added, but for what the redirect says itself. */
function redirectHeaders({ response = {}, success = {} }: NonNullable<RouteConfig['headers']>): HeaderEditPlan {
  const [edit, more] = [compileHeaders({ set: response.set ?? {}, add: response.add ?? {} }), compileHeaders(success)];
  return {
    set: [...edit.set, ...more.set].filter(isFreeInRedirect),
    add: [...edit.add, ...more.add].filter(isFreeInRedirect),
    remove: [],
  };
}

function isFreeInRedirect([name]: readonly [name: string, value: string]): boolean {
  return !/^(location|content-type|date)$/i.test(name);
}

function compileStep(step: StepConfig, context: RouteContext): StepPlan[] {
  if (step.set !== undefined) return Object.entries(step.set).map(([name, value]) => ({ kind: 'set', name, value }));
  if (step.rewrite !== undefined) {
    const { regex, to = '', end, take } = { ...DEFAULTS.step.rewrite, ...step.rewrite };
    return [{ kind: 'rewrite', regex, to, end, take: take === undefined ? null : compileRoute(take, context) }];
  }
  if (step.take !== undefined) return [{ kind: 'take', route: compileRoute(step.take, context) }];
  if (step.call !== undefined) return [{ kind: 'call', name: step.call }];
  if (step.stop !== undefined) return [{ kind: 'stop' }];
  if (step.find !== undefined) return [{ kind: 'find' }];
  assert(step.if !== undefined, 'one of seven was checked');
  const { if: asked } = step;
  const test = {
    value: asked.value,
    is: asked.is ?? asked['is-not'] ?? null,
    regex: asked.regex ?? asked['not-regex'] ?? null,
    isNegated: asked['is-not'] !== undefined || asked['not-regex'] !== undefined,
  };
  return [{ kind: 'if', test, steps: (step.do ?? []).flatMap((one) => compileStep(one, context)) }];
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
  if (route.upstream === undefined && route.steps !== undefined) return { kind: 'next' };
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
    interceptsErrors: route.intercept ?? DEFAULTS.route.intercept,
    ...((route['request-buffering'] ?? DEFAULTS.route['request-buffering']) ? {} : { streamsBodies: true }),
    ...(route.send === undefined ? {} : { send: compileSend(route.send) }),
    ...(route['target-by'] === undefined ? {} : { targetBy: compileTargetBy(route['target-by']) }),
  };
}

function compileSend(send: SendConfig): SendPlan {
  const { fields, body } = { ...DEFAULTS.route.send, ...send };
  const text = send.text ?? null;
  return {
    method: send.method ?? null,
    dropsFields: fields === 'drop',
    dropsBody: body === 'drop' || text !== null,
    text,
  };
}

function compileTargetBy({ field, calls = {} }: TargetByConfig): TargetByPlan {
  return { field, calls: Object.entries(calls) };
}

function compileRewrite(rewrite: NonNullable<RouteConfig['rewrite']>): RewritePlan {
  if (rewrite.prefix !== undefined) return { kind: 'prefix', value: rewrite.prefix };
  if (rewrite.path !== undefined) return { kind: 'path', value: rewrite.path };
  if (rewrite.target !== undefined) return { kind: 'target', target: rewrite.target };
  assert(rewrite.regex !== undefined && rewrite.to !== undefined, 'one of four was checked');
  return { kind: 'regex', regex: rewrite.regex, to: rewrite.to };
}

function compileRetry(retry: NonNullable<RouteConfig['retry']>): RetryPlan {
  const { attempts, on } = { ...DEFAULTS.route.retry, ...retry };
  const reasons: readonly (string | number)[] = on;
  const grpcStatuses = grpcStatusesOf(reasons);
  return {
    attempts,
    connect: reasons.includes('connect'),
    reset: reasons.includes('reset'),
    timeout: reasons.includes('timeout'),
    statuses: reasons.filter((reason) => typeof reason === 'number'),
    ...(grpcStatuses.length === 0 ? {} : { grpcStatuses }),
    nonIdempotent: reasons.includes('non-idempotent'),
  };
}

function compileResponse(edit: NonNullable<NonNullable<RouteConfig['headers']>['response']>): HeaderEditPlan {
  const { expires, replace, 'cookie-flags': cookieFlags, ...rest } = edit;
  return {
    ...compileHeaders(rest),
    ...(expires === undefined
      ? {}
      : { expires: { after: expires.after, isModified: (expires.of ?? DEFAULTS.route.expires.of) === 'modified' } }),
    ...(replace === undefined ? {} : { replace: replace.map(compileReplace) }),
    ...(cookieFlags === undefined
      ? {}
      : {
          cookieFlags: cookieFlags.map(({ cookie, add, remove }) => ({
            name: typeof cookie === 'string' ? cookie : null,
            regex: typeof cookie === 'string' ? null : cookie.regex,
            add: [...listOf(add)],
            remove: [...listOf(remove)],
          })),
        }),
  };
}

function compileSuccess(
  edit: NonNullable<NonNullable<RouteConfig['headers']>['success']>,
): RoutePlan['successHeaders'] {
  const { set, add } = compileHeaders(edit);
  return { set, add };
}

function compileReplace({
  field,
  attribute,
  is,
  prefix,
  regex,
  by,
  base = '',
}: NonNullable<NonNullable<NonNullable<RouteConfig['headers']>['response']>['replace']>[number]): ReplacePlan {
  const rest = { field, attribute: attribute ?? null, by, base };
  if (is !== undefined) return { ...rest, kind: 'exact', value: is };
  if (prefix !== undefined) return { ...rest, kind: 'prefix', value: prefix };
  assert(regex !== undefined, 'one of three was checked');
  return { ...rest, kind: 'regex', value: regex };
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
