/** `rewrite` as a step of the model. */
import type { PlainMap } from './document.ts';
import type { Directive } from './parse.ts';
import { translatePcre } from './pcre.ts';
import { redirect, type AnswerContext } from './return.ts';
import { translateText } from './variables.ts';

/** Null: it cannot be said, and that has been reported. `answerIn`: the route of an answer in this block. */
export function readRewrite(
  directive: Directive,
  context: AnswerContext,
  answerIn: (answer: NonNullable<ReturnType<typeof redirect>>) => PlainMap,
): PlainMap | null {
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
  const { regex, reason } = translatePcre(pattern.text, false, true);
  if (regex === null) return refuse(reason, 'write an expression without it');
  if (/^(https?:\/\/|\$scheme)/.test(replacement.text) || /^(redirect|permanent)$/.test(flag?.text ?? '')) {
    const status = flag?.text === 'permanent' ? 301 : 302;
    const answer = redirect(
      status,
      replacement.text.replace(/\?$/, ''),
      place,
      context,
      queryBehind(replacement.text, context),
    );
    return answer === null ? null : { rewrite: { regex, take: answerIn(answer) } };
  }
  const to = translateText(replacement.text, context.constants);
  if ('problem' in to) return refuse(to.problem);
  if (to.template === '') return refuse('the target would be empty', 'write a path');
  const end = flag?.text === 'last' ? 'again' : flag?.text === 'break' ? 'stop' : null;
  return { rewrite: { regex, to: to.template, ...(end === null ? {} : { end }) } };
}

/** A template for the request's query behind a Location, unless a `?` at the end says that it is not wanted. */
function queryBehind(text: string, { values }: AnswerContext): string {
  if (text.endsWith('?')) return '';
  if (!text.includes('?')) return '{question-mark}{args}';
  const andArgs = { map: '{args}', exact: { '': '' }, otherwise: '&{args}' };
  return `{value:${values.addOwn('and-args', andArgs)}}`;
}
