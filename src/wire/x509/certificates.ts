/**
 * Requests for certificates (PKCS #10, RFC 2986) and self-signed certificates (RFC 5280), for keys of ECDSA with SHA-256. Whoever has the key
 * signs: what is to be signed comes first, and the whole is made of it with the signature.
 */
import { equalBytes } from '../../base/bytes.ts';
import {
  BOOLEAN,
  OCTET_STRING,
  SEQUENCE,
  SET,
  UTF8_STRING,
  bitString,
  contextTag,
  der,
  integer,
  objectIdentifier,
  parseDer,
  smallInteger,
  text,
  time,
  valuesIn,
} from './der.ts';

const SIGNATURE_ALGORITHM = der(SEQUENCE, objectIdentifier('1.2.840.10045.4.3.2'));
const COMMON_NAME = objectIdentifier('2.5.4.3');
const EXTENSION_REQUEST = objectIdentifier('1.2.840.113549.1.9.14');
const SUBJECT_ALT_NAME = objectIdentifier('2.5.29.17');
const AUTHORITY_KEY_IDENTIFIER = objectIdentifier('2.5.29.35');
/** acmeIdentifier (RFC 8737 section 3). */
const ACME_IDENTIFIER = objectIdentifier('1.3.6.1.5.5.7.1.31');
const TRUE = der(BOOLEAN, Uint8Array.of(0xff));
const VERSION_3 = der(contextTag(0, true), smallInteger(2));
const EXTENSIONS_TAG = contextTag(3, true);

/** What is to be signed of a request. `publicKey`: SubjectPublicKeyInfo. */
export function requestBody(names: readonly string[], publicKey: Uint8Array): Uint8Array {
  const extensions = der(SEQUENCE, subjectAltName(names));
  const attribute = der(SEQUENCE, EXTENSION_REQUEST, der(SET, extensions));
  return der(SEQUENCE, smallInteger(0), der(SEQUENCE), publicKey, der(contextTag(0, true), attribute));
}

export interface SelfSigned {
  readonly names: readonly string[];
  /** For people. */
  readonly commonName: string;
  readonly publicKey: Uint8Array;
  /** Not negative. */
  readonly serial: Uint8Array;
  /** ISO 8601, UTC. */
  readonly notBefore: string;
  readonly notAfter: string;
  /** What the acmeIdentifier extension says; null: there is none. */
  readonly acmeIdentifier: Uint8Array | null;
}

/** What is to be signed of a certificate. */
export function certificateBody(spec: SelfSigned): Uint8Array {
  const name = der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, text(UTF8_STRING, spec.commonName))));
  const extensions = [subjectAltName(spec.names)];
  if (spec.acmeIdentifier !== null) {
    const digest = der(OCTET_STRING, der(OCTET_STRING, spec.acmeIdentifier));
    extensions.push(der(SEQUENCE, ACME_IDENTIFIER, TRUE, digest));
  }
  return der(
    SEQUENCE,
    VERSION_3,
    integer(spec.serial),
    SIGNATURE_ALGORITHM,
    name,
    der(SEQUENCE, time(spec.notBefore), time(spec.notAfter)),
    name,
    spec.publicKey,
    der(EXTENSIONS_TAG, der(SEQUENCE, ...extensions)),
  );
}

/** `signature`: ECDSA-Sig-Value, of the body. */
export function signed(body: Uint8Array, signature: Uint8Array): Uint8Array {
  return der(SEQUENCE, body, SIGNATURE_ALGORITHM, bitString(signature));
}

/** What ARI names a certificate by (RFC 9773 section 4.1). */
export interface CertificateIdentity {
  /** The key identifier of whoever has issued it. */
  readonly authorityKey: Uint8Array;
  /** As it stands there, with a leading zero where there is one. */
  readonly serial: Uint8Array;
}

/** Of a certificate, DER. Null: it says nothing of who has issued it. */
export function identityOf(certificate: Uint8Array): CertificateIdentity | null {
  const body = valuesIn(valuesIn(parseDer(certificate)?.[0], SEQUENCE)?.[0], SEQUENCE);
  const serial = body?.[1]?.content;
  const [extensions] =
    valuesIn(
      body?.find(({ tag }) => tag === EXTENSIONS_TAG),
      EXTENSIONS_TAG,
    ) ?? [];
  for (const extension of valuesIn(extensions, SEQUENCE) ?? []) {
    const [name, ...rest] = parseDer(extension.content) ?? [];
    if (name === undefined || !equalBytes(name.content, AUTHORITY_KEY_IDENTIFIER.subarray(2))) continue;
    const [value] = valuesIn(rest.at(-1), OCTET_STRING) ?? [];
    const authorityKey = valuesIn(value, SEQUENCE)?.find(({ tag }) => tag === contextTag(0, false))?.content;
    if (authorityKey !== undefined && serial !== undefined) return { authorityKey, serial };
  }
  return null;
}

function subjectAltName(names: readonly string[]): Uint8Array {
  const list = der(SEQUENCE, ...names.map((name) => text(contextTag(2, false), name)));
  return der(SEQUENCE, SUBJECT_ALT_NAME, der(OCTET_STRING, list));
}
