/** What a stream to a server is for its upstream: a try that was taken at some time, and is given back with what has become of it. */
import { type Failure, FAILED_REFUSED, FAILED_RESET } from '../../core/retry.ts';
import type { Context } from '../context.ts';
import { Expiring } from '../expiring.ts';
import type { Server } from '../server.ts';
import type { Upstream } from '../upstream.ts';
import type { StreamCarrier } from './stream-carrier.ts';

/** This and above. */
const SERVER_ERRORS = 500;

export abstract class ServerTry<Stream> extends Expiring {
  protected readonly context: Context;
  readonly upstream: Upstream;
  readonly server: Server;
  protected connection: StreamCarrier<Stream>;
  /** When the exchange took it. */
  private readonly takenAt: number;
  /** From then to the head of the response. */
  private answeredMs = 0;
  /** The response is one of the server's failures: 5xx. */
  private isServerError = false;
  wasConnected = false;
  /** The connection had been there before. */
  private readonly isReused: boolean;
  /** Of what the connection has received, when the request was sent. */
  protected receivedBefore = 0;
  /** The server goes in order, after others, and has not worked on it. */
  protected isLeftOut = false;

  constructor(connection: StreamCarrier<Stream>, isReused: boolean) {
    super();
    const { context, server, upstream } = connection;
    this.connection = connection;
    this.context = context;
    this.server = server;
    this.upstream = upstream;
    this.isReused = isReused;
    this.takenAt = context.transport.now;
  }

  protected noteSent(): void {
    this.wasConnected = true;
    this.receivedBefore = this.connection.receivedBytes;
  }

  protected noteAnswer(status: number): void {
    this.isServerError = status >= SERVER_ERRORS;
    this.answeredMs = this.passedMs;
  }

  private get passedMs(): number {
    return this.context.transport.now - this.takenAt;
  }

  /** The response that was noted has come to its end. */
  protected giveBack(): void {
    if (this.isServerError) this.giveFailed();
    else this.upstream.giveServed(this.server, this.answeredMs, this.passedMs);
  }

  /** It was answered, and nothing more is wanted. */
  protected giveServed(): void {
    const { passedMs } = this;
    this.upstream.giveServed(this.server, passedMs, passedMs);
  }

  protected giveFailed(): void {
    this.upstream.giveFailed(this.server, this.passedMs);
  }

  isStale(how: Failure): boolean {
    if (how === FAILED_REFUSED) return this.isLeftOut;
    return how === FAILED_RESET && this.isReused && this.connection.receivedBytes === this.receivedBefore;
  }
}
