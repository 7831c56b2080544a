/** The admin API over TCP. Nothing that serves depends on it: a port that cannot be had is tried again, and told in `problems`. */
import type { Server } from 'node:http';
import { systemReason } from '../../base/system-error.ts';
import { type Address, addressText } from '../../base/address.ts';
import type { Log } from '../log/log.ts';
import { type AppOptions, createApp } from './app.ts';
import { admit } from './gate.ts';
import { closeHttpServer, type Connection, createHttpServer } from './http-server.ts';
import type { TokenFile } from './tokens.ts';

export interface AdminPortOptions extends Pick<AppOptions<Connection>, 'handlers' | 'version'> {
  readonly tokens: Pick<TokenFile, 'read'>;
  readonly log: Log;
}

const AGAIN_MS_MIN = 20;
const AGAIN_MS_MAX = 1_000;
/** A predecessor has the port until it has given way. */
const SILENT_MS = 2_000;

export class AdminPort {
  private readonly options: AdminPortOptions;
  private readonly app: ReturnType<typeof createApp<Connection>>;
  private address: Address | null = null;
  private server: Server | null = null;
  private again: NodeJS.Timeout | undefined;
  /** Why it is not there; null: it is, or is not to be, or not yet. */
  private failure: string | null = null;

  constructor(options: AdminPortOptions) {
    this.options = options;
    const { handlers, version, tokens, log } = options;
    this.app = createApp<Connection>({
      handlers,
      version,
      log,
      admit: (access, { headers }) => {
        const [host, origin, fetchSite, authorization] = HEADERS.map((name) => headers.get(name));
        return admit({ access, host, origin, fetchSite, authorization }, () => tokens.read());
      },
    });
  }

  /** From now on it is there; null: nowhere. What is being answered elsewhere is cut. */
  apply(address: Address | null): void {
    if (addressTextOf(address) === addressTextOf(this.address)) return;
    this.close();
    this.address = address;
    if (address !== null) this.open(address, AGAIN_MS_MIN, 0);
  }

  close(): void {
    clearTimeout(this.again);
    if (this.server !== null) closeHttpServer(this.server);
    this.server = null;
    this.address = null;
    this.failure = null;
  }

  /** For people. */
  get problem(): string | null {
    return this.failure === null ? null : `the admin API is not at ${addressTextOf(this.address)}: ${this.failure}`;
  }

  private open(address: Address, againMs: number, waitedMs: number): void {
    const { log } = this.options;
    const server = createHttpServer(this.app);
    this.server = server;
    server.once('error', (error) => {
      if (this.server !== server) return;
      const isTold = this.failure !== null;
      if (waitedMs >= SILENT_MS) this.failure = systemReason(error);
      if (!isTold && this.problem !== null) log.error(`${this.problem}; it is tried again`);
      const nextMs = Math.min(AGAIN_MS_MAX, 2 * againMs);
      this.again = setTimeout(() => this.open(address, nextMs, waitedMs + againMs), againMs).unref();
    });
    server.listen({ host: address.host, port: address.port }, () => {
      this.failure = null;
      log.info(`the admin API is at ${addressText(address)}`);
    });
  }
}

const HEADERS = ['host', 'origin', 'sec-fetch-site', 'authorization'] as const;

function addressTextOf(address: Address | null): string {
  return address === null ? '' : addressText(address);
}
