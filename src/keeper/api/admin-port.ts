/** The admin API over TCP. Nothing that serves depends on it: a port that cannot be had is tried again, and told in `problems`. */
import type { Server } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { Socket } from 'node:net';
import { systemReason } from '../../base/system-error.ts';
import { type Address, addressText, isLoopback } from '../../base/address.ts';
import type { Log } from '../log/log.ts';
import { type Admission, type Admit, type AppOptions, createApp } from './app.ts';
import { admit } from './gate.ts';
import { type AdminCredentials, contextOf } from './credentials.ts';
import { closeHttpServer, type Connection, createHttpServer, createHttpsServer } from './http-server.ts';
import { Places } from './places.ts';
import { addPages } from './pages.ts';
import type { TokenFile } from './tokens.ts';

export interface AdminPortOptions extends Pick<AppOptions<Connection>, 'handlers' | 'version'> {
  readonly tokens: Pick<TokenFile, 'read'>;
  /** Where the dashboard's files are. */
  readonly pages: URL;
  readonly log: Log;
}

export interface AdminPlace {
  readonly address: Address;
  /** Null: without TLS. */
  readonly credentials: AdminCredentials | null;
}

const AGAIN_MS_MIN = 20;
const AGAIN_MS_MAX = 1_000;
/** A predecessor has the port until it has given way. */
const SILENT_MS = 2_000;

export class AdminPort {
  private readonly options: AdminPortOptions;
  /** Null: it has not been anywhere yet. */
  private app: ReturnType<typeof createApp<Connection>> | null = null;
  private place: AdminPlace | null = null;
  private server: Server | SecureServer | null = null;
  /** By the peer's address and port, which the connection and the TLS over it have in common. */
  private readonly sockets = new Map<string, Socket>();
  private readonly places = new Places<string>((peer) => this.sockets.get(peer)?.destroy());
  private again: NodeJS.Timeout | undefined;
  /** Why it is not there; null: it is, or is not to be, or not yet. */
  private failure: string | null = null;

  constructor(options: AdminPortOptions) {
    this.options = options;
  }

  /** From now on it is there; null: nowhere. What is being answered elsewhere is cut. */
  apply(place: AdminPlace | null): void {
    const former = this.place;
    if (kindOf(place) === kindOf(former)) {
      this.place = place;
      if (place?.credentials && this.server !== null && 'setSecureContext' in this.server) {
        this.server.setSecureContext(contextOf(place.credentials));
      }
      return;
    }
    this.close();
    this.place = place;
    if (place !== null) this.open(place.address, AGAIN_MS_MIN, 0);
  }

  /** Another process is to have the port. Who has asked is answered. */
  finish(): void {
    clearTimeout(this.again);
    this.server?.close();
  }

  close(): void {
    clearTimeout(this.again);
    if (this.server !== null) closeHttpServer(this.server);
    this.server = null;
    this.place = null;
    this.failure = null;
  }

  /** For people. */
  get problem(): string | null {
    const { place, failure } = this;
    if (place === null) return null;
    const { address, credentials } = place;
    if (failure !== null) return `the admin API is not at ${addressText(address)}: ${failure}`;
    if (credentials === null || credentials.notAfterMs > Date.now()) return null;
    return `the certificate of the admin API at ${addressText(address)} has expired: renew it`;
  }

  private open(address: Address, againMs: number, waitedMs: number): void {
    const { log } = this.options;
    const { credentials } = this.place!;
    const app = (this.app ??= this.createApp());
    const server = credentials === null ? createHttpServer(app) : createHttpsServer(app, credentials);
    this.server = server;
    server.on('connection', (socket: Socket) => this.handleConnection(socket));
    server.once('error', (error) => {
      if (this.server !== server) return;
      const isTold = this.failure !== null;
      if (waitedMs >= SILENT_MS) this.failure = systemReason(error);
      if (!isTold && this.failure !== null) log.error(`${this.problem}; it is tried again`);
      const nextMs = Math.min(AGAIN_MS_MAX, 2 * againMs);
      this.again = setTimeout(() => this.open(address, nextMs, waitedMs + againMs), againMs).unref();
    });
    server.listen({ host: address.host, port: address.port }, () => {
      this.failure = null;
      log.info(`the admin API is at ${addressText(address)}${credentials === null ? '' : ', in TLS'}`);
    });
  }

  private createApp(): ReturnType<typeof createApp<Connection>> {
    const { handlers, version, log, pages } = this.options;
    const admitted: Admit<Connection> = (access, request, { incoming }) =>
      this.admit(access, request, peerOf(incoming.socket));
    const app = createApp<Connection>({ handlers, version, log, admit: admitted });
    addPages(app, pages, admitted);
    return app;
  }

  private handleConnection(socket: Socket): void {
    const peer = peerOf(socket);
    this.sockets.set(peer, socket);
    this.places.take(peer);
    socket.once('close', () => {
      if (this.sockets.get(peer) !== socket) return;
      this.sockets.delete(peer);
      this.places.give(peer);
    });
  }

  private admit(access: Parameters<typeof admit>[0]['access'], { headers }: Request, peer: string): Admission {
    const { tokens } = this.options;
    // A request that was under way when the place was given up.
    if (this.place === null) return { status: 503, why: 'the admin API is not here any more' };
    const { address, credentials } = this.place;
    const [host, origin, fetchSite, authorization] = HEADERS.map((name) => headers.get(name));
    const place = { hasTls: credentials !== null, isLoopback: isLoopback(address) };
    const admission = admit({ ...place, access, host, origin, fetchSite, authorization }, () => tokens.read());
    if ('why' in admission || this.places.admit(peer, admission.name !== null)) return admission;
    return { status: 503, why: 'as many ask as may: who has a token goes before who has none' };
  }
}

const HEADERS = ['host', 'origin', 'sec-fetch-site', 'authorization'] as const;

function peerOf({ remoteAddress = '', remotePort = 0 }: Pick<Socket, 'remoteAddress' | 'remotePort'>): string {
  return `${remoteAddress} ${remotePort}`;
}

/** What takes another server: whether it speaks TLS, and whether it asks for certificates. */
function kindOf(place: AdminPlace | null): string {
  if (place === null) return '';
  const { address, credentials } = place;
  const tls = credentials === null ? 'plain' : credentials.ca === null ? 'tls' : 'tls with clients';
  return `${addressText(address)} ${tls}`;
}
