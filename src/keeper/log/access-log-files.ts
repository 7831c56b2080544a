/**
 * What access logs are written to: opened here, with the rights that this process has, and handed on to the proxies. A file is only ever
 * added to, so that several processes may write whole lines to it.
 */
import { closeSync, constants, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemReason } from '../../base/system-error.ts';
import type { Plan } from '../../config/plan/plan.ts';
import { ApplyError } from '../apply-error.ts';
import type { LineThreads } from '../line-threads.ts';

const STDOUT = 1;
const MODE = 0o640;
/** A pipe that nobody reads is an error at once, and no reason to wait. */
const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK | constants.O_NOCTTY;

/** By the group, too. */
const WRITABLE_BY_OTHERS = 0o022;

/** Of each log one descriptor, in their order; the caller's, to be closed with `closeLogs`. Throws ApplyError, with nothing left open. */
export function openLogs({ accessLogs }: Plan, threads: LineThreads): readonly number[] {
  const opened: number[] = [];
  for (const log of accessLogs) {
    try {
      if (log.syslog !== null) opened.push(threads.openSyslog(log, log.syslog));
      else if (log.otlp !== undefined) opened.push(threads.openOtlp(log.otlp));
      else opened.push(log.file === null ? STDOUT : openSync(log.file, flagsFor(log.file), MODE));
    } catch (error) {
      closeLogs(opened);
      if (error instanceof ApplyError) throw error;
      throw new ApplyError(`access log ${log.name}: cannot open ${log.file}: ${reasonOf(error)}`);
    }
  }
  return opened;
}

function reasonOf(error: unknown): string {
  const isLink = (error as NodeJS.ErrnoException).code === 'ELOOP';
  return isLink ? 'it is a symbolic link, and others may write to its folder' : systemReason(error);
}

/** Who may put a symbolic link where a log is to be says which file of ours is written to: it is followed in a folder that is ours alone. */
function flagsFor(file: string): number {
  const { mode, uid } = statSync(dirname(file));
  const isOurs = (uid === 0 || uid === process.geteuid?.()) && (mode & WRITABLE_BY_OTHERS) === 0;
  return isOurs ? FLAGS : FLAGS | constants.O_NOFOLLOW;
}

export function closeLogs(descriptors: readonly number[]): void {
  for (const descriptor of descriptors) if (descriptor !== STDOUT) closeSync(descriptor);
}
