/** For tests: the plan of a virtual router, of which each says only what it is about. */
import type { VirtualRouterPlan } from '../plan.ts';

/** A router as most tests want it: 192.168.15.3 on eth0. */
export function routerPlan(changes: Partial<VirtualRouterPlan> = {}): VirtualRouterPlan {
  return {
    name: 'VI_1',
    slot: 0,
    interfaceName: 'eth0',
    family: 4,
    version: 3,
    virtualRouterId: 50,
    priority: 100,
    intervalUs: 1_000_000,
    addresses: [{ address: '192.168.15.3', prefixLength: 24 }],
    excluded: [],
    routes: [],
    rules: [],
    hasVirtualMac: false,
    preempt: true,
    preemptDelayUs: 0,
    startDelayUs: 0,
    group: null,
    source: null,
    unicast: null,
    password: null,
    keys: [],
    checksum: 'mirror',
    tracked: [],
    guard: { probesAddresses: false, gateway: null, hasWitnesses: false, hasLease: false },
    ...changes,
  };
}
