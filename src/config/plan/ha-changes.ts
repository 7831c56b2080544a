/** What another `ha` part changes, for people: `virtual router VI_1: address 192.168.15.4/24 added`. */
import type { KernelRoute, KernelRule } from '../../base/kernel-routing.ts';
import type { HaPlan } from './ha.ts';
import type { AddressPlan } from './vip.ts';

/** Where the plan's name is not the configuration's. */
const KEYS: Readonly<Record<string, string>> = {
  interfaceName: 'interface',
  virtualRouterId: 'router-id',
  intervalUs: 'advertise',
  hasVirtualMac: 'virtual-mac',
  preemptDelayUs: 'preempt',
  startDelayUs: 'start-delay',
  source: 'unicast',
  password: 'auth',
  keys: 'key',
  tracked: 'track',
  watches: 'track',
  witnesses: 'guard',
  serves: 'guard',
};
/** Itemised, or of no meaning outside. */
const UNTOLD: ReadonlySet<string> = new Set(['slot', 'family', 'addresses', 'excluded', 'routes', 'rules']);

/** Null: no `ha`. */
export function haChanges(from: HaPlan | null, to: HaPlan | null): readonly string[] {
  const former = routersOf(from);
  const latter = routersOf(to);
  const changes: string[] = [];
  for (const [name, after] of latter) {
    const before = former.get(name);
    const lines = before === undefined ? null : routerChanges(before, after);
    if (lines === null) changes.push(`virtual router ${name} added`);
    else changes.push(...lines.map((line) => `virtual router ${name}: ${line}`));
  }
  for (const name of former.keys()) if (!latter.has(name)) changes.push(`virtual router ${name} removed`);
  return changes;
}

type Router = Readonly<Record<string, unknown>> & {
  readonly addresses: readonly AddressPlan[];
  readonly excluded: readonly AddressPlan[];
  readonly routes: readonly KernelRoute[];
  readonly rules: readonly KernelRule[];
};

/** With what is watched by what it is, and not by its place. */
function routersOf(plan: HaPlan | null): ReadonlyMap<string, Router> {
  const routers = (plan?.routers ?? []).map((router, i): [string, Router] => {
    const watches = router.watches.map((watch) => (watch === null ? null : plan!.watches[watch]));
    return [router.name, { ...plan!.vip.routers[i], ...router, watches }];
  });
  return new Map(routers);
}

function routerChanges(before: Router, after: Router): readonly string[] {
  const keys = Object.keys(after).filter((key) => !UNTOLD.has(key) && text(before[key]) !== text(after[key]));
  return [
    ...listChanges('address', before.addresses.map(addressText), after.addresses.map(addressText)),
    ...listChanges('excluded address', before.excluded.map(addressText), after.excluded.map(addressText)),
    ...listChanges('route', before.routes.map(routingText), after.routes.map(routingText)),
    ...listChanges('rule', before.rules.map(routingText), after.rules.map(routingText)),
    ...new Set(keys.map((key) => `${KEYS[key] ?? key} changed`)),
  ];
}

function listChanges(what: string, former: readonly string[], latter: readonly string[]): readonly string[] {
  return [
    ...latter.filter((each) => !former.includes(each)).map((each) => `${what} ${each} added`),
    ...former.filter((each) => !latter.includes(each)).map((each) => `${what} ${each} removed`),
  ];
}

function routingText({ text }: KernelRoute | KernelRule): string {
  return text;
}

/** As an operator reads it: `192.168.15.3/24`, `10.0.0.3/24 on eth1`. */
export function addressText({ address, prefixLength, interfaceName, label }: AddressPlan): string {
  const where = interfaceName === undefined ? '' : ` on ${interfaceName}`;
  return `${address}/${prefixLength}${where}${label === undefined ? '' : ` as ${label}`}`;
}

function text(value: unknown): string | undefined {
  return JSON.stringify(value);
}
