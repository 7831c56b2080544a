/** Which source there is for what the configuration says, and what it is called. */
import type { DiscoveryPlan } from '../../config/plan/upstream.ts';
import { EtcdMembers } from '../../keeper/etcd-members.ts';
import { EndpointSlices } from './endpoint-slices.ts';
import { EtcdKeys } from './etcd-keys.ts';
import { FileSource } from './file-source.ts';
import { KubernetesApi, namespaceOfPod } from './kubernetes-api.ts';
import type { ListHandler, ListSource } from './list-source.ts';
import { UrlSource } from './url-source.ts';
import { type Store, WatchedSource } from './watched-source.ts';

type From = DiscoveryPlan['from'];

export function openSource(from: From, handler: ListHandler): ListSource {
  switch (from.kind) {
    case 'file':
      return new FileSource(from.path, handler);
    case 'url':
      return new UrlSource(from, handler);
    case 'etcd':
      return new WatchedSource(etcdStore(new EtcdMembers(from)), new EtcdKeys(from.prefix), handler);
    case 'kubernetes':
      return new WatchedSource(
        new KubernetesApi(from),
        new EndpointSlices({ ...from, namespace: () => from.namespace ?? namespaceOfPod() }),
        handler,
      );
  }
}

/** For people; two of which one may stand for the other have the same. */
export function sourceName(from: From): string {
  switch (from.kind) {
    case 'file':
      return from.path;
    case 'url':
      return from.url;
    case 'etcd':
      return `etcd, ${from.prefix}`;
    case 'kubernetes': {
      const { namespace, port, service } = from;
      return `Kubernetes, ${namespace === null ? '' : `${namespace}/`}${service}${port === null ? '' : `:${port}`}`;
    }
  }
}

function etcdStore(members: EtcdMembers): Store {
  return {
    connect: () => ({
      origin: members.url,
      // a member that is cut off from the others ends a watch (`WithRequireLeader` of etcd's own client)
      headers: { 'content-type': 'application/json', 'grpc-metadata-hasleader': 'true' },
      tls: members.tls,
    }),
    handleFailure: () => members.handleFailure(),
  };
}
