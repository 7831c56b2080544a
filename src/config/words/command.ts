/** A program by its whole path, and its arguments. */
export type Command = readonly [program: string, ...args: string[]];

export function commandOf([program, ...args]: readonly string[]): Command {
  return [program, ...args];
}
