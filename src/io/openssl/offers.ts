/** What a client has offered in its hello, as nginx's $ssl_ciphers and $ssl_curves name it. */
import { addressOf } from '../native-pointers.ts';
import type { Library } from './library.ts';

const SSL_CTRL_GET_GROUPS = 90;
const SSL_CTRL_GET_RAW_CIPHERLIST = 110;
/** Of a group that OpenSSL knows by no number of its own. */
const TLSEXT_NID_UNKNOWN = 0x1000000;
/** Of each cipher suite in a hello. */
const SUITE_BYTES = 2;
/** A hello has room for more, and no client has a use for them. */
const SUITES_MAX = 512;
const GROUPS_MAX = 256;

const cell = new BigUint64Array(1);
const suites = new Uint8Array(SUITES_MAX * SUITE_BYTES);
const groups = new Uint32Array(GROUPS_MAX);

export function offeredCiphers(library: Library, ssl: number): string {
  const length = library.SSL_ctrl(ssl, SSL_CTRL_GET_RAW_CIPHERLIST, 0, addressOf(cell));
  if (length <= 0) return '';
  const bytes = Math.min(length, suites.length);
  library.memcpy(addressOf(suites), Number(cell[0]), bytes);
  const names: string[] = [];
  for (let at = 0; at + SUITE_BYTES <= bytes; at += SUITE_BYTES) {
    const cipher = library.SSL_CIPHER_find(ssl, addressOf(suites) + at);
    const name = cipher === 0 ? null : library.SSL_CIPHER_get_name(cipher);
    names.push(name ?? hexadecimal((suites[at] << 8) | suites[at + 1]));
  }
  return names.join(':');
}

export function offeredGroups(library: Library, ssl: number): string {
  // asked for none, it says how many there are
  const count = library.SSL_ctrl(ssl, SSL_CTRL_GET_GROUPS, 0, 0);
  if (count <= 0 || count > groups.length) return '';
  library.SSL_ctrl(ssl, SSL_CTRL_GET_GROUPS, 0, addressOf(groups));
  return Array.from(groups.subarray(0, count), (group) => groupName(library, ssl, group)).join(':');
}

/** `group`: a number of OpenSSL's. */
export function groupName(library: Library, ssl: number, group: number): string {
  if ((group & TLSEXT_NID_UNKNOWN) === 0) return library.OBJ_nid2sn(group) ?? '';
  return library.SSL_group_to_name(ssl, group) ?? hexadecimal(group & 0xffff);
}

function hexadecimal(number: number): string {
  return `0x${number.toString(16).padStart(4, '0')}`;
}
