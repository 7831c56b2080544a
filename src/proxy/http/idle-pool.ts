/**
 * The idle keep-alive connections of one proxy to one server. The last one given back is the first taken: it is the least
 * likely to have been closed meanwhile, and the others can grow old and go.
 */
import type { Context } from '../context.ts';
import type { ServerConnection } from '../http1/server-connection.ts';

export class IdlePool {
  private readonly context: Context;
  limit: number;
  private newest: ServerConnection | null = null;
  private oldest: ServerConnection | null = null;
  private count = 0;

  constructor(context: Context, limit: number) {
    this.context = context;
    this.limit = limit;
  }

  /** The connection that was used last, or null. */
  take(): ServerConnection | null {
    const connection = this.newest;
    if (connection !== null) this.remove(connection);
    return connection;
  }

  /** Keeps it; the oldest goes when there are too many. */
  put(connection: ServerConnection): void {
    if (this.limit === 0 || this.context.isDraining) {
      connection.close();
      return;
    }
    connection.older = this.newest;
    connection.newer = null;
    if (this.newest === null) this.oldest = connection;
    else this.newest.newer = connection;
    this.newest = connection;
    this.count++;
    if (this.count > this.limit && this.oldest !== null) this.evict(this.oldest);
  }

  remove(connection: ServerConnection): void {
    if (connection.newer === null) this.newest = connection.older;
    else connection.newer.older = connection.older;
    if (connection.older === null) this.oldest = connection.newer;
    else connection.older.newer = connection.newer;
    connection.newer = null;
    connection.older = null;
    this.count--;
  }

  /** Closes the one that was not used for the longest time. False: there is none. */
  closeOldest(): boolean {
    if (this.oldest === null) return false;
    this.evict(this.oldest);
    return true;
  }

  closeAll(): void {
    while (this.oldest !== null) this.evict(this.oldest);
  }

  private evict(connection: ServerConnection): void {
    this.remove(connection);
    connection.close();
  }
}
