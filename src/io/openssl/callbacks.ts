/**
 * What OpenSSL calls back. It does so while one of its functions is called, and never besides: what it calls back about is the
 * session that was called last. A callback that throws would unwind through C; what is thrown is kept for whoever has called OpenSSL.
 */
import type { SessionStore, TlsContext } from '../../port/tls.ts';
import { KeptSessions } from './kept-sessions.ts';
import { addressOf } from '../native-pointers.ts';
import { type Library, registerCallback } from './library.ts';
import { TicketCipher, type TicketKeyring } from './ticket-keys.ts';

const SSL_TLSEXT_ERR_OK = 0;
const SSL_TLSEXT_ERR_ALERT_FATAL = 2;
const SSL_TLSEXT_ERR_NOACK = 3;
const SSL_AD_INTERNAL_ERROR = 80;
const SSL_AD_UNRECOGNIZED_NAME = 112;
const TICKET_FAILED = -1;
/** A session that a callback was given is OpenSSL's still. */
const NOT_TAKEN = 0;
const SSL_CLIENT_HELLO_SUCCESS = 1;
const SSL_CLIENT_HELLO_ERROR = 0;
/** A message of the protocol was read or written: behind the handshake of TLS 1.3, that alone tells of a KeyUpdate. */
const SSL_CB_EXIT = 0x02;
/** As by a client of TLS 1.2 that wants to renegotiate. */
const SSL_CB_WRITE_ALERT = 0x4008;

/** What a ticket is found to be (SSL_CTX_set_session_ticket_cb(3)): it has a session; the same, and the client is to get another ticket. */
const SSL_TICKET_SUCCESS = 5;
const SSL_TICKET_SUCCESS_RENEW = 6;
/** What becomes of it. Ignored, it is as one that could not be read. */
const SSL_TICKET_RETURN_ABORT = 0;
const SSL_TICKET_RETURN_IGNORE_RENEW = 2;
const SSL_TICKET_RETURN_USE = 3;
const SSL_TICKET_RETURN_USE_RENEW = 4;

/** A client's list of protocols has two bytes of length. */
const LIST_BYTES_MAX = 65_536;

/** A session while it is called. */
interface CalledSession {
  /** As the acceptor's, or others for this client. */
  readonly protocols: readonly string[];
  protocol: string | null;
  /** For tickets. */
  readonly ticketKeys: TicketKeyring;
  /** Of sessions without tickets. Null: they are not kept. */
  readonly store: SessionStore | null;
  /** What is known of the session goes into a ticket. */
  readonly hasTicket: boolean;
  /** This SSL_SESSION, which the client has shown, may go on. */
  mayResume(session: number): boolean;
  /** The peer has sent a message of the protocol itself, behind the handshake. */
  noteSignal(isHandshake: boolean): void;
  /** For the host that the client says it wants. Null: it is refused. */
  contextForClient(): TlsContext | null;
  /** The same before anything else of its hello is looked at. */
  contextForHello(): TlsContext | null;
  use(context: TlsContext): void;
  /** Gives the client an OCSP response. False: there is none. */
  staple(): boolean;
  /** The server has given an SSL_SESSION, which stays OpenSSL's. */
  keepTicket(address: number): void;
}

export class Callbacks {
  /** Addresses of functions. */
  readonly serverName: number;
  readonly hello: number;
  readonly verify: number;
  readonly ticket: number;
  readonly ticketOpened: number;
  readonly status: number;
  readonly keepSession: number;
  readonly findSession: number;
  readonly forgetSession: number;
  readonly protocols: number;
  readonly info: number;
  readonly newSession: number;
  /** The session that is being called. */
  current: CalledSession | null = null;
  /** What a callback would have thrown. */
  bug: Error | null = null;
  private readonly library: Library;
  private readonly scratch = new Uint8Array(LIST_BYTES_MAX);
  private readonly scratchView = new DataView(this.scratch.buffer);
  private readonly scratchAddress: number;

