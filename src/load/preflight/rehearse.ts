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
import { parseBind, parseHttpUrl, parseServer, type ServerAddress } from '../../config/addresses.ts';
import { entriesOf, itemsOf } from '../../config/parts.ts';
import { tryListening } from '../../io/linux/listen.ts';
import type { Known } from '../prepare.ts';

/** `isOurs`: whether the process with this id belongs to an evenkeel that runs here, whose ports its successor will have. */
export async function rehearse(
  known: Known,
  isOurs: (pid: number) => Promise<boolean>,
): Promise<readonly Diagnostic[]> {
  return [...(await rehearseListeners(known, isOurs)), ...(await rehearseNames(known))];
}

async function rehearseListeners(
  known: Known,
  isOurs: (pid: number) => Promise<boolean>,
): Promise<readonly Diagnostic[]> {
  const own = knownAddresses(known);
  const found: Diagnostic[] = [];
  let openable = 0;
  const listeners = entriesOf(known.config.listeners);
  for (const [name, listener] of listeners) {
    for (const { path, value } of itemsOf(listener.bind, ['listeners', name, 'bind'])) {
      const parsed = parseBind(value).value;
      if (parsed === null) continue;
      const bind = { ...parsed, isUdp: listener.protocol === 'udp' };
      const failure = tryListening({ address: bind.address, isDual: bind.dual, isUdp: bind.isUdp });
      if (failure !== null && !(await isTakenByOurs(failure, isOurs))) {
        const args = { value: show(bindText(bind)), reason: failure.reason, fix: failure.remedy };
        found.push(at(known, path, problem('cannot-listen', args)));
        continue;
      }
      openable++;
      // An address that could not be read may be this one.
      const isSure = known.isWhole || known.ha !== null;
      if (isSure && isForeign(bind, own)) {
        const args = { value: show(bindText(bind)), port: String(bind.address.port) };
        found.push(at(known, path, problem('foreign-address', args)));
      }
    }
  }
  if (openable === 0 && listeners.length > 0 && known.isWhole) {
    const position = known.source.locate(['listeners'], 'key');
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
function knownAddresses({ ha }: Known): ReadonlySet<string> {
  const own = Object.values(networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).map(({ address }) => address),
  );
  const virtual = (ha?.vip.routers ?? []).flatMap(({ addresses, excluded }) => {
    return [...addresses, ...excluded].map(({ address }) => address);
  });
  return new Set([...own, ...virtual]);
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
      else addServer(value.address, [...path, 'address']);
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
