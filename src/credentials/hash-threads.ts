/** Threads that hash passwords, one each. With one that ends ends the process, which is started anew. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** Beside the program's chunks, and in src. */
const THREAD = new URL('../process/hash-thread.js', import.meta.url);
const MEMORY_MIB_MAX = 32;

export interface HashTask {
  /** The thread's own. */
  readonly password: Uint8Array;
  readonly hash: string;
}

export class HashThreads {
  private readonly free: Worker[];
  readonly count: number;

  private constructor(workers: readonly Worker[]) {
    this.free = [...workers];
    this.count = workers.length;
  }

  /** They have what they need when it resolves. */
  static async start(count: number): Promise<HashThreads> {
    const workers = Array.from({ length: count }, () => {
      const worker = new Worker(THREAD, { name: 'hash', resourceLimits: { maxOldGenerationSizeMb: MEMORY_MIB_MAX } });
      worker.on('error', (error) => {
        process.stderr.write(`a thread that hashes has failed: ${error.message}\n`);
        process.exit(1);
      });
      return worker;
    });
    await Promise.all(workers.map((worker) => once(worker, 'message')));
    return new HashThreads(workers);
  }

  /** As `isPassword`. Not more than `count` at a time. */
  async isPassword(password: Uint8Array, hash: string): Promise<boolean> {
    const worker = this.free.pop()!;
    worker.postMessage({ password, hash } satisfies HashTask, []);
    const [isRight] = (await once(worker, 'message')) as [boolean];
    this.free.push(worker);
    return isRight;
  }
}
