/** `evenkeel status`, `handover` and `resume`: clients of a running evenkeel. */
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT_FAILED, EXIT_OK } from '../cli/exit-codes.ts';
import type { MoveOptions } from '../cli/handover.ts';
import type { StatusOptions } from '../cli/status.ts';
import type { RouterView } from '../keeper/ha/ha-status.ts';
import { askMove, askStatus, ControlError } from './control-client.ts';
import { socketToAsk } from './socket-path.ts';
import { ageText, renderStatus } from './status-view.ts';

export function statusCommand({ socket, isJson }: StatusOptions): Promise<number> {
  return failing(async () => {
    const path = socketToAsk(socket, process.env, process.getuid?.() ?? -1);
    const document = await askStatus(path);
    const hasColor = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
    process.stdout.write(isJson ? `${JSON.stringify(document, null, 2)}\n` : renderStatus(document, path, hasColor));
    return EXIT_OK;
  });
}

export function moveCommand({ kind, router, socket }: MoveOptions): Promise<number> {
  return failing(async () => {
    const path = socketToAsk(socket, process.env, process.getuid?.() ?? -1);
    const routers = (await askStatus(path)).ha?.routers ?? [];
    if (routers.length === 0) throw new ControlError('this evenkeel has no virtual routers');
    const chosen =
      router === null ? routers : routers.filter(({ name, group }) => isMeant(routers, router, name, group));
    if (chosen.length === 0) {
      throw new ControlError(
        `there is no virtual router ${router}; there is ${routers.map(({ name }) => name).join(', ')}`,
      );
    }
    const beganMs = performance.now();
    for (const { name } of chosen) if (router === null || name === router) await askMove(path, kind, name);
    if (kind === 'resume') {
      process.stdout.write(`${chosen.map(({ name }) => name).join(', ')}: takes part as configured again\n`);
      return EXIT_OK;
    }
    const results: boolean[] = [];
    for (const each of chosen) results.push(await follow(path, each, beganMs));
    return results.every(Boolean) ? EXIT_OK : EXIT_FAILED;
  });
}

/** The whole group moves. */
function isMeant(routers: readonly RouterView[], wanted: string, name: string, group: string | null): boolean {
  return name === wanted || (group !== null && routers.some((each) => each.name === wanted && each.group === group));
}

const LOOK_MS = 50;
/** On top of what the slowest peer may need. */
const MARGIN_MS = 3_000;

/** Waits how the hand-over ends that was ordered at `beganMs`, and says it. True: the router is not active here. */
async function follow(path: string, before: RouterView, beganMs: number): Promise<boolean> {
  const say = (text: string): void => void process.stdout.write(`${before.name}: ${text}\n`);
  if (before.state !== 'active' && before.state !== 'leaving') {
    say(`is ${before.state} here, so that there is nothing to hand over`);
    return before.state !== 'unknown';
  }
  const endMs = beganMs + 2 * before.intervalMs + MARGIN_MS;
  // The newest change that was there before the order is older than this by now.
  for (;;) {
    const view = (await askStatus(path)).ha?.routers.find(({ name }) => name === before.name);
    const passedMs = performance.now() - beganMs;
    const done = view?.changes.find(({ from, ageMs }) => from === 'leaving' && ageMs < passedMs);
    if (view === undefined || done !== undefined) {
      if (done?.to === 'active') {
        say('nobody took over: it stays active here');
        return false;
      }
      say(`handed over within ${ageText(passedMs)}; ${done?.detail ?? ''}`.replace(/; $/, ''));
      return true;
    }
    if (performance.now() > endMs) {
      say(`is ${view.state} after ${ageText(passedMs)}`);
      return view.state !== 'active' && view.state !== 'leaving' && view.state !== 'unknown';
    }
    await sleep(LOOK_MS);
  }
}

async function failing(command: () => Promise<number>): Promise<number> {
  try {
    return await command();
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
    process.stderr.write(`evenkeel: ${error.message}\n`);
    return EXIT_FAILED;
  }
}
