/** What is in the memory of a process. Needs root, and Linux. */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

const READ_BYTES = 1024 * 1024;
/** A needle that lies across two reads. */
const OVERLAP_BYTES = 256;
const PAGE_BYTES = 4_096;
/** proc_pid_pagemap(5): an entry of eight bytes for each page; in the last one, that it is in memory, or swapped out. */
const ENTRY_BYTES = 8;
const IS_THERE = 0xc0;

/** Which of these bytes, or the same as UTF-16, are in memory that the process can write. */
export function findIn(pid: number, needles: Readonly<Record<string, Buffer>>): readonly string[] {
  const wanted = Object.entries(needles).flatMap(([name, bytes]) => [
    [name, bytes] as const,
    [name, Buffer.from(bytes.toString('latin1'), 'utf16le')] as const,
  ]);
  const found = new Set<string>();
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  const pages = openSync(`/proc/${pid}/pagemap`, 'r');
  const bytes = Buffer.alloc(READ_BYTES + OVERLAP_BYTES);
  for (const line of readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n')) {
    const [, from, to, inode] = /^([0-9a-f]+)-([0-9a-f]+) rw.. \S+ \S+ (\d+)/.exec(line) ?? [];
    if (from === undefined) continue;
    const end = Number.parseInt(to, 16);
    // What is shared may have been written by somebody else; of its own, most of what it has reserved it has never touched. Looking
    // at a page there would make it one that is there.
    const isRead = (at: number, length: number): boolean => inode !== '0' || isThere(pages, at, length);
    for (let at = Number.parseInt(from, 16); at < end; at += READ_BYTES) {
      const own = Math.min(end - at, READ_BYTES);
      if (!isRead(at, own)) continue;
      const length = own + (at + own < end && isRead(at + own, PAGE_BYTES) ? OVERLAP_BYTES : 0);
      let count = 0;
      try {
        count = readSync(memory, bytes, 0, length, at);
      } catch {
        break;
      }
      const part = bytes.subarray(0, count);
      for (const [name, needle] of wanted) if (part.includes(needle)) found.add(name);
    }
  }
  closeSync(memory);
  closeSync(pages);
  return [...found];
}

const entries = Buffer.alloc((READ_BYTES / PAGE_BYTES) * ENTRY_BYTES);

/** Whether there is any page of these, which are whole ones. */
function isThere(pages: number, at: number, length: number): boolean {
  const first = at / PAGE_BYTES;
  const count = readSync(pages, entries, 0, (length / PAGE_BYTES) * ENTRY_BYTES, first * ENTRY_BYTES);
  for (let i = ENTRY_BYTES - 1; i < count; i += ENTRY_BYTES) if ((entries[i] & IS_THERE) !== 0) return true;
  return false;
}
