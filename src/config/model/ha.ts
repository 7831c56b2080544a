/**
 * The `ha` part of the model: virtual routers (RFC 9568), what they track, and what guards them against split brain. One file
 * serves all nodes, so that here a value may be written per node: `priority: { lb01: 150, lb02: 100 }`.
 */
import * as z from 'zod';
import { etcdKeys } from './etcd.ts';
import { DEFAULTS } from './defaults.ts';
import { VirtualRoute, VirtualRule } from './routing.ts';
import {
  absolutePath,
  addressLabel,
  anyText,
  cidr,
  command,
  duration,
  flag,
  httpUrl,
  integer,
  ip,
  key,
  name,
  networkInterface,
  oneOrMany,
  perNode,
  programUser,
  required,
  server,
  target,
} from './scalars.ts';

const weight = key(
  integer(-253, 253),
  'Other than 0: added to the priority (positive: while it passes; negative: while it fails) instead of giving the address up.',
  DEFAULTS.ha.weight,
);

export const Script = z.strictObject({
  name: key(name, 'What log and status call it. Without it the name of its program.'),
  run: required(command, 'The program, by its whole path, and its arguments. No shell; exit code 0 passes.', [
    '/etc/evenkeel/check.sh',
  ]),
  recover: key(
    command,
    'Run once when the check has failed `fall` times, and the check again after it: only if that fails is it a failure.',
  ),
  'recover-timeout': key(
    duration('100ms', '1h'),
    'A `recover` that takes longer is ended and has failed.',
    DEFAULTS.ha.script.recoverTimeout,
  ),
  interval: key(
    duration('100ms', '24h'),
    'From the start of one run to the start of the next.',
    DEFAULTS.ha.script.interval,
  ),
  timeout: key(duration('100ms', '1h'), 'A run that takes longer is ended and has failed.', DEFAULTS.ha.script.timeout),
  rise: key(integer(1, 1000), 'Runs in a row that must succeed.', DEFAULTS.ha.script.rise),
  fall: key(integer(1, 1000), 'Runs in a row that must fail.', DEFAULTS.ha.script.fall),
  weight,
  user: programUser,
});

const processName = anyText('name of a process', 'nginx');

const Process = z.strictObject({
  name: required(processName, 'Its name.', 'haproxy'),
  arguments: required(
    z.array(anyText('argument', '/etc/haproxy/haproxy.cfg')).min(1).meta({ title: 'list of arguments' }),
    'What follows the name of its program on its command line.',
    ['-f', '/etc/haproxy/haproxy.cfg'],
  ),
  match: key(
    z.enum(['exact', 'first', 'prefix']),
    '`exact`: it has these arguments; `first`: others may follow; `prefix`: others may follow, and the last one may be longer.',
    DEFAULTS.ha.process.match,
  ),
});

const trackedNumber = integer(-(2 ** 31 - 1), 2 ** 31 - 1);

const TrackedFile = z.strictObject({
  path: required(absolutePath, 'Where it is.', '/run/evenkeel/weight'),
  init: key(trackedNumber, 'Written into it at first, if it is not there.'),
  overwrite: key(flag, '`init` is written also if it is there.', false),
});

export const Track = z.strictObject({
  proxy: key(
    z.literal(true).meta({ examples: [true] }),
    "This node's own data plane: every proxy serves, and every listener has an address.",
  ),
  interface: key(perNode(networkInterface), 'A network interface: up, with a carrier.'),
  script: key(Script, 'A program that is run again and again.'),
  process: key(z.union([processName, Process]), 'A process of this name, or with these arguments too, is there.'),
  file: key(
    z.union([absolutePath, TrackedFile]),
    'The number in a file: without a weight it must be 0, or the file is not there; with one it is multiplied by the weight and added to the priority, and a product below -253 is a fault.',
  ),
  upstream: key(name, 'An upstream of this file has a server that is up.'),
  weight,
});

const Witness = z.strictObject({
  tcp: key(server.meta({ examples: ['192.0.2.53:53'] }), 'This address accepts a TCP connection.'),
  http: key(httpUrl, 'This URL answers with a status from 200 to 399.'),
});

const Witnesses = z.strictObject({
  of: required(z.array(Witness).min(1).meta({ title: 'list of witnesses' }), 'Who is asked.', [
    { tcp: '192.0.2.53:53' },
  ]),
  quorum: key(integer(1, 16), 'How many must answer. Without it more than half.'),
});

const Serves = z.strictObject({
  port: required(integer(1, 65535), 'This port of the addresses accepts a TCP connection.', 80),
  http: key(target, 'And answers a GET of this path with a status from 200 to 399.'),
});

const Lease = z.strictObject({
  etcd: etcdKeys.etcd,
  key: key(
    anyText('key', '/evenkeel/VI_1'),
    'The record in etcd, the same on every node. Without it `/evenkeel/`, and the name of the router.',
  ),
  ttl: key(
    duration('2s', '10m'),
    'A node that cannot renew the lease for so long is not active any more, and after that another one may be.',
    DEFAULTS.ha.lease.ttl,
  ),
  ca: etcdKeys.ca,
  certificate: etcdKeys.certificate,
  'private-key': etcdKeys['private-key'],
});

const Guard = z.strictObject({
  'arp-probe': key(
    perNode(flag),
    'Asks by ARP or neighbour discovery whether somebody else has the address, before taking it. Without it true, but false where adverts are sent more often than every 500ms: there, the machine of an evenkeel that died still answers when its peer takes over.',
  ),
  gateway: key(perNode(ip), 'Being active needs this address to answer, by ARP or neighbour discovery.'),
  witnesses: key(Witnesses, 'Being active needs a quorum of these to answer.'),
  lease: key(
    Lease,
    'Being active needs a lease, which one node has at a time, from an etcd cluster. [A lease](../lease.md).',
  ),
  serves: key(
    Serves,
    "What is tried when a peer's machine answers for an address although no peer is active: if it fails, the address is taken. Without it every port of a listener on the address, which all must refuse the connection.",
  ),
});

