/** A context: settings, a certificate for each kind of key, and the keys for tickets. */
import { assert } from '../../base/assert.ts';
import { createHash } from 'node:crypto';
import {
  type AskedOfClients,
  type Authorities,
  type ClientSettings,
  type Credential,
  type Staple,
  type TlsContext,
  TlsRefusal,
  type TlsSettings,
} from '../../port/tls.ts';
import { printed, subjectOf } from './client-certificate.ts';
import type { Callbacks } from './callbacks.ts';
import { addressOf } from '../native-pointers.ts';
import type { Library } from './library.ts';
import { TicketKeyring } from './ticket-keys.ts';

const SSL_CTRL_MODE = 33;
export const SSL_CTRL_SET_SESS_CACHE_MODE = 44;
const SSL_CTRL_SET_TLSEXT_SERVERNAME_CB = 53;
const SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB = 63;
const SSL_CTRL_SET_TLSEXT_STATUS_REQ_OCSP_RESP = 71;
const SSL_CTRL_SET_GROUPS_LIST = 92;
const SSL_CTRL_SET_MIN_PROTO_VERSION = 123;
const SSL_CTRL_SET_MAX_PROTO_VERSION = 124;

const SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER = 0x2;
/** An idle session keeps no buffers. */
const SSL_MODE_RELEASE_BUFFERS = 0x10;

const SSL_SESS_CACHE_SERVER = 2;
/** OpenSSL itself keeps no session. */
export const SSL_SESS_CACHE_NO_INTERNAL = 0x300;

const SSL_OP_NO_TICKET = 2 ** 14;
const SSL_OP_NO_COMPRESSION = 2 ** 17;
const SSL_OP_CIPHER_SERVER_PREFERENCE = 2 ** 22;
const SSL_OP_NO_RENEGOTIATION = 2 ** 30;

const VERSIONS = { '1.2': 0x0303, '1.3': 0x0304 } as const;

export const SSL_VERIFY_NONE = 0;
export const SSL_VERIFY_PEER = 1;
const X509_V_FLAG_CRL_CHECK = 0x4;
const X509_V_FLAG_CRL_CHECK_ALL = 0x8;

/** What a time is compared with. */
const unixTime = new BigInt64Array(1);

/** Of those that ask clients for nothing. A session goes on only where its own is that of the context: where the same is asked for. */
const SESSION_ID_CONTEXT = new TextEncoder().encode('evenkeel');

export class OpensslContext implements TlsContext {
  readonly address: number;
  /** For certificates. */
  readonly asksClients: boolean;
  private readonly choosesEarly: boolean;
  private readonly keepsSessions: boolean;
  /** The callback that looks at them. */
  private verify = 0;
  private readonly depth: number;
  readonly ticketKeys = new TicketKeyring();
  protected readonly library: Library;
  /** By the address of the certificate that each is about. */
  private readonly staples = new Map<number, Staple>();
  /** When the first of the revocation lists has ended, Unix time: from then on OpenSSL has something to say of each certificate. */
  private revokedUntilMs = Infinity;
  private isFreed = false;

  /** `method`: TLS_server_method for clients. */
  constructor(
    library: Library,
    settings: TlsSettings,
    credentials: readonly Credential[],
    { asked, choosesEarly, keepsSessions, sessionSeconds }: ClientSettings,
    method = library.TLS_server_method(),
  ) {
    this.library = library;
    this.choosesEarly = choosesEarly;
    this.keepsSessions = keepsSessions;
    this.asksClients = asked !== null;
    this.depth = asked === null ? 0 : asked.depth;
    this.address = library.SSL_CTX_new(method);
    if (this.address === 0) throw new TlsRefusal(`no TLS context can be made: ${failureReason(library)}`);
    this.freeIfThrown(() => {
      this.set(settings);
      library.SSL_CTX_set_timeout(this.address, sessionSeconds);
      for (const credential of credentials) this.use(credential);
      if (asked !== null) this.prepareAsking(asked);
    });
  }

  protected freeIfThrown(build: () => void): void {
    try {
      build();
    } catch (error) {
      this.free();
      throw error;
    }
  }

  /** Its sessions ask these. */
  ask(callbacks: Callbacks): void {
    const { hello, protocols, serverName, status, ticket, ticketOpened, verify } = callbacks;
    const { address, asksClients, choosesEarly, library } = this;
    library.SSL_CTX_callback_ctrl(address, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB, serverName);
    library.SSL_CTX_set_alpn_select_cb(address, protocols, 0);
    library.SSL_CTX_set_tlsext_ticket_key_evp_cb(address, ticket);
    if (asksClients || choosesEarly) library.SSL_CTX_set_session_ticket_cb(address, 0, ticketOpened, 0);
    if (this.staples.size > 0) library.SSL_CTX_callback_ctrl(address, SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB, status);
    if (this.keepsSessions) this.keepSessions(callbacks);
    if (choosesEarly) library.SSL_CTX_set_client_hello_cb(address, hello, 0);
    if (asksClients) library.SSL_CTX_set_verify(address, SSL_VERIFY_PEER, verify);
    this.verify = verify;
  }

