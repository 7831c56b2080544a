/**
 * The names of this process's threads, as `ps -C`, `pidof` and `killall` know a process by its first one (proc(5), `comm`). Node's own
 * `process.title` gives that one the beginning of the command line.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import koffi from 'koffi';
import type { Call } from './libc.ts';

const prctl = koffi
  .load(null)
  .func('int prctl(int, const char *, unsigned long, unsigned long, unsigned long)') as Call;
const PR_SET_NAME = 15;

/** At most 15 bytes. Threads to come are named as who starts them. To be called by the main thread. */
export function nameThreads(name: string): void {
  prctl(PR_SET_NAME, name, 0, 0, 0);
  for (const thread of readdirSync('/proc/self/task')) {
    try {
      writeFileSync(`/proc/self/task/${thread}/comm`, name);
    } catch {
      // It has ended meanwhile, or belongs to who this process was started as: nobody is looked for by such a name.
    }
  }
}
