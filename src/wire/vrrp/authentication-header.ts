/**
 * Recognising an advert inside an IPsec Authentication Header (RFC 4302), the way of version 2's first specification
 * (RFC 2338 section 5.3.6.3). It is never accepted: RFC 3768 removed it, its keyed MD5 is no protection today, and the
 * sequence numbers of its implementations are not usable against replay. An operator is told, instead of wondering.
 */
import { VRRP_PROTOCOL } from './advert.ts';

/** IP protocol number. */
export const AUTHENTICATION_HEADER_PROTOCOL = 51;

const FIXED_BYTES = 12;

/** Whether the IP payload bytes[start..end) of protocol 51 carries VRRP. */
export function isVrrpInAuthenticationHeader(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < FIXED_BYTES) return false;
  const headerBytes = (bytes[start + 1] + 2) * 4;
  return headerBytes >= FIXED_BYTES && headerBytes <= end - start && bytes[start] === VRRP_PROTOCOL;
}
