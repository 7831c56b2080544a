/** The process that reads files: it waits for disks, so that no proxy does. */
import { FileServer } from '../files/file-server.ts';
import type { KeeperToFiles } from '../keeper/own-servers/own-server-messages.ts';
import { runOwnServer } from './own-server.ts';

/** Resolves to the exit code. */
export function runFiles(text: string): Promise<number> {
  return runOwnServer<KeeperToFiles>('files', text, ({ descriptors, isPeer, log }) => {
    // each may have a file open
    const files = new FileServer(isPeer, Math.floor(descriptors / 2), log);
    return { server: files.server, apply: ({ sites }) => files.apply(sites) };
  });
}
