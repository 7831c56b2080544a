/**
 * Config to Plan: names become indexes, defaults are filled in, units are converted. The Config has passed the checks, so
 * that nothing can be wrong any more.
 */
import { bytes, ms } from './checked.ts';
import { compileDiscovery } from './discovery.ts';
import type { Address } from '../../base/address.ts';
import { assert } from '../../base/assert.ts';
import type { KeepAlive } from '../../base/keep-alive.ts';
import { slotsOfServer } from '../check/server-places.ts';
import { parseBind, parseNameServer, parseNetwork, parseServer, parseIp, UNIX } from '../words/addresses.ts';
import { compileServersTls, compileTls, NO_TLS_FILES, type ServersTlsFiles, type TlsFilesPlan } from './tls.ts';
import { compileValue } from './values.ts';
import { lateNamesOf, loggedFieldsOf, withLateNames } from '../check/late-values.ts';
import { credentialsUpstream } from './auth.ts';
import { filesUpstream } from './files.ts';
import { compileAccessLogs, namesOfLogs } from './access-logs.ts';
import { compileTcpBandwidth } from './bandwidth.ts';
import { compileMaintenance, valuesOfMaintenance } from './maintenance.ts';
import { compileCompress } from './compress.ts';
import { compileTcp, compileTries } from './tcp.ts';
import { compileSticky, learnsSessions, NO_STICKY_KEYS, type StickyKeys } from './sticky.ts';
import { compileSpanLogs, compileTracing, spanLogsOf } from './tracing.ts';
import { commandOf } from '../words/command.ts';
import { compileRoute, type RouteContext } from './routes.ts';
import { OriginLists } from './cors.ts';
import { CredentialChecks, type CredentialFiles, NO_CREDENTIAL_FILES } from '../plan/credentials.ts';
import { FileSites } from '../plan/files.ts';
import { DEFAULTS } from '../model/defaults.ts';
import type { Config, ListenerConfig, UdpConfig, UpstreamConfig } from '../model/config.ts';
import { parseStatusRange } from '../words/patterns.ts';
import { countedOf } from '../plan/route-label.ts';
import { formatRoutes } from '../plan/route-text.ts';
import type {
  AccessPlan,
  ForwardedPlan,
  ListenerPlan,
  PassthroughPlan,
  PeersPlan,
  ProxyProtocolPlan,
  UdpPlan,
} from '../plan/listener.ts';
import type { HashKeyPlan, ResolverPlan, ServerPlan, UpstreamPlan } from '../plan/upstream.ts';
import type { HealthPlan, PassivePlan, QuorumPlan, UpDownPrograms } from '../plan/health.ts';
import type { Plan } from '../plan/plan.ts';
import type { WearPlan } from '../plan/record.ts';
import { listOf } from '../model/parts.ts';

export interface CompileOptions {
  /** Proxy processes: each takes its share of a listener's connections. */
  readonly workers: number;
  /** By listener: its certificates, as their files say. Without it they were not looked at. */
  readonly certificates?: ReadonlyMap<string, TlsFilesPlan>;
  /** The same of upstreams. */
  readonly servers?: ReadonlyMap<string, UpstreamTlsFiles>;
  /** What files say that `sticky` names. Without it they were not looked at. */
  readonly stickyKeys?: StickyKeys;
  /** What files say that `auth` names. Likewise. */
  readonly credentialFiles?: CredentialFiles;
}

/** Null: it has no `tls` there. */
export interface UpstreamTlsFiles {
  readonly servers: ServersTlsFiles | null;
  readonly checks: ServersTlsFiles | null;
}

