/**
 * The socket on which a running evenkeel is asked how things stand, and told what operators want: HTTP/1.1 over a Unix
 * socket, so that `curl --unix-socket` will do. Who may speak to it is decided by the permissions of the socket's file.
 *
 *   GET  /v1/status
 *   GET  /v1/ready                                  200, or 503 while this node takes no clients
 *   POST /v1/reload?by=WHO
 *   POST /v1/upgrade?by=WHO
 *   POST /v1/routers/NAME/hand-over?for=SECONDS&by=WHO
 *   POST /v1/routers/NAME/resume?by=WHO
 *   POST /v1/upstreams/..., listeners/..., node/...  override-request.ts
 */
import { lstatSync, renameSync, rmSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { dirname } from 'node:path';
import type { MoveResult } from '../ha/ha-keeper.ts';
import { makeDirectory } from '../make-directory.ts';
import { parseOverrideRequest } from './override-request.ts';
import type { Order } from '../overrides.ts';
import type { StatusDocument } from './status.ts';

export interface ControlHandlers {
  readonly status: () => StatusDocument;
  /** Then nothing can be ordered any more. */
  readonly isStopping: () => boolean;
  /** Resolves with what has changed; rejects if nothing could be, with NotNowError if it can be later. */
  readonly reload: (by: string | null) => Promise<readonly string[]>;
  /** Why this node takes no clients; null: it does. */
  readonly whyUnready: () => string | null;
  /** Resolves when it holds, or with why it cannot. */
  readonly order: (order: Order) => Promise<OrderResult>;
  /** Resolves with who is in charge now; rejects if that is still this one. */
  readonly upgrade: (by: string | null) => Promise<{ readonly pid: number; readonly version: string }>;
  /** `forMs`: null is until `resume`. `by`: who says so; null: they do not. */
  readonly handOver: (router: string, forMs: number | null, by: string | null) => MoveResult;
  readonly resume: (router: string, by: string | null) => MoveResult;
}

export type OrderResult =
  /** What has been ordered, for people. */
  { readonly kind: 'done'; readonly text: string } | { readonly kind: 'unknown' | 'refused'; readonly why: string };

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

/** It cannot be done now, and can be later. The message says why, for people. */
export class NotNowError extends Error {
  override readonly name = 'NotNowError';
}

const CONNECTIONS_MAX = 32;
/** A request takes a client of this machine milliseconds to send, and its answer to take. */
const REQUEST_MS_MAX = 2_000;
const LOOK_MS = 500;
/** A name that goes into the log and into a file. */
const BY_CHARACTERS_MAX = 64;
/** A year. */
const HAND_OVER_S_MAX = 366 * 86_400;
/** The most that the one who answers there may take to say whether it stops. */
const STOPPING_MS_MAX = 1_000;
/** Read and write for the owner of the process and nobody else. */
const UMASK = 0o177;

export class ControlServer {
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
  static async open(path: string, succeeds: boolean, handlers: ControlHandlers): Promise<ControlServer> {
    const server = http.createServer(
      { requestTimeout: REQUEST_MS_MAX, headersTimeout: REQUEST_MS_MAX, connectionsCheckingInterval: LOOK_MS },
      (request, response) => {
        request.resume();
        void respond(request, response, handlers);
      },
    );
    server.maxConnections = CONNECTIONS_MAX;
    // Nothing of it keeps the program alive.
    server.unref();
    makeDirectory(dirname(path));
    if (!succeeds && (await isAlive(path))) {
      const occupant = await askOccupant(path);
      if (!occupant.isLeaving) throw new SocketTakenError(path, occupant.isStopping);
    }
    const draft = `${path}~`;
    rmSync(draft, { force: true });
    await listen(server, draft);
    renameSync(draft, path);
    return new ControlServer(server, path);
  }

  /** Removes the socket's file too. */
  close(): void {
    this.server.close();
    this.server.closeAllConnections();
    if (lstatSync(this.path, { throwIfNoEntry: false })?.ino === this.inode) rmSync(this.path, { force: true });
  }
}

async function respond(
  { method = '', url = '' }: http.IncomingMessage,
  response: http.ServerResponse,
  handlers: ControlHandlers,
): Promise<void> {
  const { status, body } = await answer(method, url, handlers);
  response.socket?.setTimeout(REQUEST_MS_MAX, () => response.destroy());
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  response.end(`${JSON.stringify(body, wholeMilliseconds)}\n`);
}

interface Answer {
  readonly status: number;
  readonly body: object;
}

async function answer(method: string, url: string, handlers: ControlHandlers): Promise<Answer> {
  if (method === 'POST' && handlers.isStopping()) return failure(409, 'this evenkeel is stopping');
  if (url === '/v1/status') {
    return method === 'GET' ? { status: 200, body: handlers.status() } : failure(405, 'only GET');
  }
  if (url === '/v1/ready') return method === 'GET' ? readiness(handlers) : failure(405, 'only GET');
  const [path, queryText = ''] = url.split('?', 2);
  const query = new URLSearchParams(queryText);
  if (path === '/v1/upgrade') return method === 'POST' ? upgrade(handlers, whoSays(query)) : failure(405, 'only POST');
  if (path === '/v1/reload') return method === 'POST' ? reload(handlers, whoSays(query)) : failure(405, 'only POST');
  const change = parseOverrideRequest(path, query);
  if (change !== null) {
    if (method !== 'POST') return failure(405, 'only POST');
    return typeof change === 'string' ? failure(400, change) : order(handlers, { change, by: whoSays(query) });
  }
  const match = /^\/v1\/routers\/([A-Za-z0-9_.-]+)\/(hand-over|resume)$/.exec(path);
  if (match === null) return failure(404, 'there is nothing of that name');
  if (method !== 'POST') return failure(405, 'only POST');
  const [, router, word] = match;
  const by = whoSays(query);
  const forText = query.get('for');
  const forS = Number(forText);
  if (forText !== null && !(Number.isInteger(forS) && forS >= 1 && forS <= HAND_OVER_S_MAX)) {
    return failure(400, `for=${forText}: write whole seconds, 1 to ${HAND_OVER_S_MAX}`);
  }
  const forMs = forText === null ? null : forS * 1_000;
  const result = word === 'resume' ? handlers.resume(router, by) : handlers.handOver(router, forMs, by);
  if (result.kind === 'ordered') return { status: 202, body: { router } };
  return failure(result.kind === 'unknown' ? 404 : 409, result.why);
}

function whoSays(query: URLSearchParams): string | null {
  const by = query.get('by');
  return by === null ? null : by.replaceAll(/[^\x21-\x7e]/g, '').slice(0, BY_CHARACTERS_MAX);
}

function readiness({ whyUnready }: ControlHandlers): Answer {
  const why = whyUnready();
  return why === null ? { status: 200, body: { ready: true } } : { status: 503, body: { ready: false, why } };
}

async function order(handlers: ControlHandlers, wanted: Order): Promise<Answer> {
  const result = await handlers.order(wanted);
  if (result.kind === 'done') return { status: 200, body: { text: result.text } };
  return failure(result.kind === 'unknown' ? 404 : 409, result.why);
}

async function reload(handlers: ControlHandlers, by: string | null): Promise<Answer> {
  try {
    return { status: 200, body: { changes: await handlers.reload(by) } };
  } catch (error) {
    return failure(error instanceof NotNowError ? 409 : 422, (error as Error).message);
  }
}

async function upgrade(handlers: ControlHandlers, by: string | null): Promise<Answer> {
  try {
    const { pid, version } = await handlers.upgrade(by);
    return { status: 200, body: { pid, version } };
  } catch (error) {
    return failure(422, (error as Error).message);
  }
}

function failure(status: number, error: string): Answer {
  return { status, body: { error } };
}

/** Nobody needs an age to the nanosecond. */
function wholeMilliseconds(key: string, value: unknown): unknown {
  return key.endsWith('Ms') && typeof value === 'number' ? Math.round(value) : value;
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
