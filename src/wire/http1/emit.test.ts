import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as E from './emit.ts';
import { F_CONNECTION, F_HOST, F_KEEP_ALIVE, F_OTHER } from './head.ts';
import { SIMPLE_RESPONSE_BYTES_MAX, emitSimpleResponse, reasonOf } from './simple-response.ts';
import { latin1, request, response } from './testing.ts';

const { ascii } = E;

describe('emit', () => {
  it('writes numbers in decimal and hexadecimal', () => {
    const out = new Uint8Array(32);
    for (const value of [
      0,
      1,
      9,
      10,
      99,
      100,
      12345,
      2 ** 31 - 1,
      2 ** 31,
      2 ** 32 - 1,
      2 ** 32,
      10 ** 15,
      2 ** 53 - 1,
    ]) {
      assert.equal(latin1(out, 3, E.emitDecimal(out, 3, value) - 3), String(value));
      if (value < 2 ** 32) assert.equal(latin1(out, 3, E.emitHex(out, 3, value) - 3), value.toString(16));
    }
  });

  it('frames a chunk around data that stays where it is (RFC 9112 section 7.1)', () => {
    for (const size of [1, 15, 16, 255, 256, 32768, 2 ** 32 - 1]) {
      const out = new Uint8Array(32).fill(0x2e);
      const at = E.emitChunkStartBefore(out, 20, size);
      assert.ok(20 - at <= E.CHUNK_START_BYTES_MAX);
      assert.equal(latin1(out, at, 20 - at), `${size.toString(16)}\r\n`);
      assert.equal(out[at - 1], 0x2e);
      assert.equal(out[20], 0x2e);
    }
    const out = new Uint8Array(8);
    assert.equal(latin1(out, 0, E.emitLastChunk(out, 0)), '0\r\n\r\n');
  });

  it('copies runs of every length between arrays and downwards within one', () => {
    const source = Uint8Array.from({ length: 400 }, (_, i) => i & 255);
    for (let length = 0; length < 300; length++) {
      const out = new Uint8Array(400);
      assert.equal(E.emitBytes(out, 5, source, 7, length), 5 + length);
      assert.deepEqual(out.subarray(5, 5 + length), source.subarray(7, 7 + length));
      const same = source.slice();
      E.emitBytes(same, 5, same, 7, length);
      assert.deepEqual(same.subarray(5, 5 + length), source.subarray(7, 7 + length));
    }
  });

  it('copies all fields but the dropped ones, in order', () => {
    const out = new Uint8Array(1024);
    const dropped = E.droppedIds(F_CONNECTION, F_KEEP_ALIVE, F_HOST);
    for (const [lines, kept] of [
      ['Host: a\r\n', ''],
      ['Host: a\r\nA: b\r\n', 'A: b\r\n'],
      ['A: b\r\nHost: a\r\nC: d\r\n', 'A: b\r\nC: d\r\n'],
      ['A: b\r\nC:d  \r\nHost: a\r\nConnection: close\r\nE:\r\n', 'A: b\r\nC:d  \r\nE:\r\n'],
      ['Connection: x\r\nX: 1\r\nHost: a\r\nKeep-Alive: 1\r\n', 'X: 1\r\n'],
    ]) {
      const { bytes, head } = request(`GET / HTTP/1.1\r\n${lines}\r\n`);
      assert.equal(latin1(out, 9, E.emitKeptFields(out, 9, bytes, head, dropped) - 9), kept);
    }
    const none = response('HTTP/1.1 200 OK\r\n\r\n');
    assert.equal(E.emitKeptFields(out, 0, none.bytes, none.head, E.droppedIds(F_OTHER)), 0);
  });
});

describe('simple response', () => {
  const date = ascii('Sun, 06 Nov 1994 08:49:37 GMT');
  const none = new Uint8Array(0);
  const emit = (
    status: number,
    fields: string,
    type: string,
    body: string,
    isHead: boolean,
    isLast: boolean,
  ): string => {
    const out = new Uint8Array(2048);
    const end = emitSimpleResponse(out, 3, status, ascii(fields), ascii(type), ascii(body), isHead, isLast, date);
    const variable = fields.length + type.length + body.length + date.length;
    assert.ok(end - 3 <= SIMPLE_RESPONSE_BYTES_MAX + variable);
    return latin1(out, 3, end - 3);
  };

  it('is a complete response with Date and Content-Length', () => {
    assert.equal(
      emit(404, '', 'text/plain', 'no', false, true),
      'HTTP/1.1 404 Not Found\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n' +
        'Content-Type: text/plain\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno',
    );
    assert.equal(
      emit(302, 'Location: /x\r\n', '', '', false, false),
      'HTTP/1.1 302 Found\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n',
    );
  });

  it('has no body for HEAD, 204 and 304 (RFC 9110 sections 8.6 and 9.3.2)', () => {
    assert.match(emit(200, '', 'text/plain', 'body', true, false), /Content-Length: 4\r\n\r\n$/);
    assert.doesNotMatch(emit(204, '', 'text/plain', 'body', false, false), /Content-|body/);
    assert.doesNotMatch(emit(304, '', 'text/plain', 'body', false, false), /Content-|body/);
  });

  it('is accepted by our own parser for every status', () => {
    for (let status = 200; status <= 599; status++) {
      const text = emit(status, '', 'text/plain', '', false, true);
      const r = response(text);
      assert.equal(r.verdict, text.length);
      assert.equal(r.head.status, status);
    }
    assert.deepEqual(reasonOf(599), none);
  });
});
