/** `evenkeel fleet`: what each of its words does. */
import { hostname } from 'node:os';
import { EXIT_FAILED, EXIT_OK } from '../../cli/exit-codes.ts';
import type { FleetOptions, FleetWords } from '../../cli/fleet.ts';
import { socketToAsk } from '../../instance/socket-path.ts';
import type { Output } from '../check.ts';
import { ControlError } from '../control-client.ts';
import { userName } from '../user-name.ts';
import { fleetView } from './fleet-view.ts';
import { followFleet } from './follow.ts';
import { publish } from './publish.ts';
import { FleetStore, StoreError } from './store.ts';

export async function fleetCommand(options: FleetOptions & FleetWords, output: Output): Promise<number> {
  const store = new FleetStore(options);
  try {
    switch (options.word) {
      case 'follow': {
        const socket = socketToAsk(options.socket, process.env, process.getuid?.() ?? -1);
        await followFleet({ store, socket, node: options.node ?? hostname(), output });
        return EXIT_OK;
      }
      case 'publish':
        return await publish(store, options, output);
      case 'stop':
        return await stop(store, options.why, output);
      case 'status':
        output.out(fleetView((await store.read()).record, await store.reports()));
        return EXIT_OK;
    }
  } catch (error) {
    if (!(error instanceof StoreError || error instanceof ControlError)) throw error;
    output.err(`evenkeel: ${error.message}\n`);
    return EXIT_FAILED;
  } finally {
    await store.leave();
  }
}

async function stop(store: FleetStore, why: string, { err, out }: Output): Promise<number> {
  const kept = await store.read();
  const { record } = kept;
  if (record === null || record.stopped !== null || record.former === null) {
    const reason =
      record === null
        ? 'nothing is published'
        : record.former === null
          ? 'there is no version before'
          : 'it is stopped';
    err(`evenkeel: ${reason}\n`);
    return EXIT_FAILED;
  }
  if (!(await store.replace(kept, { ...record, stopped: { why, by: userName() } }))) {
    err('evenkeel: somebody else has changed it meanwhile: look again, by `evenkeel fleet status`\n');
    return EXIT_FAILED;
  }
  out(`version ${record.version} is stopped: the nodes go back to version ${record.former.version}\n`);
  return EXIT_OK;
}
