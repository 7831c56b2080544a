/** What there is of certificates. */
import type { CertificateView } from '../certificates.ts';
import type { Labels } from './exposition.ts';
import type { Metric } from './metric.ts';

export const CERTIFICATES: readonly Metric<CertificateView>[] = [
  [
    'certificate_expiry_timestamp_seconds',
    'gauge',
    'When it expires, in Unix time.',
    ({ notAfter }) => Date.parse(notAfter) / 1_000,
  ],
];

export function certificateLabels({ listener, upstream, file, kind, names }: CertificateView): Labels {
  return { listener: listener ?? '', upstream: upstream ?? '', name: names[0] ?? '', kind, file };
}
