/** Several test files in one process: a module that imports them all, and is run as if it were a test file. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestModule } from './run-files.ts';

/** At most `count` such modules below `dist`, which between them import each of `files` once. */
export function together(dist: string, files: readonly string[], count: number): TestModule[] {
  const directory = join(dist, 'together');
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory);
  const modules: TestModule[] = [];
  for (let i = 0; i < Math.min(count, files.length); i++) {
    const own = files.filter((_, position) => position % count === i);
    const path = join('together', `${i}.js`);
    writeFileSync(join(dist, path), own.map((file) => `import '../${file}';\n`).join(''));
    modules.push({ path, files: own.length });
  }
  return modules;
}
