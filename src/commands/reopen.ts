/** `evenkeel reopen`: a client of a running evenkeel. */
import { EXIT_OK } from '../cli/exit-codes.ts';
import type { ReopenOptions } from '../cli/reopen.ts';
import { socketToAsk } from '../instance/socket-path.ts';
import { askReopen, failing } from './control-client.ts';
import { userName } from './user-name.ts';

export function reopenCommand({ socket }: ReopenOptions): Promise<number> {
  return failing(async () => {
    await askReopen(socketToAsk(socket, process.env, process.getuid?.() ?? -1), userName());
    process.stdout.write('access logs are opened again\n');
    return EXIT_OK;
  });
}
