/** Tokens: who signs them is known by the key, and what is not understood lets nobody in. */
import assert from 'node:assert/strict';
import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { test } from 'node:test';
import { parseBearer } from './authorization.ts';
import { type KeySet, parseKeySet } from './key-set.ts';
import { FixedKeys, RemoteKeys } from './key-source.ts';
import { checkToken, type TokenRules } from './tokens.ts';

const NOW_MS = 1_800_000_000_000;
const NOW = NOW_MS / 1000;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const ed = generateKeyPairSync('ed25519');
const SECRET = Buffer.alloc(32, 7);
const PEM = rsa.publicKey.export({ type: 'spki', format: 'pem' }) as string;
const jwk = (key: KeyObject, more: object) => ({ ...key.export({ format: 'jwk' }), ...more });
const SET = {
  keys: [
    jwk(rsa.publicKey, { kid: 'rsa' }),
    jwk(other.publicKey, { kid: 'pss', alg: 'PS256' }),
    jwk(p256.publicKey, { kid: 'p256' }),
    jwk(p384.publicKey, { kid: 'p384' }),
    jwk(ed.publicKey, { kid: 'ed' }),
    { kty: 'oct', kid: 'secret', alg: 'HS256', k: SECRET.toString('base64url') },
  ],
};
const RULES: TokenRules = { audiences: [], issuer: null, leewayMs: 30_000, claims: ['sub'] };
const CLAIMS = { sub: 'ann', exp: NOW + 60 };

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function signed(head: object, claims: object, make: (text: Buffer) => Buffer): string {
  const text = `${encode(head)}.${encode(claims)}`;
  return `${text}.${make(Buffer.from(text)).toString('base64url')}`;
}

const rs256 = (claims: object, head: object = { alg: 'RS256', kid: 'rsa' }): string =>
  signed(head, claims, (text) => sign('sha256', text, rsa.privateKey));
const hs256 = (key: string | Buffer, head: object): string =>
  signed(head, CLAIMS, (text) => createHmac('sha256', key).update(text).digest());

const es256 = (text: Buffer): Buffer => sign('sha256', text, { key: p256.privateKey, dsaEncoding: 'ieee-p1363' });
const es384 = (text: Buffer): Buffer => sign('sha384', text, { key: p384.privateKey, dsaEncoding: 'ieee-p1363' });
const ps256 = (text: Buffer): Buffer => sign('sha256', text, { key: other.privateKey, padding: 6, saltLength: 32 });

async function check(token: string, rules: Partial<TokenRules> = {}, set: object = SET): Promise<string> {
  const source = new FixedKeys(parseKeySet(JSON.stringify(set), true));
  const decision = await checkToken(token, source, { ...RULES, ...rules }, NOW_MS);
  return decision.kind === 'right'
    ? decision.claims.join('|')
    : decision.kind === 'wrong'
      ? decision.reason
      : 'unknown';
}

test('a token is right that one of the keys has signed, each for its own algorithm', async () => {
  for (const token of [
    rs256(CLAIMS),
    rs256(CLAIMS, { alg: 'RS256' }),
    signed({ alg: 'PS256', kid: 'pss' }, CLAIMS, ps256),
    signed({ alg: 'ES256', kid: 'p256' }, CLAIMS, es256),
    signed({ alg: 'ES384', kid: 'p384' }, CLAIMS, es384),
    signed({ alg: 'EdDSA', kid: 'ed' }, CLAIMS, (text) => sign(null, text, ed.privateKey)),
    signed({ alg: 'Ed25519', kid: 'ed' }, CLAIMS, (text) => sign(null, text, ed.privateKey)),
    hs256(SECRET, { alg: 'HS256', kid: 'secret' }),
  ])
    assert.equal(await check(token), 'ann', token);
});

