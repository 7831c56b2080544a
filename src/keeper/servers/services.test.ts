import assert from 'node:assert/strict';
import type { SrvRecord } from 'node:dns';
import { test } from 'node:test';
import { findService, type ServiceQuestions } from './services.ts';
import type { NameAnswer } from './names.ts';

const NAME = '_http._tcp.example.net';

/** `hosts`: by name, the addresses or the code of an error. Records: `priority weight port name`. */
function questions(records: readonly string[], hosts: Readonly<Record<string, string>>, atOnce = 8): ServiceQuestions {
  return {
    atOnce,
    records: (name) => {
      assert.equal(name, NAME);
      return Promise.resolve(records.map(recordOf));
    },
    host: (hostname) => {
      const text = hosts[hostname] ?? 'ENOTFOUND';
      if (text.startsWith('E')) return Promise.reject(Object.assign(new Error(text), { code: text }));
      return Promise.resolve({ addresses: text.split(' ').map((host) => ({ family: 4, host })), ttlMs: null });
    },
  };
}

function recordOf(text: string): SrvRecord {
  const [priority, weight, port, name] = text.split(' ');
  return { priority: Number(priority), weight: Number(weight), port: Number(port), name };
}

/** `192.0.2.1:80 x5 backup` */
function textsOf({ addresses }: NameAnswer): readonly string[] {
  return addresses.map(
    ({ host, port, record }) => `${host}:${port} x${record?.weight}${record?.isBackup === true ? ' backup' : ''}`,
  );
}

test('the first priority are servers, the others backups, with their weights and ports', async () => {
  const records = ['20 1 8082 c.test', '10 3 8080 a.test', '30 0 8083 c.test', '10 1 8081 B.test'];
  const hosts = { 'a.test': '192.0.2.1 192.0.2.2', 'b.test': '192.0.2.3', 'c.test': '192.0.2.4' };
  for (const atOnce of [1, 2, 8]) {
    const answer = await findService(NAME, questions(records, hosts, atOnce), null);
    assert.deepEqual(textsOf(answer), [
      '192.0.2.1:8080 x3',
      '192.0.2.2:8080 x3',
      '192.0.2.3:8081 x1',
      '192.0.2.4:8082 x1 backup',
      '192.0.2.4:8083 x1 backup',
    ]);
  }
});

test('weights above 256 keep their proportion, and 0 is the least there is', async () => {
  const hosts = { 'a.test': '192.0.2.1', 'b.test': '192.0.2.2', 'c.test': '192.0.2.3' };
  const records = ['1 60000 80 a.test', '1 30000 80 b.test', '1 0 80 c.test'];
  const answer = await findService(NAME, questions(records, hosts), null);
  assert.deepEqual(textsOf(answer), ['192.0.2.1:80 x256', '192.0.2.2:80 x128', '192.0.2.3:80 x1']);
});

test('an address that several records lead to is one server, of the first priority', async () => {
  const records = ['1 5 80 a.test', '1 6 80 b.test', '2 7 80 a.test'];
  const answer = await findService(NAME, questions(records, { 'a.test': '192.0.2.1', 'b.test': '192.0.2.1' }), null);
  assert.deepEqual(textsOf(answer), ['192.0.2.1:80 x11']);
});

test('a machine that cannot be asked for keeps its addresses, one that is gone does not', async () => {
  const records = ['1 1 80 a.test', '1 1 81 b.test', '1 1 82 new.test'];
  const before = await findService(NAME, questions(records, { 'a.test': '192.0.2.1', 'b.test': '192.0.2.2' }), null);
  const hosts = { 'a.test': 'ESERVFAIL', 'b.test': 'ENOTFOUND', 'new.test': 'ETIMEOUT' };
  const moved = ['1 1 8080 a.test', ...records.slice(1)];
  assert.deepEqual(textsOf(await findService(NAME, questions(moved, hosts), before)), ['192.0.2.1:8080 x1']);
});

test('what leads nowhere is no answer', async () => {
  await assert.rejects(findService(NAME, questions([], {}), null), /there is no server of this service/);
  await assert.rejects(findService(NAME, questions(['0 0 0 .'], {}), null), /there is no server of this service/);
  await assert.rejects(
    findService(NAME, questions(['1 1 80 a.test'], {}), null),
    /no machine of this service has an address/,
  );
});
