/** The certificates that are in use, and the OpenSSL that speaks TLS, for `status`. */
import type { AcmeView, CertificateFaultView, CertificateView, TlsStatus } from '../api/certificates.ts';
import type { CertificateFacts, Certificates } from '../load/tls/certificates.ts';
import type { CertificateFault } from '../load/tls/faults.ts';

const DAY_MS = 86_400_000;

/** Until when OpenSSL's authors mend it (openssl-library.org/policies/releasestrat). */
const SUPPORT_ENDS: Readonly<Record<string, string>> = {
  '3.0': '2026-09-07',
  '3.1': '2025-03-14',
  '3.2': '2025-11-23',
  '3.3': '2026-04-09',
  '3.4': '2026-10-22',
  '3.5': '2030-04-08',
  '3.6': '2026-11-01',
};

/** Null: nobody speaks TLS. */
export function tlsStatus(
  { listeners, upstreams, faults }: Certificates,
  ofAdmin: CertificateFacts | null,
  acme: readonly AcmeView[],
  nowMs: number,
): TlsStatus | null {
  if (listeners.length + upstreams.length === 0 && ofAdmin === null) return null;
  const certificates = [
    ...(ofAdmin === null ? [] : [{ listener: null, isOfAdmin: true, ...certificateView(ofAdmin, nowMs) }]),
    ...listeners.flatMap(({ listener, certificates: own }) =>
      own.map((facts) => ({ listener, ...certificateView(facts, nowMs) })),
    ),
    ...upstreams.flatMap(({ upstream, certificate }) =>
      certificate === null ? [] : [{ listener: null, upstream, ...certificateView(certificate, nowMs) }],
    ),
  ];
  return { openssl: process.versions.openssl, certificates, faults: faults.map(faultView), acme };
}

function faultView({ owner, file, names, reason, isFormerUsed }: CertificateFault): CertificateFaultView {
  return { listener: null, upstream: null, ...owner, file, names, reason, isFormerUsed };
}

function certificateView(
  { files, kind, names, notBeforeMs, notAfterMs, stapledUntilMs, isStandIn, clients }: CertificateFacts,
  nowMs: number,
): Omit<CertificateView, 'listener'> {
  return {
    file: files.certificate,
    kind,
    names,
    notBefore: new Date(notBeforeMs).toISOString(),
    notAfter: new Date(notAfterMs).toISOString(),
    daysLeft: Math.floor((notAfterMs - nowMs) / DAY_MS),
    isStandIn,
    clients,
    ocsp: ocspView(files.ocsp, stapledUntilMs, nowMs),
  };
}

function ocspView(
  file: string | null,
  untilMs: number | null,
  nowMs: number,
): NonNullable<CertificateView['ocsp']> | null {
  if (file === null) return null;
  const isStapled = untilMs !== null && untilMs > nowMs;
  const until = untilMs === null || untilMs === Infinity ? null : new Date(untilMs).toISOString();
  return { file, isStapled, until };
}

/** What is wrong with it; null: nothing. */
export function opensslProblem(version: string, nowMs: number): string | null {
  const end = SUPPORT_ENDS[version.split('.').slice(0, 2).join('.')];
  if (end === undefined || nowMs < Date.parse(end)) return null;
  return `TLS is spoken by OpenSSL ${version}, which is not maintained since ${end}: run evenkeel by a later Node`;
}