test('a token has no say in how it is verified', async () => {
  const publicOnly = { keys: SET.keys.slice(0, 5) };
  const none = `${encode({ alg: 'none' })}.${encode(CLAIMS)}.`;
  const forged = [
    none,
    none.replace('none', 'None'),
    `${encode({ alg: 'none', kid: 'rsa' })}.${encode(CLAIMS)}.`,
    // a public key taken for a secret
    ...[PEM, PEM.trim(), rsa.publicKey.export({ type: 'spki', format: 'der' }), JSON.stringify(SET.keys[0])].flatMap(
      (key) => [hs256(key, { alg: 'HS256', kid: 'rsa' }), hs256(key, { alg: 'HS256' })],
    ),
    // another algorithm of the same key
    signed({ alg: 'RS512', kid: 'rsa' }, CLAIMS, (text) => sign('sha512', text, rsa.privateKey)),
    signed({ alg: 'PS256', kid: 'rsa' }, CLAIMS, (text) =>
      sign('sha256', text, { key: rsa.privateKey, padding: 6, saltLength: 32 }),
    ),
    // a key that it brings itself
    signed({ alg: 'RS256', jwk: jwk(other.publicKey, {}) }, CLAIMS, (text) => sign('sha256', text, other.privateKey)),
    signed({ alg: 'RS256', kid: '../rsa' }, CLAIMS, (text) => sign('sha256', text, rsa.privateKey)),
    signed({ alg: 'RS256', kid: 'rsa', crit: ['x'], x: 1 }, CLAIMS, (text) => sign('sha256', text, rsa.privateKey)),
    signed({ alg: 'RS256', kid: 'rsa', crit: ['b64'], b64: false }, CLAIMS, (text) =>
      sign('sha256', text, rsa.privateKey),
    ),
    rs256(CLAIMS).slice(0, -4),
    rs256(CLAIMS).replace(/\.[^.]*$/, '.'),
    `${rs256(CLAIMS)}.x`,
    rs256(CLAIMS).replace(/\.[^.]*\./, `.${encode({ ...CLAIMS, sub: 'root' })}.`),
    '',
    '..',
    'a.b.c',
    encode({ alg: 'RS256' }),
  ];
  for (const token of forged)
    assert.match(
      await check(token, {}, publicOnly),
      /^(?:it is no signed token|no key is known|its signature is not right)/,
      token,
    );
});

test('when it holds, with some leeway', async () => {
  assert.equal(await check(rs256({ sub: 'ann' })), 'it has no exp');
  assert.equal(await check(rs256({ ...CLAIMS, exp: NOW - 29 })), 'ann');
  assert.equal(await check(rs256({ ...CLAIMS, exp: NOW - 31 })), 'it has expired');
  assert.equal(await check(rs256({ ...CLAIMS, exp: NOW - 1 }), { leewayMs: 0 }), 'it has expired');
  assert.equal(await check(rs256({ ...CLAIMS, nbf: NOW + 29 })), 'ann');
  assert.equal(await check(rs256({ ...CLAIMS, nbf: NOW + 31 })), 'it does not hold yet');
  for (const exp of ['9999999999', null, {}, -1]) assert.notEqual(await check(rs256({ ...CLAIMS, exp })), 'ann');
});

test('who made it, and for whom', async () => {
  const token = rs256({ ...CLAIMS, iss: 'https://sso', aud: ['api', 'web'] });
  assert.equal(await check(token, { issuer: 'https://sso', audiences: ['web'] }), 'ann');
  assert.equal(await check(token, { issuer: 'https://sso/' }), 'its iss is not the one that is wanted');
  assert.equal(await check(token, { audiences: ['admin', 'ap'] }), 'its aud is not the one that is wanted');
  assert.equal(await check(rs256(CLAIMS), { audiences: ['api'] }), 'it has no aud');
  assert.equal(await check(rs256(CLAIMS), { issuer: 'https://sso' }), 'it has no iss');
});

test('claims as text', async () => {
  const claims = {
    ...CLAIMS,
    org: { id: 7, 'a.b': 1 },
    'https://x.example/role': 'admin',
    roles: ['a', 'b', {}, null],
    on: true,
    odd: 'a\r\nX-Admin: 1',
    long: 'x'.repeat(2000),
    name: 'Zoë',
    // servers would hear of admin
    around: 'admin ',
  };
  const of = (name: string): Promise<string> => check(rs256(claims), { claims: [name] });
  const known = { 'org.id': '7', 'https://x.example/role': 'admin', roles: 'a,b', on: 'true', name: 'Zo\u00c3\u00ab' };
  for (const [name, text] of Object.entries(known)) assert.equal(await of(name), text, name);
  for (const name of [
    'odd',
    'around',
    'long',
    'org',
    'org.id.x',
    'nothing',
    '__proto__',
    'constructor.name',
    'sub.length',
  ])
    assert.equal(await of(name), '', name);
});

