/** Lines as the statements that keepalived sees: a keyword, its words, and what stands in the braces behind it. */
import type { Place } from '../findings/diagnostic.ts';
import type { Line } from './lines.ts';
import type { KeepalivedReport } from './report.ts';
import { type Word, wordsOf } from './words.ts';

export interface Statement {
  readonly keyword: string;
  readonly place: Place;
  /** What follows the keyword on its line. */
  readonly words: readonly Word[];
  /** The same as it is written: programs are cut into words in another way. */
  readonly rest: string;
  /** Null: there are no braces. */
  readonly block: readonly Statement[] | null;
  placeOf(word: number): Place;
}

interface Draft extends Statement {
  block: Draft[] | null;
}

const DEPTH_MAX = 32;

export function statementsOf(lines: readonly Line[], report: KeepalivedReport): readonly Statement[] {
  const root: Draft[] = [];
  const open: { readonly statement: Draft; readonly block: Draft[] }[] = [];
  let block = root;
  for (const line of lines) {
    for (const { text, index } of piecesOf(line.text)) {
      const place = placeIn(line, index);
      if (text === '{') {
        const last = block[block.length - 1];
        if (last === undefined || last.block !== null) {
          report.error(place, 'there is no keyword before this `{`', 'remove it, or write the keyword');
          return root;
        }
        if (open.length === DEPTH_MAX) {
          report.error(place, `blocks are nested ${DEPTH_MAX} deep`, 'write fewer levels');
          return root;
        }
        last.block = [];
        open.push({ statement: last, block });
        block = last.block;
      } else if (text === '}') {
        const outer = open.pop();
        if (outer === undefined) report.error(place, 'there is one `}` too many', 'remove it, or open it before');
        else ({ block } = outer);
      } else {
        const statement = statementOf(text, index, line);
        if (statement !== null) block.push(statement);
      }
    }
  }
  const last = open.pop();
  if (last !== undefined) {
    const reason = `the \`{\` of \`${last.statement.keyword}\` is never closed`;
    report.error(last.statement.place, reason, 'add the `}` where it should end');
  }
  return root;
}

function statementOf(text: string, index: number, line: Line): Draft | null {
  const [first, ...words] = wordsOf(text);
  if (first === undefined) return null;
  const placeOf = (word: number): Place => {
    const at = words[word] ?? words[words.length - 1] ?? first;
    return placeIn(line, index + at.index);
  };
  return {
    keyword: first.text,
    place: placeIn(line, index + first.index),
    words,
    rest: text.slice(first.index + first.text.length + (first.isQuoted ? 2 : 0)),
    block: null,
    placeOf,
  };
}

function placeIn({ place, isLiteral }: Line, index: number): Place {
  return isLiteral ? { ...place, column: place.column + index } : place;
}

/** Cut at every brace outside of double quotes, also in the middle of a word. */
function piecesOf(text: string): { readonly text: string; readonly index: number }[] {
  const pieces: { readonly text: string; readonly index: number }[] = [];
  let isQuoted = false;
  let start = 0;
  const end = (index: number): void => {
    if (text.slice(start, index).trim() !== '') pieces.push({ text: text.slice(start, index), index: start });
  };
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === '"') isQuoted = !isQuoted;
    if (isQuoted || (character !== '{' && character !== '}')) continue;
    end(i);
    pieces.push({ text: character, index: i });
    start = i + 1;
  }
  end(text.length);
  return pieces;
}
