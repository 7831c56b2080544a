/** What sets and maps of kernel mode have in them: addresses, ports and protocols, one behind the other, each in whole words of four bytes. */
import { type Address, addressBytes } from '../../../base/address.ts';
import type { BucketMap, ForwardedFlow } from '../../../port/forwarding.ts';
import type { SetShape } from './batch.ts';

export const PROTOCOLS = { tcp: 6, udp: 17 } as const;

/** How `nft` shows the parts of keys and values: six bits each. */
const TYPE_MARK = 19;
const TYPE_ADDRESS = { 4: 7, 6: 8 } as const;
const TYPE_PROTOCOL = 12;
const TYPE_PORT = 13;

/** In a map of connections, of all services. */
const FLOWS_MAX = 65_536;

export type Family = 4 | 6;

export function bytesOf(family: Family): number {
  return family === 4 ? 4 : 16;
}

export function hostType(family: Family): number {
  return TYPE_ADDRESS[family];
}

/** Address and port. */
export function endType(family: Family): number {
  return (TYPE_ADDRESS[family] << 6) | TYPE_PORT;
}

/** Address, protocol and port. */
export function placeType(family: Family): number {
  return (((TYPE_ADDRESS[family] << 6) | TYPE_PROTOCOL) << 6) | TYPE_PORT;
}

/** Both ends and the protocol. */
export function connectionType(family: Family): number {
  return (((endType(family) << 12) | endType(family)) << 6) | TYPE_PROTOCOL;
}

export function shapeOfMap({ name, family, size, directPort }: BucketMap, id = 0): SetShape {
  return {
    name,
    id,
    keyBytes: 4,
    keyType: TYPE_MARK,
    hasNumbers: true,
    size,
    ...serverShape(family, directPort !== null),
  };
}

/** Both ends of a connection, and its server. */
export function shapeOfFlows(family: Family, isDirect: boolean, id = 0): SetShape {
  const end = endType(family);
  const key = { keyBytes: 2 * (bytesOf(family) + 4), keyType: (end << 12) | end };
  return { name: `flows-${family}`, id, ...key, size: FLOWS_MAX, ...serverShape(family, isDirect) };
}

/** Address and port; of one that is sent what comes as it is, the address. */
function serverShape(family: Family, isDirect: boolean): { readonly dataBytes: number; readonly dataType: number } {
  const bytes = bytesOf(family);
  return isDirect
    ? { dataBytes: bytes, dataType: hostType(family) }
    : { dataBytes: bytes + 4, dataType: endType(family) };
}

/** With `snat`: a connection by its client and its server, and what the server sees as its client. */
export function shapeOfPorts(family: Family, id = 0): SetShape {
  return { ...shapeOfFlows(family, false, id), name: `ports-${family}` };
}

export function keyOfPort({ client, server }: ForwardedFlow): Uint8Array {
  return Uint8Array.of(...endOf(client), ...endOf(server));
}

export function dataOfPort({ service, via }: ForwardedFlow): Uint8Array {
  return endOf({ ...service, port: via! });
}

export function keyOfFlow({ client, service }: ForwardedFlow): Uint8Array {
  return Uint8Array.of(...endOf(client), ...endOf(service));
}

/** A server, as maps have it (`serverShape`): for a few servers, many times. */
export function serverData(isDirect: boolean): (address: Address) => Uint8Array {
  const known = new Map<Address, Uint8Array>();
  return (address) => {
    let data = known.get(address);
    if (data === undefined) known.set(address, (data = isDirect ? addressBytes(address) : endOf(address)));
    return data;
  };
}

/** Address and port, as values of maps have them: parts shorter than four bytes are padded. */
export function endOf(address: Address): Uint8Array {
  const bytes = addressBytes(address);
  return Uint8Array.of(...bytes, address.port >> 8, address.port & 0xff, 0, 0);
}

/** Address, protocol and port, likewise. */
export function placeOf(protocol: 'tcp' | 'udp', address: Address): Uint8Array {
  const bytes = addressBytes(address);
  return Uint8Array.of(...bytes, PROTOCOLS[protocol], 0, 0, 0, address.port >> 8, address.port & 0xff, 0, 0);
}
