/** The static table (RFC 7541 appendix A), as field lines. */
import { ascii } from '../../http1/classes.ts';
import { kindOf } from '../field-kinds.ts';

/** From index 1 on. */
const FIELDS: readonly (readonly [name: string, value: string])[] = [
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  [':status', '200'],
  [':status', '204'],
  [':status', '206'],
  [':status', '304'],
  [':status', '400'],
  [':status', '404'],
  [':status', '500'],
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ['accept-language', ''],
  ['accept-ranges', ''],
  ['accept', ''],
  ['access-control-allow-origin', ''],
  ['age', ''],
  ['allow', ''],
  ['authorization', ''],
  ['cache-control', ''],
  ['content-disposition', ''],
  ['content-encoding', ''],
  ['content-language', ''],
  ['content-length', ''],
  ['content-location', ''],
  ['content-range', ''],
  ['content-type', ''],
  ['cookie', ''],
  ['date', ''],
  ['etag', ''],
  ['expect', ''],
  ['expires', ''],
  ['from', ''],
  ['host', ''],
  ['if-match', ''],
  ['if-modified-since', ''],
  ['if-none-match', ''],
  ['if-range', ''],
  ['if-unmodified-since', ''],
  ['last-modified', ''],
  ['link', ''],
  ['location', ''],
  ['max-forwards', ''],
  ['proxy-authenticate', ''],
  ['proxy-authorization', ''],
  ['range', ''],
  ['referer', ''],
  ['refresh', ''],
  ['retry-after', ''],
  ['server', ''],
  ['set-cookie', ''],
  ['strict-transport-security', ''],
  ['transfer-encoding', ''],
  ['user-agent', ''],
  ['vary', ''],
  ['via', ''],
  ['www-authenticate', ''],
];

export const STATIC_COUNT = FIELDS.length;

/** All of them as lines, `name: value CR LF`, one behind the other. */
export const STATIC_LINES: Uint8Array = ascii(FIELDS.map(([name, value]) => `${name}: ${value}\r\n`).join(''));
/** By index: where its line begins, and lengths of name and value. */
export const STATIC_AT = new Uint16Array(STATIC_COUNT + 1);
export const STATIC_NAME_LENGTH = new Uint8Array(STATIC_COUNT + 1);
export const STATIC_VALUE_LENGTH = new Uint8Array(STATIC_COUNT + 1);
/** Its kind (field-kinds.ts). */
export const STATIC_KIND = new Uint8Array(STATIC_COUNT + 1);

let at = 0;
for (const [i, [name, value]] of FIELDS.entries()) {
  STATIC_AT[i + 1] = at;
  STATIC_NAME_LENGTH[i + 1] = name.length;
  STATIC_VALUE_LENGTH[i + 1] = value.length;
  STATIC_KIND[i + 1] = kindOf(STATIC_LINES, at, name.length);
  at += name.length + value.length + 4;
}
