/** Paths that match a pattern, as glob(3) has it: `*`, `?` and `[...]` within a name, none of them a leading dot. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const SPECIAL = /[*?[]/;

/** Sorted by code unit, as glob(3) sorts in the C locale. A folder that cannot be read has nothing in it. */
export function glob(pattern: string): readonly string[] {
  if (!SPECIAL.test(pattern)) {
    const plain = pattern.replace(/\\(.)/g, '$1');
    return existsSync(plain) ? [plain] : [];
  }
  const parts = pattern.split('/');
  let found: string[] = [pattern.startsWith('/') ? '/' : ''];
  for (const part of parts.filter((each) => each !== '')) {
    found = found.flatMap((folder) => within(folder, part));
  }
  return found.sort((a, b) => (a < b ? -1 : Number(a > b)));
}

function within(folder: string, part: string): string[] {
  const at = (name: string): string => (folder === '' ? name : join(folder, name));
  if (!SPECIAL.test(part)) {
    const path = at(part.replace(/\\(.)/g, '$1'));
    return existsSync(path) ? [path] : [];
  }
  const expression = expressionOf(part);
  try {
    return readdirSync(folder === '' ? '.' : folder)
      .filter((name) => (!name.startsWith('.') || part.startsWith('.')) && expression.test(name))
      .map(at);
  } catch {
    return [];
  }
}

function expressionOf(part: string): RegExp {
  let source = '';
  for (let i = 0; i < part.length; i++) {
    const character = part[i];
    const end = character === '[' ? part.indexOf(']', i + 2) : -1;
    if (character === '*') source += '.*';
    else if (character === '?') source += '.';
    else if (end > 0) {
      const inside = part.slice(i + 1, end).replace(/[\\\]^[]/g, '\\$&');
      source +=
        inside.startsWith('!') || inside.startsWith('\\^') ? `[^${inside.replace(/^\\?./, '')}]` : `[${inside}]`;
      i = end;
    } else if (character === '\\' && i + 1 < part.length) source += escape(part[++i]);
    else source += escape(character);
  }
  try {
    return new RegExp(`^${source}$`, 's');
  } catch {
    // A range that runs backwards matches nothing.
    return /$^/;
  }
}

function escape(character: string): string {
  return character.replace(/[.*+?^${}()|[\]\\/]/, '\\$&');
}
