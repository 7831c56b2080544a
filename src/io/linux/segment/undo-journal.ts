/**
 * What this process has changed on its machine and will have to undo: settings, links, addresses, routes. Written down before it is
 * done, in a file under /run, so that a successor can undo it too when this process was killed.
 *
 * A file names its process and its network namespace. What it says counts as left behind only when that process is gone, and
 * is undone only if no other process wants the same: several instances, and several namespaces with one /run, do not touch
 * each other's.
 */
import type { KernelRoute, KernelRule } from '../../../base/kernel-routing.ts';
import { systemReason } from '../../../base/system-error.ts';
import {
  closeSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import * as libc from '../libc.ts';

export type Undo =
  | { readonly kind: 'sysctl'; readonly name: string; readonly before: number; readonly set: number }
  | { readonly kind: 'link'; readonly name: string }
  | { readonly kind: 'address'; readonly link: string; readonly address: string; readonly prefixLength: number }
  /** A virtual address that was the interface's own: to be given back. */
  | { readonly kind: 'own-address'; readonly link: string; readonly address: string; readonly prefixLength: number }
  | { readonly kind: 'route'; readonly route: KernelRoute }
  | { readonly kind: 'rule'; readonly rule: KernelRule };

interface Journal {
  readonly pid: number;
  /** Process ids are used again; with this they are not the same process. */
  readonly startTicks: number;
  readonly undo: readonly Undo[];
}

const SO_NETNS_COOKIE = 71;

export class UndoJournal {
  private readonly directory: string;
  private readonly prefix: string;
  private readonly note: (message: string) => void;
  /** By what they undo. */
  private readonly entries = new Map<string, Undo>();
  private readonly startTicks = startTicks(process.pid) ?? 0;
  private isWritable = true;

  constructor(directory: string, note: (message: string) => void) {
    this.directory = directory;
    this.prefix = `vip-${networkNamespace()}-`;
    this.note = note;
  }

  /** Once is enough. Many at once are written down at once. */
  add(...undos: readonly Undo[]): void {
    let isNew = false;
    for (const undo of undos) {
      const key = keyOf(undo);
      if (this.entries.has(key)) continue;
      this.entries.set(key, undo);
      isNew = true;
    }
    if (isNew) this.write();
  }

  /** It was undone, or is of no concern any more. */
  remove(matches: (undo: Undo) => boolean): void {
    let isChanged = false;
    for (const [key, undo] of this.entries) {
      if (!matches(undo)) continue;
      this.entries.delete(key);
      isChanged = true;
    }
    if (isChanged) this.write();
  }

  find(matches: (undo: Undo) => boolean): Undo | undefined {
    for (const undo of this.entries.values()) if (matches(undo)) return undo;
    return undefined;
  }

  /** What other processes have written down: predecessors that are gone, and those that run beside this one. */
  elsewhere(): readonly Undo[] {
    return this.readOthers().flatMap(({ undo }) => undo);
  }

  /** Another process that runs beside this one would have to undo it too. */
  isSharedWithLiving(undo: Undo): boolean {
    return this.readOthers().some(
      (journal) => journal.isAlive && journal.undo.some((other) => keyOf(undo) === keyOf(other)),
    );
  }

  /**
   * What predecessors left behind, and neither this process nor a living one goes on with. To be undone now: it is
   * forgotten. `gone`: processes that may still be there, but do nothing any more.
   */
  takeLeftBehind(gone: readonly number[] = []): readonly Undo[] {
    const others = this.readOthers(gone);
    const known = new Set(this.entries.keys());
    for (const { isAlive, undo } of others) if (isAlive) for (const each of undo) known.add(keyOf(each));
    const left: Undo[] = [];
    for (const { file, isAlive, undo } of others) {
      if (isAlive) continue;
      for (const each of undo) {
        if (known.has(keyOf(each))) continue;
        known.add(keyOf(each));
        left.push(each);
      }
      remove(file);
    }
    return left;
  }

  private get file(): string {
    return join(this.directory, `${this.prefix}${process.pid}-${this.startTicks}.json`);
  }

  private write(): void {
    if (this.entries.size === 0) {
      remove(this.file);
      return;
    }
    const journal: Journal = { pid: process.pid, startTicks: this.startTicks, undo: [...this.entries.values()] };
    try {
      mkdirSync(this.directory, { recursive: true, mode: 0o755 });
      const next = `${this.file}.new`;
      // A link that lies there is not followed.
      remove(next);
      writeFileSync(next, JSON.stringify(journal), { flag: 'wx' });
      renameSync(next, this.file);
    } catch (error) {
      if (this.isWritable) {
        this.note(
          `cannot write to ${this.directory} (${systemReason(error)}): kernel settings that were changed will stay so if evenkeel is killed`,
        );
      }
      this.isWritable = false;
    }
  }

  private readOthers(gone: readonly number[] = []): readonly OtherJournal[] {
    return list(this.directory).flatMap((name) => {
      if (!name.startsWith(this.prefix) || !name.endsWith('.json')) return [];
      const file = join(this.directory, name);
      const journal = file === this.file ? null : readJournal(file);
      return journal === null
        ? []
        : [{ file, isAlive: !gone.includes(journal.pid) && isAlive(journal), undo: journal.undo }];
    });
  }
}

interface OtherJournal {
  readonly file: string;
  readonly isAlive: boolean;
  readonly undo: readonly Undo[];
}

/** Undoing one of the same key undoes the other. What a setting was before may differ between two that have changed it. */
function keyOf(undo: Undo): string {
  switch (undo.kind) {
    case 'sysctl':
    case 'link':
      return `${undo.kind} ${undo.name}`;
    case 'address':
    case 'own-address':
      return `${undo.kind} ${undo.address}/${undo.prefixLength} ${undo.link}`;
    case 'route':
      return `route ${JSON.stringify(undo.route)}`;
    case 'rule':
      return `rule ${JSON.stringify(undo.rule)}`;
  }
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch {
    return [];
  }
}

function remove(file: string): void {
  try {
    unlinkSync(file);
  } catch {
    // It is not there.
  }
}

/** Null: nobody can make anything of it, or it is not this user's. */
function readJournal(file: string): Journal | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Journal;
  } catch {
    return null;
  }
}

function isAlive(journal: Journal): boolean {
  return startTicks(journal.pid) === journal.startTicks;
}

/** When the process started (proc(5), field 22 of stat); null: it is gone, or a zombie. */
function startTicks(pid: number): number | null {
  try {
    // The name of the program is in parentheses and may contain anything.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? null : Number(fields[19]);
  } catch {
    return null;
  }
}

/** The cookie is never used again, unlike the inode; kernels before 5.14 have only that. */
function networkNamespace(): string {
  const cookie = new Uint8Array(8);
  const descriptor = libc.socket(libc.AF_UNIX, libc.SOCK_DGRAM);
  const length = libc.getOptionBytes(descriptor, libc.SOL_SOCKET, SO_NETNS_COOKIE, cookie);
  closeSync(descriptor);
  if (length === cookie.length) return `${new DataView(cookie.buffer).getBigUint64(0, true)}`;
  return /\d+/.exec(readlinkSync('/proc/self/ns/net'))?.[0] ?? '0';
}
