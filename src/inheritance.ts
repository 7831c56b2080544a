/** Takes over, in a proxy process, what keeper/handover.ts says that it inherits. */
import { closeSync, fstatSync, readSync } from 'node:fs';
import { Board } from './base/board.ts';
import { openSharedMemory } from './io/linux/shared-memory.ts';
import { type Handover, HANDOVER_DESCRIPTOR, TABLE_DESCRIPTOR } from './keeper/handover.ts';

export function readHandover(): Handover {
  // With positions: the file's own position is shared with the other proxies.
  const bytes = Buffer.alloc(fstatSync(HANDOVER_DESCRIPTOR).size);
  for (let at = 0; at < bytes.length;) {
    const count = readSync(HANDOVER_DESCRIPTOR, bytes, at, bytes.length - at, at);
    if (count === 0) throw new Error('the handover is cut short');
    at += count;
  }
  return JSON.parse(bytes.toString()) as Handover;
}

/** Of the board, this process can write the row of its own worker. */
export function openBoard({ rowDescriptors }: Handover, workerIndex: number): Board {
  const table = take(TABLE_DESCRIPTOR, 'read');
  return Board.open({ table, rows: rowDescriptors.map((row, i) => take(row, i === workerIndex ? 'write' : 'read')) });
}

/** A mapping needs its descriptor no longer. */
function take(descriptor: number, access: 'read' | 'write'): ArrayBuffer {
  const buffer = openSharedMemory(descriptor, access);
  closeSync(descriptor);
  return buffer;
}
