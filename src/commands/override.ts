/** `evenkeel server`, `listener`, `node` and `maintenance`: clients of a running evenkeel. */
import type { StatusDocument } from '../api/status.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT_FAILED, EXIT_OK } from '../cli/exit-codes.ts';
import type { OverrideOptions } from '../cli/override.ts';
import { askOverride, askStatus, failing, tellUnstored } from './control-client.ts';
import { socketToAsk } from '../instance/socket-path.ts';
import { moveCommand } from './status.ts';
import { ageText } from './age-text.ts';
import { userName } from './user-name.ts';

const LOOK_MS = 100;

export function overrideCommand(options: OverrideOptions): Promise<number> {
  const { kind, word, weight, waitS, socket } = options;
  return failing(async () => {
    const path = socketToAsk(socket, process.env, process.getuid?.() ?? -1);
    const beganMs = performance.now();
    say(await askOverride(path, pathOf(options), { ...placeOf(options), ...weightOf(weight), by: userName() }));
    const stored = await tellUnstored(path);
    const moved = kind === 'node' ? await moveAddresses(path, word) : EXIT_OK;
    const emptied = waitS === null ? EXIT_OK : await waitUntilEmpty(path, options, beganMs, waitS);
    return [stored, moved, emptied].find((code) => code !== EXIT_OK) ?? EXIT_OK;
  });
}

function pathOf({ kind, name, word }: OverrideOptions): string {
  if (kind === 'maintenance') return `/v1/maintenance/${word}`;
  if (kind === 'node') return `/v1/node/${word}`;
  if (kind === 'listener') return `/v1/listeners/${encodeURIComponent(name)}/${word}`;
  const slash = name.indexOf('/');
  const upstream = encodeURIComponent(name.slice(0, slash));
  return `/v1/upstreams/${upstream}/servers/${encodeURIComponent(name.slice(slash + 1))}/${word}`;
}

/** What is closed, of maintenance. */
function placeOf({ kind, name, route }: OverrideOptions): Readonly<Record<string, string>> {
  if (kind !== 'maintenance') return {};
  return { ...(name === '' ? {} : { listener: name }), ...(route === null ? {} : { route }) };
}

function weightOf(weight: number | null): Readonly<Record<string, string>> {
  return weight === null ? {} : { to: String(weight) };
}

/** A node that has virtual addresses gets its clients by them. */
async function moveAddresses(socket: string, word: OverrideOptions['word']): Promise<number> {
  const routers = (await askStatus(socket)).ha?.routers ?? [];
  const isDrain = word === 'drain';
  const concerns = routers.some(({ state, restraint }) => (isDrain ? state === 'active' : restraint !== null));
  if (!concerns) return EXIT_OK;
  return moveCommand({ kind: isDrain ? 'hand-over' : 'resume', router: null, isAll: true, socket, forS: null });
}

async function waitUntilEmpty(path: string, options: OverrideOptions, beganMs: number, waitS: number): Promise<number> {
  const subject = options.kind === 'node' ? 'node' : `${options.kind} ${options.name}`;
  for (;;) {
    const left = connectionsOf(await askStatus(path), options);
    const passedMs = performance.now() - beganMs;
    if (left === 0) {
      say(`${subject}: no connection is left after ${ageText(passedMs)}`);
      return EXIT_OK;
    }
    if (passedMs >= waitS * 1_000) {
      say(`${subject}: ${left} ${left === 1 ? 'connection is' : 'connections are'} left after ${ageText(passedMs)}`);
      return EXIT_FAILED;
    }
    await sleep(LOOK_MS);
  }
}

function connectionsOf({ upstreams, listeners }: StatusDocument, { kind, name }: OverrideOptions): number {
  if (kind !== 'server') {
    return sum(listeners.filter((listener) => kind === 'node' || listener.name === name));
  }
  return sum(
    upstreams.flatMap(({ name: upstream, servers }) =>
      servers.filter((server) => `${upstream}/${server.name}` === name),
    ),
  );
}

function sum(counted: readonly { readonly connections: number }[]): number {
  return counted.reduce((total, { connections }) => total + connections, 0);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
