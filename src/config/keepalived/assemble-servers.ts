/** A virtual_server as a listener and an upstream of the model. */
import type { Place } from '../findings/diagnostic.ts';
import type { PlacedDocument } from './document.ts';
import type { CheckDraft, Drafts, Endpoint, Globals, RealServerDraft, UrlDraft, VirtualServerDraft } from './draft.ts';
import { formatDuration } from '../words/units.ts';
import { programUser } from './program-user.ts';
import type { KeepalivedReport } from './report.ts';

/** keepalived's own defaults, and IPVS's for what has no traffic. */
const DELAY_LOOP_MS = 60_000;
const CONNECT_TIMEOUT_MS = 5_000;
const RETRY = 1;
const RETRY_AFTER_MS = {
  tcp: 1_000,
  smtp: 1_000,
  misc: 1_000,
  http: 3_000,
  https: 3_000,
  dns: null,
  udp: 1_000,
  ping: 1_000,
  file: null,
} as const;
/** keepalived hears of it at once. */
const FILE_INTERVAL_MS = 1_000;
const IDLE = { tcp: '15m', udp: '5m' } as const;
/** keepalived sends random bytes. */
const ANY_PAYLOAD = 'keepalived check';
/** `lb_algo` may be left out. */
const BALANCE = 'least-connections';

/** `health` of the model, of an upstream or a server. */
type Check = Readonly<Record<string, unknown>>;

export function putVirtualServers(drafts: Drafts, document: PlacedDocument, report: KeepalivedReport): void {
  for (const server of drafts.virtualServers) putVirtualServer(server, drafts, document, report);
}

function putVirtualServer(
  server: VirtualServerDraft,
  drafts: Drafts,
  document: PlacedDocument,
  report: KeepalivedReport,
): void {
  const { globals, virtualServers: all } = drafts;
  const { at, place, servers, sorry } = server;
  const endpoints = endpointsOf(server, drafts, report);
  if (endpoints === null) return;
  const protocol = server.isUdp === false ? 'tcp' : 'udp';
  if (server.isUdp === undefined) {
    const what = 'without `protocol` keepalived forwards UDP, and nothing else';
    report.trap(place, what, 'write `protocol TCP`, or `protocol UDP` if that is meant');
  }
  const text = textOf(at);
  const name = `${protocol}-${typeof at === 'string' ? at : `${at.host.replace(/:/g, '-')}-${at.port}`}`;
  if (document.has(['listeners', name])) {
    // Not said where what was wrong may be that one of them is of the other protocol.
    const places = all.filter((each) => textOf(each.at) === text).map((each) => each.place);
    if (!places.some((each) => report.isWrongInside(each)))
      report.error(place, `there is a virtual_server ${text} already`, 'remove one of them');
    return;
  }
  if (servers.length === 0) {
    report.missing(place, `virtual_server ${text} has no real_server`, 'write `real_server ADDRESS PORT { }`');
    return;
  }
  const where = server.method === undefined ? place : server.method.place;
  report.trap(
    where,
    'connections are relayed: servers see an address of this node, and answer to it',
    'see docs/coming-from-keepalived.md',
  );
  const method = server.method?.value;
  if (method === 'DR' || method === 'TUN') {
    for (const each of sorry === undefined ? servers : [...servers, sorry]) {
      const other = endpoints.find(({ port }) => port !== each.port);
      if (other === undefined) continue;
      const reason = `with ${method} keepalived sends to the port of the virtual_server, ${other.port}, and not to ${each.port}`;
      report.error(each.place, reason, `write ${other.port} here, or NAT there`);
    }
  }
  const binds = endpoints.map(({ host, port }) => endpoint(host, port));
  const listener = { bind: binds.length === 1 ? binds[0] : binds, protocol, upstream: name };
  document.put(['listeners', name], protocol === 'tcp' ? listener : { ...listener, udp: { idle: IDLE.udp } }, place);
  const isPersistent = server.isPersistent?.value === true;
  if (isPersistent && server.isPersistent !== undefined) {
    report.trap(
      server.isPersistent.place,
      'a client stays with its server for as long as the server is up, without a time',
      'leave it out if clients need no server of their own',
    );
  }
  const { common, own: checks } = sharedChecks(
    servers.map((each) => checkOf(each, server, drafts, report)),
    server,
    report,
  );
  const list = servers.map(({ host: address, port: at, weight, connectionsMax }, i) => {
    const own = {
      ...((weight ?? server.weight) === undefined ? {} : { weight: weight ?? server.weight }),
      ...(connectionsMax === undefined ? {} : { 'max-connections': connectionsMax }),
      ...(checks[i] === undefined ? {} : { health: checks[i] }),
      ...notifyOf(servers[i], server, globals, report),
    };
    return Object.keys(own).length === 0 ? endpoint(address, at) : { address: endpoint(address, at), ...own };
  });
  const path = ['upstreams', name];
  const listed = sorry === undefined ? list : [...list, { address: endpoint(sorry.host, sorry.port), backup: true }];
  document.put([...path, 'balance'], isPersistent ? 'source-hash' : (server.balance ?? BALANCE), place);
  document.put([...path, 'servers'], listed, place);
  for (const [i, each] of servers.entries()) document.mark([...path, 'servers', i], each.place);
  document.put([...path, 'health'], common, place);
  putQuorum(server, [...path, 'quorum'], globals, document, report);
  if (protocol === 'tcp') document.put([...path, 'timeouts', 'idle'], IDLE.tcp, place);
}

