/** A name of a server, and who is asked for its addresses: what is one question. Pure. */
import type { ResolverPlan } from '../config/plan.ts';

export interface AskedName {
  readonly hostname: string;
  /** Null: the system's. */
  readonly resolver: ResolverPlan | null;
}

/** For people, and another one for another question: `api.internal`, `api.internal (of 192.0.2.53:53)`. */
export function askedText({ hostname, resolver }: AskedName): string {
  if (resolver === null) return hostname;
  const { families, servers, timeoutMs, validMs } = resolver;
  const parts = [
    ...(servers.length === 0 ? [] : [`of ${servers.join(' ')}`]),
    ...(families.length === 1 ? [`IPv${families[0]}`] : []),
    ...(validMs === null ? [] : [`for ${validMs} ms`]),
    `within ${timeoutMs} ms`,
  ];
  return `${hostname} (${parts.join(', ')})`;
}
