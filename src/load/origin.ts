/** The files that a configuration was made of, as they were when they were read. */
import { createHash } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { type ConfigFile, STANDARD_INPUT } from '../cli/config-file.ts';
import { readText } from './config-file.ts';
import type { SeenFiles } from './file-state.ts';
import { glob } from './glob.ts';
import type { Listing, Texts } from './included-files.ts';

const SHORT_CHARACTERS = 12;

export interface OriginFile {
  /** Null: standard input. */
  readonly path: string | null;
  /** SHA-256, in hexadecimal. Null: it could not be read, as files that are included may not. */
  readonly digest: string | null;
  /** It was named by who started evenkeel. */
  readonly isNamed: boolean;
}

export interface Origin {
  readonly files: readonly OriginFile[];
  readonly listings: readonly Listing[];
}

export function originOf(named: readonly ConfigFile[], { roots, included, listings }: Texts): Origin {
  return {
    files: [
      ...named.map(({ path }, i) => {
        return { path: path === STANDARD_INPUT ? null : resolve(path), digest: digestOf(roots[i]), isNamed: true };
      }),
      ...included.map(({ path, text }) => {
        return { path, digest: text === null ? null : digestOf(text), isNamed: false };
      }),
    ],
    listings,
  };
}

/** Whether the files say something else now. Null: one that was named cannot be read. */
export function hasChanged({ files, listings }: Origin): boolean | null {
  let isChanged = listings.some(({ pattern, paths }) => glob(pattern).join('\0') !== paths.join('\0'));
  for (const { path, digest, isNamed } of files) {
    if (path === null) continue;
    const now = readText(path);
    if ('reason' in now && isNamed) return null;
    isChanged ||= ('text' in now ? digestOf(now.text) : null) !== digest;
  }
  return isChanged;
}

/** What has to be looked at to notice that they have. */
export function noteOrigin({ files, listings }: Origin, seen: SeenFiles): void {
  for (const { path } of files) if (path !== null) seen.note(path);
  for (const { pattern } of listings) if (!/[*?[]/.test(dirname(pattern))) seen.note(dirname(pattern));
}

/** Of those that were named, for people. */
export function originText({ files }: Origin): string {
  return files
    .filter(({ isNamed }) => isNamed)
    .map(({ path }) => path ?? 'standard input')
    .join(', ');
}

/** Of files that have changed, though they are not what evenkeel goes by. */
export function driftText({ by, at }: { readonly by: string | null; readonly at: string }, origin: Origin): string {
  const who = by === null ? 'the admin API' : `${by}, by the admin API`;
  return (
    `${originText(origin)} has changed since the configuration in force was set (by ${who}, at ${at}), and is not gone by: ` +
    '`evenkeel config diff` shows what differs, `evenkeel config reset` goes by the files'
  );
}

/** SHA-256, in hexadecimal. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Enough of it to tell texts apart at a glance. */
export function shortened(digest: string): string {
  return digest.slice(0, SHORT_CHARACTERS);
}
