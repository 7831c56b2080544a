/** Where the servers of an upstream stand in a document, and whether one is where something listens. */
import { ADDRESSES_PER_NAME_MAX, ADDRESSES_PER_SERVICE_MAX } from '../../base/limits.ts';
import { isLoopback } from '../../base/address.ts';
import { parseServer, type ServerAddress } from '../words/addresses.ts';
import type { Path } from '../findings/diagnostic.ts';
import type { Config, Loose, UpstreamConfig } from '../model/config.ts';
import { itemsOf } from '../model/parts.ts';
import type { BindPlan } from '../plan/listener.ts';

export interface ServerPlace {
  readonly path: Path;
  readonly address: ServerAddress;
}

/** Those with an address that can be read. */
export function serverPlacesOf({ upstreams }: Loose<Config>, upstream: string): readonly ServerPlace[] {
  const path: Path = ['upstreams', upstream, 'servers'];
  return itemsOf(upstreams?.[upstream]?.servers, path).flatMap(({ path: at, value: server }) => {
    const text = typeof server === 'string' ? server : server.address;
    const address = text === undefined ? null : parseServer(text).value;
    return address === null ? [] : [{ path: typeof server === 'string' ? at : [...at, 'address'], address }];
  });
}

type Server = NonNullable<Loose<UpstreamConfig>['servers']>[number];

/** Of the status board: one for an address, several for what may have several. */
export function slotsOfServer(server: Server): number {
  if (typeof server === 'object' && server.service !== undefined) return ADDRESSES_PER_SERVICE_MAX;
  const target = parseServer((typeof server === 'string' ? server : server?.address) ?? '').value?.target;
  return target !== undefined && 'hostname' in target ? ADDRESSES_PER_NAME_MAX : 1;
}

/** Whoever connects to the server comes to `bind`. Of one that has all addresses, only those of loopback are known. */
export function isAt({ address, dual }: BindPlan, { target }: ServerAddress): boolean {
  if ('hostname' in target || address.family === 0 || target.port !== address.port) return false;
  if (target.host === address.host) return true;
  const isAny = address.host === '::' || address.host === '0.0.0.0';
  return isAny && isLoopback(target) && (dual || address.family === target.family);
}
