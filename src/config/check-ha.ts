/** The virtual routers: RFC 9568's rules, and that every node has a value wherever values differ by node. */
import { notAHostAddress, parseCidr, parseIp } from './addresses.ts';
import { checkCommand, checkFamily, checkGuard, checkTrack } from './check-ha-parts.ts';
import type { UpstreamUses } from './upstream-uses.ts';
import { DEFAULTS } from './defaults.ts';
import type { Path } from './diagnostic.ts';
import { pathText, show } from './diagnostic.ts';
import type { Loose } from './model.ts';
import type { VirtualRouterConfig } from './model-ha.ts';
import { HighAvailability } from './model-ha.ts';
import { entriesOf, itemsOf } from './parts.ts';
import { valuesByNode } from './per-node.ts';
import type { Report } from './report.ts';
import { perNodeMaps } from './schema-walk.ts';
import { nearest } from './suggest.ts';
import { parseDuration } from './units.ts';

type Router = Loose<VirtualRouterConfig>;

/** RFC 9568 section 5.2.7: 12 bits of centiseconds. */
const ADVERTISE_V3_MS_MAX = 40_950;
const ADVERTISE_V3_STEP_MS = 10;
/** RFC 2338 section 5.3.10. */
const PASS_LENGTH_MAX = 8;

export function checkHighAvailability(
  ha: { readonly [name: string]: Router | undefined },
  node: string | null,
  hasListeners: boolean,
  uses: UpstreamUses,
  report: Report,
): void {
  const ids = new Map<string, string>();
  const addresses = new Map<string, string>();
  for (const [name, router] of entriesOf(ha)) {
    const path: Path = ['ha', name];
    const family = checkAddresses(router, path, addresses, report);
    checkVersion(router, family, path, report);
    checkPriority(router, path, report);
    checkUnicast(router, family, path, report);
    checkTrack(router, hasListeners, path, uses, report);
    checkGuard(router, family, path, report);
    checkElsewhere(router, path, report);
    checkNotify(router, path, report);
    // IPv4 and IPv6 have a router-id each (RFC 9568 section 5.2.3).
    const id = `${JSON.stringify(router.interface)} ${router['router-id']} ${family}`;
    const other = ids.get(id);
    if (other !== undefined && router['router-id'] !== undefined && router.interface !== undefined) {
      report.atValue([...path, 'router-id'], 'duplicate-router-id', { value: String(router['router-id']), other });
    }
    ids.set(id, name);
  }
  checkGroups(ha, report);
  checkNodes(ha, node, report);
}

/** The family of the addresses; 0 if there is none. */
function checkAddresses(router: Router, path: Path, seen: Map<string, string>, report: Report): 0 | 4 | 6 {
  let family: 0 | 4 | 6 = 0;
  for (const { path: at, value } of itemsOf(router.addresses, [...path, 'addresses'])) {
    const cidr = parseCidr(value).value;
    if (cidr === null) continue;
    if (family === 0) family = cidr.family;
    else if (family !== cidr.family) report.atValue(at, 'mixed-families', { value: show(value) });
    const what = notAHostAddress(cidr);
    if (what !== null) report.atValue(at, 'not-a-host-address', { value: show(value), what });
    const other = seen.get(cidr.address);
    if (other !== undefined) report.atValue(at, 'duplicate-address', { value: show(cidr.address), place: other });
    seen.set(cidr.address, pathText(at));
  }
  return family;
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

function nodeText(node: string | null): string {
  return node === null ? 'every node' : `node \`${node}\``;
}

/** Who is to be reached must be there when the virtual addresses are not. */
function checkElsewhere(router: Router, path: Path, report: Report): void {
  const own = new Set(itemsOf(router.addresses, path).map(({ value }) => parseCidr(value).value?.address));
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

function checkNotify(router: Router, path: Path, report: Report): void {
  const { notify } = router;
  if (notify === undefined) return;
  for (const role of ['active', 'backup', 'fault', 'stop'] as const) {
    checkCommand(notify[role], [...path, 'notify', role], report);
  }
  if (notify.active ?? notify.backup ?? notify.fault ?? notify.stop) return;
  report.oneOf(notify, [...path, 'notify'], ['active', 'backup', 'fault', 'stop']);
}

function checkGroups(ha: { readonly [name: string]: Router | undefined }, report: Report): void {
  const routers = entriesOf(ha);
  if (!report.isWhole(['ha'])) return;
  for (const [name, { group }] of routers) {
    if (group === undefined || routers.some(([other, router]) => other !== name && router.group === group)) continue;
    report.atValue(['ha', name, 'group'], 'lonely-group', { router: name, group });
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
