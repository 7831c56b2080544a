/** Says in the log in time that certificates end. */
import { type ExpiryStage, expiryStage, ExpiryWatch, type Lifetime } from '../core/tls/expiry.ts';
import type { Log } from '../keeper/log/log.ts';
import type { CertificateFacts, Certificates } from '../load/tls/certificates.ts';
import { timeText } from '../load/tls/wording.ts';

/** What has ended is told of within that. */
const LOOK_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

export class ExpiryLog {
  private readonly log: Log;
  private readonly certificates: () => Certificates;
  private readonly ofAdmin: () => CertificateFacts | null;
  private readonly watch = new ExpiryWatch();
  private readonly responses = new ExpiryWatch();
  private timer: NodeJS.Timeout | undefined;

  /** `ofAdmin`: that of the admin API; null: it has none. */
  constructor(log: Log, certificates: () => Certificates, ofAdmin: () => CertificateFacts | null) {
    this.ofAdmin = ofAdmin;
    this.log = log;
    this.certificates = certificates;
  }

  start(): void {
    this.look();
    this.timer = setInterval(() => this.look(), LOOK_MS).unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** At once when certificates have been replaced. */
  look(): void {
    const nowMs = Date.now();
    const all = ownedOf(this.certificates(), this.ofAdmin());
    for (const { files, owner, stapledUntilMs } of this.responses.handleLook(nowMs, all.flatMap(responseOf))) {
      const date = timeText(stapledUntilMs);
      const place = `the OCSP response ${files.ocsp} of ${owner}`;
      this.log.warn(`${place} was valid until ${date}, and is stapled no more: renew it`);
    }
    for (const due of this.watch.handleLook(nowMs, all)) {
      const { files, owner, notAfterMs } = due;
      const stage: ExpiryStage | null = expiryStage(due, nowMs);
      const place = `the certificate ${files.certificate} of ${owner}`;
      if (stage === 'ended') this.log.error(expiredText(due));
      else this.log.warn(`${place} expires at ${timeText(notAfterMs)}, in ${leftText(notAfterMs - nowMs)}: renew it`);
    }
  }
}

/** Of those that are in use: what others refuse now. */
export function expiredTexts(
  certificates: Certificates,
  ofAdmin: CertificateFacts | null,
  nowMs: number,
): readonly string[] {
  return ownedOf(certificates, ofAdmin)
    .filter(({ notAfterMs }) => notAfterMs <= nowMs)
    .map(expiredText);
}

type Owned = CertificateFacts & { readonly owner: string; readonly others: 'clients' | 'servers' };

function ownedOf({ listeners, upstreams }: Certificates, ofAdmin: CertificateFacts | null): readonly Owned[] {
  return [
    ...(ofAdmin === null ? [] : [{ ...ofAdmin, owner: 'the admin API', others: 'clients' } as const]),
    ...listeners.flatMap(({ listener, certificates }) =>
      certificates.map((certificate): Owned => ({ ...certificate, owner: `listener ${listener}`, others: 'clients' })),
    ),
    ...upstreams.flatMap(({ upstream, certificate }): readonly Owned[] =>
      certificate === null ? [] : [{ ...certificate, owner: `upstream ${upstream}`, others: 'servers' }],
    ),
  ];
}

function expiredText({ files, owner, others, notAfterMs }: Owned): string {
  const date = timeText(notAfterMs);
  return `the certificate ${files.certificate} of ${owner} has expired at ${date}, and ${others} refuse it: renew it`;
}

type Stapled = CertificateFacts & Lifetime & { readonly owner: string; readonly stapledUntilMs: number };

/** As something that ends: there is no telling how long before that another one is to be had. */
function responseOf(certificate: CertificateFacts & { readonly owner: string }): Stapled[] {
  const { stapledUntilMs } = certificate;
  if (stapledUntilMs === null || stapledUntilMs > Date.now()) return [];
  return [{ ...certificate, stapledUntilMs, notBeforeMs: 0, notAfterMs: stapledUntilMs }];
}

function leftText(ms: number): string {
  const days = Math.floor(ms / DAY_MS);
  if (days > 1) return `${days} days`;
  return `${Math.max(1, Math.floor(ms / HOUR_MS))} h`;
}
