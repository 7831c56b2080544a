/** Why io_uring cannot be used here, as the program says. Asked once for a whole run of tests: it takes a process. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../bin/evenkeel', import.meta.url));
/** What an earlier process of the run was told; empty: it can be used. */
const VARIABLE = 'EVENKEEL_URING_REFUSAL';

/** Null: it can be used. Processes that this one starts are told the same. */
export function findUringRefusal(): string | null {
  const known = (process.env[VARIABLE] ??= ask());
  return known === '' ? null : known;
}

function ask(): string {
  const { status, stdout } = spawnSync(process.execPath, [program, '__probe'], { encoding: 'utf8' });
  return status === 0 ? '' : stdout.trim() || `the probe ended with ${status}`;
}
