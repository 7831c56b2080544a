/**
 * Config to the plan of one node's virtual routers. The Config has passed the checks, for this node, so that nothing can be
 * wrong any more; what is in key files is read by the caller.
 */
import { ms } from './checked.ts';
import { compileEtcd } from './etcd.ts';
import { assert } from '../../base/assert.ts';
import { isLinkLocal, parseCidr, parseHttpUrl, parseIp, parseServer } from '../words/addresses.ts';
import { DEFAULTS } from '../model/defaults.ts';
import type { Parsed } from '../findings/diagnostic.ts';
import { commandOf } from '../words/command.ts';
import type {
  FilePlan,
  HaPlan,
  HaRouterPlan,
  NotifyPlan,
  ProcessPlan,
  ScriptPlan,
  ServesPlan,
  WatchPlan,
  LeasePlan,
  WitnessesPlan,
  WitnessPlan,
} from '../plan/ha.ts';
import { compileRoute, compileRule } from './routing.ts';
import type { VrrpKey } from '../key-file.ts';
import type { Config, Loose } from '../model/config.ts';
import type { NotifyConfig, VirtualRouterConfig } from '../model/ha.ts';
import { entriesOf, listOf } from '../model/parts.ts';
import { forNode } from '../model/per-node.ts';
import type { AddressPlan, UnicastPlan, VirtualRouterPlan } from '../plan/vip.ts';

type TrackConfig = NonNullable<VirtualRouterConfig['track']>[number];
type ScriptConfig = NonNullable<TrackConfig['script']>;

/**
 * The shortest life of an address that a kernel knows is a second: below this, the machine of an evenkeel that died still
 * has its addresses when a peer's patience ends, and would answer the probe.
 */
const PROBED_ADVERTISE_MS_MIN = 500;

/** Is always up, and what this machine sends itself comes in there. */
const LOOPBACK = 'lo';

/** By the path of their file. */
export type KeyFiles = ReadonlyMap<string, readonly VrrpKey[]>;

export const NO_KEY_FILES: KeyFiles = new Map();

/** The key files that a configuration names, each once, with the router that names it first. */
export function keyFilesOf(config: Loose<Config>): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const [name, router] of entriesOf(config.ha)) {
    const file = router.unicast?.key;
    if (file !== undefined && !files.has(file)) files.set(file, name);
  }
  return files;
}

/** Null: there is no `ha`. */
export function compileHa(config: Pick<Config, 'ha' | 'listeners'>, node: string, keys: KeyFiles): HaPlan | null {
  if (config.ha === undefined) return null;
  const hasListeners = Object.keys(config.listeners ?? {}).length > 0;
  const vipRouters: VirtualRouterPlan[] = [];
  const routers: HaRouterPlan[] = [];
  const watches: WatchPlan[] = [];
  const indexes = new Map<string, number>();
  for (const [name, router] of Object.entries(config.ha)) {
    const tracks = router.track ?? (hasListeners ? [{ proxy: true as const }] : []);
    const own = tracks.map((track) => compileWatch(track, node));
    const vip = compileRouter(name, router, node, keys, compileTracked(tracks, own));
    const unwatched = otherInterfaces(vip);
    vipRouters.push({ ...vip, tracked: [...vip.tracked, ...unwatched] });
    routers.push({
      name,
      watches: [
        ...own.map((watch) => {
          if (watch.kind === 'interface') return null;
          const key = JSON.stringify(watch);
          const index = indexes.get(key) ?? watches.push(watch) - 1;
          indexes.set(key, index);
          return index;
        }),
        ...unwatched.map(() => null),
      ],
      witnesses: compileWitnesses(router),
      lease: compileLease(name, router),
      serves: compileServes(router),
      notify: listOf(router.notify).map((notify) => compileNotify(notify, name, router.group ?? '')),
    });
  }
  return { node, vip: { routers: vipRouters }, watches, routers };
}