export function compile(config: Config, options: CompileOptions): Plan {
  const upstreamConfigs = Object.entries(config.upstreams ?? {});
  const upstreamIndex = new Map(upstreamConfigs.map(([name], index) => [name, index]));
  const indexOf = (name: string): number => {
    const index = upstreamIndex.get(name);
    assert(index !== undefined, `upstream ${name} was checked`);
    return index;
  };

  const { maintenance } = config;
  const late = lateNamesOf(config.values);
  const readsBodies = saysBody(config.values) || saysBody(config['access-logs']);
  const noted = loggedFieldsOf(config);
  const sites = new FileSites();
  const checks = new CredentialChecks(options.credentialFiles ?? NO_CREDENTIAL_FILES);
  const origins = new OriginLists();
  const shared = { sites, checks, origins, types: config.files?.types ?? {}, limiters: config.limiters ?? {} };
  const listeners: ListenerPlan[] = [];
  let counted = 0;
  const tcpUpstreams = new Set<string>();
  for (const [name, listener] of Object.entries(config.listeners ?? {})) {
    if (listener.upstream !== undefined) tcpUpstreams.add(listener.upstream);
    for (const { upstream } of listener.passthrough?.routes ?? []) tcpUpstreams.add(upstream);
    for (const { upstream } of Object.values(listener.choose?.cases ?? {}))
      if (upstream !== undefined) tcpUpstreams.add(upstream);
    const listened = withLateNames(listener, late, false);
    const plan = compileListener(name, listened, listeners.length, counted, indexOf, options, shared, config.tracing);
    counted += plan.counted.length;
    listeners.push({
      ...plan,
      ...(readsBodies || saysBody(listener) ? { readsBodies: true } : {}),
      ...(noted === undefined || plan.protocol !== 'http' ? {} : { noted }),
    });
  }

  const upstreams: UpstreamPlan[] = [];
  let serverSlots = 0;
  for (const [name, upstream] of upstreamConfigs) {
    const plan = compileUpstream(
      name,
      upstream,
      tcpUpstreams.has(name),
      upstreams.length,
      serverSlots,
      options.servers?.get(name) ?? null,
      options.stickyKeys ?? NO_STICKY_KEYS,
    );
    for (const server of plan.servers) serverSlots += server.slotCount;
    upstreams.push(plan);
  }
  const files = sites.all.length === 0 ? null : { user: config.files?.user ?? null, sites: sites.all };
  if (files !== null) upstreams.push(filesUpstream(upstreams.length, serverSlots++));
  if (checks.all.length > 0) upstreams.push(credentialsUpstream(upstreams.length, serverSlots++));
  return {
    workers: options.workers,
    listeners,
    upstreams,
    files,
    ...(checks.all.length === 0 ? {} : { credentials: { checks: checks.all } }),
    accessLogs: [...compileAccessLogs(config, late), ...compileSpanLogs(config.tracing)],
    values: [
      ...origins.all,
      ...Object.entries(config.values ?? {}).map(([name, value]) => compileValue(name, value, late)),
      ...(maintenance === undefined ? [] : valuesOfMaintenance(maintenance)),
    ],
    ...(maintenance === undefined ? {} : { maintenance: compileMaintenance(maintenance) }),
    admin: config.admin === undefined ? null : (parseBind(config.admin.bind).value?.address ?? null),
    ...(config.limiters === undefined ? {} : { hasLimits: true as const }),
    ...(learnsSessions(config) ? { learns: true as const } : {}),
    serverSlots,
    graceMs: ms(config.grace ?? DEFAULTS.grace),
    drainMs: ms(config.drain ?? DEFAULTS.drain),
  };
}

/** A text in it has the body of a request in it. */
function saysBody(part: unknown): boolean {
  return part !== undefined && JSON.stringify(part).includes('{request-body}');
}

