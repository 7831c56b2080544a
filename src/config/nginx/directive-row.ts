/** A line of the table of directives. */
import type { DirectiveState } from '../directive-state.ts';

/** Names with a space between them; contexts likewise; how many arguments, `{}` for a block; state; note. */
export type Row = readonly [names: string, contexts: string, args: string, state: DirectiveState, note: string];

export interface ModuleRows {
  readonly module: string;
  readonly rows: readonly Row[];
}
