import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StepPlan } from '../../config/plan/route.ts';
import { encodeUtf8 } from '../../base/text.ts';
import { RequestHead } from '../../wire/http1/head.ts';
import { parseRequestHead } from '../../wire/http1/request.ts';
import { RequestView } from '../value/request-view.ts';
import { Template } from '../value/template.ts';
import { Steps } from './steps.ts';
import type { StepsEnd } from './steps-end.ts';

function run(target: string, plans: readonly StepPlan[], said = ''): { end: StepsEnd; target: string; said: string } {
  const bytes = new Uint8Array(4096);
  const text = encodeUtf8(`GET ${target} HTTP/1.1\r\nHost: a\r\nX-A: one\r\n\r\n`);
  bytes.set(text);
  const head = new RequestHead(10);
  assert.ok(parseRequestHead(bytes, 0, text.length, { headBytes: 2048, headers: 10 }, head) > 0);
  const view = new RequestView(bytes, head, undefined, { at: 2048, end: 4096 });
  view.variables.begin();
  const end = new Steps(plans, () => 'route').run(view);
  const out = new Uint8Array(1024);
  const length = new Template(said, encodeUtf8).emitAsIs(view, out, 0);
  return {
    end,
    target: Buffer.from(bytes.subarray(head.target, head.target + head.targetLength)).toString(),
    said: Buffer.from(out.subarray(0, length)).toString(),
  };
}

const rewrite = (regex: string, to: string, end: 'next' | 'again' | 'stop' = 'next'): StepPlan => ({
  kind: 'rewrite',
  regex,
  to,
  end,
  take: null,
});

test('steps follow each other; a target that changed sends the request back', () => {
  assert.deepEqual(run('/a/b?q', [rewrite('^/a/(.*)$', '/x/{capture:1}?n=1'), rewrite('^/x/', '/y')]), {
    end: 'again',
    target: '/y?n=1&q',
    said: '',
  });
  assert.equal(run('/a', [rewrite('^/a', '/b', 'stop'), rewrite('^/b', '/c')]).end, 'done');
  assert.equal(run('/a?q', [rewrite('^/a', '/b?', 'stop')]).target, '/b');
  assert.equal(run('/z', [rewrite('^/a', '/b')]).end, 'done');
});

test('what was sent stays what it was', () => {
  assert.equal(
    run('/a%20b?q=1', [rewrite('^/a(.*)$', '/n{capture:1}')], '{uri} {decoded-path}').said,
    '/a%20b?q=1 /n b',
  );
  assert.equal(run('/a%20b', [rewrite('^/a(.*)$', '/n{capture:1}')]).target, '/n%20b');
});

test('a path that would lead out of its place is none', () => {
  assert.equal(run('/p../x', [rewrite('^/p(.*)$', '/{capture:1}')]).end, 'failed');
});

const setIf = (is: string): StepPlan => ({
  kind: 'if',
  test: { value: '{header:X-A}', is, regex: null, isNegated: false },
  steps: [{ kind: 'set', name: 'got', value: '{value:got}{header:X-A}!' }],
});

test('conditions: captures stay, values are set once and again', () => {
  assert.equal(run('/', [setIf('one'), setIf('two'), setIf('one')], '{value:got}').said, 'one!one!');
  const groups: StepPlan = {
    kind: 'if',
    test: { value: '{header:X-A}', is: null, regex: '(?<first>.)(.*)', isNegated: false },
    steps: [{ kind: 'call', name: 'there' }],
  };
  assert.deepEqual(run('/', [groups], '{capture:2} {value:first}'), { end: 'called', target: '/', said: 'ne o' });
});

test('steps may end in another route', () => {
  const none = { set: [], add: [], remove: [] };
  const route = {
    name: null,
    steps: [],
    errors: [],
    isInternal: false,
    match: { hosts: [], path: null, methods: [], values: [] },
    action: { kind: 'close' as const },
    requestHeaders: none,
    responseHeaders: none,
    successHeaders: { set: [], add: [] },
  };
  const steps = new Steps([{ kind: 'take', route }], (plan) => plan.action.kind);
  assert.equal(steps.run(new RequestView(new Uint8Array(1), new RequestHead(1))), 'took');
  assert.equal(steps.taken, 'close');
  assert.equal(run('/', [{ kind: 'stop' }, { kind: 'take', route }]).end, 'done');
});

const set = (name: string): StepPlan => ({ kind: 'set', name, value: 'yes' });

test('a stop leaves out the steps of its phase, and none behind a find', () => {
  const steps: StepPlan[] = [{ kind: 'stop' }, set('left-out'), { kind: 'find' }, set('done')];
  assert.equal(run('/', steps, '{value:left-out}{value:done}').said, 'yes');
  const moved = [rewrite('^/', '/x'), { kind: 'find' as const }, set('never')];
  assert.deepEqual(run('/', moved, '{value:never}'), { end: 'again', target: '/x', said: '' });
});
