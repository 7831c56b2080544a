import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { diagnose, formatDiagnostic } from '../../config/findings/diagnostic.ts';
import { type AuthorityFiles, readAuthorities } from './authorities.ts';
import { CertificateMaker } from './testing/certificate-maker.ts';

const maker = new CertificateMaker();
after(() => maker.remove());
maker.make('root', { names: [], isAuthority: true });
maker.make('middle', { names: [], isAuthority: true, issuer: 'root' });
maker.make('foreign', { names: [], isAuthority: true });
maker.make('old', { names: [], isAuthority: true, from: -20, until: -10 });
maker.make('site', { names: ['shop.example'], issuer: 'root' });
maker.revoke('crl', 'root', ['site']);
maker.revoke('late-crl', 'root', [], -5);
maker.revoke('middle-crl', 'middle', []);
maker.revoke('foreign-crl', 'foreign', []);
maker.join('both.pem', 'root.pem', 'middle.pem');
maker.join('both-crl.pem', 'crl.pem', 'middle-crl.pem');
writeFileSync(maker.path('broken.pem'), '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
writeFileSync(maker.path('broken-crl.pem'), '-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n');

function path(name: string | null = null): string | null {
  return name === null ? null : maker.path(name);
}

function read(files: Partial<AuthorityFiles>): ReturnType<typeof readAuthorities> & { readonly said: string } {
  const found = readAuthorities(
    {
      announced: path(files.announced),
      unannounced: path(files.unannounced),
      revocations: path(files.revocations),
    },
    Date.now(),
  );
  const said = found.problems.map((one) =>
    `${one.about}: ${formatDiagnostic(diagnose(one, { file: 'e', line: 1, column: 1 }))}`.replaceAll(
      `${maker.folder}/`,
      '',
    ),
  );
  return { ...found, said: said.join('\n') };
}

test('authorities and what they have revoked', () => {
  const { authorities, said } = read({ announced: 'root.pem', unannounced: 'middle.pem', revocations: 'both-crl.pem' });
  assert.equal(said, '');
  assert.deepEqual(
    [authorities?.certificates.length, authorities?.announced, authorities?.revocations.length],
    [2, 1, 2],
  );
  const again = read({ announced: 'root.pem', unannounced: 'middle.pem', revocations: 'both-crl.pem' });
  assert.equal(again.authorities?.id, authorities?.id, 'the same files, the same identifier');
  assert.notEqual(read({ announced: 'both.pem', revocations: 'both-crl.pem' }).authorities?.id, authorities?.id);
});

test('what is no authority, has expired, or is of somebody else, is said', () => {
  for (const [files, saying] of [
    [{ announced: 'site.pem' }, /^announced: .* by site\.pem, and it is not of an authority/],
    [{ unannounced: 'old.pem' }, /^unannounced: .* by old\.pem, and it has expired: it was valid until 20/],
    [{ announced: 'root.pem', revocations: 'late-crl.pem' }, /the list of "CN=root" has expired/],
    [
      { announced: 'root.pem', revocations: 'foreign-crl.pem' },
      /the list of "CN=foreign" is of none of the authorities.*it has no list of "CN=root"/s,
    ],
    [{ announced: 'both.pem', revocations: 'crl.pem' }, /it has no list of "CN=middle"/],
  ] as const) {
    const { authorities, said } = read(files);
    assert.match(said, saying);
    assert.ok(authorities !== null, 'a warning');
  }
});

test('what cannot be read is an error', () => {
  for (const [files, saying] of [
    [{ announced: 'gone.pem' }, /cannot be judged by gone\.pem: there is no such file/],
    [{ announced: 'root.key' }, /root\.key: it has not a certificate of an authority/],
    [{ announced: 'broken.pem' }, /broken\.pem: it is damaged/],
    [{ announced: 'root.pem', revocations: 'root.pem' }, /^revocations: .*it has not a revocation list/],
    [{ announced: 'root.pem', revocations: 'broken-crl.pem' }, /a revocation list in it is damaged/],
  ] as const) {
    const { authorities, said } = read(files);
    assert.match(said, saying);
    assert.equal(authorities, null);
  }
});
