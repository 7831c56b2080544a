/** The routes and rules of virtual routers: what belongs together in one, and that no two routers have the same. */
import { HELD_ADDRESSES_MAX } from '../../base/limits.ts';
import { parseIp, parseNetwork } from '../words/addresses.ts';
import { DEFAULTS } from '../model/defaults.ts';
import type { Path } from '../findings/diagnostic.ts';
import { pathText, show } from '../findings/diagnostic.ts';
import type { Loose } from '../model/config.ts';
import type { VirtualRouterConfig } from '../model/ha.ts';
import type { VirtualRouteConfig, VirtualRuleConfig } from '../model/routing.ts';
import { itemsOf } from '../model/parts.ts';
import type { Report } from './report.ts';

/** What has a meaning only where a route leads somewhere. */
const OF_UNICAST = ['via', 'on-link', 'mtu'] as const;

/** `seen`: what other routers have, and where. */
export function checkRouting(
  router: Loose<VirtualRouterConfig>,
  path: Path,
  seen: Map<string, string>,
  report: Report,
): void {
  for (const key of ['routes', 'rules'] as const) {
    const items = itemsOf<object>(router[key], [...path, key]);
    const counted = {
      count: String(items.length),
      what: `${key} of one virtual router`,
      limit: String(HELD_ADDRESSES_MAX),
    };
    if (items.length > HELD_ADDRESSES_MAX) report.atKey([...path, key], 'too-many', counted);
    for (const { path: at, value } of items) {
      const text = sortedText(value);
      const other = seen.get(text);
      if (other !== undefined) report.atValue(at, 'duplicate-routing', { value: 'the same', place: other });
      seen.set(text, pathText(at));
    }
  }
  for (const { path: at, value } of itemsOf(router.routes, [...path, 'routes'])) checkRoute(value, at, report);
  for (const { path: at, value } of itemsOf(router.rules, [...path, 'rules'])) checkRule(value, at, report);
}

function checkRoute(route: Loose<VirtualRouteConfig>, path: Path, report: Report): void {
  const { to, via, source, type = DEFAULTS.ha.route.type } = route;
  const family = networkFamily(to);
  for (const [key, text] of Object.entries({ via, source })) {
    const own = text === undefined ? 0 : (parseIp(text).value?.family ?? 0);
    checkSame([...path, key], show(text), own, '`to`', family, report);
  }
  if (type !== 'unicast') {
    for (const key of OF_UNICAST) {
      if (route[key] === undefined) continue;
      report.atKey([...path, key], 'only-one', { place: 'this', given: `\`type: ${type}\` and \`${key}\`` });
    }
  } else if (
    ['via', 'interface'].every((key) => report.lacks(path, key)) &&
    via === undefined &&
    route.interface === undefined
  ) {
    report.atKey(path, 'route-without-way', { value: show(to) });
  }
}

function checkRule(rule: Loose<VirtualRuleConfig>, path: Path, report: Report): void {
  const { from, to, mark, mask, table, type = DEFAULTS.ha.rule.type } = rule;
  if (from !== undefined && to !== undefined) {
    checkSame([...path, 'to'], show(to), networkFamily(to), '`from`', networkFamily(from), report);
  } else report.oneOf(rule, path, ['from', 'to']);
  if (mask !== undefined && mark === undefined) report.oneOf(rule, path, ['mark']);
  if (type === 'lookup') {
    if (table === undefined) report.oneOf(rule, path, ['table']);
  } else if (table !== undefined) {
    report.atKey([...path, 'table'], 'only-one', { place: 'this', given: `\`type: ${type}\` and \`table\`` });
  }
}

function checkSame(path: Path, value: string, family: number, other: string, expected: number, report: Report): void {
  if (family === 0 || expected === 0 || family === expected) return;
  report.atValue(path, 'route-family', { value, family: String(family), other, expected: String(expected) });
}

/** The same in whatever order it is written. */
function sortedText(value: object): string {
  return JSON.stringify(Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

/** 0: it is none. */
function networkFamily(text: string | undefined): number {
  return text === undefined ? 0 : (parseNetwork(text).value?.family ?? 0);
}
