/**
 * The file system for front-ends. What they ask for is remembered: each file that was read or looked for is a part of the
 * configuration, and so is each folder in which a pattern was looked for.
 */
import { dirname } from 'node:path';
import type { FileAccess } from '../config/front-end.ts';
import { readText } from './config-file.ts';
import { SeenFiles } from './file-state.ts';
import { glob } from './glob.ts';

export interface IncludedText {
  readonly path: string;
  /** Null: it could not be read. */
  readonly text: string | null;
}

export interface Listing {
  readonly pattern: string;
  readonly paths: readonly string[];
}

/** What a configuration was made of. */
export interface Texts {
  /** Of the files that were named, in that order. */
  readonly roots: readonly string[];
  readonly included: readonly IncludedText[];
  readonly listings: readonly Listing[];
}

export class IncludedFiles implements FileAccess {
  /** What has to be looked at to notice a change. */
  readonly seen = new SeenFiles();
  private readonly texts = new Map<string, ReturnType<typeof readText>>();
  private readonly found = new Map<string, readonly string[]>();

  /** Each file once, so that all who read a configuration see the same. */
  read(path: string): ReturnType<typeof readText> {
    this.seen.note(path);
    const text = this.texts.get(path) ?? readText(path);
    this.texts.set(path, text);
    return text;
  }

  glob(pattern: string): readonly string[] {
    const folder = dirname(pattern);
    if (!/[*?[]/.test(folder)) this.seen.note(folder);
    const paths = this.found.get(pattern) ?? glob(pattern);
    this.found.set(pattern, paths);
    return paths;
  }

  get included(): readonly IncludedText[] {
    return [...this.texts].map(([path, read]) => ({ path, text: 'text' in read ? read.text : null }));
  }

  get listings(): readonly Listing[] {
    return [...this.found].map(([pattern, paths]) => ({ pattern, paths }));
  }
}
