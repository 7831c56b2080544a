import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeUtf8 } from '../../base/text.ts';
import { expandText, type LateValues, markLate } from './late.ts';
import { Span } from './span.ts';

/** Each value is its own name. */
const names: LateValues = {
  find({ name }, span) {
    const text = encodeUtf8(name);
    span.set(text, 0, text.length);
  },
};

function expanded(marks: string): string {
  const text = Buffer.from(marks, 'latin1');
  const out = new Uint8Array(256);
  const end = expandText(text, 0, text.length, names, new Span(), out, 0, out.length);
  return Buffer.from(out.subarray(0, end)).toString('latin1');
}

test('the values of all configurations that a process has had are told apart', () => {
  const first = markLate('a {response:X-0} b');
  for (let i = 1; i < 20_000; i++) markLate(`{response:X-${i}}`);
  assert.equal(expanded(markLate('<{response:X-19999}{response:X-77}>')), '<X-19999X-77>');
  assert.equal(expanded(first), 'a X-0 b');
});
