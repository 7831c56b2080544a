/** What a certificate says of itself, and whether those behind it lead to a root. */
import type { KeyObject, X509Certificate } from 'node:crypto';

/** The names that clients can ask for (SNI), in lower case. */
export function namesOf(certificate: X509Certificate): readonly string[] {
  const names: string[] = [];
  // Node quotes what has a comma or a quote in it, as no host name has.
  for (const [, name] of (certificate.subjectAltName ?? '').matchAll(/(?:^|, )DNS:([^",]+)(?=,|$)/g)) {
    const lower = name.toLowerCase();
    if (!names.includes(lower)) names.push(lower);
  }
  return names;
}

/** `ECDSA P-256`, `RSA 2048`, `Ed25519`. */
export function kindOf({ asymmetricKeyType, asymmetricKeyDetails: details }: KeyObject): string {
  const type = asymmetricKeyType ?? '';
  if (type === 'ec') return `ECDSA ${CURVES[details?.namedCurve ?? ''] ?? details?.namedCurve ?? ''}`.trim();
  if (type.startsWith('rsa')) return `${type.toUpperCase()} ${details?.modulusLength ?? ''}`.trim();
  return type.charAt(0).toUpperCase() + type.slice(1);
}

const CURVES: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };

/** Of the TLS feature extension (RFC 7633), and status_request (5) in it. */
const TLS_FEATURE = Buffer.from('06082b06010505070118', 'hex');
const STATUS_REQUEST = Buffer.from('020105', 'hex');

/** The certificate asks that an OCSP response is stapled to it. */
export function mustStaple(certificate: X509Certificate): boolean {
  const at = certificate.raw.indexOf(TLS_FEATURE);
  if (at < 0) return false;
  const feature = at + TLS_FEATURE.length;
  return certificate.raw.subarray(feature, feature + 16).includes(STATUS_REQUEST);
}

/** Why what stands behind the first certificate does not lead to a root; null: it does. */
export function findChainFault(
  chain: readonly X509Certificate[],
): { readonly reason: string; readonly fix: string } | null {
  for (let i = 0; i + 1 < chain.length; i++) {
    if (isIssuedBy(chain[i], chain[i + 1])) continue;
    const place = `certificate ${i + 2} of ${chain.length} has not issued the one before it`;
    const isOutOfOrder = chain.some((other, at) => at !== i && isIssuedBy(chain[i], other));
    return isOutOfOrder
      ? { reason: place, fix: 'write each certificate behind the one that it has issued' }
      : { reason: place, fix: `put ${issuerText(chain[i])} behind it, and leave out what does not belong to it` };
  }
  const last = chain[chain.length - 1];
  if (chain.length > 1 || isIssuedBy(last, last)) return null;
  return {
    reason: `it has the certificate of the site alone, which ${issuerText(last)} has issued`,
    fix: 'put the intermediate certificates of that issuer behind it (certbot: use fullchain.pem)',
  };
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function issuerText({ issuer }: X509Certificate): string {
  const name = /(?:^|\n)CN=(.*)/.exec(issuer)?.[1] ?? issuer.split('\n').join(', ');
  return `"${name}"`;
}