/** As it is written. */
function textOf(at: VirtualServerDraft['at']): string {
  return typeof at === 'string' ? `group ${at}` : `${at.host} ${at.port}`;
}

/** Null, and reported: there are none. */
function endpointsOf(
  { at, place }: VirtualServerDraft,
  { serverGroups }: Drafts,
  report: KeepalivedReport,
): readonly Endpoint[] | null {
  if (typeof at !== 'string') return [at];
  const group = serverGroups.find(({ name }) => name === at);
  if (group === undefined) report.unknownName('virtual_server_group', at, place);
  else if (group.endpoints.length > 0) return group.endpoints;
  else report.missing(group.place, `virtual_server_group ${at} is empty`, 'write `ADDRESS PORT` in it');
  return null;
}

function endpoint(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

type Programs = Pick<RealServerDraft, 'up' | 'down'>;

/** One user runs both. */
function programsOf({ up, down }: Programs, isOmega: boolean, globals: Globals, report: KeepalivedReport): object {
  if (up !== undefined && down !== undefined && up.value.user !== down.value.user)
    report.notYet(down.place, 'another user', 'one user runs the programs of a server', 'write the same user at both');
  const first = up ?? down;
  if (first === undefined) return {};
  return {
    ...(up === undefined ? {} : { up: up.value.command }),
    ...(down === undefined ? {} : { down: down.value.command }),
    ...(down === undefined || !isOmega ? {} : { stop: down.value.command }),
    user: programUser(globals, first.value.user),
  };
}

/** A server that nobody checks has nothing to tell. */
function notifyOf(
  server: RealServerDraft,
  { isOmega = false }: VirtualServerDraft,
  globals: Globals,
  report: KeepalivedReport,
): { readonly notify?: object } {
  const { up, down, checks } = server;
  const first = up ?? down;
  if (first === undefined) return {};
  if (checks.length > 0) return { notify: programsOf(server, isOmega, globals, report) };
  report.trap(first.place, 'nothing checks this server: it is up, and the program is not run', 'write a check for it');
  return {};
}

function putQuorum(
  server: VirtualServerDraft,
  path: readonly string[],
  globals: Globals,
  document: PlacedDocument,
  report: KeepalivedReport,
): void {
  const { servers, quorum, hysteresis, up, down, isOmega = false, place } = server;
  const sum = servers.reduce((all, each) => all + (each.weight ?? server.weight ?? 1), 0);
  const isDynamic = servers.some(({ checks }) => checks.some(({ isDynamic }) => isDynamic === true));
  let weight = quorum?.value ?? 1;
  if (quorum !== undefined && weight > sum && !isDynamic) {
    report.trap(quorum.place, `the quorum is ${sum}: all servers together have no more weight`, `write ${sum}`);
    weight = Math.max(1, sum);
  }
  let more = hysteresis?.value ?? 0;
  if (hysteresis !== undefined && more > 0 && more >= weight) {
    report.trap(hysteresis.place, `there is no hysteresis: it is not less than the quorum, ${weight}`, 'leave it out');
    more = 0;
  }
  if (weight === 1 && up === undefined && down === undefined) return;
  const value = {
    weight,
    ...(more === 0 ? {} : { hysteresis: more }),
    ...programsOf(server, isOmega, globals, report),
  };
  document.put(path, value, quorum?.place ?? up?.place ?? down?.place ?? place);
}

/**
 * What the check of all servers is, and what each has of its own instead. TLS is that of all checks of an upstream: where one check goes over
 * TLS and others are something else, it is the common one.
 */
function sharedChecks(
  checks: readonly (Check | undefined)[],
  { servers, sorry }: VirtualServerDraft,
  report: KeepalivedReport,
): { readonly common: Check | undefined; readonly own: readonly (Check | undefined)[] } {
  const first = JSON.stringify(checks[0]);
  if (checks.every((check) => JSON.stringify(check) === first)) return { common: checks[0], own: [] };
  const at = checks.findIndex((check) => check?.tls !== undefined);
  if (at === -1) return { common: undefined, own: checks };
  const common = checks[at];
  const unlike = (place: Place, what: string, fix: string): void =>
    report.notYet(place, what, 'checks of one virtual_server go over TLS in one way', fix);
  if (sorry !== undefined)
    unlike(sorry.place, 'a sorry_server beside different checks', 'give all servers the same check');
  const own = checks.map((check, i) => {
    if (check === common) return undefined;
    if (check === undefined) {
      unlike(servers[i].place, 'no check beside SSL_GET', 'write a check');
      return undefined;
    }
    if (check.tls !== undefined && JSON.stringify(check.tls) !== JSON.stringify(common?.tls))
      unlike(servers[i].checks[0].place, 'SSL_GET with another name', 'write the same `virtualhost` in all');
    const { tls, ...rest } = check;
    return tls !== undefined || check.run !== undefined ? rest : { ...rest, tls: false };
  });
  return { common, own };
}

/** Undefined: none. Of several checks all have to pass: they become one, with the shortest interval and the most patience. */
function checkOf(
  real: RealServerDraft,
  server: VirtualServerDraft,
  drafts: Drafts,
  report: KeepalivedReport,
): Check | undefined {
  const whole = real.checks.filter((check) => {
    const { kind, program, place } = check;
    if (kind === 'file') return isFileKnown(check, drafts, report);
    if (kind !== 'misc' || program !== undefined) return true;
    report.missing(place, 'MISC_CHECK has no misc_path', 'write `misc_path "/PATH ARGUMENTS"`');
    return false;
  });
  if (whole.length === 0) return undefined;
  // TLS is that of the first part, and a program that is not there is left out of the others
  const checks = whole.toSorted((one, other) => rankOf(one) - rankOf(other));
  const times = checks.map((check) => timesOf(check, real, server));
  const [first, ...also] = checks.flatMap((check) => partsOf(check, real, server, drafts));
  const rest = also.map((part) => withoutTls(part, first, whole[0].place, report));
  const isUnlike = new Set(times.map((each) => JSON.stringify(each))).size > 1;
  if (isUnlike) {
    const what =
      'the checks of this server are made one after the other, with the shortest of their intervals, the longest of their times and the most of their retries';
    report.trap(whole[1].place, what, 'give them the same times');
  }
  return { ...first, ...(rest.length === 0 ? {} : { also: rest }), ...writtenTimes(joinedTimes(times)) };
}

/** A path is checked by the `track_file` itself. */
function isFileKnown({ file, weight, place }: CheckDraft, { files }: Drafts, report: KeepalivedReport): boolean {
  if (file === undefined) {
    report.missing(place, 'FILE_CHECK has no track_file', 'write `track_file NAME`');
    return false;
  }
  const tracked = files.find(({ name }) => name === file.value);
  if (tracked === undefined) report.unknownName('track_file', file.value, file.place);
  else if ((weight ?? tracked.weight ?? 1) !== 0)
    report.notYet(place, 'FILE_CHECK with a weight', 'a server is up or down', 'write `weight 0` in it');
  return tracked?.path !== undefined;
}

/** A part that goes over TLS where the first one does, or in clear. */
function withoutTls({ tls, ...part }: Check, first: Check, place: Place, report: KeepalivedReport): Check {
  if (JSON.stringify(tls) === JSON.stringify(first.tls) || part['run'] !== undefined) return part;
  if (tls === undefined) return { ...part, tls: false };
  const fix = 'write the same `virtualhost` in all';
  report.notYet(place, 'SSL_GET with another name', 'checks of one server go over TLS in one way', fix);
  return part;
}

function rankOf({ kind }: CheckDraft): number {
  return kind === 'https' ? 0 : kind === 'misc' || kind === 'ping' ? 2 : 1;
}

interface Times {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly fall: number;
  /** Null: the interval. */
  readonly retryMs: number | null;
  readonly isAlpha: boolean;
}

function timesOf(check: CheckDraft, real: RealServerDraft, server: VirtualServerDraft): Times {
  const { kind } = check;
  if (kind === 'file')
    return { intervalMs: FILE_INTERVAL_MS, timeoutMs: FILE_INTERVAL_MS, fall: 1, retryMs: null, isAlpha: false };
  const isMisc = kind === 'misc';
  const intervalMs = check.intervalMs ?? real.intervalMs ?? server.intervalMs ?? DELAY_LOOP_MS;
  const connectMs = real.timeoutMs ?? server.timeoutMs ?? CONNECT_TIMEOUT_MS;
  return {
    intervalMs,
    timeoutMs: check.timeoutMs ?? (isMisc ? intervalMs : connectMs),
    fall: (check.retry ?? real.retry ?? server.retry ?? (isMisc ? 0 : RETRY)) + 1,
    retryMs: check.retryMs ?? real.retryMs ?? server.retryMs ?? RETRY_AFTER_MS[kind],
    isAlpha: check.isAlpha ?? real.isAlpha ?? server.isAlpha ?? false,
  };
}

function joinedTimes(all: readonly Times[]): Times {
  const retries = all.flatMap(({ retryMs }) => (retryMs === null ? [] : [retryMs]));
  return {
    intervalMs: Math.min(...all.map(({ intervalMs }) => intervalMs)),
    timeoutMs: Math.max(...all.map(({ timeoutMs }) => timeoutMs)),
    fall: Math.max(...all.map(({ fall }) => fall)),
    retryMs: retries.length === 0 ? null : Math.min(...retries),
    isAlpha: all.some(({ isAlpha }) => isAlpha),
  };
}

function writtenTimes({ intervalMs, timeoutMs, fall, retryMs, isAlpha }: Times): Check {
  return {
    interval: formatDuration(intervalMs),
    timeout: formatDuration(timeoutMs),
    rise: 1,
    fall,
    ...(fall === 1 || retryMs === null ? {} : { 'retry-after': formatDuration(retryMs) }),
    ...(isAlpha ? { initial: 'down' } : {}),
  };
}

/** What is asked. */
function partsOf(
  check: CheckDraft,
  real: RealServerDraft,
  server: VirtualServerDraft,
  { globals, files }: Drafts,
): readonly Check[] {
  const { address, file, kind, name, port, isDynamic, isNamed, urls } = check;
  const where = { ...(address === undefined ? {} : { address }), ...(port === undefined ? {} : { port }) };
  if (kind === 'http' || kind === 'https') {
    const tls = (host: string | undefined): object => ({
      tls: tlsOfCheck(isNamed === true ? host : undefined, globals),
    });
    return (urls.length === 0 ? [{}] : urls).map((url) => {
      const host = url.host ?? check.host ?? real.virtualHost ?? server.virtualHost;
      return Object.assign(httpOf(url, host), kind === 'http' ? {} : tls(host), where);
    });
  }
  const user = programUser(globals, check.user ?? null);
  const kinds = {
    tcp: { tcp: true },
    smtp: { expect: '^220' },
    dns: { dns: name ?? '.' },
    udp: {
      ...(check.needsReply === true ? { expect: '^', transport: 'udp', send: ANY_PAYLOAD } : { udp: true }),
      ...(check.payload === undefined ? {} : { send: check.payload }),
    },
    ping: { run: check.program, user },
    file: { file: files.find((each) => each.name === file?.value)?.path?.value },
    misc: {
      run: check.program,
      user,
      ...(isDynamic === true ? { 'exit-weight': true } : {}),
    },
  };
  return [{ ...kinds[kind], ...where }];
}

function httpOf({ path, status }: UrlDraft, host: string | undefined): object {
  return {
    http: path ?? '/',
    ...(host === undefined ? {} : { host }),
    ...(status === undefined ? {} : { status: /^[0-9]+$/.test(status) ? Number(status) : status }),
  };
}

/** keepalived believes every certificate. */
function tlsOfCheck(name: string | undefined, { certificate }: Globals): object {
  return { verify: false, ...(name === undefined ? { sni: false } : { 'server-name': name }), ...certificate };
}
