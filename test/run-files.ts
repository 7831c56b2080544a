/** Runs test files in processes of their own, shows a line per file that is done and whatever fails, and sums up. */
import { join, relative } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

/** A file that needs longer hangs. */
const FILE_MS_MAX = 10 * 60_000;

export interface Outcome {
  passed: number;
  readonly skipped: string[];
  /** Tests that failed, and the file, below the built folder, that each is in. */
  readonly failed: { readonly name: string; readonly file: string }[];
}

/** Files that are done, of all that will be. */
export class Progress {
  private readonly count: number;
  private readonly startedAt = Date.now();
  private done = 0;

  constructor(count: number) {
    this.count = count;
  }

  /** `files` more are done, the last of them in `path`, in which it took `ms`. */
  show(path: string, files: number, ms: number): void {
    this.done += files;
    const seconds = Math.round((Date.now() - this.startedAt) / 1000);
    const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
    console.log(`[${this.done}/${this.count} ${clock}] ${path} ${(ms / 1000).toFixed(1)} s`);
  }
}

/** What a process runs: a test file, or a module that imports several. */
export interface TestModule {
  /** Below the built folder. */
  readonly path: string;
  /** How many test files it is. */
  readonly files: number;
}

/** `modules` below `root`, `concurrency` of them at a time. */
export async function runFiles(
  root: string,
  modules: readonly TestModule[],
  concurrency: number,
  progress: Progress,
): Promise<Outcome> {
  const outcome: Outcome = { passed: 0, skipped: [], failed: [] };
  // Without any, the runner would look for files itself.
  if (modules.length === 0) return outcome;
  const tests = run({ files: modules.map(({ path }) => join(root, path)), concurrency, timeout: FILE_MS_MAX });
  // Of a file that hangs, the runner says no more than that.
  const underWay = new Map<string, string>();

  async function* failures(): AsyncGenerator {
    for await (const event of tests) {
      if (event.type === 'test:dequeue') {
        const { file, name } = event.data;
        if (file !== undefined && name !== file) underWay.set(file, name);
      } else if (event.type === 'test:pass') {
        const { name, skip } = event.data;
        if (skip === undefined) outcome.passed++;
        else outcome.skipped.push(`${name} (${skip === true ? 'no reason' : skip})`);
      } else if (event.type === 'test:fail') {
        const { name: own, file = own } = event.data;
        const name = own === file ? `in: ${underWay.get(file) ?? 'no test'}` : own;
        outcome.failed.push({ name, file: relative(root, file) });
        yield event;
      } else if (event.type === 'test:complete' && event.data.name === event.data.file) {
        const path = relative(root, event.data.file);
        const files = modules.find((module) => module.path === path)?.files ?? 0;
        progress.show(path, files, event.data.details.duration_ms);
      } else if (event.type === 'test:stderr') {
        yield event;
      }
    }
  }

  await pipeline(Readable.from(failures()).compose(new spec()), process.stdout, { end: false });
  return outcome;
}
