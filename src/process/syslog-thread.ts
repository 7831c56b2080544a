/**
 * A thread of the keeper that sends the lines of one access log to a syslog server. It may wait as long as it likes: who writes the
 * lines waits for nobody, and drops and counts what does not fit in between. It ends when nobody writes any more, and all is sent; where the
 * server cannot be had, with what is left.
 */
import { closeSync, readSync } from 'node:fs';
import { hostname } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { systemReason } from '../base/system-error.ts';
import { awaitReady, POLLIN } from '../io/linux/libc.ts';
import { SyslogSender } from '../io/linux/syslog-sender.ts';
import { SyslogMessages } from '../io/linux/syslog-messages.ts';
import type { LineNews, SyslogTask } from '../keeper/line-threads.ts';
import { EXIT_OTHER_PROGRAM } from '../keeper/proxies/proxy-arguments.ts';
import { isProgramOfKeeper } from '../keeper/program-identity.ts';

/** Whoever ends the thread waits so long at most. */
const LOOK_MS = 200;
/** A server that cannot be had is asked again. */
const AGAIN_MS = 1000;
/** As much as is ever written at once. */
const READ_BYTES = 256 * 1024;
const LF = 10;

const { input, syslog } = workerData as SyslogTask;
const sender = new SyslogSender(syslog);
const messages = new SyslogMessages(syslog, hostname(), process.pid);
const lines = new Uint8Array(READ_BYTES);
let trouble: string | null = null;
let lost = 0;

if (!isProgramOfKeeper(process.env)) {
  closeSync(input);
  process.exit(EXIT_OTHER_PROGRAM);
}
for (let length = read(); length > 0; length = read()) sendAll(length);
sender.close();
closeSync(input);
if (lost > 0) tell({ kind: 'lost', lines: lost, reason: '' });

/** 0: nobody writes any more. */
function read(): number {
  for (;;) {
    if (!awaitReady(input, POLLIN, LOOK_MS)) continue;
    try {
      return readSync(input, lines);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}

function sendAll(length: number): void {
  messages.begin(Date.now());
  for (let from = 0; from < length;) {
    const end = lines.indexOf(LF, from);
    const to = end < 0 || end >= length ? length : end;
    if (!deliver(messages.of(lines, from, to))) lost++;
    from = to + 1;
  }
}

/** Tries until it is sent. False: nobody is left to wait for. */
function deliver(message: Uint8Array): boolean {
  for (;;) {
    const reason = sender.open() ?? sender.send(message);
    if (reason === null) {
      if (trouble !== null) tell({ kind: 'reachable' });
      trouble = null;
      return true;
    }
    if (trouble === null) tell({ kind: 'unreachable', reason: systemReason({ code: reason }) });
    trouble ??= reason;
    if (isAbandoned()) return false;
  }
}

/** Waits, and says whether those who write have gone meanwhile. */
function isAbandoned(): boolean {
  for (let waited = 0; waited < AGAIN_MS; waited += LOOK_MS) {
    if (awaitReady(input, 0, LOOK_MS)) return true;
  }
  return false;
}

function tell(news: LineNews): void {
  parentPort?.postMessage(news, []);
}
