import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { emptySlot, SERVER_UP, type ServerSlot, ServerTable } from './server-table.ts';

const SHAPE = { servers: 64, listeners: 0, rows: 0 };

/** Everything in a slot says the same number. */
function stamped(number: number): ServerSlot {
  const port = number & 0xffff;
  const address = new Uint8Array(16);
  new Uint16Array(address.buffer).fill(port);
  return { state: SERVER_UP, weight: port, family: 4, port, isBackup: port % 3 === 0, address };
}

test('a reader gets the servers of one change, or nothing', { timeout: 60_000 }, async (t) => {
  const buffer = new SharedArrayBuffer(ServerTable.bytesFor(SHAPE));
  const table = ServerTable.create(buffer, SHAPE);
  const writer = new Worker(
    `const { workerData: { buffer, shape, module } } = require('node:worker_threads');
     import(module).then(({ ServerTable }) => {
       const table = new ServerTable(buffer);
       for (let number = 1; ; number++) {
         const port = number & 0xffff;
         const address = new Uint8Array(16);
         new Uint16Array(address.buffer).fill(port);
         table.update((set) => {
           for (let i = 0; i < shape.servers; i++) set(i, { state: 1, weight: port, family: 4, port, isBackup: port % 3 === 0, address });
         });
       }
     });`,
    {
      eval: true,
      workerData: { buffer, shape: SHAPE, module: new URL('server-table.js', import.meta.url).href },
    },
  );
  t.after(() => writer.terminate());
  await once(writer, 'online');
  const reader = new ServerTable(buffer);
  while (reader.generation === 0) await new Promise((resolve) => setImmediate(resolve));
  const line = emptySlot();
  const seen = new Set<number>();
  let reads = 0;
  const begin = performance.now();
  const passedMs = (): number => performance.now() - begin;
  // On a busy machine one of both threads may stand still for a second.
  while (passedMs() < 1_000 || ((reads <= 100 || seen.size <= 10) && passedMs() < 50_000)) {
    const first = { port: -1 };
    const generation = reader.readAll(line, (_, { weight, port, isBackup, address }) => {
      if (first.port < 0) first.port = port;
      assert.equal(weight, port, 'weight and port are of one change');
      assert.equal(isBackup, port % 3 === 0, 'port and backup are of one change');
      assert.ok(
        new Uint16Array(address.buffer).every((word) => word === port),
        'address and port are of one change',
      );
      assert.equal(port, first.port, 'all servers are of one change');
    });
    if (generation < 0) assert.equal(first.port, -1, 'nothing is applied that is not whole');
    else reads++;
    seen.add(generation);
  }
  assert.ok(reads > 100 && seen.size > 10, `${reads} reads of ${seen.size} changes`);
  assert.equal(table.generation !== 0, true);
});

test('a writer that stands still in the middle of a change holds nobody up', () => {
  const buffer = new ArrayBuffer(ServerTable.bytesFor(SHAPE));
  const writer = ServerTable.create(buffer, SHAPE);
  writer.update((set) => set(3, stamped(7)));
  const reader = new ServerTable(buffer);
  const line = emptySlot();
  writer.update((set) => {
    set(3, stamped(8));
    const ports: number[] = [];
    assert.equal(
      reader.readAll(line, (_, { port }) => ports.push(port)),
      1,
    );
    assert.equal(ports[3], 7, 'what was there before');
  });
  reader.readAll(line, (index, { port }) => assert.equal(port, index === 3 ? 8 : 0));
});

test('a change that fails changes nothing, and the next one is whole', () => {
  const writer = ServerTable.create(new ArrayBuffer(ServerTable.bytesFor(SHAPE)), SHAPE);
  writer.update((set) => set(1, stamped(5)));
  assert.throws(() =>
    writer.update((set) => {
      set(1, stamped(6));
      throw new Error('half way');
    }),
  );
  const line = emptySlot();
  writer.read(1, line);
  assert.equal(line.port, 5);
  writer.update((set) => set(2, stamped(9)));
  writer.read(1, line);
  assert.equal(line.port, 5, 'nothing is left of the change that failed');
  writer.read(2, line);
  assert.equal(line.port, 9);
});