const Unicast = z.strictObject({
  peers: required(
    perNode(z.array(ip).min(1).meta({ title: 'list of IP addresses' })),
    "The other nodes' addresses. A node's own `source` may be among them: one list serves all.",
    { lb01: ['192.0.2.6'], lb02: ['192.0.2.5'] },
  ),
  source: key(perNode(ip), "The address to send from. Without it the interface's first."),
  'min-ttl': key(
    integer(1, 255),
    'Adverts with a lower TTL are refused: 255 means that peers are on the same segment; one less for every router between.',
    DEFAULTS.ha.minTtl,
  ),
  key: key(absolutePath, "A file with secrets: adverts are authenticated by HMAC, in keepalived 2.4's format."),
});

const Notify = z.strictObject({
  active: key(command, 'Run when this node has become active.'),
  backup: key(command, 'Run when it has become backup.'),
  fault: key(command, 'Run when it can be neither.'),
  stop: key(command, 'Run when evenkeel stops.'),
  fifo: key(
    absolutePath,
    'Instead of running programs, each change is a line in this FIFO, in the order they happened: `INSTANCE "VI_1" MASTER 100`. It is made, and belongs to `user`.',
  ),
  reader: key(
    command,
    'A program that reads the FIFO, with its path as last argument. It is started again when it ends.',
  ),
  arguments: key(
    z.enum(['router', 'group', 'none']),
    "What they get behind their own arguments: `INSTANCE`, the router's name, its role and priority; `GROUP`, the name of its group, the role and `0`; or nothing.",
    DEFAULTS.ha.notify.arguments,
  ),
  timeout: key(duration('1s', '1h'), 'A program that takes longer is ended.', DEFAULTS.ha.notify.timeout),
  user: programUser,
});

const Held = z.strictObject({
  address: required(cidr, 'The address with its prefix length.', '192.0.2.3/24'),
  interface: key(
    perNode(networkInterface),
    "The network interface that it is on, which must be up for this node to be active. Without it the router's.",
  ),
  label: key(perNode(addressLabel), 'Of an IPv4 address: what `ip address` and `ifconfig` call it by.'),
});

const VirtualRouter = z.strictObject({
  interface: required(perNode(networkInterface), 'The network interface it is on.', 'eth0'),
  'router-id': required(
    integer(1, 255),
    "VRRP's virtual router id. The same on all nodes, and nobody else's on that network.",
    50,
  ),
  priority: key(
    perNode(integer(1, 255)),
    'The highest is active. Different on each node. 255 is for the owner of the addresses.',
    DEFAULTS.ha.priority,
  ),
  version: key(z.literal([2, 3]), 'Of VRRP. 2 for old peers: IPv4 only, whole seconds.', DEFAULTS.ha.version),
  auth: key(
    z.strictObject({
      pass: required(anyText('password', '1111'), 'One to eight characters; sent in the clear.', '1111'),
    }),
    'With `version: 2`: for peers that ask for it. It protects against accidents only.',
  ),
  advertise: key(
    duration('10ms', '255s'),
    'From one advert to the next. Version 3: at most 40950ms, in steps of 10ms. Version 2: whole seconds.',
    DEFAULTS.ha.advertise,
  ),
  addresses: required(
    z.array(z.union([cidr, Held])).min(1),
    'The virtual addresses with prefix length, all IPv4 or all IPv6, the same on all nodes. Strings, or maps for those on another interface or with a label.',
    ['192.0.2.3/24'],
  ),
  excluded: key(
    z.array(z.union([cidr, Held])).min(1),
    'More addresses, of either family, that move with these and are not named in adverts: an advert has room for 255.',
  ),
  routes: key(z.array(VirtualRoute).min(1), 'Routes that come and go with the addresses.'),
  rules: key(z.array(VirtualRule).min(1), 'Routing rules that come and go with the addresses.'),
  'virtual-mac': key(
    perNode(flag),
    "Gives the addresses a MAC of their own (`00:00:5e:00:01:` and the router-id), so that no neighbour's cache ever needs to change. " +
      'Switches and hypervisors must allow it.',
    DEFAULTS.ha.virtualMac,
  ),
  preempt: key(
    perNode(
      z.union([
        flag,
        z.strictObject({ delay: required(duration('0s', '1h'), 'Wait this long with taking over.', '10s') }),
      ]),
    ),
    'Whether a node of higher priority takes over from a working one.',
    DEFAULTS.ha.preempt,
  ),
  'start-delay': key(
    duration('0s', '1h'),
    'Listen this long after the start before becoming active.',
    DEFAULTS.ha.startDelay,
  ),
  group: key(name, 'Virtual routers of the same group become active, and give up, together.'),
  unicast: key(Unicast, 'Adverts to these peers instead of multicast.'),
  track: key(
    z.array(Track),
    'What must be well for this node to be active. Each is one of `proxy`, `interface`, `script`, `process`, `file`, `upstream`. ' +
      'Without it `proxy`, if there are listeners.',
  ),
  guard: key(Guard, 'Against two active nodes at one time.'),
  notify: key(
    oneOrMany(Notify),
    'Programs to run when the role changes. Those of several entries run beside each other.',
  ),
});

export const HighAvailability = z.record(name, VirtualRouter);

export type VirtualRouterConfig = z.infer<typeof VirtualRouter>;
export type NotifyConfig = z.infer<typeof Notify>;
