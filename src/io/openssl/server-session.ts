/** A session with a server: it names the server, says in words why that is not believed, and keeps what resumes the session. */
import { isIP } from 'node:net';
import { TLS_DONE, type TlsAcceptor, type TlsConnector, type TlsTicket } from '../../port/tls.ts';
import type { Callbacks } from './callbacks.ts';
import { addressOf } from '../native-pointers.ts';
import type { Library } from './library.ts';
import type { MemoryBios } from './memory-bios.ts';
import { OpensslSession } from './session.ts';

const SSL_CTRL_SET_TLSEXT_HOSTNAME = 55;
const TLSEXT_NAMETYPE_HOST_NAME = 0;
const X509_V_OK = 0;

/** Nobody calls it back: a context for servers has no such callbacks. */
const NOBODY: Omit<TlsAcceptor, 'context'> = { protocols: [], challenges: null, contextFor: () => null };

/** What OpenSSL says of ALPN: up to 255 bytes, somewhere. */
const protocolAt = new BigUint64Array(1);
const protocolLength = new Uint32Array(1);
const protocolBytes = new Uint8Array(255);

export class ServerSession extends OpensslSession {
  private readonly connector: TlsConnector;

  constructor(library: Library, callbacks: Callbacks, bios: MemoryBios, ssl: number, connector: TlsConnector) {
    super(library, callbacks, bios, ssl, { ...NOBODY, context: connector.context });
    this.connector = connector;
  }

  override handshake(): number {
    const result = super.handshake();
    if (result === TLS_DONE) this.protocol = this.findProtocol();
    return result;
  }

  private findProtocol(): string | null {
    const { library } = this;
    library.SSL_get0_alpn_selected(this.ssl, addressOf(protocolAt), addressOf(protocolLength));
    const length = protocolLength[0];
    if (length === 0) return null;
    library.memcpy(addressOf(protocolBytes), Number(protocolAt[0]), length);
    return String.fromCharCode(...protocolBytes.subarray(0, length));
  }

  protected override fail(): void {
    const code = this.connector.verifiedName === null ? X509_V_OK : this.library.SSL_get_verify_result(this.ssl);
    super.fail();
    if (code !== X509_V_OK) this.failure = this.library.X509_verify_cert_error_string(code) ?? this.failure;
  }

  override keepTicket(address: number): void {
    const copy = this.library.SSL_SESSION_dup(address);
    if (copy !== 0) this.connector.keepTicket(new SessionTicket(this.library, copy));
  }
}

/**
 * A copy of its own, and another one for each handshake: OpenSSL does not resume a session whose connection was closed without a word, and
 * one of TLS 1.3 only once, where it is about clients that must not be recognised (RFC 8446 appendix C.4).
 */
class SessionTicket implements TlsTicket {
  private readonly address: number;
  private readonly library: Library;

  constructor(library: Library, address: number) {
    this.library = library;
    this.address = address;
  }

  /** A session that cannot be resumed is no reason not to make another one. */
  useFor(ssl: number): void {
    const { address, library } = this;
    const copy = library.SSL_SESSION_dup(address);
    if (copy === 0 || library.SSL_set_session(ssl, copy) !== 1) library.ERR_clear_error();
    if (copy !== 0) library.SSL_SESSION_free(copy);
  }

  free(): void {
    this.library.SSL_SESSION_free(this.address);
  }
}

const encoder = new TextEncoder();
/** A name has 255 characters. */
const name = new Uint8Array(512);

/** Before the handshake. False: out of memory. */
export function nameServer(library: Library, ssl: number, connector: TlsConnector): boolean {
  const { sentName, ticket, verifiedName } = connector;
  if (ticket !== null) (ticket as SessionTicket).useFor(ssl);
  if (sentName !== null) {
    const { written } = encoder.encodeInto(sentName, name);
    name[written] = 0;
    const at = addressOf(name);
    if (library.SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_HOST_NAME, at) !== 1) return false;
  }
  if (verifiedName === null) return true;
  const parameters = library.SSL_get0_param(ssl);
  return isIP(verifiedName) === 0
    ? library.X509_VERIFY_PARAM_set1_host(parameters, verifiedName, 0) === 1
    : library.X509_VERIFY_PARAM_set1_ip_asc(parameters, verifiedName) === 1;
}
