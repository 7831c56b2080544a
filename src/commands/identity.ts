/** `evenkeel identity`: makes the key of this node where there is none, and prints its fingerprint. */
import { systemReason } from '../base/system-error.ts';
import { EXIT_FAILED, EXIT_OK } from '../cli/exit-codes.ts';
import { stateDirectory } from '../instance/socket-path.ts';
import { identityIn } from '../keeper/peers/identity.ts';
import type { Output } from './check.ts';

export async function identityCommand({ out, err }: Output): Promise<number> {
  const directory = stateDirectory(process.env);
  try {
    out(`${identityIn(directory).fingerprint}\n`);
    return EXIT_OK;
  } catch (error) {
    err(`evenkeel: ${directory}/peers/identity.key: ${systemReason(error)}\n`);
    return EXIT_FAILED;
  }
}
