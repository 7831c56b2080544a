/** What a list of revoked certificates (CRL, RFC 5280 section 5) says of itself. */
import { nameText } from './client-certificate.ts';
import { decode, nextUpdateOf } from './context.ts';
import { loadLibrary } from './library.ts';

export interface RevocationListFacts {
  /** Of RFC 2253. */
  readonly issuer: string;
  /** Of the authorities that were given, the one that has signed it; -1: none. */
  readonly authority: number;
  /** When the next one comes, Unix time. Null: it does not say. */
  readonly untilMs: number | null;
}

/** `authorities`: certificates, DER. Null: it is not one. Throws MissingOpenssl. */
export function readRevocationList(der: Uint8Array, authorities: readonly Uint8Array[]): RevocationListFacts | null {
  const library = loadLibrary();
  const list = decode(library.d2i_X509_CRL, der);
  library.ERR_clear_error();
  if (list === 0) return null;
  const name = library.X509_CRL_get_issuer(list);
  const authority = authorities.findIndex((one) => {
    const certificate = decode(library.d2i_X509, one);
    if (certificate === 0) return false;
    const isNamed = library.X509_NAME_cmp(name, library.X509_get_subject_name(certificate)) === 0;
    const isSigned = isNamed && library.X509_CRL_verify(list, library.X509_get0_pubkey(certificate)) === 1;
    library.X509_free(certificate);
    return isSigned;
  });
  const issuer = nameText(library, name);
  const untilMs = nextUpdateOf(library, list);
  library.X509_CRL_free(list);
  return { issuer, authority, untilMs };
}
