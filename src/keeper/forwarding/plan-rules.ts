/** What a kernel is to forward by a plan, and who takes how much of it: pure. */
import type { Address } from '../../base/address.ts';
import { addressText } from '../../base/address.ts';
import type { Plan } from '../../config/plan/plan.ts';
import type { UpstreamPlan } from '../../config/plan/upstream.ts';
import type { BucketMap, Buckets, ForwardedService, ForwardingRules } from '../../port/forwarding.ts';
import { assignBuckets, type BucketServer, bucketCount, NO_SERVER } from '../../core/forwarding/bucket-table.ts';

/** One address of a server, as the server table has it now. */
export interface KnownServer {
  readonly address: Address;
  /** It takes new clients. */
  readonly isUp: boolean;
  /** In any unit, the same for all. */
  readonly weight: number;
  readonly isBackup: boolean;
}

const FAMILIES = [4, 6] as const;
/** In a list (docs/discovery.md). */
const FOUND_MAX = 500;

export interface PlannedRules extends ForwardingRules {
  /** `upstream`: whose servers have its buckets, by index. First those of upstreams, and then those that are kept, of services. */
  readonly maps: readonly (BucketMap & { readonly upstream: number })[];
}

/** `serversOf`: those of the upstream with this index. */
export function rulesOf(plan: Plan, serversOf: (upstream: number) => readonly KnownServer[]): PlannedRules {
  const services = plan.listeners.flatMap((listener): ForwardedService[] => {
    if (listener.inKernel === undefined || listener.intake === 'closed') return [];
    const upstream = plan.upstreams[listener.upstream];
    return listener.binds.map(({ address, isUdp }) => ({
      protocol: isUdp ? 'udp' : 'tcp',
      address,
      kept: isUdp ? null : keptName(address),
      forward: listener.inKernel!,
      by: upstream.balance === 'source-hash' ? 'source' : 'source-port',
      map: mapName(upstream, address.family === 6 ? 6 : 4, listener.inKernel === 'dsr'),
      servers: serversOf(listener.upstream)
        .map((server) => server.address)
        .filter(({ family }) => family === address.family),
    }));
  });
  const maps = plan.upstreams.flatMap((upstream, index) =>
    FAMILIES.flatMap((family) =>
      [false, true].map((isDirect) => {
        const name = mapName(upstream, family, isDirect);
        const directPort = isDirect ? (services.find(({ map }) => map === name)?.address.port ?? 0) : null;
        return { name, family, directPort, size: sizeOf(upstream), upstream: index };
      }),
    ),
  );
  const used = maps.filter(({ name }) => services.some(({ map }) => map === name));
  const kept = services.flatMap((service) => {
    const map = used.find(({ name }) => name === service.map)!;
    return service.kept === null ? [] : [{ ...map, name: service.kept }];
  });
  return { services, maps: [...used, ...kept] };
}

/** It must not change when servers are found, for another one moves nearly all connections: so it is that for as many as there may be. */
function sizeOf({ discovery, servers }: UpstreamPlan): number {
  return bucketCount(discovery === undefined ? servers.length : FOUND_MAX);
}

/** Of the map for segments that are not the first ones. */
function keptName({ host, port }: Address): string {
  return `kept-${host.replaceAll(/[.:]/g, '_')}-${port}`;
}

/** Of a name in nf_tables there are letters, digits and a few more; its place is part of it, for two names may become one. */
function mapName({ name, slot }: UpstreamPlan, family: 4 | 6, isDirect: boolean): string {
  return `${name.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 64)}-${slot}-${family}${isDirect ? '-dsr' : ''}`;
}

/** Who takes new clients in this family, and how heavily: backups only while nobody else is up. */
export function takersOf(
  servers: readonly KnownServer[],
  { family, directPort }: Pick<BucketMap, 'family' | 'directPort'>,
): readonly (BucketServer & KnownServer)[] {
  const up = servers.filter(({ isUp, weight, address }) => {
    // Of those that are found, or named, nobody knows the port before.
    const isReached = directPort === null || directPort === address.port;
    return isUp && weight > 0 && address.family === family && isReached;
  });
  const primaries = up.filter(({ isBackup }) => !isBackup);
  const takers = primaries.length > 0 ? primaries : up;
  // The same address twice is one server of both weights.
  const known = new Map<string, BucketServer & KnownServer>();
  for (const server of takers) {
    const identity = addressText(server.address);
    const weight = server.weight + (known.get(identity)?.weight ?? 0);
    known.set(identity, { ...server, identity, weight });
  }
  return [...known.values()];
}

export function bucketsOf(takers: readonly (BucketServer & KnownServer)[], size: number): Buckets {
  return Array.from(assignBuckets(takers, size), (index) => (index === NO_SERVER ? null : takers[index].address));
}
