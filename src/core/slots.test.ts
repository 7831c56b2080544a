import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type SlotRange, SlotTable } from './slots.ts';

const ALWAYS = (): boolean => true;
const ones = (...names: string[]): Map<string, number> => new Map(names.map((name) => [name, 1]));

function assign(
  table: SlotTable,
  wanted: Map<string, number>,
  generation: number,
  isQuiet = ALWAYS,
): ReadonlyMap<string, SlotRange> | null {
  const proposal = table.propose(wanted, generation, isQuiet);
  proposal?.commit();
  return proposal?.ranges ?? null;
}

function assigned(table: SlotTable, wanted: Map<string, number>, generation: number, isQuiet = ALWAYS): string {
  const ranges = assign(table, wanted, generation, isQuiet);
  if (ranges === null) return 'full';
  return [...ranges].map(([name, { first, epoch }]) => `${name}${first}.${epoch}`).join(' ');
}

test('a name keeps its place whatever happens around it', () => {
  const table = new SlotTable(8);
  assert.equal(assigned(table, ones('a', 'b'), 1), 'a0.0 b1.0');
  assert.equal(assigned(table, ones('c', 'b'), 2), 'b1.0 c2.0');
  assert.equal(assigned(table, ones('b', 'c', 'd'), 3), 'b1.0 c2.0 d0.1');
});

test('a place that was given up rests until every reader has acknowledged a generation without its owner', () => {
  const table = new SlotTable(8);
  table.acknowledge(7, 0);
  assigned(table, ones('a', 'b'), 1);
  table.acknowledge(7, 1);
  table.acknowledge(8, 1);
  assert.equal(assigned(table, ones('b', 'c'), 2), 'b1.0 c2.0', 'both read generation 1 still');
  table.acknowledge(7, 2);
  assert.equal(assigned(table, ones('b', 'c', 'd'), 3), 'b1.0 c2.0 d3.0', 'one reads generation 1 still');
  table.acknowledge(8, 2);
  assert.equal(assigned(table, ones('b', 'c', 'd', 'e'), 4), 'b1.0 c2.0 d3.0 e0.1');
});

test('a reader that is gone holds nothing up', () => {
  const table = new SlotTable(8);
  assigned(table, ones('a'), 1);
  table.acknowledge(7, 1);
  table.forget(7);
  assert.equal(assigned(table, new Map(), 2), '');
  assert.equal(assigned(table, ones('b'), 3), 'b0.1');
});

test('a place on which connections are counted rests too', () => {
  const table = new SlotTable(8);
  assigned(table, ones('a'), 1);
  assigned(table, new Map(), 2);
  assert.equal(
    assigned(table, ones('b'), 3, () => false),
    'b1.0',
  );
  assert.equal(assigned(table, ones('b', 'c'), 4), 'b1.0 c0.1');
});

test('who needs another number of places gets other ones', () => {
  const table = new SlotTable(20);
  assert.equal(assigned(table, new Map([['a', 16]]), 1), 'a0.0');
  assert.equal(assigned(table, new Map([['a', 1]]), 2), 'a16.0');
});

test('where room is short, rows that were given up are cut, and put together', () => {
  const table = new SlotTable(20);
  assigned(table, new Map([['a', 16]]), 1);
  assert.equal(assigned(table, ones('b', 'c', 'd', 'e', 'f'), 2), 'full', 'it is in use');
  assigned(table, new Map(), 3);
  assert.equal(assigned(table, ones('b', 'c', 'd', 'e', 'f'), 4), 'b0.1 c1.1 d2.1 e3.1 f4.1');
  assert.equal(assigned(table, ones('f', 'g'), 5), 'f4.1 g16.0');
  const wide = new Map([...ones('f'), ['h', 15] as const]);
  assert.equal(assigned(table, wide, 6), 'full', 'the place of g lies between');
  assigned(table, ones('f'), 7);
  assert.equal(assigned(table, wide, 8), 'f4.1 h5.1');
});

test('without enough room nothing changes', () => {
  const table = new SlotTable(2);
  assert.equal(assigned(table, ones('a', 'b'), 1), 'a0.0 b1.0');
  table.acknowledge(7, 1);
  assert.equal(assigned(table, ones('b', 'c'), 2), 'full');
  assert.equal(assigned(table, ones('a', 'b'), 2), 'a0.0 b1.0');
});

test('a proposal that is not carried out changes nothing', () => {
  const table = new SlotTable(8);
  assigned(table, ones('a'), 1);
  table.propose(ones('b', 'c'), 2, ALWAYS);
  assert.equal(assigned(table, ones('a', 'd'), 2), 'a0.0 d1.0');
});

/** Reports carry place and epoch: at no time may two names have had the same ones. */
test('place and epoch name one owner for ever, and no two owners overlap', () => {
  const step = fc.record({
    names: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 5 }),
    acknowledges: fc.array(fc.constantFrom(1, 2)),
    isQuiet: fc.boolean(),
    isWide: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.constantFrom(7, 9, 64), (steps, capacity) => {
      const table = new SlotTable(capacity);
      const owners = new Map<string, string>();
      const seen = new Map([
        [1, 0],
        [2, 0],
      ]);
      for (const reader of seen.keys()) table.acknowledge(reader, 0);
      let history: { generation: number; ranges: ReadonlyMap<string, SlotRange> }[] = [];
      steps.forEach(({ names, acknowledges, isQuiet, isWide }, i) => {
        const generation = i + 1;
        const wanted = new Map(names.map((name) => [name, isWide && name === 'a' ? 3 : 1]));
        const ranges = assign(table, wanted, generation, () => isQuiet);
        if (ranges === null) return;
        for (const [name, { first, count, epoch }] of ranges) {
          for (let at = first; at < first + count; at++) {
            const key = `${at}.${epoch}`;
            assert.equal(owners.get(key) ?? name, name);
            owners.set(key, name);
          }
          assert.ok(first + count <= table.used && table.used <= table.capacity);
        }
        // What a reader may still use belongs to nobody else.
        const oldest = Math.min(...seen.values());
        history = [...history, { generation, ranges }].filter(
          (one, at, all) => one.generation >= oldest || all[at + 1]?.generation > oldest,
        );
        const places = new Map<number, string>();
        for (const old of history) {
          for (const [name, { first, count }] of old.ranges) {
            for (let at = first; at < first + count; at++) {
              assert.equal(places.get(at) ?? name, name);
              places.set(at, name);
            }
          }
        }
        for (const reader of acknowledges) {
          seen.set(reader, generation);
          table.acknowledge(reader, generation);
        }
      });
    }),
  );
});

test('places that another table gave stay with their names, and those of nobody rest until they are quiet', () => {
  const table = new SlotTable(4);
  table.restore(new Map([['a', 2]]), 3);
  const wanted = new Map([
    ['a', 1],
    ['b', 1],
    ['c', 1],
  ]);
  const proposal = table.propose(wanted, 1, ({ first }) => first !== 0);
  assert.deepEqual(
    Array.from(proposal!.ranges, ([name, { first }]) => [name, first]),
    [
      ['a', 2],
      ['b', 1],
      ['c', 3],
    ],
  );
});
