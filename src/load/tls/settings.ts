/** Whether the OpenSSL of the proxies, which is the one of this process, takes the lists that a configuration has for it. */
import type { SecureContextOptions } from 'node:tls';
import { profileOf } from '../../config/compile/tls.ts';
import {
  type Diagnostic,
  diagnose,
  type Path,
  problem,
  show,
  type SourceMap,
} from '../../config/findings/diagnostic.ts';
import type { Config, Loose } from '../../config/model/config.ts';
import type { ServersTlsConfig, TlsConfig } from '../../config/model/tls.ts';
import { entriesOf } from '../../config/model/parts.ts';
import { findTlsRefusal } from '../../io/openssl/trial.ts';
import type { TlsSettings } from '../../port/tls.ts';
import { opensslReason } from './wording.ts';
import { createSecureContext } from './secure-context.ts';

/** Those that a proxy will have; null: they are not known, or OpenSSL does not take them, which `findSettingFaults` tells. */
export function settingsOf({ profile }: Pick<Loose<TlsConfig>, 'profile'>): TlsSettings | null {
  if (typeof profile === 'object' && profile.versions === undefined) return null;
  const { versions, ciphers, suites, groups, prefersOwnOrder } = profileOf({ profile } as Pick<TlsConfig, 'profile'>);
  const settings = { versions, ciphers, suites, groups, prefersOwnOrder };
  return findTlsRefusal(settings, []) === null ? settings : null;
}

/** Known from OpenSSL 3.5 on, and left out where it is not. */
const LATER_GROUPS: ReadonlySet<string> = new Set(['X25519MLKEM768']);

export function findSettingFaults({ listeners, upstreams }: Loose<Config>, source: SourceMap): readonly Diagnostic[] {
  const ofUpstreams = entriesOf(upstreams).flatMap(([name, { tls, health }]) => {
    const checks = findFaults(health?.tls, ['upstreams', name, 'health', 'tls'], source);
    return findFaults(tls, ['upstreams', name, 'tls'], source).concat(checks);
  });
  return entriesOf(listeners)
    .flatMap(([name, { tls }]) => findFaults(tls, ['listeners', name, 'tls'], source))
    .concat(ofUpstreams);
}

function findFaults(
  tls: Loose<TlsConfig> | Loose<ServersTlsConfig> | undefined,
  tlsPath: Path,
  source: SourceMap,
): readonly Diagnostic[] {
  const profile = typeof tls === 'object' ? tls.profile : undefined;
  if (typeof profile !== 'object' || profile.versions === undefined) return [];
  const path: Path = [...tlsPath, 'profile'];
  const { ciphers, suites, groups } = profileOf({ profile } as Pick<TlsConfig, 'profile'>);
  const settings: readonly (readonly [key: string, what: string, value: string, options: SecureContextOptions])[] = [
    ['ciphers', 'cipher suites of TLS 1.2', ciphers, { ciphers }],
    ['ciphersuites', 'cipher suites of TLS 1.3', suites, { ciphers: suites }],
    ...groups
      .split(':')
      .filter((group) => !LATER_GROUPS.has(group))
      .map((group) => ['groups', 'a group', group, { ecdhCurve: group }] as const),
  ];
  const faults = settings.flatMap(([key, what, value, options]) => {
    const reason = value === '' ? null : refusal(options);
    if (reason === null) return [];
    const fix =
      key === 'groups'
        ? '`openssl list -tls-groups` has those that there are'
        : '`openssl ciphers -v` has those that there are';
    return [
      diagnose(
        problem('bad-tls-setting', { value: show(value), what, reason, fix }),
        source.locate([...path, key], 'value'),
      ),
    ];
  });
  if (faults.length > 0) return faults;
  const whole = profileOf({ profile } as Pick<TlsConfig, 'profile'>);
  const reason = findTlsRefusal(whole, []);
  if (reason === null) return [];
  const fix = 'leave out what does not go together';
  const args = { value: '`profile`', what: 'a whole', reason, fix };
  return [diagnose(problem('bad-tls-setting', args), source.locate(path, 'value'))];
}

function refusal(options: SecureContextOptions): string | null {
  try {
    createSecureContext(options);
    return null;
  } catch (error) {
    return opensslReason(error);
  }
}
