/** A store that is asked for all servers once, and from then on says what changes. */
import type https from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { systemReason } from '../../base/system-error.ts';
import { askHttp, type HttpQuestion, readHttpLines, StatusError } from '../../keeper/http-question.ts';
import type { ListHandler, ListSource } from './list-source.ts';
import { NoList, type Query, type WatchedList } from './watched-list.ts';

/** How a store is asked. */
export interface Connection {
  /** A URL without a path. */
  readonly origin: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: Pick<https.RequestOptions, 'ca' | 'cert' | 'key'>;
}

export interface Store {
  /** Throws if it cannot be asked as this machine is. */
  connect(): Connection;
  /** It did not answer, or nothing that is of use. */
  handleFailure(): void;
}

export interface WatchTimes {
  /** A question has been answered by then, and a watch begun. */
  readonly answerMs: number;
  /** A watch that is older is begun anew: that it can be shows that the other side is still there. */
  readonly watchMs: number;
  /** From the first failure to the next question; from each further one twice as long as before. */
  readonly againMs: number;
  readonly againMsMax: number;
  /** What changes within this time is one change. */
  readonly gatherMs: number;
}

export const WATCH_TIMES: WatchTimes = {
  answerMs: 5_000,
  watchMs: 60_000,
  againMs: 500,
  againMsMax: 10_000,
  gatherMs: 200,
};
/** Ten times what a list may have: it is only that much in the store's own words. */
const ANSWER_CHARACTERS_MAX = 4 * 1024 * 1024;

export class WatchedSource implements ListSource {
  private readonly store: Store;
  private readonly list: WatchedList;
  private readonly handler: ListHandler;
  private readonly times: WatchTimes;
  private readonly stopping = new AbortController();
  /** All of it is known, and what has changed since can be asked for. */
  private isKnown = false;
  /** Once it was. */
  private wasKnown = false;
  /** In a row. */
  private failures = 0;
  private gathering: NodeJS.Timeout | undefined;

  constructor(store: Store, list: WatchedList, handler: ListHandler, times = WATCH_TIMES) {
    this.store = store;
    this.list = list;
    this.handler = handler;
    this.times = times;
    void this.follow();
  }

  stop(): void {
    this.stopping.abort();
    clearTimeout(this.gathering);
  }

  private async follow(): Promise<void> {
    const { againMs, againMsMax } = this.times;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        if (!this.isKnown) await this.askAll();
        await this.watch();
      } catch (error) {
        this.handleFailure(error);
      }
      const doubled = againMs * 2 ** Math.min(16, Math.max(0, this.failures - 1));
      // whoever ends every watch at once is not asked all the time
      await delay(Math.min(doubled, againMsMax), undefined, { ref: false, signal }).catch(() => undefined);
    }
  }

  private handleFailure(error: unknown): void {
    if (this.stopping.signal.aborted) return;
    this.isKnown = false;
    this.list.forget();
    this.failures++;
    this.store.handleFailure();
    // a connection may end at any time: the next one tells whether there is more to it
    if (this.failures > 1 || !this.wasKnown) this.handler.handleFailure(systemReason(error));
  }

  private async askAll(): Promise<void> {
    for (let isWhole = false; !isWhole;) {
      const signal = AbortSignal.any([this.stopping.signal, AbortSignal.timeout(this.times.answerMs)]);
      const { isWhole: isText, status, text } = await askHttp(this.question(this.list.all(), signal));
      if (status !== 200) throw new StatusError(status, text);
      if (!isText) throw new Error(`its answer is longer than ${ANSWER_CHARACTERS_MAX} bytes`);
      isWhole = this.list.handleAll(text);
    }
    this.isKnown = true;
    this.wasKnown = true;
    this.handleAnswer();
    this.tell();
  }

  /** Resolves when it is time to begin anew. */
  private async watch(): Promise<void> {
    const { answerMs, watchMs } = this.times;
    const ending = new AbortController();
    let isOver = false;
    const slow = setTimeout(() => ending.abort(new DOMException('', 'TimeoutError')), answerMs);
    const old = setTimeout(() => {
      isOver = true;
      ending.abort();
    }, watchMs);
    const signal = AbortSignal.any([this.stopping.signal, ending.signal]);
    try {
      await readHttpLines(this.question(this.list.changes(), signal), {
        onOpen: () => {
          clearTimeout(slow);
          this.handleAnswer();
          this.tellSoon();
        },
        onLine: (line) => {
          const heard = this.list.handleLine(line);
          if (heard === 'outdated') {
            this.isKnown = false;
            isOver = true;
            ending.abort();
          } else this.tellSoon();
        },
      });
    } catch (error) {
      if (!isOver) throw error;
    } finally {
      clearTimeout(slow);
      clearTimeout(old);
    }
  }

  private question({ body, path }: Query, signal: AbortSignal): HttpQuestion {
    const { headers, origin, tls } = this.store.connect();
    return { url: `${origin}${path}`, body, headers, charactersMax: ANSWER_CHARACTERS_MAX, signal, tls };
  }

  private handleAnswer(): void {
    this.failures = 0;
  }

  private tellSoon(): void {
    this.gathering ??= setTimeout(() => this.tell(), this.times.gatherMs).unref();
  }

  private tell(): void {
    clearTimeout(this.gathering);
    this.gathering = undefined;
    if (!this.isKnown || this.stopping.signal.aborted) return;
    let text: string;
    try {
      text = this.list.list();
    } catch (error) {
      if (!(error instanceof NoList)) throw error;
      this.handler.handleFailure(error.message);
      return;
    }
    this.handler.handleText(text, this.list.nameOf?.bind(this.list));
  }
}
