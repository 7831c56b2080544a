/** The virtual routers: RFC 9568's rules, and that every node has a value wherever values differ by node. */
import { HELD_ADDRESSES_MAX, HELD_INTERFACES_MAX, ROUTERS_MAX } from '../../base/limits.ts';
import { advertPacketBytes } from '../advert-size.ts';
import { type Cidr, isLinkLocal, notAHostAddress, parseCidr, parseIp } from '../words/addresses.ts';
import { checkCommand, checkFamily, checkGuard, checkLease, checkTrack } from './ha-parts.ts';
import { checkRouting } from './routing.ts';
import type { UpstreamUses } from './upstream-uses.ts';
import { DEFAULTS } from '../model/defaults.ts';
import type { Path } from '../findings/diagnostic.ts';
import { pathText, show } from '../findings/diagnostic.ts';
import type { Loose } from '../model/config.ts';
import type { NotifyConfig, VirtualRouterConfig } from '../model/ha.ts';
import { HighAvailability } from '../model/ha.ts';
import { entriesOf, itemsOf } from '../model/parts.ts';
import { valuesByNode } from '../model/per-node.ts';
import type { Report } from './report.ts';
import { perNodeMaps } from '../model/schema-walk.ts';
import { nearest } from '../findings/suggest.ts';
import { parseDuration } from '../words/units.ts';

type Router = Loose<VirtualRouterConfig>;

/** RFC 9568 section 5.2.7: 12 bits of centiseconds. */
const ADVERTISE_V3_MS_MAX = 40_950;
const ADVERTISE_V3_STEP_MS = 10;
/** RFC 2338 section 5.3.10. */
const PASS_LENGTH_MAX = 8;
/** RFC 9568 section 5.2.5: a count of 8 bits. */
const ADVERTISED_ADDRESSES_MAX = 255;
/** Of Ethernet. An interface may have more: what it has is looked at when it is used. */
const USUAL_MTU = 1500;

export function checkHighAvailability(
  ha: { readonly [name: string]: Router | undefined },
  node: string | null,
  hasListeners: boolean,
  uses: UpstreamUses,
  report: Report,
): void {
  const ids = new Map<string, string>();
  const addresses = new Map<string, string>();
  const routing = new Map<string, string>();
  for (const [name, router] of entriesOf(ha)) {
    const path: Path = ['ha', name];
    const family = checkAddresses(router, path, addresses, report);
    checkVersion(router, family, path, report);
    checkPriority(router, path, report);
    checkUnicast(router, family, path, report);
    checkTrack(router, hasListeners, path, uses, report);
    checkGuard(router, family, path, report);
    checkLease(router, path, report);
    checkElsewhere(router, path, report);
    checkNotify(router, path, report);
    checkRouting(router, path, routing, report);
    // IPv4 and IPv6 have a router-id each (RFC 9568 section 5.2.3).
    const id = `${JSON.stringify(router.interface)} ${router['router-id']} ${family}`;
    const other = ids.get(id);
    if (other !== undefined && router['router-id'] !== undefined && router.interface !== undefined) {
      report.atValue([...path, 'router-id'], 'duplicate-router-id', { value: String(router['router-id']), other });
    }
    ids.set(id, name);
  }
  checkSizes(ha, report);
  checkGroups(ha, report);
  checkNodes(ha, node, report);
}

