/** One load balancer of a soak: evenkeel with all its processes, its file, and its API. */
import { mkdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import type { StatusDocument } from '../../src/api/status.ts';
import type { Balancer, Pair } from '../../src/lab/pair.ts';
import { commandLineOf, type HostProcess, killAtOnce, signalAll } from '../../src/lab/processes.ts';
import { type Footprint, footprint } from '../campaign/footprint.ts';
import { stop } from '../campaign/processes.ts';
import { program } from '../evenkeel.ts';

/** What has to answer has this long. */
const ASK_MS_MAX = 120_000;

export class SoakNode {
  readonly host: Balancer;
  private readonly pair: Pair;
  private readonly directory: string;
  private process: HostProcess | null = null;

  constructor(pair: Pair, host: Balancer) {
    this.pair = pair;
    this.host = host;
    this.directory = join(pair.network.directory, host);
    mkdirSync(this.directory, { recursive: true });
  }

  write(yaml: string): void {
    writeFileSync(join(this.directory, 'evenkeel.yaml'), yaml);
  }

  /** Resolves when it is ready; proxies that serve on without a keeper find it. */
  async start(): Promise<void> {
    const file = join(this.directory, 'evenkeel.yaml');
    const command = ['run', file, '--node', this.host, '--workers', '2', '--socket', `${this.directory}/socket`];
    await new Promise<void>((resolve, reject) => {
      const started = this.pair.run(this.host, [process.execPath, program, ...command], {
        env: { RUNTIME_DIRECTORY: this.directory },
        onLine: (line) => {
          if (/^evenkeel \S+ ready: /.test(line)) resolve();
        },
      });
      this.process = started;
      void started.exit.then((code) => reject(new Error(`${this.host} ended (${code}):\n${started.output}`)));
    });
  }

  get isRunning(): boolean {
    return this.process?.isRunning === true;
  }

  /** As a service manager does it: resolves when it is gone. */
  async stop(): Promise<void> {
    await this.process?.end('SIGTERM');
  }

  status(): Promise<StatusDocument> {
    return this.ask('GET', '/v1/status');
  }

  async footprint(): Promise<Footprint> {
    const status = await this.status();
    return footprint(status, status.pid);
  }

  /** One of its proxies, by `pick`; `lookAt` sees it stopped. Its pid. */
  killProxy(pick: (count: number) => number, lookAt: (proxy: number) => void): number {
    const proxies = this.pair.processes(this.host).filter((pid) => commandLineOf(pid).startsWith('evenkeel: proxy'));
    const proxy = proxies[pick(proxies.length)];
    stop(proxy);
    lookAt(proxy);
    killAtOnce([proxy]);
    return proxy;
  }

  killKeeper(keeper: number): void {
    killAtOnce([keeper]);
  }

  /** Nothing is left of it; `lookAt` is called while all of it is stopped. */
  killAll(lookAt: () => void): void {
    const all = this.pair.processes(this.host);
    signalAll(all, 'SIGSTOP');
    lookAt();
    signalAll(all, 'SIGKILL');
  }

  ask<T>(method: 'GET' | 'POST', path: string): Promise<T> {
    return this.text(method, path).then((text) => (text === '' ? null : JSON.parse(text)) as T);
  }

  /** Rejects where the answer is an error. */
  text(method: 'GET' | 'POST', path: string): Promise<string> {
    const { directory, host } = this;
    const options = { socketPath: `${directory}/socket`, method, path, agent: false, timeout: ASK_MS_MAX } as const;
    return new Promise((resolve, reject) => {
      const request = http.request(options, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (piece: string) => (text += piece));
        response.on('error', reject);
        response.on('end', () => {
          if (response.statusCode! < 300) resolve(text);
          else reject(new Error(`${host}: ${method} ${path}: ${response.statusCode} ${text.trim()}`));
        });
      });
      request.on('timeout', () => request.destroy(new Error(`${host}: ${method} ${path}: no answer`)));
      request.on('error', reject);
      request.end();
    });
  }
}
