/** `stream`: the servers of each socket are one listener, which passes bytes on or answers. */
import { groupedBy } from '../model/parts.ts';
import { formatDuration } from '../words/units.ts';
import { AccessLogs, oneOrMore } from './access-log.ts';
import type { DocumentBuilder, PlainMap } from './document.ts';
import { type Listen, proxyProtocolOf } from './listen.ts';
import { collectNames, NamedValues } from './named-values.ts';
import type { Notes } from './notes.ts';
import { isOfHello } from './preread.ts';
import { readTrusted } from './real-ip.ts';
import type { Scope } from './scope.ts';
import { readTls } from './ssl.ts';
import {
  count,
  type Handler,
  IDLE_MS_MAX,
  readHandler,
  readStreamServer,
  type StreamServer,
  type StreamSurroundings,
  time,
} from './stream-server.ts';
import { Upstreams } from './upstreams.ts';

/** nginx waits longer for a client to begin, and then gives it up. */
const PREREAD = '10s';

/** What all listens of a listener have in common. */
interface Socket {
  /** The default server is the first. */
  readonly servers: readonly StreamServer[];
  readonly listen: Listen;
  readonly isTls: boolean;
  readonly isProxied: boolean;
}

/** `prefix`: what relative paths are below, with a slash at its end. */
export function readStream(stream: Scope, document: DocumentBuilder, prefix: string, notes: Notes): void {
  const names = new Set<string>();
  collectNames(stream.directives, names);
  const nameOf = ownNames(stream, document);
  const variables = new Map<string, string>([['protocol', 'TCP']]);
  for (const name of names) variables.set(name, `{value:${nameOf(name)}}`);
  // they lead somewhere, and are no values
  for (const map of stream.own('map')) if (isOfHello(map)) variables.delete(map.args[1].text.slice(1));
  const values = new NamedValues(stream, document, variables, notes, { place: 'connection', nameOf });
  const upstreams = new Upstreams('stream', stream, document, variables, notes);
  const logs = new AccessLogs(stream, { of: 'stream', document, prefix, variables, values, notes });
  const surroundings: StreamSurroundings = { document, logs, notes, upstreams, values, variables, nameOf };
  const servers = stream.own('server').map((directive) => readStreamServer(directive, stream, notes));
  const handlers = new Map<StreamServer, Handler | null>();
  for (const server of servers) handlers.set(server, readHandler(server, surroundings));
  const alike = groupedBy(socketsOf(servers, notes), (socket) => {
    const { isProxied, isTls, listen } = socket;
    const numbers = socket.servers.map((server) => servers.indexOf(server));
    return `${numbers.join('+')} ${isTls} ${isProxied} ${listen.isUdp}`;
  });
  for (const sockets of alike) addListener(sockets, handlers, surroundings);
  values.finish();
}

/** Values of `http` and of `stream` are apart, and share their names here. */
function ownNames(stream: Scope, document: DocumentBuilder): (name: string) => string {
  const taken = new Set<string>();
  for (const { block } of stream.outer?.own('http') ?? []) collectNames(block ?? [], taken);
  for (const name of Object.keys(document.value['values'] ?? {})) taken.add(name);
  return (name) => (taken.has(name) ? `stream_${name}` : name);
}

function socketsOf(servers: readonly StreamServer[], notes: Notes): readonly Socket[] {
  const all = servers.flatMap((server) => server.listens.map((listen) => ({ server, listen })));
  return groupedBy(all, ({ listen }) => `${listen.isUdp} ${listen.bind}`).map((own) => {
    const [first] = own;
    const standard = own.find(({ listen }) => listen.isDefault) ?? first;
    const rest = own.filter((one) => one !== standard);
    if (new Set(own.map(({ server }) => server)).size < own.length) {
      notes.error(first.listen.directive.place, `a duplicate listen ${first.listen.bind}`, 'keep one of them');
    }
    return {
      servers: [standard, ...rest].map(({ server }) => server),
      listen: standard.listen,
      isTls: own.some(({ listen }) => listen.isTls),
      isProxied: own.some(({ listen }) => listen.isProxied),
    };
  });
}

