/**
 * What a person would say of the indentation of a text that is not YAML: which line begins in the wrong column, where a `- `
 * is missing or too much, where a tab is. A parser says where it noticed, which is often many lines later, and notices again
 * on every line that follows. This looks at lines alone, and is asked only when the parser has refused the text.
 */

export interface LayoutFault {
  readonly offset: number;
  /** The line on which it shows: the parser's own errors begin there or later. */
  readonly line: number;
  readonly reason: string;
  readonly fix: string;
}

/** What begins a line, or stands behind its `- `. */
interface Entry {
  readonly kind: 'item' | 'key' | 'text';
  readonly column: number;
  /** The value is on the same line, so that nothing deeper belongs to it. */
  readonly hasValue: boolean;
  readonly text: string;
}

interface Line {
  readonly number: number;
  readonly offset: number;
  readonly entries: readonly Entry[];
}

/** Entries that belong together: those of a map, or the items of a list. Columns count from 0. */
interface Level {
  readonly kind: 'map' | 'list';
  readonly column: number;
  /** Index of its first line. */
  readonly first: number;
  isOpen: boolean;
}

/** Nobody has typed a longer one. */
const LINE_LENGTH_MAX = 10_000;

const INVISIBLE = /[\u00a0\u2000-\u200b\u202f\u3000\ufeff]/;

/** Null: nothing that this can name. */
export function findLayoutFault(text: string): LayoutFault | null {
  const scanned = scan(text);
  return 'reason' in scanned ? scanned : new Layout(scanned).findFault();
}

