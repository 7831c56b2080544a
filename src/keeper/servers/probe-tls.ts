/**
 * TLS of health checks, by Node: the keeper has sockets of Node's, and few of them. Whom they believe is what the proxies do
 * (proxy/tls/server-layer.ts).
 */
import type net from 'node:net';
import type tls from 'node:tls';
import type { ServersTlsPlan } from '../../config/plan/tls.ts';
import { handshakeReason, NO_TLS_CONNECTION, type ServerIdentity } from '../../core/tls/server-identity.ts';
import type { TlsMaterial } from '../../port/tls.ts';

/** What a check goes through. */
export interface ProbeTls {
  readonly context: tls.SecureContext;
  readonly identity: ServerIdentity;
  readonly protocols: readonly string[];
  /** As of ServersTlsPlan. */
  readonly verifyDepth: number;
}

/** By the plan that is in force. Those of a former one go with their `material`. */
export class ProbeContexts {
  private material: TlsMaterial | null = null;
  private readonly contexts = new Map<string, tls.SecureContext>();

  /** A text: what OpenSSL has against them. */
  of(plan: ServersTlsPlan, material: TlsMaterial): tls.SecureContext | string {
    if (material !== this.material) this.contexts.clear();
    this.material = material;
    const { credential, trust, versions, ciphers, suites, groups } = plan;
    const key = JSON.stringify([credential, trust, versions, ciphers, suites, groups]);
    const known = this.contexts.get(key);
    if (known !== undefined) return known;
    try {
      const made = createContext(plan, material);
      this.contexts.set(key, made);
      return made;
    } catch (error) {
      return (error as Error).message;
    }
  }
}

function createContext(plan: ServersTlsPlan, { credentials, authorities }: TlsMaterial): tls.SecureContext {
  const credential = credentials.find(({ id }) => id === plan.credential);
  const trust = authorities.find(({ id }) => id === plan.trust);
  const versions = plan.versions.map((version) => `TLSv${version}` as const);
  return nodeTls().createSecureContext({
    ca: trust?.certificates.map((der) => pem('CERTIFICATE', der)) ?? [],
    ...(trust === undefined || trust.revocations.length === 0
      ? {}
      : { crl: trust.revocations.map((der) => pem('X509 CRL', der)) }),
    ...(credential === undefined
      ? {}
      : {
          cert: credential.chain.map((der) => pem('CERTIFICATE', der)).join(''),
          key: pem('PRIVATE KEY', credential.key),
        }),
    minVersion: versions[0],
    maxVersion: versions[versions.length - 1],
    ...(plan.ciphers === '' && plan.suites === ''
      ? {}
      : { ciphers: [plan.suites, plan.ciphers].filter((list) => list !== '').join(':') }),
    ...(plan.groups === '' ? {} : { ecdhCurve: knownGroups(plan.groups) }),
  });
}

/** Those that this OpenSSL has, as with proxies. With none of them it says why. */
function knownGroups(groups: string): string {
  const known = groups.split(':').filter((ecdhCurve) => {
    try {
      nodeTls().createSecureContext({ ecdhCurve });
      return true;
    } catch {
      return false;
    }
  });
  return known.length === 0 ? groups : known.join(':');
}

/** TLS over a socket that is connecting, or stands. */
export function wrapSocket(socket: net.Socket, { context, identity, protocols, verifyDepth }: ProbeTls): net.Socket {
  const { checkServerIdentity, connect } = nodeTls();
  const { sentName, verifiedName } = identity;
  return connect({
    socket,
    secureContext: context,
    ...(sentName === null ? {} : { servername: sentName }),
    ...(protocols.length === 0 ? {} : { ALPNProtocols: [...protocols] }),
    rejectUnauthorized: verifiedName !== null,
    checkServerIdentity: (_, certificate) =>
      checkServerIdentity(verifiedName ?? '', certificate) ?? depthError(certificate, verifyDepth),
  });
}

/** Node has no word for the depth. `certificate`: a server's, with its issuers up to the root, which issues itself. */
function depthError(
  certificate: tls.DetailedPeerCertificate | tls.PeerCertificate,
  depthMax: number,
): Error | undefined {
  if (depthMax < 0) return undefined;
  let depth = -1;
  for (
    let one = certificate as tls.DetailedPeerCertificate;
    one.issuerCertificate !== one;
    one = one.issuerCertificate
  ) {
    if (one.issuerCertificate === undefined) break;
    depth++;
  }
  if (depth <= depthMax) return undefined;
  return Object.assign(new Error('certificate chain too long'), { code: 'CERT_CHAIN_TOO_LONG' });
}

/** Why a handshake failed; null: it is not that which has failed. */
export function tlsReason(
  error: NodeJS.ErrnoException & { readonly reason?: unknown },
  { identity }: ProbeTls,
): string | null {
  const { code = '', reason } = error;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return inWords('hostname mismatch', identity);
  if (code.startsWith('ERR_SSL_')) return inWords(typeof reason === 'string' ? reason : error.message, identity);
  if (error.message.includes('before secure TLS connection')) return inWords('it has closed the connection', identity);
  // what OpenSSL has against a certificate: its words, by the name of its code
  const isVerdict = error.syscall === undefined && /^[A-Z]+(_[A-Z]+)+$/.test(code) && !code.startsWith('ERR_');
  return isVerdict ? inWords(error.message, identity) : null;
}

function inWords(failure: string, { verifiedName }: ServerIdentity): string {
  return `${NO_TLS_CONNECTION}${handshakeReason(failure, verifiedName)}`;
}

function pem(label: string, der: Uint8Array): string {
  return `-----BEGIN ${label}-----\n${Buffer.from(der).toString('base64')}\n-----END ${label}-----\n`;
}

/** It is in the interpreter; who checks nothing over TLS does not load it. */
function nodeTls(): typeof tls {
  return process.getBuiltinModule('node:tls');
}
