/**
 * What the processes have in common that proxies ask: each becomes a user without rights, and serves proxies alone. When its keeper is gone it serves on for those
 * that are left, until none of them has asked for a while.
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { NoteLog } from '../base/note-log.ts';
import { descriptorsLeft } from '../io/linux/descriptor-limit.ts';
import { peerUser } from '../io/linux/peer-user.ts';
import { dropPrivileges } from '../io/linux/privileges.ts';
import {
  LISTEN_DESCRIPTOR,
  type OwnServerArguments,
  type OwnServerToKeeper,
} from '../keeper/own-servers/own-server-messages.ts';
import { encodeLine } from '../port/control.ts';
import { isProgramOfKeeper } from '../keeper/program-identity.ts';
import { EXIT_OTHER_PROGRAM } from '../keeper/proxies/proxy-arguments.ts';

/** What it does. */
export interface OwnServing<M> {
  /** Does not listen yet. */
  readonly server: Server;
  /** From now on this holds. */
  readonly apply: (message: M) => void;
}

export interface Surroundings {
  readonly log: NoteLog;
  /** Who may ask. */
  readonly isPeer: (socket: Socket) => boolean;
  /** How many descriptors it may have. */
  readonly descriptors: number;
}

/** Without a connection and without a keeper. */
const ORPHANED_MS_MAX = 60_000;
const LOOK_MS = 1_000;

/** `name`: for ps. `start` is called with the rights that are still there. Resolves to the exit code. */
export async function runOwnServer<M>(
  name: string,
  text: string,
  start: (surroundings: Surroundings) => OwnServing<M> | Promise<OwnServing<M>>,
): Promise<number> {
  process.title = `evenkeel: ${name}`;
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const) process.on(signal, () => undefined);
  const { user, peers } = JSON.parse(text) as OwnServerArguments;
  if (!isProgramOfKeeper(process.env)) return EXIT_OTHER_PROGRAM;
  const log = new NoteLog(
    (message) => say({ type: 'log', message }),
    () => performance.now(),
  );
  const isPeer = (socket: Socket): boolean => peers.includes(peerUser(socket));
  const { server, apply } = await start({ log, isPeer, descriptors: descriptorsLeft() });
  dropPrivileges(user);
  return new Promise((resolve) => {
    let isListening = false;
    const lines = createInterface({ input: process.stdin });
    lines.on('line', (line) => {
      apply(JSON.parse(line) as M);
      say({ type: 'applied' });
      if (!isListening) server.listen({ fd: LISTEN_DESCRIPTOR });
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

function say(message: OwnServerToKeeper): void {
  process.stdout.write(encodeLine(message));
}
