/** `limit_rate`, `limit_rate_after`, `proxy_limit_rate`, and those of a `stream` server: `bandwidth` of the model. */
import type { PlainMap } from './document.ts';
import { isIgnored } from './headers.ts';
import type { Notes } from './notes.ts';
import type { PassModule } from './pass.ts';
import type { Scope } from './scope.ts';
import { parseNginxSize } from './values.ts';
import { type Constants, hasVariables, translateText } from './variables.ts';

const FIELD = 'X-Accel-Limit-Rate';

/** Keys of a route of this block. `module`: of what passes its requests on, or reads a file for them as the first one does. */
export function readBandwidth(
  scope: Scope,
  constants: Constants,
  notes: Notes,
  module: PassModule = 'proxy',
): PlainMap {
  const isServersBounded = module === 'proxy' && scope.find('proxy_limit_rate') !== null;
  if (scope.find('limit_rate') === null && !isServersBounded) return {};
  const toClient = read(scope, 'limit_rate', constants, 'request', notes);
  const fromServer = isServersBounded ? read(scope, 'proxy_limit_rate', constants, 'request', notes) : 0;
  const after = read(scope, 'limit_rate_after', constants, 'request', notes);
  const isServers =
    toClient === 0 ||
    (typeof toClient === 'number' && typeof fromServer === 'number' && fromServer > 0 && fromServer < toClient);
  if (toClient !== 0 && fromServer !== 0 && (typeof toClient === 'string' || typeof fromServer === 'string')) {
    const { place } = scope.find('proxy_limit_rate')!;
    notes.notYet(place, '`proxy_limit_rate` beside `limit_rate`, with variables', 'one rate holds for a response');
  }
  const field = isIgnored(scope, module, FIELD.toLowerCase()) ? {} : { field: FIELD };
  const rate = isServers ? fromServer : toClient;
  return { bandwidth: { rate, ...(isServers || after === 0 ? {} : { after }), ...field } };
}

/** Keys of a listener of `stream`. */
export function readStreamBandwidth(scope: Scope, constants: Constants, notes: Notes): PlainMap {
  const upload = read(scope, 'proxy_upload_rate', constants, 'connection', notes);
  const download = read(scope, 'proxy_download_rate', constants, 'connection', notes);
  if (upload === 0 && download === 0) return {};
  return { bandwidth: { ...(upload === 0 ? {} : { upload }), ...(download === 0 ? {} : { download }) } };
}

/** Bytes, or a template that says them. */
function read(
  scope: Scope,
  name: string,
  constants: Constants,
  where: 'request' | 'connection',
  notes: Notes,
): number | string {
  const directive = scope.find(name);
  if (directive === null) return 0;
  const [{ place, text }] = directive.args;
  if (!hasVariables(text)) {
    const bytes = parseNginxSize(text);
    if (bytes === null) notes.error(place, `"${name}" directive invalid value`, `write for example ${name} 500k;`);
    return bytes ?? 0;
  }
  const translated = translateText(text, constants, where);
  if ('template' in translated) return translated.template;
  notes.notYet(place, `\`${name} ${text}\``, translated.problem);
  return 0;
}
