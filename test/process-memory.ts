/** What is in the memory of a process. Needs root, and Linux. */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

const READ_BYTES = 1024 * 1024;
/** A needle that lies across two reads. */
const OVERLAP_BYTES = 256;

/** Which of these bytes, or the same as UTF-16, are in memory that the process can write. */
export function findIn(pid: number, needles: Readonly<Record<string, Buffer>>): readonly string[] {
  const wanted = Object.entries(needles).flatMap(([name, bytes]) => [
    [name, bytes] as const,
    [name, Buffer.from(bytes.toString('latin1'), 'utf16le')] as const,
  ]);
  const found = new Set<string>();
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  const bytes = Buffer.alloc(READ_BYTES);
  for (const line of readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n')) {
    const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
    if (from === undefined) continue;
    const end = BigInt(`0x${to}`);
    for (let at = BigInt(`0x${from}`); at < end; at += BigInt(READ_BYTES - OVERLAP_BYTES)) {
      const length = Number(end - at < BigInt(READ_BYTES) ? end - at : BigInt(READ_BYTES));
      let count = 0;
      try {
        count = readSync(memory, bytes, 0, length, at as unknown as number);
      } catch {
        break;
      }
      const part = bytes.subarray(0, count);
      for (const [name, needle] of wanted) if (part.includes(needle)) found.add(name);
    }
  }
  closeSync(memory);
  return [...found];
}
