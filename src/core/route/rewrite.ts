/** Targets of rewritten requests and Locations of redirects. */
import type { RedirectActionPlan, RoutePlan } from '../../config/plan.ts';
import { encodeUtf8, decodeUtf8 } from '../../base/text.ts';
import type { RequestHead } from '../../wire/http1/head.ts';

export function writeTarget(
  bytes: Uint8Array,
  head: RequestHead,
  route: RoutePlan,
  out: Uint8Array,
  at: number,
): number {
  const path = decodeUtf8(bytes, head.path, head.pathLength) || '/';
  const query = decodeUtf8(bytes, head.query, head.queryLength);
  const rewrite = route.action.kind === 'proxy' ? route.action.rewrite : null;
  let to = path;
  if (rewrite !== null) {
    if (rewrite.kind === 'path') to = rewrite.value;
    else if (rewrite.kind === 'regex') to = path.replace(new RegExp(rewrite.regex), rewrite.to);
    else if (route.match.path !== null) to = rewrite.value + path.slice(route.match.path.value.length);
  }
  const target = encodeUtf8(to + query);
  out.set(target, at);
  return at + target.length;
}
export function redirectLocation(
  action: RedirectActionPlan,
  bytes: Uint8Array,
  head: RequestHead,
  out: Uint8Array,
  at: number,
): number {
  const path = decodeUtf8(bytes, head.path, head.pathLength) || '/';
  const query = decodeUtf8(bytes, head.query, head.queryLength);
  const host = decodeUtf8(bytes, head.authority, head.authorityLength);
  const text = action.to
    .replace('{host}', host)
    .replace('{path}', path)
    .replace('{query}', query)
    .replace('{uri}', path + query);
  const location = encodeUtf8(text);
  out.set(location, at);
  return at + location.length;
}
