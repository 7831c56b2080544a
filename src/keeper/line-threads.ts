/**
 * Access logs that go to syslog, and spans of traces that go to a collector: for each a thread that sends, and the end to write to, which proxies get as they get
 * files. Each time that logs are opened there are new ones; those before end with their last line.
 */
import { Worker } from 'node:worker_threads';
import type { SyslogPlan } from '../base/syslog.ts';
import type { LogPlan, OtlpPlan } from '../config/plan/record.ts';
import type { Host } from '../port/host.ts';
import { ApplyError } from './apply-error.ts';
import type { Log } from './log/log.ts';
import { EXIT_OTHER_PROGRAM } from './proxies/proxy-arguments.ts';

/** Beside the program's chunks, and in src. */
const SYSLOG_THREAD = new URL('../process/syslog-thread.js', import.meta.url);
const OTLP_THREAD = new URL('../process/otlp-thread.js', import.meta.url);
const MEMORY_MIB_MAX = 64;
/** For what waits when everything else is over. */
const LAST_LINES_MS = 2000;

export interface SyslogTask {
  /** Is the thread's own. */
  readonly input: number;
  readonly syslog: SyslogPlan;
}

export interface OtlpTask {
  /** Is the thread's own. */
  readonly input: number;
  readonly otlp: OtlpPlan;
}

export type LineNews =
  | { readonly kind: 'unreachable'; readonly reason: string }
  | { readonly kind: 'reachable' }
  | { readonly kind: 'lost'; readonly lines: number; readonly reason: string };

export class LineThreads {
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

  /** Where the lines of this access log are written to: the caller's. Throws ApplyError. */
  openSyslog({ name }: LogPlan, syslog: SyslogPlan): number {
    const what = `access log ${name}`;
    return this.open(what, SYSLOG_THREAD, { syslog }, (news) => this.handleSyslogNews(name, news));
  }

  /** The same of spans. */
  openOtlp(otlp: OtlpPlan): number {
    return this.open('tracing', OTLP_THREAD, { otlp }, (news) => this.handleOtlpNews(news));
  }

  private open(
    what: string,
    thread: URL,
    task: Omit<SyslogTask, 'input'> | Omit<OtlpTask, 'input'>,
    handleNews: (news: LineNews) => void,
  ): number {
    const ends = this.host.createLinePair();
    if (ends === null) throw new ApplyError(`${what}: no file descriptor is left`);
    const [input, output] = ends;
    const worker = new Worker(thread, {
      name: 'lines',
      workerData: { input, ...task },
      // it closes what was opened here
      trackUnmanagedFds: false,
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MIB_MAX },
    });
    this.workers.add(worker);
    worker.on('message', handleNews);
    worker.on('error', (error) => this.log.error(`${what}: what sends it on ended: ${error.message}`));
    worker.on('exit', (code) => {
      this.workers.delete(worker);
      if (code === EXIT_OTHER_PROGRAM) this.handleOtherProgram(what);
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

  private handleOtherProgram(what: string): void {
    const reason = 'the program on disk is another one now';
    this.log.error(`${what}: nothing is sent on until an upgrade: ${reason}`);
    this.onOtherProgram();
  }

  private handleSyslogNews(name: string, news: LineNews): void {
    const { log } = this;
    if (news.kind === 'lost') {
      log.warn(`access log ${name}: the syslog server was not there for the last lines`, { lines: news.lines });
    } else if (!this.isNew(name, news)) return;
    else if (news.kind === 'reachable') log.info(`access log ${name}: the syslog server takes lines again`);
    else log.warn(`access log ${name}: the syslog server cannot be reached: ${news.reason}`);
  }

  private handleOtlpNews(news: LineNews): void {
    const { log } = this;
    if (news.kind === 'lost') {
      log.warn(`tracing: spans are lost that the collector has not taken: ${news.reason}`, { spans: news.lines });
    } else if (!this.isNew('', news)) return;
    else if (news.kind === 'reachable') log.info('tracing: the collector takes spans again');
    else log.warn(`tracing: the collector takes no spans: ${news.reason}`);
  }

  /** Nobody has told this before. */
  private isNew(key: string, { kind }: LineNews): boolean {
    if (kind === 'reachable') return this.troubles.delete(key);
    const { size } = this.troubles;
    return this.troubles.add(key).size > size;
  }
}
