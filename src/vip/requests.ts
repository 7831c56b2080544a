/** What a plan means to the machine of core/vrrp, and to a segment host. */
import { parseIPv4, parseIPv6 } from '../base/address.ts';
import { assert } from '../base/assert.ts';
import { parseHex } from '../base/bytes.ts';
import { advertPacketBytes } from '../config/advert-size.ts';
import type { AdvertSettings, RouterSettings } from '../core/vrrp/settings.ts';
import type { AdvertShape, AttachRequest } from '../port/segment.ts';
import { passwordData, PRIORITY_OWNER, VRRP_TTL } from '../wire/vrrp/advert.ts';
import { TrailerKey } from '../wire/vrrp/trailer.ts';
import type { AddressPlan, VirtualRouterPlan } from './plan.ts';

export const GUARD_GATEWAY = 'gateway';
export const GUARD_WITNESSES = 'witnesses';
export const GUARD_LEASE = 'lease';

export function routerSettings(plan: VirtualRouterPlan): RouterSettings {
  const { guard } = plan;
  return {
    version: plan.version,
    priority: plan.priority,
    intervalUs: plan.intervalUs,
    preempt: plan.preempt,
    preemptDelayUs: plan.preemptDelayUs,
    startDelayUs: plan.startDelayUs,
    guards: [
      ...(guard.gateway === null ? [] : [GUARD_GATEWAY]),
      ...(guard.hasWitnesses ? [GUARD_WITNESSES] : []),
      ...(guard.hasLease ? [GUARD_LEASE] : []),
    ],
    probesAddresses: guard.probesAddresses,
    isGrouped: plan.group !== null,
    hasVirtualMac: plan.hasVirtualMac,
    tracked: plan.tracked,
  };
}

/** A place for each interface and family. The first one is the router's own, where adverts are sent and heard. */
export function attachRequests(plan: VirtualRouterPlan): readonly AttachRequest[] {
  const { interfaceName, family, virtualRouterId } = plan;
  const held = [...plan.addresses, ...plan.excluded].map((each) => placed(each, interfaceName));
  const requests: AttachRequest[] = [];
  const at = (where: string, of: 4 | 6): HeldAddress[] => {
    return held.filter((each) => each.interfaceName === where && familyOf(each.address) === of);
  };
  requests.push({
    interfaceName,
    family,
    virtualRouterId,
    hasVirtualMac: plan.hasVirtualMac,
    addresses: at(interfaceName, family),
    adverts: {
      source: plan.source === null ? null : ipBytes(plan.source),
      isOwner: plan.priority === PRIORITY_OWNER,
      packetBytes: advertPacketBytes(plan.addresses.length, family, plan.version, plan.keys.length > 0),
      shape: advertShape(plan),
    },
  });
  for (const where of new Set(held.map((each) => each.interfaceName))) {
    for (const of of [4, 6] as const) {
      const addresses = at(where, of);
      if (addresses.length === 0 || (where === interfaceName && of === family)) continue;
      requests.push({
        interfaceName: where,
        family: of,
        virtualRouterId,
        hasVirtualMac: false,
        addresses,
        adverts: null,
      });
    }
  }
  return requests;
}

function advertShape({ version, unicast, keys }: VirtualRouterPlan): AdvertShape {
  return {
    version,
    peers: unicast === null ? null : unicast.peers.map(ipBytes),
    ttlMin: unicast === null ? VRRP_TTL : unicast.ttlMin,
    isSigned: keys.length > 0,
  };
}

interface HeldAddress {
  readonly address: Uint8Array;
  readonly prefixLength: number;
  readonly interfaceName: string;
  readonly label?: string;
}

function placed(plan: AddressPlan, ownInterface: string): HeldAddress {
  const { address, interfaceName = ownInterface, ...rest } = plan;
  return { ...rest, address: ipBytes(address), interfaceName };
}

function familyOf(address: Uint8Array): 4 | 6 {
  return address.length === 4 ? 4 : 6;
}

export function advertSettings(plan: VirtualRouterPlan): AdvertSettings {
  const { unicast } = plan;
  return {
    family: plan.family,
    version: plan.version,
    virtualRouterId: plan.virtualRouterId,
    intervalUs: plan.intervalUs,
    addresses: plan.addresses.map(({ address }) => ipBytes(address)),
    unicast: unicast === null ? null : { peers: unicast.peers.map(ipBytes), ttlMin: unicast.ttlMin },
    checksum: plan.checksum,
    password: plan.password === null ? null : passwordData(plan.password),
    keys: plan.keys.length === 0 ? null : plan.keys.map(({ id, secret }) => new TrailerKey(id, hexBytes(secret))),
  };
}

export function ipBytes(text: string): Uint8Array {
  const bytes = text.includes(':') ? parseIPv6(text) : parseIPv4(text);
  assert(bytes !== null, 'a plan has valid addresses');
  return bytes;
}

function hexBytes(text: string): Uint8Array {
  const bytes = parseHex(text);
  assert(bytes !== null, 'a plan has valid keys');
  return bytes;
}
