/**
 * Reads a configuration as a start, a reload and an upgrade do, and leaves what a keeper needs of it: plain data, which a thread
 * can hand over.
 */
import type { ConfigFile } from '../cli/config-files.ts';
import { count } from '../commands/check.ts';
import { printDiagnostics, readConfigTexts } from './config-file.ts';
import type { Texts } from './included-files.ts';
import type { Sight } from '../core/settled-files.ts';
import { SeenFiles } from './file-state.ts';
import { NO_CERTIFICATES } from './tls/certificates.ts';
import { type CertificateSources, NO_SOURCES } from './tls/sources.ts';
import { lookAtMachine } from './preflight/look.ts';
import { type Plans, prepare, refuses } from './prepare.ts';
import { redacted } from '../config/redact.ts';
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
}

/** Virtual addresses, or what is served. */
export type ConfigurationPart = 'addresses' | 'listeners';

/** A configuration that can be run here. */
export interface Loaded {
  readonly ready: ReadyPlans;
  readonly texts: Texts;
  /** The configuration as JSON, whatever language it is written in, without what is secret. */
  readonly canonical: string;
}

export interface ReadyPlans extends Plans {
  /** What the file says. */
  readonly node: string | null;
  readonly user: string | null;
  /** What an nginx.conf among the files says of the processes. Null: there is none. */
  readonly processes: ProcessSettings | null;
  readonly certificateSources: CertificateSources;
}

export interface LoadResult {
  /** What is to be said about it: a line each. */
  readonly printed: readonly string[];
  /** Its files, and what counts as a part of it, as they were read. Empty: none were. */
  readonly files: Sight;
  /** Null: it cannot be run. */
  readonly loaded: Loaded | null;
}

export function loadConfiguration(request: LoadRequest): LoadResult {
  const { files: named, node, workers, stateDirectory, wording = 'evenkeel', isStart = false, part = null } = request;
  const printed: string[] = [];
  const print = (text: string): void => void printed.push(text);
  const seen = new SeenFiles();
  for (const { path } of named) seen.note(path);
  const roots = readConfigTexts(named, print);
  if (roots === null) return { printed, files: seen.sight, loaded: null };
  const {
    diagnostics,
    ready,
    files: others,
    texts,
  } = prepare(roots, {
    node,
    workers,
    ...(stateDirectory === undefined ? {} : { stateDirectory }),
    look: lookAtMachine,
    startsPartly: isStart,
  });
  const files = new Map([...others, ...seen.sight]);
  printDiagnostics(diagnostics, print, wording);
  if (ready === null) {
    // The originals do not count.
    if (wording === 'evenkeel')
      print(`${named.map(({ path }) => path).join(' ')}: ${count(diagnostics.filter(refuses).length, 'error')}\n`);
    return { printed, files, loaded: null };
  }
  const { config, processes, certificateSources } = ready;
  const plans = partOf(ready, part);
  const settings = { node: config.node ?? null, user: config.user ?? null, processes };
  const isServing = plans.plan.listeners.length > 0;
  return {
    printed,
    files,
    loaded: {
      ready: { ...plans, ...settings, certificateSources: isServing ? certificateSources : NO_SOURCES },
      texts,
      canonical: JSON.stringify(redacted(config)),
    },
  };
}

function partOf({ plan, ha, certificates, peers }: Plans, part: ConfigurationPart | null): Plans {
  if (part === 'addresses') {
    return { plan: { ...plan, listeners: [], upstreams: [] }, ha, certificates: NO_CERTIFICATES, peers: null };
  }
  return { plan, ha: part === 'listeners' ? null : ha, certificates, peers };
}