/** The lines that make up blocks; what is inside brackets, quotes and block texts is left out. */
function scan(text: string): readonly Line[] | LayoutFault {
  const lines: Line[] = [];
  let offset = 0;
  let number = 0;
  let depth = 0;
  let blockText = -1;
  for (const raw of text.split('\n')) {
    number++;
    if (raw.length > LINE_LENGTH_MAX) return lines;
    const line = raw.replace(/\r$/, '');
    const at = offset;
    offset += raw.length + 1;
    const [lead] = /^[ \t]*/.exec(line)!;
    const content = line.slice(lead.length);
    if (content === '' || content.startsWith('#')) continue;
    if (blockText >= 0 && lead.length > blockText) continue;
    blockText = -1;
    if (depth > 0) {
      depth = Math.max(0, depth + balanceOf(content));
      continue;
    }
    const tab = lead.indexOf('\t');
    if (tab >= 0)
      return { offset: at + tab, line: number, reason: 'a tab is used to indent', fix: 'indent with spaces' };
    if (INVISIBLE.test(content[0])) {
      const reason = 'the line begins with a space of another kind (a no-break space, as from a web page)';
      return { offset: at + lead.length, line: number, reason, fix: 'delete it and indent with plain spaces' };
    }
    if (/^(---|\.\.\.|%)/.test(content)) return lines;
    const entries = entriesOf(content, lead.length);
    lines.push({ number, offset: at, entries });
    depth = Math.max(0, balanceOf(content));
    if (/[:-]\s+[|>][+-]?[0-9]?[+-]?\s*(#.*)?$/.test(content)) blockText = lead.length;
  }
  return lines;
}

const KEY = /^(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'#[\]{}&*!|>%@`,][^[\]{}"']*?)\s*:(?=\s|$)/;

function entriesOf(content: string, column: number): Entry[] {
  const item = /^-(\s+|$)/.exec(content);
  if (item !== null) {
    const rest = content.slice(item[0].length);
    const inner = rest === '' || rest.startsWith('#') ? [] : entriesOf(rest, column + item[0].length);
    return [{ kind: 'item', column, hasValue: inner.length > 0, text: content }, ...inner];
  }
  const key = KEY.exec(content);
  if (key === null) return [{ kind: 'text', column, hasValue: true, text: content }];
  const rest = content.slice(key[0].length).trim();
  return [{ kind: 'key', column, hasValue: !/^([&!]\S+\s*)*(#.*)?$/.test(rest), text: content }];
}

/** Brackets that a line opens, less those it closes; not in quotes and comments. */
function balanceOf(content: string): number {
  let balance = 0;
  const bare = content.replace(/"(?:[^"\\]|\\.)*"|'[^']*'/g, '').replace(/(^|\s)#.*$/, '');
  for (const character of bare) {
    if (character === '[' || character === '{') balance++;
    else if (character === ']' || character === '}') balance--;
  }
  return balance;
}

class Layout {
  private readonly lines: readonly Line[];
  private readonly levels: Level[] = [];

  constructor(lines: readonly Line[]) {
    this.lines = lines;
  }

  findFault(): LayoutFault | null {
    for (let i = 0; i < this.lines.length; i++) {
      for (const entry of this.lines[i].entries) {
        const fault = this.place(entry, i);
        if (fault !== null) return fault;
      }
    }
    return null;
  }

  /** Finds the level that the entry belongs to, or what is wrong with its place. */
  private place(entry: Entry, index: number): LayoutFault | null {
    const { levels } = this;
    const kind = entry.kind === 'item' ? 'list' : 'map';
    let popped: Level | null = null;
    while (levels.length > 0 && levels[levels.length - 1].column > entry.column) popped = levels.pop()!;
    let top = levels[levels.length - 1];
    if (top?.column === entry.column && top.kind !== kind) {
      if (top.kind === 'map' && top.isOpen) {
        // A list may begin in the column of its key.
        top.isOpen = false;
        levels.push({ kind, column: entry.column, first: index, isOpen: !entry.hasValue });
        return null;
      }
      const below = levels[levels.length - 2];
      if (top.kind === 'list' && below?.kind === 'map' && below.column === entry.column) {
        levels.pop();
        top = below;
      } else if (top.kind === 'list') {
        return this.mixedFault(top, entry, index);
      }
    }
    if (entry.kind === 'text') return this.textFault(entry, index, top);
    if (top === undefined) {
      if (popped !== null) return this.columnFault(-1, popped.first, entry, index);
    } else if (top.column === entry.column) {
      if (top.kind !== kind) return this.mixedFault(top, entry, index);
      top.isOpen = !entry.hasValue;
      return null;
    } else if (!top.isOpen && !(top.kind === 'list' && this.isInner(entry, index))) {
      return this.misplaced(top, popped, entry, index);
    }
    if (top !== undefined) top.isOpen = false;
    levels.push({ kind, column: entry.column, first: index, isOpen: !entry.hasValue });
    return null;
  }

  /** Behind the `- ` of its own line. */
  private isInner(entry: Entry, index: number): boolean {
    return this.lines[index].entries[0] !== entry;
  }

  private misplaced(top: Level, popped: Level | null, entry: Entry, index: number): LayoutFault {
    if (popped !== null && popped.kind === 'map' && entry.kind === 'item' && top.kind === 'map') {
      return this.fault(
        popped.first,
        'this belongs to a list, and does not begin with `- `',
        () => {
          const { column, text } = this.lines[popped.first].entries[0];
          return `write \`- ${firstWord(text)}\` in column ${Math.min(column, entry.column) + 1}, like line ${this.lines[index].number}`;
        },
        index,
      );
    }
    const isNearerToPopped = popped !== null && popped.column - entry.column <= entry.column - top.column;
    if (isNearerToPopped && !(entry.kind === 'item' && popped.kind === 'map'))
      return this.columnFault(top.column, popped.first, entry, index);
    const below = this.levels[this.levels.length - 2];
    return this.columnFault(below?.column ?? -1, top.first, entry, index);
  }

  /**
   * Lines from `first` on belong to one map or list, and do not begin in one column: it is the one of most of them, and the
   * first that differs is to blame.
   */
  private columnFault(parentColumn: number, first: number, entry: Entry, index: number): LayoutFault {
    const limit = Math.max(this.columnAt(first, parentColumn), entry.column);
    const siblings: { readonly index: number; readonly column: number }[] = [];
    for (let i = first; i < this.lines.length; i++) {
      const [begin] = this.lines[i].entries;
      if (i > first && begin.column <= parentColumn) break;
      const column = i === first ? this.columnAt(first, parentColumn) : begin.column;
      if (column <= limit) siblings.push({ index: i, column });
    }
    const expected = mostFrequent(
      siblings.map(({ column }) => column),
      parentColumn + 2,
    );
    const odd = siblings.find(({ column }) => column !== expected) ?? { index, column: entry.column };
    const next = this.lines[odd.index + 1]?.entries[0];
    const opens = this.lines[odd.index].entries.at(-1)?.hasValue === false;
    // What stands below it begins where it would have to begin itself: it belongs one level further out.
    const isOuter =
      opens && next !== undefined && next.column <= expected && parentColumn >= 0 && odd.column < expected;
    const column = isOuter ? parentColumn : expected;
    const word = firstWord(this.lines[odd.index].entries[0].text);
    return this.fault(
      odd.index,
      `\`${word}\` starts in column ${odd.column + 1}, and what it stands beside in column ${column + 1}`,
      () => `move it to column ${column + 1}`,
      index,
    );
  }

  /** Where the entry begins that a level began with: behind a `- `, if the level is inside an item. */
  private columnAt(index: number, parentColumn: number): number {
    const { entries } = this.lines[index];
    return (entries.find(({ column }) => column > parentColumn) ?? entries[0]).column;
  }

  /** Items of a list and keys of a map in one column. */
  private mixedFault(top: Level, entry: Entry, index: number): LayoutFault {
    const first = this.lines[top.first];
    let items = 0;
    let keys = 0;
    for (let i = top.first; i < this.lines.length; i++) {
      const [{ column, kind }] = this.lines[i].entries;
      if (column < top.column) break;
      if (column !== top.column) continue;
      if (kind === 'item') items++;
      else keys++;
    }
    const inner = first.entries.at(1);
    const isNamed = top.kind === 'list' && (keys > items || (keys === items && inner?.hasValue === false));
    if (isNamed) {
      return this.fault(
        top.first,
        `a list begins here, and \`${firstWord(entry.text)}\` on line ${this.lines[index].number} goes on as a map`,
        () =>
          inner?.hasValue === false
            ? `write \`${firstWord(inner.text)}\` without \`- \``
            : 'write `name:` lines without `- `',
        index,
      );
    }
    if (top.kind === 'list') {
      const column = (inner?.column ?? top.column + 2) + 1;
      const reason = `\`${firstWord(entry.text)}\` stands in the column of the list's \`-\``;
      return this.fault(index, reason, () => `move it to column ${column}, into the item`, index);
    }
    const reason = 'a list item stands among the keys of a map';
    return this.fault(index, reason, () => 'leave the `- ` out, or indent the item below its key', index);
  }

  /** Neither a key nor an item. It may be the value of the key above, or go on with a text. */
  private textFault(entry: Entry, index: number, top: Level | undefined): LayoutFault | null {
    const { text } = entry;
    const dash = /^-([^\s-]\S*)/.exec(text);
    if (dash !== null && !/^-[0-9.]+$/.test(text)) {
      return this.fault(index, 'there is no space after the `-`', () => `write \`- ${dash[1]}\``, index);
    }
    const next = this.lines[index + 1]?.entries[0];
    // Among keys it is one, and not the value of the key above.
    const isAmongKeys = next?.kind === 'key' && next.column === entry.column;
    if (top === undefined || this.isInner(entry, index) || (top.isOpen && !isAmongKeys)) {
      if (top !== undefined) top.isOpen = false;
      return null;
    }
    const glued = /^([\w-]+)(?::|\s*=\s*|\s*：\s*)(\S*)/.exec(text);
    if (glued === null || /^\S+:\/\//.test(text) || text.startsWith('[') || text.startsWith('{')) return null;
    const reason = text.includes('：')
      ? 'the colon is one of another script'
      : text.startsWith(`${glued[1]}:`)
        ? 'there is no space after the colon'
        : 'a key is followed by a colon and not by `=`';
    return this.fault(index, reason, () => `write \`${`${glued[1]}: ${glued[2]}`.trimEnd()}\``, index);
  }

  private fault(index: number, reason: string, fix: () => string, seenAt: number): LayoutFault {
    const { offset, entries } = this.lines[index];
    return { offset: offset + entries[0].column, line: this.lines[seenAt].number, reason, fix: fix() };
  }
}

/** Of several that are equally frequent the preferred one, or else the first. */
function mostFrequent(columns: readonly number[], preferred: number): number {
  const counts = new Map<number, number>();
  for (const column of columns) counts.set(column, (counts.get(column) ?? 0) + 1);
  const best = Math.max(...counts.values());
  const candidates = [...counts].filter((entry) => entry[1] === best).map(([column]) => column);
  return candidates.includes(preferred) ? preferred : candidates[0];
}

function firstWord(text: string): string {
  return /^\S+/.exec(text.replace(/^-\s+/, ''))?.[0].slice(0, 40) ?? text;
}
