/** `if (...)`: a condition on one value of the request as a match of the model. */
import type { PlainMap } from './document.ts';
import type { Directive } from './parse.ts';
import { translatePcre } from './pcre.ts';
import { fieldName } from './variables.ts';

/** `always` and `never`: it is known now. Null: it cannot be said. */
export type Condition = { readonly match: PlainMap } | 'always' | 'never' | null;

export function readCondition({ args }: Directive): Condition {
  const words = args.map(({ text }) => text);
  if (!words[0].startsWith('(') || !words[words.length - 1].endsWith(')')) return null;
  words[0] = words[0].slice(1);
  words[words.length - 1] = words[words.length - 1].slice(0, -1);
  const inside = words.filter((word, i) => word !== '' || (i !== 0 && i !== words.length - 1));
  const variable = /^\$\{?(\w+)\}?$/.exec(inside[0] ?? '')?.[1];
  if (variable === undefined || (inside.length !== 1 && inside.length !== 3)) return null;
  const [, operator = 'set', value = ''] = inside;
  if (value.includes('$') && !operator.startsWith('~')) return null;
  if (variable === 'scheme') return schemeIs(operator, value);
  if (variable === 'request_method') return methodIs(operator, value);
  const named = /^(http|arg)_(\w+)$/.exec(variable);
  if (named !== null) {
    const found = valueIs(operator, value);
    if (found === null) return null;
    return {
      match: named[1] === 'http' ? { header: { [fieldName(named[2])]: found } } : { query: { [named[2]]: found } },
    };
  }
  if (variable === 'host' && operator === '=') {
    const { regex } = translatePcre(`^${value.replace(/[.]/g, '\\.')}(:[0-9]*)?$`, true);
    return /^[\w.-]+$/.test(value) && regex !== null ? { match: { header: { Host: { regex } } } } : null;
  }
  return null;
}

/** There is no TLS yet. */
function schemeIs(operator: string, value: string): Condition {
  if (operator === '=') return value === 'http' ? 'always' : 'never';
  if (operator === '!=') return value === 'http' ? 'never' : 'always';
  return null;
}

function methodIs(operator: string, value: string): Condition {
  if (operator === '=') return /^[A-Z]+$/.test(value) ? { match: { method: value } } : null;
  const list = /^\^\(?([A-Z]+(?:\|[A-Z]+)*)\)?\$$/.exec(value);
  if (operator !== '~' || list === null) return null;
  return { match: { method: list[1].split('|') } };
}

function valueIs(operator: string, value: string): string | PlainMap | null {
  if (operator === 'set') return { regex: '^(?:[^0]|0[^])' };
  if (operator === '=') return value === '' ? null : value;
  if (operator !== '~' && operator !== '~*') return null;
  const { regex } = translatePcre(value, operator === '~*');
  return regex === null ? null : { regex };
}
