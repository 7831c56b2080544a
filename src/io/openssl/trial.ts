/** Whether the OpenSSL of this process, which is that of the proxies, takes what a context is to be made of. */
import { ASKS_NOTHING, type Credential, TlsRefusal, type TlsSettings } from '../../port/tls.ts';
import { OpensslContext } from './context.ts';
import { loadLibrary } from './library.ts';

/** Makes a context as a proxy would, and drops it. Why it cannot be made; null: it can. */
export function findTlsRefusal(settings: TlsSettings, credentials: readonly Credential[]): string | null {
  try {
    new OpensslContext(loadLibrary(), settings, credentials, ASKS_NOTHING).free();
    return null;
  } catch (error) {
    if (!(error instanceof TlsRefusal)) throw error;
    return error.message;
  }
}
