/**
 * Loaded into every process of evenkeel (`--import`): the long turns of a keeper's loop and of what a proxy does to apply a plan, by the
 * wall and by the processor. On a busy machine the first is mostly waiting for others; the second is what the turn itself takes. Each
 * process writes them to a file of its own in a folder, for a proxy has no event loop that could be asked.
 */
import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import koffi from 'koffi';

const DIRECTORY = process.env['EVENKEEL_TURNS'] ?? '/tmp';
const ROOT = process.env['EVENKEEL_PROGRAM_FOLDER'] ?? '';
const RESOLUTION_MS = 1;
const WORTH_TELLING_MS = 0.5;
const CLOCK_THREAD_CPUTIME_ID = 3;

const readClock = koffi.load(null).func('int clock_gettime(int, void *)') as (
  id: number,
  time: BigInt64Array,
) => number;
const time = new BigInt64Array(2);

if (isMainThread && process.argv.includes('run')) watchKeeper();
if (isMainThread && process.argv.includes('__proxy')) await watchProxy();

/** Of this thread, in milliseconds. */
function cpuMs(): number {
  readClock(CLOCK_THREAD_CPUTIME_ID, time);
  return Number(time[0]) * 1e3 + Number(time[1]) / 1e6;
}

/** Opened before the process gives its rights away. */
function createReport(kind: string): (wallMs: number, processorMs: number) => void {
  const file = openSync(join(DIRECTORY, `${kind}-${process.pid}`), 'w');
  return (wallMs, processorMs) => {
    if (wallMs < WORTH_TELLING_MS) return;
    writeSync(file, `${performance.timeOrigin + performance.now()} ${wallMs} ${processorMs}\n`);
  };
}

/** A timer that is late was behind a long turn. */
function watchKeeper(): void {
  const report = createReport('keeper');
  let [lastMs, lastCpuMs] = [performance.now(), cpuMs()];
  setInterval(() => {
    const [nowMs, nowCpuMs] = [performance.now(), cpuMs()];
    report(nowMs - lastMs - RESOLUTION_MS, nowCpuMs - lastCpuMs);
    [lastMs, lastCpuMs] = [nowMs, nowCpuMs];
  }, RESOLUTION_MS).unref();
}

interface Turning {
  prototype: Record<string, (...args: unknown[]) => unknown>;
}

async function watchProxy(): Promise<void> {
  const report = createReport('proxy');
  const { Proxy: Driver } = (await import(join(ROOT, 'proxy/proxy.js'))) as { Proxy: Turning };
  const { ControlLink } = (await import(join(ROOT, 'process/control-link.js'))) as { ControlLink: Turning };
  for (const [owner, name] of [
    [Driver, 'handleTurn'],
    [ControlLink, 'handleData'],
  ] as const) {
    const original = owner.prototype[name];
    owner.prototype[name] = function (...args) {
      const [beganMs, cpuBeganMs] = [performance.now(), cpuMs()];
      const result = original.apply(this, args);
      report(performance.now() - beganMs, cpuMs() - cpuBeganMs);
      return result;
    };
  }
}
