/** How an etcd cluster is reached. */
import type { EtcdPlan } from '../plan/etcd.ts';

export interface EtcdFiles {
  readonly ca?: string;
  readonly certificate?: string;
  readonly 'private-key'?: string;
}

export function compileEtcd(members: readonly string[], files: EtcdFiles): EtcdPlan {
  const { ca = null, certificate, 'private-key': privateKey } = files;
  const client = certificate === undefined || privateKey === undefined ? null : { certificate, privateKey };
  return { members, ca, client };
}
