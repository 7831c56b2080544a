/**
 * A thread of the keeper that sends the spans of traces to a collector, in batches (OTLP/HTTP, JSON). As with syslog, who writes the lines waits for nobody,
 * and drops and counts what does not fit in between: while a batch is on its way, nothing is read. The thread ends when nobody writes any more, and all is sent or
 * cannot be.
 */
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { exportOf, type OtlpSpan, refusedIn, spanOf } from '../core/trace/otlp-span.ts';
import { mayTryAgain, waitOf } from '../core/trace/otlp-retry.ts';
import type { LineNews, OtlpTask } from '../keeper/line-threads.ts';
import { isProgramOfKeeper } from '../keeper/program-identity.ts';
import { EXIT_OTHER_PROGRAM } from '../keeper/proxies/proxy-arguments.ts';
import { LineInput, LOOK_MS } from './line-input.ts';
import { type Answer, post } from './otlp-post.ts';

/** A batch is as many spans, or what has come in this time. */
const BATCH_SPANS = 512;
const BATCH_MS = 1000;
/** Losses are told so often. */
const TELL_MS = 60_000;

const { input: descriptor, otlp } = workerData as OtlpTask;
const input = new LineInput(descriptor);
const host = hostname();
let trouble: string | null = null;
let lost = 0;
let lostWhy = '';
let toldAt = -Infinity;

if (!isProgramOfKeeper(process.env)) {
  input.close();
  process.exit(EXIT_OTHER_PROGRAM);
}
void run();

async function run(): Promise<void> {
  for (let isOver = false; !isOver;) {
    const batch: OtlpSpan[] = [];
    isOver = gather(batch);
    if (batch.length > 0) await deliver(batch);
    tellLost(isOver);
  }
  input.close();
}

/** Waits for spans, and then until there are enough. True: nobody writes any more. */
function gather(batch: OtlpSpan[]): boolean {
  let endAt = Infinity;
  while (batch.length < BATCH_SPANS && performance.now() < endAt) {
    const length = input.read();
    if (length === 0) return true;
    if (length < 0) continue;
    for (const line of input.bytes.toString('utf8', 0, length).split('\n')) {
      const span = line === '' ? null : spanOf(line);
      if (span !== null) batch.push(span);
    }
    if (endAt === Infinity) endAt = performance.now() + BATCH_MS;
  }
  return false;
}

/** Tries until it is taken, or there is no use in it. */
async function deliver(batch: readonly OtlpSpan[]): Promise<void> {
  const body = exportOf(batch, otlp.service, host);
  for (let tries = 1; ; tries++) {
    const answer = await post(otlp.endpoint, body);
    if (answer.status >= 200 && answer.status < 300) {
      noteWell();
      const refused = refusedIn(answer.body);
      if (refused > 0) lose(refused, 'it refused them');
      return;
    }
    noteTrouble(answer);
    const isFutile = !mayTryAgain(answer.status, tries);
    if (isFutile || (await isAbandoned(waitOf(tries, answer.retryAfter, Date.now(), Math.random())))) {
      lose(batch.length, answer.why);
      return;
    }
  }
}

function noteWell(): void {
  if (trouble !== null) tell({ kind: 'reachable' });
  trouble = null;
}

function noteTrouble({ why }: Answer): void {
  if (trouble === null) tell({ kind: 'unreachable', reason: why });
  trouble ??= why;
}

/** Waits, and says whether those who write have gone meanwhile. */
async function isAbandoned(ms: number): Promise<boolean> {
  for (let waited = 0; waited < ms; waited += LOOK_MS) {
    await sleep(Math.min(LOOK_MS, ms - waited));
    if (input.isAbandoned(0)) return true;
  }
  return false;
}

function lose(spans: number, why: string): void {
  lost += spans;
  lostWhy = why;
}

function tellLost(isLast: boolean): void {
  if (lost === 0 || (!isLast && performance.now() - toldAt < TELL_MS)) return;
  tell({ kind: 'lost', lines: lost, reason: lostWhy });
  lost = 0;
  toldAt = performance.now();
}

function tell(news: LineNews): void {
  parentPort?.postMessage(news, []);
}
