/** A check of somebody who is no server of an upstream: made once, and by its maker's own rules from then on. */
import type { HealthPlan } from '../../config/plan/health.ts';

/** `page` null: a connection is enough. */
export function singleProbe(
  page: { readonly path: string; readonly host: string | null } | null,
  timeoutMs: number,
): HealthPlan {
  return {
    probe:
      page === null
        ? { kind: 'tcp' }
        : { kind: 'http', method: 'GET', path: page.path, host: page.host, statuses: [[200, 399]], body: null },
    port: null,
    proxyProtocol: null,
    tls: null,
    intervalMs: timeoutMs,
    timeoutMs,
    rise: 1,
    fall: 1,
    jitter: 0,
    retryMs: null,
    initial: 'up',
  };
}
