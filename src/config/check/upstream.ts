/** One upstream: its servers are different ones, and its keys are those of how it is used. */
import { checkEtcdFiles } from './etcd.ts';
import { addressText } from '../../base/address.ts';
import { ADDRESSES_PER_NAME_MAX } from '../../base/limits.ts';
import type { ServerAddress } from '../words/addresses.ts';
import { parseIp, parseServer } from '../words/addresses.ts';
import { DEFAULTS } from '../model/defaults.ts';
import { checkCommand } from './ha-parts.ts';
import { checkSticky } from './sticky.ts';
import { checkServersTls } from './tls.ts';
import { isKeyed } from '../plan/upstream.ts';
import type { Path } from '../findings/diagnostic.ts';
import { show } from '../findings/diagnostic.ts';
import type { Config, Loose, UpstreamConfig } from '../model/config.ts';
import { entriesOf, itemsOf, listOf } from '../model/parts.ts';
import type { Report } from './report.ts';
import { yamlText } from '../model/schema-walk.ts';
import { parseDuration } from '../words/units.ts';
import { slotsOfServer } from './server-places.ts';
import type { UpstreamUses, Use } from './upstream-uses.ts';

type Upstream = Loose<UpstreamConfig>;

/** `use`: the listeners that send to it, by kind; null if nothing names it. */
export function checkUpstream(name: string, upstream: Upstream, use: Readonly<Use> | null, report: Report): void {
  const path: Path = ['upstreams', name];
  // What was taken out elsewhere may have used it.
  if (use === null && report.isWhole([])) report.atKey(path, 'unused-upstream', { name });
  const bare = use?.tcp ?? use?.udp;
  checkServerBy(upstream, path, bare !== undefined, report);
  if (use?.http !== undefined && bare !== undefined) {
    report.atKey(path, 'mixed-upstream', { name, http: use.http, tcp: bare });
  }
  const isTcp = bare !== undefined && use?.http === undefined;
  checkServers(name, upstream, path, isTcp, report);
  checkSources(upstream, path, report);
  if (upstream.discover !== undefined) checkDiscover(upstream.discover, [...path, 'discover'], report);
  checkBalance(upstream, path, isTcp, use?.udp !== undefined, report);
  checkSticky(name, upstream, path, isTcp, report);
  if (upstream.tls !== undefined) checkServersTls(name, upstream.tls, upstream, [...path, 'tls'], report);
  if (use?.http !== undefined && typeof upstream.tls === 'object' && upstream.tls.alpn !== undefined) {
    const args = { key: 'tls.alpn', protocol: 'http', fix: 'leave it out: it follows from `protocol`' };
    report.atKey([...path, 'tls', 'alpn'], 'wrong-protocol', args);
  }
  if (upstream.health?.tls !== undefined) {
    checkServersTls(name, upstream.health.tls, upstream, [...path, 'health', 'tls'], report);
  }
  if (upstream.health !== undefined) checkHealth(upstream.health, [...path, 'health'], report);
  for (const { path: at, value } of itemsOf(upstream.servers, [...path, 'servers'])) {
    if (typeof value === 'string') continue;
    if (value.health !== undefined) checkHealth(value.health, [...at, 'health'], report);
    if (value.notify !== undefined) checkNotify(value.notify, value.health ?? upstream.health, at, report);
  }
  if (upstream.quorum !== undefined && upstream['server-by'] === undefined) checkQuorum(upstream, path, report);
  if (use?.udp !== undefined) checkUdp(upstream, path, report);
  if (use?.passed !== undefined && hasTls(upstream))
    report.atKey([...path, 'tls'], 'tls-in-tls', { listener: use.passed });
  checkProtocol(upstream, path, isTcp, report);
  if (isTcp) checkTcpOnly(upstream, path, report);
  else if (upstream.pool !== undefined && upstream['proxy-protocol'] !== undefined) {
    const reason = "a connection with a PROXY protocol header is one client's, and none is kept";
    report.atKey([...path, 'pool'], 'no-effect', { key: 'pool', reason, fix: 'leave out one of both' });
  }
}

