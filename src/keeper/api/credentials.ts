/** What the admin API shows of itself, and asks for, over TLS. */
import type { SecureContextOptions } from 'node:tls';

/** PEM. */
export interface AdminCredentials {
  readonly cert: string;
  readonly key: string;
  /** Of those who may have issued clients' certificates. Null: clients need none. */
  readonly ca: string | null;
  /** Unix time. */
  readonly notAfterMs: number;
}

/** For the handshakes from now on. Whether clients need a certificate stays as it was. */
export function contextOf({ cert, key, ca }: AdminCredentials): SecureContextOptions {
  return { cert, key, ...(ca === null ? {} : { ca }) };
}
