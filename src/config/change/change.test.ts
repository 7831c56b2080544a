import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { redacted } from '../redact.ts';
import { merged, withValue, without } from './change.ts';
import { differencesOf } from './differences.ts';
import { placedText } from './places.ts';
import { ChangeError, parsePointer, pointerText, valueAt } from './pointer.ts';
import { withSecrets } from './secrets.ts';

const WHOLE = { a: { b: [1, { c: 2 }], 'x/y~z': 3 }, d: 4 };

function kindOf(change: () => unknown): string {
  try {
    change();
  } catch (error) {
    if (error instanceof ChangeError) return error.kind;
    throw error;
  }
  return 'done';
}

test('places are JSON Pointers (RFC 6901)', () => {
  assert.equal(valueAt(WHOLE, parsePointer('/a/b/1/c')), 2);
  assert.equal(valueAt(WHOLE, parsePointer('/a/x~1y~0z')), 3);
  assert.equal(valueAt(WHOLE, parsePointer('')), WHOLE);
  for (const at of ['/a/b/2', '/a/b/01', '/a/b/-', '/a/b/x', '/d/e', '/toString', '/__proto__', '/a/b/length']) {
    assert.equal(
      kindOf(() => valueAt(WHOLE, parsePointer(at))),
      'absent',
      at,
    );
  }
  for (const at of ['a', '/a~', '/~2']) {
    assert.equal(
      kindOf(() => parsePointer(at)),
      'syntax',
      at,
    );
  }
  fc.assert(
    fc.property(fc.array(fc.string()), (steps) => {
      assert.deepEqual(parsePointer(pointerText(steps)), steps);
    }),
  );
});

test('a part is replaced, added, merged and taken out, and what was there is as it was', () => {
  const before = structuredClone(WHOLE);
  assert.deepEqual(withValue(WHOLE, ['a', 'b', '0'], 9), { a: { b: [9, { c: 2 }], 'x/y~z': 3 }, d: 4 });
  assert.deepEqual(withValue(WHOLE, ['a', 'b', '-'], 9), { a: { b: [1, { c: 2 }, 9], 'x/y~z': 3 }, d: 4 });
  assert.deepEqual(withValue(WHOLE, ['e'], 9), { ...WHOLE, e: 9 });
  assert.deepEqual(withValue(WHOLE, [], 9), 9);
  assert.deepEqual(merged(WHOLE, ['a', 'b', '1'], { c: null, e: { f: null, g: 1 } }), {
    a: { b: [1, { e: { g: 1 } }], 'x/y~z': 3 },
    d: 4,
  });
  assert.deepEqual(without(WHOLE, ['a', 'b', '0']), { a: { b: [{ c: 2 }], 'x/y~z': 3 }, d: 4 });
  assert.deepEqual(without(WHOLE, ['a']), { d: 4 });
  assert.deepEqual(WHOLE, before);
  for (const change of [
    () => withValue(WHOLE, ['x', 'y'], 1),
    () => withValue(WHOLE, ['a', 'b', '3'], 1),
    () => withValue(WHOLE, ['d', 'e'], 1),
    () => merged(WHOLE, ['x'], {}),
    () => without(WHOLE, ['a', 'b', '2']),
  ]) {
    assert.equal(kindOf(change), 'absent');
  }
  assert.equal(
    kindOf(() => without(WHOLE, [])),
    'refused',
  );
});

test('a name that objects have of their own is a name like others', () => {
  const changed = withValue({}, ['__proto__'], { polluted: 1 }) as object;
  assert.deepEqual(Object.keys(changed), ['__proto__']);
  assert.equal(({} as { polluted?: number }).polluted, undefined);
  const patch = JSON.parse('{ "__proto__": { "polluted": 1 } }') as unknown;
  assert.deepEqual(Object.keys(merged({}, [], patch) as object), ['__proto__']);
  assert.equal(({} as { polluted?: number }).polluted, undefined);
});

