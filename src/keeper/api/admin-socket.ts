/**
 * The Unix socket on which a running evenkeel is asked how things stand, and told what operators want: `curl --unix-socket` will do. Who
 * may speak to it is decided by the permissions of its file, and by who has connected.
 */
import { lstatSync, renameSync, rmSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { dirname } from 'node:path';
import type { StatusDocument } from '../../api/status.ts';
import { makeDirectory } from '../make-directory.ts';
import type { Log } from '../log/log.ts';
import { type Admit, createApp, type Handlers } from './app.ts';
import { closeHttpServer, type Connection, createHttpServer } from './http-server.ts';

/** The user at the other end of a connection (SO_PEERCRED); -1: nobody knows. */
export type PeerUser = (socket: net.Socket) => number;

export interface AdminSocketOptions {
  readonly path: string;
  /** It takes the place of one that is there. */
  readonly succeeds: boolean;
  readonly handlers: Handlers;
  readonly version: string;
  readonly peerUser: PeerUser;
  readonly log: Log;
}

/** Somebody answers there. */
export class SocketTakenError extends Error {
  override readonly name = 'SocketTakenError';

  /** It is about to end. */
  readonly isStopping: boolean;

  constructor(path: string, isStopping: boolean) {
    super(`another evenkeel answers on ${path}${isStopping ? ', and is stopping' : ''}`);
    this.isStopping = isStopping;
  }
}

/** The most that the one who answers there may take to say whether it stops. */
const STOPPING_MS_MAX = 1_000;
const CONNECTIONS_MAX = 32;
/** Read and write for the owner of the process and nobody else. */
const UMASK = 0o177;

export class AdminSocket {
  private readonly server: http.Server;
  private readonly path: string;
  /** Of the socket's file: another instance may have put its own in its place. */
  private readonly inode: number;

  private constructor(server: http.Server, path: string) {
    this.server = server;
    this.path = path;
    this.inode = lstatSync(path).ino;
  }

  /**
   * Rejects with the reason. A socket that a dead predecessor left behind is replaced; that of a living one is only if this one
   * `succeeds` it, or if that one stops. Who asks there finds one or the other at every moment.
   */
  static async open(options: AdminSocketOptions): Promise<AdminSocket> {
    const { path, succeeds, peerUser } = options;
    const ownUid = process.getuid?.() ?? -1;
    const admit: Admit<Connection> = (_, __, { incoming }) => {
      const uid = peerUser(incoming.socket);
      if (uid === 0 || uid === ownUid) return { name: null };
      return { status: 403, why: 'only root and the user that runs evenkeel may ask here' };
    };
    const app = createApp({ ...options, admit });
    const server = createHttpServer(app);
    server.maxConnections = CONNECTIONS_MAX;
    makeDirectory(dirname(path));
    if (!succeeds && (await isAlive(path))) {
      const occupant = await askOccupant(path);
      if (!occupant.isLeaving) throw new SocketTakenError(path, occupant.isStopping);
    }
    const draft = `${path}~`;
    rmSync(draft, { force: true });
    await listen(server, draft);
    renameSync(draft, path);
    return new AdminSocket(server, path);
  }

  /** Removes the socket's file too. */
  close(): void {
    closeHttpServer(this.server);
    if (lstatSync(this.path, { throwIfNoEntry: false })?.ino === this.inode) rmSync(this.path, { force: true });
  }
}

function listen(server: http.Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // The file is made inside this call.
    const before = process.umask(UMASK);
    try {
      server.listen(path, () => {
        server.removeListener('error', reject);
        resolve();
      });
    } finally {
      process.umask(before);
    }
  });
}

function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(path);
    const finish = (is: boolean): void => {
      socket.destroy();
      resolve(is);
    };
    socket.on('connect', () => finish(true));
    socket.on('error', () => finish(false));
  });
}

interface Occupant {
  readonly isStopping: boolean;
  /** It only finishes what it has. One with virtual addresses may still have them. */
  readonly isLeaving: boolean;
}

/** Of one that does not say how it is. */
const SILENT: Occupant = { isStopping: false, isLeaving: false };

function askOccupant(socketPath: string): Promise<Occupant> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(STOPPING_MS_MAX);
    const request = http.get({ socketPath, path: '/v1/status', agent: false, signal }, (response) => {
      let text = '';
      response.on('data', (data: Buffer) => (text += data.toString()));
      response.on('error', () => resolve(SILENT));
      response.on('end', () => resolve(occupantOf(text)));
    });
    request.on('error', () => resolve(SILENT));
  });
}

function occupantOf(text: string): Occupant {
  try {
    const { isStopping, ha } = JSON.parse(text) as Partial<StatusDocument>;
    return { isStopping: isStopping === true, isLeaving: isStopping === true && ha === null };
  } catch {
    return SILENT;
  }
}
