/** A line of the table of directives. */

/**
 * `works`: with nginx's meaning. `differs`: the note says how. `no effect`: there is nothing here that it could tune. `not yet`:
 * it would add something, so that a warning is given and the rest runs. `refused`: without it the file would mean something else.
 */
export type State = 'works' | 'differs' | 'no effect' | 'not yet' | 'refused';

/** Names with a space between them; contexts likewise; how many arguments, `{}` for a block; state; note. */
export type Row = readonly [names: string, contexts: string, args: string, state: State, note: string];

export interface ModuleRows {
  readonly module: string;
  readonly rows: readonly Row[];
}
