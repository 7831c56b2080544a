/** What is configured for the owner of virtual addresses: a part of the configuration's plan. */
import type { VirtualRouterPlan } from '../config/plan/vip.ts';

export { addressText } from '../config/plan/ha-changes.ts';
export type { AddressPlan, VipPlan, VirtualRouterPlan } from '../config/plan/vip.ts';

/**
 * What makes a router the same one in another plan, so that it goes on by that. Of another key it is another one, which
 * begins when this one has left.
 */
export function routerKey({ name, interfaceName, virtualRouterId, family, hasVirtualMac }: VirtualRouterPlan): string {
  return `${name} ${interfaceName} ${virtualRouterId} ${family} ${hasVirtualMac}`;
}

/** Of plans, and of parts of them. */
export function isSamePlan(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
