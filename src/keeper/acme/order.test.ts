import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AcmeClient } from './acme-client.ts';
import { obtain, type Proof } from './order.ts';

const NAMES = ['shop.example', '*.shop.example'];

/** An authority that wants these names proven, each by this token. Returns what it gets to see, and why there is no certificate. */
async function orderFrom(values: readonly unknown[], token = 'abc_-9'): Promise<{ proofs: Proof[]; reason: string }> {
  const answers: Record<string, unknown> = {
    '/order': { authorizations: values.map((_, i) => `/authorization/${i}`) },
  };
  for (const [i, value] of values.entries()) {
    const challenges = [{ type: 'dns-01', token, url: `/challenge/${i}` }];
    answers[`/authorization/${i}`] = { status: 'pending', identifier: { type: 'dns', value }, challenges };
  }
  const client = {
    directory: () => Promise.resolve({ newOrder: '/order', renewalInfo: null }),
    key: { authorize: (text: string) => `${text}.thumbprint` },
    post: (url: string) =>
      Promise.resolve({ status: 200, headers: { location: '/order' }, text: JSON.stringify(answers[url]) }),
  } as unknown as AcmeClient;
  const proofs: Proof[] = [];
  const present = (given: readonly Proof[]): Promise<void> => {
    proofs.push(...given);
    return Promise.reject(new Error('enough is seen'));
  };
  try {
    const { signal } = new AbortController();
    await obtain({
      client,
      names: NAMES,
      challenge: 'dns-01',
      replaces: null,
      present,
      withdraw: () => Promise.resolve(),
      signal,
    });
  } catch (error) {
    return { proofs, reason: (error as Error).message };
  }
  return { proofs, reason: '' };
}

test('a name and its wildcard are proven by the same name, in whatever case', async () => {
  for (const values of [
    ['shop.example', 'SHOP.example'],
    ['shop.example', '*.shop.example'],
  ]) {
    const { proofs, reason } = await orderFrom(values);
    assert.equal(reason, 'enough is seen');
    assert.deepEqual(
      proofs.map(({ name }) => name),
      ['shop.example', 'shop.example'],
    );
  }
});

test('what an authority says that is none is never presented', async () => {
  const cases: readonly (readonly [readonly unknown[], string | undefined, RegExp])[] = [
    [['$(touch /tmp/x).example'], undefined, /a proof for \$\(touch \/tmp\/x\)\.example, which was not ordered/],
    [['shop.example\nother.example'], undefined, /a proof for [ -~]*, which was not ordered/],
    [['shop.example', 'other.example'], undefined, /other\.example, which was not ordered/],
    [['*.*.shop.example'], undefined, /which was not ordered/],
    [[undefined], undefined, /says nothing of value/],
    [['shop.example', 'shop.example', 'shop.example'], undefined, /wants 3 proofs, and 2 would do/],
    [['shop.example'], '../../etc/passwd', /a token that is none/],
    [['shop.example'], 'abc\n', /a token that is none/],
  ];
  for (const [values, token, wanted] of cases) {
    const { proofs, reason } = await orderFrom(values, token);
    assert.match(reason, wanted);
    assert.doesNotMatch(reason, /\n/);
    assert.deepEqual(proofs, []);
  }
});
