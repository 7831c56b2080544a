import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { request, text } from '../value/fixtures.test.ts';
import { RequestView } from '../value/request-view.ts';
import { REDIRECT_TOO_LONG, Redirect } from './redirect.ts';

const out = new Uint8Array(4096);

function location(to: string, target: string, host = 'shop.example:8080'): string {
  const { bytes, head } = request(target, host);
  return text(out, 3, new Redirect(to).write(new RequestView(bytes, head), out, 3, out.length));
}

test('a fixed Location is written as it stands', () => {
  assert.equal(location('/new', '/old'), '/new');
  assert.equal(location('https://x.example/a?b#c', '/old'), 'https://x.example/a?b#c');
});

test('{host}, {path}, {query} and {uri} stand for the request as sent', () => {
  assert.equal(location('https://{host}{uri}', '/a//b%2f?q=1'), 'https://shop.example/a//b%2f?q=1');
  assert.equal(location('https://{host}{path}{query}', '/a?q'), 'https://shop.example/a?q');
  assert.equal(location('/new{path}?from={host}', '/a?q'), '/new/a?from=shop.example');
  assert.equal(location('/x{query}', '/a'), '/x');
  assert.equal(location('https://{host}{uri}', 'http://shop.example:8080'), 'https://shop.example/');
  assert.equal(location('https://{host}/', '/', '[::1]:80'), 'https://[::1]/');
  assert.equal(location('/{other}{host', '/'), '/{other}{host');
});

test('a request must not lead to another host: a Location that begins with the path begins with one slash', () => {
  assert.equal(location('{uri}', '//evil.example/x?q'), '/evil.example/x?q');
  assert.equal(location('{path}', '/\\/evil.example'), '/evil.example');
  assert.equal(location('/{path}', '//evil.example'), '/evil.example');
  assert.equal(location('https://a.example{path}', '//x'), 'https://a.example//x');
});

test('no value, full or empty, makes a Location that begins with one slash begin with two', () => {
  const to = '/{query:a}{query:b}/x';
  assert.equal(location(to, '/?a=en'), '/en/x');
  assert.equal(location(to, '/'), '/x');
  assert.equal(location(to, '/?a=/evil.example'), '/evil.example/x');
  assert.equal(location(to, '/?a=\\/\\&b=/\\evil.example'), '/evil.example/x');
  assert.equal(location('/{query:a}/{query:b}', '/?b=evil.example'), '/evil.example');
  assert.equal(location('{path}{query:a}', '/?a=/evil.example'), '/evil.example');
  assert.equal(location('{path}/x', '/'), '/x');
  assert.equal(location('//cdn.example/{query:a}', '/?a=/b'), '//cdn.example//b', 'the operator’s own two');
  const part = fc.constantFrom('/', '\\', '{query:a}', '{query:b}', '{path}', '{query:none}', 'x');
  const value = fc.string({ unit: fc.constantFrom('/', '\\', 'e', '%2F'), maxLength: 5 });
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), value, value, (parts, a, b) => {
      const made = location(`/{query:a}${parts.join('')}`, `/${b}?a=${a}&b=${b}`);
      assert.match(made, /^\/(?![/\\])/);
    }),
  );
});

test('a request must not end the header line', () => {
  const { bytes, head } = request('/aXXb?cXXd', 'hXXt');
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] === 0x58) bytes[i] = bytes[i + 1] === 0x58 ? 0x0d : 0x0a;
  }
  const end = new Redirect('http://{host}{uri}').write(new RequestView(bytes, head), out, 0, out.length);
  assert.equal(text(out, 0, end), 'http://h%0D%0At/a%0D%0Ab?c%0D%0Ad');
});

test('whatever the bytes and the template, only visible ASCII comes out, and never too much', () => {
  const part = fc.constantFrom('{host}', '{path}', '{query}', '{uri}', '/x', '\r\n', '\u00e9', ' ');
  fc.assert(
    fc.property(
      fc.array(part, { maxLength: 4 }),
      fc.uint8Array({ maxLength: 30 }),
      fc.nat(200),
      (parts, noise, room) => {
        const { bytes, head } = request(`/${'x'.repeat(14)}?${'y'.repeat(14)}`, 'h'.repeat(30));
        bytes.set(noise, head.path);
        bytes.set(noise, head.host);
        out.fill(0);
        const end = new Redirect(parts.join('')).write(new RequestView(bytes, head), out, 0, room);
        if (end === REDIRECT_TOO_LONG) return;
        assert.ok(end <= room);
        assert.match(text(out, 0, end), /^[\x21-\x7e]*$/);
        assert.ok(out.subarray(end).every((byte) => byte === 0));
      },
    ),
  );
});
