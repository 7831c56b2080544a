/** An address that answers with a list of servers: asked now, and again when an answer has been here for long enough. */
import { systemReason } from '../../base/system-error.ts';
import type { DiscoveryPlan } from '../../config/plan/upstream.ts';
import { askHttp } from '../../keeper/http-question.ts';
import { LIST_BYTES_MAX } from '../../load/found-servers.ts';
import type { ListHandler, ListSource } from './list-source.ts';

type FromUrl = Extract<DiscoveryPlan['from'], { kind: 'url' }>;

const NOT_MODIFIED = 304;

export class UrlSource implements ListSource {
  private readonly plan: FromUrl;
  private readonly handler: ListHandler;
  /** What the last list says that it is, and the list. */
  private last: { readonly tag: string; readonly text: string } | null = null;
  private readonly stopping = new AbortController();
  private timer: NodeJS.Timeout | undefined;

  constructor(plan: FromUrl, handler: ListHandler) {
    this.plan = plan;
    this.handler = handler;
    void this.ask();
  }

  stop(): void {
    this.stopping.abort();
    clearTimeout(this.timer);
  }

  private async ask(): Promise<void> {
    try {
      const text = await this.get();
      if (!this.stopping.signal.aborted) this.handler.handleText(text);
    } catch (error) {
      if (!this.stopping.signal.aborted) this.handler.handleFailure(systemReason(error));
    }
    if (!this.stopping.signal.aborted) this.timer = setTimeout(() => void this.ask(), this.plan.everyMs).unref();
  }

  /** Rejects with what is wrong with the answer, or why there is none. */
  private async get(): Promise<string> {
    const { timeoutMs, url } = this.plan;
    const { last } = this;
    const { headers, isWhole, status, text } = await askHttp({
      url,
      body: null,
      headers: {
        accept: 'application/json, application/yaml',
        ...(last === null ? {} : { 'if-none-match': last.tag }),
      },
      charactersMax: LIST_BYTES_MAX,
      signal: AbortSignal.any([this.stopping.signal, AbortSignal.timeout(timeoutMs)]),
    });
    if (status === NOT_MODIFIED && last !== null) return last.text;
    if (status !== 200) throw new Error(`it answers ${status}`);
    if (!isWhole) throw new Error(`its answer is longer than ${LIST_BYTES_MAX} bytes`);
    this.last = headers.etag === undefined ? null : { tag: headers.etag, text };
    return text;
  }
}
