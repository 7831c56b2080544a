/** `mirror` and `mirror_request_body`: `mirror` of the model. */
import type { PlainMap } from './document.ts';
import type { Notes } from './notes.ts';
import type { Scope } from './scope.ts';
import { hasVariables } from './variables.ts';

/** Keys of a route of this block. */
export function readMirror(scope: Scope, notes: Notes): PlainMap {
  const body = scope.argument('mirror_request_body')?.toLowerCase() === 'off' ? { body: false } : {};
  const mirrors: PlainMap[] = [];
  for (const { args } of scope.all('mirror')) {
    const [{ place, text }] = args;
    if (text === 'off') continue;
    if (hasVariables(text))
      notes.notYet(place, `\`mirror ${text}\``, 'a variable is not looked for in it, nor by nginx');
    else if (text.startsWith('/')) mirrors.push({ to: text, ...body });
    else notes.notYet(place, `\`mirror ${text}\``, 'it leads to a location', 'write a path that begins with a slash');
  }
  return mirrors.length === 0 ? {} : { mirror: mirrors };
}