const SECRETS = {
  ha: { VI_1: { auth: { password: 'one' } } },
  list: [
    { url: 'http://u:two@a/', n: 1 },
    { url: 'http://u:three@b/', n: 2 },
    { token: 'four' },
    { token: 'five' },
    { plain: 6 },
  ],
  run: ['/bin/x', '--password', 'seven', '--token', 'eight'],
};

function restored(change: (shown: typeof SECRETS) => unknown): unknown {
  return withSecrets(change(structuredClone(redacted(SECRETS)) as typeof SECRETS), SECRETS, redacted(SECRETS), []);
}

test('what is sent back as it was shown has its secrets', () => {
  assert.deepEqual(
    restored((shown) => shown),
    SECRETS,
  );
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: 'small' },
      fc.string(),
      fc.integer(),
      fc.constantFrom('http://u:p@h/', '--password', 'Bearer abcdef', 'a'),
      fc.array(tie('any')),
      fc.dictionary(fc.constantFrom('password', 'token', 'a', 'b', 'header', 'cookie', 'command'), tie('any'), {
        noNullPrototype: true,
      }),
    ),
  })).any;
  fc.assert(
    fc.property(value, (config) => {
      fc.pre(!JSON.stringify(config).includes('(redacted)'));
      assert.deepEqual(withSecrets(redacted(config), config, redacted(config), []), config);
    }),
  );
});

test('beside what has changed, a secret is the one of its name, or of the item that is the same', () => {
  assert.deepEqual(
    restored((shown) => ({ ...shown, list: shown.list.slice(0, 2).toReversed(), more: 1 })),
    { ...SECRETS, list: SECRETS.list.slice(0, 2).toReversed(), more: 1 },
  );
  assert.deepEqual(
    restored((shown) => ({ ...shown, run: ['/bin/y', '--password', 'new'] })),
    { ...SECRETS, run: ['/bin/y', '--password', 'new'] },
  );
});

/** The place that is refused. */
function refused(change: (shown: typeof SECRETS) => unknown): string {
  try {
    restored(change);
  } catch (error) {
    if (error instanceof ChangeError) return error.message.split(':')[0];
  }
  return 'taken';
}

test('where it is not certain which secret is meant, none is', () => {
  // Of two that look the same, after one was taken out.
  assert.equal(
    refused((shown) => ({ ...shown, list: shown.list.toSpliced(2, 1) })),
    '/list/2/token',
  );
  assert.equal(
    refused((shown) => ({ ...shown, list: [{ ...shown.list[0], n: 7 }] })),
    '/list/0/url',
  );
  assert.equal(
    refused((shown) => ({ ...shown, run: ['/bin/x', '--token', '(redacted)'] })),
    '/run/2',
  );
  assert.equal(
    refused((shown) => ({ ...shown, ha: { VI_2: shown.ha.VI_1 } })),
    '/ha/VI_2/auth/password',
  );
});

test('differences are told by place, and a secret that differs is one', () => {
  const other = { ...SECRETS, ha: { VI_1: { auth: { password: 'other' } } }, list: SECRETS.list.slice(0, 1), new: 1 };
  assert.deepEqual(differencesOf(SECRETS, other), [
    { at: '/ha/VI_1/auth/password', file: '(redacted)', inForce: '(redacted)' },
    { at: '/list', file: redacted(SECRETS.list), inForce: redacted(other.list) },
    { at: '/new', inForce: 1 },
  ]);
  assert.deepEqual(differencesOf(SECRETS, SECRETS), []);
});

test('each line of a text knows its place', () => {
  const { text, placeOf } = placedText({ a: { b: [1, {}, { c: [] }] }, 'd/e': 'x' });
  const lines = text.split('\n');
  const places = lines.map((_, i) => placeOf(i + 1));
  assert.deepEqual(places.slice(0, lines.length - 1), [
    '',
    '/a',
    '/a/b',
    '/a/b/0',
    '/a/b/1',
    '/a/b/2',
    '/a/b/2/c',
    '/a/b/2',
    '/a/b',
    '/a',
    '/d~1e',
    '',
  ]);
});