function compileRouter(
  name: string,
  router: VirtualRouterConfig,
  node: string,
  keys: KeyFiles,
  tracked: VirtualRouterPlan['tracked'],
): VirtualRouterPlan {
  const { guard } = router;
  const interfaceName = forNode(router.interface, node);
  const addresses = router.addresses.map((address) => compileAddress(address, interfaceName, node));
  const preempt = forNode(router.preempt ?? DEFAULTS.ha.preempt, node);
  const source = router.unicast?.source === undefined ? null : ipText(forNode(router.unicast.source, node));
  const keyFile = router.unicast?.key;
  return {
    name,
    slot: 0,
    interfaceName,
    family: familyOf(addresses[0]),
    version: router.version ?? DEFAULTS.ha.version,
    virtualRouterId: router['router-id'],
    priority: forNode(router.priority ?? DEFAULTS.ha.priority, node),
    intervalUs: advertiseMs(router) * 1000,
    // A link-local one first: RFC 9568 section 5.2.9.
    addresses: addresses.sort((a, b) => Number(isLinkLocal(b.address)) - Number(isLinkLocal(a.address))),
    excluded: (router.excluded ?? []).map((address) => compileAddress(address, interfaceName, node)),
    routes: (router.routes ?? []).map((route) => compileRoute(route, node)),
    rules: (router.rules ?? []).map((rule) => compileRule(rule, node)),
    hasVirtualMac: forNode(router['virtual-mac'] ?? DEFAULTS.ha.virtualMac, node),
    preempt: preempt !== false,
    preemptDelayUs: typeof preempt === 'boolean' ? 0 : ms(preempt.delay) * 1000,
    startDelayUs: ms(router['start-delay'] ?? DEFAULTS.ha.startDelay) * 1000,
    group: router.group ?? null,
    source,
    unicast: router.unicast === undefined ? null : compileUnicast(router.unicast, node, source),
    password: router.auth?.pass ?? null,
    keys: keyFile === undefined ? [] : (keys.get(keyFile) ?? []),
    checksum: 'mirror',
    tracked,
    guard: {
      probesAddresses: forNode(guard?.['arp-probe'] ?? advertiseMs(router) >= PROBED_ADVERTISE_MS_MIN, node),
      gateway: guard?.gateway === undefined ? null : ipText(forNode(guard.gateway, node)),
      hasWitnesses: guard?.witnesses !== undefined,
      hasLease: guard?.lease !== undefined,
    },
  };
}

function compileAddress(
  written: VirtualRouterConfig['addresses'][number],
  ownInterface: string,
  node: string,
): AddressPlan {
  const text = typeof written === 'string' ? written : written.address;
  const { address, bits } = checked(parseCidr(text), text);
  const { interface: elsewhere = ownInterface, label } = typeof written === 'string' ? {} : written;
  const there = forNode(elsewhere, node);
  return {
    address,
    prefixLength: bits,
    ...(there === ownInterface ? {} : { interfaceName: there }),
    ...(label === undefined ? {} : { label: forNode(label, node) }),
  };
}

function familyOf({ address }: AddressPlan): 4 | 6 {
  return address.includes(':') ? 6 : 4;
}

/** Where there are addresses, routes and rules too must be well, also if nobody has written that. */
function otherInterfaces(vip: VirtualRouterPlan): VirtualRouterPlan['tracked'] {
  const { addresses, excluded, routes, rules, tracked } = vip;
  const names = new Set([
    ...[...addresses, ...excluded].flatMap(({ interfaceName = [] }) => interfaceName),
    ...routes.flatMap(({ interfaceName }) => interfaceName ?? []),
    ...rules.flatMap(({ inInterface, outInterface }) => [inInterface ?? [], outInterface ?? []].flat()),
  ]);
  return [...names]
    .filter((name) => name !== vip.interfaceName && name !== LOOPBACK)
    .filter((name) => !tracked.some(({ interfaceName }) => interfaceName === name))
    .map((interfaceName) => ({ name: `interface ${interfaceName}`, weight: 0, interfaceName }));
}

function compileUnicast(
  unicast: NonNullable<VirtualRouterConfig['unicast']>,
  node: string,
  source: string | null,
): UnicastPlan {
  const peers = forNode(unicast.peers, node).map(ipText);
  return {
    peers: [...new Set(peers)].filter((peer) => peer !== source),
    ttlMin: unicast['min-ttl'] ?? DEFAULTS.ha.minTtl,
  };
}

// --- what is tracked ---

export function compileWatch(track: TrackConfig, node: string): WatchPlan {
  if (track.interface !== undefined) return { kind: 'interface', interfaceName: forNode(track.interface, node) };
  if (track.script !== undefined) return compileScript(track.script);
  if (track.process !== undefined) return compileProcess(track.process);
  if (track.file !== undefined) return compileFile(track.file);
  if (track.upstream !== undefined) return { kind: 'upstream', upstream: track.upstream };
  return { kind: 'proxy' };
}

function compileProcess(written: NonNullable<TrackConfig['process']>): ProcessPlan {
  const { match: exact } = DEFAULTS.ha.process;
  if (typeof written === 'string') return { kind: 'process', processName: written, arguments: null, match: exact };
  const { name, arguments: args, match = exact } = written;
  return { kind: 'process', processName: name, arguments: args, match };
}

function compileFile(written: NonNullable<TrackConfig['file']>): FilePlan {
  if (typeof written === 'string') return { kind: 'file', path: written, init: null };
  const { path, init, overwrite: isOverwriting = false } = written;
  return { kind: 'file', path, init: init === undefined ? null : { value: init, isOverwriting } };
}