function compileListener(
  name: string,
  listener: ListenerConfig,
  slot: number,
  countedSlot: number,
  indexOf: (upstream: string) => number,
  { workers, certificates }: CompileOptions,
  shared: Pick<RouteContext, 'sites' | 'checks' | 'origins' | 'types' | 'limiters'>,
  all: Config['tracing'],
): ListenerPlan {
  const { protocol = DEFAULTS.listener.protocol } = listener;
  const { tls } = listener;
  const { http2 = DEFAULTS.listener.http2 } = listener;
  const timeouts = { ...DEFAULTS.listener.timeouts, ...listener.timeouts };
  const limits = { ...DEFAULTS.listener.limits, ...listener.limits };
  const forwarded = compileForwarded(listener.forwarded ?? DEFAULTS.listener.forwarded);
  const passesClaims = forwarded.kind === 'pass' || (forwarded.kind === 'trust' && forwarded.isPassed);
  const compress = compileCompress(listener.compress ?? false);
  const bandwidth = compileTcpBandwidth(listener.bandwidth);
  const tracing = compileTracing(listener, all);
  const isTraced = tracing !== null;
  const spanLogs = isTraced ? spanLogsOf(all) : [];
  const oddFields = listener['odd-fields'] ?? DEFAULTS.listener['odd-fields'];
  const context = { ...shared, isTraced, isTls: tls !== undefined, spanLogs, passesClaims, oddFields };
  const routes = (listener.routes ?? []).map((route) => compileRoute(route, context));
  return {
    name,
    slot,
    protocol,
    intake: 'open',
    binds: listOf(listener.bind).map((text) => {
      const { address, dual } = checked(parseBind(text).value, text);
      return { address, dual, isUdp: protocol === 'udp' };
    }),
    timeouts: {
      headMs: ms(timeouts.head),
      bodyMs: ms(timeouts.body),
      idleMs: ms(timeouts.idle),
      halfClosedMs: ms(timeouts['half-closed']),
    },
    ...compileWear(limits.requests, timeouts.age),
    limits: {
      headBytes: bytes(limits.head),
      headers: limits.headers,
      bodyBytes: bytes(limits.body),
      bodyRate: bytes(limits['body-rate']),
      connections: Math.ceil(limits.connections / workers),
    },
    keepAlive: compileKeepAlive(listener['tcp-keepalive']),
    via: listener.via ?? null,
    forwarded,
    escapedSlash: listener['escaped-slash'] ?? 'compare',
    ignoresOtherHost: (listener['other-host'] ?? DEFAULTS.listener['other-host']) === 'ignore',
    http2,
    routes: formatRoutes(routes),
    counted: protocol === 'http' ? countedOf(routes, countedSlot) : [],
    isReady: true,
    upstream: listener.upstream === undefined ? -1 : indexOf(listener.upstream),
    ...(listener.mode === 'kernel' ? { inKernel: listener.forward ?? DEFAULTS.listener.forward } : {}),
    access: compileAccess(listener.access),
    passthrough: compilePassthrough(listener.passthrough),
    tries: compileTries(listener),
    tcp: compileTcp(listener),
    ...(bandwidth === null ? {} : { bandwidth }),
    proxyProtocol: compileProxyProtocol(listener['proxy-protocol']),
    tls:
      tls === undefined
        ? null
        : compileTls(
            tls,
            protocol === 'http' ? alpnOf(http2) : listOf(tls.alpn),
            certificates?.get(name) ?? NO_TLS_FILES,
            {
              handshakeMs: ms(tls.handshake ?? DEFAULTS.tls.handshake),
              sessionMs: ms(tls['session-timeout'] ?? DEFAULTS.tls['session-timeout']),
            },
          ),
    udp: protocol === 'udp' ? compileUdp(listener.udp ?? {}) : null,
    accessLogs: [...namesOfLogs(listener['access-log'] ?? DEFAULTS.listener['access-log']), ...spanLogs],
    ...(compress === null ? {} : { compress }),
    ...(tracing === null ? {} : { tracing }),
  };
}

/** What may be agreed on with a client, what is liked best first. */
function alpnOf(http2: boolean): readonly string[] {
  return http2 ? ['h2', 'http/1.1'] : ['http/1.1'];
}

function compileWear(requests: number | undefined, age: string | undefined): { readonly wear?: WearPlan } {
  if (requests === undefined && age === undefined) return {};
  return { wear: { requests: requests ?? 0, ageMs: age === undefined ? 0 : ms(age) } };
}

function compileUdp({ idle = DEFAULTS.listener.udp.idle, requests, responses }: UdpConfig): UdpPlan {
  return { idleMs: ms(idle), requests: requests ?? 0, responses: responses ?? -1 };
}

function compileKeepAlive(written: ListenerConfig['tcp-keepalive']): KeepAlive | null {
  if (written === undefined || written === false) return null;
  const { idle, interval, probes } = written === true ? {} : written;
  return { idleS: seconds(idle), intervalS: seconds(interval), probes: probes ?? 0 };
}

function compilePing(written: UpstreamConfig['ping']): Pick<UpstreamPlan, 'ping'> {
  if (written === undefined || written === false) return {};
  const { idle, timeout } = { ...DEFAULTS.upstream.ping, ...(written === true ? {} : written) };
  return { ping: { idleMs: ms(idle), timeoutMs: ms(timeout) } };
}

function seconds(duration: string | undefined): number {
  return duration === undefined ? 0 : Math.ceil(ms(duration) / 1000);
}

function compileAccess(access: ListenerConfig['access']): AccessPlan | null {
  if (access === undefined) return null;
  const { [UNIX]: unix = access.otherwise, ...networks } = access.networks;
  return {
    networks: Object.entries(networks).map(([text, decision]) => ({
      network: checked(parseNetwork(text).value, text),
      isAllowed: decision === 'allow',
    })),
    isOpen: access.otherwise === 'allow',
    isOpenForUnix: unix === 'allow',
  };
}

