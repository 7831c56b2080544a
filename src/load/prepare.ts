/**
 * From a configuration to what `run` runs, or to everything that keeps it from running here. `run` begins with this, and
 * `check` is this and a rehearsal of what follows: there is no second opinion about a file.
 */
import { hostname } from 'node:os';
import { dirname, resolve } from 'node:path';
import { compile } from '../config/compile/compile.ts';
import type { Sight } from '../core/settled-files.ts';
import { compilePeers, type PeersPlan } from '../config/plan/peers.ts';
import { compileAnnounce } from '../config/compile/announce.ts';
import type { AnnouncePlan } from '../config/plan/announce.ts';
import { compileHa, keyFilesOf, NO_KEY_FILES } from '../config/compile/ha.ts';
import { NO_STICKY_KEYS, stickyKeysOf } from '../config/compile/sticky.ts';
import { type Diagnostic, sortDiagnostics, type SourceMap } from '../config/findings/diagnostic.ts';
import type { HaPlan } from '../config/plan/ha.ts';
import type { Path } from '../config/findings/diagnostic.ts';
import type { Config, Loose } from '../config/model/config.ts';
import type { Plan } from '../config/plan/plan.ts';
import type { FileAccess } from '../config/front-end.ts';
import { frontEndFor } from '../config/front-ends.ts';
import type { ProcessSettings } from '../config/process-settings.ts';
import { type Loaded, loadDocuments } from '../config/load.ts';
import { loadYaml } from '../config/yaml/load.ts';
import type { ConfigText } from './config-file.ts';
import { defaultWorkers } from './default-workers.ts';
import { IncludedFiles, type Texts } from './included-files.ts';
import { findIdentityFaults } from './identity-file.ts';
import { readKeyFiles } from './key-files.ts';
import { credentialFilesOf, NO_READ_CREDENTIALS, readCredentialFiles } from './credential-files.ts';
import { networkListsOf, NO_READ_LISTS, readNetworkLists, withLists } from './network-lists.ts';
import { withPresence } from './presence.ts';
import { readStickyKeys } from './sticky-keys.ts';
import {
  type Certificates,
  NO_CERTIFICATES,
  readCertificates,
  type ReadCertificates,
  upstreamFilesOf,
} from './tls/certificates.ts';
import { adminTlsFilesOf, type AdminTls, diagnosticsOf, readAdminTls } from './tls/admin.ts';
import { type CertificateSources, certificateSourcesOf, NO_SOURCES } from './tls/sources.ts';
import { findSettingFaults } from './tls/settings.ts';
import { withoutAbsentScripts } from './preflight/absent-scripts.ts';

export interface Plans {
  readonly plan: Plan;
  /** Null: the configuration has no `ha`. */
  readonly ha: HaPlan | null;
  /** Null: it has no `announce`. */
  readonly announce: AnnouncePlan | null;
  readonly certificates: Certificates;
  /** Null: this node has none. */
  readonly peers: PeersPlan | null;
  /** Null: the admin API does not speak TLS. */
  readonly adminTls: AdminTls | null;
}

export interface PrepareOptions {
  /** Which node this is. Null: the file's `node`, or else the host name. */
  readonly node: string | null;
  /** Null: the file's `workers`, or else one per core. */
  readonly workers: number | null;
  /** Where evenkeel keeps the certificates that it gets. Without it there are none: the language of the files knows no such. */
  readonly stateDirectory?: string;
  /** Where paths in it begin. Without it in the folder of the file that they are in. */
  readonly folder?: string;
  /** What of the machine is looked at, now that the file is right. Null: this machine is not the one that will run it. */
  readonly look: LookAtMachine | null;
  /** A certificate that cannot be used keeps only its listener, or the admin API, from being served. */
  readonly startsPartly?: boolean;
}

export type LookAtMachine = (known: Known) => readonly Diagnostic[];

/** What is known of a configuration, also of one that cannot be run. */
export interface Known {
  /** What is right of it. */
  readonly config: Loose<Config>;
  readonly source: SourceMap;
  /** The language that a part of it is written in. */
  readonly frontEndOf: Loaded['frontEndOf'];
  /** Which node this is. Null: that does not matter. */
  readonly node: string | null;
  /** Null: it has no `ha`, or something is wrong with that. */
  readonly ha: HaPlan | null;
  /** Nothing of it had to be left out. */
  readonly isWhole: boolean;
}

/** A configuration that is right, and where in the files each part of it is. */
export interface Ready extends Plans {
  readonly config: Config;
  readonly source: SourceMap;
  /** What an nginx.conf among the files says of the processes. Null: there is none. */
  readonly processes: ProcessSettings | null;
  /** Where its certificates are. */
  readonly certificateSources: CertificateSources;
}

export interface Prepared {
  /** Other files that it names, and that count as a part of it, and folders that patterns of it look into, as they were read. */
  readonly files: Sight;
  readonly texts: Texts;
  /** In the order of the files. */
  readonly diagnostics: readonly Diagnostic[];
  readonly known: Known;
  /** Null: it cannot be run. */
  readonly ready: Ready | null;
}

