import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { latin1 } from '../../base/text.ts';
import * as E from './emit.ts';
import { F_CONNECTION, F_HOST, F_KEEP_ALIVE, F_OTHER } from './head.ts';
import { request, response } from './testing/three-ways.ts';

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

  it('writes constants of every length', () => {
    for (let length = 0; length < 40; length++) {
      const text = 'abcdefghijklmnopqrstuvwxyz0123456789ABCD'.slice(0, length);
      const out = new Uint8Array(64).fill(0x2e);
      assert.equal(E.emitFragment(out, 5, ascii(text)), 5 + length);
      assert.equal(latin1(out, 4, length + 2), `.${text}.`);
    }
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
