/** Reads the beginning of a file that has a number in it (core/track/file.ts). */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { systemReason } from '../../base/system-error.ts';

const NUMBER_BYTES_MAX = 64;

/** Empty, with the reason, if it cannot be read. A FIFO of this name keeps nobody waiting. */
export async function readStart(path: string): Promise<{ readonly text: string; readonly problem: string | null }> {
  let file: FileHandle | null = null;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(NUMBER_BYTES_MAX), 0, NUMBER_BYTES_MAX, 0);
    return { text: buffer.toString('latin1', 0, bytesRead), problem: null };
  } catch (error) {
    return { text: '', problem: systemReason(error) };
  } finally {
    await file?.close().catch(() => undefined);
  }
}