/** What servers are spoken to in. */
function checkProtocol(upstream: Upstream, path: Path, isTcp: boolean, report: Report): void {
  const { protocol = DEFAULTS.upstream.protocol } = upstream;
  if (protocol === DEFAULTS.upstream.protocol) {
    checkNoGrpc(upstream, path, report);
    checkNoPing(upstream, path, report);
    return;
  }
  const at = [...path, 'protocol'];
  if (isTcp) {
    report.atKey(at, 'wrong-protocol', { key: 'protocol', protocol: 'tcp', fix: 'leave it out' });
    return;
  }
  if (protocol === 'auto' && !hasTls(upstream) && report.lacks(path, 'tls')) {
    const reason = 'servers choose during the TLS handshake, and there is no `tls`';
    report.atKey(at, 'no-effect', { key: 'protocol: auto', reason, fix: 'write `http2` or `http1`, or add `tls`' });
  }
  if (upstream['proxy-protocol'] !== undefined) {
    const reason = 'a connection of HTTP/2 is used for many clients, and a PROXY protocol header names one';
    report.atKey([...path, 'proxy-protocol'], 'no-effect', {
      key: 'proxy-protocol',
      reason,
      fix: 'leave it out: X-Forwarded-For names the client; or write `protocol: http1`',
    });
  }
}

/** HTTP/1 has nothing like it. */
function checkNoPing({ ping = false }: Upstream, path: Path, report: Report): void {
  if (ping === false || !report.lacks(path, 'protocol')) return;
  const reason = 'servers are spoken to in HTTP/1, and PING is one of HTTP/2';
  const fix = 'write `tcp-keepalive`, or `protocol: http2`';
  report.atKey([...path, 'ping'], 'no-effect', { key: 'ping', reason, fix });
}

/** Checks of gRPC are made over HTTP/2. */
function checkNoGrpc(upstream: Upstream, path: Path, report: Report): void {
  const checks = [{ at: [...path, 'health'], health: upstream.health as Health | undefined }];
  for (const { path: at, value } of itemsOf(upstream.servers, [...path, 'servers']))
    if (typeof value !== 'string') checks.push({ at: [...at, 'health'], health: value.health });
  for (const { at, health } of checks) {
    if (health?.grpc === undefined || !report.lacks(path, 'protocol')) continue;
    const reason = 'servers are spoken to in HTTP/1, and gRPC needs HTTP/2';
    report.atKey([...at, 'grpc'], 'no-effect', { key: 'grpc', reason, fix: 'write `protocol: http2` in the upstream' });
  }
}

/** What only the servers of a plan have. */
const OF_SERVERS = ['discover', 'health', 'passive', 'quorum', 'slow-start', 'sticky'] as const;

function checkServerBy(upstream: Upstream, path: Path, isBare: boolean, report: Report): void {
  if (upstream.servers !== undefined || upstream['server-by'] !== undefined || !report.lacks(path, 'servers')) {
    report.oneOf(upstream, path, ['servers', 'server-by']);
  } else if (report.lacks(path, 'server-by')) {
    const isFallback = upstream.discover !== undefined;
    const fix = `for example \`servers: [ "192.0.2.1:80" ]\`${isFallback ? ': those until the first list is here' : ''}`;
    report.atKey(path, 'missing-key', { place: `\`${path.join('.')}\``, key: 'servers', fix });
  }
  const leaveOut = (key: string, reason: string): void =>
    report.atKey([...path, key], 'no-effect', { key, reason, fix: 'leave it out' });
  if (upstream['server-by'] === undefined) {
    const targets = listOf(upstream.servers).map((server) => parseServer(addressOf(server) ?? '').value?.target);
    const hasNames =
      upstream.discover !== undefined || targets.some((target) => target === undefined || 'hostname' in target);
    if (upstream.resolver !== undefined && !hasNames && report.isWhole(path))
      leaveOut('resolver', 'no server has a name');
    return;
  }
  if (isBare)
    report.atKey([...path, 'server-by'], 'wrong-protocol', {
      key: 'server-by',
      protocol: 'tcp',
      fix: 'write `servers`',
    });
  for (const key of OF_SERVERS)
    if (upstream[key] !== undefined) leaveOut(key, 'nothing is known of servers that requests name');
}

const WATCHED = { file: 'a file is looked at', etcd: 'etcd is watched', kubernetes: 'Kubernetes is watched' } as const;

