/**
 * Where a running evenkeel has its files, and the socket on which it is asked how it is: the same for the one that opens it
 * and for who asks.
 */
import { existsSync } from 'node:fs';

const NAME = 'evenkeel.sock';
const RUN_DIRECTORY = '/run/evenkeel';

/** Of the service manager (systemd's RuntimeDirectory=), or the usual one. Nobody else may write there. */
export function runDirectory(environment: NodeJS.ProcessEnv): string {
  return managedDirectory(environment) ?? RUN_DIRECTORY;
}

/**
 * The one that was asked for; that of the service manager (systemd's RuntimeDirectory=); under /run for root; of the user's
 * own session. Null: there is no place for it.
 */
export function socketToOpen(wanted: string | null, environment: NodeJS.ProcessEnv, uid: number): string | null {
  if (wanted !== null) return wanted;
  const managed = managedDirectory(environment);
  if (managed !== null) return `${managed}/${NAME}`;
  if (uid === 0) return `${RUN_DIRECTORY}/${NAME}`;
  const session = environment['XDG_RUNTIME_DIR'];
  return session === undefined || session === '' ? null : `${session}/${NAME}`;
}

/** Whoever asks does not know how it was started. */
export function socketToAsk(wanted: string | null, environment: NodeJS.ProcessEnv): string {
  const session = environment['XDG_RUNTIME_DIR'];
  const usual = `${RUN_DIRECTORY}/${NAME}`;
  if (wanted !== null || existsSync(usual) || session === undefined || session === '') return wanted ?? usual;
  return `${session}/${NAME}`;
}

function managedDirectory(environment: NodeJS.ProcessEnv): string | null {
  const [first] = environment['RUNTIME_DIRECTORY']?.split(':') ?? [];
  return first === undefined || first === '' ? null : first;
}
