import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { type ConfigurationIdentity, differingParts, identityOf, PARTS_MAX } from './configuration-identity.ts';
import { MESSAGE_BYTES_MAX, parseMessage } from './messages.ts';
import { bounded, LISTED_MAX, type NodeSummary } from './node-summary.ts';
import { PairView } from './pair-view.ts';

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);

function identity(config: object): ConfigurationIdentity {
  return identityOf(JSON.stringify(config), digestOf);
}

const SUMMARY: NodeSummary = {
  uptimeMs: 1,
  isStopping: false,
  routers: [],
  upstreams: [],
  overrides: [],
  problems: [],
  leftOut: 0,
};
const DRAINED = { subject: 'server web/a', said: 'drained; the file says enabled', by: 'alice', ageMs: 5 };

test('two configurations differ where they differ, and not in who reads them', () => {
  const one = identity({ node: 'lb01', listeners: { web: 1 }, upstreams: { web: 1, api: 2 }, workers: 2 });
  const other = identity({ node: 'lb02', listeners: { web: 1 }, upstreams: { web: 1, api: 3, more: 1 } });
  assert.deepEqual(differingParts(one, one), []);
  assert.deepEqual(differingParts(one, other), ['upstreams/api', 'upstreams/more', 'workers']);
  assert.deepEqual(differingParts(identity({ node: 'a', x: { y: 1 } }), identity({ x: { y: 1 } })), []);
  assert.deepEqual(differingParts(identity({ upstreams: {} }), identity({})), ['upstreams']);
  assert.deepEqual(differingParts(identity({ x: 1, y: 1 }), identity({ y: 1, x: 1 })), ['the order of its parts']);
});

test('of a configuration with many parts, or with odd names, sections are compared', () => {
  const upstreams = Object.fromEntries(Array.from({ length: PARTS_MAX + 1 }, (_, i) => [`u${i}`, 1]));
  const many = identity({ upstreams, workers: 1 });
  assert.deepEqual(Object.keys(many.parts), ['upstreams', 'workers']);
  assert.deepEqual(differingParts(many, identity({ upstreams: { ...upstreams, u7: 2 }, workers: 1 })), ['upstreams']);
  assert.deepEqual(Object.keys(identity({ values: { 'a\u001b': 1 } }).parts), ['values']);
});

test('it is said when two begin to differ, differ elsewhere, and agree again, and not again', () => {
  const view = new PairView();
  const [a, b, c] = [identity({ x: 1, y: 1 }), identity({ x: 2, y: 1 }), identity({ x: 2, y: 2 })];
  assert.deepEqual(
    view.handleConfiguration('lb02', { identity: b, ageMs: 5 }, 10),
    [],
    'what this one goes by is not known',
  );
  assert.deepEqual(view.handleOwn(b, 20).get('lb02'), [], 'from the start on they are the same');
  const differs = { kind: 'differs', parts: ['x'], here: a.digest, there: b.digest };
  assert.deepEqual(view.handleOwn(a, 30).get('lb02'), [differs]);
  assert.deepEqual(view.handleOwn(a, 40).get('lb02'), []);
  assert.deepEqual(view.wordOf('lb02').difference, { sinceMs: 30, parts: ['x'] });
  const wider = { kind: 'differs', parts: ['x', 'y'], here: a.digest, there: c.digest };
  assert.deepEqual(view.handleConfiguration('lb02', { identity: c, ageMs: 0 }, 50), [wider]);
  assert.deepEqual(view.wordOf('lb02').difference, { sinceMs: 30, parts: ['x', 'y'] });
  assert.deepEqual(view.handleConfiguration('lb02', { identity: a, ageMs: 2 }, 60), [
    { kind: 'agrees', digest: a.digest },
  ]);
  const { difference, configuration, heardMs } = view.wordOf('lb02');
  assert.deepEqual([difference, configuration, heardMs], [null, { digest: a.digest, sinceMs: 58 }, 60]);
});

test('what is said by hand there is said here once, and when it ends', () => {
  const view = new PairView();
  const { subject, said, by } = DRAINED;
  const notice = { kind: 'override', subject, said, by };
  assert.deepEqual(view.handleSummary('lb02', { ...SUMMARY, overrides: [DRAINED] }, 1), [notice]);
  assert.deepEqual(view.handleSummary('lb02', { ...SUMMARY, overrides: [{ ...DRAINED, ageMs: 9 }] }, 2), []);
  const heavier = { ...DRAINED, said: 'weight 9; the file says weight 1' };
  assert.deepEqual(view.handleSummary('lb02', { ...SUMMARY, overrides: [heavier] }, 3), [
    { ...notice, said: heavier.said },
  ]);
  assert.deepEqual(view.handleSummary('lb02', SUMMARY, 4), [{ kind: 'override-ended', subject }]);
  assert.equal(view.wordOf('lb02').heardMs, 4);
  view.retain(['lb03']);
  assert.equal(view.wordOf('lb02').summary, null);
});

test('however much a node has, what it tells is a message, and whoever hears it believes it', () => {
  const long = '\u0007€'.repeat(5_000);
  const whole = {
    ...SUMMARY,
    routers: Array.from({ length: 300 }, () => ({ name: long, state: 'active', restraint: long })),
    announcements: Array.from({ length: 64 }, () => ({ name: long, state: 'withdrawn', ageMs: 1, obstacle: long })),
    upstreams: Array.from({ length: 300 }, () => ({ name: long, up: 1, servers: 2 })),
    overrides: Array.from({ length: 300 }, () => ({ subject: long, said: long, by: long, ageMs: 0.5 })),
    problems: Array.from({ length: 300 }, () => long),
  };
  const summary = bounded(whole, 7);
  assert.equal(summary.leftOut, 7 + 4 * (300 - LISTED_MAX) + 44);
  const names = Array.from({ length: PARTS_MAX }, (_, i) => [`${i}`.padEnd(90, '€'), 1]);
  const { digest, parts } = identity({ upstreams: Object.fromEntries(names) });
  assert.equal(Object.keys(parts).length, PARTS_MAX);
  for (const message of [
    { type: 'node', summary },
    { type: 'configuration', digest, parts, ageMs: 0 },
  ]) {
    const json = JSON.stringify(message);
    assert.ok(Buffer.byteLength(json) <= MESSAGE_BYTES_MAX, `${Buffer.byteLength(json)}`);
    assert.deepEqual(parseMessage(json), message);
  }
});
