/** A virtual_server as a listener and an upstream of the model. */
import type { PlacedDocument } from './document.ts';
import type { CheckDraft, VirtualServerDraft } from './draft.ts';
import { formatDuration } from '../units.ts';
import type { KeepalivedReport } from './report.ts';

/** keepalived's own defaults, and IPVS's for what has no traffic. */
const DELAY_LOOP_MS = 60_000;
const CONNECT_TIMEOUT_MS = 5_000;
const RETRY = 1;
const IDLE = { tcp: '15m', udp: '5m' } as const;
/** `lb_algo` may be left out. */
const BALANCE = 'least-connections';

export function putVirtualServers(
  all: readonly VirtualServerDraft[],
  document: PlacedDocument,
  report: KeepalivedReport,
): void {
  for (const server of all) putVirtualServer(server, all, document, report);
}

function putVirtualServer(
  server: VirtualServerDraft,
  all: readonly VirtualServerDraft[],
  document: PlacedDocument,
  report: KeepalivedReport,
): void {
  const { host, port, place, servers, sorry } = server;
  const protocol = server.isUdp === true ? 'udp' : 'tcp';
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
  const list = servers.map((each) => {
    const address = endpoint(each.host, each.port);
    const { weight, connectionsMax } = each;
    return weight === undefined && connectionsMax === undefined
      ? address
      : {
          address,
          ...(weight === undefined ? {} : { weight }),
          ...(connectionsMax === undefined ? {} : { 'max-connections': connectionsMax }),
        };
  });
  const path = ['upstreams', name];
  const listed = sorry === undefined ? list : [...list, { address: endpoint(sorry.host, sorry.port), backup: true }];
  document.put([...path, 'balance'], isPersistent ? 'source-hash' : (server.balance ?? BALANCE), place);
  document.put([...path, 'servers'], listed, place);
  for (const [i, each] of servers.entries()) document.mark([...path, 'servers', i], each.place);
  document.put([...path, 'health'], healthOf(server, report), place);
  if (protocol === 'tcp') document.put([...path, 'timeouts', 'idle'], IDLE.tcp, place);
}

function endpoint(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** One check for all servers of an upstream; undefined: there is none. */
function healthOf(server: VirtualServerDraft, report: KeepalivedReport): unknown {
  const [first] = server.servers;
  const texts = server.servers.map(({ checks }) => JSON.stringify(checks.map((check) => healthOfCheck(check, server))));
  const other = texts.findIndex((text) => text !== texts[0]);
  if (other >= 0) {
    const places = server.servers.map(({ place }) => place);
    if ([places[0], places[other]].some((place) => report.isWrongInside(place, places))) return undefined;
    const reason = 'all servers of an upstream are checked in the same way';
    report.notYet(
      server.servers[other].place,
      'a check of its own',
      reason,
      'write the same check at each `real_server`',
    );
    return undefined;
  }
  if (first.checks.length > 1) {
    report.notYet(first.checks[1].place, 'a second check', 'a server has one check', 'leave one of them out');
    return undefined;
  }
  return first.checks.length === 0 ? undefined : healthOfCheck(first.checks[0], server);
}

function healthOfCheck(check: CheckDraft, server: VirtualServerDraft): unknown {
  const { kind, name, path, status, port } = check;
  const host = check.host ?? server.virtualhost;
  const kinds = {
    tcp: { tcp: true },
    smtp: { expect: '^220' },
    dns: { dns: name ?? '.' },
    http: {
      http: path ?? '/',
      ...(host === undefined ? {} : { host }),
      ...(status === undefined ? {} : { status: /^[0-9]+$/.test(status) ? Number(status) : status }),
    },
  };
  return {
    ...kinds[kind],
    ...(port === undefined ? {} : { port }),
    interval: formatDuration(server.delayLoopMs ?? DELAY_LOOP_MS),
    timeout: formatDuration(check.timeoutMs ?? server.connectTimeoutMs ?? CONNECT_TIMEOUT_MS),
    rise: 1,
    fall: (check.retry ?? server.retry ?? RETRY) + 1,
  };
}
