/** What the shell gets. Any command may use the first two; the third is the command line's own. */

export const EXIT_OK = 0;
/** It failed; the reason is on stderr. */
export const EXIT_FAILED = 1;
/** The command line itself is wrong. */
export const EXIT_USAGE = 2;

/** As pages say it. */
export const EXIT_CODES = [
  [EXIT_OK, 'done; for `run`: stopped as it was told to'],
  [EXIT_FAILED, 'it failed, or was refused; the reason is on stderr'],
  [EXIT_USAGE, 'the command line itself is wrong'],
] as const;
