/** `rewrite`: what of it a route of the model can say. */
import { checkRegexText } from '../../base/regex/regex.ts';
import type { Directive } from './parse.ts';
import { translatePcre } from './pcre.ts';
import { redirect, type Answer, type AnswerContext } from './return.ts';
import { splitVariables } from './variables.ts';

export type Rewritten = { readonly regex: string; readonly to: string } | { readonly answer: Answer | null };

/** Null: it cannot be said, and that has been reported. */
export function readRewrite(directive: Directive, context: AnswerContext): Rewritten | null {
  const { args, place } = directive;
  const [pattern, replacement, flag] = args;
  const { notes } = context;
  const refuse = (reason: string, fix?: string): null => {
    notes.notYet(place, `\`rewrite ${pattern.text} ${replacement.text}\``, reason, fix);
    return null;
  };
  if (flag !== undefined && !/^(last|break|redirect|permanent)$/.test(flag.text)) {
    notes.error(flag.place, `invalid parameter "${flag.text}"`, 'write last, break, redirect or permanent');
    return null;
  }
  const isRedirect =
    /^(https?:\/\/|\$scheme)/.test(replacement.text) || /^(redirect|permanent)$/.test(flag?.text ?? '');
  if (isRedirect) return readRedirect(directive, context, refuse);
  if (flag?.text !== 'break')
    return refuse(
      'another location would have to be looked for, which is not there yet',
      'write `break`, if the request is to stay in this location',
    );
  const { regex, reason } = translatePcre(pattern.text, false, true);
  if (regex === null) return refuse(reason);
  let to = '';
  for (const { variable, text } of splitVariables(replacement.text) ?? []) {
    if (variable === null) to += text.replaceAll('$', '$$$$');
    else if (/^[1-9]$/.test(variable)) to += `$${variable}`;
    else return refuse(`the variable $${variable} is not possible in a replacement yet`);
  }
  if (to.includes('?')) return refuse('a query in the replacement is not there yet');
  // nginx puts the replacement in the place of the whole path, whatever part of it matches.
  const hasChoice = regex.includes('|');
  const before = regex.startsWith('^') && !hasChoice ? '' : '^[^]*?';
  const behind = regex.endsWith('$') && !hasChoice ? '' : '[^]*$';
  const whole = `${before}(?:${regex})${behind}`;
  const found = checkRegexText(whole, true);
  return found === null ? { regex: whole, to } : refuse(found.reason);
}

/** Everything matches, and what is made of it is the path. */
const WHOLE_PATH: Readonly<Record<string, string>> = {
  '^(.*)$': '{path}',
  '^(.*)': '{path}',
  '(.*)': '{path}',
  '^/(.*)$': '{path}',
  '^/(.*)': '{path}',
  '^/?(.*)$': '{path}',
};

function readRedirect(
  { args, place }: Directive,
  context: AnswerContext,
  refuse: (reason: string, fix?: string) => null,
): Rewritten | null {
  const [pattern, replacement, flag] = args;
  const fix = 'use `return` with a URL in a location of its own';
  const isWhole = WHOLE_PATH[pattern.text] !== undefined;
  const isAll = isWhole || /^(\^|\^\.\*\$?|\.\*|\^\/|\/)$/.test(pattern.text);
  if (!isAll) return refuse('an expression that only some paths match is not possible here yet', fix);
  const hasGroup = /\$\{?[1-9]/.test(replacement.text);
  const dropsQuery = replacement.text.endsWith('?');
  let to = dropsQuery ? replacement.text.slice(0, -1) : replacement.text;
  if (hasGroup) {
    const slash = pattern.text.startsWith('^/') ? '/' : '';
    if (!isWhole || !to.endsWith(`${slash}$1`) || dropsQuery)
      return refuse('only the whole path at the end is possible', fix);
    to = `${to.slice(0, -`${slash}$1`.length)}$request_uri`;
  } else if (!dropsQuery && !to.includes('$request_uri')) {
    to = `${to}$is_args$args`;
  }
  const status = flag?.text === 'permanent' ? 301 : 302;
  return { answer: redirect(status, to, place, context) };
}