  private keepSessions({ findSession, forgetSession, keepSession }: Callbacks): void {
    const { address, library } = this;
    const mode = SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL;
    library.SSL_CTX_ctrl(address, SSL_CTRL_SET_SESS_CACHE_MODE, mode, null);
    library.SSL_CTX_sess_set_new_cb(address, keepSession);
    library.SSL_CTX_sess_set_get_cb(address, findSession);
    library.SSL_CTX_sess_set_remove_cb(address, forgetSession);
  }

  setTicketKeys(keys: readonly Uint8Array[]): void {
    const { address, library } = this;
    this.ticketKeys.set(keys);
    if (keys.length > 0) library.SSL_CTX_clear_options(address, SSL_OP_NO_TICKET);
    else library.SSL_CTX_set_options(address, SSL_OP_NO_TICKET);
    library.SSL_CTX_set_num_tickets(address, keys.length > 0 || this.keepsSessions ? 1 : 0);
  }

  /** What was found out about the client's certificate when the session began still holds. */
  mayResume(session: number): boolean {
    if (!this.asksClients) return true;
    const { library } = this;
    const nowMs = Date.now();
    if (nowMs >= this.revokedUntilMs) return false;
    const certificate = library.SSL_SESSION_get0_peer(session);
    if (certificate === 0) return true;
    unixTime[0] = BigInt(Math.floor(nowMs / 1000));
    return library.X509_cmp_time(library.X509_get0_notAfter(certificate), unixTime) > 0;
  }

  /** A client's session is one of this context from here, with all that OpenSSL leaves as it was. */
  takeOver(ssl: number): void {
    const { depth, library, verify } = this;
    library.SSL_set_SSL_CTX(ssl, this.address);
    library.SSL_set_verify(ssl, this.asksClients ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, verify);
    library.SSL_set_verify_depth(ssl, depth);
  }