  constructor(library: Library) {
    this.library = library;
    this.scratchAddress = addressOf(this.scratch);
    this.serverName = registerCallback(
      'int evenkeel_server_name(uintptr_t, uintptr_t, uintptr_t)',
      (_: number, alert: number) => this.guard(() => this.handleServerName(alert)),
    );
    this.hello = registerCallback('int evenkeel_hello(uintptr_t, uintptr_t, uintptr_t)', (_: number, alert: number) =>
      this.guard(() => this.handleHello(alert), SSL_CLIENT_HELLO_ERROR),
    );
    // What is wrong with a certificate is looked at when the handshake is over.
    this.verify = registerCallback('int evenkeel_verify(int, uintptr_t)', () => 1);
    const tickets = new TicketCipher(library);
    this.ticket = registerCallback(
      'int evenkeel_ticket(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, int)',
      (_: number, name: number, iv: number, cipher: number, mac: number, isNew: number) =>
        this.guard(() => {
          const { current } = this;
          if (current === null) return TICKET_FAILED;
          const { hasTicket, ticketKeys: keys } = current;
          if (isNew === 1) return tickets.seal(keys, name, iv, cipher, mac);
          // clients of TLS 1.3 use a ticket once, and need another one for the next time (RFC 8446 appendix C.4)
          return tickets.open(keys, name, iv, cipher, mac, hasTicket);
        }, TICKET_FAILED),
    );
    this.ticketOpened = registerCallback(
      'int evenkeel_ticket_opened(uintptr_t, uintptr_t, uintptr_t, size_t, int, uintptr_t)',
      (_: number, session: number, _name: number, _length: number, found: number) =>
        this.guard(() => {
          const hasSession = found === SSL_TICKET_SUCCESS || found === SSL_TICKET_SUCCESS_RENEW;
          if (!hasSession || this.current?.mayResume(session) !== true) return SSL_TICKET_RETURN_IGNORE_RENEW;
          return found === SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
        }, SSL_TICKET_RETURN_ABORT),
    );
    this.status = registerCallback('int evenkeel_status(uintptr_t, uintptr_t)', () =>
      this.guard(() => (this.current?.staple() === true ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK)),
    );
    const kept = new KeptSessions(library);
    this.keepSession = registerCallback('int evenkeel_keep(uintptr_t, uintptr_t)', (_: number, session: number) =>
      this.guard(() => {
        const { current } = this;
        if (current !== null && current.store !== null && !current.hasTicket) kept.keep(current.store, session);
        return NOT_TAKEN;
      }, NOT_TAKEN),
    );
    this.findSession = registerCallback(
      'uintptr_t evenkeel_find(uintptr_t, uintptr_t, int, uintptr_t)',
      (_: number, id: number, length: number, isOurs: number) =>
        this.guard(() => {
          this.scratchView.setInt32(0, 0, true);
          library.memcpy(isOurs, this.scratchAddress, 4);
          const store = this.current?.store ?? null;
          const session = store === null ? 0 : kept.find(store, id, length);
          if (session === 0 || this.current?.mayResume(session) === true) return session;
          library.SSL_SESSION_free(session);
          return 0;
        }, 0),
    );
    this.forgetSession = registerCallback(
      'void evenkeel_forget(uintptr_t, uintptr_t)',
      (_: number, session: number) => {
        this.guard(() => {
          const store = this.current?.store ?? null;
          if (store !== null) kept.forget(store, session);
          return 0;
        });
      },
    );
    this.protocols = registerCallback(
      'int evenkeel_protocols(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uint32_t, uintptr_t)',
      (_: number, out: number, outLength: number, list: number, length: number) =>
        this.guard(() => this.handleProtocols(out, outLength, list, length)),
    );
    this.newSession = registerCallback('int evenkeel_new_session(uintptr_t, uintptr_t)', (_: number, address: number) =>
      this.guard(() => {
        this.current?.keepTicket(address);
        return NOT_TAKEN;
      }, NOT_TAKEN),
    );
    this.info = registerCallback('void evenkeel_info(uintptr_t, int, int)', (_: number, where: number) => {
      this.current?.noteSignal((where & SSL_CB_EXIT) !== 0 || where === SSL_CB_WRITE_ALERT);
    });
  }

  private guard(callback: () => number, failure = SSL_TLSEXT_ERR_ALERT_FATAL): number {
    try {
      return callback();
    } catch (error) {
      this.bug = error as Error;
      return failure;
    }
  }

  private handleHello(alert: number): number {
    const session = this.current;
    const context = session === null ? null : session.contextForHello();
    if (session === null || context === null) {
      this.writeAlert(alert, session === null ? SSL_AD_INTERNAL_ERROR : SSL_AD_UNRECOGNIZED_NAME);
      return SSL_CLIENT_HELLO_ERROR;
    }
    session.use(context);
    return SSL_CLIENT_HELLO_SUCCESS;
  }

  private writeAlert(at: number, alert: number): void {
    this.scratchView.setInt32(0, alert, true);
    this.library.memcpy(at, this.scratchAddress, 4);
  }

  /** The certificate is chosen. `alert`: where the alert's number is to be written. */
  private handleServerName(alert: number): number {
    const session = this.current;
    const context = session === null ? null : session.contextForClient();
    if (session === null || context === null) {
      this.writeAlert(alert, SSL_AD_UNRECOGNIZED_NAME);
      return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    session.use(context);
    return SSL_TLSEXT_ERR_OK;
  }

  /** The answer points into the client's list. */
  private handleProtocols(out: number, outLength: number, list: number, length: number): number {
    const session = this.current;
    if (session === null || session.protocols.length === 0) return SSL_TLSEXT_ERR_NOACK;
    if (length > LIST_BYTES_MAX) return SSL_TLSEXT_ERR_ALERT_FATAL;
    const { library, scratch, scratchAddress, scratchView } = this;
    library.memcpy(scratchAddress, list, length);
    for (const protocol of session.protocols) {
      const at = findProtocol(scratch, length, protocol);
      if (at < 0) continue;
      scratchView.setBigUint64(0, BigInt(list + at), true);
      library.memcpy(out, scratchAddress, 8);
      scratch[0] = protocol.length;
      library.memcpy(outLength, scratchAddress, 1);
      session.protocol = protocol;
      return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
}

/** Where in the list (RFC 7301 section 3.1) it stands, behind its length; -1: nowhere. */
function findProtocol(list: Uint8Array, length: number, protocol: string): number {
  for (let at = 0; at < length; at += 1 + list[at]) {
    if (list[at] !== protocol.length || at + 1 + protocol.length > length) continue;
    let i = 0;
    while (i < protocol.length && list[at + 1 + i] === protocol.charCodeAt(i)) i++;
    if (i === protocol.length) return at + 1;
  }
  return -1;
}
