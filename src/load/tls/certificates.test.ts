import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { join } from 'node:path';
import { formatDiagnostic } from '../../config/findings/diagnostic.ts';
import { loadYaml } from '../../config/yaml/load.ts';
import { readCertificates, type ReadCertificates } from './certificates.ts';
import { certificateSourcesOf, type CertificateSources } from './sources.ts';
import { findSettingFaults } from './settings.ts';
import { CertificateMaker } from './testing/certificate-maker.ts';

const maker = new CertificateMaker();
after(() => maker.remove());
maker.make('root', { names: [], isAuthority: true });
maker.make('middle', { names: [], isAuthority: true, issuer: 'root' });
maker.make('site', { names: ['shop.example', '*.Shop.example'], issuer: 'middle' });
maker.make('site-rsa', { names: ['shop.example', '*.shop.example'], issuer: 'middle', key: 'rsa' });
maker.make('own', { names: ['own.example'] });
for (const name of ['site', 'site-rsa']) maker.join(`${name}.chain.pem`, `${name}.pem`, 'middle.pem');

const YAML =
  'upstreams: { web: { servers: [ 192.0.2.1 ] } }\nlisteners:\n  web:\n    bind: "*:443"\n    routes: [ { upstream: web } ]\n';

function sourcesOf(tls: string): CertificateSources {
  const { config, source } = loadYaml(`${YAML}    tls: ${tls}\n`, { file: maker.path('evenkeel.yaml') });
  const folderOf = (): string => maker.folder;
  return certificateSourcesOf({ config: config ?? {}, source, folderOf, stateDirectory: maker.folder });
}

/** Of a listener with this `tls`, in a file in the folder of the certificates. */
function read(tls: string): ReadCertificates & { readonly said: readonly string[] } {
  const found = readCertificates(sourcesOf(tls), Date.now());
  const said = found.diagnostics.map((one) => formatDiagnostic(one).replaceAll(`${maker.folder}/`, ''));
  return { ...found, said };
}

function sayings(tls: string): string {
  return read(tls).said.join('\n');
}

function isUsable(tls: string): boolean {
  return read(tls).certificates.credentials.length === 1;
}

function faults(profile: string): readonly string[] {
  const { config, source } = loadYaml(`${YAML}    tls: { certificate: a, profile: ${profile} }\n`, {
    file: 'e.yaml',
  });
  return findSettingFaults(config ?? {}, source).map(formatDiagnostic);
}

/** Names and kinds of the entries of the listener. */
function entriesOf({ certificates }: ReadCertificates): readonly (readonly [string, string])[] {
  const [{ entries, certificates: facts }] = certificates.listeners;
  return entries.map(({ names, credentials }) => {
    const kinds = credentials.map((id) => facts.find((one) => one.id === id)?.kind);
    return [names.join(' '), kinds.join(' ')] as const;
  });
}

test('a chain with its key is DER, for the names of the certificate', () => {
  const found = read('{ certificate: site.chain.pem, key: site.key }');
  assert.deepEqual(found.said, []);
  assert.deepEqual(entriesOf(found), [['shop.example *.shop.example', 'ECDSA P-256']]);
  const [{ id, chain, key }] = found.certificates.credentials;
  assert.equal(chain.length, 2);
  assert.match(id, /^[0-9a-f]{32}$/);
  for (const der of [...chain, key]) assert.equal(der[0], 0x30);
  assert.equal(read('{ certificate: site.chain.pem, key: site.key }').certificates.credentials[0].id, id);
  assert.deepEqual([...found.certificates.files.keys()], [maker.path('site.chain.pem'), maker.path('site.key')]);
});

