/** `evenkeel check`: what `run` does before it serves, and a rehearsal of the rest. Starts nothing, changes nothing. */
import { resolve } from 'node:path';
import { EXIT_FAILED, EXIT_OK } from '../cli/exit-codes.ts';
import { count } from '../base/count.ts';
import type { CheckOptions } from '../cli/check.ts';
import { type Diagnostic, sortDiagnostics } from '../config/findings/diagnostic.ts';
import { OWN_UPSTREAMS } from '../config/plan/own-upstreams.ts';
import { countRoutes } from '../config/plan/route-text.ts';
import { printDiagnostics, readConfigTexts } from '../load/config-file.ts';
import type { FixedSettings } from '../api/status.ts';
import type { Running } from '../load/preflight/rehearse.ts';
import { askStatus, PATIENT_MS_MAX } from './control-client.ts';
import { type Known, prepare, type Ready, refuses } from '../load/prepare.ts';
import { socketToAsk, stateDirectory } from '../instance/socket-path.ts';

export interface Output {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

export async function checkCommand(options: CheckOptions, { out, err }: Output): Promise<number> {
  const texts = readConfigTexts(options.files, err);
  if (texts === null) return EXIT_FAILED;
  const name = texts.map((text) => text.name).join(', ');
  // Elsewhere than on Linux nothing can be run, and the system calls are missing that look at the machine.
  const looksAtHost = options.looksAtHost && process.platform === 'linux';
  const look = looksAtHost ? (await import('../load/preflight/look.ts')).lookAtMachine : null;
  const { diagnostics, known, ready } = prepare(texts, {
    node: options.node,
    workers: null,
    stateDirectory: stateDirectory(process.env),
    look,
  });
  const all = looksAtHost ? await withRehearsal(known, diagnostics, options) : diagnostics;
  const refusals = all.filter(refuses).length;
  const isOk = refusals === 0;
  if (options.isJson) {
    out(`${JSON.stringify({ file: name, ok: isOk, diagnostics: all }, null, 2)}\n`);
    return isOk ? EXIT_OK : EXIT_FAILED;
  }
  printDiagnostics(all, err);
  if (ready === null || !isOk) {
    err(`${name}: ${count(refusals, 'error')}\n`);
    return EXIT_FAILED;
  }
  out(`${name}: ok: ${summary(ready)}\n`);
  return EXIT_OK;
}

async function withRehearsal(
  known: Known,
  diagnostics: readonly Diagnostic[],
  options: Pick<CheckOptions, 'files' | 'socket'>,
): Promise<readonly Diagnostic[]> {
  const { rehearse } = await import('../load/preflight/rehearse.ts');
  return sortDiagnostics([...diagnostics, ...(await rehearse(known, await findRunning(options)))]);
}

/** The evenkeel that runs here; null: none answers. */
async function findRunning({ files, socket }: Pick<CheckOptions, 'files' | 'socket'>): Promise<Running | null> {
  try {
    const status = await askStatus(socketToAsk(socket, process.env, process.getuid?.() ?? -1), PATIENT_MS_MAX);
    const { pid, proxies, listeners, configuration, isStopping } = status;
    const isOfThese = configuration.file === files.map(({ path }) => resolve(path)).join(', ');
    const binds = new Set(listeners.flatMap((listener) => listener.binds.map(({ address }) => address)));
    return {
      pid,
      pids: new Set([pid, ...proxies.map((proxy) => proxy.pid)]),
      reload: isStopping ? null : { ...(configuration.fixed as FixedSettings | undefined), binds },
      // A program of before knows nothing of it.
      setByApiAt: isOfThese ? (configuration.setByApi?.at ?? null) : null,
    };
  } catch {
    return null;
  }
}

function summary({ plan, config }: Ready): string {
  const routers = Object.keys(config.ha ?? {}).length;
  const announcements = Object.keys(config.announce ?? {}).length;
  // processes of ours are no servers of the configuration
  const upstreams = plan.upstreams.filter(({ name }) => !OWN_UPSTREAMS.has(name));
  return [
    count(plan.listeners.length, 'listener'),
    count(sum(plan.listeners.map(({ routes }) => countRoutes(routes))), 'route'),
    count(upstreams.length, 'upstream'),
    count(sum(upstreams.map((upstream) => upstream.servers.length)), 'server'),
    ...(routers === 0 ? [] : [count(routers, 'virtual router')]),
    ...(announcements === 0 ? [] : [count(announcements, 'announcement')]),
  ].join(', ');
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, one) => total + one, 0);
}
