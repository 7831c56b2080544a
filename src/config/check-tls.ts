/** The `tls` part of a listener: which keys go together. What the files have in them is looked at by load/tls. */
import type { Path } from './diagnostic.ts';
import type { Loose } from './model.ts';
import type { ClientCertificateConfig, TlsConfig } from './model-tls.ts';
import { itemsOf, listOf } from './parts.ts';
import type { Report } from './report.ts';

/** `protocol`: null where that is not known. */
export function checkTls(tls: Loose<TlsConfig>, protocol: string | null, path: Path, report: Report): void {
  if (protocol === 'udp') report.atKey(path, 'wrong-protocol', { key: 'tls', protocol, fix: 'leave it out' });
  if (protocol === 'tcp' && tls['plain-http'] !== undefined) {
    const args = { key: 'tls.plain-http', protocol, fix: 'leave it out' };
    report.atKey([...path, 'plain-http'], 'wrong-protocol', args);
  }
  report.oneOf(tls, path, ['certificate', 'certificates']);
  checkClientCertificate(tls['client-certificate'], [...path, 'client-certificate'], report);
  checkTickets(tls, path, report);
  if (tls.certificates !== undefined) checkPairKeys(tls, path, report);
  for (const { path: at, value } of itemsOf(tls.certificates, [...path, 'certificates'])) {
    const kind = report.oneOf(value, at, ['certificate', 'folder', 'acme']);
    if (kind === 'folder' || kind === 'acme') checkPairKeys(value, at, report);
    checkClientCertificate(value['client-certificate'], [...at, 'client-certificate'], report);
    if (value.certificate === undefined && value.names !== undefined && report.lacks(at, 'certificate')) {
      const args =
        kind === 'acme'
          ? { key: 'names', reason: 'those of `acme` are inside of it', fix: 'write it there' }
          : {
              key: 'names',
              reason: 'those of a folder are in its certificates',
              fix: 'write it with `certificate`',
            };
      report.atKey([...at, 'names'], 'no-effect', args);
    }
  }
  const { profile } = tls;
  if (typeof profile !== 'object') return;
  for (const [version, keys] of [
    ['TLSv1.2', ['ciphers']],
    ['TLSv1.3', ['ciphersuites']],
  ] as const) {
    if (profile.versions === undefined || listOf(profile.versions).includes(version)) continue;
    for (const key of keys) {
      if (profile[key] === undefined) continue;
      const args = { key, reason: `\`versions\` has no ${version}`, fix: 'leave it out' };
      report.atKey([...path, 'profile', key], 'no-effect', args);
    }
  }
}

function checkTickets(tls: Loose<TlsConfig>, path: Path, report: Report): void {
  const given = (['ticket-secret', 'ticket-keys'] as const).filter((name) => tls[name] !== undefined);
  if (given.length === 2) {
    report.atKey([...path, given[1]], 'only-one', { place: '`tls`', given: '`ticket-secret` and `ticket-keys`' });
  }
  if (tls.tickets !== false) return;
  for (const name of given) {
    const args = { key: name, reason: '`tickets` is false', fix: 'leave one of them out' };
    report.atKey([...path, name], 'no-effect', args);
  }
}

function checkClientCertificate(client: Loose<ClientCertificateConfig> | undefined, path: Path, report: Report): void {
  if (client === undefined || client.mode === 'optional-no-ca') return;
  if (client.ca === undefined && client['unannounced-ca'] === undefined && report.lacks(path, 'ca')) {
    const args = { place: '`client-certificate`', key: 'ca', fix: 'a file with the certificates of authorities' };
    report.atKey(path, 'missing-key', args);
  }
}

/** What says more of a certificate stands beside it. */
function checkPairKeys(
  pair: Loose<Pick<TlsConfig, 'certificate' | 'key' | 'ocsp' | 'passphrase-file'>>,
  path: Path,
  report: Report,
): void {
  if (pair.certificate !== undefined || !report.lacks(path, 'certificate')) return;
  for (const key of ['key', 'passphrase-file', 'ocsp'] as const) {
    if (pair[key] === undefined) continue;
    const args = { key, reason: 'there is no `certificate` beside it', fix: 'write it beside `certificate`' };
    report.atKey([...path, key], 'no-effect', args);
  }
}
