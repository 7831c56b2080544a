/** From a request to the file that answers it. */
import type { FileSite } from '../config/plan/files.ts';
import type { Found, OpenFile, Root } from './disk.ts';

export type Answer =
  /** `path`: by whose end its type is known. */
  | { readonly kind: 'file'; readonly file: OpenFile; readonly path: Buffer }
  /** The path of a folder needs a slash at its end. */
  | { readonly kind: 'slash'; readonly path: Buffer }
  | { readonly kind: 'status'; readonly status: number; readonly reason: string | null };

const SLASH = 0x2f;
const DOT = 0x2e;
const WELL_KNOWN = '.well-known';

/** What a client may know of what is wrong, and what the log says of it. */
const MISSING: Answer = { kind: 'status', status: 404, reason: null };

/** `asks`: what can be answered with a file. `path`: of the request, decoded. `paths`: what the site has in its place. */
export async function findAnswer(
  site: FileSite,
  root: Root,
  path: Buffer,
  paths: readonly Buffer[],
  asks: boolean,
): Promise<Answer> {
  if (!site.isTrying) return answerPath(site, root, paths[0] ?? path, path, asks);
  for (const [i, one] of paths.entries()) {
    const isFolder = site.paths[i] === 'folder';
    const own = located(site, one);
    if (own === null) continue;
    const found = await root.find(isFolder ? own.subarray(0, -1) : own);
    if (found.kind === 'missing' || found.kind === 'outside') continue;
    if (found.kind === 'file') {
      if (!isFolder) return asks ? { kind: 'file', file: found.file, path: one } : refused(405, found.file);
      found.file.close();
      continue;
    }
    if (found.kind === 'folder') {
      // as nginx takes it: one that is asked for without a slash gets one first
      const asked = one.subarray(0, -1);
      if (isFolder) return answerPath(site, root, asked, asked, asks);
      continue;
    }
    return failure(found, own);
  }
  return MISSING;
}

async function answerPath(site: FileSite, root: Root, path: Buffer, asked: Buffer, asks: boolean): Promise<Answer> {
  const own = located(site, path);
  if (own === null) return MISSING;
  if (own.at(-1) === SLASH) return answerFolder(site, root, own, asks);
  const found = await root.find(own);
  if (found.kind === 'file') {
    return asks ? { kind: 'file', file: found.file, path: asked } : refused(405, found.file);
  }
  if (found.kind !== 'folder') return failure(found, own);
  return { kind: 'slash', path: asked };
}

async function answerFolder(site: FileSite, root: Root, folder: Buffer, asks: boolean): Promise<Answer> {
  for (const name of site.index) {
    const path = Buffer.concat([folder, Buffer.from(name)]);
    const found = await root.find(path);
    if (found.kind === 'file') return asks ? { kind: 'file', file: found.file, path } : refused(405, found.file);
    if (found.kind === 'missing' || found.kind === 'folder') continue;
    return failure(found, path);
  }
  const found = await root.find(folder.subarray(0, -1));
  if (found.kind === 'file') {
    found.file.close();
    return MISSING;
  }
  return found.kind === 'folder' ? { kind: 'status', status: 403, reason: null } : failure(found, folder);
}

function refused(status: number, file: OpenFile): Answer {
  file.close();
  return { kind: 'status', status, reason: null };
}

function failure(found: Exclude<Found, { kind: 'file' }>, path: Buffer): Answer {
  const name = JSON.stringify(path.toString());
  switch (found.kind) {
    case 'missing':
    case 'folder':
      return MISSING;
    case 'outside':
      return { kind: 'status', status: 404, reason: `${name} leads out of its root, and is not answered` };
    case 'forbidden':
      return { kind: 'status', status: 403, reason: `${name} may not be read by this user` };
    case 'busy':
      return { kind: 'status', status: 503, reason: 'too many requests wait for a disk' };
    case 'failed':
      return { kind: 'status', status: 500, reason: found.reason };
  }
}

/** The path below the root; null: it is none that is answered. */
function located({ strip, hasDotFiles }: FileSite, path: Buffer): Buffer | null {
  let own = path;
  if (strip !== '') {
    const prefix = Buffer.from(strip);
    // what a site has in place of the path of the request need not begin with it
    if (own.subarray(0, prefix.length).equals(prefix)) own = own.subarray(prefix.length);
  }
  if (own[0] !== SLASH) own = Buffer.concat([Buffer.from('/'), own]);
  if (own.includes(0)) return null;
  for (const segment of own.toString('latin1').split('/')) {
    if (segment.charCodeAt(0) !== DOT) continue;
    if (segment === '.' || segment === '..' || (!hasDotFiles && segment !== WELL_KNOWN)) return null;
  }
  return own;
}

/** By the name's extension. */
export function typeOf({ types, defaultType }: FileSite, path: Buffer): string {
  const name = path.toString('latin1');
  const extension = /\.([^./]+)$/.exec(name)?.[1].toLowerCase();
  return (extension === undefined ? undefined : types[extension]) ?? defaultType;
}
