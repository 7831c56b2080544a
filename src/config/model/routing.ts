/** The routes and rules of a virtual router: what comes and goes with its addresses in the kernel's routing. */
import * as z from 'zod';
import { ROUTE_KINDS, ROUTE_SCOPES, RULE_KINDS } from '../../base/kernel-routing.ts';
import { DEFAULTS } from './defaults.ts';
import { flag, integer, ip, key, network, networkInterface, perNode, required } from './scalars.ts';

const NUMBER_MAX = 2 ** 32 - 1;

const table = integer(1, NUMBER_MAX);

export const VirtualRoute = z.strictObject({
  to: required(network, 'The network that it leads to. `0.0.0.0/0` or `::/0` is the default route.', '10.20.0.0/16'),
  via: key(ip, 'The next hop. Without it what it leads to is on the link of `interface`.'),
  interface: key(
    perNode(networkInterface),
    'The network interface. Without it the one that leads to `via`. It must be up for this node to be active.',
  ),
  source: key(
    ip,
    "The address that this machine's own packets have on it, for example the virtual one. Over IPv4 the kernel removes a route of the main table with this address.",
  ),
  table: key(table, 'The routing table, by its number.', DEFAULTS.ha.route.table),
  metric: key(
    integer(0, NUMBER_MAX),
    "The lowest counts. Without it the kernel's own: 0, or 1024 over IPv6. Over IPv4 a virtual route comes before another one of the same metric.",
  ),
  scope: key(
    z.enum(Object.keys(ROUTE_SCOPES) as (keyof typeof ROUTE_SCOPES)[]),
    'How far away it is. Without it `link` if there is no `via`, or else `global`.',
  ),
  'on-link': key(flag, 'The next hop is on the link, whatever the addresses of the interface say.', false),
  mtu: key(integer(68, 65535), "In bytes. Without it the interface's."),
  type: key(
    z.enum(ROUTE_KINDS),
    '`blackhole`: packets are dropped; `unreachable`, `prohibit`: and the sender is told; `throw`: the next rule is asked.',
    DEFAULTS.ha.route.type,
  ),
});

export const VirtualRule = z.strictObject({
  preference: required(integer(1, NUMBER_MAX), 'Its place among the rules: the lowest is asked first.', 100),
  from: key(network, 'Packets from this network. One of `from` and `to` must be there.'),
  to: key(network, 'Packets to this network.'),
  interface: key(perNode(networkInterface), 'Packets that come in there. It must be up for this node to be active.'),
  'out-interface': key(
    perNode(networkInterface),
    'Packets of a socket that is bound to it. It must be up for this node to be active.',
  ),
  mark: key(integer(0, NUMBER_MAX), 'Packets with this firewall mark.'),
  mask: key(integer(0, NUMBER_MAX), 'The bits of the mark that count. Without it all.'),
  table: key(table, 'The routing table that is asked.'),
  type: key(
    z.enum(RULE_KINDS),
    '`lookup`: a table is asked; `blackhole`: packets are dropped; `unreachable`, `prohibit`: and the sender is told.',
    DEFAULTS.ha.rule.type,
  ),
});

export type VirtualRouteConfig = z.infer<typeof VirtualRoute>;
export type VirtualRuleConfig = z.infer<typeof VirtualRule>;