/** The family of the addresses; 0 if there is none. */
function checkAddresses(router: Router, path: Path, seen: Map<string, string>, report: Report): 0 | 4 | 6 {
  let family: 0 | 4 | 6 = 0;
  const advertised = addressesOf(router, path, 'addresses');
  for (const { path: at, text, cidr } of advertised) {
    if (family === 0) family = cidr.family;
    else if (family !== cidr.family) report.atValue(at, 'mixed-families', { value: show(text) });
  }
  const held = [...advertised, ...addressesOf(router, path, 'excluded')];
  for (const { path: at, text, cidr, interfaces, hasLabel } of held) {
    if (hasLabel && cidr.family === 6) {
      const args = { key: 'label', reason: 'only IPv4 addresses have one', fix: 'leave it out' };
      report.atKey([...at.slice(0, -1), 'label'], 'no-effect', args);
    }
    const what = notAHostAddress(cidr);
    if (what !== null) report.atValue(at, 'not-a-host-address', { value: show(text), what });
    // A link-local address is one of its link: the same on another one is another address (RFC 4007).
    const key = isLinkLocal(cidr.address) ? `${cidr.address} ${JSON.stringify(interfaces)}` : cidr.address;
    const other = seen.get(key);
    if (other !== undefined) report.atValue(at, 'duplicate-address', { value: show(cidr.address), place: other });
    seen.set(key, pathText(at));
  }
  checkCounts(router, advertised.length, held.length, family, path, report);
  return family;
}

interface WrittenAddress {
  readonly path: Path;
  readonly text: string;
  readonly cidr: Cidr;
  /** As written: for all nodes, or for each. */
  readonly interfaces: unknown;
  readonly hasLabel: boolean;
}

function addressesOf(router: Router, path: Path, key: 'addresses' | 'excluded'): readonly WrittenAddress[] {
  return itemsOf(router[key], [...path, key]).flatMap(({ path: at, value }) => {
    const isText = typeof value === 'string';
    const text = isText ? value : value.address;
    const cidr = text === undefined ? null : parseCidr(text).value;
    if (text === undefined || cidr === null) return [];
    const interfaces = isText ? router.interface : (value.interface ?? router.interface);
    return [
      {
        path: isText ? at : [...at, 'address'],
        text,
        cidr,
        interfaces,
        hasLabel: !isText && value.label !== undefined,
      },
    ];
  });
}

/** What an advert has room for, and what a node can hold in time. */
function checkCounts(
  router: Router,
  advertised: number,
  held: number,
  family: 0 | 4 | 6,
  path: Path,
  report: Report,
): void {
  const at: Path = [...path, 'addresses'];
  const fix = 'write the others in `excluded`, or at another virtual router';
  if (advertised > ADVERTISED_ADDRESSES_MAX) {
    const limit = String(ADVERTISED_ADDRESSES_MAX);
    report.atKey(at, 'too-many-advertised', { count: String(advertised), limit, fix });
  } else {
    const isSigned = router.unicast?.key !== undefined;
    const bytes = advertPacketBytes(advertised, family === 6 ? 6 : 4, router.version ?? DEFAULTS.ha.version, isSigned);
    if (bytes > USUAL_MTU) report.atKey(at, 'large-adverts', { bytes: String(bytes), mtu: String(USUAL_MTU), fix });
  }
  if (held <= HELD_ADDRESSES_MAX) return;
  const counted = { count: String(held), what: 'addresses of one virtual router', limit: String(HELD_ADDRESSES_MAX) };
  report.atKey(router.excluded === undefined ? at : [...path, 'excluded'], 'too-many', counted);
}

function checkVersion(router: Router, family: 0 | 4 | 6, path: Path, report: Report): void {
  const version = router.version ?? (report.lacks(path, 'version') ? DEFAULTS.ha.version : null);
  if (version === null) return;
  const refuse = (key: string, what: string, fix: string): void => {
    report.atValue([...path, key], 'vrrp-version', { what, version: String(version), fix });
  };
  const written = router.advertise ?? DEFAULTS.ha.advertise;
  const advertiseMs = parseDuration(written) ?? 0;
  if (version === 2) {
    if (family === 6) refuse('addresses', 'there are no IPv6 addresses', 'write `version: 3`');
    if (advertiseMs % 1000 !== 0)
      refuse('advertise', `${show(written)} is not possible`, 'write whole seconds, for example 1s');
    const pass = router.auth?.pass;
    if (pass !== undefined && pass.length > PASS_LENGTH_MAX) {
      refuse('auth', 'a password has at most 8 characters', `write its first 8, which is what peers compare`);
    }
    return;
  }
  if (advertiseMs > ADVERTISE_V3_MS_MAX || advertiseMs % ADVERTISE_V3_STEP_MS !== 0) {
    refuse('advertise', `${show(written)} is not possible`, 'write 10ms to 40950ms in steps of 10ms');
  }
  if (router.auth !== undefined) {
    const fix = 'write `version: 2`, or leave `auth` out and use `unicast: { key: }`';
    report.atKey([...path, 'auth'], 'vrrp-version', { what: 'there are no passwords', version: '3', fix });
  }
}

