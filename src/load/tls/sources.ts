/** Which files of certificates a configuration names, and where it does. Plain data: a watch reads the same files again by it. */
import { dirname, isAbsolute, join } from 'node:path';
import type { Path, Place, SourceMap } from '../../config/diagnostic.ts';
import type { Config, Loose } from '../../config/model.ts';
import { DEFAULTS } from '../../config/defaults.ts';
import type { ClientCertificateConfig, TlsConfig } from '../../config/model-tls.ts';
import { entriesOf, itemsOf, listOf } from '../../config/parts.ts';
import type { TlsSettings } from '../../port/tls.ts';
import type { TlsClientsPlan } from '../../config/plan.ts';
import type { AuthorityFiles } from './authorities.ts';
import type { PairFiles } from './pair.ts';
import { settingsOf } from './settings.ts';

export interface ListenerSources {
  readonly listener: string;
  /** What they are used with. Null: something is wrong with that. */
  readonly settings: TlsSettings | null;
  readonly sources: readonly Source[];
}

export type Source = PairSource | FolderSource;

export interface PairSource {
  readonly kind: 'pair';
  readonly files: PairFiles;
  /** Null: those of the certificate. */
  readonly names: readonly string[] | null;
  readonly place: Place;
  readonly keyPlace: Place;
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

export interface Written {
  readonly config: Loose<Config>;
  readonly source: SourceMap;
  /** The file that a part of the configuration is in, or was included from. */
  readonly rootOf: (path: Path) => string;
}

export function certificateSourcesOf(written: Written): readonly ListenerSources[] {
  return entriesOf(written.config.listeners).flatMap(([listener, { tls }]) => {
    if (tls === undefined) return [];
    const reader = new SourceReader(written, listener);
    return [{ listener, settings: settingsOf(tls), sources: reader.read(tls) }];
  });
}

class SourceReader {
  private readonly written: Written;
  private readonly path: Path;

  constructor(written: Written, listener: string) {
    this.written = written;
    this.path = ['listeners', listener, 'tls'];
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
        return this.pairOf(value, value.names === undefined ? null : listOf(value.names), clients, path);
      },
    );
    return [...this.pairOf(tls, null, ofAll, this.path), ...several];
  }

  private pairOf(
    {
      certificate,
      key,
      'passphrase-file': passphraseFile,
    }: Loose<Pick<TlsConfig, 'certificate' | 'key' | 'passphrase-file'>>,
    names: readonly string[] | null,
    clients: ClientSource | null,
    path: Path,
  ): readonly PairSource[] {
    if (certificate === undefined) return [];
    const files: PairFiles = {
      certificate: this.whole(certificate, path),
      key: key === undefined ? null : this.whole(key, path),
      passphraseFile: passphraseFile === undefined ? null : this.whole(passphraseFile, path),
    };
    const place = this.place(path, 'certificate');
    const keyPlace = key === undefined ? place : this.place(path, 'key');
    return [{ kind: 'pair', files, names: names?.map((name) => name.toLowerCase()) ?? null, place, keyPlace, clients }];
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

  private whole(file: string, path: Path): string {
    return isAbsolute(file) ? file : join(dirname(this.written.rootOf(path)), file);
  }

  private place(path: Path, key: string): Place {
    return this.written.source.locate([...path, key], 'value');
  }
}
