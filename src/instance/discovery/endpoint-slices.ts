/**
 * Servers that are the endpoints of a service in Kubernetes, by its EndpointSlices (`discovery.k8s.io/v1`; lists, watches, bookmarks and
 * `410 Gone` as the page "Kubernetes API concepts" has them).
 *
 * An endpoint that is ready is a server. One that is ending and still serves gets no new clients, unless there is no ready one (KEP-1669). Of
 * a service with both families it is the IPv4 addresses: each endpoint is in the slices of both.
 */
import * as z from 'zod';
import { ENTRIES_MAX, type Heard, NoList, parseSaid, type Query, type WatchedList } from './watched-list.ts';

/** The API leaves out what is empty, or says null. */
const Metadata = z.object({
  name: z.string().default(''),
  resourceVersion: z.string().default(''),
  continue: z.string().default(''),
});
const Condition = z.boolean().nullish();
const Slice = z.object({
  metadata: Metadata,
  addressType: z.string().default(''),
  endpoints: z
    .array(
      z.object({
        addresses: z.array(z.string()).default([]),
        conditions: z.object({ ready: Condition, serving: Condition, terminating: Condition }).default({}),
      }),
    )
    .nullish(),
  ports: z
    .array(z.object({ name: z.string().nullish(), port: z.number().nullish(), protocol: z.string().default('TCP') }))
    .nullish(),
});
type Slice = z.infer<typeof Slice>;

const SliceList = z.object({
  kind: z.literal('EndpointSliceList'),
  metadata: Metadata,
  items: z.array(Slice).nullish(),
});
const Fault = z.object({ code: z.number().default(0), message: z.string().default('no reason') });
const WatchLine = z.union([
  z.object({ type: z.enum(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK']), object: Slice }),
  z.object({ type: z.literal('ERROR'), object: Fault }),
]);

/** A slice, as far as it matters. */
interface Known {
  readonly family: 'IPv4' | 'IPv6';
  readonly ports: readonly { readonly name: string; readonly port: number }[];
  readonly endpoints: readonly { readonly address: string; readonly isReady: boolean; readonly isLeaving: boolean }[];
}

const GONE = 410;
/** Answers with 500 slices each that are one list: far more than there may be of endpoints. */
const PAGES_MAX = 16;
const SERVICE_LABEL = 'kubernetes.io/service-name';

export interface ServiceOfCluster {
  readonly service: string;
  /** Asked for each question. What it throws is the question's failure. */
  readonly namespace: () => string;
  /** Its name in the service, or its number at the endpoints; null: it has only one. */
  readonly port: string | number | null;
}

/** When the API's server ends a watch by itself: nobody waits for as long. */
const WATCH_SECONDS = 300;

export class EndpointSlices implements WatchedList {
  private readonly of: ServiceOfCluster;
  private known = new Map<string, Known>();
  /** Of the list that is coming in. */
  private coming: Map<string, Known> | null = null;
  private pages = 0;
  private next = '';
  /** The API's, opaque: what is known is as of then. */
  private version = '';

  constructor(of: ServiceOfCluster) {
    this.of = of;
  }

  all(): Query {
    return this.query({ limit: '500', ...(this.next === '' ? {} : { continue: this.next }) });
  }

  handleAll(text: string): boolean {
    const { items, metadata } = parseSaid(SliceList, text, 'Kubernetes');
    this.coming ??= new Map();
    for (const slice of items ?? []) put(this.coming, slice);
    this.next = metadata.continue;
    if (++this.pages > PAGES_MAX) throw new NoList(`its list has more than ${PAGES_MAX} parts`);
    if (this.next !== '') return false;
    this.known = this.coming;
    this.coming = null;
    this.pages = 0;
    this.version = metadata.resourceVersion;
    return true;
  }

  forget(): void {
    this.coming = null;
    this.pages = 0;
    this.next = '';
  }

  changes(): Query {
    return this.query({
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: this.version,
      timeoutSeconds: String(WATCH_SECONDS),
    });
  }

  handleLine(line: string): Heard {
    const { object, type } = parseSaid(WatchLine, line, 'Kubernetes');
    if (type === 'ERROR') {
      if (object.code === GONE) return 'outdated';
      throw new NoList(`Kubernetes says: ${object.message}`);
    }
    if (type === 'DELETED') this.known.delete(object.metadata.name);
    else if (type !== 'BOOKMARK') put(this.known, object);
    this.version = object.metadata.resourceVersion;
    return type === 'BOOKMARK' ? 'same' : 'changed';
  }

  list(): string {
    const slices = [...this.known.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, slice]) => slice);
    const family = slices.some((slice) => slice.family === 'IPv4' && slice.endpoints.length > 0) ? 'IPv4' : 'IPv6';
    const ready = new Set<string>();
    const leaving = new Set<string>();
    for (const slice of slices) {
      if (slice.family !== family || slice.endpoints.length === 0) continue;
      const port = this.portOf(slice);
      for (const { address, isLeaving, isReady } of slice.endpoints) {
        const server = `${family === 'IPv6' ? `[${address}]` : address}:${port}`;
        if (isReady) ready.add(server);
        else if (isLeaving) leaving.add(server);
      }
    }
    const last = ready.size > 0 ? [...leaving].filter((server) => !ready.has(server)) : [];
    const first = ready.size > 0 ? [...ready] : [...leaving];
    if (first.length === 0) throw new NoList(`no endpoint of ${this.of.service} is ready`);
    return JSON.stringify([...first, ...last.map((address) => ({ address, state: 'drain' }))]);
  }

  private portOf({ ports }: Known): number {
    const { port: wanted, service } = this.of;
    const said = ports.map(({ name, port }) => (name === '' ? String(port) : `${name} (${port})`)).join(', ');
    if (wanted === null) {
      if (ports.length === 1) return ports[0].port;
      throw new NoList(
        `${service} has ${ports.length === 0 ? 'no port' : `several ports, ${said}: \`port\` says which`}`,
      );
    }
    const found = ports.find(({ name, port }) => (typeof wanted === 'number' ? port === wanted : name === wanted));
    if (found === undefined) throw new NoList(`${service} has no port ${wanted}: ${said}`);
    return found.port;
  }

  private query(parameters: Readonly<Record<string, string>>): Query {
    const { namespace, service } = this.of;
    const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace()}/endpointslices`;
    const query = new URLSearchParams({ labelSelector: `${SERVICE_LABEL}=${service}`, ...parameters });
    return { path: `${path}?${query.toString()}`, body: null };
  }
}

function put(known: Map<string, Known>, { addressType, endpoints, metadata, ports }: Slice): void {
  known.delete(metadata.name);
  // counted below is as much work as there are
  if (known.size >= ENTRIES_MAX) throw new NoList(`it has more than ${ENTRIES_MAX} slices`);
  if (addressType !== 'IPv4' && addressType !== 'IPv6') return;
  known.set(metadata.name, {
    family: addressType,
    ports: (ports ?? []).flatMap(({ name, port, protocol }) =>
      typeof port === 'number' && protocol === 'TCP' ? { name: name ?? '', port } : [],
    ),
    endpoints: (endpoints ?? []).flatMap(({ addresses: [address], conditions: { ready, serving, terminating } }) => {
      // all addresses of one lead to the same
      if (address === undefined) return [];
      const isReady = ready !== false;
      return { address, isReady, isLeaving: !isReady && terminating === true && serving === true };
    }),
  });
  let count = 0;
  for (const slice of known.values()) count += slice.endpoints.length;
  if (count > ENTRIES_MAX) throw new NoList(`it has more than ${ENTRIES_MAX} endpoints`);
}
