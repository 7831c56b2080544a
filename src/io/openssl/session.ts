/** One connection's session. It owns its SSL, which is freed once. */
import { assert } from '../../base/assert.ts';
import { formatHex } from '../../base/bytes.ts';
import {
  ACME_PROTOCOL,
  TLS_DONE,
  TLS_ENDED,
  TLS_FAILED,
  TLS_WANTS_MORE,
  type SessionStore,
  type TlsAcceptor,
  type TlsContext,
  type TlsSession,
} from '../../port/tls.ts';
import type { Callbacks } from './callbacks.ts';
import { OpensslClientCertificate } from './client-certificate.ts';
import { failureReason, type OpensslContext } from './context.ts';
import { helloName, offersAcmeAlone } from './hello-name.ts';
import { sessionIdOf } from './kept-sessions.ts';
import { groupName, offeredCiphers, offeredGroups } from './offers.ts';
import { addressOf } from '../native-pointers.ts';
import type { Library } from './library.ts';
import type { TicketKeyring } from './ticket-keys.ts';
import type { MemoryBios } from './memory-bios.ts';

const TLS_1_3 = 'TLSv1.3';
const SSL_READING = 3;
const SSL_RECEIVED_SHUTDOWN = 2;
const TLSEXT_NAMETYPE_HOST_NAME = 0;

const SSL_CTRL_GET_NEGOTIATED_GROUP = 134;

const ACME_PROTOCOLS = [ACME_PROTOCOL];

const dropped = new Uint8Array(16_384);

export class OpensslSession implements TlsSession {
  readonly acceptor: TlsAcceptor;
  hasSpoken = false;
  rekeyings = 0;
  protocols: readonly string[];
  protocol: string | null = null;
  serverName = '';
  failure = '';
  protected readonly library: Library;
  private readonly callbacks: Callbacks;
  private readonly bios: MemoryBios;
  private readonly base: number;
  /** 0: freed. */
  protected ssl: number;
  private context: TlsContext;
  /** It was chosen by the hello. */
  private isChosen = false;
  client: OpensslClientCertificate | null = null;
  readonly store: SessionStore | null;

  constructor(
    library: Library,
    callbacks: Callbacks,
    bios: MemoryBios,
    ssl: number,
    acceptor: TlsAcceptor,
    store: SessionStore | null = null,
  ) {
    this.library = library;
    this.callbacks = callbacks;
    this.bios = bios;
    this.base = bios.base;
    this.ssl = ssl;
    this.acceptor = acceptor;
    this.protocols = acceptor.protocols;
    this.context = acceptor.context;
    this.store = store;
  }

  /** A session of 1.3 is told even if all of it is in its ticket. */
  get hasTicket(): boolean {
    return this.ticketKeys.count > 0 && this.version === TLS_1_3;
  }

  /** Those of the listener: OpenSSL looks at the context that a session began with. */
  get ticketKeys(): TicketKeyring {
    return (this.acceptor.context as OpensslContext).ticketKeys;
  }

  get unreadBytes(): number {
    return this.bios.unreadBytes;
  }

  feed(offset: number, length: number): void {
    this.bios.feed(offset, length);
  }

  handshake(): number {
    const { callbacks, library, ssl } = this;
    assert(ssl !== 0, 'handshake of a freed session');
    callbacks.current = this;
    const isDone = library.SSL_do_handshake(ssl) === 1;
    if (callbacks.bug !== null) throw callbacks.bug;
    if (!isDone) return this.judge();
    library.SSL_set_info_callback(ssl, callbacks.info);
    if ((this.context as OpensslContext).asksClients) this.client = OpensslClientCertificate.of(library, ssl);
    return TLS_DONE;
  }

  read(offset: number, room: number): number {
    const { ssl } = this;
    assert(ssl !== 0, 'read of a freed session');
    this.callbacks.current = this;
    const count = this.library.SSL_read(ssl, this.base + offset, room);
    return count > 0 ? count : this.judge();
  }

  /** Why nothing was read. The queue of errors is empty while nothing fails: whoever meets one empties it. */
  private judge(): number {
    const { library, ssl } = this;
    // an alert that ends the session by force is an error, and an end too
    if (library.ERR_peek_error() === 0) {
      if (library.SSL_want(ssl) === SSL_READING) return TLS_WANTS_MORE;
      if ((library.SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN) !== 0) return TLS_ENDED;
    }
    this.fail();
    return TLS_FAILED;
  }