function compileScript(script: ScriptConfig): ScriptPlan {
  const defaults = DEFAULTS.ha.script;
  return {
    kind: 'script',
    name: script.name ?? null,
    run: commandOf(script.run),
    recover: script.recover === undefined ? null : commandOf(script.recover),
    recoverTimeoutMs: ms(script['recover-timeout'] ?? defaults.recoverTimeout),
    intervalMs: ms(script.interval ?? defaults.interval),
    timeoutMs: ms(script.timeout ?? defaults.timeout),
    rise: script.rise ?? defaults.rise,
    fall: script.fall ?? defaults.fall,
    user: script.user === undefined ? null : listOf(script.user),
  };
}

function compileTracked(tracks: readonly TrackConfig[], watches: readonly WatchPlan[]): VirtualRouterPlan['tracked'] {
  const names = watchNames(watches);
  return tracks.map((track, i) => {
    const watch = watches[i];
    return {
      name: names[i],
      weight: track.weight ?? track.script?.weight ?? DEFAULTS.ha.weight,
      interfaceName: watch.kind === 'interface' ? watch.interfaceName : null,
    };
  });
}

/** Of things that are tracked together: different ones. */
export function watchNames(watches: readonly WatchPlan[]): readonly string[] {
  const short = watches.map(watchName);
  return watches.map((watch, i) => {
    const isShared = short.some((name, j) => j !== i && name === short[i]);
    return isShared ? longName(watch) : short[i];
  });
}

/** Where the short name is another one's too. */
function longName(watch: WatchPlan): string {
  if (watch.kind === 'script' && watch.name === null) return `script ${watch.run.join(' ')}`;
  if (watch.kind === 'process' && watch.arguments !== null) {
    return `process ${watch.processName} ${watch.arguments.join(' ')}`;
  }
  return watchName(watch);
}

/** As the log and the status call it: `interface eth1`, `script check-nginx.sh`, `script chk_nginx`. */
export function watchName(watch: WatchPlan): string {
  if (watch.kind === 'proxy') return 'proxy';
  if (watch.kind === 'interface') return `interface ${watch.interfaceName}`;
  if (watch.kind === 'file') return `file ${watch.path}`;
  if (watch.kind === 'process') return `process ${watch.processName}`;
  if (watch.kind === 'upstream') return `upstream ${watch.upstream}`;
  return `script ${watch.name ?? watch.run[0].slice(watch.run[0].lastIndexOf('/') + 1)}`;
}

// --- who is asked ---

function compileWitnesses(router: VirtualRouterConfig): WitnessesPlan | null {
  const witnesses = router.guard?.witnesses;
  if (witnesses === undefined) return null;
  return {
    of: witnesses.of.map(compileWitness),
    quorum: witnesses.quorum ?? Math.floor(witnesses.of.length / 2) + 1,
    advertiseMs: advertiseMs(router),
  };
}

function compileLease(router: string, { guard }: VirtualRouterConfig): LeasePlan | null {
  const lease = guard?.lease;
  if (lease === undefined) return null;
  return {
    ...compileEtcd(lease.etcd, lease),
    key: lease.key ?? `/evenkeel/${router}`,
    ttlMs: ms(lease.ttl ?? DEFAULTS.ha.lease.ttl),
  };
}

function compileServes({ guard }: VirtualRouterConfig): ServesPlan | null {
  const serves = guard?.serves;
  return serves === undefined ? null : { port: serves.port, http: serves.http ?? null };
}

function compileWitness({ tcp = '', http }: { readonly tcp?: string; readonly http?: string }): WitnessPlan {
  if (http === undefined) return { name: tcp, target: checked(parseServer(tcp), tcp).target, http: null };
  const { target, authority, path } = checked(parseHttpUrl(http), http);
  return { name: http, target, http: { path, host: authority } };
}

// --- what is run ---

function compileNotify(notify: NotifyConfig, router: string, group: string): NotifyPlan {
  const { active, backup, fault, stop, user, fifo, reader } = notify;
  const users = user === undefined ? null : listOf(user);
  const { timeout, arguments: told } = { ...DEFAULTS.ha.notify, ...notify };
  const whose = {
    router: { whose: 'INSTANCE', name: router, priority: null },
    group: { whose: 'GROUP', name: group, priority: 0 },
  } as const;
  return {
    active: active === undefined ? null : commandOf(active),
    backup: backup === undefined ? null : commandOf(backup),
    fault: fault === undefined ? null : commandOf(fault),
    stop: stop === undefined ? null : commandOf(stop),
    told: told === 'none' ? null : whose[told],
    timeoutMs: ms(timeout),
    user: users,
    fifo:
      fifo === undefined ? null : { path: fifo, reader: reader === undefined ? null : commandOf(reader), user: users },
  };
}

function advertiseMs(router: VirtualRouterConfig): number {
  return ms(router.advertise ?? DEFAULTS.ha.advertise);
}

function ipText(text: string): string {
  return checked(parseIp(text), text).address;
}

function checked<T>({ value }: Parsed<T>, text: string): T {
  assert(value !== null, `${text} was checked`);
  return value;
}
