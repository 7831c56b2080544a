/** The API server of a Kubernetes cluster, asked with what a pod of it has, or what the configuration names. */
import type { KubernetesPlan } from '../../config/plan/upstream.ts';
import { readRegularFile } from '../../load/regular-file.ts';
import type { Connection, Store } from './watched-source.ts';

/** "Accessing the Kubernetes API from a Pod" of Kubernetes' documentation. */
const POD = '/var/run/secrets/kubernetes.io/serviceaccount';

const FILE_BYTES_MAX = 1024 * 1024;

export class KubernetesApi implements Store {
  private readonly plan: KubernetesPlan;

  constructor(plan: KubernetesPlan) {
    this.plan = plan;
  }

  /** Files are read for each question: tokens are renewed all the time. Throws if one cannot be, or there is no cluster. */
  connect(): Connection {
    const { ca, token } = this.plan;
    const bearer = read(token ?? `${POD}/token`)
      .toString('utf8')
      .trim();
    return {
      origin: this.origin,
      headers: { accept: 'application/json', authorization: `Bearer ${bearer}` },
      tls: { ca: read(ca ?? `${POD}/ca.crt`) },
    };
  }

  handleFailure(): void {
    // there is one
  }

  private get origin(): string {
    const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = process.env;
    if (this.plan.api !== null) return this.plan.api;
    if (host === undefined) throw new Error('this runs in no pod of a cluster, and `api` is not said');
    return `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
  }
}

/** Throws if this runs in no pod. */
export function namespaceOfPod(): string {
  return read(`${POD}/namespace`).toString('utf8').trim();
}

/** A bundle of authorities is the longest of them. */
function read(path: string): Buffer {
  return readRegularFile(path, FILE_BYTES_MAX).bytes;
}
