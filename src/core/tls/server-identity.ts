/** Who a server is to be, and in words why it is not. */
import { parseIPv4, parseIPv6 } from '../../base/address.ts';
import type { ServerPlan } from '../../config/plan/upstream.ts';
import type { ServersTlsPlan } from '../../config/plan/tls.ts';

export interface ServerIdentity {
  /** Is asked for (SNI). Null: none. */
  readonly sentName: string | null;
  /** Host or IP address that its certificate has to be for. Null: any. */
  readonly verifiedName: string | null;
}

/** RFC 9525 section 6.1, with the name that an operator has written; RFC 6066 section 3 has no addresses. */
export function identityOf(
  { serverName, sendsName, trust }: ServersTlsPlan,
  { target }: Pick<ServerPlan, 'target'>,
): ServerIdentity {
  const name = serverName ?? hostOf(target);
  return {
    sentName: sendsName && name !== null && !isAddress(name) ? name : null,
    verifiedName: trust === null ? null : name,
  };
}

function isAddress(name: string): boolean {
  return parseIPv4(name) !== null || parseIPv6(name) !== null;
}

/** Null: a Unix socket has none. */
function hostOf(target: ServerPlan['target']): string | null {
  if ('hostname' in target) return target.hostname.toLowerCase();
  return target.family === 0 ? null : target.host.replace(/%.*/, '');
}

/** What a reason begins with where a server has failed so. */
export const NO_TLS_CONNECTION = 'no TLS connection: ';

const UNTRUSTED = 'nobody whom `ca` has, or this system, has issued its certificate';
const NO_TLS = 'it does not speak TLS';

/** By OpenSSL's words for why a certificate is not believed, and why a handshake has failed. */
const WORDS: Readonly<Record<string, string>> = {
  'certificate has expired': "its certificate, or an issuer's, has expired",
  'certificate is not yet valid': "its certificate, or an issuer's, is not valid yet",
  'certificate revoked': 'its certificate has been revoked',
  'unable to get certificate CRL': '`crl` has no list of who has issued its certificate',
  'CRL has expired': 'the list of revoked certificates of its issuer has expired',
  'certificate chain too long': 'its chain has more certificates than `verify-depth` allows',
  'unsupported certificate purpose': 'its certificate is not one for servers',
  'unable to get local issuer certificate': UNTRUSTED,
  'unable to get issuer certificate': UNTRUSTED,
  'unable to verify the first certificate': UNTRUSTED,
  'self-signed certificate': UNTRUSTED,
  'self signed certificate': UNTRUSTED,
  'self-signed certificate in certificate chain': UNTRUSTED,
  'self signed certificate in certificate chain': UNTRUSTED,
  'wrong version number': NO_TLS,
  'packet length too long': NO_TLS,
  'record layer failure': NO_TLS,
  'http request': NO_TLS,
};

/** `failure`: OpenSSL's words. `name`: that was verified. */
export function handshakeReason(failure: string, name: string | null): string {
  if (/^(hostname|IP address) mismatch$/i.test(failure)) return `its certificate is not for ${name}`;
  const known = WORDS[failure] as string | undefined;
  if (known !== undefined) return known;
  return / alert /.test(failure) ? `it refuses the handshake: ${failure}` : `the handshake failed: ${failure}`;
}
