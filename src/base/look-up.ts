/** What a table has for a word that somebody else has written. Undefined: nothing; that every object has a `constructor` does not count. */
export function lookUp<T>(table: Readonly<Record<string, T>>, word: string): T | undefined {
  return Object.hasOwn(table, word) ? table[word] : undefined;
}
