/**
 * How a PostgreSQL client asks for encryption before anything else: eight bytes in clear, which are answered with one. Read "SSL Session Encryption" in
 * chapter "Frontend/Backend Protocol" of its manual.
 */

/** More has to come. */
export const REQUEST_MORE = 0;
/** It is none of both. */
export const REQUEST_NONE = -1;
/** SSLRequest. */
export const REQUEST_TLS = 1;
/** GSSENCRequest: of Kerberos. A client that is refused may ask for TLS next. */
export const REQUEST_GSS = 2;

export const ENCRYPTION_REQUEST_BYTES = 8;
export const SSL_REQUEST = Uint8Array.of(0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f);
const LAST_OF_GSS = 0x30;

/** `S`: TLS begins. */
export const ENCRYPTION_WILLING = 0x53;
/** `N`: it does not. */
export const ENCRYPTION_UNWILLING = 0x4e;

/** Which one bytes[at..end) begin with. */
export function readEncryptionRequest(bytes: Uint8Array, at: number, end: number): number {
  const there = Math.min(end - at, ENCRYPTION_REQUEST_BYTES);
  for (let i = 0; i < there && i < ENCRYPTION_REQUEST_BYTES - 1; i++) {
    if (bytes[at + i] !== SSL_REQUEST[i]) return REQUEST_NONE;
  }
  if (there < ENCRYPTION_REQUEST_BYTES) return REQUEST_MORE;
  const last = bytes[at + ENCRYPTION_REQUEST_BYTES - 1];
  if (last === SSL_REQUEST[ENCRYPTION_REQUEST_BYTES - 1]) return REQUEST_TLS;
  return last === LAST_OF_GSS ? REQUEST_GSS : REQUEST_NONE;
}
