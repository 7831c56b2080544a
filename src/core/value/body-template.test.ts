import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { BodyTemplate } from './body-template.ts';
import { request } from './fixtures.test.ts';
import { TEMPLATE_OVERFLOW } from './template.ts';

function body(text: string, contentType: string, value: string, room = 1000): string | number {
  const view = request('/', 'a.example', 'GET', [`X-V: ${value}`]);
  const out = new Uint8Array(room);
  const end = new BodyTemplate(text, contentType).emit(view, out, 0, room);
  return end < 0 ? end : Buffer.from(out.subarray(0, end)).toString();
}

test('a value is escaped as the type of the content asks', () => {
  const value = `<b a="1" b='2'>&\\\`$`;
  const markup = '&#60;b&#32;a&#61;&#34;1&#34;&#32;b&#61;&#39;2&#39;&#62;&#38;&#92;&#96;&#36;';
  const script = '\\u003cb a=\\u00221\\u0022 b=\\u00272\\u0027\\u003e\\u0026\\u005c\\u0060\\u0024';
  for (const [type, expected] of [
    ['text/plain; charset=utf-8', value],
    ['text/css', value],
    ['text/html', markup],
    ['TEXT/HTML;charset=utf-8', markup],
    ['application/xhtml+xml', markup],
    ['image/svg+xml', markup],
    ['application/json', script],
    ['application/problem+json', script],
    ['application/x-ndjson', script],
    ['application/jsonl', script],
    ['application/json-seq', script],
    ['application/geo+json-seq; x=html', script],
    ['', markup],
    ['unknown/unknown', markup],
    ['text/plain, text/html', markup],
    ['text/javascript', script],
    ['application/x-javascript', script],
  ]) {
    assert.equal(body('[{header:X-V}]', type, value), `[${expected}]`, type);
  }
});

test('the operator’s own text stays as it is', () => {
  assert.equal(body('<p class="é">{header:X-V}</p>{}', 'text/html', '<'), '<p class="é">&#60;</p>{}');
});

test('what does not fit is an overflow, and nothing is written past the end', () => {
  assert.equal(body('a{header:X-V}', 'text/html', '<', 6), 'a&#60;');
  assert.equal(body('a{header:X-V}', 'text/html', '<', 5), TEMPLATE_OVERFLOW);
  assert.equal(body('a{header:X-V}b', 'text/plain', 'c', 2), TEMPLATE_OVERFLOW);
});

test('JSON with any value in its strings is JSON, and says the value', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...Array.from('ab"\\{}[]<>&\'`$,:')) }), (value) => {
      const parsed = JSON.parse(String(body('{"v":"{header:X-V}"}', 'application/json', value))) as { v: string };
      assert.equal(parsed.v, value);
    }),
  );
});
