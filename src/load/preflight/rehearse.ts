/**
 * What `run` finds out by doing it, tried without doing it: listening sockets and names. For `check` alone; `run` says it
 * when it does it, and goes on trying.
 */
import { networkInterfaces } from 'node:os';
import { type Diagnostic, diagnose, type Path, type Problem, problem, show } from '../../config/diagnostic.ts';
import type { BindPlan } from '../../config/plan.ts';
import type { ListenFailure } from '../../port/host.ts';
import { askSystem } from '../../keeper/servers/names.ts';
import { bindText } from '../../keeper/proxies/listeners.ts';
import { systemReason } from '../../base/system-error.ts';
import { parseHttpUrl, parseServer, type ServerAddress } from '../../config/addresses.ts';
import { listOf } from '../../config/parts.ts';
import { tryListening } from '../../io/linux/listen.ts';
import type { Ready } from '../prepare.ts';

/** `isOurs`: whether the process with this id belongs to an evenkeel that runs here, whose ports its successor will have. */
export async function rehearse(
  ready: Ready,
  isOurs: (pid: number) => Promise<boolean>,
): Promise<readonly Diagnostic[]> {
  return [...(await rehearseListeners(ready, isOurs)), ...(await rehearseNames(ready))];
}

async function rehearseListeners(
  ready: Ready,
  isOurs: (pid: number) => Promise<boolean>,
): Promise<readonly Diagnostic[]> {
  const { plan, config } = ready;
  const known = knownAddresses(ready);
  const found: Diagnostic[] = [];
  let openable = 0;
  for (const { name, binds } of plan.listeners) {
    const isList = Array.isArray(config.listeners?.[name]?.bind);
    for (const [i, bind] of binds.entries()) {
      const path: Path = ['listeners', name, 'bind', ...(isList ? [i] : [])];
      const failure = tryListening(bind.address, bind.dual);
      if (failure !== null && !(await isTakenByOurs(failure, isOurs))) {
        const args = { value: show(bindText(bind)), reason: failure.reason, fix: failure.remedy };
        found.push(at(ready, path, problem('cannot-listen', args)));
        continue;
      }
      openable++;
      if (isForeign(bind, known)) {
        const args = { value: show(bindText(bind)), port: String(bind.address.port) };
        found.push(at(ready, path, problem('foreign-address', args)));
      }
    }
  }
  if (openable === 0 && plan.listeners.length > 0) {
    const position = ready.source.locate(['listeners'], 'key');
    found.push(diagnose(problem('nothing-to-listen-on', {}), position));
  }
  return found;
}

async function isTakenByOurs(
  { code, ownerPid }: ListenFailure,
  isOurs: (pid: number) => Promise<boolean>,
): Promise<boolean> {
  return code === 'EADDRINUSE' && ownerPid !== null && (await isOurs(ownerPid));
}

/** Those of this machine, and those that come to it. */
function knownAddresses({ ha }: Ready): ReadonlySet<string> {
  const own = Object.values(networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).map(({ address }) => address),
  );
  const virtual = (ha?.vip.routers ?? []).flatMap(({ addresses, excluded }) => {
    return [...addresses, ...excluded].map(({ address }) => address);
  });
  return new Set([...own, ...virtual]);
}

function isForeign({ address, dual }: BindPlan, known: ReadonlySet<string>): boolean {
  const isWildcard = dual || address.family === 0 || address.host === '0.0.0.0' || address.host === '::';
  // All of 127.0.0.0/8 is this machine.
  return !isWildcard && !address.host.startsWith('127.') && !known.has(address.host);
}

/** Names of servers and witnesses that do not resolve. */
export async function rehearseNames(ready: Ready): Promise<readonly Diagnostic[]> {
  const places = namesOf(ready);
  const found = await Promise.all(
    [...places].map(async ([hostname, path]) => {
      const reason = await whyUnresolved(hostname);
      return reason === null ? [] : [at(ready, path, problem('unresolved-name', { value: show(hostname), reason }))];
    }),
  );
  return found.flat();
}

/** Each with the first place where it is written. */
function namesOf({ config }: Ready): ReadonlyMap<string, Path> {
  const places = new Map<string, Path>();
  const add = (target: ServerAddress['target'] | undefined, path: Path): void => {
    if (target !== undefined && 'hostname' in target && !places.has(target.hostname)) places.set(target.hostname, path);
  };
  for (const [name, upstream] of Object.entries(config.upstreams ?? {})) {
    for (const [i, server] of listOf(upstream.servers).entries()) {
      const path: Path = ['upstreams', name, 'servers', i];
      if (typeof server === 'string') add(parseServer(server).value?.target, path);
      else add(parseServer(server.address).value?.target, [...path, 'address']);
    }
  }
  for (const [name, router] of Object.entries(config.ha ?? {})) {
    for (const [i, { tcp, http }] of (router.guard?.witnesses?.of ?? []).entries()) {
      const path: Path = ['ha', name, 'guard', 'witnesses', 'of', i];
      if (tcp !== undefined) add(parseServer(tcp).value?.target, [...path, 'tcp']);
      if (http !== undefined) add(parseHttpUrl(http).value?.target, [...path, 'http']);
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

function at({ source }: Ready, path: Path, found: Problem): Diagnostic {
  return diagnose(found, source.locate(path, 'value'));
}