test('keys that cannot be used are told, and a set without one that can is none', () => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const faulty = [
    jwk(rsa.publicKey, { kid: 'enc', use: 'enc' }),
    jwk(rsa.publicKey, { kid: 'ops', key_ops: ['encrypt'] }),
    jwk(rsa.privateKey, { kid: 'private' }),
    jwk(weak.publicKey, { kid: 'weak' }),
    jwk(rsa.publicKey, { kid: 'mixed', alg: 'HS256' }),
    jwk(p256.publicKey, { kid: 'curve', alg: 'ES384' }),
    { kty: 'oct', kid: 'no-alg', k: SECRET.toString('base64url') },
    { kty: 'oct', kid: 'short', alg: 'HS256', k: 'c2hvcnQ' },
    { kty: 'RSA', kid: 'broken', n: '***', e: 'AQAB' },
    { kty: 'new' },
    null,
    'text',
  ];
  const { faults, keys } = parseKeySet(JSON.stringify({ keys: [...faulty, SET.keys[0]] }), true);
  assert.deepEqual([faults.length, keys.length], [faulty.length, 1]);
  assert.match(faults[2], /`private` is a private key/);
  for (const text of ['', '{}', '[]', 'null', '{"keys":[]}', '{"keys":1}', JSON.stringify({ keys: faulty })])
    assert.throws(() => parseKeySet(text, true), text);
  // what everybody can read is no secret
  assert.throws(() => parseKeySet(JSON.stringify({ keys: [SET.keys[5]] }), false), /everybody can read it/);
  assert.deepEqual(parseKeySet(PEM, true).keys[0].algorithms, ['RS256']);
  assert.deepEqual(
    parseKeySet(createPublicKey(ed.privateKey).export({ type: 'spki', format: 'pem' }) as string, false).keys[0]
      .algorithms,
    ['EdDSA', 'Ed25519'],
  );
  assert.throws(
    () => parseKeySet(rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, true),
    /private key/,
  );
});

test('a token in Authorization', () => {
  assert.equal(parseBearer(['Authorization', 'bearer  a.b-c_d.e=']), 'a.b-c_d.e=');
  for (const fields of [
    ['Authorization', 'Basic a'],
    ['Authorization', 'Bearer'],
    ['Authorization', 'Bearer a b'],
    ['Authorization', 'Bearer a', 'authorization', 'Bearer a'],
  ])
    assert.equal(parseBearer(fields), null, fields.join());
});

function setOf(...ids: string[]): KeySet {
  return { keys: ids.map((id) => ({ id, algorithms: [], key: p256.publicKey })), faults: [] };
}

test('keys at a URL: read when they are wanted, at a bounded rate, and the last good ones stay', async () => {
  const failures: string[] = [];
  let now = 0;
  let asked = 0;
  const refused = Promise.reject<KeySet>(new Error('refused'));
  let answer = (): Promise<KeySet> => refused;
  const remote = new RemoteKeys({
    read: () => {
      asked++;
      return answer();
    },
    now: () => now,
    onFailure: (reason) => failures.push(reason),
    onRecovery: () => failures.push('again'),
  });
  const idsFor = async (id: string | null): Promise<string> =>
    ((await remote.keysFor(id))?.keys ?? []).map((key) => key.id).join();
  // nobody can be reached: no keys, and no storm
  for (let i = 0; i < 20; i++) assert.equal(await idsFor('a'), '');
  assert.deepEqual([asked, failures], [1, ['refused']]);
  answer = () => Promise.resolve(setOf('a'));
  now += 10_000;
  assert.deepEqual(await Promise.all(['a', 'a', null].map(idsFor)), ['a', 'a', 'a']);
  assert.equal(asked, 2);
  assert.deepEqual(failures, ['refused', 'again']);
  // one that nobody knows: once in ten seconds, whoever asks
  for (let i = 0; i < 1000; i++) await idsFor(`forged ${i}`);
  assert.equal(asked, 2);
  now += 10_000;
  answer = () => Promise.resolve(setOf('a', 'b'));
  assert.equal(await idsFor('b'), 'a,b');
  for (let i = 0; i < 1000; i++) await idsFor(`forged ${i}`);
  assert.equal(asked, 3);
  // what is good stays, and nobody waits for what is read again
  now += 600_000;
  const fails: (() => void)[] = [];
  answer = () => new Promise((_, reject) => fails.push(() => reject(new Error('gone'))));
  assert.equal(await idsFor('a'), 'a,b');
  assert.equal(asked, 4);
  for (const fail of fails) fail();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(await idsFor('a'), 'a,b');
  assert.deepEqual(failures, ['refused', 'again', 'gone']);
});
