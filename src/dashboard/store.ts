/** What the page knows: the last status, what was counted of late, how servers were, and what has happened. Asks, and tells who listens. */
import type { EventView } from '../api/events.ts';
import type { ServerView } from '../api/data-plane.ts';
import type { FailedRequestView } from '../api/failed-requests.ts';
import type { StatusDocument } from '../api/status.ts';
import { Client, RefusedError } from './client.ts';
import { sampleOf, totalsOf, type Sample, type Totals } from './counts.ts';

export type ServerState = ServerView['state'];

export interface Model {
  readonly status: StatusDocument | null;
  /** Why it is not known how things stand now; null: it is. */
  readonly problem: string | null;
  /** The latest last. */
  readonly samples: readonly Sample[];
  readonly events: readonly EventView[];
  /** Requests that evenkeel answered with an error of its own, the newest first. */
  readonly failed: readonly FailedRequestView[];
  /** By `serverKey`: the latest last. */
  readonly health: ReadonlyMap<string, readonly ServerState[]>;
  /** Orders may be given. */
  readonly mayOrder: boolean;
  /** What became of the last order. */
  readonly notice: { readonly text: string; readonly isBad: boolean } | null;
}

const EMPTY: Model = {
  status: null,
  problem: null,
  samples: [],
  events: [],
  failed: [],
  health: new Map(),
  mayOrder: false,
  notice: null,
};

/** Ten minutes of looks. */
const SAMPLES_MAX = 300;
const HEALTH_MAX = 40;
const EVENTS_MAX = 300;
const FAILED_SHOWN = 12;
const LOOK_MS = 2_000;
/** A node with ten thousand servers is not asked without a pause. */
const REST_FACTOR = 8;
const AGAIN_MS = 2_000;
const NOTICE_MS = 8_000;

export function serverKey(upstream: string, { name, address }: ServerView): string {
  return `${upstream} ${name} ${address ?? ''}`;
}

export class Store {
  readonly client = new Client();
  model: Model = EMPTY;
  private readonly listener: () => void;
  private totals: Totals | null = null;
  private lastEvent: string | null = null;
  private following = new AbortController();
  private looking: ReturnType<typeof setTimeout> | undefined;
  private forgetting: ReturnType<typeof setTimeout> | undefined;

  constructor(listener: () => void) {
    this.listener = listener;
  }

  start(): void {
    void this.look();
    void this.follow();
    void this.learnRights();
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) void this.look();
    });
  }

  /** Returns why it is none; null: it is taken, though it may not allow orders. */
  async setToken(token: string): Promise<string | null> {
    this.client.setToken(token);
    const why = await this.learnRights();
    if (why?.status === 401) return why.message;
    if (why !== null) this.tell(why.message, true);
    this.following.abort();
    void this.look();
    return null;
  }

  /** Gives an order, and looks at once what has become of it. */
  async order(path: string, query: Readonly<Record<string, string>> = {}): Promise<void> {
    try {
      this.tell(await this.client.order(path, { ...query, by: 'dashboard' }), false);
    } catch (error) {
      this.tell((error as Error).message, true);
    }
    await this.look();
  }

  private tell(text: string, isBad: boolean): void {
    clearTimeout(this.forgetting);
    this.change({ notice: { text, isBad } });
    this.forgetting = setTimeout(() => this.change({ notice: null }), NOTICE_MS);
  }

  private change(part: Partial<Model>): void {
    this.model = { ...this.model, ...part };
    this.listener();
  }

  /** Returns why orders may not be given; null: they may, or there is no token. */
  private async learnRights(): Promise<RefusedError | null> {
    let why: RefusedError | null = null;
    if (this.client.hasToken) {
      try {
        await this.client.mayOrder();
      } catch (error) {
        why = error instanceof RefusedError ? error : new RefusedError(0, 'evenkeel does not answer');
        // with a wrong one not even what everybody may see is shown
        if (why.status === 401) this.client.setToken('');
      }
    }
    this.change({ mayOrder: this.client.hasToken && why === null });
    return why;
  }

  private async look(): Promise<void> {
    clearTimeout(this.looking);
    const began = performance.now();
    let restMs = LOOK_MS;
    try {
      const status = await this.client.status();
      const failed = status.answers.length === 0 ? [] : await this.client.failedRequests(FAILED_SHOWN);
      this.take(status, failed);
      restMs = Math.max(LOOK_MS, (performance.now() - began) * REST_FACTOR);
    } catch (error) {
      const text = error instanceof RefusedError ? error.message : 'evenkeel does not answer';
      this.change({ problem: text });
    }
    clearTimeout(this.looking);
    if (!document.hidden) this.looking = setTimeout(() => void this.look(), restMs);
  }

  private take(status: StatusDocument, failed: readonly FailedRequestView[]): void {
    const totals = totalsOf(status, Date.parse(status.at));
    const { totals: before } = this;
    const isLater = before !== null && totals.at > before.at;
    const samples = isLater
      ? [...this.model.samples, sampleOf(before, totals, status)].slice(-SAMPLES_MAX)
      : this.model.samples;
    this.totals = totals;
    this.change({ status, failed, problem: null, samples, health: this.healthWith(status) });
  }

  private healthWith(status: StatusDocument): ReadonlyMap<string, readonly ServerState[]> {
    const { health } = this.model;
    return new Map(
      status.upstreams.flatMap(({ name, servers }) =>
        servers.map((server) => {
          const key = serverKey(name, server);
          return [key, [...(health.get(key) ?? []), server.state].slice(-HEALTH_MAX)] as const;
        }),
      ),
    );
  }

  /** For as long as the page is open. */
  private async follow(): Promise<void> {
    for (;;) {
      this.following = new AbortController();
      try {
        for await (const event of this.client.follow(this.lastEvent, this.following.signal)) {
          this.lastEvent = event.id;
          this.change({ events: [...this.model.events, event].slice(-EVENTS_MAX) });
        }
      } catch {
        // the status tells that nobody answers
      }
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}
