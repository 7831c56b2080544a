/**
 * Reads a configuration as a start, a reload and an upgrade do, and leaves what a keeper needs of it: plain data, which a thread
 * can hand over.
 */
import { dirname } from 'node:path';
import { systemReason } from '../base/system-error.ts';
import type { ConfigFile } from '../cli/config-file.ts';
import { count } from '../base/count.ts';
import { ChangeError } from '../config/change/pointer.ts';
import { type Difference, differencesOf } from '../config/change/differences.ts';
import { placedText } from '../config/change/places.ts';
import { type ChangeRequest, changedConfig } from './change-request.ts';
import { type ConfigText, printDiagnostics, printPlaced, readConfigTexts } from './config-file.ts';
import { readStored, type SetByApi, type StoredConfiguration } from './configuration-store.ts';
import { digestOf, driftText, hasChanged, noteOrigin, type Origin, originOf, shortened } from './origin.ts';
import { type ConfigurationIdentity, identityOf } from '../core/peers/configuration-identity.ts';
import type { Sight } from '../core/settled-files.ts';
import { SeenFiles } from './file-state.ts';
import { NO_CERTIFICATES } from './tls/certificates.ts';
import { type CertificateSources, NO_SOURCES } from './tls/sources.ts';
import { lookAtMachine } from './preflight/look.ts';
import { type Plans, prepare, type Prepared, type Ready, refuses } from './prepare.ts';
import { redacted } from '../config/redact.ts';
import type { SyslogPlan } from '../base/syslog.ts';
import { compileSyslog } from '../config/compile/access-logs.ts';
import type { ProcessSettings } from '../config/process-settings.ts';
import type { Wording } from '../commands/wording.ts';

export interface LoadRequest {
  readonly files: readonly ConfigFile[];
  /** Which node this is. Null: the file's `node`, or else the host name. */
  readonly node: string | null;
  /** Null: the file's `workers`, or else one per core. */
  readonly workers: number | null;
  /** As PrepareOptions say. */
  readonly stateDirectory?: string;
  readonly wording?: Wording;
  /** Nothing runs yet: what can be served is served. */
  readonly isStart?: boolean;
  /** Only this of it runs. Null: all of it. */
  readonly part?: ConfigurationPart | null;
  /** Where the configuration is kept that was set by the admin API. Null, or left out: it cannot be. */
  readonly storePath?: string | null;
  /** It is asked for because the files may have changed. */
  readonly isReload?: boolean;
  /** What is read: `usual` is what was set by the admin API, or else the files. */
  readonly source?: 'usual' | 'files' | ChangeRequest;
}

/** Virtual addresses, or what is served. */
export type ConfigurationPart = 'addresses' | 'listeners';

/** A configuration that can be run here. */
export interface Loaded {
  readonly ready: ReadyPlans;
  readonly origin: Origin;
  /** Null: it is that of the files. */
  readonly setByApi: SetByApi | null;
  /** The configuration as JSON, whatever language it is written in. There are secrets in it. */
  readonly config: string;
  /** The same without them. */
  readonly canonical: string;
  /** SHA-256 of `config`, in hexadecimal. */
  readonly digest: string;
  /** As peers are told it. */
  readonly identity: ConfigurationIdentity;
}

export interface ReadyPlans extends Plans {
  /** What the file says. */
  readonly node: string | null;
  readonly user: string | null;
  /** What an nginx.conf among the files says of the processes. Null: there is none. */
  readonly processes: ProcessSettings | null;
  /** Where what is said of this program goes besides; null: nowhere. */
  readonly log: SyslogPlan | null;
  readonly certificateSources: CertificateSources;
}

export interface LoadResult {
  /** What is to be said about it: a line each. */
  readonly printed: readonly string[];
  /** Its files, and what counts as a part of it, as they were read. Empty: none were. */
  readonly files: Sight;
  /** Null: it cannot be run. */
  readonly loaded: Loaded | null;
  /** Of a change that cannot be made: why, in a word. */
  readonly refusal?: ChangeError['kind'];
}

/** What the files say now, beside what is in force. */
export interface ComparisonRequest extends LoadRequest {
  /** As JSON. */
  readonly compareWith: string;
}

export interface Comparison {
  /** A line for each reason why the files cannot be run; empty: they can be. */
  readonly faults: readonly string[];
  readonly differences: readonly Difference[];
}

export function compareConfiguration({ compareWith, ...request }: ComparisonRequest): Comparison {
  const { printed, loaded } = loadConfiguration({ ...request, source: 'files' });
  if (loaded === null) return { faults: printed, differences: [] };
  return { faults: [], differences: differencesOf(JSON.parse(loaded.config), JSON.parse(compareWith)) };
}

