/** TLS by the OpenSSL that Node has inside (docs/decisions/tls.md), for the memory of one arena. */
import type {
  Authorities,
  ClientSettings,
  Credential,
  SessionStore,
  Tls,
  TlsAcceptor,
  TlsConnector,
  TlsContext,
  TlsServersSettings,
  TlsSession,
  TlsSettings,
} from '../../port/tls.ts';
import { Callbacks } from './callbacks.ts';
import { OpensslContext } from './context.ts';
import { addressOf } from '../native-pointers.ts';
import { type Library, loadLibrary } from './library.ts';
import { MemoryBios } from './memory-bios.ts';
import { nameServer, ServerSession } from './server-session.ts';
import { ServersContext } from './servers-context.ts';
import { OpensslSession } from './session.ts';

/** They live as long as the process. */
let callbacks: Callbacks | null = null;

export class Openssl implements Tls {
  private readonly library: Library;
  private readonly callbacks: Callbacks;
  private readonly bios: MemoryBios;
  private readonly findStore: () => SessionStore | null;

  /** For the arena with this memory, and the store of sessions, if there is one by now. Throws MissingOpenssl where it cannot be. */
  static open(memory: Uint8Array, findStore: () => SessionStore | null = () => null): Openssl {
    const library = loadLibrary();
    callbacks ??= new Callbacks(library);
    return new Openssl(library, callbacks, MemoryBios.create(library, addressOf(memory)), findStore);
  }

  private constructor(library: Library, calls: Callbacks, bios: MemoryBios, findStore: () => SessionStore | null) {
    this.findStore = findStore;
    this.library = library;
    this.callbacks = calls;
    this.bios = bios;
  }

  createContext(settings: TlsSettings, credentials: readonly Credential[], clients: ClientSettings): TlsContext {
    const context = new OpensslContext(this.library, settings, credentials, clients);
    context.ask(this.callbacks);
    return context;
  }

  createServersContext(
    settings: TlsServersSettings,
    credential: Credential | null,
    trusted: Authorities | null,
  ): TlsContext {
    const context = new ServersContext(this.library, settings, credential, trusted);
    if (settings.keepsTickets) context.keepTickets(this.callbacks);
    return context;
  }

  accept(acceptor: TlsAcceptor): TlsSession | null {
    const { bios, library } = this;
    const ssl = this.createSession(acceptor.context);
    if (ssl === 0) return null;
    library.SSL_set_accept_state(ssl);
    return new OpensslSession(library, this.callbacks, bios, ssl, acceptor, this.findStore());
  }

  connect(connector: TlsConnector): TlsSession | null {
    const { bios, library } = this;
    const ssl = this.createSession(connector.context);
    if (ssl === 0) return null;
    library.SSL_set_connect_state(ssl);
    if (nameServer(library, ssl, connector)) return new ServerSession(library, this.callbacks, bios, ssl, connector);
    library.SSL_free(ssl);
    library.ERR_clear_error();
    return null;
  }

  /** 0: out of memory. */
  private createSession(context: TlsContext): number {
    const { bios, library } = this;
    const ssl = library.SSL_new((context as OpensslContext).address);
    if (ssl === 0) {
      library.ERR_clear_error();
      return 0;
    }
    bios.retain();
    library.SSL_set_bio(ssl, bios.input, bios.output);
    return ssl;
  }
}