/** What one process can own. */
function checkSizes(ha: { readonly [name: string]: Router | undefined }, report: Report): void {
  const routers = entriesOf(ha);
  const tell = (count: number, what: string, limit: number): void => {
    if (count > limit) report.atKey(['ha'], 'too-many', { count: String(count), what, limit: String(limit) });
  };
  tell(routers.length, 'virtual routers', ROUTERS_MAX);
  const interfaces = new Set<string>();
  for (const [, router] of routers) {
    for (const { interfaces: of } of [...addressesOf(router, [], 'addresses'), ...addressesOf(router, [], 'excluded')])
      interfaces.add(JSON.stringify(of));
    interfaces.add(JSON.stringify(router.interface));
  }
  tell(interfaces.size, 'interfaces with virtual addresses', HELD_INTERFACES_MAX);
}

function nodeText(node: string | null): string {
  return node === null ? 'every node' : `node \`${node}\``;
}

/** Who is to be reached must be there when the virtual addresses are not. */
function checkElsewhere(router: Router, path: Path, report: Report): void {
  const held = [...addressesOf(router, path, 'addresses'), ...addressesOf(router, path, 'excluded')];
  const own = new Set(held.map(({ cidr }) => cidr.address));
  const { unicast, guard } = router;
  const peers = valuesByNode(unicast?.peers, [...path, 'unicast', 'peers']).flatMap(({ path: at, value }) => {
    return itemsOf(value, at);
  });
  const sources = valuesByNode(unicast?.source, [...path, 'unicast', 'source']);
  const gateways = valuesByNode(guard?.gateway, [...path, 'guard', 'gateway']);
  for (const { path: at, value } of [...peers, ...sources, ...gateways]) {
    const address = parseIp(value).value?.address;
    if (address !== undefined && own.has(address)) report.atValue(at, 'virtual-address', { value: show(value) });
  }
}

/** One list of peers may serve all nodes; what is left without the node's own address must be somebody. */
function checkUnicast(router: Router, family: 0 | 4 | 6, path: Path, report: Report): void {
  const { unicast } = router;
  if (unicast === undefined) return;
  const at: Path = [...path, 'unicast'];
  const sources = valuesByNode(unicast.source, [...at, 'source']);
  for (const { path: at, value } of sources) checkFamily(value, family, at, report);
  for (const { node, path: listAt, value } of valuesByNode(unicast.peers, [...at, 'peers'])) {
    const peers = itemsOf(value, listAt);
    for (const peer of peers) checkFamily(peer.value, family, peer.path, report);
    const addresses = new Set(peers.map((peer) => parseIp(peer.value).value?.address));
    for (const source of sources) {
      if (node !== null && source.node !== null && node !== source.node) continue;
      const own = parseIp(source.value).value?.address;
      if (own === undefined || addresses.size !== 1 || !addresses.has(own) || !report.isWhole(listAt)) continue;
      report.atValue(listAt, 'only-own-address', { node: nodeText(source.node ?? node) });
    }
  }
}

function checkPriority(router: Router, path: Path, report: Report): void {
  const nodes = new Map<number, string[]>();
  for (const { node, value } of valuesByNode(router.priority, path)) {
    if (node === null) continue;
    nodes.set(value, [...(nodes.get(value) ?? []), node]);
  }
  for (const names of nodes.values()) {
    if (names.length > 1) report.atValue([...path, 'priority'], 'same-priority', { nodes: names.join(', ') });
  }
}

const ROLES = ['active', 'backup', 'fault', 'stop'] as const;