  /** Gives the session's client what there is about the certificate that it gets. False: there is nothing. */
  staple(ssl: number): boolean {
    const { library } = this;
    const found = this.staples.get(library.SSL_get_certificate(ssl));
    if (found === undefined || found.untilMs <= Date.now()) return false;
    const { response } = found;
    // it is the session's from then on
    const copy = library.CRYPTO_malloc(response.length, '', 0);
    if (copy === 0) return false;
    library.memcpy(copy, addressOf(response), response.length);
    library.SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_STATUS_REQ_OCSP_RESP, response.length, copy);
    return true;
  }

  free(): void {
    assert(!this.isFreed, 'a TLS context is freed twice');
    this.isFreed = true;
    this.ticketKeys.set([]);
    this.library.SSL_CTX_free(this.address);
  }

  private set({ versions, ciphers, suites, groups, prefersOwnOrder }: TlsSettings): void {
    const { address, library } = this;
    library.SSL_CTX_ctrl(address, SSL_CTRL_MODE, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER, null);
    const order = prefersOwnOrder ? SSL_OP_CIPHER_SERVER_PREFERENCE : 0;
    library.SSL_CTX_set_options(address, SSL_OP_NO_RENEGOTIATION + SSL_OP_NO_COMPRESSION + order);
    const numbers = versions.map((version) => VERSIONS[version]);
    this.control(SSL_CTRL_SET_MIN_PROTO_VERSION, Math.min(...numbers), null, 'the version');
    this.control(SSL_CTRL_SET_MAX_PROTO_VERSION, Math.max(...numbers), null, 'the version');
    if (ciphers !== '') this.demand(library.SSL_CTX_set_cipher_list(address, ciphers) === 1, `ciphers ${ciphers}`);
    if (suites !== '') this.demand(library.SSL_CTX_set_ciphersuites(address, suites) === 1, `suites ${suites}`);
    if (groups !== '') this.setGroups(groups);
    // OpenSSL keeps no session itself: those that are kept can be resumed in any proxy (kept-sessions.ts).
    library.SSL_CTX_ctrl(address, SSL_CTRL_SET_SESS_CACHE_MODE, 0, null);
    library.SSL_CTX_set_session_id_context(address, SESSION_ID_CONTEXT, SESSION_ID_CONTEXT.length);
  }

  /** How the certificates of clients are looked at. */
  private prepareAsking({ authorities, depth, policy }: AskedOfClients): void {
    const { address, library } = this;
    library.SSL_CTX_set_verify_depth(address, depth);
    const id = createHash('sha256').update(policy).digest();
    this.demand(library.SSL_CTX_set_session_id_context(address, id, id.length) === 1, 'the context of sessions');
    if (authorities !== null) this.believe(authorities);
  }

  /** The peer's certificate is to be issued by one of these. */
  protected believe(authorities: Authorities): void {
    const { address, library } = this;
    const store = library.SSL_CTX_get_cert_store(address);
    const told = new Set<string>();
    for (const [i, der] of authorities.certificates.entries()) {
      const certificate = decode(library.d2i_X509, der);
      this.demand(certificate !== 0, 'an authority');
      const isTaken = library.X509_STORE_add_cert(store, certificate) === 1;
      const name = subjectOf(library, certificate);
      const isTold =
        i >= authorities.announced || told.has(name) || library.SSL_CTX_add_client_CA(address, certificate) === 1;
      told.add(name);
      library.X509_free(certificate);
      this.demand(isTaken && isTold, 'an authority');
    }
    for (const der of authorities.revocations) {
      const list = decode(library.d2i_X509_CRL, der);
      this.demand(list !== 0, 'a revocation list');
      const isTaken = library.X509_STORE_add_crl(store, list) === 1;
      this.revokedUntilMs = Math.min(this.revokedUntilMs, nextUpdateOf(library, list) ?? Infinity);
      library.X509_CRL_free(list);
      this.demand(isTaken, 'a revocation list');
    }
    if (authorities.revocations.length > 0) {
      library.X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    }
  }

  /** Those that this OpenSSL has. */
  private setGroups(groups: string): void {
    const known = groups.split(':').filter((group) => this.hasGroup(group));
    this.demand(known.length > 0, `groups ${groups}`);
    this.control(SSL_CTRL_SET_GROUPS_LIST, 0, textBytes(known.join(':')), `groups ${groups}`);
  }

  private hasGroup(group: string): boolean {
    const { address, library } = this;
    const bytes = textBytes(group);
    const isKnown = library.SSL_CTX_ctrl(address, SSL_CTRL_SET_GROUPS_LIST, 0, bytes) === 1;
    library.ERR_clear_error();
    return isKnown;
  }

  private use({ chain, key, staple }: Credential): void {
    const { library } = this;
    const certificates: number[] = [];
    let own = 0;
    const stack = library.OPENSSL_sk_new_null();
    try {
      for (const der of chain) {
        const certificate = decode(library.d2i_X509, der);
        this.demand(certificate !== 0, 'a certificate');
        certificates.push(certificate);
      }
      own = decode(library.d2i_AutoPrivateKey, key);
      this.demand(own !== 0, 'the key');
      for (const issuer of certificates.slice(1)) library.OPENSSL_sk_push(stack, issuer);
      // It takes references of its own.
      const isTaken = library.SSL_CTX_use_cert_and_key(this.address, certificates[0], own, stack, 1) === 1;
      this.demand(isTaken, 'the certificate with its key');
      // what was handed over is overwritten
      if (staple !== null) this.staples.set(certificates[0], { ...staple, response: Uint8Array.from(staple.response) });
    } finally {
      library.OPENSSL_sk_free(stack);
      for (const certificate of certificates) library.X509_free(certificate);
      if (own !== 0) library.EVP_PKEY_free(own);
    }
  }

  protected control(command: number, number: number, bytes: Uint8Array | null, what: string): void {
    this.demand(this.library.SSL_CTX_ctrl(this.address, command, number, bytes) === 1, what);
  }

  protected demand(isDone: boolean, what: string): void {
    if (isDone) return;
    const reason = failureReason(this.library);
    throw new TlsRefusal(`OpenSSL refuses ${what}: ${reason}`);
  }
}

/** The oldest error there is, in words; the queue is empty afterwards. */
export function failureReason(library: Library): string {
  const error = library.ERR_get_error();
  library.ERR_clear_error();
  return (error === 0 ? null : library.ERR_reason_error_string(error)) ?? 'unknown reason';
}

/** When the next one comes, Unix time. Null: it does not say. */
export function nextUpdateOf(library: Library, list: number): number | null {
  const next = library.X509_CRL_get0_nextUpdate(list);
  return next === 0 ? null : Date.parse(printed(library, (bio) => library.ASN1_TIME_print(bio, next)));
}

function textBytes(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`);
}

/** 0: it cannot be read. */
export function decode(read: Library['d2i_X509'], der: Uint8Array): number {
  const bytes = Uint8Array.from(der);
  const cell = BigUint64Array.of(BigInt(addressOf(bytes)));
  const made = read(null, cell, bytes.length);
  // Of a key, nothing stays; and until here it is not collected.
  bytes.fill(0);
  return made;
}
