/** A context for connections to servers: whom it believes, and who it says that we are. */
import { ASKS_NOTHING, type Authorities, type Credential, type TlsServersSettings } from '../../port/tls.ts';
import type { Callbacks } from './callbacks.ts';
import {
  OpensslContext,
  SSL_CTRL_SET_SESS_CACHE_MODE,
  SSL_SESS_CACHE_NO_INTERNAL,
  SSL_VERIFY_NONE,
  SSL_VERIFY_PEER,
} from './context.ts';
import type { Library } from './library.ts';

const SSL_SESS_CACHE_CLIENT = 0x1;

export class ServersContext extends OpensslContext {
  constructor(
    library: Library,
    settings: TlsServersSettings,
    credential: Credential | null,
    trusted: Authorities | null,
  ) {
    super(library, settings, credential === null ? [] : [credential], ASKS_NOTHING, library.TLS_client_method());
    const { protocols, verifyDepth } = settings;
    const { address } = this;
    library.SSL_CTX_set_verify(address, trusted === null ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, 0);
    if (verifyDepth >= 0) library.SSL_CTX_set_verify_depth(address, verifyDepth);
    this.freeIfThrown(() => {
      if (protocols.length > 0) this.offer(protocols);
      if (trusted !== null) this.believe(trusted);
    });
  }

  /** Its sessions are given to who has begun them. */
  keepTickets({ newSession }: Callbacks): void {
    const { address, library } = this;
    const mode = SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL;
    library.SSL_CTX_ctrl(address, SSL_CTRL_SET_SESS_CACHE_MODE, mode, null);
    library.SSL_CTX_sess_set_new_cb(address, newSession);
  }

  private offer(protocols: readonly string[]): void {
    const list = new TextEncoder().encode(
      protocols.map((name) => `${String.fromCharCode(name.length)}${name}`).join(''),
    );
    // it alone of OpenSSL says 0 when it is done
    this.demand(this.library.SSL_CTX_set_alpn_protos(this.address, list, list.length) === 0, 'protocols of ALPN');
  }
}
