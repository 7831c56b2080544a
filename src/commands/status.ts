/** `evenkeel status`, `handover` and `resume`: clients of a running evenkeel. */
import type { RouterView } from '../api/virtual-routers.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT_FAILED, EXIT_OK } from '../cli/exit-codes.ts';
import type { MoveOptions } from '../cli/handover.ts';
import type { StatusOptions } from '../cli/status.ts';
import { askMove, askStatus, ControlError, failing, PATIENT_MS_MAX, tellUnstored } from './control-client.ts';
import { strayPids } from '../keeper/proxies/stray-pids.ts';
import { socketToAsk } from '../instance/socket-path.ts';
import { hasColors } from './paint.ts';
import { ageText } from './age-text.ts';
import { renderStatus } from './status-view.ts';
import { userName } from './user-name.ts';

const WATCH_MS = 1_000;
/** And the cursor to its beginning (ECMA-48: CUP, ED). */
const CLEAR_SCREEN = '\u001b[H\u001b[2J';

export function statusCommand({ socket, isJson, isWatching }: StatusOptions): Promise<number> {
  const path = socketToAsk(socket, process.env, process.getuid?.() ?? -1);
  const show = async (): Promise<string> => {
    const document = await askStatus(path).catch((error: unknown) => {
      throw withStrays(error, path);
    });
    if (isJson) return `${JSON.stringify(document, null, isWatching ? 0 : 2)}\n`;
    return renderStatus(document, path, hasColors());
  };
  return failing(async () => {
    const clear = isWatching && process.stdout.isTTY && !isJson ? CLEAR_SCREEN : '';
    for (;;) {
      process.stdout.write(clear + (await show()));
      if (!isWatching) return EXIT_OK;
      await sleep(WATCH_MS);
    }
  });
}

/** What a keeper that was killed has left is said too. */
function withStrays(error: unknown, path: string): unknown {
  if (!(error instanceof ControlError) || !error.isNobody) return error;
  const pids = strayPids(path);
  if (pids.length === 0) return error;
  return new ControlError(
    `${error.message}; proxies of one that was killed serve on until it is started again (pid ${pids.join(', ')})`,
  );
}

export function moveCommand({ kind, router: wanted, isAll, socket, forS }: MoveOptions): Promise<number> {
  return failing(async () => {
    const path = socketToAsk(socket, process.env, process.getuid?.() ?? -1);
    const routers = (await askStatus(path, PATIENT_MS_MAX)).ha?.routers ?? [];
    if (routers.length === 0) throw new ControlError('this evenkeel has no virtual routers');
    if (wanted === null && !isAll && routers.length > 1) {
      const names = routers.map(({ name }) => name).join(', ');
      throw new ControlError(`there are several virtual routers: write one of ${names}, or --all`);
    }
    const router = wanted ?? (isAll ? null : routers[0].name);
    const chosen =
      router === null ? routers : routers.filter(({ name, group }) => isMeant(routers, router, name, group));
    if (chosen.length === 0) {
      throw new ControlError(
        `there is no virtual router ${router}; there is ${routers.map(({ name }) => name).join(', ')}`,
      );
    }
    const by = userName();
    const beganMs = performance.now();
    const order = (name: string): Promise<void> => askMove(path, { kind, router: name, forS, by });
    if (kind === 'resume') {
      for (const { name } of chosen) if (router === null || name === router) await order(name);
      for (const each of chosen)
        say(each, each.restraint === null ? 'was not held back' : 'takes part as configured again');
      return tellUnstored(path);
    }
    const active = chosen.filter(({ state }) => state === 'active' || state === 'leaving');
    for (const each of chosen)
      if (!active.includes(each)) say(each, `is ${whereItIs(each)}: there is nothing to hand over`);
    // The first one of a group takes the others with it.
    for (const { name } of active) if (router === null || name === router) await order(name);
    const results: boolean[] = [];
    for (const each of active) results.push(await follow(path, each, beganMs, forS));
    const stored = await tellUnstored(path);
    return results.length > 0 && results.every(Boolean) ? stored : EXIT_FAILED;
  });
}

function say({ name }: RouterView, text: string): void {
  process.stdout.write(`${name}: ${text}\n`);
}

function whereItIs({ state, account }: RouterView): string {
  const peer = account?.activePeer ?? null;
  return peer === null ? `${state} here` : `${state} here, and active on ${peer}`;
}

/** The whole group moves. */
function isMeant(routers: readonly RouterView[], wanted: string, name: string, group: string | null): boolean {
  return name === wanted || (group !== null && routers.some((each) => each.name === wanted && each.group === group));
}

const LOOK_MS = 50;
/** On top of what the slowest peer may need, for a machine with nothing to spare: it is the router that gives up, long before. */
const MARGIN_MS = PATIENT_MS_MAX;

/** Waits how the hand-over ends that was ordered at `beganMs`, and says it. True: the router is not active here. */
async function follow(path: string, before: RouterView, beganMs: number, forS: number | null): Promise<boolean> {
  const endMs = beganMs + 2 * before.intervalMs + MARGIN_MS;
  // The newest change that was there before the order is older than this by now.
  for (;;) {
    const view = (await askStatus(path, PATIENT_MS_MAX)).ha?.routers.find(({ name }) => name === before.name);
    const passedMs = performance.now() - beganMs;
    const done = view?.changes.find(({ from, ageMs }) => from === 'leaving' && ageMs < passedMs);
    if (view === undefined || done !== undefined) {
      if (done?.to === 'active') {
        say(before, 'nobody took over: it stays active here');
        return false;
      }
      const end = forS === null ? '' : `for ${ageText(forS * 1_000)}, or `;
      const who = done?.detail === undefined || done.detail === '' ? '' : ` to ${done.detail}`;
      const endOrder = view?.restraint?.endOrder ?? `evenkeel resume ${before.name}`;
      say(before, `handed over${who} within ${ageText(passedMs)}, ${end}until \`${endOrder}\``);
      return true;
    }
    if (performance.now() > endMs) {
      say(before, `is ${view.state} after ${ageText(passedMs)}`);
      return view.state !== 'active' && view.state !== 'leaving' && view.state !== 'unknown';
    }
    await sleep(LOOK_MS);
  }
}
