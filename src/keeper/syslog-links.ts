/**
 * Access logs that go to syslog: for each a thread that sends, and the end to write to, which proxies get as they get files. Each time that
 * logs are opened there are new ones; those before end with their last line.
 */
import { Worker } from 'node:worker_threads';
import { systemReason } from '../base/system-error.ts';
import type { SyslogPlan } from '../base/syslog.ts';
import type { LogPlan } from '../config/plan.ts';
import type { Host } from '../port/host.ts';
import { ApplyError } from './apply-error.ts';
import type { Log } from './log/log.ts';
import { EXIT_OTHER_PROGRAM } from './proxies/proxy-arguments.ts';

/** Beside the program's chunks, and in src. */
const THREAD = new URL('../process/syslog-thread.js', import.meta.url);
const MEMORY_MIB_MAX = 64;
/** For what waits when everything else is over. */
const LAST_LINES_MS = 2000;

export interface SyslogTask {
  /** Is the thread's own. */
  readonly input: number;
  readonly syslog: SyslogPlan;
}

export type SyslogNews =
  | { readonly kind: 'unreachable'; readonly reason: string }
  | { readonly kind: 'reachable' }
  | { readonly kind: 'lost'; readonly lines: number };

export class SyslogLinks {
  private readonly host: Host;
  private readonly log: Log;
  private readonly onOtherProgram: () => void;
  private readonly workers = new Set<Worker>();
  /** Each trouble is told once, whoever finds it again. */
  private readonly troubles = new Set<string>();

  /** `onOtherProgram`: the program on disk is not the keeper's any more. */
  constructor(host: Host, log: Log, onOtherProgram: () => void) {
    this.host = host;
    this.log = log;
    this.onOtherProgram = onOtherProgram;
  }

  get isEmpty(): boolean {
    return this.workers.size === 0;
  }

  /** Where the lines of this log are written to: the caller's. Throws ApplyError. */
  open({ name }: LogPlan, syslog: SyslogPlan): number {
    const ends = this.host.createLinePair();
    if (ends === null) throw new ApplyError(`access log ${name}: no file descriptor is left`);
    const [input, output] = ends;
    const worker = new Worker(THREAD, {
      name: 'syslog',
      workerData: { input, syslog } satisfies SyslogTask,
      // it closes what was opened here
      trackUnmanagedFds: false,
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MIB_MAX },
    });
    this.workers.add(worker);
    worker.on('message', (news: SyslogNews) => this.handleNews(name, news));
    worker.on('error', (error) =>
      this.log.error(`access log ${name}: what sends it to syslog ended: ${error.message}`),
    );
    worker.on('exit', (code) => {
      this.workers.delete(worker);
      if (code === EXIT_OTHER_PROGRAM) this.handleOtherProgram(name);
    });
    return output;
  }

  /** Nobody writes any more: resolves when all is sent, or after a moment. */
  async finish(): Promise<void> {
    const ended = [...this.workers].map((worker) => new Promise((resolve) => worker.on('exit', resolve)));
    const timer = setTimeout(() => {
      for (const worker of this.workers) void worker.terminate();
    }, LAST_LINES_MS);
    await Promise.all(ended);
    clearTimeout(timer);
  }

  private handleOtherProgram(name: string): void {
    const reason = 'the program on disk is another one now';
    this.log.error(`access log ${name}: no line goes to syslog until an upgrade: ${reason}`);
    this.onOtherProgram();
  }

  private handleNews(name: string, news: SyslogNews): void {
    const { log, troubles } = this;
    if (news.kind === 'lost') {
      log.warn(`access log ${name}: the syslog server was not there for the last lines`, { lines: news.lines });
    } else if (news.kind === 'reachable') {
      if (troubles.delete(name)) log.info(`access log ${name}: the syslog server takes lines again`);
    } else if (!troubles.has(name)) {
      troubles.add(name);
      log.warn(`access log ${name}: the syslog server cannot be reached: ${systemReason({ code: news.reason })}`);
    }
  }
}
