/** `tls` of a listener and of an upstream as plans. Which certificates they have was read from their files. */
import { DEFAULTS } from '../model/defaults.ts';
import type { ServersTlsConfig, TlsConfig } from '../model/tls.ts';
import { listOf } from '../model/parts.ts';
import type { ServersTlsPlan, TlsPlan } from '../plan/tls.ts';
import { INTERMEDIATE, MODERN, type TlsProfile } from '../words/tls-profiles.ts';

/** What files say of it. */
export type TlsFilesPlan = Pick<TlsPlan, 'entries' | 'tickets'>;

export const NO_TLS_FILES: TlsFilesPlan = { entries: [], tickets: '' };

/** `protocols`: for ALPN. `times`: of the configuration, converted. */
export function compileTls(
  tls: TlsConfig,
  protocols: readonly string[],
  { entries, tickets }: TlsFilesPlan,
  { handshakeMs, sessionMs }: { readonly handshakeMs: number; readonly sessionMs: number },
): TlsPlan {
  return {
    entries,
    unknownName: tls['unknown-name'] ?? DEFAULTS.tls['unknown-name'],
    ...profileOf(tls),
    protocols,
    handshakeMs,
    tickets,
    sessionSeconds: Math.ceil(sessionMs / 1000),
    keepsSessions: tls['session-cache'] ?? DEFAULTS.tls['session-cache'],
    handshakes: {
      perSecond: tls.handshakes?.['per-second'] ?? 0,
      perSource: tls.handshakes?.['per-source'] ?? 0,
    },
    plainHttp: tls['plain-http'] ?? DEFAULTS.tls['plain-http'],
  };
}

/** What the files of a `tls` of an upstream, or of its checks, have in them. */
export interface ServersTlsFiles {
  /** Null: nobody is verified. */
  readonly trust: string | null;
  readonly credential: string | null;
}

/** `protocols`: for ALPN, best first; null: as it is written. `files` null: they were not looked at. */
export function compileServersTls(
  written: ServersTlsConfig | undefined,
  protocols: readonly string[] | null,
  files: ServersTlsFiles | null,
): ServersTlsPlan | null {
  const tls = mapOf(written);
  if (tls === null) return null;
  const filled = { ...DEFAULTS.upstream.tls, ...tls };
  const { prefersOwnOrder: _, ...profile } = profileOf(tls);
  return {
    // what was not looked at is nobody's: it must not look as if everybody were believed
    trust: filled.verify ? (files?.trust ?? '') : null,
    verifyDepth: tls['verify-depth'] ?? -1,
    credential: tls.certificate === undefined ? null : (files?.credential ?? ''),
    serverName: tls['server-name']?.toLowerCase() ?? null,
    sendsName: filled.sni,
    ...profile,
    protocols: protocols ?? listOf(tls.alpn),
    reusesSessions: filled['session-reuse'],
  };
}

type ServersTlsMap = Exclude<ServersTlsConfig, boolean>;

/** Null: servers are spoken to in clear. */
function mapOf(written: ServersTlsConfig | undefined): ServersTlsMap | null {
  if (written === undefined || written === false) return null;
  return written === true ? {} : written;
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
