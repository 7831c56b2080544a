/** A file of the configuration, as the command line names it. */
import type { FrontEndName } from '../config/front-end.ts';

/** `-` is standard input. */
export const STANDARD_INPUT = '-';

export interface ConfigFile {
  readonly path: string;
  /** What its language is. Null: its content tells. */
  readonly language: FrontEndName | null;
  /** What the command line says in that language, before the file. */
  readonly preface?: string;
  /** What the file says of the processes themselves holds. */
  readonly rulesProcesses?: boolean;
  /** Where paths in it begin that do not begin with a slash. */
  readonly prefix?: string;
}
