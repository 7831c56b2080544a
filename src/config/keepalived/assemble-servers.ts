/** A virtual_server as a listener and an upstream of the model. */
import type { PlacedDocument } from './document.ts';
import type { CheckDraft, Drafts, Globals, RealServerDraft, VirtualServerDraft } from './draft.ts';
import { formatDuration } from '../units.ts';
import { programUser } from './program-user.ts';
import type { KeepalivedReport } from './report.ts';

/** keepalived's own defaults, and IPVS's for what has no traffic. */
const DELAY_LOOP_MS = 60_000;
const CONNECT_TIMEOUT_MS = 5_000;
const RETRY = 1;
const RETRY_AFTER_MS = { tcp: 1_000, smtp: 1_000, misc: 1_000, http: 3_000, dns: null } as const;
const IDLE = { tcp: '15m', udp: '5m' } as const;
/** `lb_algo` may be left out. */
const BALANCE = 'least-connections';

export function putVirtualServers(drafts: Drafts, document: PlacedDocument, report: KeepalivedReport): void {
  for (const server of drafts.virtualServers) putVirtualServer(server, drafts, document, report);
}

function putVirtualServer(
  server: VirtualServerDraft,
  { virtualServers: all, globals }: Drafts,
  document: PlacedDocument,
  report: KeepalivedReport,
): void {
  const { host, port, place, servers, sorry } = server;
  const protocol = server.isUdp === false ? 'tcp' : 'udp';
  if (server.isUdp === undefined) {
    const what = 'without `protocol` keepalived forwards UDP, and nothing else';
    report.trap(place, what, 'write `protocol TCP`, or `protocol UDP` if that is meant');
  }
  const name = `${protocol}-${host.replace(/:/g, '-')}-${port}`;
  if (document.has(['listeners', name])) {
    // Not said where what was wrong may be that one of them is of the other protocol.
    const places = all.filter((each) => each.host === host && each.port === port).map((each) => each.place);
    if (!places.some((each) => report.isWrongInside(each)))
      report.error(place, `there is a virtual_server ${host} ${port} already`, 'remove one of them');
    return;
  }
  if (servers.length === 0) {
    report.missing(place, `virtual_server ${host} ${port} has no real_server`, 'write `real_server ADDRESS PORT { }`');
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
      if (each.port === port) continue;
      const reason = `with ${method} keepalived sends to the port of the virtual_server, ${port}, and not to ${each.port}`;
      report.error(each.place, reason, `write ${port} here, or NAT there`);
    }
  }
  const listener = { bind: endpoint(host, port), protocol, upstream: name };
  document.put(['listeners', name], protocol === 'tcp' ? listener : { ...listener, udp: { idle: IDLE.udp } }, place);
  const isPersistent = server.isPersistent?.value === true;
  if (isPersistent && server.isPersistent !== undefined) {
    report.trap(
      server.isPersistent.place,
      'a client stays with its server for as long as the server is up, without a time',
      'leave it out if clients need no server of their own',
    );
  }
  const checks = servers.map((each) => checkOf(each, server, globals, report));
  const common = JSON.stringify(checks[0]);
  const isCommon = checks.every((check) => JSON.stringify(check) === common);
  const list = servers.map(({ host: address, port: at, weight, connectionsMax }, i) => {
    const own = {
      ...((weight ?? server.weight) === undefined ? {} : { weight: weight ?? server.weight }),
      ...(connectionsMax === undefined ? {} : { 'max-connections': connectionsMax }),
      ...(isCommon || checks[i] === undefined ? {} : { health: checks[i] }),
      ...notifyOf(servers[i], server, globals, report),
    };
    return Object.keys(own).length === 0 ? endpoint(address, at) : { address: endpoint(address, at), ...own };
  });
  const path = ['upstreams', name];
  const listed = sorry === undefined ? list : [...list, { address: endpoint(sorry.host, sorry.port), backup: true }];
  document.put([...path, 'balance'], isPersistent ? 'source-hash' : (server.balance ?? BALANCE), place);
  document.put([...path, 'servers'], listed, place);
  for (const [i, each] of servers.entries()) document.mark([...path, 'servers', i], each.place);
  if (isCommon) document.put([...path, 'health'], checks[0], place);
  putQuorum(server, [...path, 'quorum'], globals, document, report);
  if (protocol === 'tcp') document.put([...path, 'timeouts', 'idle'], IDLE.tcp, place);
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
  const isDynamic = servers.some(({ checks }) => checks[0]?.isDynamic === true);
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

/** Undefined: none. */
function checkOf(
  real: RealServerDraft,
  server: VirtualServerDraft,
  globals: Globals,
  report: KeepalivedReport,
): unknown {
  const { checks } = real;
  if (checks.length > 1)
    report.notYet(checks[1].place, 'a second check', 'a server has one check', 'leave one of them out');
  if (checks.length === 0) return undefined;
  const [{ kind, program, place }] = checks;
  if (kind === 'misc' && program === undefined) {
    report.missing(place, 'MISC_CHECK has no misc_path', 'write `misc_path "/PATH ARGUMENTS"`');
    return undefined;
  }
  return healthOfCheck(checks[0], real, server, globals);
}

function healthOfCheck(
  check: CheckDraft,
  real: RealServerDraft,
  server: VirtualServerDraft,
  globals: Globals,
): unknown {
  const { kind, name, path, status, port, isDynamic } = check;
  const host = check.host ?? real.virtualHost ?? server.virtualHost;
  const kinds = {
    tcp: { tcp: true },
    smtp: { expect: '^220' },
    dns: { dns: name ?? '.' },
    misc: {
      run: check.program,
      user: programUser(globals, check.user ?? null),
      ...(isDynamic === true ? { 'exit-weight': true } : {}),
    },
    http: {
      http: path ?? '/',
      ...(host === undefined ? {} : { host }),
      ...(status === undefined ? {} : { status: /^[0-9]+$/.test(status) ? Number(status) : status }),
    },
  };
  const intervalMs = check.intervalMs ?? real.intervalMs ?? server.intervalMs ?? DELAY_LOOP_MS;
  const isMisc = kind === 'misc';
  const connectMs = real.timeoutMs ?? server.timeoutMs ?? CONNECT_TIMEOUT_MS;
  const fall = (check.retry ?? real.retry ?? server.retry ?? (isMisc ? 0 : RETRY)) + 1;
  const retryMs = check.retryMs ?? real.retryMs ?? server.retryMs ?? RETRY_AFTER_MS[kind];
  const isAlpha = check.isAlpha ?? real.isAlpha ?? server.isAlpha ?? false;
  return {
    ...kinds[kind],
    ...(port === undefined ? {} : { port }),
    interval: formatDuration(intervalMs),
    timeout: formatDuration(check.timeoutMs ?? (isMisc ? intervalMs : connectMs)),
    rise: 1,
    fall,
    ...(fall === 1 || retryMs === null ? {} : { 'retry-after': formatDuration(retryMs) }),
    ...(isAlpha ? { initial: 'down' } : {}),
  };
}
