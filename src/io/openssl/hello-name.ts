/** What a ClientHello asks for, before anything else is done with it. */
import { latin1 } from '../../base/text.ts';
import { ACME_PROTOCOL } from '../../port/tls.ts';
import { addressOf } from '../native-pointers.ts';
import type { Library } from './library.ts';

const TLSEXT_TYPE_server_name = 0;
const TLSEXT_TYPE_alpn = 16;
const HOST_NAME = 0;
/** The extension (RFC 6066 section 3): length of the list, type, length of the name. */
const NAME_AT = 5;
const NAME_BYTES_MAX = 255;

const cell = new BigUint64Array(2);
const bytes = new Uint8Array(NAME_AT + NAME_BYTES_MAX);

/** In lower case. Empty: none, or one that OpenSSL refuses as soon as it comes to it. */
export function helloName(library: Library, ssl: number): string {
  const at = addressOf(cell);
  if (library.SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, at, at + 8) !== 1) return '';
  const length = Number(cell[1]);
  if (length <= NAME_AT || length > bytes.length) return '';
  library.memcpy(addressOf(bytes), Number(cell[0]), length);
  const isOne =
    bytes[0] * 256 + bytes[1] === length - 2 &&
    bytes[2] === HOST_NAME &&
    bytes[3] * 256 + bytes[4] === length - NAME_AT;
  if (!isOne) return '';
  return latin1(bytes, NAME_AT, length - NAME_AT).toLowerCase();
}

/** The extension (RFC 7301 section 3.1): length of the list, length of the name. */
const ACME_LIST = Uint8Array.of(
  0,
  ACME_PROTOCOL.length + 1,
  ACME_PROTOCOL.length,
  ...Array.from(ACME_PROTOCOL, (character) => character.charCodeAt(0)),
);

export function offersAcmeAlone(library: Library, ssl: number): boolean {
  const at = addressOf(cell);
  if (library.SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_alpn, at, at + 8) !== 1) return false;
  if (Number(cell[1]) !== ACME_LIST.length) return false;
  library.memcpy(addressOf(bytes), Number(cell[0]), ACME_LIST.length);
  return ACME_LIST.every((byte, i) => bytes[i] === byte);
}
