/** Names of hosts as they stand in TLS and in PROXY protocol headers (RFC 1123 section 2.1, and the underscores that are used). */
const NAME = /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/;
const BYTES_MAX = 255;

/** In lower case, without a dot at its end. */
export function isHostName(text: string): boolean {
  return text.length <= BYTES_MAX && NAME.test(text);
}
