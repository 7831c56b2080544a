import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { formatDiagnostic } from '../../config/findings/diagnostic.ts';
import { loadYaml } from '../../config/yaml/load.ts';
import { readCertificates, type ReadCertificates, upstreamFilesOf } from './certificates.ts';
import { faultTexts } from './faults.ts';
import { describeAuthorities, renewCertificates } from './renewal.ts';
import { findSettingFaults } from './settings.ts';
import { type CertificateSources, certificateSourcesOf } from './sources.ts';
import { CertificateMaker } from './testing/certificate-maker.ts';

const maker = new CertificateMaker();
after(() => maker.remove());
maker.make('root', { names: [], isAuthority: true });
maker.make('old', { names: [], isAuthority: true, from: -20, until: -1 });
maker.make('site', { names: ['shop.example'], issuer: 'root' });
maker.make('own', { names: ['own.example'] });
maker.make('small', { names: ['small.example'], key: 'rsa-small' });
maker.join('both.pem', 'root.pem', 'old.pem');
writeFileSync(maker.path('damaged.pem'), '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
writeFileSync(maker.path('damaged.crl'), '-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n');
maker.revoke('late', 'root', [], -5);
maker.openssl(
  ...`ca -gencrl -crldays 9 -config ${maker.path('root.ca/ca.conf')} -cert ${maker.path('root.pem')}`.split(' '),
  ...`-keyfile ${maker.path('root.key')} -out ${maker.path('root.crl')}`.split(' '),
);

interface Read extends ReadCertificates {
  readonly sources: CertificateSources;
  readonly said: readonly string[];
}

/** Of an upstream with this `tls`, in a file in the folder of the certificates. */
function read(tls: string, health = ''): Read {
  const yaml = `upstreams: { web: { servers: [ 192.0.2.1 ], tls: ${tls}${health} } }`;
  const { config, source } = loadYaml(`listeners: { web: { bind: "*:1", routes: [ { upstream: web } ] } }\n${yaml}\n`, {
    file: maker.path('evenkeel.yaml'),
  });
  const folderOf = (): string => maker.folder;
  const sources = certificateSourcesOf({ config: config ?? {}, source, folderOf, stateDirectory: maker.folder });
  const found = readCertificates(sources, Date.now());
  const all = [...found.diagnostics, ...findSettingFaults(config ?? {}, source)];
  return { ...found, sources, said: all.map((one) => formatDiagnostic(one).replaceAll(`${maker.folder}/`, '')) };
}

test('what cannot be believed by is an error with its place', () => {
  for (const [tls, message] of [
    [
      '{ ca: absent.pem }',
      '2:56: the certificates of authorities absent.pem cannot be used: there is no such file; correct the path',
    ],
    [
      '{ ca: root.key }',
      '2:56: the certificates of authorities root.key cannot be used: it has no certificate; name the file with the lines BEGIN CERTIFICATE',
    ],
    [
      '{ ca: site.pem }',
      '2:56: the certificates of authorities site.pem cannot be used: "site" may issue none; name the certificate of its issuer, "root"',
    ],
    [
      '{ ca: root.pem, crl: root.pem }',
      '2:71: the list of revoked certificates root.pem cannot be used: it has none; name the file with the lines BEGIN X509 CRL',
    ],
    [
      '{ ca: root.pem, certificate: site.pem, key: own.key }',
      'the private key own.key does not belong to the certificate site.pem',
    ],
    [
      '{ ca: root.pem, profile: { versions: TLSv1.2, ciphers: NOTHING } }',
      'OpenSSL does not take `NOTHING` as cipher suites of TLS 1.2',
    ],
  ] as const) {
    const { said, certificates } = read(tls);
    assert.equal(said.length, 1, said.join('\n'));
    assert.ok(said[0].includes(message), said[0]);
    const [{ trust, certificate }] = certificates.upstreams;
    if (!tls.includes('profile')) assert.ok(trust === null || certificate === null);
  }
  for (const [servers, checks] of [
    ['{ ca: root.pem, certificate: small.pem, key: small.key }', ''],
    ['{ ca: root.pem }', ', health: { http: /, tls: { ca: root.pem, certificate: small.pem, key: small.key } }'],
  ]) {
    const { said } = read(servers, checks);
    assert.equal(said.length, 1, said.join('\n'));
    assert.match(said[0], /the certificate small\.pem cannot be used: .*key too small/);
  }
  for (const tls of ['{ ca: damaged.pem }', '{ ca: root.pem, crl: damaged.crl }']) {
    assert.match(read(tls).said.join(), /one in it is damaged/);
  }
});

test('an authority that has expired is a warning', () => {
  const [said] = read('{ ca: both.pem }').said;
  assert.match(said, /warning: the authority "old" in both\.pem has expired: it was valid until \d{4}-/);
});

test('a list of revoked certificates that has expired is a warning', () => {
  const { said, certificates } = read('{ ca: root.pem, crl: late.pem }');
  assert.match(
    said.join(),
    /^[^,]*2:71: warning: the list of "CN=root" in late\.pem has expired: the next one was due at \d{4}-/,
  );
  assert.equal(certificates.authorities.length, 1);
});

test('a certificate that nobody has issued is its own authority', () => {
  const { said, certificates } = read('{ ca: own.pem }');
  assert.deepEqual(said, []);
  assert.equal(certificates.authorities.length, 1);
});

test('the same files are the same, in both parts of an upstream; without `ca` they are the system’s', () => {
  const { certificates } = read(
    '{ ca: root.pem, crl: root.crl }',
    ', health: { http: /, tls: { ca: root.pem, crl: root.crl } }',
  );
  assert.equal(certificates.authorities.length, 1);
  const [{ certificates: own, id, revocations }] = certificates.authorities;
  assert.equal(own.length, 1);
  assert.equal(revocations.length, 1);
  const { servers, checks } = upstreamFilesOf(certificates).get('web')!;
  assert.deepEqual([servers?.trust, checks?.trust], [id, id]);
  process.env['SSL_CERT_FILE'] = maker.path('root.pem');
  try {
    const system = read('true').certificates;
    assert.deepEqual([...system.files.keys()], [maker.path('root.pem')]);
    assert.notEqual(system.authorities[0].id, id);
  } finally {
    delete process.env['SSL_CERT_FILE'];
  }
});

test('files that are replaced are read again; what cannot be used now stays what it was', () => {
  maker.join('changing.pem', 'root.pem');
  const { certificates: former, sources } = read('{ ca: changing.pem, certificate: site.pem, key: site.key }');
  assert.equal(renewCertificates({ sources, former }).certificates, null);
  maker.join('changing.pem', 'own.pem');
  const renewed = renewCertificates({ sources, former }).certificates;
  assert.ok(renewed !== null);
  assert.notEqual(renewed.upstreams[0].trust, former.upstreams[0].trust);
  const file = maker.path('changing.pem');
  assert.deepEqual(describeAuthorities(former, renewed), [
    `certificates of servers are judged by ${file} as they are now`,
  ]);
  writeFileSync(maker.path('changing.pem'), 'nothing');
  const { refusals, faults, certificates } = renewCertificates({ sources, former });
  assert.equal(certificates, null);
  assert.deepEqual(faultTexts({ faults, listeners: [] }), [
    `upstream web: ${file} on disk cannot be used (it has nothing in PEM), the former one is used; reload and upgrade are refused`,
  ]);
  assert.match(refusals.join(), /changing\.pem cannot be used: it has nothing in PEM/);
});
