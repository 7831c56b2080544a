/** A name of servers, and who is asked for it: what is one question. Pure. */
import type { ResolverPlan, ServerPlan, UpstreamPlan } from '../config/plan/upstream.ts';

export interface AskedName {
  /** Of a service the name of its SRV records. */
  readonly hostname: string;
  readonly isService: boolean;
  /** Null: the system's. */
  readonly resolver: ResolverPlan | null;
}

/** Null: its address is known. */
export function askedFor(
  { target, service }: Pick<ServerPlan, 'service' | 'target'>,
  { resolver }: Pick<UpstreamPlan, 'resolver'>,
): AskedName | null {
  if (!('hostname' in target)) return null;
  const { hostname } = target;
  if (service === undefined) return { hostname, isService: false, resolver };
  return { hostname: `${service}.${hostname}`, isService: true, resolver };
}

/** For people, and another one for another question: `api.internal`, `SRV _http._tcp.internal (of 192.0.2.53:53)`. */
export function askedText({ hostname, isService, resolver }: AskedName): string {
  const name = isService ? `SRV ${hostname}` : hostname;
  if (resolver === null) return name;
  const { families, servers, timeoutMs, validMs } = resolver;
  const parts = [
    ...(servers.length === 0 ? [] : [`of ${servers.join(' ')}`]),
    ...(families.length === 1 ? [`IPv${families[0]}`] : []),
    ...(validMs === null ? [] : [`for ${validMs} ms`]),
    `within ${timeoutMs} ms`,
  ];
  return `${name} (${parts.join(', ')})`;
}
