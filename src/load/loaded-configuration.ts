/** Which configuration runs, and whether its files still say the same: for who compares two nodes, or has edited one. */
import type { OriginFileView } from '../api/configuration.ts';
import type { ConfigurationView, FixedSettings } from '../api/status.ts';
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { type ConfigFile, STANDARD_INPUT } from '../cli/config-files.ts';
import { readText } from './config-file.ts';
import { glob } from './glob.ts';
import type { Texts } from './included-files.ts';

/** Enough to tell texts apart at a glance. */
const DIGEST_CHARACTERS = 12;

export class LoadedConfiguration {
  private readonly files: readonly ConfigFile[];
  private readonly fixed: FixedSettings;
  private texts: Texts;

  constructor(files: readonly ConfigFile[], texts: Texts, fixed: FixedSettings) {
    this.files = files;
    this.texts = texts;
    this.fixed = fixed;
  }

  /** Other texts of the same files are in force. */
  replace(texts: Texts): void {
    this.texts = texts;
  }

  view(): ConfigurationView {
    const paths = this.files.filter(({ path }) => path !== STANDARD_INPUT).map(({ path }) => resolve(path));
    return {
      file: paths.length === 0 ? null : paths.join(', '),
      digest: digestOf(this.texts),
      isChanged: this.isChanged(),
      fixed: this.fixed,
    };
  }

  /** Every file that it is made of, with the beginning of the SHA-256 of what was read. */
  origin(): readonly OriginFileView[] {
    const { roots, included } = this.texts;
    const named = this.files.map(({ path }, i) => {
      return { path: path === STANDARD_INPUT ? null : resolve(path), digest: digestOfText(roots[i]) };
    });
    const others = included.map(({ path, text }) => ({ path, digest: text === null ? null : digestOfText(text) }));
    return [...named, ...others];
  }

  private isChanged(): boolean | null {
    const { roots, included, listings } = this.texts;
    let isChanged = listings.some(({ pattern, paths }) => glob(pattern).join('\0') !== paths.join('\0'));
    for (const [i, { path }] of this.files.entries()) {
      if (path === STANDARD_INPUT) continue;
      const now = readText(path);
      if ('reason' in now) return null;
      isChanged ||= now.text !== roots[i];
    }
    for (const { path, text } of included) {
      const now = readText(path);
      isChanged ||= ('text' in now ? now.text : null) !== text;
    }
    return isChanged;
  }
}

/** Of a single file the beginning of its SHA-256. */
function digestOf({ roots, included }: Texts): string {
  return digestOfText([...roots, ...included.map((each) => each.text ?? '')].join('\0'));
}

function digestOfText(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, DIGEST_CHARACTERS);
}