  protected fail(): void {
    this.failure = failureReason(this.library);
  }

  write(offset: number, length: number): boolean {
    const { library, ssl } = this;
    assert(ssl !== 0, 'write to a freed session');
    this.callbacks.current = this;
    if (library.SSL_write(ssl, this.base + offset, length) === length) return true;
    this.fail();
    return false;
  }

  take(offset: number, room: number): number {
    const count = this.library.BIO_read(this.bios.output, this.base + offset, room);
    return count > 0 ? count : 0;
  }

  dropOutput(): void {
    const { bios, library } = this;
    while (library.BIO_read(bios.output, addressOf(dropped), dropped.length) === dropped.length);
  }

  end(): void {
    assert(this.ssl !== 0, 'end of a freed session');
    this.callbacks.current = this;
    if (this.library.SSL_shutdown(this.ssl) < 0) this.library.ERR_clear_error();
  }

  free(): void {
    if (this.ssl === 0) return;
    // A connection that ends without a word is no reason to forget its session.
    this.callbacks.current = null;
    this.bios.feed(0, 0);
    this.client?.free();
    this.library.SSL_free(this.ssl);
    this.ssl = 0;
  }

  get isResumed(): boolean {
    return this.ssl !== 0 && this.library.SSL_session_reused(this.ssl) === 1;
  }

  /** Asked of 1.3 for another key share, the client speaks again: nothing is signed, and our Finished not yet made. */
  get isWhole(): boolean {
    const { library, ssl } = this;
    if (ssl === 0 || this.isResumed) return false;
    return this.version !== TLS_1_3 || library.SSL_get_finished(ssl, 0, 0) > 0;
  }

  get version(): string {
    return this.ssl === 0 ? '' : (this.library.SSL_get_version(this.ssl) ?? '');
  }

  get cipher(): string {
    const { library, ssl } = this;
    return ssl === 0 ? '' : (library.SSL_CIPHER_get_name(library.SSL_get_current_cipher(ssl)) ?? '');
  }

  get group(): string {
    const { library, ssl } = this;
    const group = ssl === 0 ? 0 : library.SSL_ctrl(ssl, SSL_CTRL_GET_NEGOTIATED_GROUP, 0, 0);
    if (group === 0) return '';
    return groupName(library, ssl, group);
  }

  get offeredCiphers(): string {
    return this.ssl === 0 ? '' : offeredCiphers(this.library, this.ssl);
  }

  get offeredGroups(): string {
    return this.ssl === 0 ? '' : offeredGroups(this.library, this.ssl);
  }

  get sessionId(): string {
    const { library, ssl } = this;
    const session = ssl === 0 ? 0 : library.SSL_get_session(ssl);
    const id = session === 0 ? null : sessionIdOf(library, session);
    return id === null ? '' : formatHex(id);
  }

  // --- while OpenSSL calls back ---

  /** A client gives none. */
  keepTicket(_address: number): void {
    // nobody asks for it
  }

  mayResume(session: number): boolean {
    return (this.context as OpensslContext).mayResume(session);
  }

  noteSignal(isHandshake: boolean): void {
    this.hasSpoken = true;
    if (isHandshake) this.rekeyings++;
  }

  contextForHello(): TlsContext | null {
    this.isChosen = true;
    this.serverName = helloName(this.library, this.ssl);
    const { challenges } = this.acceptor;
    if (challenges !== null && offersAcmeAlone(this.library, this.ssl)) {
      this.protocols = ACME_PROTOCOLS;
      return challenges.get(this.serverName) ?? null;
    }
    return this.acceptor.contextFor(this.serverName);
  }

  contextForClient(): TlsContext | null {
    if (this.isChosen) return this.context;
    this.serverName = (this.library.SSL_get_servername(this.ssl, TLSEXT_NAMETYPE_HOST_NAME) ?? '').toLowerCase();
    return this.acceptor.contextFor(this.serverName);
  }

  staple(): boolean {
    return (this.context as OpensslContext).staple(this.ssl);
  }

  use(context: TlsContext): void {
    if (context === this.context) return;
    this.context = context;
    (context as OpensslContext).takeOver(this.ssl);
  }
}