test('ECDSA and RSA for the same names are one entry, and a name belongs to the first certificate of a kind', () => {
  const both = read(
    '{ certificates: [ { certificate: site.chain.pem, key: site.key }, { certificate: site-rsa.chain.pem, key: site-rsa.key }, ' +
      '{ certificate: own.pem, key: own.key } ] }',
  );
  assert.deepEqual(both.said, []);
  assert.deepEqual(entriesOf(both), [
    ['shop.example *.shop.example', 'ECDSA P-256 RSA 2048'],
    ['own.example', 'ECDSA P-256'],
  ]);
  const twice = read(
    '{ certificates: [ { certificate: site.chain.pem, key: site.key }, { certificate: own.pem, key: own.key, names: [ Shop.example, x.example ] } ] }',
  );
  assert.deepEqual(entriesOf(twice), [
    ['shop.example *.shop.example', 'ECDSA P-256'],
    ['x.example', 'ECDSA P-256'],
  ]);
  assert.match(
    twice.said.join('\n'),
    /own\.pem is not used for shop\.example: site\.chain\.pem is, which has the same kind of key/,
  );
  const nameless = read(
    '{ certificates: [ { certificate: root.pem, key: root.key }, { certificate: middle.pem, key: middle.key } ] }',
  );
  assert.deepEqual(entriesOf(nameless), [['', 'ECDSA P-256']]);
  assert.match(nameless.said.join('\n'), /middle\.pem has no name that clients could ask for/);
});

test('who asks for no name that is there gets the certificates for `*`, one of each kind of key, wherever they stand', () => {
  const found = read(
    '{ certificates: [ { certificate: own.pem, key: own.key }, { certificate: site.chain.pem, key: site.key, names: "*" }, ' +
      '{ certificate: site-rsa.chain.pem, key: site-rsa.key, names: [ x.example, "*" ] } ] }',
  );
  assert.deepEqual(found.said, []);
  assert.deepEqual(entriesOf(found), [
    ['', 'ECDSA P-256 RSA 2048'],
    ['own.example', 'ECDSA P-256'],
    ['x.example', 'RSA 2048'],
  ]);
});

test('a key inside the file of the certificate, an encrypted one, and a folder', () => {
  maker.join('inside.pem', 'own.pem', 'own.key');
  assert.deepEqual(read('{ certificate: inside.pem }').said, []);
  maker.openssl(
    'pkcs8',
    '-topk8',
    '-in',
    maker.path('own.key'),
    '-out',
    maker.path('locked.key'),
    '-passout',
    'pass:second',
  );
  chmodSync(maker.path('locked.key'), 0o600);
  writeFileSync(maker.path('pass'), 'first\nsecond\n', { mode: 0o600 });
  assert.deepEqual(read('{ certificate: own.pem, key: locked.key, passphrase-file: pass }').said, []);
  assert.match(
    read('{ certificate: own.pem, key: locked.key }').said[0],
    /locked\.key cannot be used: it is encrypted; say with `passphrase-file`/,
  );
  writeFileSync(maker.path('pass'), 'wrong\n', { mode: 0o600 });
  const wrong = read('{ certificate: own.pem, key: locked.key, passphrase-file: pass }').said;
  assert.match(wrong.join(), /no passphrase of pass opens it/);
  assert.doesNotMatch(wrong.join(), /wrong/);

  const live = maker.path('live');
  mkdirSync(join(live, 'own.example'), { recursive: true });
  writeFileSync(join(live, 'README'), 'x');
  renameSync(maker.join('a', 'own.pem'), join(live, 'own.example/fullchain.pem'));
  renameSync(maker.join('b', 'own.key'), join(live, 'own.example/privkey.pem'));
  renameSync(maker.join('c', 'site.chain.pem'), join(live, 'z.pem'));
  renameSync(maker.join('d', 'site.key'), join(live, 'z.key'));
  const folder = read('{ certificates: [ { folder: live } ] }');
  assert.deepEqual(folder.said, []);
  assert.deepEqual(
    entriesOf(folder).map(([names]) => names),
    ['own.example', 'shop.example *.shop.example'],
  );
  mkdirSync(maker.path('empty'));
  assert.match(
    read('{ certificates: [ { folder: empty } ] }').said[0],
    /empty cannot be used: nothing in the folder is one/,
  );
});

