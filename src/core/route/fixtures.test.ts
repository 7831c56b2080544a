/** What the tests of this folder share: routes. */
import type {
  ActionPlan,
  MatchPlan,
  PathMatchPlan,
  RewritePlan,
  RoutePlan,
  ValueMatchPlan,
} from '../../config/plan/route.ts';

const NO_EDIT = { set: [], add: [], remove: [] };
const NO_RETRY = { attempts: 1, connect: false, reset: false, timeout: false, statuses: [], nonIdempotent: false };

function proxyTo(rewrite: RewritePlan | null): ActionPlan {
  const retry = NO_RETRY;
  return {
    kind: 'proxy',
    upstream: 'web',
    rewrite,
    timeoutMs: 0,
    retry,
    upgrade: true,
    bodyBytes: null,
    passesClaims: false,
    interceptsErrors: false,
  };
}

/** A route for everything, or what `match` says. */
export function route(match: Partial<MatchPlan> = {}, rewrite: RewritePlan | null = null): RoutePlan {
  return {
    match: { hosts: [], path: null, methods: [], values: [], ...match },
    action: proxyTo(rewrite),
    requestHeaders: NO_EDIT,
    responseHeaders: NO_EDIT,
    successHeaders: { set: [], add: [] },
    name: null,
    steps: [],
    errors: [],
    isInternal: false,
  };
}

export function prefix(value: string): PathMatchPlan {
  return { kind: 'prefix', value };
}

export function exact(value: string): PathMatchPlan {
  return { kind: 'exact', value };
}

export function regex(value: string): PathMatchPlan {
  return { kind: 'regex', value };
}

export type ValueTest =
  | { readonly kind: 'present' | 'absent' }
  | { readonly kind: 'exact' | 'prefix' | 'regex'; readonly value: string };

export function header(name: string, test: ValueTest): ValueMatchPlan {
  return { source: { kind: 'header', name }, ...test };
}

export function query(name: string, test: ValueTest): ValueMatchPlan {
  return { source: { kind: 'query', name }, ...test };
}
