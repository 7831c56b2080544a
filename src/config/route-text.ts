/**
 * The routes of a listener as text: a line for each, its plan as JSON in ASCII. Ten thousand of them are a megabyte or more that
 * the keeper hands on as it is, and two routes are the same if their lines are.
 */
import type { RoutePlan } from './plan.ts';

/** The same routes give the same text. */
export function formatRoutes(routes: readonly RoutePlan[]): string {
  return routes.map((route) => `${escaped(JSON.stringify(route))}\n`).join('');
}

export function parseRoutes(text: string): readonly RoutePlan[] {
  return text.split('\n').slice(0, -1).map(parseRoute);
}

/** `line` without its end. */
export function parseRoute(line: string): RoutePlan {
  return JSON.parse(line) as RoutePlan;
}

export function countRoutes(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

function escaped(json: string): string {
  return json.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
