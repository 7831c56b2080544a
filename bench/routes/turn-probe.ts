/**
 * Loaded into every process of evenkeel (`--import`): how long the longest turn took since it was asked last, of a keeper's loop and of
 * what a proxy does to apply a plan. Each process writes it to a file of its own in a folder, for a proxy has no event loop that
 * could be asked.
 */
import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

const DIRECTORY = process.env['EVENKEEL_TURNS'] ?? '/tmp';
const ROOT = process.env['EVENKEEL_PROGRAM_FOLDER'] ?? '';
const RESOLUTION_MS = 1;

if (isMainThread && process.argv.includes('run')) watchKeeper();
if (isMainThread && process.argv.includes('__proxy')) await watchProxy();

/** Opened before the process gives its rights away. */
function createReport(kind: string): (ms: number) => void {
  const file = openSync(join(DIRECTORY, `${kind}-${process.pid}`), 'w');
  return (ms) => void writeSync(file, `${performance.timeOrigin + performance.now()} ${ms}\n`);
}

function watchKeeper(): void {
  const report = createReport('keeper');
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  setInterval(() => {
    report(delay.max / 1e6);
    delay.reset();
  }, 20).unref();
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
      const began = performance.now();
      const result = original.apply(this, args);
      const took = performance.now() - began;
      if (took > 0.5) report(took);
      return result;
    };
  }
}
