/** What is configured for the owner of virtual addresses: a part of the configuration's plan. */
import type { AddressPlan, VirtualRouterPlan } from '../config/vip-plan.ts';

export type { AddressPlan, VipPlan, VirtualRouterPlan } from '../config/vip-plan.ts';

/** As an operator reads it: `192.168.15.3/24`, `10.0.0.3/24 on eth1`. */
export function addressText({ address, prefixLength, interfaceName }: AddressPlan): string {
  return `${address}/${prefixLength}${interfaceName === undefined ? '' : ` on ${interfaceName}`}`;
}

/**
 * What makes a router the same one in another plan, so that it goes on by that. Of another key it is another one, which
 * begins when this one has left.
 */
export function routerKey({ name, interfaceName, virtualRouterId, family, hasVirtualMac }: VirtualRouterPlan): string {
  return `${name} ${interfaceName} ${virtualRouterId} ${family} ${hasVirtualMac}`;
}
