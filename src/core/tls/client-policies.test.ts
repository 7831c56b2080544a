import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TlsClientsPlan } from '../../config/plan/tls.ts';
import { ClientPolicies, judgeCertificate, policyText } from './client-policies.ts';

const A: TlsClientsPlan = { mode: 'require', authorities: 'a', depth: 1 };
const B: TlsClientsPlan = { ...A, authorities: 'b' };
const EXPIRED = 10;
const UNKNOWN_ISSUER = 20;

test('a listener that asks nobody has no policies', () => {
  assert.equal(ClientPolicies.of([{ names: ['one.test'], clients: null }]), null);
});

test('a name has the policy of its entry, a wildcard is for every name under it, others have the first one', () => {
  const policies = ClientPolicies.of([
    { names: ['free.test'], clients: null },
    { names: ['one.test', '*.wild.test'], clients: A },
    { names: ['in.wild.test', 'one.test'], clients: B },
  ])!;
  for (const [name, policy] of [
    ['one.test', A],
    ['one.test.', A],
    ['x.wild.test', A],
    ['y.x.wild.test', A],
    ['in.wild.test', B],
    ['wild.test', null],
    ['other.test', null],
    ['', null],
  ] as const) {
    assert.equal(policies.find(name), policy, name);
  }
});

test('what was asked has to be what the host asks for', () => {
  const policies = ClientPolicies.of([
    { names: ['one.test', 'same.test'], clients: A },
    { names: ['two.test'], clients: B },
    { names: ['free.test'], clients: null },
  ])!;
  const judge = (host: string, serverName: string, asked: TlsClientsPlan | null): string =>
    policies.judge(host, serverName, asked, 0);
  assert.equal(judge('one.test', 'one.test', A), 'passes');
  assert.equal(judge('same.test', 'one.test', A), 'misdirected');
  assert.equal(judge('same.test', '', A), 'passes');
  assert.equal(judge('two.test', '', A), 'misdirected');
  assert.equal(judge('free.test', 'one.test', A), 'passes');
  assert.equal(judge('one.test', 'free.test', null), 'misdirected');
  assert.equal(judge('one.test', 'one.test', B), 'misdirected', 'the handshake went by another entry');
  assert.equal(policies.judge('', 'one.test', A, null), 'missing', 'a request without Host');
});

test('what a mode lets in', () => {
  for (const [mode, none, right, unknown, expired] of [
    ['require', 'missing', 'passes', 'untrusted', 'untrusted'],
    ['optional', 'passes', 'passes', 'untrusted', 'untrusted'],
    ['optional-no-ca', 'passes', 'passes', 'passes', 'untrusted'],
  ] as const) {
    const judged = [null, 0, UNKNOWN_ISSUER, EXPIRED].map((error) => judgeCertificate({ ...A, mode }, error));
    assert.deepEqual(judged, [none, right, unknown, expired], mode);
  }
});

test('policies are the same by what they ask', () => {
  assert.equal(policyText({ ...A }), policyText(A));
  for (const other of [B, { ...A, depth: 2 }, { ...A, mode: 'optional' } as const, null]) {
    assert.notEqual(policyText(other), policyText(A));
  }
});
