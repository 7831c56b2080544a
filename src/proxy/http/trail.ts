/**
 * The tries that one request has taken: where each went, how it ended, and when. Every exchange has one. Mostly there is one try, so
 * the last one stands in the trail itself, and those before it in a list whose memory is used again.
 */
import type { Failure } from '../../core/retry.ts';

/** Not yet, or never. */
export const NEVER = -1;

export interface Try {
  /** The address of the server, or the name of an upstream that had none to try. */
  readonly server: string;
  /** What it ended with: the server's, or that of the proxy's answer in place of it. 0: it has not ended. */
  readonly status: number;
  /** FAILED_...; 0: a response has come, or none of both yet. */
  readonly failure: Failure | 0;
  /** Milliseconds of the transport's clock; NEVER (-1) for what has not happened. `headAt`: the response's head was here, or it has failed. */
  readonly begunAt: number;
  readonly connectedAt: number;
  readonly headAt: number;
  /** It has failed, or the next one has begun. */
  readonly endedAt: number;
  /** A connection was made for it. */
  readonly hasNewConnection: boolean;
  /** There was no server to try. */
  readonly isForNobody: boolean;
}

class Entry implements Try {
  server = '';
  status = 0;
  failure: Failure | 0 = 0;
  begunAt = 0;
  connectedAt = NEVER;
  headAt = NEVER;
  hasNewConnection = false;
  isForNobody = false;
  endedAt = NEVER;
  /** The request had been turned to another route before it. */
  isTurned = false;

  copy(from: Entry): void {
    this.server = from.server;
    this.status = from.status;
    this.failure = from.failure;
    this.begunAt = from.begunAt;
    this.connectedAt = from.connectedAt;
    this.headAt = from.headAt;
    this.hasNewConnection = from.hasNewConnection;
    this.isForNobody = from.isForNobody;
    this.endedAt = from.endedAt;
    this.isTurned = from.isTurned;
  }
}

/** Its own fields are those of the last try, while there is one. */
export class Trail extends Entry {
  /** So many there are. */
  count = 0;
  private readonly earlier: Entry[] = [];
  /** The next one goes to another route. */
  private turnsNext = false;

  clear(): void {
    this.count = 0;
    this.turnsNext = false;
  }

  /** Null: there was none. */
  get last(): Try | null {
    return this.count === 0 ? null : this;
  }

  at(index: number): Try {
    return this.entryAt(index);
  }

  private entryAt(index: number): Entry {
    return index === this.count - 1 ? this : this.earlier[index];
  }

  begin(server: string, now: number): void {
    if (this.count > 0) this.keepLast();
    this.count++;
    this.server = server;
    this.status = 0;
    this.failure = 0;
    this.begunAt = now;
    this.connectedAt = NEVER;
    this.headAt = NEVER;
    this.endedAt = NEVER;
    this.hasNewConnection = false;
    this.isForNobody = false;
    this.isTurned = this.turnsNext;
    this.turnsNext = false;
  }

  private keepLast(): void {
    const index = this.count - 1;
    if (index === this.earlier.length) this.earlier.push(new Entry());
    this.earlier[index].copy(this);
  }

  /** The last one of another request is one of this too, as it is now. */
  addLastOf({ last }: Trail): void {
    if (last === null) return;
    this.begin(last.server, last.begunAt);
    this.copy(last as Entry);
  }

  /** A try that there is no server for, in the name of the upstream; it is told as this status. */
  passOver(upstream: string, status: number, now: number): void {
    this.begin(upstream, now);
    this.isForNobody = true;
    this.fail(status, 0, now);
  }

  /** The connection of the last one stands. `isNew`: it was made for it. */
  connected(now: number, isNew: boolean): void {
    if (this.count === 0 || this.connectedAt !== NEVER) return;
    this.connectedAt = now;
    this.hasNewConnection = isNew;
  }

  /** The head of the last one's response is here. */
  respond(status: number, now: number): void {
    this.settle(status, 0, now);
  }

  /** The last one has failed, and is told as this status. */
  fail(status: number, failure: Failure | 0, now: number): void {
    this.settle(status, failure, now);
    if (this.count > 0) this.endedAt = now;
  }

  private settle(status: number, failure: Failure | 0, now: number): void {
    if (this.count === 0 || this.status !== 0) return;
    this.status = status;
    this.failure = failure;
    this.headAt = now;
  }

  /** The last one was none: its connection had been closed while it was unused. */
  forget(): void {
    if (this.count === 0) return;
    if (this.isTurned) this.turnsNext = true;
    this.count--;
    if (this.count > 0) this.copy(this.earlier[this.count - 1]);
  }

  /** What follows is for another route. */
  turn(): void {
    this.turnsNext = this.count > 0;
  }

  /** Of a value of the response (config/words/template.ts), as far as the tries know it. `now`: when all of them are over; NEVER: the last one goes on. */
  textOf(kind: string, now: number): string {
    switch (kind) {
      case 'server':
        return this.list(({ server }) => server);
      case 'server-status':
        return this.list(({ status }) => (status === 0 ? '-' : String(status)));
      case 'server-connect-time':
        return this.list(({ begunAt, connectedAt }) => span(begunAt, connectedAt));
      case 'server-time':
        return this.list(({ begunAt, headAt }) => span(begunAt, headAt));
      case 'server-header-time':
        return this.list(({ begunAt, failure, headAt }) => (failure === 0 ? span(begunAt, headAt) : '-'));
      case 'server-response-time':
        return this.list(({ begunAt, endedAt }) => span(begunAt, endedAt === NEVER ? now : endedAt));
      default:
        return '';
    }
  }

  /** A number that is the last one's, and 0 of those before. */
  lastOf(number: number): string {
    return this.list((one) => (one === this ? String(number) : '0'));
  }

  private list(of: (one: Entry) => string): string {
    let text = '';
    for (let i = 0; i < this.count; i++) {
      const one = this.entryAt(i);
      text += `${i === 0 ? '' : one.isTurned ? ' : ' : ', '}${of(one)}`;
    }
    return text;
  }
}

function span(from: number, to: number): string {
  return to === NEVER ? '-' : (Math.max(0, Math.round(to - from)) / 1000).toFixed(3);
}