function checkDiscover(discover: NonNullable<Upstream['discover']>, path: Path, report: Report): void {
  report.oneOf(discover, path, ['file', 'url', 'etcd', 'kubernetes']);
  const { etcd, url } = discover;
  if (etcd !== undefined) checkEtcdFiles(etcd, [...path, 'etcd'], report);
  if (url !== undefined) return;
  for (const [source, what] of Object.entries(WATCHED)) {
    if (discover[source as keyof typeof WATCHED] === undefined) continue;
    for (const key of ['every', 'timeout'] as const) {
      const reason = `${what}, and not asked`;
      if (discover[key] !== undefined) report.atKey([...path, key], 'no-effect', { key, reason, fix: 'leave it out' });
    }
  }
}

/** The upstreams that requests may name, before they are looked at: they are in use, and name no others. */
export function checkNamed(
  name: string,
  upstream: Upstream,
  document: Loose<Config>,
  uses: UpstreamUses,
  report: Report,
): void {
  const path: Path = ['upstreams', name, 'server-by', 'upstreams'];
  const http = uses.of(name)?.http ?? null;
  for (const [text, named] of entriesOf(upstream['server-by']?.upstreams)) {
    uses.add(named, [...path, text], 'http', http);
    if (document.upstreams?.[named]?.['server-by'] !== undefined)
      report.atValue([...path, text], 'named-by-request', { value: show(named) });
  }
}

/** A name may resolve to either family. */
function checkSources(upstream: Upstream, path: Path, report: Report): void {
  if (upstream.discover !== undefined || !report.isWhole([...path, 'servers'])) return;
  const targets = listOf(upstream.servers).map((server) => parseServer(addressOf(server) ?? '').value?.target);
  if (targets.some((target) => target === undefined || 'hostname' in target)) return;
  for (const { path: at, value } of itemsOf(upstream.source, [...path, 'source'])) {
    const family = parseIp(value).value?.family;
    const isUsed = targets.some((target) => target !== undefined && 'family' in target && target.family === family);
    if (family !== undefined && !isUsed) report.atValue(at, 'unused-source', { family: String(family) });
  }
}

/** Of the status board: one for an address, several for a name. */
export function slotsOf(upstream: Upstream): number {
  const chosen = upstream['server-by'] === undefined ? 0 : ADDRESSES_PER_NAME_MAX;
  return listOf(upstream.servers).reduce((slots, server) => slots + slotsOfServer(server), chosen);
}

type Server = NonNullable<NonNullable<Upstream['servers']>[number]>;

function addressOf(server: Server): string | undefined {
  return typeof server === 'string' ? server : server.address;
}

function checkServers(name: string, upstream: Upstream, path: Path, isTcp: boolean, report: Report): void {
  const seen = new Map<string, Path>();
  let primaries = 0;
  const items = itemsOf(upstream.servers, [...path, 'servers']);
  for (const { path: at, value: server } of items) {
    if (typeof server === 'string' || server.backup !== true) primaries++;
    const written = addressOf(server);
    const parsed = written === undefined ? null : parseServer(written).value;
    if (written === undefined || parsed === null) continue;
    const where = typeof server === 'string' ? at : [...at, 'address'];
    const service = typeof server === 'string' ? undefined : server.service;
    if (service !== undefined) checkService(parsed, written, where, report);
    else if (!parsed.hasPort && isTcp && (typeof server === 'string' || report.lacks(at, 'service'))) {
      report.atValue(where, 'server-without-port', { value: show(written), host: written });
    }
    const copy = typeof server === 'string' ? 1 : (server.copy ?? 1);
    const identity = `${service ?? ''} ${identityOf(parsed, hasTls(upstream))}#${copy}`;
    const first = seen.get(identity);
    if (first === undefined) seen.set(identity, where);
    else
      report.atValue(where, 'duplicate-server', {
        value: show(written),
        line: report.lineOf(first),
        address: yamlText(written),
      });
  }
  if (primaries === 0 && items.length > 0 && report.isWhole([...path, 'servers'])) {
    report.atKey([...path, 'servers'], 'only-backups', { name });
  }
}

/** Its address is a domain. */
function checkService({ target, hasPort }: ServerAddress, written: string, where: Path, report: Report): void {
  const refuse = (reason: string, fix: string): void =>
    report.atValue(where, 'bad-service', { value: show(written), reason, fix });
  if (!('hostname' in target)) refuse('it is no domain', 'write a domain, or leave `service` out');
  else if (hasPort) refuse('it has a port', `write "${target.hostname}"`);
}

function hasTls({ tls }: Upstream): boolean {
  return tls !== undefined && tls !== false;
}

