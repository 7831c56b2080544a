/** Which files of certificates a configuration names, and where it does. Plain data: a watch reads the same files again by it. */
import { createHash } from 'node:crypto';
import { isAbsolute, join } from 'node:path';
import { type AcmePlan, compileAcme } from '../../config/plan/acme.ts';
import type { Path, Place, SourceMap } from '../../config/findings/diagnostic.ts';
import type { Config, Loose } from '../../config/model/config.ts';
import { DEFAULTS } from '../../config/model/defaults.ts';
import type { AcmeConfig } from '../../config/model/acme.ts';
import type { ClientCertificateConfig, ServersTlsConfig, TlsConfig } from '../../config/model/tls.ts';
import { entriesOf, itemsOf, listOf } from '../../config/model/parts.ts';
import type { TlsSettings } from '../../port/tls.ts';
import type { TlsClientsPlan } from '../../config/plan/tls.ts';
import type { AuthorityFiles } from './authorities.ts';
import type { PairFiles } from './pair.ts';
import type { TicketFiles } from './ticket-files.ts';
import { settingsOf } from './settings.ts';
import type { TrustFiles } from './trust.ts';

export interface CertificateSources {
  readonly listeners: readonly ListenerSources[];
  readonly upstreams: readonly UpstreamSources[];
}

export const NO_SOURCES: CertificateSources = { listeners: [], upstreams: [] };

export interface ListenerSources {
  readonly listener: string;
  /** What they are used with. Null: something is wrong with that. */
  readonly settings: TlsSettings | null;
  readonly sources: readonly Source[];
  readonly tickets: TicketFilesSource | 'own' | 'off';
}

/** Keys for session tickets. */
export interface TicketFilesSource extends TicketFiles {
  readonly places: readonly Place[];
}

/** Of what connects to servers. */
export interface UpstreamSources {
  readonly upstream: string;
  readonly part: UpstreamPart;
  /** As of listeners. */
  readonly settings: TlsSettings | null;
  /** Null: every server is believed. */
  readonly trust: TrustSource | null;
  /** Null: who we are is not said. */
  readonly pair: PairSource | null;
}

export type UpstreamPart = 'servers' | 'checks';

export interface TrustSource {
  readonly files: TrustFiles;
  readonly place: Place;
  readonly crlPlace: Place;
}

export type Source = PairSource | FolderSource | AcmeSource;

export interface PairSource {
  readonly kind: 'pair';
  readonly files: PairFiles;
  /** Null: those of the certificate. */
  readonly names: readonly string[] | null;
  readonly place: Place;
  readonly keyPlace: Place;
  readonly ocspPlace: Place;
  /** Null: clients are not asked. */
  readonly clients: ClientSource | null;
}

export interface FolderSource {
  readonly kind: 'folder';
  readonly folder: string;
  readonly place: Place;
  readonly clients: ClientSource | null;
}

export interface ClientSource {
  readonly mode: TlsClientsPlan['mode'];
  readonly depth: number;
  readonly files: AuthorityFiles;
  readonly places: Readonly<Record<keyof AuthorityFiles, Place>>;
}

/** One that an authority is asked for. */
export interface AcmeSource {
  readonly kind: 'acme';
  /** Where it will be, with its key. */
  readonly file: string;
  readonly plan: AcmePlan;
  readonly place: Place;
  readonly clients: ClientSource | null;
}

export interface Written {
  readonly config: Loose<Config>;
  readonly source: SourceMap;
  /** Where the paths begin that a part of the configuration has. */
  readonly folderOf: (path: Path) => string;
  /** Where evenkeel keeps what it gets. */
  readonly stateDirectory: string;
}

export function certificateSourcesOf(written: Written): CertificateSources {
  const { listeners, upstreams } = written.config;
  return {
    listeners: entriesOf(listeners).flatMap(([listener, { tls }]) => {
      if (tls === undefined) return [];
      const reader = new SourceReader(written, ['listeners', listener, 'tls']);
      return [{ listener, settings: settingsOf(tls), sources: reader.read(tls), tickets: reader.ticketsOf(tls) }];
    }),
    upstreams: entriesOf(upstreams).flatMap(([upstream, { tls, health }]) => {
      const checks = upstreamSources(written, upstream, 'checks', ['health', 'tls'], health?.tls);
      return upstreamSources(written, upstream, 'servers', ['tls'], tls).concat(checks);
    }),
  };
}

/** None where it has no TLS. */
function upstreamSources(
  written: Written,
  upstream: string,
  part: UpstreamPart,
  path: Path,
  tls: Loose<ServersTlsConfig> | undefined,
): readonly UpstreamSources[] {
  if (tls === undefined || tls === false) return [];
  const reader = new SourceReader(written, ['upstreams', upstream, ...path]);
  const keys = tls === true ? {} : tls;
  return [{ upstream, part, settings: settingsOf(keys), ...reader.readServers(keys) }];
}

class SourceReader {
  private readonly written: Written;
  private readonly path: Path;

  /** `path`: of a `tls`. */
  constructor(written: Written, path: Path) {
    this.written = written;
    this.path = path;
  }

