/**
 * `http`: servers that share an address become one listener. Which server a request is for, nginx finds out by its host in four
 * steps; here it is the order of the routes: exact names, wildcards in front and behind, the longest first, expressions as they
 * are written, and the default server's routes for every other host.
 */
import { HEADER_COUNT_MAX, HEAD_BYTES_MAX } from '../../base/limits.ts';
import { collectNames, NamedValues } from './named-values.ts';
import { readTls } from './ssl.ts';
import { PLAIN_CONSTANTS, TLS_CONSTANTS } from './table-variables.ts';
import { hasVariables, translateText } from './variables.ts';
import { formatDuration, formatSize } from '../words/units.ts';
import { groupedBy } from '../model/parts.ts';
import type { Front } from './answers.ts';
import { AccessLogs, oneOrMore } from './access-log.ts';
import { Gzip } from './gzip.ts';
import { tellListenerWide } from './listener-wide.ts';
import type { DocumentBuilder, PlainMap } from './document.ts';
import { readWear } from './keep-alive.ts';
import { type Listen, proxyProtocolOf, readListen } from './listen.ts';
import { TypeTables } from './files.ts';
import { collectAssignments } from './forgery.ts';
import type { Draft } from './locations.ts';
import { type NameKind, readServerNames, type ServerName } from './names.ts';
import type { Notes } from './notes.ts';
import { type Directive, everyDirective } from './parse.ts';
import { LimitZones } from './limits.ts';
import { Scope } from './scope.ts';
import { readRealIp } from './real-ip.ts';
import { captureStep, ServerRoutes, type Surroundings } from './server-routes.ts';
import { Upstreams } from './upstreams.ts';
import { parseTime } from './values.ts';

interface HttpServer {
  readonly directive: Directive;
  readonly scope: Scope;
  readonly names: readonly ServerName[];
  readonly listens: readonly Listen[];
}

interface Bound {
  readonly bind: string;
  readonly port: number;
  readonly servers: HttpServer[];
  standard: HttpServer;
  keepAlive: Listen['keepAlive'];
  isTls: boolean;
  isProxied: boolean;
  isHttp2: boolean;
  readonly listen: Listen;
}

const NAME_ORDER: readonly NameKind[] = ['exact', 'suffix', 'prefix', 'regex'];

export function readHttp(http: Scope, document: DocumentBuilder, prefix: string, notes: Notes): void {
  const names = new Set<string>();
  collectNames(http.directives, names);
  // what a `map` makes of it is made anew for each server, and a line of a log may be of any
  if (valueBlocksRead(http, 'server_name') || logsRead(http, 'server_name')) names.add('server_name');
  const fixed = constantSets(http.directives);
  const variables = new Map([...names].map((one) => [one, fixed.get(one) ?? `{value:${one}}`]));
  const values = new NamedValues(http, document, variables, notes);
  let number = 0;
  const surroundings: Surroundings = {
    document,
    values,
    assignments: collectAssignments(http.directives),
    tables: new TypeTables(document),
    prefix,
    nextNumber: () => ++number,
    variables,
    gzip: new Gzip(notes),
    logs: new AccessLogs(http, { of: 'http', document, prefix, variables, values, notes }),
    upstreams: new Upstreams('http', http, document, variables, notes),
    upgradeMaps: readUpgradeMaps(http),
    limits: new LimitZones(http, document, variables, notes),
    notes,
  };
  const servers = http.own('server').map((directive) => readServer(directive, http, notes));
  const bounds = new Map<string, Bound>();
  for (const server of servers) for (const listen of server.listens) bind(server, listen, bounds, notes);
  for (const group of groupsOf([...bounds.values()])) addListener(group, document, surroundings);
  // What is wrong with a server that listens nowhere is said too.
  for (const server of servers)
    if (server.listens.length === 0)
      draftsOf(server, { port: 0, isTls: false, logs: [], compress: null }, surroundings);
  values.finish();
}

function valueBlocksRead(http: Scope, variable: string): boolean {
  const blocks = ['map', 'geo', 'split_clients', 'limit_req_zone', 'limit_conn_zone'].flatMap((name) => http.own(name));
  return readsOf(blocks).has(variable);
}

/** It is in a `log_format` that an `access_log` names, or in the condition of one. */
function logsRead(http: Scope, variable: string): boolean {
  const logs = [...everyDirective(http.directives)].filter(({ name }) => name === 'access_log');
  const formats = http.own('log_format').filter(({ args }) => logs.some((log) => log.args[1]?.text === args[0].text));
  return readsOf([...logs, ...formats]).has(variable);
}