function compileForwarded(forwarded: NonNullable<ListenerConfig['forwarded']>): ForwardedPlan {
  if (typeof forwarded === 'string') return { kind: forwarded };
  const { trust, field, hops, pass } = { ...DEFAULTS.listener.trust, ...forwarded };
  return { kind: 'trust', ...compilePeers(listOf(trust)), field, isLastOnly: hops === 'last', isPassed: pass };
}

function compilePassthrough(written: ListenerConfig['passthrough']): PassthroughPlan | null {
  if (written === undefined) return null;
  return {
    waitMs: ms(written.wait ?? DEFAULTS.listener.passthrough.wait),
    hasPostgres: written.postgres ?? DEFAULTS.listener.passthrough.postgres,
    routes: (written.routes ?? []).map((route) => ({
      names: listOf(route['server-name']).map((one) => one.toLowerCase()),
      protocols: listOf(route.alpn),
      upstream: route.upstream,
    })),
  };
}

function compileProxyProtocol(written: ListenerConfig['proxy-protocol']): ProxyProtocolPlan | null {
  if (written === undefined) return null;
  const { from, trust = from } = written;
  return { from: compilePeers(listOf(from)), trust: compilePeers(trust === 'none' ? [] : listOf(trust)) };
}

function compilePeers(peers: readonly string[]): PeersPlan {
  const networks = peers.filter((text) => text !== UNIX);
  return {
    networks: networks.map((text) => checked(parseNetwork(text).value, text)),
    unix: networks.length < peers.length,
  };
}

/** For ALPN, best first. */
const SERVER_PROTOCOLS = { http1: ['http/1.1'], http2: ['h2'], auto: ['h2', 'http/1.1'] } as const;

function compileUpstream(
  name: string,
  upstream: UpstreamConfig,
  isTcp: boolean,
  upstreamSlot: number,
  firstSlot: number,
  files: UpstreamTlsFiles | null,
  stickyKeys: StickyKeys,
): UpstreamPlan {
  const defaults = DEFAULTS.upstream;
  const timeouts = { ...defaults.timeouts, ...upstream.timeouts };
  const idle = upstream.timeouts?.idle ?? (isTcp ? defaults.timeouts.idleTcp : defaults.timeouts.idle);
  const header = upstream['proxy-protocol'];
  const proxyProtocol = typeof header === 'object' ? 'v2' : (header ?? null);
  const protocol = upstream.protocol ?? defaults.protocol;
  const tls = compileServersTls(upstream.tls, isTcp ? null : SERVER_PROTOCOLS[protocol], files?.servers ?? null);
  const port = tls === null ? defaults.httpPort : defaults.httpsPort;
  let slot = firstSlot;
  const servers: ServerPlan[] = [];
  const serverBy = upstream['server-by'];
  if (serverBy !== undefined) servers.push({ ...compileServer('any', slot, port, NO_CHECKS), name: serverBy.text });
  const checks = { protocol, proxyProtocol, tls, files: files?.checks ?? null };
  const health = upstream.health === undefined ? null : compileHealth(upstream.health, checks);
  // what a server's own check goes over
  const own = { ...checks, tls: health === null ? tls : health.tls };
  for (const server of upstream.servers ?? []) {
    const plan = compileServer(server, slot, port, own);
    slot += plan.slotCount;
    servers.push(plan);
  }
  return {
    name,
    slot: upstreamSlot,
    serverBy:
      serverBy === undefined
        ? null
        : {
            text: serverBy.text,
            known: Object.entries(serverBy.upstreams ?? {}).map(([text, known]) => [text.toLowerCase(), known]),
            asksNames: serverBy.names ?? defaults.serverBy.names,
            isLoose: serverBy.loose ?? defaults.serverBy.loose,
          },
    resolver: serverBy === undefined && upstream.resolver === undefined ? null : compileResolver(upstream.resolver),
    ...(protocol === 'http1' ? {} : { protocol }),
    ...(upstream.discover === undefined ? {} : { discovery: compileDiscovery(upstream.discover, isTcp ? null : port) }),
    balance: upstream.balance ?? defaults.balance,
    ...(upstream.sticky === undefined ? {} : { sticky: compileSticky(upstream.sticky, stickyKeys) }),
    hash: upstream.hash === undefined ? null : compileHash(upstream.hash),
    servers,
    sources: compileSources(upstream.source),
    health,
    quorum: upstream.quorum === undefined ? null : compileQuorum(upstream.quorum),
    passive: upstream.passive === undefined ? null : compilePassive(upstream.passive),
    slowStartMs: ms(upstream['slow-start'] ?? defaults.slowStart),
    timeouts: {
      connectMs: ms(timeouts.connect),
      responseMs: ms(timeouts.response),
      idleMs: ms(idle),
      queueMs: ms(timeouts.queue),
      tunnelMs: ms(timeouts.tunnel),
      halfClosedMs: ms(timeouts['half-closed']),
    },
    keepAlive: compileKeepAlive(upstream['tcp-keepalive']),
    ...compilePing(upstream.ping),
    poolIdle: upstream.pool?.idle ?? null,
    ...compileWear(upstream.pool?.requests, upstream.pool?.age),
    queueMax: upstream.queue?.max ?? defaults.queue.max,
    proxyProtocol,
    proxyTlvs: typeof header === 'object' ? [...new Set(header.tlvs)] : [],
    tls,
  };
}

