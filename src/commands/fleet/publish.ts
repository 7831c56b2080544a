/** `evenkeel fleet publish`: a version for some nodes, then for more. */
import { setTimeout as delay } from 'node:timers/promises';
import { EXIT_FAILED, EXIT_OK } from '../../cli/exit-codes.ts';
import type { FleetWords } from '../../cli/fleet.ts';
import { foundation, type RolloutRecord } from '../../core/rollout/record.ts';
import { type Next, Rollout } from '../../core/rollout/rollout.ts';
import type { Output } from '../check.ts';
import { documentOf } from '../config.ts';
import { userName } from '../user-name.ts';
import { type FleetStore, StoreError } from './store.ts';

const LOOK_MS = 1_000;

type Publish = Extract<FleetWords, { word: 'publish' }>;

export async function publish(
  store: FleetStore,
  { file, steps, watchS }: Publish,
  { err, out }: Output,
): Promise<number> {
  const configuration = documentOf(file);
  const kept = await store.read();
  const nodes = (await store.reports()).map(({ node }) => node);
  if (nodes.length === 0) {
    err('evenkeel: no node follows: start `evenkeel fleet follow` on each\n');
    return EXIT_FAILED;
  }
  const version = (kept.record?.version ?? 0) + 1;
  const watchMs = watchS * 1_000;
  const rollout = new Rollout(version, steps, watchMs, nodes, performance.now());
  const former = foundation(kept.record);
  const record = { version, configuration, former, stopped: null, watchMs, by: userName() };
  if (!(await store.replace(kept, { ...record, nodes: rollout.first }))) {
    err('evenkeel: somebody else has published meanwhile: look again, by `evenkeel fleet status`\n');
    return EXIT_FAILED;
  }
  out(`version ${version}: ${whom(rollout.first)}\n`);
  let isSilent = false;
  for (;;) {
    await delay(LOOK_MS);
    try {
      const done = await step(store, rollout, { err, out });
      if (done !== null) return done;
      if (isSilent) out('etcd answers again\n');
      isSilent = false;
    } catch (error) {
      // etcd does not answer now: nothing goes on without it, and nothing is lost
      if (!(error instanceof StoreError)) throw error;
      if (!isSilent) err(`evenkeel: ${error.message}; nothing goes on until it answers\n`);
      isSilent = true;
    }
  }
}

/** Null: it goes on. */
async function step(store: FleetStore, rollout: Rollout, { err, out }: Output): Promise<number | null> {
  const kept = await store.read();
  const next = rollout.next(kept.record, await store.reports(), performance.now());
  switch (next.kind) {
    case 'wait':
      return null;
    case 'go-on':
      if (await store.replace(kept, { ...kept.record!, nodes: next.nodes })) out(`${whom(next.nodes)}\n`);
      return null;
    case 'stop':
      await store.replace(kept, { ...kept.record!, stopped: { why: next.why, by: userName() } });
      return null;
    case 'stopped':
      err(`evenkeel: stopped: ${next.why}${before(kept.record)}\n`);
      return EXIT_FAILED;
    case 'done':
      out('all nodes keep it\n');
      return EXIT_OK;
  }
}

function whom(nodes: Extract<Next, { kind: 'go-on' }>['nodes']): string {
  return nodes === null ? 'all nodes' : nodes.join(', ');
}

function before(record: RolloutRecord | null): string {
  if (record === null || record.stopped === null) return '';
  return record.former === null
    ? '; there is no version before'
    : `; all nodes go back to version ${record.former.version}`;
}
