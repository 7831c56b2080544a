/** What the file of a command gets from the command line around it. */

export interface Output {
  /** Whole lines, with their line feed. */
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** `C`: the commands that it runs. */
export interface CliContext<C = unknown> extends Output {
  readonly commands: C;
  /** Where it leaves its exit code. */
  exit(code: number): void;
}
