/**
 * The routes of a listener as text: a line for each, its plan as JSON in ASCII. Ten thousand of them are a megabyte or more that
 * the keeper hands on as it is, and two routes are the same if their lines are. What most routes say is left out of the lines: it would
 * be most of the text, and each proxy would have it ten thousand times.
 */
import type { ActionPlan, MatchPlan, ProxyActionPlan, RoutePlan } from './route.ts';
import type { HeaderEditPlan } from './response.ts';

/** The shape of what is left out; all routes that are read share its parts. */
const NO_HEADERS: HeaderEditPlan = { set: [], add: [], remove: [] };
const ANYTHING: MatchPlan = { hosts: [], path: null, methods: [], values: [] };
const USUAL_PROXY: ProxyActionPlan = {
  kind: 'proxy',
  upstream: '',
  rewrite: null,
  timeoutMs: 0,
  retry: { attempts: 3, connect: true, reset: false, timeout: false, statuses: [], nonIdempotent: false },
  upgrade: true,
  bodyBytes: null,
  passesClaims: false,
  interceptsErrors: false,
};
const USUAL: RoutePlan = {
  name: null,
  steps: [],
  errors: [],
  isInternal: false,
  match: ANYTHING,
  action: USUAL_PROXY,
  requestHeaders: NO_HEADERS,
  responseHeaders: NO_HEADERS,
  successHeaders: { set: [], add: [] },
};

/** A route as its line has it: a part that is missing is the usual one. An action that is not `proxy` is whole. */
interface ShortRoute extends Partial<Omit<RoutePlan, 'match' | 'action'>> {
  readonly match: Partial<MatchPlan>;
  readonly action: Partial<ProxyActionPlan> | Exclude<ActionPlan, ProxyActionPlan>;
}

/** The same routes give the same text. */
export function formatRoutes(routes: readonly RoutePlan[]): string {
  return routes.map((route) => `${inAscii(formatRoute(route))}\n`).join('');
}

export function parseRoutes(text: string): readonly RoutePlan[] {
  return routeLines(text).map(parseRoute);
}

/** The lines of a text without their ends, one for each route. */
export function routeLines(text: string): readonly string[] {
  return text.split('\n').slice(0, -1);
}

/** `line` without its end. */
export function parseRoute(line: string): RoutePlan {
  const { match, action, ...rest } = JSON.parse(line) as ShortRoute;
  return { ...USUAL, ...rest, match: { ...ANYTHING, ...match }, action: wholeAction(action) };
}

export function countRoutes(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

function formatRoute(route: RoutePlan): string {
  const { match, action } = route;
  const short: ShortRoute = {
    ...unusual(route, USUAL),
    match: unusual(match, ANYTHING),
    action: action.kind === 'proxy' ? unusual(action, USUAL_PROXY) : action,
  };
  return JSON.stringify(short);
}

function wholeAction(action: ShortRoute['action']): ActionPlan {
  return isProxy(action) ? { ...USUAL_PROXY, ...action } : action;
}

function isProxy(action: ShortRoute['action']): action is Partial<ProxyActionPlan> {
  return action.kind === undefined || action.kind === 'proxy';
}

function unusual<T extends object>(said: T, usual: T): Partial<T> {
  const short: Partial<T> = {};
  for (const key of Object.keys(said) as (keyof T)[]) if (!isSame(said[key], usual[key])) short[key] = said[key];
  return short;
}

/** Of plain data. Ten thousand routes are a hundred thousand comparisons, of what is empty on both sides most of the time. */
function isSame(value: unknown, usual: unknown): boolean {
  if (typeof value !== 'object' || typeof usual !== 'object' || value === null || usual === null) {
    return value === usual;
  }
  const keys = Object.keys(value);
  return (
    Array.isArray(value) === Array.isArray(usual) &&
    keys.length === Object.keys(usual).length &&
    keys.every((key) => isSame((value as never)[key], (usual as never)[key]))
  );
}

/** The same JSON. */
export function inAscii(json: string): string {
  return json.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
