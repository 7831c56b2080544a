/** Routes in written order, tried one after the other. */
import type { RoutePlan } from '../../config/plan.ts';
import type { RequestHead } from '../../wire/http1/head.ts';
import { decodeUtf8 } from '../../base/text.ts';

/** The path climbs above its root: 400. */
export const ROUTE_NONE = -1;
export const ROUTE_ABOVE_ROOT = -2;

export class RouteTable {
  private readonly routes: readonly RoutePlan[];
  constructor(routes: readonly RoutePlan[]) {
    this.routes = routes;
  }
  match(bytes: Uint8Array, head: RequestHead): number {
    for (let i = 0; i < this.routes.length; i++) {
      const { match } = this.routes[i];
      if (match.hosts.length === 0 && match.path === null && match.methods.length === 0) return i;
      const host = decodeUtf8(bytes, head.host, head.hostLength).toLowerCase();
      if (
        match.hosts.length > 0 &&
        !match.hosts.some((h) => h === host || (h.startsWith('*.') && host.endsWith(h.slice(1))))
      )
        continue;
      const path = decodeUtf8(bytes, head.path, head.pathLength) || '/';
      if (match.path !== null) {
        const { kind, value } = match.path;
        if (
          kind === 'exact'
            ? path !== value
            : kind === 'prefix'
              ? !path.startsWith(value)
              : !new RegExp(value).test(path)
        )
          continue;
      }
      if (match.methods.length > 0 && !match.methods.includes(decodeUtf8(bytes, head.start, head.methodLength)))
        continue;
      return i;
    }
    return ROUTE_NONE;
  }
}
export function compileRoutes(routes: readonly RoutePlan[]): RouteTable {
  return new RouteTable(routes);
}
