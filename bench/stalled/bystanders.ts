/** Everybody else: a few clients with small requests at a steady pace, on connections that are kept, and on new ones where that is wanted. */
import http from 'node:http';
import https from 'node:https';

export interface Latency {
  readonly count: number;
  readonly failed: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** `p50 / p99 / max`, in milliseconds. */
export function formatLatency({ p50, p99, max }: Latency): string {
  return [p50, p99, max].map((ms) => ms.toFixed(1)).join(' / ');
}

/** The round in the middle, by its p99. */
export function medianLatency(rounds: readonly Latency[]): Latency {
  return rounds.toSorted((a, b) => a.p99 - b.p99)[rounds.length >> 1];
}

export interface BystanderOptions {
  readonly port: number;
  readonly isTls: boolean;
  readonly opensNew: boolean;
}

const PACE_MS = 5;
/** One request in so many is on a connection of its own. */
const NEW_ONE_IN = 5;
const TIMEOUT_MS = 10_000;

export class Bystanders {
  private readonly options: BystanderOptions;
  private readonly kept: http.Agent;

  constructor(options: BystanderOptions) {
    this.options = options;
    const kept = { keepAlive: true, maxSockets: 16 };
    this.kept = options.isTls ? new https.Agent({ ...kept, rejectUnauthorized: false }) : new http.Agent(kept);
  }

  async measure(seconds: number): Promise<Latency> {
    const took: number[] = [];
    let failed = 0;
    const asked: Promise<void>[] = [];
    const count = Math.floor((seconds * 1000) / PACE_MS);
    const began = performance.now();
    for (let i = 0; i < count; i++) {
      const wait = began + i * PACE_MS - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      const ask = this.ask(this.options.opensNew && i % NEW_ONE_IN === 0 ? false : this.kept).then(
        (ms) => void took.push(ms),
        () => void failed++,
      );
      asked.push(ask);
    }
    await Promise.all(asked);
    took.sort((a, b) => a - b);
    const at = (share: number): number => took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? Infinity;
    return { count, failed, p50: at(0.5), p99: at(0.99), max: at(1) };
  }

  close(): void {
    this.kept.destroy();
  }

  private ask(agent: http.Agent | false): Promise<number> {
    const began = performance.now();
    return new Promise((resolve, reject) => {
      const { isTls, port } = this.options;
      const where = { host: '127.0.0.1', port, path: '/small', agent };
      const request = (isTls ? https : http).get(where, (response) => {
        response.resume();
        response.on('end', () => {
          if (response.statusCode === 200) resolve(performance.now() - began);
          else reject(new Error(`status ${response.statusCode}`));
        });
        response.on('error', reject);
      });
      request.on('error', reject);
      request.setTimeout(TIMEOUT_MS, () => request.destroy(new Error('no answer')));
    });
  }
}
