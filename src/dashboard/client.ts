/** The admin API, as this page asks it. The token is kept for as long as the tab is open, and is sent by nothing but this. */
import type { EventView } from '../api/events.ts';
import type { FailedRequestsView } from '../api/failed-requests.ts';
import type { StatusDocument } from '../api/status.ts';

const TOKEN_KEY = 'evenkeel-token';
/** Who has not answered what is only read by then is taken for one who does not: orders may take as long as they do. */
const READ_MS_MAX = 15_000;

/** The API has refused; the message says why. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export class Client {
  private token = sessionStorage.getItem(TOKEN_KEY) ?? '';

  get hasToken(): boolean {
    return this.token !== '';
  }

  setToken(token: string): void {
    this.token = token;
    if (token === '') sessionStorage.removeItem(TOKEN_KEY);
    else sessionStorage.setItem(TOKEN_KEY, token);
  }

  status(): Promise<StatusDocument> {
    return this.ask('GET', 'v1/status');
  }

  /** The last ones, the newest first. */
  async failedRequests(limit: number): Promise<FailedRequestsView['items']> {
    return (await this.ask<FailedRequestsView>('GET', `v1/errors?${new URLSearchParams({ limit: String(limit) })}`))
      .items;
  }

  /** Resolves if the token may give orders; rejects with why it may not. */
  async mayOrder(): Promise<void> {
    await this.ask('GET', 'v1/may-order');
  }

  /** `path`: of an operation, with its parameters. Resolves with what it answers for people. */
  async order(path: string, query: Readonly<Record<string, string>> = {}): Promise<string> {
    const answer = await this.ask<{ readonly text?: string }>('POST', `${path}?${new URLSearchParams(query)}`);
    return answer.text ?? 'It is under way.';
  }

  /** What happens behind `after`, bit by bit. Ends when the other end does, or `signal` says so. */
  async *follow(after: string | null, signal: AbortSignal): AsyncGenerator<EventView> {
    const query = after === null ? '' : `?${new URLSearchParams({ after })}`;
    const response = await fetch(`v1/events/stream${query}`, { headers: this.headers(), signal });
    if (!response.ok || response.body === null) throw await refusal(response);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (rest + value).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        if (block.includes('event: missed')) continue;
        const data = /^data: (.*)$/m.exec(block);
        if (data !== null) yield JSON.parse(data[1]) as EventView;
      }
    }
  }

  private headers(): Record<string, string> {
    return this.token === '' ? {} : { authorization: `Bearer ${this.token}` };
  }

  private async ask<T>(method: string, path: string): Promise<T> {
    const signal = method === 'GET' ? AbortSignal.timeout(READ_MS_MAX) : null;
    const response = await fetch(path, { method, headers: this.headers(), cache: 'no-store', signal });
    if (!response.ok) throw await refusal(response);
    return (await response.json()) as T;
  }
}

async function refusal(response: Response): Promise<RefusedError> {
  const body = (await response.json().catch(() => ({}))) as { readonly error?: string };
  return new RefusedError(response.status, body.error ?? `it answers ${response.status}`);
}
