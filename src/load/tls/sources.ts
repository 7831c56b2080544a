/** Which files of certificates a configuration names, and where it does. Plain data: a watch reads the same files again by it. */
import { dirname, isAbsolute, join } from 'node:path';
import type { Path, Place, SourceMap } from '../../config/diagnostic.ts';
import type { Config, Loose } from '../../config/model.ts';
import type { TlsConfig } from '../../config/model-tls.ts';
import { entriesOf, itemsOf, listOf } from '../../config/parts.ts';
import type { TlsSettings } from '../../port/tls.ts';
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
}

export interface FolderSource {
  readonly kind: 'folder';
  readonly folder: string;
  readonly place: Place;
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
    const several = itemsOf(tls.certificates, [...this.path, 'certificates']).flatMap(
      ({ path, value }): readonly Source[] => {
        if (value.folder !== undefined && value.certificate === undefined) {
          return [{ kind: 'folder', folder: this.whole(value.folder, path), place: this.place(path, 'folder') }];
        }
        return this.pairOf(value, value.names === undefined ? null : listOf(value.names), path);
      },
    );
    return [...this.pairOf(tls, null, this.path), ...several];
  }

  private pairOf(
    {
      certificate,
      key,
      'passphrase-file': passphraseFile,
    }: Loose<Pick<TlsConfig, 'certificate' | 'key' | 'passphrase-file'>>,
    names: readonly string[] | null,
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
    return [{ kind: 'pair', files, names: names?.map((name) => name.toLowerCase()) ?? null, place, keyPlace }];
  }

  private whole(file: string, path: Path): string {
    return isAbsolute(file) ? file : join(dirname(this.written.rootOf(path)), file);
  }

  private place(path: Path, key: string): Place {
    return this.written.source.locate([...path, key], 'value');
  }
}
