/** Whom a route asks who may enter: somebody, who is there. */
import type { Path } from '../findings/diagnostic.ts';
import { show } from '../findings/diagnostic.ts';
import type { Loose, RouteConfig } from '../model/config.ts';
import type { Report } from './report.ts';

/** `names`: of the listener's routes. */
export function checkAuth(
  auth: Loose<RouteConfig>['auth'],
  path: Path,
  names: ReadonlySet<string>,
  report: Report,
): void {
  if (auth === undefined) return;
  const { ask } = auth;
  if (ask === undefined) {
    if (report.lacks(path, 'ask'))
      report.atKey(path, 'missing-key', { place: '`auth`', key: 'ask', fix: 'for example `ask: { to: /auth }`' });
    return;
  }
  report.oneOf(ask, [...path, 'ask'], ['call', 'to']);
  if (ask.call !== undefined && !names.has(ask.call))
    report.atValue([...path, 'ask', 'call'], 'undefined-route', { value: show(ask.call) });
}