function addListener(
  sockets: readonly Socket[],
  handlers: ReadonlyMap<StreamServer, Handler | null>,
  surroundings: StreamSurroundings,
): void {
  const { document, notes } = surroundings;
  const [{ isProxied, isTls, listen, servers }] = sockets;
  const [standard] = servers;
  const own = servers.map((server) => handlers.get(server) ?? null);
  if (own.includes(null)) return;
  const [first, ...others] = own as readonly Handler[];
  const { isUdp, port } = listen;
  if (isUdp && !isForDatagrams(standard, servers, first, notes)) return;
  const protocol = isUdp ? 'udp' : 'tcp';
  const name = document.freeName(document.listeners, port === 0 ? 'tcp-unix' : `${protocol}-${port}`);
  const socket = { text: listen.bind, servers, listener: name };
  const tls = isTls ? readTls(socket, document, notes) : null;
  const keys =
    others.length === 0 ? first.keys : byName(servers, [first, ...others], isTls || first.isPreread, surroundings);
  const { passthrough } = keys;
  const isAsked = ['choose', 'passthrough', 'respond', 'set'].some((key) => keys[key] !== undefined);
  const reads = first.isPreread && !isTls && isAsked;
  document.listeners[name] = {
    bind: sockets.length === 1 ? listen.bind : sockets.map((one) => one.listen.bind),
    protocol,
    ...(isUdp ? { udp: readUdp(standard.scope, notes) } : {}),
    ...(tls === null ? {} : { tls }),
    ...(listen.keepAlive === null ? {} : { 'tcp-keepalive': listen.keepAlive }),
    ...(isProxied ? { 'proxy-protocol': proxyProtocolOf(readTrusted(standard.scope, notes)) } : {}),
    ...keys,
    ...(reads ? { passthrough: { ...(passthrough as PlainMap | undefined), wait: PREREAD } } : {}),
    ...(first.access === null ? {} : { access: first.access }),
    ...(first.tries === null || isUdp ? {} : { tries: first.tries }),
    ...(first.logs.length === 0 ? {} : { 'access-log': oneOrMore(first.logs) }),
  };
  document.mark(['listeners', name], listen.directive.place);
  document.mark(['listeners', name, 'bind'], listen.directive.place);
  sockets.forEach((one, i) => document.mark(['listeners', name, 'bind', i], one.listen.directive.place));
  for (const key of ['upstream', 'choose', 'respond']) document.mark(['listeners', name, key], first.place);
}

/** What is said once for a listener. */
function sharedOf({ access, logs, tries }: Handler): string {
  return JSON.stringify([access, logs, tries]);
}

/** What several servers of one socket do: which one it is, the client's handshake says. */
function byName(
  servers: readonly StreamServer[],
  handlers: readonly Handler[],
  isAsked: boolean,
  { notes, values }: StreamSurroundings,
): PlainMap {
  const [standard] = handlers;
  const place = servers[1].directive.place;
  const odd = handlers.find(({ keys }) => Object.keys(keys).some((key) => key !== 'upstream' && key !== 'respond'));
  if (odd !== undefined || handlers.some((one) => sharedOf(one) !== sharedOf(standard))) {
    const reason =
      'of several servers of a socket none can have variables in `proxy_pass`, `set`, or an `allow`, `access_log` or `proxy_next_upstream` that the first has not';
    notes.notYet(odd?.place ?? place, 'another server for a socket of `stream`', reason, 'give it a port of its own');
    return standard.keys;
  }
  if (!isAsked) {
    notes.trap(
      place,
      'nobody says a name without TLS: only the default server of the socket is used',
      'give each server a port',
    );
    return standard.keys;
  }
  const exact: Record<string, string> = {};
  const hosts: Record<string, string> = {};
  const regex: PlainMap[] = [];
  servers.forEach(({ directive, names }, i) => {
    for (const { host, kind, text } of names) {
      if (kind === 'regex') regex.push({ is: (host as { readonly regex: string }).regex, value: `s${i}` });
      else {
        const table = kind === 'exact' ? exact : hosts;
        if (Object.hasOwn(table, text))
          notes.trap(directive.place, `conflicting server name "${text}", ignored`, 'give each name to one server');
        else table[text] = `s${i}`;
      }
    }
  });
  const server = values.addOwn('server', {
    map: '{tls-server-name}',
    ...filled('exact', exact),
    ...filled('hosts', hosts),
    ...filled('regex', regex),
  });
  const cases = Object.fromEntries(handlers.map(({ keys }, i) => [`s${i}`, keys]).slice(1));
  return { choose: { by: `{value:${server}}`, cases }, ...standard.keys };
}

function filled(key: string, table: object): PlainMap {
  return Object.keys(table).length === 0 ? {} : { [key]: table };
}

function isForDatagrams(
  { directive, scope }: StreamServer,
  servers: readonly StreamServer[],
  { keys, place }: Handler,
  notes: Notes,
): boolean {
  const header = scope.find('proxy_protocol');
  if (servers.length > 1) {
    notes.error(servers[1].directive.place, 'a duplicate listen of a socket for datagrams', 'give it another port');
    return false;
  }
  if (header !== null && header.args[0].text.toLowerCase() === 'on') {
    notes.notYet(header.place, '`proxy_protocol` with `listen ... udp`', 'there is nothing like it yet');
    return false;
  }
  if (Object.keys(keys).length === 1 && keys['upstream'] !== undefined) return true;
  const what = keys['respond'] === undefined ? '`proxy_pass` with a variable, or `set`,' : '`return`';
  notes.notYet(place ?? directive.place, `${what} with \`listen ... udp\``, 'nothing is read of a datagram');
  return false;
}

/** When sessions end. */
function readUdp(scope: Scope, notes: Notes): PlainMap {
  const idle = formatDuration(time(scope, 'proxy_timeout', 600_000, IDLE_MS_MAX, notes));
  const responses = count(scope, 'proxy_responses', notes);
  // Without answers nothing is waited for: each datagram is a session.
  const requests = count(scope, 'proxy_requests', notes) || (responses === 0 ? 1 : null);
  return { idle, ...(responses === null ? {} : { responses }), ...(requests === null ? {} : { requests }) };
}
