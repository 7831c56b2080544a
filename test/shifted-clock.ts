/** The clocks of a keeper, as far ahead as a test says: for what takes minutes. Its timers are as they are. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface ShiftedClock {
  /** Of the keeper. */
  readonly env: NodeJS.ProcessEnv;
  /** So far ahead from now on. */
  shift(ms: number): void;
}

const SOURCE = (file: string): string => `
import { readFileSync } from 'node:fs';
const { now } = Date;
const monotonic = performance.now.bind(performance);
const ahead = () => Number(readFileSync(${JSON.stringify(file)}, 'utf8'));
if (process.argv.includes('run')) {
  Date.now = () => now() + ahead();
  performance.now = () => monotonic() + ahead();
}
`;

/** `folder`: of the test. */
export function shiftedClock(folder: string): ShiftedClock {
  const file = join(folder, 'ahead-ms');
  const source = join(folder, 'clock.mjs');
  writeFileSync(file, '0');
  writeFileSync(source, SOURCE(file));
  return { env: { NODE_OPTIONS: `--import=${source}` }, shift: (ms) => writeFileSync(file, `${ms}`) };
}
