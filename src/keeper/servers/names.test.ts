import assert from 'node:assert/strict';
import { mock, test, type TestContext } from 'node:test';
import { createLog } from '../log/log.ts';
import { type AskName, askSystem, type NameAnswer, Names, nameAnswer } from './names.ts';

const ANSWER: NameAnswer = { addresses: [{ family: 4, host: '192.0.2.1' }], ttlMs: 5_000 };

interface Setup {
  readonly names: Names;
  readonly answers: string[];
  readonly lines: string[];
}

function setUp(t: TestContext, ask: AskName): Setup {
  mock.timers.enable({ apis: ['setTimeout'] });
  const answers: string[] = [];
  const lines: string[] = [];
  const log = createLog(
    (line) => lines.push(line.slice('1970-01-01T00:00:00.000Z '.length, -1)),
    () => 0,
  );
  const names = new Names(ask, log, (hostname, answer) => {
    answers.push(`${hostname} ${answer.addresses.map(({ host }) => host).join(' ')}`);
  });
  t.after(() => {
    names.stop();
    mock.timers.reset();
  });
  return { names, answers, lines };
}

/** Lets the promises that are settled be heard. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a name is asked for again when its time to live is over', async (t) => {
  let asked = 0;
  const { names, answers } = setUp(t, () => {
    asked++;
    return Promise.resolve(ANSWER);
  });
  await names.apply(['api.internal', 'api.internal']);
  assert.equal(asked, 1);
  mock.timers.tick(4_999);
  assert.equal(asked, 1);
  mock.timers.tick(1);
  await settle();
  assert.equal(asked, 2);
  assert.deepEqual(answers, ['api.internal 192.0.2.1', 'api.internal 192.0.2.1']);
});

test('a name that does not resolve is tried again and said once; no empty answer is passed on', async (t) => {
  const script = ['fail', 'empty', 'answer', 'fail'];
  const { names, answers, lines } = setUp(t, () => {
    const step = script.shift();
    if (step === 'answer') return Promise.resolve(ANSWER);
    if (step === 'empty') return Promise.resolve({ addresses: [], ttlMs: null });
    return Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' }));
  });
  await names.apply(['api.internal']);
  for (const delay of [1_000, 2_000, 5_000]) {
    mock.timers.tick(delay);
    await settle();
  }
  assert.deepEqual(script, []);
  assert.deepEqual(answers, ['api.internal 192.0.2.1']);
  assert.deepEqual(lines, [
    'warn  name api.internal does not resolve: there is no such name',
    'info  name api.internal resolves',
    'warn  name api.internal does not resolve: there is no such name',
  ]);
});

test('a name server that hangs is named so', async (t) => {
  const { names, lines } = setUp(t, () =>
    Promise.reject(Object.assign(new Error('querySrv ETIMEOUT api.internal'), { code: 'ETIMEOUT' })),
  );
  await names.apply(['api.internal']);
  assert.deepEqual(lines, ['warn  name api.internal does not resolve: the name server does not answer']);
});

test('at most three names are asked for at the same time, and all get their turn', async (t) => {
  const open: (() => void)[] = [];
  let most = 0;
  const { names, answers } = setUp(t, () => {
    return new Promise((resolve) => {
      open.push(() => resolve(ANSWER));
      most = Math.max(most, open.length);
    });
  });
  const started = names.apply(['a', 'b', 'c', 'd', 'e']);
  for (let i = 0; i < 5; i++) {
    await settle();
    open.shift()!();
  }
  await started;
  assert.equal(most, 3);
  assert.deepEqual(answers.map((line) => line[0]).sort(), ['a', 'b', 'c', 'd', 'e']);
});

test('after stop nothing is passed on or asked for', async (t) => {
  const open: (() => void)[] = [];
  const { names, answers } = setUp(t, () => {
    return new Promise((resolve) => {
      open.push(() => resolve(ANSWER));
    });
  });
  const started = names.apply(['a']);
  await settle();
  names.stop();
  open[0]();
  await started;
  assert.deepEqual(answers, []);
});

test('the hosts file is heard', async () => {
  const answer = await askSystem('localhost');
  assert.ok(answer.addresses.some(({ host }) => host === '127.0.0.1' || host === '::1'));
});

test('of records whose time to live is not known those of the others count, and thousands are not kept', () => {
  const addresses = Array.from({ length: 4000 }, (_, i) => ({ host: `10.0.${i >> 8}.${i & 255}`, family: 4 as const }));
  const ttls = addresses.map((_, i) => (i < 256 ? 60 + i : undefined));
  const answer = nameAnswer(addresses, ttls);
  assert.equal(answer.ttlMs, 60_000);
  assert.deepEqual(answer.addresses, addresses.slice(0, 256));
  assert.equal(nameAnswer(addresses, [undefined]).ttlMs, null);
});
