/** What the shell gets. Any command may use the first two. */

export const EXIT_OK = 0;
/** It failed; the reason is on stderr. */
export const EXIT_FAILED = 1;
/** The command line itself is wrong. */
export const EXIT_USAGE = 2;
/** Of `config`: what was compared differs, or has changed since it was read. */
export const EXIT_DIFFERS = 3;

/** As pages say it. */
export const EXIT_CODES = [
  [EXIT_OK, 'done; for `run`: stopped as it was told to'],
  [EXIT_FAILED, 'it failed, or was refused; the reason is on stderr'],
  [EXIT_USAGE, 'the command line itself is wrong'],
  [
    EXIT_DIFFERS,
    '`config diff`: the files say something else; `config set` and the like: it has changed since `--if-match`',
  ],
] as const;
