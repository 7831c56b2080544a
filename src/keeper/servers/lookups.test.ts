import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import type { ResolverPlan } from '../../config/plan/upstream.ts';
import { askName, Lookups } from './lookups.ts';
import type { NameAnswer } from './names.ts';

const ANSWER: NameAnswer = { addresses: [{ family: 4, host: '192.0.2.1' }], ttlMs: 60_000 };

function resolver(servers: readonly string[], timeoutMs: number): ResolverPlan {
  return { servers, validMs: null, timeoutMs, families: [4] };
}

/** Names that begin with `silent` are not answered before `end` is called. */
function startLookups(): { lookups: Lookups; asked: string[]; end: () => void } {
  const asked: string[] = [];
  const silent: (() => void)[] = [];
  const lookups = new Lookups(
    () => 0,
    (hostname) => {
      asked.push(hostname);
      if (!hostname.startsWith('silent')) return Promise.resolve(ANSWER);
      return new Promise((_, reject) => silent.push(() => reject(new Error('given up'))));
    },
  );
  return { lookups, asked, end: () => silent.splice(0).forEach((each) => each()) };
}

test('silent names of one upstream leave the others their share', async () => {
  const { lookups, asked, end } = startLookups();
  const plan = resolver(['192.0.2.53:53'], 60_000);
  const silent = Array.from({ length: 300 }, (_, i) => lookups.find('noisy', `silent-${i}.test`, plan));
  assert.deepEqual((await lookups.find('quiet', 'a.test', plan)).addresses, ANSWER.addresses);
  assert.ok(asked.length < 256);
  // and its own wait for their turn
  const own = lookups.find('noisy', 'b.test', plan);
  const settled = Promise.allSettled(silent);
  while (!asked.includes('b.test')) {
    end();
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual((await own).addresses, ANSWER.addresses);
  end();
  await settled;
});

test("of the system's resolver names wait for their turn, upstreams one after the other", async () => {
  const { lookups, asked, end } = startLookups();
  const plan = resolver([], 60_000);
  const silent = Promise.allSettled(
    ['silent-1', 'silent-2', 'silent-3'].map((name) => lookups.find('noisy', name, plan)),
  );
  const other = lookups.find('quiet', 'a.test', plan);
  assert.deepEqual(asked, ['silent-1']);
  while (asked.length < 4) {
    end();
    await new Promise((resolve) => setImmediate(resolve));
  }
  end();
  await silent;
  assert.deepEqual((await other).addresses, ANSWER.addresses);
  assert.ok(asked.indexOf('a.test') < asked.indexOf('silent-3'));
});

test("a question that is late holds the system's resolver until it has ended, and who waits is told in time", async () => {
  const { lookups, asked, end } = startLookups();
  const plan = resolver([], 1);
  await assert.rejects(lookups.find('noisy', 'silent-1', plan), /no answer in time/);
  await assert.rejects(lookups.find('noisy', 'a.test', plan), /no answer in time/);
  assert.deepEqual(asked, ['silent-1']);
  end();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual((await lookups.find('noisy', 'b.test', resolver([], 60_000))).addresses, ANSWER.addresses);
  assert.deepEqual(asked, ['silent-1', 'b.test']);
});

test('a name server that says no more than that a name is an alias is asked for that one', async (t) => {
  const server = createSocket('udp4');
  t.after(() => server.close());
  server.on('message', (query, { port, address }) => {
    const end = query.indexOf(0, 12) + 5;
    const question = query.subarray(12, end);
    const isAlias = query[12] === 'alias'.length;
    const isA = question[question.length - 3] === 1;
    const name = [0xc0, 12];
    const time = [0, 0, 0, 60];
    // the name that an alias is of stands behind its first label
    const records = isAlias
      ? [...name, 0, 1, 0, 1, ...time, 0, 4, 192, 0, 2, 1]
      : [...name, 0, 5, 0, 1, ...time, 0, 8, 5, ...Buffer.from('alias'), 0xc0, 12 + 1 + query[12]];
    const count = isAlias && !isA ? 0 : 1;
    const head = [query[0], query[1], 0x81, 0x80, 0, 1, 0, count, 0, 0, 0, 0];
    server.send(Buffer.from([...head, ...question, ...(count === 0 ? [] : records)]), port, address);
  });
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  const plan = { ...resolver([`127.0.0.1:${server.address().port}`], 5_000), families: [4, 6] as const };
  assert.deepEqual(await askName('www.example', plan), { addresses: ANSWER.addresses, ttlMs: 60_000 });
});
