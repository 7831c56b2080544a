/** `if (...)`: a condition on a value of the request. */
import type { PlainMap } from './document.ts';
import type { Directive } from './parse.ts';
import { translatePcre } from './pcre.ts';
import { type Constants, translateText } from './variables.ts';

export type Condition = { readonly condition: PlainMap } | { readonly error: string } | { readonly problem: string };

/** What `-f`, `-d` and `-e` ask about. */
export interface FileQuestions {
  /** Where `$document_root` is; null: nobody has said it, or a variable is in it. */
  readonly root: string | null;
  /** A template for `1` while there is that file or folder, and else nothing. */
  valueOf(kind: 'file' | 'folder', path: string): string;
}

export function readCondition({ args }: Directive, constants: Constants, files: FileQuestions): Condition {
  const words = args.map(({ text }) => text);
  const last = words.length - 1;
  if (!words[0].startsWith('(') || !words[last].endsWith(')') || words.join('') === '(') {
    return { error: `invalid condition "${words[0]}"` };
  }
  words[0] = words[0].slice(1);
  words[last] = words[last].slice(0, -1);
  const inside = words.filter((word, i) => word !== '' || (i !== 0 && i !== last));
  const [first, operator, text = ''] = inside;
  if (/^!?-[fdex]$/.test(first ?? '')) return readPresence(first, inside.slice(1).join(' '), constants, files);
  if (!/^\$\{?\w+\}?$/.test(first ?? '')) return { error: `invalid condition "${first ?? ''}"` };
  const value = translateText(first, constants);
  if ('problem' in value) return value;
  if (inside.length === 1) return { condition: { value: value.template } };
  if (inside.length !== 3) return { error: `invalid condition "${inside.slice(1).join(' ')}"` };
  if (operator === '=' || operator === '!=') {
    const expected = translateText(text, constants);
    if ('problem' in expected) return expected;
    return { condition: { value: value.template, [operator === '=' ? 'is' : 'is-not']: expected.template } };
  }
  if (!/^!?~\*?$/.test(operator)) return { error: `unexpected "${operator}" in condition` };
  const { regex, reason } = translatePcre(text, operator.endsWith('*'), true);
  if (regex === null) return { problem: reason };
  return { condition: { value: value.template, [operator.startsWith('!') ? 'not-regex' : 'regex']: regex } };
}

/** Of one file, whatever the request: what a request asks for is looked for by `try_files`. */
function readPresence(operator: string, text: string, constants: Constants, files: FileQuestions): Condition {
  if (operator.endsWith('x')) return { problem: `\`${operator}\` is not there: only \`-f\`, \`-d\` and \`-e\` are` };
  const known = files.root === null ? constants : new Map(constants).set('document_root', files.root);
  const path = translateText(text, known);
  if ('problem' in path || /[{}]/.test(path.template) || !path.template.startsWith('/'))
    return { problem: 'only one file or folder is looked for, whatever the request: for others write `try_files`' };
  const kinds = operator.endsWith('e')
    ? (['file', 'folder'] as const)
    : ([operator.endsWith('f') ? 'file' : 'folder'] as const);
  const value = kinds.map((kind) => files.valueOf(kind, path.template)).join('');
  return { condition: operator.startsWith('!') ? { value, is: '' } : { value } };
}
