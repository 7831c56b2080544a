/**
 * What an operator has asked for and a restart must not forget: which routers leave their addresses to a peer, who said so,
 * and until when. One small file, replaced as a whole. Without it, or with one that cannot be read, routers take part as
 * configured.
 */
import { mkdirSync, openSync, closeSync, readSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Milliseconds since 1970: a restart of the machine is outlived. */
export interface RestraintRecord {
  readonly router: string;
  /** As they said themselves; null: they did not. */
  readonly by: string | null;
  readonly atMs: number;
  /** Null: until `resume`. */
  readonly untilMs: number | null;
}

/** A record has about 150 bytes, and there are at most as many as routers. */
const FILE_BYTES_MAX = 1024 * 1024;

export class RestraintFile {
  private readonly path: string;
  private readonly warn: (message: string) => void;

  constructor(directory: string, node: string, warn: (message: string) => void) {
    this.path = `${directory}/restraints.${node.replaceAll(/[^A-Za-z0-9_.-]/g, '_')}.json`;
    this.warn = warn;
  }

  read(): readonly RestraintRecord[] {
    try {
      const parsed: unknown = JSON.parse(readBounded(this.path));
      const records = (parsed as { readonly restraints?: unknown }).restraints;
      if (!Array.isArray(records) || !records.every(isRecord)) throw new Error('it is not what evenkeel writes');
      return records;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      this.warn(`hand-overs from before are not known: ${this.path}: ${(error as Error).message}`);
      return [];
    }
  }

  write(records: readonly RestraintRecord[]): void {
    try {
      if (records.length === 0) {
        unlinkSync(this.path);
        return;
      }
      makeDirectory(dirname(this.path));
      const next = `${this.path}.next`;
      writeFileSync(next, `${JSON.stringify({ restraints: records }, null, 2)}\n`, { mode: 0o644 });
      renameSync(next, this.path);
    } catch (error) {
      if (records.length === 0 && (error as NodeJS.ErrnoException).code === 'ENOENT') return;
      this.warn(`a restart will forget hand-overs: ${this.path} cannot be written: ${(error as Error).message}`);
    }
  }
}

function readBounded(path: string): string {
  const descriptor = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(FILE_BYTES_MAX);
    const length = readSync(descriptor, bytes);
    if (length === FILE_BYTES_MAX) throw new Error('it is too large');
    return bytes.toString('utf8', 0, length);
  } finally {
    closeSync(descriptor);
  }
}

/** One level, as for the control socket. */
function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { mode: 0o755 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function isTime(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value);
}

function isRecord(value: unknown): value is RestraintRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { router, by, atMs, untilMs } = value as Record<string, unknown>;
  return (
    typeof router === 'string' &&
    (by === null || typeof by === 'string') &&
    isTime(atMs) &&
    (untilMs === null || isTime(untilMs))
  );
}
