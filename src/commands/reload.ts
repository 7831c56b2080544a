/** `evenkeel reload`: a client of a running evenkeel. */
import { EXIT_OK } from '../cli/exit-codes.ts';
import type { ReloadOptions } from '../cli/reload.ts';
import { askReload, failing } from './control-client.ts';
import { socketToAsk } from '../instance/socket-path.ts';
import { userName } from './user-name.ts';

export function reloadCommand({ socket }: ReloadOptions): Promise<number> {
  return failing(async () => {
    const changes = await askReload(socketToAsk(socket, process.env, process.getuid?.() ?? -1), userName());
    process.stdout.write(changes.length === 0 ? 'nothing has changed\n' : changes.map((line) => `${line}\n`).join(''));
    return EXIT_OK;
  });
}
