/** A listener of which the kernel forwards the packets: nobody reads, writes or counts what is in them. */
import { parseBind, parseServer } from '../words/addresses.ts';
import type { Path } from '../findings/diagnostic.ts';
import { show } from '../findings/diagnostic.ts';
import type { Config, ListenerConfig, Loose } from '../model/config.ts';
import { entriesOf, itemsOf } from '../model/parts.ts';
import type { Report } from './report.ts';

type Listener = Loose<ListenerConfig>;
type Upstream = NonNullable<NonNullable<Loose<Config>['upstreams']>[string]>;

/** What takes a connection's end in this program. */
const LISTENER_KEYS = [
  'tls',
  'passthrough',
  'proxy-protocol',
  'access',
  'access-log',
  'tries',
  'set',
  'choose',
  'respond',
  'bandwidth',
  'limits',
  'tcp-keepalive',
  'udp',
] as const;
const UPSTREAM_KEYS = [
  'tls',
  'proxy-protocol',
  'server-by',
  'source',
  'passive',
  'queue',
  'hash',
  'timeouts',
  'tcp-keepalive',
] as const;
const REASON = 'the kernel forwards packets, and no proxy has the connection';

/** All of a document: what is forwarded to has conditions too. */
export function checkKernel(document: Loose<Config>, report: Report): void {
  const seen = new Set<string>();
  for (const [name, listener] of entriesOf(document.listeners)) {
    if (listener.mode !== 'kernel') {
      const how = {
        key: 'forward',
        reason: 'a proxy has its connections',
        fix: 'write `mode: kernel`, or leave it out',
      };
      if (listener.forward !== undefined) report.atKey(['listeners', name, 'forward'], 'no-effect', how);
      continue;
    }
    checkListener(listener, ['listeners', name], report);
    const upstream = listener.upstream === undefined ? undefined : document.upstreams?.[listener.upstream];
    if (listener.forward === 'dsr' && upstream !== undefined) checkPorts(listener, upstream, name, report);
    if (upstream === undefined || seen.has(listener.upstream!)) continue;
    seen.add(listener.upstream!);
    checkUpstream(upstream, ['upstreams', listener.upstream!], name, report);
  }
}

function checkListener(listener: Listener, path: Path, report: Report): void {
  if (listener.protocol !== 'tcp' && listener.protocol !== 'udp') {
    if (listener.protocol === 'http' || report.lacks(path, 'protocol')) {
      const fix = 'write `protocol: tcp`: nothing of HTTP is seen then; or leave it out';
      report.atKey([...path, 'mode'], 'wrong-protocol', { key: 'mode: kernel', protocol: 'http', fix });
    }
    return;
  }
  for (const key of LISTENER_KEYS) {
    if (listener[key] === undefined) continue;
    report.atKey([...path, key], 'no-effect', { key, reason: REASON, fix: 'leave it out, or write `mode: relay`' });
  }
  if (listener.forward === 'snat') report.atValue([...path, 'forward'], 'masked-clients', {});
  for (const { path: at, value } of itemsOf(listener.bind, [...path, 'bind'])) {
    const bind = parseBind(value).value;
    if (bind === null) continue;
    const { family, host } = bind.address;
    if (family !== 0 && host !== '0.0.0.0' && host !== '::') continue;
    const fix = 'in kernel mode write the address that clients connect to, for example "192.0.2.10:22"';
    report.atValue(at, 'bad-bind', { value: show(value), fix });
  }
}

/** What is sent on as it is has the port that the client knows. */
function checkPorts(listener: Listener, upstream: Upstream, name: string, report: Report): void {
  const ports = itemsOf(listener.bind, []).flatMap(({ value }) => parseBind(value).value?.address.port ?? []);
  for (const { path, value } of itemsOf(upstream.servers, ['upstreams', listener.upstream!, 'servers'])) {
    const written = typeof value === 'string' ? value : value.address;
    const target = written === undefined ? undefined : parseServer(written).value?.target;
    const other = target === undefined ? undefined : ports.find((port) => port !== target.port);
    if (other === undefined) continue;
    report.atValue(path, 'direct-port', { value: show(written!), listener: name, port: String(other) });
  }
}

function checkUpstream(upstream: Upstream, path: Path, listener: string, report: Report): void {
  const reason = `listener ${listener} is \`mode: kernel\`: ${REASON}`;
  const fix = 'leave it out, or give the listener an upstream of its own';
  for (const key of UPSTREAM_KEYS) {
    if (upstream[key] !== undefined) report.atKey([...path, key], 'no-effect', { key, reason, fix });
  }
  const { balance } = upstream;
  if (balance !== undefined && balance !== 'source-hash') {
    report.atValue([...path, 'balance'], 'kernel-balance', { balance, listener });
  }
  for (const { path: at, value } of itemsOf(upstream.servers, [...path, 'servers'])) {
    const written = typeof value === 'string' ? value : value.address;
    const target = written === undefined ? undefined : parseServer(written).value?.target;
    if (target !== undefined && 'family' in target && target.family === 0) {
      report.atValue(at, 'bad-server', {
        value: show(written!),
        fix: 'the kernel forwards to IP addresses: write one, with a port',
      });
    }
    if (typeof value === 'string') continue;
    for (const key of ['max-connections', 'passive'] as const) {
      if (value[key] !== undefined) report.atKey([...at, key], 'no-effect', { key, reason, fix });
    }
  }
}
