/**
 * What another plan changes, for people: `listener web: routes changed`, `upstream api: server 10.0.0.3:80 added`. Parts are
 * known by their names; positions do not count.
 */
import { DEFAULTS } from '../model/defaults.ts';
import type { ListenerPlan } from './listener.ts';
import type { Plan } from './plan.ts';
import type { ServerPlan, UpstreamPlan } from './upstream.ts';

export function planChanges(from: Plan, to: Plan): readonly string[] {
  const changes = [
    ...changesOf('listener', from.listeners, to.listeners, (before, after) =>
      changedParts(namedListener(before, from), namedListener(shareOf(after, to, before, from), to)),
    ),
    ...changesOf('upstream', from.upstreams, to.upstreams, upstreamChanges),
    ...changesOf('value', from.values, to.values, wholeChanges),
    ...changesOf('file', checkFilesOf(from), checkFilesOf(to), wholeChanges),
    ...changesOf('access log', from.accessLogs, to.accessLogs, wholeChanges),
  ];
  if (from.files !== null && to.files !== null && from.files.user !== to.files.user)
    changes.push('files: user changed');
  if (JSON.stringify(from.admin) !== JSON.stringify(to.admin)) changes.push('admin: bind changed');
  if (JSON.stringify(from.maintenance) !== JSON.stringify(to.maintenance)) changes.push('maintenance changed');
  if (from.workers !== to.workers) changes.push('workers changed');
  if (from.graceMs !== to.graceMs) changes.push('grace changed');
  if (from.drainMs !== to.drainMs) changes.push('drain changed');
  return changes;
}

function changesOf<T extends { readonly name: string }>(
  what: string,
  from: readonly T[],
  to: readonly T[],
  compare: (before: T, after: T) => readonly string[],
): string[] {
  const former = new Map(from.map((one) => [one.name, one]));
  const changes: string[] = [];
  for (const after of to) {
    const before = former.get(after.name);
    former.delete(after.name);
    if (before === undefined) changes.push(`${what} ${after.name} added`);
    else changes.push(...compare(before, after).map((change) => `${what} ${after.name}: ${change}`));
  }
  for (const name of former.keys()) changes.push(`${what} ${name} removed`);
  return changes;
}

/** With its upstream by its name, which stays when positions change, and each limit and time below its key. */
function namedListener(listener: ListenerPlan, { upstreams }: Plan): object {
  const { upstream, slot: _, counted: _counted, inKernel, wear, limits, timeouts, ...rest } = listener;
  const worn = {
    limits: { ...limits, requests: wear?.requests ?? 0 },
    timeouts: { ...timeouts, ageMs: wear?.ageMs ?? 0 },
  };
  const way =
    inKernel === undefined
      ? { mode: 'relay', forward: DEFAULTS.listener.forward }
      : { mode: 'kernel', forward: inKernel };
  return { ...rest, ...worn, ...way, upstream: upstreams[upstream]?.name ?? '' };
}

/** What is configured for all proxies is shared among them: another share of the same is no change of the listener. */
function shareOf(after: ListenerPlan, to: Plan, before: ListenerPlan, from: Plan): ListenerPlan {
  const { connections } = before.limits;
  const isSame =
    connections * from.workers > (after.limits.connections - 1) * to.workers &&
    after.limits.connections * to.workers > (connections - 1) * from.workers;
  return isSame ? { ...after, limits: { ...after.limits, connections } } : after;
}

/** The files that they come from: what else there is of them is a part of routes. */
function checkFilesOf({ credentials }: Plan): readonly { readonly name: string }[] {
  return (credentials?.checks ?? []).flatMap((check) => {
    const file = check.kind === 'password' ? check : check.file;
    return file === null ? [] : [{ name: file.path, text: file.text }];
  });
}

function wholeChanges(before: object, after: object): readonly string[] {
  return isSame(before, after) ? [] : ['changed'];
}

function upstreamChanges(before: UpstreamPlan, after: UpstreamPlan): readonly string[] {
  const { servers: former, slot: _former, ...formerRest } = withOwnHealth(before);
  const { servers, slot: _slot, ...rest } = withOwnHealth(after);
  return [
    ...changesOf('server', former, servers, (one, other) =>
      changedKeys(withoutPlace(one), withoutPlace(other)).map((key) => `${key} changed`),
    ),
    ...changedParts(formerRest, rest),
  ];
}

/** Without what its checks have from the upstream: a change of that is told once. */
function withOwnHealth(upstream: UpstreamPlan): UpstreamPlan {
  const { health, tls } = upstream;
  const over = health === null ? tls : health.tls;
  const servers = upstream.servers.map((server) => {
    if (server.health === null) return server;
    const isInClear = server.health.tls === null && over !== null;
    return { ...server, health: { ...server.health, proxyProtocol: null, tls: isInClear ? over : null } };
  });
  if (health === null) return { ...upstream, servers };
  // by identity: `health.tls` may be written, and say the same
  const own = { ...health, proxyProtocol: null, tls: health.tls === tls ? null : health.tls };
  return { ...upstream, servers, health: own };
}

/** Where the plan's name is not the configuration's. */
const KEYS: Readonly<Record<string, string>> = {
  binds: 'bind',
  accessLogs: 'access-log',
  slowStartMs: 'slow-start',
  poolIdle: 'pool',
  wear: 'pool',
  keepAlive: 'tcp-keepalive',
  queueMax: 'queue',
  proxyProtocol: 'proxy-protocol',
  proxyTlvs: 'proxy-protocol',
};

/** By their names in the configuration, of which several keys of the plan may be one. */
function changedParts(before: object, after: object): readonly string[] {
  return [...new Set(changedKeys(before, after).map((key) => `${KEYS[key] ?? key} changed`))];
}

function withoutPlace({ firstSlot: _first, slotCount: _count, epoch: _epoch, ...rest }: ServerPlan): object {
  return rest;
}

function changedKeys(before: object, after: object): readonly string[] {
  const former = before as Readonly<Record<string, unknown>>;
  const latter = after as Readonly<Record<string, unknown>>;
  const keys = [...new Set([...Object.keys(former), ...Object.keys(latter)])];
  return keys.filter((key) => !isSame(former[key], latter[key]));
}

/** Routes are a long text. */
function isSame(before: unknown, after: unknown): boolean {
  return typeof before === 'string' ? before === after : JSON.stringify(before) === JSON.stringify(after);
}
