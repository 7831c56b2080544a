/** A value of a document, and where it and its parts are written. */

/** A place; for maps and lists, with those of their parts. */
export interface Located {
  readonly offset: number;
  readonly entries: ReadonlyMap<string, { readonly keyOffset: number; readonly located: Located }> | null;
  readonly items: readonly Located[] | null;
}

export interface Read {
  readonly value: unknown;
  readonly located: Located;
}

export function leaf(value: unknown, offset: number): Read {
  return { value, located: { offset, entries: null, items: null } };
}
