import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../base/prng.ts';
import { request } from '../value/fixtures.test.ts';
import { Source } from '../value/source.ts';
import { Span } from '../value/span.ts';
import { isChosen } from './trace-context.ts';
import { Tracer } from './tracer.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const span = new Span();

/** The values of a request with these fields, of which new traces are recorded or not. */
function trace(fields: readonly string[], share = 10_000): (name: Parameters<typeof Source.of>[0]['kind']) => string {
  const view = request('/', 'a.example', 'GET', fields);
  view.tracer = new Tracer({ share }, new Prng(7));
  return (kind) => {
    Source.of({ kind, name: null } as Parameters<typeof Source.of>[0]).find(view, span);
    return Buffer.from(span.bytes.subarray(span.at, span.end)).toString();
  };
}

function isContinued(traceparent: string): boolean {
  const values = trace([`Traceparent: ${traceparent}`, 'tracestate: a=1']);
  const continued = values('trace-id') === TRACE;
  assert.equal(values('parent-span-id'), continued ? PARENT : '', traceparent);
  assert.equal(values('tracestate'), continued ? 'a=1' : '', traceparent);
  assert.match(values('traceparent'), /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
  return continued;
}

test('a trace is continued with a span of our own, and its caller says whether it is recorded', () => {
  for (const [flags, sampled] of [
    ['00', ''],
    ['01', '1'],
    ['02', ''],
    ['ff', '1'],
  ]) {
    // whatever becomes of traces that begin here
    const values = trace([`traceparent: 00-${TRACE}-${PARENT}-${flags}`], sampled === '' ? 10_000 : 0);
    assert.equal(values('trace-sampled'), sampled);
    const span = values('span-id');
    assert.notEqual(span, PARENT);
    assert.equal(values('traceparent'), `00-${TRACE}-${span}-0${sampled === '' ? 0 : 1}`);
  }
});

test('traceparent: what is valid is continued, and nothing else', () => {
  for (const valid of [
    `00-${TRACE}-${PARENT}-01`,
    `01-${TRACE}-${PARENT}-01`,
    `cc-${TRACE}-${PARENT}-01-what the future will be like`,
    `fe-${TRACE}-${PARENT}-00-`,
  ]) {
    assert.ok(isContinued(valid), valid);
  }
  for (const invalid of [
    '',
    `ff-${TRACE}-${PARENT}-01`,
    `00-${'0'.repeat(32)}-${PARENT}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE}-${PARENT}-01-`,
    `00-${TRACE}-${PARENT}-01.`,
    `cc-${TRACE}-${PARENT}-01.more`,
    `00-${TRACE}-${PARENT}-1`,
    `00-${TRACE}-${PARENT}`,
    `00-${TRACE.toUpperCase()}-${PARENT}-01`,
    `00-${TRACE}-${PARENT.toUpperCase()}-01`,
    `0A-${TRACE}-${PARENT}-01`,
    `00-${TRACE}-${PARENT}-0G`,
    `0-${TRACE}-${PARENT}-01`,
    `00_${TRACE}-${PARENT}-01`,
    `00-${TRACE}_${PARENT}-01`,
    `00-${TRACE}-${PARENT}_01`,
    `00-${TRACE.slice(1)}-${PARENT}-011`,
    `00-${TRACE}-${PARENT}-01,00-${TRACE}-${PARENT}-01`,
  ]) {
    assert.ok(!isContinued(invalid), invalid);
  }
});

test('of several fields none is the parent', () => {
  const line = `traceparent: 00-${TRACE}-${PARENT}-01`;
  assert.notEqual(trace([line, line])('trace-id'), TRACE);
});

test('tracestate: several fields are one list', () => {
  const values = trace([`traceparent: 00-${TRACE}-${PARENT}-01`, 'tracestate: a=1', 'Tracestate: b=2,c=3']);
  assert.equal(values('tracestate'), 'a=1, b=2,c=3');
});

test('new traces differ, and a request stays in its own', () => {
  const values = trace([]);
  assert.equal(values('trace-id'), values('trace-id'));
  assert.notEqual(values('trace-id').slice(0, 16), values('span-id'));
  assert.equal(values('parent-span-id'), '');
});

test('who does not trace has no values', () => {
  const view = request('/', 'a.example', 'GET', [`traceparent: 00-${TRACE}-${PARENT}-01`]);
  for (const kind of ['trace-id', 'span-id', 'traceparent', 'tracestate', 'trace-sampled'] as const)
    assert.equal(Source.of({ kind, name: null }).find(view, span), false, kind);
});

function chosen(end: string, share: number): boolean {
  return isChosen(Buffer.from(end.padStart(32, 'f')), 0, share);
}

test('the share of traces is chosen by the end of their identifier', () => {
  assert.ok(chosen('00000000000000', 10_000));
  assert.ok(!chosen('ffffffffffffff', 0));
  assert.ok(chosen('80000000000000', 5000));
  assert.ok(!chosen('7fffffffffffff', 5000));
  const prng = new Prng(3);
  let count = 0;
  for (let i = 0; i < 2000; i++) {
    const view = request('/');
    if (new Tracer({ share: 1000 }, prng).traceOf(view).isSampled) count++;
  }
  assert.ok(count > 140 && count < 260, `${count} of 2000`);
});
