/** Node's own TLS, for looking at certificates and settings. Its module is loaded by who has some: a start without TLS pays nothing for it. */
import type { SecureContextOptions } from 'node:tls';

/** Throws what OpenSSL says. */
export function createSecureContext(options: SecureContextOptions): void {
  // It is in the interpreter, and not on disk, where it might be another one by now.
  process.getBuiltinModule('node:tls').createSecureContext(options);
}
