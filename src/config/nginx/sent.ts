/** `proxy_method`, `proxy_set_body`, `proxy_pass_request_headers` and `_body`: what a server is sent in place of what came. */
import { checkSentMethod } from '../words/patterns.ts';
import type { PlainMap } from './document.ts';
import type { Notes } from './notes.ts';
import type { Scope } from './scope.ts';
import { type Constants, translateText } from './variables.ts';

/** As `send` of the model; null: nothing. */
export function readSent(scope: Scope, constants: Constants, notes: Notes): PlainMap | null {
  const send: PlainMap = {};
  const method = scope.find('proxy_method');
  if (method !== null && !/^\$\{?request_method\}?$/.test(method.args[0].text)) {
    const { text, place } = method.args[0];
    const refused = checkSentMethod(text);
    if (refused === null) send['method'] = text;
    else notes.notYet(place, `\`proxy_method ${text}\``, 'only a method in capitals whose response has a body is sent');
  }
  if (isOff(scope, 'proxy_pass_request_headers')) send['fields'] = 'drop';
  const body = scope.find('proxy_set_body');
  if (body !== null) {
    const { text, place } = body.args[0];
    const translated = translateText(text, constants);
    if ('template' in translated) send['text'] = translated.template;
    else notes.notYet(place, `\`proxy_set_body "${text}"\``, translated.problem);
  } else if (isOff(scope, 'proxy_pass_request_body')) send['body'] = 'drop';
  return Object.keys(send).length === 0 ? null : send;
}

function isOff(scope: Scope, name: string): boolean {
  return scope.argument(name)?.toLowerCase() === 'off';
}
