/** `evenkeel token`: who may ask the admin API over TCP. */
import { systemReason } from '../base/system-error.ts';
import { EXIT_FAILED, EXIT_OK } from '../cli/exit-codes.ts';
import type { TokenOptions } from '../cli/token.ts';
import { stateDirectory } from '../instance/socket-path.ts';
import { TokenFile } from '../keeper/api/tokens.ts';
import type { Output } from './check.ts';

export async function tokenCommand(options: TokenOptions, { out, err }: Output): Promise<number> {
  const file = new TokenFile(stateDirectory(process.env));
  try {
    if (options.word === 'add') out(`${file.add(options.name, options.isFull ? 'full' : 'read')}\n`);
    else if (options.word === 'remove') file.remove(options.name);
    else for (const { name, right } of file.read()) out(`${name} ${right}\n`);
    return EXIT_OK;
  } catch (error) {
    err(`evenkeel: ${file.path}: ${systemReason(error)}\n`);
    return EXIT_FAILED;
  }
}
