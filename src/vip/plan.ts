/** What is configured for the owner of virtual addresses: a part of the configuration's plan. */
export type { VipPlan, VirtualRouterPlan } from '../config/vip-plan.ts';
