/** The client of a lab, seen from the lab: starts it, and hears what became of its requests. */
import { once } from 'node:events';
import type { ClientReport } from './client-process.ts';
import { monotonicMs } from './clock.ts';
import { Outages, OUTCOMES } from './outages.ts';
import { HostProcess } from './processes.ts';
import { LabError } from './system.ts';

export interface ClientOptions {
  readonly namespace: string;
  /** What runs this program: see `Program`. */
  readonly program: readonly string[];
  readonly address: string;
  readonly port: number;
  /** From the start of one request to the start of the next. */
  readonly intervalMs: number;
  /** A request that is not answered by then has failed. Shorter than a second: a lost SYN is then a failure and no delay. */
  readonly deadlineMs: number;
}

export class Client {
  /** Of all time, or since `restart`. */
  outages = new Outages();
  private readonly process: HostProcess;
  private reportedMs = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(options: ClientOptions) {
    const { namespace, program, address, port, intervalMs, deadlineMs } = options;
    const args = ['__lab-client', address, `${port}`, `${intervalMs}`, `${deadlineMs}`];
    this.process = new HostProcess(namespace, [...program, ...args], { hasChannel: true });
    this.process.child.on('message', (report: ClientReport) => this.handleReport(report));
    this.process.child.on('exit', () => this.wake());
  }

  /** Counts anew. */
  restart(): void {
    this.outages = new Outages();
  }

  /** Resolves when the fate of every request is known that began before this call. */
  async settled(): Promise<void> {
    const nowMs = monotonicMs();
    while (this.reportedMs < nowMs) await this.nextReport();
  }

  /** Resolves when requests have been answered without a failure for so long. */
  async served(forMs: number): Promise<void> {
    let sinceMs: number | null = null;
    let { failed } = this.outages;
    while (sinceMs === null || this.reportedMs - sinceMs < forMs) {
      await this.nextReport();
      const isWell = this.outages.failed === failed && this.outages.answered > 0;
      ({ failed } = this.outages);
      if (!isWell) sinceMs = null;
      else sinceMs ??= this.reportedMs;
    }
  }

  async stop(): Promise<void> {
    if (!this.process.isRunning) return;
    this.process.child.send('stop');
    await once(this.process.child, 'exit');
  }

  private async nextReport(): Promise<void> {
    if (!this.process.isRunning) throw new LabError(`the lab's client ended:\n${this.process.output}`);
    await new Promise<void>((resolve) => {
      this.waiting.push(resolve);
    });
  }

  private wake(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  private handleReport(report: ClientReport): void {
    for (let i = 0; i < report.length; i += 2) {
      this.reportedMs = report[i];
      this.outages.add(report[i], OUTCOMES[report[i + 1]]);
    }
    this.wake();
  }
}
