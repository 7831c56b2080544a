/**
 * What routes are called in metrics, and which of their requests are counted together. Pure text of the configuration: nothing that a client
 * sends. For people there are more words (words/route-words.ts): labels are short, and stay what they are.
 */
import type { CountedPlan } from './record.ts';
import type { MatchPlan, RoutePlan } from './route.ts';

/** Of one label. Expressions may be long. */
const CHARACTERS_MAX = 120;

/**
 * By what a request is told to be its own: `POST a.example/api`, `=/exact`, `~^/expression$`, and `@name` of one that is called. Routes that differ in
 * something else have the same.
 */
export function routeLabel({ name, match }: Pick<RoutePlan, 'name' | 'match'>): string {
  const text = name === null ? matchLabel(match) : `@${name}`;
  return text.length <= CHARACTERS_MAX ? text : `${text.slice(0, CHARACTERS_MAX - 3)}...`;
}

function matchLabel({ hosts, methods, path }: MatchPlan): string {
  const method = methods.length === 0 ? '' : `${methods.join(',')} `;
  const host = hosts.length < 2 ? (hosts[0] ?? '') : `${hosts[0]}+${hosts.length - 1}`;
  return `${method}${host}${pathLabel(path)}` || '*';
}

function pathLabel(path: MatchPlan['path']): string {
  if (path === null) return '';
  return `${{ prefix: '', exact: '=', regex: '~' }[path.kind]}${path.value}`;
}

/** The places of `countedOf(routes)` before the keeper gives others: one behind the other. */
export function countedOf(routes: readonly RoutePlan[], firstSlot: number): readonly CountedPlan[] {
  const known = new Map<string, { route: string; upstream: string; isTimed: boolean }>();
  const add = (route: string, upstream: string, isTimed: boolean): void => {
    const one = known.get(countedKey(route, upstream));
    if (one === undefined) known.set(countedKey(route, upstream), { route, upstream, isTimed });
    else one.isTimed ||= isTimed;
  };
  add('', '', false);
  for (const route of routes) {
    const label = routeLabel(route);
    for (const upstream of upstreamsOf(route)) add(label, upstream, route.isTimed === true);
  }
  return Array.from(known.values(), (one, i) => ({ ...one, slot: firstSlot + i }));
}

/** What tells them apart within a listener. */
export function countedKey(route: string, upstream: string): string {
  return `${route}\n${upstream}`;
}

/** Without making its key. */
export function hasKey(plan: CountedPlan | undefined, key: string): boolean {
  if (plan === undefined) return false;
  const { route, upstream } = plan;
  const isAsLong = key.length === route.length + 1 + upstream.length;
  return isAsLong && key[route.length] === '\n' && key.startsWith(route) && key.endsWith(upstream);
}

/** Where its requests go, and where those go that take a route in its place. */
function upstreamsOf(route: RoutePlan): ReadonlySet<string> {
  const all = new Set<string>();
  const visit = (one: RoutePlan): void => {
    all.add(upstreamOf(one));
    visitSteps(one.steps);
    for (const { to } of one.errors) if (to.kind === 'take') visit(to.route);
  };
  const visitSteps = (steps: RoutePlan['steps']): void => {
    for (const step of steps) {
      if (step.kind === 'if') visitSteps(step.steps);
      else if (step.kind === 'take') visit(step.route);
      else if (step.kind === 'rewrite' && step.take !== null) visit(step.take);
    }
  };
  visit(route);
  return all;
}

/** Empty: to none. */
export function upstreamOf({ action }: Pick<RoutePlan, 'action'>): string {
  return action.kind === 'proxy' ? action.upstream : '';
}
