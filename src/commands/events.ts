/** `evenkeel events`: a client of a running evenkeel. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventView } from '../api/events.ts';
import { EXIT_OK } from '../cli/exit-codes.ts';
import type { EventsOptions } from '../cli/events.ts';
import { socketToAsk } from '../instance/socket-path.ts';
import { sentence } from '../keeper/log/log.ts';
import { askEvents, ControlError, failing, followEvents } from './control-client.ts';

const AGAIN_MS = 200;
/** As long as an upgrade or a restart may take. */
const NOBODY_MS_MAX = 60_000;

export function eventsCommand({ socket, isFollowing, isJson }: EventsOptions): Promise<number> {
  const path = socketToAsk(socket, process.env, process.getuid?.() ?? -1);
  const show = (event: EventView): void => {
    process.stdout.write(isJson ? `${JSON.stringify(event)}\n` : lineOf(event));
  };
  return failing(async () => {
    if (isFollowing) return follow(path, show);
    for (const event of await askEvents(path)) show(event);
    return EXIT_OK;
  });
}

/** Until nobody answers any more. */
async function follow(path: string, show: (event: EventView) => void): Promise<never> {
  let last: string | null = null;
  let heardMs = Number.NEGATIVE_INFINITY;
  for (;;) {
    try {
      await followEvents(path, last, (heard) => {
        heardMs = performance.now();
        if (typeof heard === 'number') return void process.stderr.write(`evenkeel: ${heard} events were missed\n`);
        last = heard.id;
        show(heard);
      });
      heardMs = performance.now();
    } catch (error) {
      if (!(error instanceof ControlError) || performance.now() - heardMs > NOBODY_MS_MAX) throw error;
    }
    await sleep(AGAIN_MS);
  }
}

function lineOf({ at, level, message, details }: EventView): string {
  return `${at} ${level.padEnd(5)} ${sentence(message, details)}\n`;
}