test('everything that is wrong with a pair is said, with the place and what to do', () => {
  maker.make('old', { names: ['a.example'], from: -90, until: -1 });
  maker.make('next', { names: ['a.example'], from: 5 });
  maker.make('staple', { names: ['a.example'], mustStaple: true });
  writeFileSync(maker.path('text.pem'), 'hello');
  writeFileSync(maker.path('damaged.pem'), '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
  maker.join('reversed.pem', 'middle.pem', 'site.pem');
  maker.make('stranger', { names: [], isAuthority: true });
  maker.join('strange.pem', 'site.pem', 'stranger.pem');
  maker.join('mixed.pem', 'site.pem', 'root.pem', 'middle.pem');
  maker.join('open.key', 'own.key');
  chmodSync(maker.path('open.key'), 0o644);
  const cases: readonly (readonly [string, RegExp])[] = [
    [
      '{ certificate: own.pem, key: site.key }',
      /^evenkeel\.yaml:6:39: the private key site\.key does not belong to the certificate own\.pem; name the key/,
    ],
    [
      '{ certificate: reversed.pem, key: site.key }',
      /does not belong.*; it belongs to certificate 2 of that file, which has to be the first/,
    ],
    [
      '{ certificate: site.pem, key: site.key }',
      /warning: the file site\.pem has no complete chain: it has the certificate of the site alone, which "middle" has issued; put the/,
    ],
    [
      '{ certificate: strange.pem, key: site.key }',
      /warning: .*certificate 2 of 2 has not issued the one before it; put "middle" behind it/,
    ],
    [
      '{ certificate: mixed.pem, key: site.key }',
      /warning: .*certificate 2 of 3 has not issued.*; write each certificate behind the one/,
    ],
    ['{ certificate: old.pem, key: old.key }', /warning: the certificate old\.pem has expired: it was valid until 20/],
    ['{ certificate: next.pem, key: next.key }', /warning: the certificate next\.pem is valid from 20/],
    ['{ certificate: staple.pem, key: staple.key }', /warning: .*must-staple/],
    [
      '{ certificate: own.pem, key: open.key }',
      /warning: everybody on this machine can read the private key open\.key \(mode 644\); chmod 600/,
    ],
    [
      '{ certificate: none.pem, key: own.key }',
      /:6:25: the certificate none\.pem cannot be used: there is no such file; correct the path/,
    ],
    [
      '{ certificate: own.pem, key: none.key }',
      /:6:39: the private key none\.key cannot be used: there is no such file/,
    ],
    [
      '{ certificate: own.pem }',
      /the private key own\.pem cannot be used: it has no private key; say with `key` where it is/,
    ],
    ['{ certificate: text.pem, key: own.key }', /text\.pem cannot be used: it has nothing in PEM/],
    ['{ certificate: damaged.pem, key: own.key }', /damaged\.pem cannot be used: one in it is damaged/],
    [
      '{ certificate: own.key, key: own.pem }',
      /own\.key cannot be used: it has no certificate.*\n.*own\.pem cannot be used: it has no private key/,
    ],
  ];
  for (const [tls, expected] of cases) assert.match(sayings(tls), expected, tls);
  assert.ok(isUsable('{ certificate: old.pem, key: old.key }'));
  assert.ok(!isUsable('{ certificate: own.pem, key: site.key }'));
});

test('a key that OpenSSL refuses, and lists that it does not know', () => {
  maker.make('small', { names: ['a.example'], key: 'rsa-small' });
  assert.match(
    read('{ certificate: small.pem, key: small.key }').said[0],
    /small\.pem cannot be used: .*key too small/,
  );
  assert.deepEqual(
    faults('{ versions: [ TLSv1.2, TLSv1.3 ], ciphers: "HIGH:!aNULL", groups: "X25519MLKEM768:X25519" }'),
    [],
  );
  assert.match(
    faults('{ versions: [ TLSv1.2 ], ciphers: NOTHING }').join(),
    /^e\.yaml:6:\d+: OpenSSL does not take `NOTHING` as cipher suites/,
  );
  assert.match(
    faults('{ versions: [ TLSv1.3 ], groups: "X25519:nonsense" }').join(),
    /does not take `nonsense` as a group/,
  );
});

test('one that an authority is asked for: a placeholder until its file is there, and what is named beside it is looked at', () => {
  const asked = read(
    '{ certificates: [ { acme: { names: [ Shop.example, b.example ], terms: agreed, challenge: tls-alpn-01 } } ] }',
  );
  assert.deepEqual(asked.said, []);
  assert.deepEqual(entriesOf(asked), [['shop.example b.example', 'ECDSA P-256']]);
  const [{ files }] = asked.certificates.listeners[0].certificates;
  assert.equal(files.certificate.replace(/\.[0-9a-f]{8}\.pem$/, ''), maker.path('acme/shop.example'));

  // What was made stays what it is, and what comes takes its place.
  const acmeYaml = '{ names: shop.example, terms: agreed, challenge: tls-alpn-01 }';
  const sources = sourcesOf(`{ certificates: [ { acme: ${acmeYaml} } ] }`);
  const first = readCertificates(sources, Date.now()).certificates;
  const second = readCertificates(sources, Date.now(), first).certificates;
  assert.equal(second.credentials[0].id, first.credentials[0].id);
  mkdirSync(maker.path('acme'), { mode: 0o700 });
  renameSync(maker.join('both.pem', 'own.key', 'own.pem'), files.certificate);
  chmodSync(files.certificate, 0o600);
  const third = readCertificates(sources, Date.now(), second);
  assert.deepEqual(third.diagnostics, []);
  assert.deepEqual(third.certificates.listeners[0].entries[0].names, ['own.example']);
  writeFileSync(files.certificate, 'damaged');
  const fourth = readCertificates(sources, Date.now(), third.certificates);
  assert.deepEqual(
    [fourth.diagnostics.length, fourth.certificates.credentials[0].id],
    [0, third.certificates.credentials[0].id],
  );

  writeFileSync(maker.path('eab'), 'what?\n', { mode: 0o644 });
  const acme =
    'names: a.example, terms: agreed, challenge: tls-alpn-01, ca: none.pem, eab: { key-id: x, key-file: eab }';
  assert.deepEqual(read(`{ certificates: [ { acme: { ${acme} } } ] }`).said, [
    'evenkeel.yaml:6:30: the certificates none.pem cannot be used: there is no such file; name a file in PEM [bad-acme-file]',
    'evenkeel.yaml:6:30: the key eab cannot be used: it is no key in base64url; write the key into it as the authority shows it, on one line [bad-acme-file]',
  ]);
});

test('each certificate may ask clients for another one; for one name it must be the same', () => {
  const shop = '{ certificate: site.chain.pem, key: site.key, client-certificate: { ca: root.pem, depth: 2 } }';
  const own = '{ certificate: own.pem, key: own.key }';
  const { certificates, said } = read(`{ certificates: [ ${shop}, ${own} ], client-certificate: { ca: middle.pem } }`);
  assert.deepEqual(said, []);
  const [root, middle] = certificates.authorities.map(({ id }) => id);
  assert.deepEqual(
    certificates.listeners[0].entries.map(({ names: [name], clients }) => [name, clients]),
    [
      ['shop.example', { mode: 'require', authorities: root, depth: 2 }],
      ['own.example', { mode: 'require', authorities: middle, depth: 1 }],
    ],
  );
  const rsa = '{ certificate: site-rsa.chain.pem, key: site-rsa.key }';
  assert.match(sayings(`{ certificates: [ ${shop}, ${rsa} ] }`), /are both for shop\.example, and ask clients for/);
  assert.match(
    sayings('{ certificate: own.pem, key: own.key, client-certificate: { ca: nothing.pem } }'),
    /clients cannot be judged by nothing\.pem/,
  );
});
