/** The `tls` part of a listener as a plan. Which certificates it has was read from their files. */
import { DEFAULTS } from './defaults.ts';
import type { TlsConfig } from './model-tls.ts';
import { listOf } from './parts.ts';
import type { ListenerPlan, TlsPlan } from './plan.ts';
import { INTERMEDIATE, MODERN, type TlsProfile } from './tls-profiles.ts';

/** What files say of it. */
export type TlsFilesPlan = Pick<TlsPlan, 'entries' | 'tickets'>;

export const NO_TLS_FILES: TlsFilesPlan = { entries: [], tickets: '' };

/** `handshakeMs`: of the configuration, converted. */
export function compileTls(
  tls: TlsConfig,
  protocol: ListenerPlan['protocol'],
  { entries, tickets }: TlsFilesPlan,
  handshakeMs: number,
): TlsPlan {
  return {
    entries,
    unknownName: tls['unknown-name'] ?? DEFAULTS.tls['unknown-name'],
    ...profileOf(tls),
    protocols: protocol === 'http' ? ['http/1.1'] : [],
    handshakeMs,
    tickets,
    handshakes: {
      perSecond: tls.handshakes?.['per-second'] ?? 0,
      perSource: tls.handshakes?.['per-source'] ?? 0,
    },
    plainHttp: tls['plain-http'] ?? DEFAULTS.tls['plain-http'],
  };
}

export function profileOf({ profile = DEFAULTS.tls.profile }: Pick<TlsConfig, 'profile'>): TlsProfile {
  if (typeof profile === 'string') return profile === 'modern' ? MODERN : INTERMEDIATE;
  const versions = listOf(profile.versions);
  return {
    versions: (['1.2', '1.3'] as const).filter((version) => versions.includes(`TLSv${version}`)),
    ciphers: profile.ciphers ?? (versions.includes('TLSv1.2') ? INTERMEDIATE.ciphers : ''),
    suites: profile.ciphersuites ?? '',
    groups: profile.groups ?? '',
    prefersOwnOrder: profile['server-order'] ?? DEFAULTS.tls.serverOrder,
  };
}
