/** Which configuration runs, and whether its files still say the same: for who compares two nodes, or has edited one. */
import type { OriginFileView } from '../api/configuration.ts';
import type { ConfigurationView, FixedSettings } from '../api/status.ts';
import type { Loaded } from './load.ts';
import { digestOf, driftText, hasChanged, originText, shortened } from './origin.ts';

/** What holds from the start on. */
export interface FixedAtStart extends Omit<FixedSettings, 'node'> {
  /** By the command line. */
  readonly isNodeGiven: boolean;
}

export class LoadedConfiguration {
  private readonly fixed: FixedAtStart;
  private readonly loaded: () => Loaded;

  /** `loaded`: what is in force. */
  constructor(loaded: () => Loaded, fixed: FixedAtStart) {
    this.loaded = loaded;
    this.fixed = fixed;
  }

  /** `rollbackInMs`: it goes back to what was before in so long. Null: it stays. */
  view(rollbackInMs: number | null): ConfigurationView {
    const { origin, setByApi, ready } = this.loaded();
    const { isNodeGiven, ...fixed } = this.fixed;
    const isFromFile = origin.files.some(({ path }) => path !== null);
    return {
      file: isFromFile ? originText(origin) : null,
      digest: this.digest,
      isChanged: hasChanged(origin),
      setByApi: setByApi === null ? null : { ...setByApi, rollbackInMs },
      fixed: { ...fixed, node: isNodeGiven ? null : (ready.ha?.node ?? null) },
    };
  }

  /** Every file that it is made of, or goes before, with the beginning of the SHA-256 of what was read. */
  origin(): readonly OriginFileView[] {
    return this.loaded().origin.files.map(({ path, digest }) => {
      return { path, digest: digest === null ? null : shortened(digest) };
    });
  }

  /** Its files say something new, and nobody goes by them; null: that is not so. */
  get drift(): string | null {
    const { origin, setByApi } = this.loaded();
    return setByApi === null || hasChanged(origin) === false ? null : driftText(setByApi, origin);
  }

  /** Of a single file the beginning of its SHA-256. */
  private get digest(): string {
    const { origin, setByApi, digest: ofWhole } = this.loaded();
    if (setByApi !== null) return shortened(ofWhole);
    const digests = origin.files.map(({ digest }) => digest ?? '');
    return shortened(digests.length === 1 ? digests[0] : digestOf(digests.join()));
  }
}
