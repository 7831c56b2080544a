/** How large adverts are (RFC 9568 section 5.1, RFC 3768 section 5.1, and the trailer of draft-cassen-vrrp-auth-hmac). */

const IPV4_HEADER_BYTES = 20;
const IPV6_HEADER_BYTES = 40;
const MESSAGE_HEADER_BYTES = 8;
const V2_AUTH_BYTES = 8;
const TRAILER_BYTES = 28;

/** Bytes of the IP packet with an advert of so many addresses. */
export function advertPacketBytes(addresses: number, family: 4 | 6, version: 2 | 3, isSigned: boolean): number {
  const addressBytes = family === 6 ? 16 : 4;
  return (
    (family === 6 ? IPV6_HEADER_BYTES : IPV4_HEADER_BYTES) +
    MESSAGE_HEADER_BYTES +
    addresses * addressBytes +
    (version === 2 ? V2_AUTH_BYTES : 0) +
    (isSigned ? TRAILER_BYTES : 0)
  );
}
