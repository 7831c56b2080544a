/** The members of an etcd cluster: one of them is asked for as long as it answers. Over the JSON gateway of etcd 3.4 and later. */
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { EtcdPlan } from '../config/plan/etcd.ts';
import { askHttp } from './http-question.ts';

export interface EtcdBounds {
  readonly timeoutMs: number;
  readonly charactersMax: number;
}

export class EtcdMembers {
  private readonly plan: EtcdPlan;
  private readonly agents = { http: new http.Agent({ keepAlive: true }), https: new https.Agent({ keepAlive: true }) };
  /** Index of the one that is asked. */
  private member = 0;
  private files: Pick<https.RequestOptions, 'ca' | 'cert' | 'key'> | null = null;

  constructor(plan: EtcdPlan) {
    this.plan = plan;
  }

  get url(): string {
    return this.plan.members[this.member];
  }

  /** Of questions to it. Throws if a file cannot be read. */
  get tls(): Pick<https.RequestOptions, 'ca' | 'cert' | 'key'> {
    if (!this.url.startsWith('https:')) return {};
    const { ca, client } = this.plan;
    this.files ??= {
      ...(ca === null ? {} : { ca: readFileSync(ca) }),
      ...(client === null ? {} : { cert: readFileSync(client.certificate), key: readFileSync(client.privateKey) }),
    };
    return this.files;
  }

  /** What it answers: an object. Rejects with why not. */
  async post(path: string, body: unknown, { charactersMax, timeoutMs }: EtcdBounds): Promise<object> {
    const url = `${this.url}${path}`;
    const { isWhole, status, text } = await askHttp({
      url,
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
      charactersMax,
      signal: AbortSignal.timeout(timeoutMs),
      agent: url.startsWith('https:') ? this.agents.https : this.agents.http,
      tls: this.tls,
    });
    if (status !== 200) throw new Error(`it answers ${status}: ${text.slice(0, 200)}`);
    if (!isWhole) throw new Error('its answer is too long');
    const said = parseObject(text);
    if (said === null) throw new Error('its answer is not that of etcd');
    return said;
  }

  /** The one that was asked has failed: the next one is. */
  handleFailure(): void {
    this.member = (this.member + 1) % this.plan.members.length;
    // they may have been renewed
    this.files = null;
  }

  close(): void {
    this.agents.http.destroy();
    this.agents.https.destroy();
  }
}

/** As etcd has keys and values in JSON. */
export function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

/** Null: the text is no object. */
export function parseObject(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}