function checkNotify(router: Router, path: Path, report: Report): void {
  for (const { path: at, value: notify } of itemsOf(router.notify, [...path, 'notify'])) {
    for (const role of ROLES) checkCommand(notify[role], [...at, role], report);
    checkCommand(notify.reader, [...at, 'reader'], report);
    if (notify.fifo !== undefined || notify.reader !== undefined) checkFifo(notify, at, report);
    else if (!ROLES.some((role) => notify[role] !== undefined)) report.oneOf(notify, at, [...ROLES, 'fifo']);
    if (notify.arguments === 'group' && router.group === undefined)
      report.atValue([...at, 'arguments'], 'no-group', {});
  }
}

function checkFifo(notify: Loose<NotifyConfig>, path: Path, report: Report): void {
  report.oneOf(notify, path, ['fifo']);
  for (const role of ROLES) if (notify[role] !== undefined) report.oneOf(notify, path, ['fifo', role]);
  if (notify.arguments !== 'none') return;
  const args = { key: 'arguments', reason: 'every line of a FIFO says whose it is', fix: 'leave it out' };
  report.atKey([...path, 'arguments'], 'no-effect', args);
}

function checkGroups(ha: { readonly [name: string]: Router | undefined }, report: Report): void {
  const routers = entriesOf(ha);
  if (!report.isWhole(['ha'])) return;
  for (const [name, { group }] of routers) {
    if (group === undefined || routers.some(([other, router]) => other !== name && router.group === group)) continue;
    report.atValue(['ha', name, 'group'], 'lonely-group', { router: name, group });
  }
  const leases = new Map<string, string>();
  for (const [name, { group, guard }] of routers) {
    if (group === undefined || guard?.lease === undefined) continue;
    const first = leases.get(group);
    if (first === undefined) leases.set(group, name);
    else {
      const line = report.lineOf(['ha', first, 'guard', 'lease']);
      report.atKey(['ha', name, 'guard', 'lease'], 'second-lease', { group, line });
    }
  }
  const firsts = new Map<string, string>();
  for (const [name, { group }] of routers) {
    if (group === undefined) continue;
    const other = firsts.get(group) ?? name;
    firsts.set(group, other);
    if (hasSamePriorities(ha[name], ha[other])) continue;
    const part = report.lacks(['ha', name], 'priority') ? 'group' : 'priority';
    report.atKey(['ha', name, part], 'group-priorities', { router: other, other: name, group });
  }
}

function hasSamePriorities(a: Router | undefined, b: Router | undefined): boolean {
  const [ofA, ofB] = [a, b].map((router) => {
    const values = valuesByNode(router?.priority ?? DEFAULTS.ha.priority, []);
    return new Map(values.map(({ node, value }) => [node, value]));
  });
  const common = ofA.get(null) ?? ofB.get(null);
  const nodes = [...ofA.keys(), ...ofB.keys()];
  return nodes.every((node) => {
    return (ofA.get(node) ?? ofA.get(null) ?? common) === (ofB.get(node) ?? ofB.get(null) ?? common);
  });
}

/** Every node that is named anywhere must have a value everywhere: a second machine would not start otherwise. */
function checkNodes(ha: { readonly [name: string]: Router | undefined }, node: string | null, report: Report): void {
  const maps = perNodeMaps(HighAvailability, ha, ['ha']).filter(({ path }) => report.isWhole(path));
  const nodes = new Set(maps.flatMap((map) => map.names));
  // Said once, and not at every map.
  if (maps.length > 0 && node !== null && !nodes.has(node)) reportUnknownNode(node, [...nodes], report);
  for (const { path, names } of maps) {
    for (const missing of nodes) {
      if (names.includes(missing)) continue;
      report.atKey(path, 'node-without-value', { place: pathText(path), node: missing, nodes: names.join(', ') });
    }
  }
}

function reportUnknownNode(node: string, nodes: readonly string[], report: Report): void {
  const meant = nearest(node, nodes) ?? nodes[0];
  const fix = `write \`node: ${meant}\` or start it with \`--node ${meant}\`, or add values for \`${node}\``;
  report.atKey(['node'], 'unknown-node', { node, nodes: nodes.join(', '), fix });
}
