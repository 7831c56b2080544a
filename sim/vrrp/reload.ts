/** What a node's configuration may change into while it runs, one thing at a time. */
import type { VirtualRouterPlan } from '../../src/vip/plan.ts';

export type PlanChange =
  | { readonly what: 'priority'; readonly to: number }
  | { readonly what: 'interval'; readonly toUs: number }
  /** One more address. */
  | { readonly what: 'address'; readonly isThere: boolean }
  /** Something more is tracked, on which there is no verdict yet. */
  | { readonly what: 'tracked'; readonly isThere: boolean }
  | { readonly what: 'gateway'; readonly address: string | null }
  | { readonly what: 'probe'; readonly isOn: boolean }
  | { readonly what: 'preempt'; readonly isOn: boolean };

export function changedRouter(router: VirtualRouterPlan, change: PlanChange): VirtualRouterPlan {
  switch (change.what) {
    case 'priority':
      return { ...router, priority: change.to };
    case 'interval':
      return { ...router, intervalUs: change.toUs };
    case 'address': {
      const [first] = router.addresses;
      const more = { ...first, address: first.address.replace(/\d+$/, '250') };
      return { ...router, addresses: change.isThere ? [first, more] : [first] };
    }
    case 'tracked': {
      const more = { name: 'script', weight: 0, interfaceName: null };
      return { ...router, tracked: [...router.tracked.slice(0, 1), ...(change.isThere ? [more] : [])] };
    }
    case 'gateway':
      return { ...router, guard: { ...router.guard, gateway: change.address } };
    case 'probe':
      return { ...router, guard: { ...router.guard, probesAddresses: change.isOn } };
    case 'preempt':
      return { ...router, preempt: change.isOn };
  }
}
