/** One listener: its addresses are nobody else's, and its keys are those of its protocol. */
import { addressText } from '../../base/address.ts';
import { VIA_BYTES_MAX } from '../../base/limits.ts';
import { parseBind, parseNetwork, UNIX } from '../words/addresses.ts';
import { checkRoutes } from './routes.ts';
import { checkTcp, refuseTcpKeys } from './tcp.ts';
import { checkTls } from './tls.ts';
import type { UpstreamUses } from './upstream-uses.ts';
import { DEFAULTS } from '../model/defaults.ts';
import type { Path } from '../findings/diagnostic.ts';
import { show } from '../findings/diagnostic.ts';
import type { ListenerConfig, Loose } from '../model/config.ts';
import { itemsOf, listOf } from '../model/parts.ts';
import type { BindPlan } from '../plan/listener.ts';
import type { Report } from './report.ts';

/** What is listened on so far. */
export type Binds = Bound[];

interface Bound {
  readonly owner: string;
  readonly path: Path;
  readonly value: string;
  readonly transport: 'tcp' | 'udp';
  readonly bind: BindPlan;
}

export function checkListener(
  name: string,
  listener: Loose<ListenerConfig>,
  uses: UpstreamUses,
  binds: Binds,
  report: Report,
): void {
  const path: Path = ['listeners', name];
  // A wrong protocol was taken out: then nobody knows which keys belong here.
  const protocol = listener.protocol ?? (report.lacks(path, 'protocol') ? DEFAULTS.listener.protocol : null);
  checkBinds(name, listener.bind, [...path, 'bind'], protocol === 'udp' ? 'udp' : 'tcp', binds, report);

  if (listener.tls !== undefined) checkTls(listener.tls, protocol, [...path, 'tls'], report);
  if (protocol === 'http') checkHttp(listener, path, report);
  else if (protocol !== null) checkBare(listener, protocol, path, report);
  if (protocol === 'tcp') checkTcp(name, listener, path, uses, report);
  else if (protocol !== null) refuseTcpKeys(listener, protocol, path, report);
  if (protocol === 'udp') checkUdp(listener, path, report);
  else if (listener.udp !== undefined && protocol !== null) {
    report.atKey([...path, 'udp'], 'wrong-protocol', { key: 'udp', protocol, fix: 'leave it out' });
  }
  // What is in the wrong place is looked at, and is no use of the upstream.
  const bareOwner = protocol === 'http' ? null : name;
  const httpOwner = protocol === 'http' ? name : null;
  if (listener.upstream !== undefined)
    uses.add(listener.upstream, [...path, 'upstream'], protocol === 'udp' ? 'udp' : 'tcp', bareOwner);
  for (const { path: at, value } of itemsOf(listener.passthrough?.routes, [...path, 'passthrough', 'routes'])) {
    if (value.upstream === undefined) continue;
    uses.add(value.upstream, [...at, 'upstream'], 'tcp', bareOwner);
    uses.addPassed(value.upstream, name);
  }
  if (listener.routes !== undefined) checkRoutes(httpOwner, listener.routes, [...path, 'routes'], uses, report);
}

function checkHttp(listener: Loose<ListenerConfig>, path: Path, report: Report): void {
  if ((listener.via ?? '').length > VIA_BYTES_MAX) {
    report.atKey([...path, 'via'], 'too-large', {
      what: 'the pseudonym',
      size: String(listener.via?.length),
      limit: String(VIA_BYTES_MAX),
      fix: 'write a shorter one',
    });
  }
  if (listener.access !== undefined) {
    const fix = 'let a route answer them: `steps` ask a value of `networks`';
    report.atKey([...path, 'access'], 'wrong-protocol', { key: 'access', protocol: 'http', fix });
  }
  if (listener.passthrough !== undefined) {
    const fix = 'write `protocol: tcp`: nothing of HTTP is seen then';
    report.atKey([...path, 'passthrough'], 'wrong-protocol', { key: 'passthrough', protocol: 'http', fix });
  }
  if (listener.upstream !== undefined) {
    const fix = `write \`routes: [ { upstream: ${listener.upstream} } ]\`, or \`protocol: tcp\` to pass bytes on as they are`;
    report.atKey([...path, 'upstream'], 'wrong-protocol', { key: 'upstream', protocol: 'http', fix });
  } else if (listener.routes === undefined && report.lacks(path, 'routes')) {
    const fix = 'for example `routes: [ { upstream: web } ]`';
    report.atKey([...path, 'routes'], 'missing-key', { place: `\`${path.join('.')}\``, key: 'routes', fix });
  }
}

