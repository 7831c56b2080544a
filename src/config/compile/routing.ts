/** Routes and rules of a virtual router as the kernel is told them. What is here has passed the checks. */
import type { KernelNetwork, KernelRoute, KernelRule } from '../../base/kernel-routing.ts';
import { TABLE_MAIN } from '../../base/kernel-routing.ts';
import { assert } from '../../base/assert.ts';
import { parseIp, parseNetwork } from '../words/addresses.ts';
import { DEFAULTS } from '../model/defaults.ts';
import type { VirtualRouteConfig, VirtualRuleConfig } from '../model/routing.ts';
import { forNode } from '../model/per-node.ts';

const WHOLE_MARK = 0xffff_ffff;

export function compileRoute(route: VirtualRouteConfig, node: string): KernelRoute {
  const { via, source, metric, mtu, 'on-link': isOnLink = false } = route;
  const { table, type: kind } = { ...DEFAULTS.ha.route, ...route };
  const to = networkOf(route.to);
  const isDirect = via === undefined && kind === 'unicast';
  const compiled: Omit<KernelRoute, 'text'> = {
    family: to.address.includes(':') ? 6 : 4,
    kind,
    to,
    via: via === undefined ? null : ipText(via),
    interfaceName: route.interface === undefined ? null : forNode(route.interface, node),
    source: source === undefined ? null : ipText(source),
    table,
    metric: metric ?? null,
    scope: route.scope ?? (isDirect ? 'link' : 'global'),
    isOnLink,
    mtu: mtu ?? null,
  };
  return { text: routeText(compiled), ...compiled };
}

export function compileRule(rule: VirtualRuleConfig, node: string): KernelRule {
  const { mark, mask, table, preference, interface: inInterface, 'out-interface': outInterface } = rule;
  const from = rule.from === undefined ? null : networkOf(rule.from);
  const to = rule.to === undefined ? null : networkOf(rule.to);
  const compiled: Omit<KernelRule, 'text'> = {
    family: (from ?? to)?.address.includes(':') === true ? 6 : 4,
    kind: rule.type ?? DEFAULTS.ha.rule.type,
    from,
    to,
    inInterface: inInterface === undefined ? null : forNode(inInterface, node),
    outInterface: outInterface === undefined ? null : forNode(outInterface, node),
    mark: mark === undefined ? null : { value: mark, mask: mask ?? WHOLE_MARK },
    table: table ?? null,
    preference,
  };
  return { text: ruleText(compiled), ...compiled };
}

/** As ip(8) writes it, where it is not what goes without saying. */
function routeText({ kind, to, via, interfaceName, source, table, metric, scope }: Omit<KernelRoute, 'text'>): string {
  return [
    ...(kind === 'unicast' ? [] : [kind]),
    networkText(to, 'default'),
    ...(via === null ? [] : ['via', via]),
    ...(interfaceName === null ? [] : ['dev', interfaceName]),
    ...(table === TABLE_MAIN ? [] : ['table', table]),
    ...(source === null ? [] : ['src', source]),
    ...(metric === null ? [] : ['metric', metric]),
    ...(scope === 'global' || scope === 'link' ? [] : ['scope', scope]),
  ].join(' ');
}

function ruleText(rule: Omit<KernelRule, 'text'>): string {
  const { kind, from, to, inInterface, outInterface, mark, table, preference } = rule;
  return [
    `${preference}:`,
    ...(from === null ? [] : ['from', networkText(from, 'all')]),
    ...(to === null ? [] : ['to', networkText(to, 'all')]),
    ...(mark === null ? [] : ['fwmark', hex(mark.value) + (mark.mask === WHOLE_MARK ? '' : `/${hex(mark.mask)}`)]),
    ...(inInterface === null ? [] : ['iif', inInterface]),
    ...(outInterface === null ? [] : ['oif', outInterface]),
    kind,
    ...(table === null ? [] : [table]),
  ].join(' ');
}

/** `every`: what all of IPv4 is called; IPv6 is to be told from it. */
function networkText({ address, prefixLength }: KernelNetwork, every: string): string {
  if (prefixLength === 0) return address.includes(':') ? '::/0' : every;
  return `${address}/${prefixLength}`;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

function networkOf(text: string): KernelNetwork {
  const { value } = parseNetwork(text);
  assert(value !== null, `${text} was checked`);
  return { address: value.address, prefixLength: value.bits };
}

function ipText(text: string): string {
  const { value } = parseIp(text);
  assert(value !== null, `${text} was checked`);
  return value.address;
}
