/**
 * Which program runs, by the files that it is loaded from: those on disk may be replaced while it does. A process that a keeper
 * starts is loaded from what is there then. It must be the keeper's own program, for only one version agrees with itself about
 * plans, messages and shared memory; so it looks, when everything is loaded, and ends if it is another one.
 */
import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('..', import.meta.url));
/** A keeper says to its children by it what they have to be. */
const VARIABLE = 'EVENKEEL_PROGRAM';

/** Changes when a file of the program, or the interpreter, is replaced or written to. */
export function identifyProgram(): string {
  const hash = createHash('sha256');
  for (const path of [process.execPath, ...filesIn(FOLDER)]) {
    const { ino, size, mtimeMs } = statSync(path);
    hash.update(`${path} ${ino} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

/** Not by `recursive`, which looks at each file once more. */
function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesIn(path);
    return entry.name.endsWith('.js') && !entry.name.endsWith('.test.js') ? [path] : [];
  });
}

/** From now on children of this process have to be what it is. */
export function bindChildren(environment: NodeJS.ProcessEnv): void {
  environment[VARIABLE] = identifyProgram();
}

/** To be asked by a child when all of its code is loaded. True too if nobody has asked for anything. */
export function isProgramOfKeeper(environment: NodeJS.ProcessEnv): boolean {
  const wanted = environment[VARIABLE];
  return wanted === undefined || wanted === identifyProgram();
}
