/** `stream`: each server is one listener that passes bytes on. */
import { groupedBy } from '../parts.ts';
import { formatDuration } from '../units.ts';
import { readStreamAccess } from './access.ts';
import type { Place } from '../diagnostic.ts';
import type { DocumentBuilder, PlainMap } from './document.ts';
import { type Listen, proxyProtocolOf, readListen } from './listen.ts';
import type { Notes } from './notes.ts';
import type { Directive } from './parse.ts';
import { readPreread } from './preread.ts';
import { readTrusted } from './real-ip.ts';
import { readServersTls } from './proxy-ssl.ts';
import { Scope } from './scope.ts';
import { readTls, type TlsServer } from './ssl.ts';
import { type Settings, Upstreams } from './upstreams.ts';
import { parseTime } from './values.ts';
import { hasVariables } from './variables.ts';

const CONNECT_MS_MAX = 3_600_000;
/** More is no limit. */
const COUNT_MAX = 1_000_000;
const IDLE_MS_MAX = 576 * 3_600_000;
/** nginx waits longer for a client to begin, and then gives it up. */
const PREREAD = '10s';

export function readStream(stream: Scope, document: DocumentBuilder, notes: Notes): void {
  const upstreams = new Upstreams('stream', stream, document, new Map(), notes);
  for (const directive of stream.own('server')) {
    readServer(new Scope('stream-server', directive.block!, stream), directive, upstreams, document, notes);
  }
}

function readServer(
  scope: Scope,
  directive: Directive,
  upstreams: Upstreams,
  document: DocumentBuilder,
  notes: Notes,
): void {
  const written = scope.own('listen');
  if (written.length === 0)
    notes.missing(
      scope.directives,
      directive.place,
      'no "listen" is defined for server',
      'write a `listen` line in it',
    );
  const listens = written.flatMap((listen) => readListen(listen, notes, true));
  const access = readStreamAccess(scope, notes);
  const [pass] = scope.own('proxy_pass');
  if (pass === undefined) {
    const answered = scope.own('return').length > 0 || scope.own('pass').length > 0;
    const fix = 'write a `proxy_pass` line in it';
    if (!answered) notes.missing(scope.directives, directive.place, 'no handler for server', fix);
    return;
  }
  const [{ text, place }] = pass.args;
  const choice = hasVariables(text) ? readPreread(scope, pass, notes) : { routes: null, otherwise: text };
  if (choice === null) return;
  const targets = [...(choice.routes ?? []).map((route) => route.target), choice.otherwise];
  for (const target of new Set(targets)) {
    if (target === null || upstreams.has(target) || target.startsWith('unix:') || /:[0-9]+$/.test(target)) continue;
    const fix = 'write it with its port, for example 192.0.2.1:3306';
    notes.missing(scope.outer?.directives ?? [], place, `no port in upstream "${target}"`, fix);
    return;
  }
  if (listens.length === 0) return;
  const bind = scope.find('proxy_bind');
  const source = bind === null || bind.args[0].text === 'off' ? null : bind.args[0].text;
  if (bind !== null && source !== null && (bind.args.length > 1 || source.includes('$'))) {
    notes.notYet(bind.place, '`proxy_bind` with a variable or `transparent`', 'there is nothing like it yet');
  }
  const settings: Settings = {
    timeouts: {
      connect: formatDuration(time(scope, 'proxy_connect_timeout', 60_000, CONNECT_MS_MAX, notes)),
      idle: formatDuration(time(scope, 'proxy_timeout', 600_000, IDLE_MS_MAX, notes)),
      ...(isOn(scope, 'proxy_half_close') ? {} : { 'half-closed': '0s' }),
    },
    bind: source,
    tls: null,
    keepAlive: isOn(scope, 'proxy_socket_keepalive'),
    sendsProxyHeader: isOn(scope, 'proxy_protocol'),
  };
  const isTls = isOn(scope, 'proxy_ssl');
  const settingsFor = (to: string): Settings =>
    isTls ? { ...settings, tls: readServersTls(scope, to, document, notes) } : settings;
  const routes = choice.routes?.map(({ match, target }) => ({
    ...match,
    upstream: upstreams.use(target, settingsFor(target), pass),
  }));
  const upstream =
    choice.otherwise === null ? null : upstreams.use(choice.otherwise, settingsFor(choice.otherwise), pass);
  const target = { upstream, routes: routes ?? null, access, place };
  if (listens.some(({ isUdp }) => isUdp)) {
    const header = scope.find('proxy_protocol');
    if (settings.sendsProxyHeader === true && header !== null) {
      notes.notYet(header.place, '`proxy_protocol` with `listen ... udp`', 'there is nothing like it yet');
      return;
    }
    if (target.routes !== null) {
      notes.notYet(place, '`proxy_pass` with a variable and `listen ... udp`', 'nothing is read of a datagram');
      return;
    }
  }
  const alike = groupedBy(listens, ({ isTls, isProxied, isUdp }) => `${isTls} ${isProxied} ${isUdp}`);
  for (const own of alike) addListener(own, { scope, names: [], directive }, target, document, notes);
}

