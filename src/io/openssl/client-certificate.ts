/** What a client has shown, read by the functions that other servers read it by, so that the texts are the same. */
import { formatHex } from '../../base/bytes.ts';
import { latin1 } from '../../base/text.ts';
import type { ClientCertificate } from '../../port/tls.ts';
import { addressOf } from '../native-pointers.ts';
import type { Library } from './library.ts';

const X509_V_OK = 0;
const XN_FLAG_RFC2253 = 0x1110317;
const DIGEST_BYTES_MAX = 64;

export class OpensslClientCertificate implements ClientCertificate {
  readonly error: number;
  private readonly library: Library;
  /** 0: freed. */
  private certificate: number;
  private readonly known = new Map<string, string>();

  /** Of a session whose handshake is over. Null: it has none. It is to be freed. */
  static of(library: Library, ssl: number): OpensslClientCertificate | null {
    const certificate = library.SSL_get1_peer_certificate(ssl);
    if (certificate === 0) return null;
    return new OpensslClientCertificate(library, certificate, library.SSL_get_verify_result(ssl));
  }

  private constructor(library: Library, certificate: number, error: number) {
    this.library = library;
    this.certificate = certificate;
    this.error = error;
  }

  free(): void {
    if (this.certificate === 0) return;
    this.library.X509_free(this.certificate);
    this.certificate = 0;
    this.known.clear();
  }

  get verified(): string {
    const { error, library } = this;
    return error === X509_V_OK ? 'SUCCESS' : `FAILED:${library.X509_verify_cert_error_string(error) ?? error}`;
  }

  get subject(): string {
    return this.once('subject', () => subjectOf(this.library, this.certificate));
  }

  get issuer(): string {
    const { library } = this;
    return this.once('issuer', () => nameText(library, library.X509_get_issuer_name(this.certificate)));
  }

  get oldSubject(): string {
    const { library } = this;
    return this.once('old-subject', () => oldNameText(library, library.X509_get_subject_name(this.certificate)));
  }

  get oldIssuer(): string {
    const { library } = this;
    return this.once('old-issuer', () => oldNameText(library, library.X509_get_issuer_name(this.certificate)));
  }

  get serial(): string {
    const { library } = this;
    return this.text('serial', (bio) => library.i2a_ASN1_INTEGER(bio, library.X509_get_serialNumber(this.certificate)));
  }

  get fingerprint(): string {
    return this.once('sha256', () => this.digest(this.library.EVP_sha256()));
  }

  get oldFingerprint(): string {
    return this.once('sha1', () => this.digest(this.library.EVP_sha1()));
  }

  get notBefore(): string {
    const { library } = this;
    return this.text('from', (bio) => library.ASN1_TIME_print(bio, library.X509_get0_notBefore(this.certificate)));
  }

  get notAfter(): string {
    const { library } = this;
    return this.text('until', (bio) => library.ASN1_TIME_print(bio, library.X509_get0_notAfter(this.certificate)));
  }

  get notAfterMs(): number {
    return Date.parse(this.notAfter);
  }

  private get pem(): string {
    return this.text('pem', (bio) => this.library.PEM_write_bio_X509(bio, this.certificate));
  }

  get pemLine(): string {
    return this.pem.trimEnd().replaceAll('\n', ' ');
  }

  get escapedPem(): string {
    return this.pem
      .replaceAll('+', '%2B')
      .replaceAll('/', '%2F')
      .replaceAll('=', '%3D')
      .replaceAll('\n', '%0A')
      .replaceAll(' ', '%20');
  }

  private digest(type: number): string {
    const bytes = new Uint8Array(DIGEST_BYTES_MAX);
    const length = new Uint32Array(1);
    this.library.X509_digest(this.certificate, type, bytes, length);
    return formatHex(bytes.subarray(0, length[0]));
  }

  private text(name: string, print: (bio: number) => void): string {
    return this.once(name, () => printed(this.library, print));
  }

  /** It is asked for with each request. */
  private once(name: string, make: () => string): string {
    if (this.certificate === 0) return '';
    let text = this.known.get(name);
    if (text === undefined) {
      text = make();
      this.known.set(name, text);
    }
    return text;
  }
}

/** Of a certificate (RFC 2253). */
export function subjectOf(library: Library, certificate: number): string {
  return nameText(library, library.X509_get_subject_name(certificate));
}

/** `name`: an X509_NAME. As RFC 2253 writes it. */
export function nameText(library: Library, name: number): string {
  return printed(library, (bio) => library.X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253));
}

/** As X509_NAME_oneline writes it, which cuts off what is longer. */
function oldNameText(library: Library, name: number): string {
  library.X509_NAME_oneline(name, addressOf(part), part.length);
  return latin1(part, 0, part.indexOf(0));
}

const part = new Uint8Array(4096);

/** What OpenSSL prints, in ASCII. */
export function printed(library: Library, print: (bio: number) => void): string {
  const bio = library.BIO_new(library.BIO_s_mem());
  if (bio === 0) return '';
  print(bio);
  let text = '';
  for (let count; (count = library.BIO_read(bio, addressOf(part), part.length)) > 0;) {
    for (let i = 0; i < count; i++) text += String.fromCharCode(part[i]);
  }
  library.BIO_free(bio);
  library.ERR_clear_error();
  return text;
}