  read(tls: Loose<TlsConfig>): readonly Source[] {
    const { 'client-certificate': client } = tls;
    const ofAll = client === undefined ? null : this.clientOf(client, [...this.path, 'client-certificate']);
    const several = itemsOf(tls.certificates, [...this.path, 'certificates']).flatMap(
      ({ path, value }): readonly Source[] => {
        const { 'client-certificate': own } = value;
        const clients = own === undefined ? ofAll : this.clientOf(own, [...path, 'client-certificate']);
        if (value.folder !== undefined && value.certificate === undefined) {
          const folder = this.whole(value.folder, path);
          return [{ kind: 'folder', folder, place: this.place(path, 'folder'), clients }];
        }
        if (value.acme !== undefined && value.certificate === undefined) return this.acmeOf(value.acme, clients, path);
        return this.pairOf(value, value.names === undefined ? null : listOf(value.names), clients, path);
      },
    );
    return [...this.pairOf(tls, null, ofAll, this.path), ...several];
  }

  ticketsOf(tls: Loose<TlsConfig>): ListenerSources['tickets'] {
    if (tls.tickets === false) return 'off';
    for (const [name, kind] of [
      ['ticket-secret', 'secrets'],
      ['ticket-keys', 'keys'],
    ] as const) {
      const { [name]: written } = tls;
      if (written === undefined) continue;
      const path = [...this.path, name];
      const files = listOf(written).map((file) => this.whole(file, path));
      const places = files.map((_, i) =>
        this.written.source.locate(Array.isArray(written) ? [...path, i] : path, 'value'),
      );
      return { kind, files, places };
    }
    return 'own';
  }

  readServers(tls: Exclude<Loose<ServersTlsConfig>, boolean>): Pick<UpstreamSources, 'trust' | 'pair'> {
    const { path } = this;
    const [pair = null] = this.pairOf(tls, null, null, path);
    if (tls.verify === false) return { trust: null, pair };
    const files = {
      ca: listOf(tls.ca).map((file) => this.whole(file, path)),
      crl: tls.crl === undefined ? null : this.whole(tls.crl, path),
    };
    const place = files.ca.length === 0 ? this.written.source.locate(path, 'key') : this.place(path, 'ca');
    return { trust: { files, place, crlPlace: files.crl === null ? place : this.place(path, 'crl') }, pair };
  }

  private pairOf(
    {
      certificate,
      key,
      'passphrase-file': passphraseFile,
      ocsp,
    }: Loose<Pick<TlsConfig, 'certificate' | 'key' | 'ocsp' | 'passphrase-file'>>,
    names: readonly string[] | null,
    clients: ClientSource | null,
    path: Path,
  ): readonly PairSource[] {
    if (certificate === undefined) return [];
    const files: PairFiles = {
      certificate: this.whole(certificate, path),
      key: key === undefined ? null : this.whole(key, path),
      passphraseFile: passphraseFile === undefined ? null : this.whole(passphraseFile, path),
      ocsp: ocsp === undefined ? null : this.whole(ocsp, path),
    };
    const place = this.place(path, 'certificate');
    const keyPlace = key === undefined ? place : this.place(path, 'key');
    const ocspPlace = ocsp === undefined ? place : this.place(path, 'ocsp');
    const lower = names?.map((name) => name.toLowerCase()) ?? null;
    return [{ kind: 'pair', files, names: lower, place, keyPlace, ocspPlace, clients }];
  }

  private clientOf(
    { ca, 'unannounced-ca': unannounced, crl, mode, depth }: Loose<ClientCertificateConfig>,
    path: Path,
  ): ClientSource {
    const file = (name: string | undefined): string | null => (name === undefined ? null : this.whole(name, path));
    return {
      mode: mode ?? DEFAULTS.tls.client.mode,
      depth: depth ?? DEFAULTS.tls.client.depth,
      files: { announced: file(ca), unannounced: file(unannounced), revocations: file(crl) },
      places: {
        announced: this.place(path, 'ca'),
        unannounced: this.place(path, 'unannounced-ca'),
        revocations: this.place(path, 'crl'),
      },
    };
  }

  private acmeOf(acme: Loose<AcmeConfig>, clients: ClientSource | null, path: Path): readonly AcmeSource[] {
    const plan = compileAcme(acme, (file) => this.whole(file, path));
    if (plan === null) return [];
    const file = join(this.written.stateDirectory, ACME_FOLDER, fileNameOf(plan));
    return [{ kind: 'acme', file, plan, place: this.place(path, 'acme'), clients }];
  }

  private whole(file: string, path: Path): string {
    return isAbsolute(file) ? file : join(this.written.folderOf(path), file);
  }

  private place(path: Path, key: string): Place {
    return this.written.source.locate([...path, key], 'value');
  }
}

/** In the state directory. */
const ACME_FOLDER = 'acme';
const HASH_CHARACTERS = 8;

/** The same for the same first name and authority: one that is asked for with another name more takes the place of the one before. */
function fileNameOf({ names: [first], directory }: AcmePlan): string {
  const hash = createHash('sha256').update(`${directory} ${first}`).digest('hex').slice(0, HASH_CHARACTERS);
  return `${first.replace('*', '_')}.${hash}.pem`;
}

/** Each once. */
export function acmeSourcesOf({ listeners }: CertificateSources): readonly AcmeSource[] {
  const found = new Map<string, AcmeSource>();
  for (const { sources } of listeners) {
    for (const source of sources) if (source.kind === 'acme' && !found.has(source.file)) found.set(source.file, source);
  }
  return [...found.values()];
}
