/** What a route wants to know of who enters: it can be known, and keeps out whom it is meant for. */
import type { Path } from '../findings/diagnostic.ts';
import { show } from '../findings/diagnostic.ts';
import type { Config, Loose, RouteConfig } from '../model/config.ts';
import { everyRoute } from '../model/every-route.ts';
import { itemsOf } from '../model/parts.ts';
import type { Report } from './report.ts';

const WAYS = ['basic', 'jwt', 'ask'] as const;

/** `names`: of the listener's routes. */
export function checkAuth(
  auth: Loose<RouteConfig>['auth'],
  path: Path,
  names: ReadonlySet<string>,
  report: Report,
): void {
  if (auth === undefined) return;
  const { ask, basic, jwt } = auth;
  if (ask === undefined) {
    // of several all are wanted, or any of them
    if (basic === undefined && jwt === undefined) report.oneOf(auth, path, WAYS);
    return;
  }
  report.oneOf(ask, [...path, 'ask'], ['call', 'to']);
  if (ask.call !== undefined && !names.has(ask.call))
    report.atValue([...path, 'ask', 'call'], 'undefined-route', { value: show(ask.call) });
}

/** What is right in itself, and perhaps not what was meant. */
export function checkDoors(document: Loose<Config>, report: Report): void {
  const told = new Set<string>();
  for (const { listener, path, route, takenBy } of everyRoute(document)) {
    const { auth } = route;
    if (auth?.basic !== undefined && isReadable(document, listener) && !told.has(listener)) {
      told.add(listener);
      report.atKey([...path, 'auth', 'basic'], 'password-in-clear', { listener });
    }
    // both are in the field Authorization, and of that there is one
    if (auth?.basic !== undefined && auth.jwt?.token === undefined && auth.jwt !== undefined && auth.satisfy !== 'any')
      report.atKey([...path, 'auth', 'jwt'], 'password-and-token', {});
    const isServed = route.upstream !== undefined || route.files !== undefined;
    // of several ways in, what is taken may be another one
    const isMeant = takenBy?.auth?.satisfy === 'any';
    if (takenBy?.auth !== undefined && auth === undefined && isServed && !isMeant)
      report.atKey(path, 'taken-without-auth', {});
  }
}

/** What clients say to it can be read on the way: no TLS, nor anybody in front who is believed to have had it; and not of this machine alone. */
function isReadable(document: Loose<Config>, listener: string): boolean {
  const { bind, forwarded, tls } = document.listeners?.[listener] ?? {};
  const isLocal = itemsOf(bind, []).every(({ value }) => /^(127\.|\[::1\]|unix:)/.test(value));
  const isBehind = typeof forwarded === 'object';
  return tls === undefined && !isLocal && !isBehind;
}
