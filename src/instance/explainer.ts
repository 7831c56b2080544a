/**
 * Explains what would become of a request now: takes down how everything stands, and has a thread rehearse the request by it
 * (src/rehearsal). A thread for each question, at most one at a time.
 */
import { hostname } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Explanation } from '../api/explanation.ts';
import type { UpstreamView } from '../api/data-plane.ts';
import { emptySlot } from '../base/board.ts';
import { formatIP } from '../base/address.ts';
import { NotNowError, Refusal } from '../keeper/api/app.ts';
import type { DataPlaneFacts } from '../keeper/api/status.ts';
import { EXIT_OTHER_PROGRAM } from '../keeper/proxies/proxy-arguments.ts';
import type { KnownStanding, KnownWorld } from '../rehearsal/explain.ts';
import type { AskedFor } from '../rehearsal/subject.ts';

/** What the thread is given. */
export interface RehearsalTask {
  readonly world: KnownWorld;
  readonly asked: AskedFor;
}

export type RehearsalAnswer =
  | { readonly kind: 'explained'; readonly explanation: Explanation }
  | { readonly kind: 'unexplainable'; readonly why: string };

const THREAD = new URL('../process/rehearsal-thread.js', import.meta.url);
/** Ten thousand routes take a second. */
const MS_MAX = 30_000;
const MEMORY_MIB_MAX = 512;

export class Explainer {
  private isBusy = false;

  /** Rejects with Refusal. */
  async explain(world: KnownWorld, asked: AskedFor): Promise<Explanation> {
    if (this.isBusy) throw new NotNowError('another request is being explained; try again');
    this.isBusy = true;
    try {
      const answer = await inThread({ world, asked });
      if (answer.kind === 'explained') return answer.explanation;
      throw new Refusal(400, answer.why);
    } finally {
      this.isBusy = false;
    }
  }
}

function inThread(workerData: RehearsalTask): Promise<RehearsalAnswer> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(THREAD, {
      name: 'rehearsal',
      workerData,
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MIB_MAX },
    });
    const timer = setTimeout(() => {
      reject(new NotNowError(`it took longer than ${MS_MAX / 1_000} s`));
      void worker.terminate();
    }, MS_MAX);
    worker.on('message', resolve);
    worker.on('error', reject);
    worker.on('exit', (code) => {
      clearTimeout(timer);
      const why =
        code === EXIT_OTHER_PROGRAM
          ? 'the program on disk is another one now, and cannot explain what this one does: run `evenkeel upgrade`'
          : `the thread that rehearses it ended with ${code}`;
      reject(new NotNowError(why));
    });
  });
}

/** `upstreams`: as they are in `facts`, and in the order of its plan. */
export function worldOf(facts: DataPlaneFacts, upstreams: readonly UpstreamView[]): KnownWorld {
  const { board, health, plan } = facts;
  const line = emptySlot();
  const standings = plan.upstreams.flatMap((_, index) => {
    const slots = health.serversOf(index).flat();
    return slots.map(({ slot }, i): KnownStanding => {
      board.readServer(slot, line);
      const { state, reason } = upstreams[index].servers[i];
      const { family, port, weight } = line;
      const host = family === 0 ? '' : formatIP(line.address.subarray(0, family === 4 ? 4 : 16));
      return {
        slot,
        state: line.state,
        weight,
        address: family === 0 ? null : { family, host, port },
        isBackup: line.isBackup,
        connections: board.serverConnections(slot),
        why: state === 'up' || state === 'unchecked' ? '' : `${state}: ${reason}`,
      };
    });
  });
  return { plan, standings, nowMs: Date.now(), hostname: hostname(), seed: 1, assumed: [] };
}
