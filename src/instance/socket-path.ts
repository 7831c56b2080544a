/**
 * Where a running evenkeel has its files, and the socket on which it is asked how it is: the same for the one that opens it
 * and for who asks, so that whoever asks in the environment of a service asks that service and no other.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { crc32 } from '../base/crc32.ts';

const NAME = 'evenkeel.sock';
const RUN_DIRECTORY = '/run/evenkeel';
const STATE_DIRECTORY = '/var/lib/evenkeel';

/** Of the service manager (systemd's RuntimeDirectory=), or the usual one. Nobody else may write there. */
export function runDirectory(environment: NodeJS.ProcessEnv): string {
  return managedDirectory(environment) ?? RUN_DIRECTORY;
}

/** What outlives a restart: systemd's StateDirectory=, or the directory of the running one, or the usual one. */
export function stateDirectory(environment: NodeJS.ProcessEnv): string {
  return firstOf(environment['STATE_DIRECTORY']) ?? managedDirectory(environment) ?? STATE_DIRECTORY;
}

/** The one that was asked for, or else the first place that there is. Null: there is no place for it. */
export function socketToOpen(wanted: string | null, environment: NodeJS.ProcessEnv, uid: number): string | null {
  if (wanted !== null) return wanted;
  const managed = managedDirectory(environment);
  if (managed !== null) return `${managed}/${NAME}`;
  if (uid === 0) return `${RUN_DIRECTORY}/${NAME}`;
  return sessionSocket(environment);
}

/** Where one would be opened in this environment; and where there is none, that of root's service. */
export function socketToAsk(wanted: string | null, environment: NodeJS.ProcessEnv, uid: number): string {
  const own = socketToOpen(wanted, environment, uid);
  const usual = `${RUN_DIRECTORY}/${NAME}`;
  const isNamed = wanted !== null || managedDirectory(environment) !== null;
  return own !== null && (isNamed || existsSync(own) || !existsSync(usual)) ? own : usual;
}

/** The kernel's table of the instance with this socket (docs/kernel-mode.md): found again after a kill, and nobody else's. */
export function forwardingTable(socket: string | null): string {
  if (socket === null) return 'evenkeel';
  const path = resolve(socket);
  if (path === `${RUN_DIRECTORY}/${NAME}`) return 'evenkeel';
  const bytes = Buffer.from(path);
  return `evenkeel-${(crc32(bytes, 0, bytes.length) >>> 0).toString(16)}`;
}

function managedDirectory(environment: NodeJS.ProcessEnv): string | null {
  return firstOf(environment['RUNTIME_DIRECTORY']);
}

function firstOf(directories: string | undefined): string | null {
  const [first] = directories?.split(':') ?? [];
  return first === undefined || first === '' ? null : first;
}

/** Of the user's own session. */
function sessionSocket(environment: NodeJS.ProcessEnv): string | null {
  const session = environment['XDG_RUNTIME_DIR'];
  return session === undefined || session === '' ? null : `${session}/${NAME}`;
}
