/**
 * The process that reads files: it waits for disks, so that no proxy does. It becomes a user without rights, and serves proxies
 * alone. When its keeper is gone it serves on for those that are left, until none of them has asked for a while.
 */
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { FileServer } from '../files/file-server.ts';
import { FilesLog } from '../files/files-log.ts';
import { descriptorsLeft } from '../io/linux/descriptor-limit.ts';
import { peerUser } from '../io/linux/peer-user.ts';
import { dropPrivileges } from '../io/linux/privileges.ts';
import {
  FILES_LISTEN_DESCRIPTOR,
  type FilesArguments,
  type FilesToKeeper,
  type KeeperToFiles,
} from '../keeper/files/files-messages.ts';
import { encodeLine } from '../port/control.ts';
import { isProgramOfKeeper } from '../keeper/program-identity.ts';
import { EXIT_OTHER_PROGRAM } from '../keeper/proxies/proxy-arguments.ts';

/** Without a connection and without a keeper. */
const ORPHANED_MS_MAX = 60_000;
const LOOK_MS = 1_000;

/** Resolves to the exit code. */
export async function runFiles(text: string): Promise<number> {
  process.title = 'evenkeel: files';
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const) process.on(signal, () => undefined);
  const { user, peers } = JSON.parse(text) as FilesArguments;
  if (!isProgramOfKeeper(process.env)) return EXIT_OTHER_PROGRAM;
  const descriptors = descriptorsLeft();
  dropPrivileges(user);
  const log = new FilesLog(
    (message) => say({ type: 'log', message }),
    () => performance.now(),
  );
  const isPeer = (socket: Socket): boolean => peers.includes(peerUser(socket));
  // each may have a file open
  const files = new FileServer(isPeer, Math.floor(descriptors / 2), log);
  const { server } = files;
  return new Promise((resolve) => {
    let isListening = false;
    const lines = createInterface({ input: process.stdin });
    lines.on('line', (line) => {
      files.apply((JSON.parse(line) as KeeperToFiles).sites);
      say({ type: 'applied' });
      if (!isListening) server.listen({ fd: FILES_LISTEN_DESCRIPTOR });
      isListening = true;
    });
    lines.on('close', () => {
      let seenAt = performance.now();
      const look = setInterval(() => {
        server.getConnections((_, count) => {
          if (count > 0) seenAt = performance.now();
          if (performance.now() - seenAt < ORPHANED_MS_MAX) return;
          clearInterval(look);
          resolve(0);
        });
      }, LOOK_MS);
    });
  });
}

function say(message: FilesToKeeper): void {
  process.stdout.write(encodeLine(message));
}