/** How often each variable is read. */
function readsOf(directives: readonly Directive[]): ReadonlyMap<string, number> {
  const reads = new Map<string, number>();
  for (const [, name] of JSON.stringify(directives).matchAll(/\$\{?(\w+)/g))
    reads.set(name, (reads.get(name) ?? 0) + 1);
  return reads;
}

/** Variables that are set once, to a text, in front of any `if`, and read in the same block only: the text stands for them. */
function constantSets(directives: readonly Directive[]): ReadonlyMap<string, string> {
  const found = new Map<string, string | null>();
  const allReads = readsOf(directives);
  const look = (list: readonly Directive[], isCertain: boolean): void => {
    for (const { name, args, block } of list) {
      const given = /^(set|auth_request_set|map|geo|split_clients)$/.test(name)
        ? args[name.endsWith('set') ? 0 : args.length - 1]?.text.slice(1)
        : '';
      if (given !== undefined && given !== '') {
        const isFixed = name === 'set' && isCertain && args[1] !== undefined && !hasVariables(args[1].text);
        const isOwn = isFixed && !found.has(given) && readsOf(list).get(given) === allReads.get(given);
        const translated = isOwn ? translateText(args[1].text, new Map()) : null;
        found.set(given, translated !== null && 'template' in translated ? translated.template : null);
      }
      // What an earlier step ends before is not set, and nothing is for the methods of `limit_except`.
      const hasExceptions = block?.some((inner) => inner.name === 'limit_except') === true;
      if (block !== null) look(block, isCertain && name !== 'if' && !hasExceptions);
      if (/^(if|rewrite|break|return)$/.test(name)) isCertain = false;
    }
  };
  look(directives, true);
  return new Map([...found].filter((entry): entry is [string, string] => entry[1] !== null));
}

function readServer(directive: Directive, http: Scope, notes: Notes): HttpServer {
  const scope = new Scope('server', directive.block!, http);
  const written = scope.own('listen');
  const listens = written.flatMap((listen) => readListen(listen, notes));
  if (written.length === 0) {
    listens.push({
      bind: '0.0.0.0:80',
      port: 80,
      isDefault: false,
      isTls: false,
      isUdp: false,
      isProxied: false,
      isHttp2: false,
      keepAlive: null,
      directive,
    });
  }
  return { directive, scope, names: readServerNames(scope, notes), listens };
}

function bind(server: HttpServer, listen: Listen, bounds: Map<string, Bound>, notes: Notes): void {
  const known = bounds.get(listen.bind);
  if (known === undefined) {
    bounds.set(listen.bind, {
      bind: listen.bind,
      port: listen.port,
      servers: [server],
      standard: server,
      keepAlive: listen.keepAlive,
      isTls: listen.isTls,
      isProxied: listen.isProxied,
      isHttp2: speaksHttp2(server, listen),
      listen,
    });
    return;
  }
  if (known.servers.includes(server)) {
    notes.error(listen.directive.place, `a duplicate listen ${listen.directive.args[0].text}`, 'keep one of them');
    return;
  }
  known.servers.push(server);
  known.keepAlive ??= listen.keepAlive;
  known.isTls ||= listen.isTls;
  known.isProxied ||= listen.isProxied;
  known.isHttp2 ||= speaksHttp2(server, listen);
  if (!listen.isDefault) return;
  const hasDefault = known.servers
    .slice(0, -1)
    .some(({ listens }) => listens.some((one) => one.bind === listen.bind && one.isDefault));
  if (hasDefault) {
    const reason = `a duplicate default server for ${listen.directive.args[0].text}`;
    notes.error(listen.directive.place, reason, 'write default_server once for each address');
  } else known.standard = server;
}

/** nginx asks the server that a client names in its handshake; here it is for all of an address. */
function speaksHttp2({ scope }: HttpServer, { isHttp2 }: Listen): boolean {
  return isHttp2 || scope.argument('http2') === 'on';
}

/** Addresses with the same servers and the same port are one listener. */
function groupsOf(bounds: readonly Bound[]): readonly (readonly [Bound, ...Bound[]])[] {
  const numbers = new Map<HttpServer, number>();
  const numberOf = (server: HttpServer): number => {
    if (!numbers.has(server)) numbers.set(server, numbers.size);
    return numbers.get(server)!;
  };
  return groupedBy(bounds, ({ port, standard, servers, keepAlive, isTls, isProxied, isHttp2 }) =>
    JSON.stringify([port, numberOf(standard), servers.map(numberOf), keepAlive, isTls, isProxied, isHttp2]),
  );
}

function addListener(group: readonly Bound[], document: DocumentBuilder, surroundings: Surroundings): void {
  const { notes } = surroundings;
  const [{ port, servers, standard, keepAlive, isTls, isProxied, isHttp2, listen }] = group;
  const wanted = port === 0 ? 'http-unix' : `http-${port}`;
  const name = document.freeName(document.listeners, wanted);
  const routes: PlainMap[] = [];
  const sorted = [standard, ...servers.filter((server) => server !== standard)];
  const socket = { text: listen.bind, servers: sorted, listener: name };
  const tls = isTls ? readTls(socket, document, notes) : null;
  const scopes = servers.map(({ scope }) => scope);
  const realIp = readRealIp(scopes, notes);
  tellListenerWide(scopes, standard.scope, notes);
  const { requests, age } = wearOf(standard.scope, notes);
  const logs = surroundings.logs.namesFor(standard.scope);
  const compress = surroundings.gzip.in(standard.scope);
  const listener: PlainMap = {
    bind: group.length === 1 ? group[0].bind : group.map((bound) => bound.bind),
    ...(tls === null ? {} : { tls }),
    ...(isHttp2 ? { http2: true } : {}),
    timeouts: { ...timeoutsOf(standard.scope, notes), ...(age === undefined ? {} : { age }) },
    limits: {
      head: formatSize(HEAD_BYTES_MAX),
      headers: HEADER_COUNT_MAX,
      body: '8191TiB',
      // nginx bounds the silence within a body, not its rate.
      'body-rate': 0,
      ...(requests === undefined ? {} : { requests }),
    },
    ...(isProxied ? { 'proxy-protocol': proxyProtocolOf(realIp.proxied) } : {}),
    forwarded: realIp.forwarded,
    'escaped-slash': 'decode',
    'other-host': 'ignore',
    ...oddFieldsOf(standard.scope),
    ...(keepAlive === null ? {} : { 'tcp-keepalive': keepAlive }),
    ...(logs.length === 0 ? {} : { 'access-log': oneOrMore(logs) }),
    ...(compress === null ? {} : { compress }),
    routes,
  };
  document.listeners[name] = listener;
  document.mark(['listeners', name], listen.directive.place);
  document.mark(['listeners', name, 'bind'], listen.directive.place);
  group.forEach((bound, i) => document.mark(['listeners', name, 'bind', i], bound.listen.directive.place));

  const drafts = new Map<HttpServer, readonly Draft[]>();
  for (const server of servers) {
    drafts.set(server, draftsOf(server, { port, isTls, logs, compress }, surroundings));
  }
  const named = new Set<unknown>();
  const add = (server: HttpServer, asked: PlainMap): void => {
    const captures = hostCaptures(server, asked);
    if (captures !== null) routes.push({ match: asked, steps: [captures] });
    for (const { route, place } of drafts.get(server)!) {
      const called = route['name'];
      if (called !== undefined && named.has(called)) continue;
      document.mark(['listeners', name, 'routes', routes.length], place);
      if (called !== undefined) {
        named.add(called);
        routes.push(route);
        continue;
      }
      const match = { ...asked, ...(route['match'] as PlainMap | undefined) };
      routes.push(withoutRoot(Object.keys(match).length === 0 ? route : { ...route, match }));
    }
  };
  for (const { server, match } of hostsOf(servers, standard, notes)) add(server, match);
  add(standard, {});
}

/** What captures the groups of an expression among the names of a server, if it uses them. */
function hostCaptures({ scope }: HttpServer, { host }: PlainMap): PlainMap | null {
  const regex = (host as { readonly regex?: string } | undefined)?.regex;
  return regex === undefined ? null : captureStep('{host}', regex, scope);
}

function draftsOf({ scope, names, directive }: HttpServer, front: Front, surroundings: Surroundings): readonly Draft[] {
  const constants = new Map([
    ...(front.isTls ? TLS_CONSTANTS : PLAIN_CONSTANTS),
    ...surroundings.variables,
    ['server_name', names[0]?.text ?? ''],
    ['server_port', String(front.port)],
  ]);
  return new ServerRoutes(scope, front, constants, surroundings).build(directive.place);
}

/** A prefix `/` takes every path: nothing has to be said about it. */
function withoutRoot(route: PlainMap): PlainMap {
  const { match, rewrite } = route as { match?: PlainMap; rewrite?: PlainMap };
  if (match === undefined) return route;
  if (match['path'] !== '/' || rewrite?.['prefix'] !== undefined) return { match, ...omitMatch(route) };
  const rest = Object.fromEntries(Object.entries(match).filter(([key]) => key !== 'path'));
  if (Object.keys(rest).length > 0) return { match: rest, ...omitMatch(route) };
  return omitMatch(route);
}

function omitMatch(route: PlainMap): PlainMap {
  return Object.fromEntries(Object.entries(route).filter(([key]) => key !== 'match'));
}

/** What a request asks for that a server is for, as keys of the model's `match`. */
interface Asked {
  readonly server: HttpServer;
  readonly match: PlainMap;
}

/** Servers with their hosts, in nginx's order. Names of the default server are left out where they would be found last anyway. */
function hostsOf(servers: readonly HttpServer[], standard: HttpServer, notes: Notes): readonly Asked[] {
  const taken = new Map<string, HttpServer>();
  const found: { server: HttpServer; name: ServerName }[] = [];
  for (const server of servers) {
    for (const name of server.names) {
      const key = `${name.kind === 'regex' ? '~' : ''}${name.text}`;
      const other = taken.get(key);
      if (other === undefined) {
        taken.set(key, server);
        found.push({ server, name });
      } else if (other !== server) {
        const reason = `conflicting server name "${name.text}", ignored: the server on line ${other.directive.place.line} has it`;
        notes.trap(server.directive.place, reason, 'give each name to one server');
      }
    }
  }
  const hosts: Asked[] = [];
  for (const kind of NAME_ORDER) {
    const ofKind = found.filter(({ name }) => name.kind === kind);
    if (kind === 'suffix' || kind === 'prefix') ofKind.sort((a, b) => b.name.length - a.name.length);
    if (kind !== 'exact') {
      for (const { server, name } of ofKind) hosts.push({ server, match: { host: name.host } });
      continue;
    }
    // Exact names exclude each other: those of one server are one list.
    for (const group of groupedBy(ofKind, ({ server }) => server)) {
      const [{ server }] = group;
      const ofServer = group.map(({ name }) => name.host);
      const texts = ofServer.filter((host) => typeof host === 'string');
      if (texts.length > 0) hosts.push({ server, match: { host: texts.length === 1 ? texts[0] : texts } });
      for (const host of ofServer) {
        if (typeof host === 'string') continue;
        hosts.push({ server, match: host === null ? { header: { Host: false } } : { host } });
      }
    }
  }
  // What is asked last of all leads to the default server with and without its name.
  while (hosts.length > 0) {
    const { server, match } = hosts[hosts.length - 1];
    if (server !== standard || hostCaptures(server, match) !== null) break;
    hosts.pop();
  }
  return hosts;
}

function timeoutsOf(scope: Scope, notes: Notes): PlainMap {
  const time = (name: string, otherwise: number, max: number): number => {
    const directive = scope.find(name);
    if (directive === null) return otherwise;
    const ms = parseTime(directive.args[0].text);
    if (ms === null) notes.error(directive.args[0].place, `"${name}" directive invalid value`, 'write for example 30s');
    return Math.min(Math.max(1, ms ?? otherwise), max);
  };
  const hour = 3_600_000;
  return {
    head: formatDuration(time('client_header_timeout', 60_000, hour)),
    body: formatDuration(
      Math.min(time('client_body_timeout', 60_000, 24 * hour), time('send_timeout', 60_000, 24 * hour)),
    ),
    idle: formatDuration(time('keepalive_timeout', 75_000, 24 * hour)),
    // proxy_ignore_client_abort off: who sends FIN wants no answer of a server any more
    'half-closed': '1ms',
  };
}

function oddFieldsOf(scope: Scope): PlainMap {
  if (scope.argument('ignore_invalid_headers')?.toLowerCase() === 'off') return {};
  const keepsUnderscores = scope.argument('underscores_in_headers')?.toLowerCase() === 'on';
  return { 'odd-fields': keepsUnderscores ? 'keep-underscores' : 'drop' };
}

/** Without a timeout none is kept. */
function wearOf(scope: Scope, notes: Notes): PlainMap {
  const isKept = !/^0(ms|s|m|h)?$/.test(scope.argument('keepalive_timeout') ?? '');
  return { ...readWear(scope, notes), ...(isKept ? {} : { requests: 1 }) };
}

/** `map $http_upgrade $connection_upgrade { default upgrade; '' close; }` */
function readUpgradeMaps(http: Scope): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { args, block } of http.own('map')) {
    const values = (block ?? []).map((line) => line.args[0]?.text ?? '');
    const isConnection = values.every((value) => /^(upgrade|close|keep-alive|\$http_connection|)$/i.test(value));
    if (/^\$\{?http_upgrade\}?$/.test(args[0].text) && isConnection) names.add(args[1].text.replace(/[${}]/g, ''));
  }
  return names;
}
