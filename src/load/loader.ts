/**
 * Has configurations read by a thread of the keeper: ten thousand routes take a second, and the keeper's loop has no millisecond to
 * spare for them. The thread is there from the start on, so that it is of the same program as the keeper whatever happens on disk,
 * and one that fails at a configuration is replaced: the configuration is refused, and nothing else happens.
 */
import { Worker } from 'node:worker_threads';
import { EXIT_OTHER_PROGRAM } from '../keeper/proxies/proxy-arguments.ts';
import type { Comparison, ComparisonRequest, LoadRequest, LoadResult } from './load.ts';
import type { AdminTls, AdminTlsFiles, AdminTlsRequest } from './tls/admin.ts';
import type { Renewal, RenewalRequest } from './tls/renewal.ts';

export interface LoaderOptions {
  readonly request: LoadRequest;
  /** What the thread runs: it answers each LoadRequest with a LoadResult, and so on. */
  readonly thread?: URL;
  readonly withinMs?: number;
  readonly memoryMiB?: number;
}

const THREAD = new URL('../process/load-thread.js', import.meta.url);
type Request = LoadRequest | ComparisonRequest | RenewalRequest | AdminTlsRequest;

/** Many times what the largest configuration takes on a slow, busy machine. */
const LOAD_MS_MAX = 60_000;
/** Several times what the largest configuration takes. */
const MEMORY_MIB_MAX = 1_024;
/** Most of what is made while reading lives for as long as that: the less of it is copied on the way, the better. */
const YOUNG_MEMORY_MIB = 64;

const OTHER_PROGRAM = 'the program on disk is another one now, and cannot read it for this one: run `evenkeel upgrade`';

export class Loader {
  private readonly options: LoaderOptions;
  /** Null: the last one has ended before it was asked for anything. */
  private worker: Worker | null;
  private isAsked = false;
  /** It reads one thing at a time. */
  private asking: Promise<unknown> = Promise.resolve();
  /** Of the last one that has ended. */
  private end = '';

  constructor(options: LoaderOptions) {
    this.options = options;
    this.worker = this.begin();
  }

  /** Never rejects: what keeps the thread from reading a configuration keeps that from being run. */
  load(how: Pick<LoadRequest, 'isStart' | 'isReload' | 'source'> = {}): Promise<LoadResult> {
    return this.askInTurn({ ...this.options.request, ...how }, refused);
  }

  /** Likewise. */
  compare(compareWith: string): Promise<Comparison> {
    return this.askInTurn({ ...this.options.request, compareWith }, (reason) => {
      return { faults: [`the files cannot be read: ${reason}\n`], differences: [] };
    });
  }

  /** Likewise. */
  renewCertificates(request: RenewalRequest): Promise<Renewal> {
    return this.askInTurn(request, (reason) => {
      const { faults } = request.former;
      return { refusals: [reason], faults, warnings: [], certificates: null };
    });
  }

  /** Likewise. */
  readAdminTls(files: AdminTlsFiles): Promise<AdminTls> {
    return this.askInTurn({ adminTls: files }, (fault) => ({
      files,
      sight: new Map(),
      credentials: null,
      facts: null,
      fault,
    }));
  }

  /** Nothing more will be read. */
  close(): void {
    void this.worker?.terminate();
  }

  // --- inside ---

  private askInTurn<A>(request: Request, refuse: (reason: string) => A): Promise<A> {
    const answer = this.asking.then(() => this.ask(request, refuse));
    this.asking = answer;
    return answer;
  }

  private ask<A>(request: Request, refuse: (reason: string) => A): Promise<A> {
    const { withinMs = LOAD_MS_MAX } = this.options;
    const worker = (this.worker ??= this.begin());
    this.isAsked = true;
    worker.ref();
    return new Promise((resolve) => {
      const settle = (result: A): void => {
        clearTimeout(timer);
        worker.off('message', settle);
        worker.off('exit', fail);
        worker.unref();
        this.isAsked = false;
        resolve(result);
      };
      const fail = (): void => settle(refuse(this.end));
      const timer = setTimeout(() => {
        settle(refuse(`reading it took longer than ${withinMs / 1_000} s`));
        this.worker = this.begin();
        void worker.terminate();
      }, withinMs);
      worker.on('message', settle);
      worker.on('exit', fail);
      worker.postMessage(request, []);
    });
  }

  private begin(): Worker {
    const { thread = THREAD, memoryMiB = MEMORY_MIB_MAX } = this.options;
    const resourceLimits = { maxOldGenerationSizeMb: memoryMiB, maxYoungGenerationSizeMb: YOUNG_MEMORY_MIB };
    const worker = new Worker(thread, { name: 'load', resourceLimits });
    let reason: string | null = null;
    worker.on('error', (error: NodeJS.ErrnoException) => {
      const isMemory = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
      reason = isMemory
        ? `reading it took more than ${memoryMiB} MiB of memory`
        : `reading it failed by a bug: ${(error.stack ?? error.message).split('\n').join('; ')}`;
    });
    worker.on('exit', (code) => {
      this.end =
        code === EXIT_OTHER_PROGRAM ? OTHER_PROGRAM : (reason ?? `the thread that reads it ended with ${code}`);
      if (this.worker !== worker) return;
      // At once: what is on disk may still be this program.
      this.worker = this.isAsked ? this.begin() : null;
    });
    worker.unref();
    return worker;
  }
}

function refused(reason: string): LoadResult {
  return { printed: [`the configuration cannot be read: ${reason}\n`], files: new Map(), loaded: null };
}
