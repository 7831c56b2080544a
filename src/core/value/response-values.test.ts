import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeUtf8 } from '../../base/text.ts';
import { compileValue } from '../../config/compile/values.ts';
import { lateNamesOf } from '../../config/check/late-values.ts';
import type { Config } from '../../config/model/config.ts';
import type { LateValues } from './late.ts';
import { ResponseMap, ResponseValues } from './response-values.ts';
import { Span } from './span.ts';

/** Reads values by name of a response with these fields. */
function reader(
  config: NonNullable<Config['values']>,
  fields: Readonly<Record<string, string>>,
): (name: string) => string {
  const late = lateNamesOf(config);
  const values = new ResponseValues(() => 1_764_430_283_000);
  const plans = Object.entries(config).map(([name, value]) => compileValue(name, value, late));
  values.define(plans.flatMap((plan) => (plan.kind === 'map' && plan.isLate ? [new ResponseMap(plan)] : [])));
  const response: LateValues = {
    find({ kind, name }, span) {
      if (kind === 'value') return values.find(name, response, span);
      if (kind === 'date') return values.findDate(name, span);
      const text = encodeUtf8(fields[name] ?? '');
      span.set(text, 0, text.length);
    },
  };
  return (name) => {
    const span = new Span();
    values.find(name, response, span);
    return new TextDecoder('latin1').decode(span.bytes.subarray(span.at, span.end));
  };
}

const VALUES: NonNullable<Config['values']> = {
  kind: {
    map: '{response:Content-Type}',
    exact: { 'text/css': 'style' },
    regex: [{ is: '^image/', value: 'image of {response:Server}' }],
    otherwise: 'other',
  },
  until: { map: '{value:kind}', exact: { style: '{date:1h}', other: '' }, otherwise: '{value:kind}!' },
  early: { map: '{host}', exact: { a: 'b' } },
};

test('a value is chosen by what the response says, and by other such values', () => {
  const css = reader(VALUES, { 'Content-Type': 'text/css' });
  assert.deepEqual([css('kind'), css('until')], ['style', 'Sat, 29 Nov 2025 16:31:23 GMT']);
  const image = reader(VALUES, { 'Content-Type': 'image/png', Server: 'x' });
  assert.deepEqual([image('kind'), image('until')], ['image of x', 'image of x!']);
  const html = reader(VALUES, { 'Content-Type': 'text/html' });
  assert.deepEqual([html('kind'), html('until')], ['other', '']);
});

test('what has no name, and what is not of a response, is empty', () => {
  const read = reader(VALUES, {});
  assert.deepEqual([read('early'), read('nobody')], ['', '']);
});

test('more than fits is as nothing', () => {
  const read = reader(VALUES, { 'Content-Type': 'image/png', Server: 'x'.repeat(9_000) });
  assert.equal(read('kind'), '');
});
