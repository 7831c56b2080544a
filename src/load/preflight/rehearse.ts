/**
 * What `run` finds out by doing it, tried without doing it: listening sockets, files of access logs, and names. For `check` alone; `run` says it
 * when it does it, and goes on trying.
 */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { dirname } from 'node:path';
import { type Diagnostic, diagnose, type Path, type Problem, problem, show } from '../../config/findings/diagnostic.ts';
import type { BindPlan } from '../../config/plan/listener.ts';
import type { ListenFailure } from '../../port/host.ts';
import type { FixedSettings } from '../../api/status.ts';
import { askSystem } from '../../keeper/servers/names.ts';
import { bindText } from '../../keeper/proxies/listeners.ts';
import { systemReason } from '../../base/system-error.ts';
import { parseBind, parseHttpUrl, parseIp, parseServer, type ServerAddress } from '../../config/words/addresses.ts';
import { entriesOf, itemsOf } from '../../config/model/parts.ts';
import { tryListening } from '../../io/linux/listen.ts';
import type { Known } from '../prepare.ts';
import { rehearseDaemons } from './daemons.ts';

/** The evenkeel that runs here. */
export interface Running {
  readonly pid: number;
  /** With those that it has started: their ports are no obstacle. */
  readonly pids: ReadonlySet<number>;
  /** What it goes by if it is told to reload. Null: it stops. */
  readonly reload: Reload | null;
  /** When the configuration was set by the API that goes before the files. Null: it goes by them, or by others. */
  readonly setByApiAt: string | null;
}

/** Of a version that does not say so, settings are not known. */
interface Reload extends Partial<FixedSettings> {
  /** What it listens on, or wants to, as `bindText` writes it. */
  readonly binds: ReadonlySet<string>;
}

/** `running` null: none runs here. */
export async function rehearse(known: Known, running: Running | null): Promise<readonly Diagnostic[]> {
  return [
    ...rehearseReload(known, running),
    ...rehearseListeners(known, running),
    ...rehearseAccessLogs(known),
    ...(await rehearseNames(known)),
    ...(await rehearseDaemons(known)),
  ];
}

/** What a reload does not change. */
function rehearseReload(known: Known, running: Running | null): readonly Diagnostic[] {
  if (running === null || running.reload === null) return [];
  const { user: formerUser, node: formerNode = null, workersMax = null } = running.reload;
  const { user, node = hostname(), workers } = known.config;
  const pid = String(running.pid);
  const found: Diagnostic[] = [];
  if (running.setByApiAt !== null) {
    found.push(at(known, [], problem('set-by-api', { time: running.setByApiAt, pid })));
  }
  if (formerUser !== undefined && (user ?? null) !== formerUser) {
    found.push(at(known, ['user'], problem('takes-restart', { what: '`user`', pid })));
  }
  if (formerNode !== null && known.ha !== null && node !== formerNode) {
    found.push(at(known, ['node'], problem('takes-restart', { what: '`node`', pid })));
  }
  if (workersMax !== null && (workers ?? 0) > workersMax) {
    found.push(at(known, ['workers'], problem('no-room-for-workers', { limit: String(workersMax), pid })));
  }
  return found;
}

function rehearseListeners(known: Known, running: Running | null): readonly Diagnostic[] {
  const own = knownAddresses(known);
  const found: Diagnostic[] = [];
  let openable = 0;
  const listeners = entriesOf(known.config.listeners);
  for (const [name, listener] of listeners) {
    for (const { path, value } of itemsOf(listener.bind, ['listeners', name, 'bind'])) {
      const parsed = parseBind(value).value;
      if (parsed === null) continue;
      const bind = { ...parsed, isUdp: listener.protocol === 'udp' };
      // The kernel forwards what comes for an address, whoever has its port.
      const failure =
        listener.mode === 'kernel'
          ? null
          : tryListening({ address: bind.address, isDual: bind.dual, isUdp: bind.isUdp });
      if (failure !== null && !isTakenByOurs(failure, running)) {
        const args = { value: show(bindText(bind)), reason: failure.reason, fix: failure.remedy };
        // What could not be opened at the start goes on being tried.
        const isNew = running?.reload?.binds.has(bindText(bind)) === false;
        found.push(at(known, path, problem(isNew ? 'cannot-listen-now' : 'cannot-listen', args)));
        continue;
      }
      openable++;
      // An address that could not be read may be this one.
      const isSure = known.isWhole || known.ha !== null;
      if (isSure && isForeign(bind, own)) {
        const value = show(bindText(bind));
        const isInKernel = listener.mode === 'kernel';
        const port = String(bind.address.port);
        const warning = isInKernel
          ? problem('foreign-kernel-address', { value })
          : problem('foreign-address', { value, port });
        found.push(at(known, path, warning));
      }
    }
  }
  if (openable === 0 && listeners.length > 0 && known.isWhole) {
    const position = known.source.locate(['listeners'], 'key');
    found.push(diagnose(problem('nothing-to-listen-on', {}), position));
  }
  return found;
}

