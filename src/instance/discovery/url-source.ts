/** An address that answers with a list of servers: asked now, and again when an answer has been here for long enough. */
import http from 'node:http';
import https from 'node:https';
import { systemReason } from '../../base/system-error.ts';
import type { DiscoveryPlan } from '../../config/plan.ts';
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
  private get(): Promise<string> {
    const { timeoutMs, url } = this.plan;
    const { last } = this;
    const client = url.startsWith('https:') ? https : http;
    const headers: Record<string, string> = { accept: 'application/json, application/yaml' };
    if (last !== null) headers['if-none-match'] = last.tag;
    const signal = AbortSignal.any([this.stopping.signal, AbortSignal.timeout(timeoutMs)]);
    return new Promise((resolve, reject) => {
      const request = client.get(url, { agent: false, headers, signal }, (response) => {
        const { statusCode = 0, headers: said } = response;
        if (statusCode === NOT_MODIFIED && last !== null) {
          response.resume();
          resolve(last.text);
          return;
        }
        if (statusCode !== 200) {
          response.resume();
          reject(new Error(`it answers ${statusCode}`));
          return;
        }
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          text += part;
          if (text.length <= LIST_BYTES_MAX) return;
          reject(new Error(`its answer is longer than ${LIST_BYTES_MAX} bytes`));
          response.destroy();
        });
        response.on('error', reject);
        response.on('end', () => {
          this.last = said.etag === undefined ? null : { tag: said.etag, text };
          resolve(text);
        });
        response.on('close', () => reject(new Error('its answer ended in the middle')));
      });
      request.on('error', reject);
      // an answer with 101 ends it, and nothing else is told of that
      request.on('close', () => reject(new Error('it does not answer')));
    });
  }
}
