/** TLS by the OpenSSL that Node has inside (docs/decisions/tls.md), for the memory of one arena. */
import type {
  ClientSettings,
  Credential,
  Tls,
  TlsAcceptor,
  TlsContext,
  TlsSession,
  TlsSettings,
} from '../../port/tls.ts';
import { Callbacks } from './callbacks.ts';
import { OpensslContext } from './context.ts';
import { addressOf, type Library, loadLibrary } from './library.ts';
import { MemoryBios } from './memory-bios.ts';
import { OpensslSession } from './session.ts';

/** They live as long as the process. */
let callbacks: Callbacks | null = null;

export class Openssl implements Tls {
  private readonly library: Library;
  private readonly callbacks: Callbacks;
  private readonly bios: MemoryBios;

  /** For the arena with this memory. Throws MissingOpenssl where it cannot be. */
  static open(memory: Uint8Array): Openssl {
    const library = loadLibrary();
    callbacks ??= new Callbacks(library);
    return new Openssl(library, callbacks, MemoryBios.create(library, addressOf(memory)));
  }

  private constructor(library: Library, calls: Callbacks, bios: MemoryBios) {
    this.library = library;
    this.callbacks = calls;
    this.bios = bios;
  }

  createContext(settings: TlsSettings, credentials: readonly Credential[], clients: ClientSettings): TlsContext {
    const context = new OpensslContext(this.library, settings, credentials, clients);
    context.ask(this.callbacks);
    return context;
  }

  accept(acceptor: TlsAcceptor): TlsSession | null {
    const { bios, library } = this;
    const ssl = library.SSL_new((acceptor.context as OpensslContext).address);
    if (ssl === 0) {
      library.ERR_clear_error();
      return null;
    }
    bios.retain();
    library.SSL_set_bio(ssl, bios.input, bios.output);
    library.SSL_set_accept_state(ssl);
    return new OpensslSession(library, this.callbacks, bios, ssl, acceptor);
  }
}
