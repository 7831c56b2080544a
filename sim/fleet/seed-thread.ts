/**
 * Plays seeds for the tests of the simulation of keepers. In a thread: node:test follows each promise of its own, which makes a seed take
 * twenty times as long.
 */
import { parentPort } from 'node:worker_threads';
import { runFleet } from './run.ts';

parentPort!.on('message', (wanted: Parameters<typeof runFleet>) => {
  void runFleet(...wanted).then((run) => parentPort!.postMessage(run, []));
});
