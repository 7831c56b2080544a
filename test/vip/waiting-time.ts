/**
 * How long whoever wants a processor waits for one on this machine, because of all that runs beside: a process that wants to run every few
 * milliseconds, and tells when it could not. On a machine that is quiet it tells nothing.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';

const EVERY_MS = 5;
/** A timer may be as late on any machine. */
const LATE_MS_MIN = 3;

const WAITER = `
  let before = performance.now();
  setInterval(() => {
    const now = performance.now();
    const lateMs = now - before - ${EVERY_MS};
    before = now;
    if (lateMs >= ${LATE_MS_MIN}) console.log(Date.now() + ' ' + lateMs);
  }, ${EVERY_MS});
  console.log('begins');
`;

export class WaitingTime {
  private readonly waiter: ChildProcess;
  private readonly gone: Promise<unknown>;
  private said = '';

  static async start(t: TestContext): Promise<WaitingTime> {
    const time = new WaitingTime(t);
    await once(time.waiter.stdout!, 'data');
    return time;
  }

  private constructor(t: TestContext) {
    this.waiter = spawn(process.execPath, ['-e', WAITER], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.gone = once(this.waiter, 'close');
    this.waiter.stdout!.on('data', (data: Buffer) => (this.said += data.toString()));
    t.after(() => this.waiter.kill('SIGKILL'));
  }

  /** Ends it. What is returned says how much of the time between two times of the clock, in milliseconds, was waiting. */
  async stop(): Promise<(fromMs: number, toMs: number) => number> {
    this.waiter.kill('SIGKILL');
    await this.gone;
    const waits = [...this.said.matchAll(/^(\d+) ([\d.]+)$/gm)].map(([, at, lateMs]) => {
      return { fromMs: Number(at) - Number(lateMs), toMs: Number(at) };
    });
    return (fromMs, toMs) =>
      waits.reduce((sum, wait) => sum + Math.max(0, Math.min(toMs, wait.toMs) - Math.max(fromMs, wait.fromMs)), 0);
  }
}
