/** Where the servers of an upstream are read while it runs. */
import { DEFAULTS } from '../model/defaults.ts';
import type { UpstreamConfig } from '../model/config.ts';
import type { DiscoveryPlan } from '../plan/upstream.ts';
import { ms } from './checked.ts';
import { compileEtcd } from './etcd.ts';

type Discover = NonNullable<UpstreamConfig['discover']>;

/** `port`: of servers without one; null: they need one. */
export function compileDiscovery(discover: Discover, port: number | null): DiscoveryPlan {
  return { from: compileSource(discover), holdMs: ms(discover.hold ?? DEFAULTS.upstream.discover.hold), port };
}

function compileSource({ etcd, file, kubernetes, url = '', ...times }: Discover): DiscoveryPlan['from'] {
  if (file !== undefined) return { kind: 'file', path: file };
  if (etcd !== undefined) return { kind: 'etcd', ...compileEtcd(etcd.members, etcd), prefix: etcd.prefix };
  if (kubernetes !== undefined) {
    const { api = null, ca = null, namespace = null, port = null, service, token = null } = kubernetes;
    return { kind: 'kubernetes', api, ca, namespace, port, service, token };
  }
  const { every, timeout } = { ...DEFAULTS.upstream.discover, ...times };
  return { kind: 'url', url, everyMs: ms(every), timeoutMs: ms(timeout) };
}
