/**
 * A proxy with little memory, so that a few hundred clients are a crowd: imported before the program (`smallArena`), this
 * changes the sizes in base/limits.ts as that file is loaded. What runs is the program as it is but for these figures, and
 * it needs no option that only a test would use.
 */
import { type LoadHook, register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

export interface ArenaSizes {
  readonly large: number;
  readonly small: number;
  /** Of the large ones, those that the kernel may fill on io_uring. */
  readonly posted: number;
  /** Pieces of memory that OpenSSL may keep for peers. */
  readonly foreign?: number;
}

const CONSTANTS: Readonly<Record<keyof ArenaSizes, string>> = {
  large: 'LARGE_SLOTS',
  small: 'SMALL_SLOTS',
  posted: 'POSTED_SLOTS',
  foreign: 'FOREIGN_COUNT',
};

/** The environment of a program whose proxies have an arena of these sizes. */
export function smallArena(sizes: ArenaSizes): NodeJS.ProcessEnv {
  const url = new URL(import.meta.url);
  for (const [name, count] of Object.entries(sizes)) url.searchParams.set(name, `${count}`);
  return { NODE_OPTIONS: `--import=${url.href}` };
}

const sizes = new URL(import.meta.url).searchParams;
// the hooks run in a thread of their own, which imports this file once more
if (isMainThread && sizes.size > 0) register(import.meta.url);

export const load: LoadHook = async (url, context, nextLoad) => {
  const loaded = await nextLoad(url, context);
  if (!url.endsWith('/src/base/limits.js')) return loaded;
  let source = Buffer.from(loaded.source as Uint8Array).toString();
  for (const [name, constant] of Object.entries(CONSTANTS)) {
    if (!sizes.has(name)) continue;
    const before = source;
    source = source.replace(new RegExp(`(export const ${constant} = )[0-9_]+;`), `$1${sizes.get(name)};`);
    if (source === before) throw new Error(`base/limits.ts has no ${constant}`);
  }
  return { ...loaded, source };
};