export function loadConfiguration(request: LoadRequest): LoadResult {
  const { files: named, source = 'usual', storePath = null, isReload = false } = request;
  const printed: string[] = [];
  const print = (text: string): void => void printed.push(text);
  const seen = new SeenFiles();
  for (const { path } of named) seen.note(path);
  const refused = (reason: string): LoadResult => {
    print(`${reason}\n`);
    return { printed, files: seen.sight, loaded: null };
  };
  if (typeof source === 'object') {
    const { by, origin } = source;
    try {
      const stored = { by, at: new Date().toISOString(), origin, config: changedConfig(source) };
      return loadStored(stored, request, seen, printed);
    } catch (error) {
      if (!(error instanceof ChangeError)) throw error;
      return { ...refused(error.message), refusal: error.kind };
    }
  }
  if (source === 'files' || storePath === null) return loadFiles(request, seen, printed);
  let stored: StoredConfiguration | null;
  try {
    stored = readStored(storePath);
  } catch (error) {
    const why = `the configuration that was set by the API cannot be read: ${systemReason(error)}`;
    return refused(`${storePath}: ${why}; put it back from a backup, or remove it, to go by the files`);
  }
  if (stored === null) return loadFiles(request, seen, printed);
  noteOrigin(stored.origin, seen);
  if (isReload && hasChanged(stored.origin) !== false) return refused(driftText(stored, stored.origin));
  return loadStored(stored, request, seen, printed);
}

function loadFiles(request: LoadRequest, seen: SeenFiles, printed: string[]): LoadResult {
  const { files: named, wording = 'evenkeel' } = request;
  const print = (text: string): void => void printed.push(text);
  const roots = readConfigTexts(named, print);
  if (roots === null) return { printed, files: seen.sight, loaded: null };
  const prepared = prepareFor(request, roots);
  const files = new Map([...prepared.files, ...seen.sight]);
  printDiagnostics(prepared.diagnostics, print, wording);
  if (prepared.ready === null) {
    // The originals do not count.
    if (wording === 'evenkeel') print(countText(named.map(({ path }) => path).join(' '), prepared));
    return { printed, files, loaded: null };
  }
  const loaded = loadedOf(prepared.ready, request, originOf(named, prepared.texts), null);
  return { printed, files, loaded };
}

function loadStored(
  { by, at, origin, config }: StoredConfiguration,
  request: LoadRequest,
  seen: SeenFiles,
  printed: string[],
): LoadResult {
  const print = (text: string): void => void printed.push(text);
  const { text, placeOf } = placedText(config);
  // Paths in it begin where those of the first file do.
  const folder = dirname(request.files[0].path);
  const prepared = prepareFor(request, [{ name: 'the configuration', text, language: 'yaml' }], folder);
  const files = new Map([...prepared.files, ...seen.sight]);
  printPlaced(prepared.diagnostics, placeOf, print);
  if (prepared.ready === null) {
    print(countText('the configuration', prepared));
    return { printed, files, loaded: null };
  }
  return { printed, files, loaded: loadedOf(prepared.ready, request, origin, { by, at }) };
}

function prepareFor(
  { node, workers, stateDirectory, isStart = false }: LoadRequest,
  roots: readonly ConfigText[],
  folder?: string,
): Prepared {
  return prepare(roots, {
    node,
    workers,
    ...(stateDirectory === undefined ? {} : { stateDirectory }),
    ...(folder === undefined ? {} : { folder }),
    look: lookAtMachine,
    startsPartly: isStart,
  });
}

function countText(name: string, { diagnostics }: Prepared): string {
  return `${name}: ${count(diagnostics.filter(refuses).length, 'error')}\n`;
}

function loadedOf(ready: Ready, { part = null }: LoadRequest, origin: Origin, setByApi: SetByApi | null): Loaded {
  const { config: parsed, processes, certificateSources } = ready;
  const plans = partOf(ready, part);
  const log = parsed.log === undefined ? null : compileSyslog(parsed.log.syslog);
  const settings = { node: parsed.node ?? null, user: parsed.user ?? null, processes, log };
  const config = JSON.stringify(parsed);
  const isServing = plans.plan.listeners.length > 0;
  return {
    ready: { ...plans, ...settings, certificateSources: isServing ? certificateSources : NO_SOURCES },
    origin,
    setByApi,
    config,
    canonical: JSON.stringify(redacted(parsed)),
    digest: digestOf(config),
    identity: identityOf(config, (text) => shortened(digestOf(text))),
  };
}

function partOf({ plan, ha, announce, certificates, peers, adminTls }: Plans, part: ConfigurationPart | null): Plans {
  if (part === 'addresses') {
    return {
      plan: { ...plan, listeners: [], upstreams: [] },
      ha,
      announce,
      certificates: NO_CERTIFICATES,
      peers: null,
      adminTls,
    };
  }
  const hasAddresses = part !== 'listeners';
  return {
    plan,
    ha: hasAddresses ? ha : null,
    announce: hasAddresses ? announce : null,
    certificates,
    peers,
    adminTls,
  };
}
