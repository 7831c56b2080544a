/**
 * What becomes of a directive of another program's file. `works`: with that program's meaning. `differs`: it has an effect, which
 * is another one. `no effect`: it tunes that program alone. `left out`: it would only add something; warned about. `not yet`: it
 * would protect or change something, so that the file is refused. `refused`: likewise, and it will not come.
 */
export type DirectiveState = 'works' | 'differs' | 'no effect' | 'left out' | 'not yet' | 'refused';