function checkAccess(listener: Loose<ListenerConfig>, path: Path, report: Report): void {
  for (const network of Object.keys(listener.access?.networks ?? {})) {
    const found = network === UNIX ? null : parseNetwork(network).problem;
    if (found !== null) report.findings.push({ ...found, path: [...path, 'access', 'networks', network], part: 'key' });
  }
}

/** tcp and udp: bytes to one upstream. */
function checkBare(listener: Loose<ListenerConfig>, protocol: string, path: Path, report: Report): void {
  const refuse = (keys: readonly string[], fix: string): void => {
    report.atKey([...path, ...keys], 'wrong-protocol', { key: keys.join('.'), protocol, fix });
  };
  if (listener.routes !== undefined) {
    const first = listOf(listener.routes).find((route) => route.upstream !== undefined)?.upstream ?? 'web';
    refuse(['routes'], `write \`upstream: ${first}\``);
  } else if (!saysWhereTo(listener) && report.lacks(path, 'upstream')) {
    const fix = 'for example `upstream: web`';
    report.atKey([...path, 'upstream'], 'missing-key', { place: `\`${path.join('.')}\``, key: 'upstream', fix });
  }
  if (listener.passthrough !== undefined && listener.tls !== undefined) {
    const [reason, fix] = ['the listener ends TLS itself', 'leave out one of both'];
    report.atKey([...path, 'passthrough'], 'no-effect', { key: 'passthrough', reason, fix });
  }
  checkAccess(listener, path, report);
  if (listener.timeouts !== undefined) refuse(['timeouts'], "leave it out; silence is the upstream's `timeouts.idle`");
  if (listener.via !== undefined) refuse(['via'], 'leave it out');
  for (const key of ['forwarded', 'escaped-slash', 'other-host', 'odd-fields', 'http2', 'compress', 'tracing'] as const)
    if (listener[key] !== undefined) refuse([key], 'leave it out');
  for (const key of ['head', 'headers', 'body', 'body-rate'] as const) {
    if (listener.limits?.[key] !== undefined) refuse(['limits', key], 'leave it out');
  }
}

function saysWhereTo({ choose, passthrough, respond, upstream }: Loose<ListenerConfig>): boolean {
  return [choose, passthrough?.routes, respond, upstream].some((one) => one !== undefined);
}

/** What a datagram has none of. TLS is refused by its own checks. */
function checkUdp(listener: Loose<ListenerConfig>, path: Path, report: Report): void {
  for (const key of ['passthrough', 'tcp-keepalive'] as const) {
    if (listener[key] === undefined) continue;
    report.atKey([...path, key], 'wrong-protocol', { key, protocol: 'udp', fix: 'leave it out' });
  }
  for (const { path: at, value } of itemsOf(listener.bind, [...path, 'bind'])) {
    if (parseBind(value).value?.address.family !== 0) continue;
    report.atValue(at, 'bad-bind', { value: show(value), fix: 'write an address and a port, for example "*:53"' });
  }
}

/** Reports an address that is listened on already. The kernel would divide connections among both, or refuse. */
export function checkBinds(
  owner: string,
  written: string | readonly (string | undefined)[] | undefined,
  path: Path,
  transport: 'tcp' | 'udp',
  binds: Binds,
  report: Report,
): void {
  for (const { path: at, value } of itemsOf(written, path)) {
    const bind = parseBind(value).value;
    if (bind === null) continue;
    const mine: Bound = { owner, path: at, value, transport, bind };
    const others = binds.filter((one) => one.transport === transport && isShared(one.bind, bind));
    const other = others.find((one) => isSame(one.bind, bind)) ?? others[0];
    binds.push(mine);
    if (other !== undefined) reportShared(mine, other, report);
  }
}

/** Whether the kernel would have to give one port of one address to both. */
function isShared(a: BindPlan, b: BindPlan): boolean {
  if (a.address.family === 0 || b.address.family === 0) return addressText(a.address) === addressText(b.address);
  if (a.address.port !== b.address.port) return false;
  return a.address.host === b.address.host || covers(a, b) || covers(b, a);
}

function isSame(a: BindPlan, b: BindPlan): boolean {
  return a.dual === b.dual && a.address.host === b.address.host;
}

/** `*` is every address, `0.0.0.0` and `[::]` are those of their family. */
function covers({ address, dual }: BindPlan, other: BindPlan): boolean {
  if (dual) return true;
  return isWildcard(address.host) && address.family === other.address.family;
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

function reportShared(mine: Bound, other: Bound, report: Report): void {
  const args = { value: show(mine.value), other: other.owner, line: report.lineOf(other.path) };
  if (isSame(mine.bind, other.bind)) report.atValue(mine.path, 'duplicate-bind', args);
  else report.atValue(mine.path, 'overlapping-bind', { ...args, wide: show(other.value) });
}
