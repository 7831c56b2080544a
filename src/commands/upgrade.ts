/** `evenkeel upgrade`: a client of a running evenkeel. */
import { EXIT_OK } from '../cli/exit-codes.ts';
import type { UpgradeOptions } from '../cli/upgrade.ts';
import { askUpgrade, failing } from './control-client.ts';
import { socketToAsk } from '../instance/socket-path.ts';
import { userName } from './user-name.ts';

export function upgradeCommand({ socket }: UpgradeOptions): Promise<number> {
  return failing(async () => {
    const { pid, version } = await askUpgrade(socketToAsk(socket, process.env, process.getuid?.() ?? -1), userName());
    process.stdout.write(`evenkeel ${version} is in charge (pid ${pid})\n`);
    return EXIT_OK;
  });
}