function identityOf({ target, hasPort }: ServerAddress, isTls: boolean): string {
  const { httpPort, httpsPort } = DEFAULTS.upstream;
  const port = hasPort ? target.port : isTls ? httpsPort : httpPort;
  return 'hostname' in target ? `${target.hostname}:${port}` : addressText({ ...target, port });
}

/** Values that only a request has. */
const REQUEST_HASHES = ['header', 'cookie', 'query', 'path'] as const;

function checkBalance(upstream: Upstream, path: Path, isTcp: boolean, isUdp: boolean, report: Report): void {
  const balance = upstream.balance ?? (report.lacks(path, 'balance') ? DEFAULTS.upstream.balance : null);
  if (isUdp && (balance === 'least-time' || balance === 'least-whole-time')) {
    const fix = 'write `least-connections`: a datagram may have no answer';
    report.atValue([...path, 'balance'], 'wrong-protocol', { key: `balance: ${balance}`, protocol: 'udp', fix });
  }
  if (upstream.hash === undefined) {
    if (balance !== null && isKeyed(balance) && report.lacks(path, 'hash'))
      report.atValue([...path, 'balance'], 'hash-without-key', {});
    return;
  }
  const odd = isTcp ? REQUEST_HASHES.find((key) => upstream.hash?.[key] !== undefined) : undefined;
  if (odd !== undefined || isUdp) {
    const fix = isUdp
      ? 'leave it out; `balance: source-hash` goes by the client address'
      : 'write `text`, for example `"{client}"`';
    const key = odd === undefined ? 'hash' : `hash.${odd}`;
    const at = odd === undefined ? [...path, 'hash'] : [...path, 'hash', odd];
    report.atKey(at, 'wrong-protocol', { key, protocol: isUdp ? 'udp' : 'tcp', fix });
  } else if (balance !== null && !isKeyed(balance)) {
    report.atKey([...path, 'hash'], 'key-without-hash', { balance });
  }
  report.oneOf(upstream.hash, [...path, 'hash'], ['header', 'cookie', 'query', 'path', 'text']);
}

const PROBES = [
  'tcp',
  'http',
  'grpc',
  'mysql',
  'postgres',
  'redis',
  'ssh',
  'dns',
  'file',
  'run',
  'udp',
  'expect',
] as const;
const PROBE_KEYS = [
  [['http'], ['method', 'host', 'status', 'body']],
  [['expect', 'udp'], ['send']],
  [['expect'], ['transport']],
  [['run'], ['user', 'exit-weight']],
] as const;

/** Of an upstream, or of a server. */
type Health = Omit<NonNullable<Upstream['health']>, 'tls'> & { readonly tls?: unknown };

function checkHealth(health: Health, path: Path, report: Report): void {
  checkProbe(health, path, report);
  for (const { path: at, value } of itemsOf(health.also, [...path, 'also'])) checkProbe(value, at, report);
  const interval = health.interval ?? DEFAULTS.upstream.health.interval;
  const timeout = health.timeout ?? DEFAULTS.upstream.health.timeout;
  const isSure = report.lacks(path, 'interval') && report.lacks(path, 'timeout');
  if (isSure && (parseDuration(timeout) ?? 0) > (parseDuration(interval) ?? 0)) {
    const where = health.timeout === undefined ? 'interval' : 'timeout';
    report.atValue([...path, where], 'slow-check', { timeout, interval });
  }
}

function checkProbe(health: Omit<Health, 'also'>, path: Path, report: Report): void {
  const kind = report.oneOf(health, path, PROBES);
  for (const [owners, keys] of PROBE_KEYS) {
    const [owner] = owners;
    if (kind === null || owners.some((each) => each === kind || !report.lacks(path, each))) continue;
    for (const key of keys) {
      if (health[key] === undefined) continue;
      const fix = `leave it out, or write \`${owner}\` instead of \`${kind}\``;
      report.atKey([...path, key], 'no-effect', { key, reason: `it belongs to \`${owner}\``, fix });
    }
  }
  if (kind === 'run') {
    checkCommand(health.run, [...path, 'run'], report);
    if (health.tls !== undefined) {
      const args = { key: 'tls', reason: 'a program says itself how it asks', fix: 'leave it out' };
      report.atKey([...path, 'tls'], 'no-effect', args);
    }
  }
  if (kind === 'expect' && health.transport === 'udp' && health.send === undefined && report.lacks(path, 'send')) {
    const fix = 'for example `send: ping`: a server is silent until it is asked';
    report.atKey([...path, 'transport'], 'missing-key', { place: `\`${path.join('.')}\``, key: 'send', fix });
  }
}