function rehearseAccessLogs(known: Known): readonly Diagnostic[] {
  return entriesOf(known.config['access-logs']).flatMap(([name, { file }]) => {
    const reason = file === undefined ? null : whyUnwritable(file);
    if (reason === null) return [];
    return [at(known, ['access-logs', name, 'file'], problem('cannot-open-log', { value: show(file!), reason }))];
  });
}

/** For people; null: lines can be added to it, or it can be made. */
function whyUnwritable(file: string): string | null {
  try {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found?.isDirectory() === true) return 'it is a folder';
    const folder = dirname(file);
    if (found === undefined && !existsSync(folder)) return `there is no folder ${folder}`;
    accessSync(found === undefined ? folder : file, constants.W_OK);
    return null;
  } catch (error) {
    return systemReason(error);
  }
}

function isTakenByOurs({ code, ownerPid }: ListenFailure, running: Running | null): boolean {
  return code === 'EADDRINUSE' && ownerPid !== null && running?.pids.has(ownerPid) === true;
}

/** Those of this machine, and those that come to it. */
function knownAddresses({ config, ha }: Known): ReadonlySet<string> {
  const own = Object.values(networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).map(({ address }) => address),
  );
  const virtual = (ha?.vip.routers ?? []).flatMap(({ addresses, excluded }) => {
    return [...addresses, ...excluded].map(({ address }) => address);
  });
  const announced = entriesOf(config.announce).flatMap(([, { addresses }]) =>
    itemsOf(addresses, []).map(({ value }) => parseIp(value).value?.address ?? value),
  );
  return new Set([...own, ...virtual, ...announced]);
}

function isForeign({ address, dual }: BindPlan, own: ReadonlySet<string>): boolean {
  const isWildcard = dual || address.family === 0 || address.host === '0.0.0.0' || address.host === '::';
  // All of 127.0.0.0/8 is this machine.
  return !isWildcard && !address.host.startsWith('127.') && !own.has(address.host);
}

/** Names of servers and witnesses that do not resolve. */
export async function rehearseNames(known: Known): Promise<readonly Diagnostic[]> {
  const places = namesOf(known);
  const found = await Promise.all(
    [...places].map(async ([hostname, path]) => {
      const reason = await whyUnresolved(hostname);
      return reason === null ? [] : [at(known, path, problem('unresolved-name', { value: show(hostname), reason }))];
    }),
  );
  return found.flat();
}

/** Each with the first place where it is written. */
function namesOf({ config }: Known): ReadonlyMap<string, Path> {
  const places = new Map<string, Path>();
  const add = (target: ServerAddress['target'] | undefined, path: Path): void => {
    if (target !== undefined && 'hostname' in target && !places.has(target.hostname)) places.set(target.hostname, path);
  };
  const addServer = (text: string | undefined, path: Path): void => {
    if (text !== undefined) add(parseServer(text).value?.target, path);
  };
  for (const [name, upstream] of entriesOf(config.upstreams)) {
    // the system's resolver may well not know them
    if (upstream.resolver !== undefined) continue;
    for (const { path, value } of itemsOf(upstream.servers, ['upstreams', name, 'servers'])) {
      if (typeof value === 'string') addServer(value, path);
      else if (value.service === undefined) addServer(value.address, [...path, 'address']);
    }
  }
  for (const [name, router] of entriesOf(config.ha)) {
    for (const { path, value } of itemsOf(router.guard?.witnesses?.of, ['ha', name, 'guard', 'witnesses', 'of'])) {
      addServer(value.tcp, [...path, 'tcp']);
      if (value.http !== undefined) add(parseHttpUrl(value.http).value?.target, [...path, 'http']);
    }
  }
  return places;
}

/** How long a name server may take before it is said that it does not answer. */
const ANSWER_MS_MAX = 5_000;

async function whyUnresolved(hostname: string): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no answer within ${ANSWER_MS_MAX / 1000} s`), ANSWER_MS_MAX);
  });
  const asked = askSystem(hostname).then(
    ({ addresses }) => (addresses.length === 0 ? 'the answer has no address' : null),
    (error: unknown) => systemReason(error),
  );
  try {
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
}

function at({ source }: Known, path: Path, found: Problem): Diagnostic {
  return diagnose(found, source.locate(path, 'value'));
}
