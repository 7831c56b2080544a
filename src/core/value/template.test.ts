import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { ascii } from '../../wire/http1/classes.ts';
import { RequestHead } from '../../wire/http1/head.ts';
import { parseRequestHead } from '../../wire/http1/request.ts';
import { parseIpText } from '../../wire/ip-text.ts';
import { RequestView } from './request-view.ts';
import { Template, TEMPLATE_OVERFLOW } from './template.ts';

function viewOf(target = '/a%20b?user=x%26y&lang=de', extra = ''): RequestView {
  const bytes = Buffer.from(
    `GET ${target} HTTP/1.1\r\nHost: shop.example:8080\r\nUser-Agent: curl\r\nCookie: a=1; session=s1\r\n${extra}\r\n`,
    'latin1',
  );
  const head = new RequestHead(50);
  assert.ok(parseRequestHead(bytes, 0, bytes.length, { headBytes: 8192, headers: 50 }, head) > 0);
  const view = new RequestView(bytes, head);
  parseIpText(Buffer.from('198.51.100.9'), 0, 12, view.client);
  parseIpText(Buffer.from('2001:db8::1'), 0, 11, view.peer);
  view.requestIdBytes = Buffer.from('(id-1)');
  view.requestId = 1;
  view.requestIdLength = 4;
  return view;
}

function written(text: string, view = viewOf()): string {
  const out = new Uint8Array(1024);
  const template = new Template(text, ascii);
  const end = template.emitInField(view, out, 0, out.length);
  assert.ok(end <= template.bound(view));
  return Buffer.from(out.subarray(0, end)).toString('latin1');
}

test('every value of the vocabulary', () => {
  for (const [placeholder, value] of Object.entries({
    client: '198.51.100.9',
    peer: '2001:db8::1',
    host: 'shop.example',
    authority: 'shop.example:8080',
    method: 'GET',
    path: '/a%20b',
    query: '?user=x%26y&lang=de',
    uri: '/a%20b?user=x%26y&lang=de',
    scheme: 'http',
    'request-id': 'id-1',
    'header:user-agent': 'curl',
    'header:None': '',
    'cookie:session': 's1',
    'cookie:none': '',
    'query:user': 'x%26y',
    'query:none': '',
  })) {
    assert.equal(written(`<{${placeholder}}>`), `<${value}>`, placeholder);
  }
});

test('what is no placeholder is text', () => {
  const report = '{"group":"default","max_age":1,"endpoints":[{"url":"https://x"}]}';
  assert.equal(written(report), report);
  assert.equal(written('{}{ client }{client'), '{}{ client }{client');
  assert.ok(new Template(report, ascii).isConstant);
});

test('the scheme is a trusted proxy’s word, and nobody else’s', () => {
  const view = viewOf('/', 'X-Forwarded-Proto: https\r\n');
  assert.equal(written('{scheme}', view), 'http');
  view.isTrusted = true;
  assert.equal(written('{scheme}', view), 'https');
});

test('no value can end its line, and nothing is written past the end', () => {
  const placeholder = fc.constantFrom(
    '{path}',
    '{query}',
    '{host}',
    '{header:User-Agent}',
    '{cookie:session}',
    '{uri}',
    'x',
  );
  fc.assert(
    fc.property(
      fc.array(placeholder, { maxLength: 5 }),
      fc.uint8Array({ maxLength: 30 }),
      fc.nat(120),
      (parts, noise, room) => {
        const view = viewOf();
        // as if the parser had let anything pass
        view.bytes.set(noise, view.head.path);
        view.bytes.set(noise, view.head.host);
        const out = new Uint8Array(256);
        const end = new Template(parts.join(''), ascii).emitInField(view, out, 0, room);
        assert.ok(end <= room);
        if (end === TEMPLATE_OVERFLOW) return;
        assert.ok(out.subarray(0, end).every((byte) => byte === 9 || (byte >= 32 && byte !== 127)));
      },
    ),
  );
});