function compileResolver(resolver: UpstreamConfig['resolver']): ResolverPlan {
  const {
    servers = [],
    valid,
    timeout = DEFAULTS.upstream.resolver.timeout,
    ipv4 = true,
    ipv6 = true,
  } = resolver ?? {};
  return {
    servers: listOf(servers).map((text) => checked(parseNameServer(text).value, text)),
    validMs: valid === undefined ? null : ms(valid),
    timeoutMs: ms(timeout),
    families: [...(ipv4 ? [4 as const] : []), ...(ipv6 ? [6 as const] : [])],
  };
}

function compileSources(source: UpstreamConfig['source']): readonly Address[] {
  return [...new Set(listOf(source))].map((text) => {
    const { family, address } = checked(parseIp(text).value, text);
    return { family, host: address, port: 0 };
  });
}

function compileServer(
  written: NonNullable<UpstreamConfig['servers']>[number],
  firstSlot: number,
  portWithout: number,
  checks: CheckPaths,
): ServerPlan {
  const server = typeof written === 'string' ? { address: written } : written;
  const { target, hasPort } = checked(parseServer(server.address).value, server.address);
  const port = hasPort ? target.port : portWithout;
  const service = server.service === undefined ? null : wholeService(server.service);
  const name = service === null ? server.address : `${service}.${server.address}`;
  const withPort: Address | { hostname: string; port: number } = { ...target, port };
  return {
    name: server.copy === undefined ? name : `${name}#${server.copy}`,
    target: withPort,
    ...(service === null ? {} : { service }),
    weight: server.weight ?? DEFAULTS.upstream.weight,
    state: server.state ?? DEFAULTS.upstream.state,
    maxConnections: server['max-connections'] ?? 0,
    backup: server.backup ?? false,
    ...(server.id === undefined ? {} : { id: server.id }),
    passive: server.passive === undefined ? null : compilePassive(server.passive),
    health: server.health === undefined ? null : compileHealth(server.health, checks),
    notify: server.notify === undefined ? null : compilePrograms(server.notify),
    firstSlot,
    epoch: 0,
    slotCount: slotsOfServer(server),
  };
}

/** `_http._tcp` for `http`. */
function wholeService(service: string): string {
  return service.includes('.') ? service : `_${service}._tcp`;
}

function compileHash(hash: NonNullable<UpstreamConfig['hash']>): HashKeyPlan {
  if (hash.header !== undefined) return { kind: 'header', name: hash.header.toLowerCase() };
  if (hash.cookie !== undefined) return { kind: 'cookie', name: hash.cookie };
  if (hash.text !== undefined) return { kind: 'text', text: hash.text };
  return hash.query === undefined ? { kind: 'path', name: null } : { kind: 'query', name: hash.query };
}

type UpDownConfig = NonNullable<Exclude<NonNullable<UpstreamConfig['servers']>[number], string>['notify']>;

type CheckPlace = Pick<NonNullable<UpstreamConfig['health']>, 'address' | 'port'>;

/** What checks go over, if they say nothing else. */
interface CheckPaths extends Pick<UpstreamPlan, 'proxyProtocol' | 'tls'> {
  readonly protocol: NonNullable<UpstreamConfig['protocol']>;
  readonly files: ServersTlsFiles | null;
}

