/** The virtual routers: RFC 9568's rules, and that every node has a value wherever values differ by node. */
import { parseCidr } from './addresses.ts';
import type { UpstreamUses } from './upstream-uses.ts';
import { DEFAULTS } from './defaults.ts';
import type { Path } from './diagnostic.ts';
import { pathText, show } from './diagnostic.ts';
import type { Loose } from './model.ts';
import type { VirtualRouterConfig } from './model-ha.ts';
import { HighAvailability } from './model-ha.ts';
import type { Report } from './report.ts';
import { entriesOf, itemsOf } from './parts.ts';
import { perNodeMaps } from './schema-walk.ts';
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
  uses: UpstreamUses,
  report: Report,
): void {
  const ids = new Map<string, string>();
  const addresses = new Map<string, string>();
  for (const [name, router] of entriesOf(ha)) {
    const path: Path = ['ha', name];
    const family = checkAddresses(router, path, addresses, report);
    checkVersion(router, family, path, report);
    checkTrack(router, path, uses, report);
    checkGuard(router, path, report);
    // IPv4 and IPv6 have a router-id each (RFC 9568 section 5.2.3).
    const id = `${JSON.stringify(router.interface)} ${router['router-id']} ${family}`;
    const other = ids.get(id);
    if (other !== undefined && router['router-id'] !== undefined && router.interface !== undefined) {
      report.atValue([...path, 'router-id'], 'duplicate-router-id', { value: String(router['router-id']), other });
    }
    ids.set(id, name);
  }
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

function checkTrack(router: Router, path: Path, uses: UpstreamUses, report: Report): void {
  for (const { path: at, value: track } of itemsOf(router.track, [...path, 'track'])) {
    report.oneOf(track, at, ['proxy', 'interface', 'script', 'process', 'upstream']);
    if (track.upstream !== undefined) uses.add(track.upstream, [...at, 'upstream'], 'tcp', null);
    if (track.script !== undefined && track.weight !== undefined) {
      const reason = 'the weight of a script is written in `script`';
      report.atKey([...at, 'weight'], 'no-effect', { key: 'weight', reason, fix: 'write it inside `script`' });
    }
  }
}

function checkGuard(router: Router, path: Path, report: Report): void {
  const guard = router.guard;
  if (guard === undefined) return;
  const at: Path = [...path, 'guard'];
  const witnesses = itemsOf(guard.witnesses, [...at, 'witnesses']);
  for (const witness of witnesses) report.oneOf(witness.value, witness.path, ['tcp', 'http']);
  if (guard.quorum === undefined || !report.isWhole(at)) return;
  if (witnesses.length === 0) {
    const reason = 'there are no `witnesses`';
    report.atKey([...at, 'quorum'], 'no-effect', { key: 'quorum', reason, fix: 'leave it out, or add witnesses' });
  } else if (guard.quorum > witnesses.length) {
    const args = { value: show(guard.quorum), kind: 'a number', min: '1', max: String(witnesses.length) };
    report.atValue([...at, 'quorum'], 'out-of-range', args);
  }
}

/** Every node that is named anywhere must have a value everywhere: a second machine would not start otherwise. */
function checkNodes(ha: { readonly [name: string]: Router | undefined }, node: string | null, report: Report): void {
  const maps = perNodeMaps(HighAvailability, ha, ['ha']).filter(({ path }) => report.isWhole(path));
  const nodes = new Set(maps.flatMap((map) => map.names));
  if (maps.length > 0 && node !== null) nodes.add(node);
  for (const { path, names } of maps) {
    for (const missing of nodes) {
      if (names.includes(missing)) continue;
      report.atKey(path, 'node-without-value', { place: pathText(path), node: missing, nodes: names.join(', ') });
    }
  }
}
