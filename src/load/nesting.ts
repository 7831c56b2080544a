/**
 * How deep a text nests maps and lists, found without a call inside a call for each level: the YAML parser makes one, and a stack that is full
 * can end the whole process, by a regular expression that V8 compiles there, which nothing catches.
 */
import { Lexer, Parser } from 'yaml';

/** What the parser has open besides maps and lists: the document, and the scalar under way. */
const OTHERS = 2;

export function isDeeperThan(text: string, levels: number): boolean {
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text)) {
    const tokens = parser.next(lexeme);
    // each is a document that is whole, or nothing: only what is open counts
    while (tokens.next().done !== true);
    if (parser.stack.length > levels + OTHERS) return true;
  }
  return false;
}