const NO_CHECKS: CheckPaths = { protocol: 'http1', proxyProtocol: null, tls: null, files: null };

function compileHealth(
  health: NonNullable<UpstreamConfig['health']>,
  { protocol, proxyProtocol, tls, files }: CheckPaths,
): HealthPlan {
  const filled = { ...DEFAULTS.upstream.health, ...health };
  const protocols = health.http === undefined && health.grpc === undefined ? null : SERVER_PROTOCOLS[protocol];
  return {
    probe: compileProbe(health, protocol),
    ...compileCheckPlace(health),
    ...(health.also === undefined
      ? {}
      : {
          also: health.also.map((part) => ({
            probe: compileProbe(part, protocol),
            ...compileCheckPlace(part),
            isClear: part.tls === false,
          })),
        }),
    proxyProtocol,
    tls: health.tls === undefined ? tls : compileServersTls(health.tls, protocols, files),
    intervalMs: ms(filled.interval),
    timeoutMs: ms(filled.timeout),
    rise: filled.rise,
    fall: filled.fall,
    jitter: filled.jitter,
    retryMs: health['retry-after'] === undefined ? null : ms(health['retry-after']),
    initial: filled.initial,
  };
}

function compileCheckPlace({ address, port: written }: CheckPlace): Pick<HealthPlan, 'address' | 'port'> {
  const port = written ?? null;
  if (address === undefined) return { port };
  const { family, address: host } = checked(parseIp(address).value, address);
  return { address: { family, host }, port };
}

function compileProbe(
  health: Omit<NonNullable<UpstreamConfig['health']>, 'tls'>,
  protocol: CheckPaths['protocol'],
): HealthPlan['probe'] {
  const { method, status } = { ...DEFAULTS.upstream.health, ...health };
  if (health.mysql !== undefined) return { kind: 'mysql', user: health.mysql };
  if (health.postgres !== undefined) return { kind: 'postgres', user: health.postgres };
  if (health.grpc !== undefined) return { kind: 'grpc', service: health.grpc };
  if (health.redis !== undefined) return { kind: 'redis' };
  if (health.ssh !== undefined) return { kind: 'ssh' };
  if (health.dns !== undefined) return { kind: 'dns', name: health.dns };
  if (health.file !== undefined) return { kind: 'file', path: health.file };
  if (health.run !== undefined) {
    return {
      kind: 'run',
      command: commandOf(health.run),
      users: health.user === undefined ? null : listOf(health.user),
      saysWeight: health['exit-weight'] ?? DEFAULTS.upstream.health['exit-weight'],
    };
  }
  if (health.udp !== undefined) return { kind: 'udp', send: health.send ?? null };
  if (health.expect !== undefined) {
    const { transport = DEFAULTS.upstream.health.transport } = health;
    return { kind: 'expect', send: health.send ?? null, expect: health.expect, transport };
  }
  if (health.http === undefined) return { kind: 'tcp' };
  const statuses = listOf(status).map((one) => checked(parseStatusRange(String(one)).value, String(one)));
  return {
    kind: 'http',
    ...(protocol === 'http1' ? {} : { protocol }),
    method,
    path: health.http,
    host: health.host ?? null,
    statuses,
    body: health.body ?? null,
  };
}

function compileQuorum(quorum: NonNullable<UpstreamConfig['quorum']>): QuorumPlan {
  const { weight, hysteresis } = { ...DEFAULTS.upstream.quorum, ...quorum };
  const { up, down, stop } = quorum;
  const hasPrograms = [up, down, stop].some((program) => program !== undefined);
  return { weight, hysteresis, programs: hasPrograms ? compilePrograms(quorum) : null };
}

function compilePrograms({ up, down, stop, timeout, user }: UpDownConfig): UpDownPrograms {
  return {
    up: up === undefined ? null : commandOf(up),
    down: down === undefined ? null : commandOf(down),
    stop: stop === undefined ? null : commandOf(stop),
    timeoutMs: ms(timeout ?? DEFAULTS.upstream.notify.timeout),
    users: user === undefined ? null : listOf(user),
  };
}

function compilePassive(passive: NonNullable<UpstreamConfig['passive']>): PassivePlan {
  const { failures, within, eject } = { ...DEFAULTS.upstream.passive, ...passive };
  return { failures, withinMs: ms(within), ejectMs: ms(eject) };
}

function checked<T>(value: T | null, text: string): T {
  assert(value !== null, `${text} was checked`);
  return value;
}