/** At least one text. */
export function prepare(roots: readonly ConfigText[], options: PrepareOptions): Prepared {
  const { stateDirectory = '' } = options;
  const access = new IncludedFiles();
  const { loaded, node, processes } = loadForNode(roots, access, options);
  const { config, sound, source, frontEndOf, rootOf } = loaded;
  const { included, listings, seen } = access;
  const folderOf = (path: Path): string => options.folder ?? dirname(rootOf(path));
  const texts: Texts = { roots: roots.map(({ text }) => text), included, listings };
  for (const path of [...keyFilesOf(sound).keys(), ...stickyKeysOf(sound).keys()]) seen.note(path);
  for (const [path, at] of [...credentialFilesOf(sound), ...networkListsOf(sound)])
    seen.note(resolve(folderOf(at), path));
  const keys = options.look === null ? { files: NO_KEY_FILES, diagnostics: [] } : readKeyFiles(sound, source);
  const sticky = options.look === null ? { files: NO_STICKY_KEYS, diagnostics: [] } : readStickyKeys(sound, source);
  const credentials = options.look === null ? NO_READ_CREDENTIALS : readCredentialFiles(sound, source, folderOf);
  const networks = options.look === null ? NO_READ_LISTS : readNetworkLists(sound, source, folderOf);
  const canCompileHa = node !== null && loaded.isSound('ha') && loaded.isSound('node');
  const withoutAbsent = <C extends Loose<Config>>(whole: C): C =>
    options.look === null ? whole : withoutAbsentScripts(whole, frontEndOf);
  const ha = canCompileHa ? compileHa(withoutAbsent(sound) as Config, node, keys.files) : null;
  const known: Known = { config: sound, source, frontEndOf, node, ha, isWhole: config !== null };
  const certificateSources =
    options.look === null ? NO_SOURCES : certificateSourcesOf({ config: sound, source, folderOf, stateDirectory });
  const tls: Omit<ReadCertificates, 'ofUnused'> =
    options.look === null
      ? { certificates: NO_CERTIFICATES, diagnostics: [], ofListeners: [] }
      : readCertificates(certificateSources, Date.now());
  const adminTlsFiles = options.look === null ? null : adminTlsFilesOf(sound, folderOf(['admin']));
  const ofAdminTls = adminTlsFiles === null ? null : readAdminTls(adminTlsFiles, Date.now());
  const ofAdmin = ofAdminTls === null ? [] : diagnosticsOf(ofAdminTls, source);
  const settings = options.look === null ? [] : findSettingFaults(sound, source);
  const identity = options.look === null ? [] : findIdentityFaults(sound, source, stateDirectory);
  const diagnostics = sortDiagnostics([
    ...loaded.diagnostics,
    ...keys.diagnostics,
    ...sticky.diagnostics,
    ...credentials.diagnostics,
    ...networks.diagnostics,
    ...tls.diagnostics,
    ...ofAdmin,
    ...settings,
    ...identity,
    ...(options.look?.(known) ?? []),
  ]);
  const files = seen.sight;
  const tolerated = new Set(options.startsPartly === true ? [...tls.ofListeners, ...ofAdmin] : []);
  const isRefused = diagnostics.some((one) => refuses(one) && !tolerated.has(one));
  if (config === null || isRefused) return { files, texts, diagnostics, known, ready: null };
  const { certificates } = tls;
  const compiled = compile(withLists(withoutAbsent(config), networks.lists), {
    workers: options.workers ?? config.workers ?? defaultWorkers(),
    certificates: new Map(certificates.listeners.map((one) => [one.listener, one])),
    servers: upstreamFilesOf(certificates),
    stickyKeys: sticky.files,
    credentialFiles: credentials.files,
  });
  const plan = options.look === null ? compiled : withPresence(compiled);
  const peers = compilePeers(config, node);
  const ready: Ready = {
    config,
    source,
    processes,
    plan,
    ha,
    announce: compileAnnounce(config, node ?? ''),
    certificates,
    certificateSources,
    peers,
    adminTls: ofAdminTls?.tls ?? null,
  };
  return { files, texts, diagnostics, known, ready };
}

/** A file that asks for more than can be given must not look as if it were served. */
export function refuses({ severity }: Diagnostic): boolean {
  return severity !== 'warning';
}

interface LoadedForNode {
  readonly loaded: Loaded;
  readonly node: string | null;
  readonly processes: ProcessSettings | null;
}

/** Values per node must be there for the node that this is, or, where that is not known, for every node of the file. */
function loadForNode(roots: readonly ConfigText[], files: FileAccess, { node, look }: PrepareOptions): LoadedForNode {
  let processes: ProcessSettings | null = null;
  const load = (name: string | null): Loaded => {
    const documents = roots.map((root) => frontEndFor(root.text, root.language).read(root, { files, node: name }));
    processes = documents.find((document) => document.processes !== undefined)?.processes ?? null;
    return loadDocuments(documents, name);
  };
  const loaded = load(node);
  const known = node ?? loaded.sound.node;
  if (known !== undefined) return { loaded, node: known, processes };
  if (look === null) return { loaded, node: null, processes };
  const own = hostname();
  const isByNode = loaded.sound.ha !== undefined || loaded.sound.peers !== undefined;
  return { loaded: isByNode ? load(own) : loaded, node: own, processes };
}

/** Of a text that is known to be right. */
export function planOf(name: string, text: string, workers: number): Plan {
  const { config, diagnostics } = loadYaml(text, { file: name });
  if (config === null) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  return compile(config, { workers });
}
