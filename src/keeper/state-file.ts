/**
 * What a restart must not forget, such as what an operator has said: a list of records in a small file, replaced as a whole. Without it,
 * or with one that cannot be read, nothing was said.
 */
import { closeSync, fstatSync, openSync, readSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemReason } from '../base/system-error.ts';
import { writeFreshFile } from './fresh-file.ts';
import type { Log } from './log/log.ts';
import { makeDirectory } from './make-directory.ts';

export interface StateFileOptions<T> {
  /** `/var/lib/evenkeel`. It is made if it is not there. */
  readonly directory: string;
  /** Of the file, and of the list in it: `restraints`. */
  readonly name: string;
  /** Which node of a configuration this is: two of one machine have two files. */
  readonly node: string;
  /** For people: `hand-overs`. */
  readonly what: string;
  readonly isRecord: (value: unknown) => value is T;
  /** What it is about: there is one of it. */
  readonly keyOf: (record: T) => string;
  readonly log: Log;
}

/** The last millisecond that has a date. */
const TIME_MAX = 8_640_000_000_000_000;

/** Milliseconds since 1970. */
export function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= TIME_MAX;
}

/** A name as the control socket lets it through; null: they did not say. */
export function isWho(value: unknown): value is string | null {
  return value === null || (typeof value === 'string' && /^[\x21-\x7e]*$/.test(value));
}

/** A record has about 150 bytes; one with a list of servers (instance/discovery) up to 64 KiB, and some more where quotes are in it. */
const FILE_BYTES_MAX = 16 * 1024 * 1024;
const TOO_LARGE = `it is larger than ${FILE_BYTES_MAX / 2 ** 20} MiB`;

export class StateFile<T> {
  private readonly options: StateFileOptions<T>;
  private readonly path: string;
  private unwritten: { readonly records: readonly T[]; readonly why: string } | null = null;

  constructor(options: StateFileOptions<T>) {
    const { directory, name, node } = options;
    this.options = options;
    this.path = `${directory}/${name}.${node.replaceAll(/[^A-Za-z0-9_.-]/g, '_')}.json`;
  }

  /** What a restart will forget, and why. Null: it will know what was written last. */
  get unstored(): string | null {
    return this.unwritten === null
      ? null
      : `${this.options.what}: ${this.path} cannot be written: ${this.unwritten.why}`;
  }

  read(): readonly T[] {
    const { name, what, isRecord, keyOf, log } = this.options;
    try {
      const parsed: unknown = JSON.parse(readBounded(this.path));
      const records = (parsed as Readonly<Record<string, unknown>>)[name];
      if (!Array.isArray(records) || !records.every(isRecord) || new Set(records.map(keyOf)).size < records.length) {
        throw new Error('it is not what evenkeel writes');
      }
      return records;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      log.warn(`${what} from before are not known: ${this.path}: ${systemReason(error)}`);
      return [];
    }
  }

  write(records: readonly T[]): void {
    this.tryToWrite(records);
    if (this.unwritten !== null) this.options.log.warn(`a restart will forget ${this.unstored}`);
  }

  /** To be called now and then: a disk that was full need not stay so. */
  writeAgain(): void {
    if (this.unwritten === null) return;
    this.tryToWrite(this.unwritten.records);
    const { log, what } = this.options;
    if (this.unwritten === null) log.info(`${what}: ${this.path} could be written: a restart forgets nothing`);
  }

  private tryToWrite(records: readonly T[]): void {
    try {
      this.replace(records);
      this.unwritten = null;
    } catch (error) {
      this.unwritten = { records, why: systemReason(error) };
    }
  }

  private replace(records: readonly T[]): void {
    if (records.length === 0) {
      rmSync(this.path, { force: true });
      return;
    }
    const text = `${JSON.stringify({ [this.options.name]: records }, null, 2)}\n`;
    // nobody could read it
    if (Buffer.byteLength(text) > FILE_BYTES_MAX) throw new Error(TOO_LARGE);
    makeDirectory(dirname(this.path));
    const next = `${this.path}.next`;
    writeFreshFile(next, text, { mode: 0o644, isSynced: false });
    renameSync(next, this.path);
  }
}

function readBounded(path: string): string {
  const descriptor = openSync(path, 'r');
  try {
    const { size } = fstatSync(descriptor);
    if (size > FILE_BYTES_MAX) throw new Error(TOO_LARGE);
    const bytes = Buffer.alloc(size);
    const length = readSync(descriptor, bytes);
    return bytes.toString('utf8', 0, length);
  } finally {
    closeSync(descriptor);
  }
}
