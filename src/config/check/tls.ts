/** `tls` of a listener and of an upstream: which keys go together. What the files have in them is looked at by load/tls. */
import type { Path } from '../findings/diagnostic.ts';
import { parseServer } from '../words/addresses.ts';
import { ANY_NAME } from '../words/patterns.ts';
import { show } from '../findings/diagnostic.ts';
import type { Loose, UpstreamConfig } from '../model/config.ts';
import type { ClientCertificateConfig, ServersTlsConfig, TlsConfig } from '../model/tls.ts';
import { itemsOf, listOf } from '../model/parts.ts';
import type { Report } from './report.ts';

/** `protocol`: null where that is not known. */
export function checkTls(tls: Loose<TlsConfig>, protocol: string | null, path: Path, report: Report): void {
  if (protocol === 'udp') report.atKey(path, 'wrong-protocol', { key: 'tls', protocol, fix: 'leave it out' });
  if (protocol === 'tcp' && tls['plain-http'] !== undefined) {
    const args = { key: 'tls.plain-http', protocol, fix: 'leave it out' };
    report.atKey([...path, 'plain-http'], 'wrong-protocol', args);
  }
  if (protocol === 'http' && tls.alpn !== undefined) {
    const args = { key: 'tls.alpn', protocol, fix: 'leave it out: it is `http/1.1`, and `h2` with `http2: true`' };
    report.atKey([...path, 'alpn'], 'wrong-protocol', args);
  }
  report.oneOf(tls, path, ['certificate', 'certificates']);
  checkClientCertificate(tls['client-certificate'], [...path, 'client-certificate'], report);
  checkTickets(tls, path, report);
  if (tls.certificates !== undefined) checkPairKeys(tls, path, report);
  for (const { path: at, value } of itemsOf(tls.certificates, [...path, 'certificates'])) {
    const kind = report.oneOf(value, at, ['certificate', 'folder', 'acme']);
    if (kind === 'folder' || kind === 'acme') checkPairKeys(value, at, report);
    checkClientCertificate(value['client-certificate'], [...at, 'client-certificate'], report);
    if (tls['unknown-name'] === 'refuse' && listOf(value.names ?? []).includes(ANY_NAME)) {
      const reason = '`unknown-name: refuse` gives nobody else a certificate';
      report.atKey([...at, 'names'], 'no-effect', { key: `names: ${ANY_NAME}`, reason, fix: 'leave out one of both' });
    }
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
  checkProfile(tls.profile, path, report);
}

/** Of an upstream, or of its checks. */
export function checkServersTls(
  name: string,
  written: Loose<ServersTlsConfig>,
  { servers }: Loose<UpstreamConfig>,
  path: Path,
  report: Report,
): void {
  if (written === false) return;
  const tls = written === true ? {} : written;
  checkPairKeys(tls, path, report);
  checkProfile(tls.profile, path, report);
  if (tls.verify === false) {
    report.atKey([...path, 'verify'], 'unverified-servers', { name });
    for (const key of ['ca', 'crl', 'verify-depth'] as const) {
      if (tls[key] === undefined) continue;
      const args = { key, reason: 'with `verify: false` every server is believed', fix: 'leave out one of both' };
      report.atKey([...path, key], 'no-effect', args);
    }
    return;
  }
  if (tls['server-name'] !== undefined || !report.lacks(path, 'server-name')) return;
  const unix = listOf(servers)
    .map((server) => (typeof server === 'string' ? server : (server.address ?? '')))
    .find((address) => address.startsWith('unix:') && parseServer(address).value !== null);
  if (unix !== undefined) report.atKey(path, 'server-without-name', { value: show(unix) });
}

function checkProfile(profile: Loose<TlsConfig>['profile'], path: Path, report: Report): void {
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
