/**
 * Files below folders. Nothing is answered that is not below its root when it is open: where a descriptor leads is asked of the
 * kernel, so that no link, and nobody who moves folders meanwhile, leads out. Calls of one root wait for each other, so that a disk
 * that hangs takes its own part of the threads and no more.
 */
import { close, constants, fstat, open, read, readlink, realpath, type Stats } from 'node:fs';
import { promisify } from 'node:util';
import { Turnstile } from './turnstile.ts';

const openFile = promisify(open);
const statFile = promisify(fstat);
const closeFile = promisify(close);
const readLink = promisify(readlink) as unknown as (path: string, encoding: 'buffer') => Promise<Buffer>;
const realPath = promisify(realpath) as unknown as (path: Buffer, encoding: 'buffer') => Promise<Buffer>;
const readFile = promisify(read);

/** Of the threads that wait for disks, for one root. */
const CALLS_MAX = 16;
/** Requests that wait for those. */
const WAITING_MAX = 1024;
/** How long it is believed where a root leads. */
const ROOT_MS = 1_000;
const SLASH = 0x2f;
/** A FIFO does not wait for its other end, a terminal becomes nobody's. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
const NOT_THERE: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG']);

/** What a path leads to. */
export type Found =
  | { readonly kind: 'file'; readonly file: OpenFile }
  | { readonly kind: 'folder' | 'missing' | 'forbidden' | 'outside' | 'busy' }
  | { readonly kind: 'failed'; readonly reason: string };

export class OpenFile {
  readonly size: number;
  /** Whole seconds since 1970. */
  readonly modified: number;
  private readonly descriptor: number;
  private readonly turnstile: Turnstile;
  private isClosed = false;

  constructor(descriptor: number, { size, mtimeMs }: Stats, turnstile: Turnstile) {
    this.descriptor = descriptor;
    this.size = size;
    this.modified = Math.floor(mtimeMs / 1000);
    this.turnstile = turnstile;
  }

  /** How many bytes were read; 0 at the end of the file. */
  async read(into: Buffer, at: number, length: number, position: number): Promise<number> {
    const { bytesRead } = await this.turnstile.pass(() => readFile(this.descriptor, into, at, length, position));
    return bytesRead;
  }

  /** Idempotent. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    close(this.descriptor, () => undefined);
  }
}

/** One folder, with its part of the threads. */
export class Root {
  private readonly path: Buffer;
  private readonly turnstile = new Turnstile(CALLS_MAX, WAITING_MAX);
  private real: Buffer | null = null;
  private realUntil = 0;

  /** Without a slash at the end. */
  constructor(path: string) {
    this.path = Buffer.from(path);
  }

  /** `path` begins with a slash. */
  async find(path: Buffer): Promise<Found> {
    if (this.turnstile.isFull) return { kind: 'busy' };
    let descriptor = -1;
    try {
      return await this.turnstile.pass(async () => {
        descriptor = await openFile(Buffer.concat([this.path, path]), FLAGS);
        const found = await this.look(descriptor);
        if (found.kind === 'file') descriptor = -1;
        return found;
      });
    } catch (error) {
      const { code = '', message } = error as NodeJS.ErrnoException;
      if (NOT_THERE.has(code)) return { kind: 'missing' };
      if (code === 'EACCES' || code === 'EPERM') return { kind: 'forbidden' };
      // no such device behind the name, a socket
      if (code === 'ENXIO' || code === 'ENODEV') return { kind: 'missing' };
      return { kind: 'failed', reason: message };
    } finally {
      if (descriptor >= 0) closeFile(descriptor).catch(() => undefined);
    }
  }

  private async look(descriptor: number): Promise<Found> {
    const [stats, target, real] = await Promise.all([
      statFile(descriptor),
      readLink(`/proc/self/fd/${descriptor}`, 'buffer'),
      this.whereItLeads(),
    ]);
    if (!isBelow(target, real)) return { kind: 'outside' };
    if (stats.isDirectory()) return { kind: 'folder' };
    if (!stats.isFile()) return { kind: 'missing' };
    return { kind: 'file', file: new OpenFile(descriptor, stats, this.turnstile) };
  }

  /** A root may be a link that is set to another folder while we run. */
  private async whereItLeads(): Promise<Buffer> {
    const now = performance.now();
    if (this.real === null || now >= this.realUntil) {
      this.real = await realPath(this.path.length === 0 ? Buffer.from('/') : this.path, 'buffer');
      this.realUntil = now + ROOT_MS;
    }
    return this.real;
  }
}

function isBelow(path: Buffer, root: Buffer): boolean {
  if (root.length === 1) return true;
  if (path.length < root.length || path.compare(root, 0, root.length, 0, root.length) !== 0) return false;
  return path.length === root.length || path[root.length] === SLASH;
}
