import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { admit, type GateRequest } from './gate.ts';
import { findToken, TokenFile, TOKENS_MAX } from './tokens.ts';

const REQUEST: GateRequest = {
  hasTls: false,
  isLoopback: true,
  access: 'read',
  host: 'localhost:9900',
  origin: null,
  fetchSite: null,
  authorization: null,
};

function fileOf(t: TestContext): TokenFile {
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-tokens-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return new TokenFile(directory);
}

const ask = (request: Partial<GateRequest>, read: TokenFile['read'] = () => []): string => {
  const admission = admit({ ...REQUEST, ...request }, read);
  return 'why' in admission ? `${admission.status}` : (admission.name ?? 'anybody');
};

test('a Host that is no name of this machine is refused, whatever is asked', () => {
  for (const host of ['localhost', 'LOCALHOST:1', '127.0.0.1', '127.8.9.1:9900', '[::1]:9900']) {
    assert.equal(ask({ host }), 'anybody', host);
  }
  const others = [
    'evil.example',
    'evil.example:9900',
    '192.0.2.1',
    '[2001:db8::1]:1',
    '127.0.0.1.evil.example',
    '',
    '127.1',
    '[::1',
    'localhost.',
  ];
  for (const host of [...others, null]) {
    for (const access of ['open', 'read', 'configuration', 'write'] as const)
      assert.equal(ask({ host, access }), '403', `${host}`);
  }
});

test('in TLS the Host may be any, and off loopback nothing is seen without a token', () => {
  const elsewhere = { hasTls: true, isLoopback: false, host: 'lb01.example:9900' };
  assert.equal(ask({ ...elsewhere, access: 'open' }), 'anybody');
  assert.equal(ask(elsewhere), '401');
  assert.equal(ask({ ...elsewhere, isLoopback: true }), 'anybody');
  assert.equal(ask({ ...elsewhere, origin: 'https://evil.example' }), '403');
});

test('a page of another site is refused; one that comes from here is not', () => {
  assert.equal(ask({ origin: 'http://localhost:9900' }), 'anybody');
  assert.equal(ask({ fetchSite: 'same-origin' }), 'anybody');
  assert.equal(ask({ fetchSite: 'none' }), 'anybody');
  for (const origin of ['null', 'http://localhost:3000', 'https://evil.example', 'http://localhost']) {
    assert.equal(ask({ origin }), '403', origin);
  }
  for (const fetchSite of ['cross-site', 'same-site', 'anything']) assert.equal(ask({ fetchSite }), '403', fetchSite);
});

test('what is read needs no token, what is changed and the configuration do, and a wrong one is none', (t) => {
  const file = fileOf(t);
  const [reader, writer] = [file.add('grafana', 'read'), file.add('ci', 'full')];
  const withToken = (access: GateRequest['access'], token: string | null): string =>
    ask({ access, authorization: token === null ? null : `Bearer ${token}` }, () => file.read());
  assert.deepEqual(
    (['open', 'read', 'configuration', 'write'] as const).map((access) => [
      withToken(access, null),
      withToken(access, reader),
      withToken(access, writer),
      withToken(access, 'ek_wrong'),
    ]),
    [
      ['anybody', 'anybody', 'anybody', 'anybody'],
      ['anybody', 'token grafana', 'token ci', '401'],
      ['401', 'token grafana', 'token ci', '401'],
      ['401', '403', 'token ci', '401'],
    ],
  );
  for (const authorization of ['', 'Basic abc', 'Bearer', `Bearer ${'a'.repeat(201)}`, writer]) {
    assert.equal(
      ask({ access: 'write', authorization }, () => file.read()),
      '401',
      authorization,
    );
  }
  file.remove('ci');
  assert.equal(withToken('write', writer), '401');
});

test('the file has no token, only root may read it, and one that is broken lets nobody in', (t) => {
  const file = fileOf(t);
  const token = file.add('ci', 'full');
  assert.match(token, /^ek_[\w-]{43}$/);
  assert.ok(!readFileSync(file.path, 'utf8').includes(token.slice(3)));
  assert.equal(statSync(file.path).mode & 0o777, 0o600);
  assert.equal(findToken(file.read(), token)?.name, 'ci');
  assert.equal(findToken(file.read(), `${token}x`), null);
  assert.throws(() => file.add('ci', 'read'), /already/);
  assert.throws(() => file.add('a b', 'read'), /letters/);
  assert.throws(() => file.remove('cd'), /there is no token cd/);
  for (const text of ['', '{}', '{"tokens":[{"name":"ci","right":"full","sha256":""}]}', '{"tokens":[null]}']) {
    writeFileSync(file.path, text);
    assert.throws(() => file.read());
    assert.equal(
      ask({ access: 'write', authorization: `Bearer ${token}` }, () => file.read()),
      '403',
      text,
    );
  }
});

test('there are at most so many tokens', (t) => {
  const file = fileOf(t);
  const sha256 = '0'.repeat(64);
  file.add('first', 'read');
  const tokens = Array.from({ length: TOKENS_MAX }, (_, i) => ({ name: `t${i}`, right: 'read', sha256 }));
  writeFileSync(file.path, JSON.stringify({ tokens }));
  assert.throws(() => file.add('last', 'read'), /there are 100 tokens already/);
});
