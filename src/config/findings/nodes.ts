import type { Entry } from './entry.ts';

/** Virtual routers and nodes. */
export const NODES = {
  'node-without-value': {
    severity: 'error',
    message: '<place> has no value for node `<node>`; it has one for <nodes>',
    remedy: 'add `<node>: ...`, or write one value for all nodes',
  },
  'duplicate-router-id': {
    severity: 'error',
    message: 'router-id <value> is already used by `<other>` on the same interface',
    remedy: 'write another one from 1 to 255',
  },
  'duplicate-address': {
    severity: 'error',
    message: 'the address <value> is also in <place>',
    remedy: 'keep one of them',
  },
  'bad-announce-interface': {
    severity: 'error',
    message: '<value> cannot be the interface here: <reason>',
    remedy: '<fix>',
  },
  'mixed-families': {
    severity: 'error',
    message: 'a virtual router has IPv4 addresses or IPv6 addresses, not both',
    remedy: 'write a second virtual router for <value>; it may have the same router-id',
  },
  'too-many-advertised': {
    severity: 'error',
    message: 'there are <count> addresses, and an advert has room for <limit>',
    remedy: '<fix>',
  },
  'large-adverts': {
    severity: 'warning',
    message: 'an advert with these addresses has <bytes> bytes, and most interfaces send no more than <mtu>',
    remedy: '<fix>',
    about:
      'Adverts are not fragmented. Where the MTU of the interface is smaller than the advert, the node is in fault.',
  },
  'adverts-exceed-mtu': {
    severity: 'warning',
    message: 'an advert with these addresses has <bytes> bytes, and the MTU of <value> is <mtu>: the node is in fault',
    remedy: 'write some of them in `excluded`, or raise the MTU',
  },
  'vrrp-version': {
    severity: 'error',
    message: '<what> with VRRP version <version>',
    remedy: '<fix>',
  },
  'route-family': {
    severity: 'error',
    message: '<value> is of IPv<family>, and <other> is of IPv<expected>',
    remedy: 'write one of the same family',
  },
  'route-without-way': {
    severity: 'error',
    message: 'nothing says where <value> leads',
    remedy: 'write `via`, `interface`, or another `type`, for example `blackhole`',
  },
  'duplicate-routing': {
    severity: 'error',
    message: '<value> is also in <place>',
    remedy: 'keep one of them: when either router gives its addresses up, it is gone',
  },
  'not-a-host-address': {
    severity: 'error',
    message: '<value> is <what>',
    remedy: 'write the address that clients are to use, for example 192.0.2.3/24',
  },
  'wrong-family': {
    severity: 'error',
    message: '<value> is an IPv<family> address, and those of this virtual router are IPv<other>',
    remedy: 'write an IPv<other> address',
  },
  'only-own-address': {
    severity: 'error',
    message: 'for <node>, `peers` has only its own `source`',
    remedy: "add the other nodes' addresses",
  },
  'virtual-address': {
    severity: 'error',
    message: '<value> is an address of this virtual router itself, which moves',
    remedy: 'write an address that stays on its machine',
  },
  'group-priorities': {
    severity: 'warning',
    message:
      '`<router>` and `<other>` are of the group `<group>` and have different priorities: all of a group advertise the lowest',
    remedy: 'write the same at all of them',
  },
  'same-priority': {
    severity: 'warning',
    message: 'nodes <nodes> have the same priority',
    remedy: 'write a different one for each',
    about: 'At equal priority the node with the higher address is active, which is nothing that anybody chose.',
  },
  'no-group': {
    severity: 'error',
    message: 'the virtual router is in no group',
    remedy: 'write `group` at the router, or `arguments: router`',
  },
  'lonely-group': {
    severity: 'warning',
    message: '`<router>` is the only virtual router of group `<group>`',
    remedy: 'leave `group` out, or write it at the others too',
  },
  'weight-without-preempt': {
    severity: 'warning',
    message: 'a weight has no effect while `preempt` is false: a node whose priority falls stays active',
    remedy: 'leave the weight out, so that it is a fault, or write `preempt: true`',
  },
  'unknown-node': {
    severity: 'error',
    message: 'this is node `<node>`, and the file has values for <nodes> only',
    remedy: '<fix>',
    about: 'Which node this is: `--node`, else `node:` in the file, else the host name.',
  },
} as const satisfies Readonly<Record<string, Entry>>;
