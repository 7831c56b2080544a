/**
 * A thread of the keeper that sends the lines of one access log to a syslog server. It may wait as long as it likes: who writes the
 * lines waits for nobody, and drops and counts what does not fit in between. It ends when nobody writes any more, and all is sent; where the
 * server cannot be had, with what is left.
 */
import { hostname } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { systemReason } from '../base/system-error.ts';
import { SyslogSender } from '../io/linux/syslog-sender.ts';
import { SyslogMessages } from '../io/linux/syslog-messages.ts';
import type { LineNews, SyslogTask } from '../keeper/line-threads.ts';
import { EXIT_OTHER_PROGRAM } from '../keeper/proxies/proxy-arguments.ts';
import { isProgramOfKeeper } from '../keeper/program-identity.ts';
import { LineInput, LOOK_MS } from './line-input.ts';

/** A server that cannot be had is asked again. */
const AGAIN_MS = 1000;
const LF = 10;

const { input: descriptor, syslog } = workerData as SyslogTask;
const input = new LineInput(descriptor);
const sender = new SyslogSender(syslog);
const messages = new SyslogMessages(syslog, hostname(), process.pid);
let trouble: string | null = null;
let lost = 0;

if (!isProgramOfKeeper(process.env)) {
  input.close();
  process.exit(EXIT_OTHER_PROGRAM);
}
for (let length = input.read(); length !== 0; length = input.read()) if (length > 0) sendAll(length);
sender.close();
input.close();
if (lost > 0) tell({ kind: 'lost', lines: lost, reason: '' });

function sendAll(length: number): void {
  const { bytes } = input;
  messages.begin(Date.now());
  for (let from = 0; from < length;) {
    const end = bytes.indexOf(LF, from);
    const to = end < 0 || end >= length ? length : end;
    if (!deliver(messages.of(bytes, from, to))) lost++;
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
  for (let waited = 0; waited < AGAIN_MS; waited += LOOK_MS) if (input.isAbandoned(LOOK_MS)) return true;
  return false;
}

function tell(news: LineNews): void {
  parentPort?.postMessage(news, []);
}
