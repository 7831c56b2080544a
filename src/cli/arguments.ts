/** Values of command-line options. Refused ones end as a usage error. */
import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../config/words/units.ts';
import { WORKERS_MAX } from '../base/limits.ts';

export function parseWorkers(text: string): number {
  const count = Number(text);
  if (!/^[0-9]+$/.test(text) || count < 1 || count > WORKERS_MAX) {
    throw new InvalidArgumentError(`Write a number from 1 to ${WORKERS_MAX}.`);
  }
  return count;
}

const SECONDS_MAX = 86_400;

export function parseSeconds(text: string): number {
  const count = Number(text);
  if (!/^[0-9]+$/.test(text) || count < 1 || count > SECONDS_MAX) {
    throw new InvalidArgumentError(`Write a number from 1 to ${SECONDS_MAX}.`);
  }
  return count;
}

const LAPSE_S_MAX = 366 * 86_400;

/** A duration as in the file, in whole seconds. */
export function parseLapse(text: string): number {
  const seconds = (parseDuration(text) ?? 0) / 1_000;
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > LAPSE_S_MAX) {
    throw new InvalidArgumentError('Write whole seconds, minutes or hours, up to a year: 30s, 10m, 2h.');
  }
  return seconds;
}

/** Of every command that opens or asks a running instance. */
export const SOCKET_DEFAULT =
  'evenkeel.sock in $RUNTIME_DIRECTORY, in /run/evenkeel for root, or else in $XDG_RUNTIME_DIR';

/** Of every command that reads a configuration. */
export const NODE_OPTION = "which node of the file this machine is (default: the file's `node`, or else the host name)";
