/** Directives of which only some values can be had. */
import { lookUp } from '../../base/look-up.ts';
import type { Notes } from './notes.ts';
import type { Directive } from './parse.ts';

interface Only {
  /** Of the arguments, with a space between them. */
  readonly possible: RegExp;
  readonly reason: string;
  /** What is missing only adds. */
  readonly isAddition?: true;
}

const ON = /^on$/i;
const OFF = /^off$/i;
const ONLY: Readonly<Record<string, Only>> = {
  ssl_ocsp: { possible: OFF, reason: 'certificates of clients are looked up in `ssl_crl`' },
  merge_slashes: { possible: ON, reason: 'several slashes are one for every rule about paths' },
  chunked_transfer_encoding: { possible: ON, reason: 'a body of unknown length needs chunks' },
  proxy_store: { possible: OFF, reason: 'responses are not stored' },
  proxy_http_version: { possible: /^(1\.[01]|2)$/, reason: 'it is none of 1.0, 1.1 and 2' },
  satisfy: { possible: /^(any|all)$/, reason: 'it is neither `any` nor `all`' },
  recursive_error_pages: { possible: OFF, reason: 'an error of a page is answered as it is' },
  proxy_ignore_client_abort: { possible: OFF, reason: 'a request whose client is gone is given up', isAddition: true },
};

export function checkOnly(directive: Directive, notes: Notes): void {
  const { name, place, args } = directive;
  const text = args.map((word) => word.text).join(' ');
  const only = lookUp(ONLY, name);
  if (only === undefined || only.possible.test(text)) return;
  if (only.isAddition === true) notes.leftOut(place, name, only.reason);
  else notes.notYet(place, `\`${name} ${text}\``, only.reason);
}