const UP_DOWN = ['up', 'down', 'stop'] as const;

function checkNotify(
  notify: NonNullable<Exclude<Server, string>['notify']>,
  health: unknown,
  server: Path,
  report: Report,
): void {
  const path = [...server, 'notify'];
  for (const key of UP_DOWN) checkCommand(notify[key], [...path, key], report);
  if (UP_DOWN.every((key) => notify[key] === undefined)) report.oneOf(notify, path, UP_DOWN);
  if (health === undefined && report.lacks(server, 'health')) {
    const args = { key: 'notify', reason: 'nothing checks the server', fix: 'write `health`, or leave it out' };
    report.atKey(path, 'no-effect', args);
  }
}

function checkQuorum({ discover, quorum = {}, servers, health }: Upstream, path: Path, report: Report): void {
  const at = [...path, 'quorum'];
  for (const key of UP_DOWN) checkCommand(quorum[key], [...at, key], report);
  const { weight = DEFAULTS.upstream.quorum.weight, hysteresis = DEFAULTS.upstream.quorum.hysteresis } = quorum;
  if (hysteresis > 0 && hysteresis >= weight && report.isWhole(at)) {
    const fix = 'write less than `weight`';
    const reason = 'with this hysteresis it would be lost only when nothing is up';
    report.atValue([...at, 'hysteresis'], 'bad-quorum', { reason, fix });
  }
  // A name may have several addresses, a program may say another weight, and a list other servers.
  const list = listOf(servers);
  const isFixed = list.every((server) => {
    const target = parseServer(addressOf(server) ?? '').value?.target;
    const check = typeof server === 'string' ? health : (server.health ?? health);
    return target !== undefined && !('hostname' in target) && check?.['exit-weight'] !== true;
  });
  if (!isFixed || discover !== undefined || !report.isWhole([...path, 'servers']) || !report.isWhole(at)) return;
  const sum = list.reduce((all, server) => all + weightOf(server), 0);
  if (sum >= weight + hysteresis) return;
  const reason = `all servers together have the weight ${sum}, and ${weight + hysteresis} are needed`;
  report.atKey(at, 'bad-quorum', { reason, fix: 'write less' });
}

/** Of one that counts for the quorum. */
function weightOf(server: Server): number {
  if (typeof server === 'string') return DEFAULTS.upstream.weight;
  return server.backup === true ? 0 : (server.weight ?? DEFAULTS.upstream.weight);
}

/** An upstream of datagrams. */
function checkUdp(upstream: Upstream, path: Path, report: Report): void {
  if (upstream.tls !== undefined) {
    report.atKey([...path, 'tls'], 'wrong-protocol', { key: 'tls', protocol: 'udp', fix: 'leave it out' });
  }
  const header = upstream['proxy-protocol'];
  if (header !== undefined && header !== 'v2') {
    const key = header === 'v1' ? 'proxy-protocol: v1' : 'proxy-protocol.tlvs';
    report.atKey([...path, 'proxy-protocol'], 'wrong-protocol', {
      key,
      protocol: 'udp',
      fix: 'write `proxy-protocol: v2`',
    });
  }
  for (const { path: at, value } of itemsOf(upstream.servers, [...path, 'servers'])) {
    const text = addressOf(value) ?? '';
    if (!text.startsWith('unix:')) continue;
    const fix = 'write an address and a port: the listener has `protocol: udp`';
    report.atValue(typeof value === 'string' ? at : [...at, 'address'], 'bad-server', { value: show(text), fix });
  }
}

/** An upstream of bare connections: what is only for HTTP has no place in it. */
function checkTcpOnly(upstream: Upstream, path: Path, report: Report): void {
  const refuse = (keys: readonly string[]): void => {
    report.atKey([...path, ...keys], 'wrong-protocol', { key: keys.join('.'), protocol: 'tcp', fix: 'leave it out' });
  };
  if (upstream.pool !== undefined) refuse(['pool']);
  for (const key of ['response', 'tunnel'] as const) {
    if (upstream.timeouts?.[key] !== undefined) refuse(['timeouts', key]);
  }
}
