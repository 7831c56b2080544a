/**
 * A thread of the keeper in which one request is rehearsed (instance/explainer.ts): what it takes delays nobody, and a mistake in it ends
 * nothing but the thread.
 */
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { EXIT_OTHER_PROGRAM } from '../keeper/proxies/proxy-arguments.ts';
import { isProgramOfKeeper } from '../keeper/program-identity.ts';
import { explain } from '../rehearsal/explain.ts';
import { UnexplainableError } from '../rehearsal/subject.ts';
import type { RehearsalAnswer, RehearsalTask } from '../instance/explainer.ts';

/** Behind the proxies and the keeper, as whoever reads configurations. */
const NICENESS = 10;

if (!isProgramOfKeeper(process.env)) process.exit(EXIT_OTHER_PROGRAM);
setPriority(NICENESS);
parentPort?.postMessage(answerTo(workerData as RehearsalTask), []);

function answerTo({ world, asked }: RehearsalTask): RehearsalAnswer {
  try {
    return { kind: 'explained', explanation: explain(world, asked) };
  } catch (error) {
    if (!(error instanceof UnexplainableError)) throw error;
    return { kind: 'unexplainable', why: error.message };
  }
}