function isOn(scope: Scope, name: string): boolean {
  return scope.argument(name)?.toLowerCase() === 'on';
}

interface Target {
  /** Null: only the routes say where to. */
  readonly upstream: string | null;
  /** By what a TLS client says; null: nothing is asked. */
  readonly routes: readonly PlainMap[] | null;
  readonly access: ReturnType<typeof readStreamAccess>;
  readonly place: Place;
}

function addListener(
  listens: readonly Listen[],
  server: TlsServer,
  { upstream, routes, access, place }: Target,
  document: DocumentBuilder,
  notes: Notes,
): void {
  const [{ bind, port, keepAlive, isTls, isProxied, isUdp, directive }] = listens;
  const protocol = isUdp ? 'udp' : 'tcp';
  const name = document.freeName(document.listeners, port === 0 ? 'tcp-unix' : `${protocol}-${port}`);
  const socket = { text: bind, servers: [server], listener: name };
  const tls = isTls ? readTls(socket, document, notes) : null;
  document.listeners[name] = {
    bind: listens.length === 1 ? bind : listens.map((listen) => listen.bind),
    protocol,
    ...(isUdp ? { udp: readUdp(server.scope, notes) } : {}),
    ...(tls === null ? {} : { tls }),
    ...(keepAlive === null ? {} : { 'tcp-keepalive': keepAlive }),
    ...(isProxied ? { 'proxy-protocol': proxyProtocolOf(readTrusted(server.scope, notes)) } : {}),
    ...(routes === null ? {} : { passthrough: { routes, wait: PREREAD } }),
    ...(upstream === null ? {} : { upstream }),
    ...(access === null ? {} : { access }),
  };
  document.mark(['listeners', name], directive.place);
  document.mark(['listeners', name, 'bind'], directive.place);
  listens.forEach((listen, i) => document.mark(['listeners', name, 'bind', i], listen.directive.place));
  document.mark(['listeners', name, 'upstream'], place);
}

/** When sessions end. */
function readUdp(scope: Scope, notes: Notes): PlainMap {
  const idle = formatDuration(time(scope, 'proxy_timeout', 600_000, IDLE_MS_MAX, notes));
  const responses = count(scope, 'proxy_responses', notes);
  // Without answers nothing is waited for: each datagram is a session.
  const requests = count(scope, 'proxy_requests', notes) || (responses === 0 ? 1 : null);
  return { idle, ...(responses === null ? {} : { responses }), ...(requests === null ? {} : { requests }) };
}

/** Null: it is not said. */
function count(scope: Scope, name: string, notes: Notes): number | null {
  const directive = scope.find(name);
  if (directive === null) return null;
  const [{ text, place }] = directive.args;
  if (/^[0-9]+$/.test(text)) return Math.min(Number(text), COUNT_MAX);
  notes.error(place, `"${name}" directive invalid number`, 'write for example 1');
  return null;
}

function time(scope: Scope, name: string, otherwise: number, max: number, notes: Notes): number {
  const directive = scope.find(name);
  if (directive === null) return otherwise;
  const ms = parseTime(directive.args[0].text);
  if (ms === null) notes.error(directive.args[0].place, `"${name}" directive invalid value`, 'write for example 30s');
  return Math.min(Math.max(1, ms ?? otherwise), max);
}
