/** What is configured for the owner of virtual addresses: a part of the configuration's plan. */
import type { AddressPlan } from '../config/vip-plan.ts';

export type { AddressPlan, VipPlan, VirtualRouterPlan } from '../config/vip-plan.ts';

/** As an operator reads it: `192.168.15.3/24`, `10.0.0.3/24 on eth1`. */
export function addressText({ address, prefixLength, interfaceName }: AddressPlan): string {
  return `${address}/${prefixLength}${interfaceName === undefined ? '' : ` on ${interfaceName}`}`;
}
