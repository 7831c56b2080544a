/** What a run of tests comes to: told in lines, and whether it is good. */
import type { Outcome } from './run-files.ts';

type FailedTest = Outcome['failed'][number];

export interface Verdict {
  readonly isGood: boolean;
  readonly lines: readonly string[];
}

export interface Runs {
  readonly first: readonly Outcome[];
  /** Of the files that had failed, alone. */
  readonly again: Outcome;
  readonly repeated: readonly string[];
  readonly mustNotSkip: boolean;
  /** What passes only when it is repeated is a failure. */
  readonly mustBeStable: boolean;
}

export function verdictOf({ first, again, repeated, mustNotSkip, mustBeStable }: Runs): Verdict {
  const failedFirst = first.flatMap(({ failed }) => failed);
  const passed = first.reduce((sum, outcome) => sum + outcome.passed, 0);
  const skipped = first.flatMap((outcome) => outcome.skipped);
  // What failed in no file that could be run again has failed.
  const failed = [...again.failed, ...failedFirst.filter(({ file }) => !repeated.includes(file))];
  const unstable = failedFirst.filter((test) => !failed.some((other) => isSame(test, other)));
  const isSkipWrong = mustNotSkip && skipped.length > 0;
  const isUnstableWrong = mustBeStable && unstable.length > 0;
  return {
    isGood: failed.length === 0 && passed > 0 && !isSkipWrong && !isUnstableWrong,
    lines: [
      ...skipped.map((line) => `skipped: ${line}`),
      ...failed.map(({ name, file }) => `failed: ${file}: ${name}`),
      ...unstable.map(({ name, file }) => `unstable: ${file}: ${name}`),
      ...(isSkipWrong ? ['no test may skip here'] : []),
      ...(isUnstableWrong ? ['no test may be unstable here'] : []),
      `${passed} passed, ${failed.length} failed, ${unstable.length} unstable, ${skipped.length} skipped`,
    ],
  };
}

function isSame(one: FailedTest, other: FailedTest): boolean {
  return one.name === other.name && one.file === other.file;
}
