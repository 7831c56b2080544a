/** Sessions without tickets: what OpenSSL gives to be kept, and asks for again (SSL_CTX_sess_set_get_cb(3)). */
import { SESSION_BYTES_MAX } from '../../base/tls-session-table.ts';
import type { SessionStore } from '../../port/tls.ts';
import { addressOf } from '../native-pointers.ts';
import type { Library } from './library.ts';

const ID_BYTES_MAX = 32;
const MS = 1000;

export class KeptSessions {
  private readonly library: Library;
  private readonly id = new Uint8Array(ID_BYTES_MAX);
  private readonly session = new Uint8Array(SESSION_BYTES_MAX);
  private readonly sessionAt = addressOf(this.session);
  private readonly cell = new BigUint64Array(1);

  constructor(library: Library) {
    this.library = library;
  }

  keep(store: SessionStore, session: number): void {
    const { cell, library } = this;
    const id = sessionIdOf(this.library, session);
    const length = library.i2d_SSL_SESSION(session, null);
    if (id === null || length <= 0 || length > this.session.length) return;
    cell[0] = BigInt(this.sessionAt);
    library.i2d_SSL_SESSION(session, cell);
    store.put(id, this.session.subarray(0, length), Math.floor(Date.now() / MS));
    this.session.fill(0);
  }

  /** 0: there is none. Else it is OpenSSL's to free. */
  find(store: SessionStore, id: number, length: number): number {
    const { cell, library } = this;
    if (length <= 0 || length > ID_BYTES_MAX) return 0;
    library.memcpy(addressOf(this.id), id, length);
    const found = store.find(this.id.subarray(0, length));
    if (found === null) return 0;
    this.session.set(found);
    cell[0] = BigInt(this.sessionAt);
    const session = library.d2i_SSL_SESSION(null, cell, found.length);
    this.session.fill(0);
    if (session === 0) library.ERR_clear_error();
    return session;
  }

  forget(store: SessionStore, session: number): void {
    const id = sessionIdOf(this.library, session);
    if (id !== null) store.remove(id);
  }
}

const idBytes = new Uint8Array(ID_BYTES_MAX);
const idLength = new Uint32Array(1);

/** Its identifier, until the next call. Null: it has none. */
export function sessionIdOf(library: Library, session: number): Uint8Array | null {
  const at = library.SSL_SESSION_get_id(session, idLength);
  if (at === 0 || idLength[0] === 0 || idLength[0] > ID_BYTES_MAX) return null;
  library.memcpy(addressOf(idBytes), at, idLength[0]);
  return idBytes.subarray(0, idLength[0]);
}
