import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { latin1 } from '../../base/text.ts';
import { ChunkScanner } from './chunked.ts';
import { ascii } from './classes.ts';
import { httpError } from './errors.ts';

interface Outcome {
  /** How many bytes belong to the chunks, or the name of the error, or `more`. */
  readonly verdict: number | string;
  readonly dataBytes: number;
  readonly data: string;
}

/** Scans and decodes `text` in pieces of `pieceBytes`. */
function scanInPieces(text: string, pieceBytes: number): Outcome {
  const scanner = new ChunkScanner();
  const decoder = new ChunkScanner();
  const bytes = ascii(text);
  const copy = bytes.slice();
  let data = '';
  let at = 0;
  while (at < bytes.length && !scanner.done && scanner.error === 0) {
    const end = Math.min(at + pieceBytes, bytes.length);
    const consumed = scanner.scan(bytes, at, end);
    assert.equal(decoder.decode(copy, at, end), consumed);
    data += latin1(copy, at, decoder.dataEnd - at);
    assert.equal(decoder.done, scanner.done);
    assert.equal(decoder.error, scanner.error);
    assert.equal(decoder.dataBytes, scanner.dataBytes);
    if (!scanner.done && scanner.error === 0) assert.equal(consumed, end);
    at = consumed;
  }
  assert.deepEqual(bytes, ascii(text), 'scan writes nothing');
  assert.equal(data.length, scanner.dataBytes);
  const verdict = scanner.error !== 0 ? httpError(scanner.error).name : scanner.done ? at : 'more';
  return { verdict, dataBytes: scanner.dataBytes, data };
}

/** Whole, in pieces of every small size, and with trailing bytes: all must agree. */
function scan(text: string): Outcome {
  const whole = scanInPieces(text, text.length);
  for (let pieceBytes = 1; pieceBytes <= 7; pieceBytes++) assert.deepEqual(scanInPieces(text, pieceBytes), whole);
  if (whole.verdict !== 'more') assert.deepEqual(scanInPieces(`${text}0\r\n\r\nGET`, 1e6), whole);
  return whole;
}

describe('chunk scanner', () => {
  it('ends behind the line of the last chunk, before the trailer section (RFC 9112 section 7.1)', () => {
    assert.deepEqual(scan('5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n'), {
      verdict: 24,
      dataBytes: 11,
      data: 'hello world',
    });
    assert.deepEqual(scan('0\r\n'), { verdict: 3, dataBytes: 0, data: '' });
    assert.deepEqual(scan('1\r\n0\r\n000\r\n'), { verdict: 11, dataBytes: 1, data: '0' });
    assert.equal(scan('5\r\nhel').verdict, 'more');
    assert.equal(scan('5\r\nhello\r\n0\r').verdict, 'more');
  });

  it('reads sizes of either case, with leading zeros, up to 16 digits and 2^53-1', () => {
    assert.equal(scan('000A\r\n0123456789\r\n0\r\n').data, '0123456789');
    assert.equal(scan('a\r\n0123456789\r\n0\r\n').data, '0123456789');
    assert.equal(scan('0000000000000001\r\nx\r\n0\r\n').data, 'x');
    assert.equal(scan('00000000000000001\r\nx\r\n0\r\n').verdict, 'chunk-size');
    assert.equal(scan('1fffffffffffff\r\n').verdict, 'more');
    assert.equal(scan('20000000000000\r\n').verdict, 'chunk-size');
    assert.equal(scan('ffffffffffffffff\r\n').verdict, 'chunk-size');
  });

  it('passes well-formed extensions (RFC 9112 section 7.1.1)', () => {
    for (const line of ['5;a', '5;a=b', '5;a="b"', '5;a="";b=c;d', '5;a=" ;\t\\"\\\\\xff="', "5;!#$%&'*+-.^_`|~=1"]) {
      assert.equal(scan(`${line}\r\nhello\r\n0;last=1\r\n`).data, 'hello', line);
    }
  });

  it('refuses malformed extensions, also whitespace around them', () => {
    for (const line of [
      '5;',
      '5;;a',
      '5;=a',
      '5;a=',
      '5; a',
      '5;a ',
      '5;a =b',
      '5;a= b',
      '5;a="b',
      '5;a="b"c',
      '5;a="b" ',
      '5;a=b"',
      '5;a\0',
      '5;a=\0',
      '5;a="\0"',
      '5;a="\\\0"',
      '5;a="\x7f"',
      '5;a=\x0b',
      '5;\xff',
    ]) {
      assert.equal(scan(`${line}\r\nhello\r\n0\r\n`).verdict, 'chunk-extension', JSON.stringify(line));
    }
  });

  it('refuses every other spelling of a size', () => {
    for (const line of [
      '',
      ' 5',
      '5 ',
      '+5',
      '-5',
      '0x5',
      '5_0',
      '5.',
      'g',
      '5\t',
      '5\0',
      '\n5',
      '\r\n5',
      '5,5',
      '\uff15',
    ]) {
      assert.equal(scan(`${line}\r\nhello\r\n0\r\n`).verdict, 'chunk-size', JSON.stringify(line));
    }
  });

  it('ends lines with CR LF only (RFC 9112 section 2.2 has no exception for chunks)', () => {
    assert.equal(scan('5\nhello\r\n0\r\n').verdict, 'chunk-size');
    assert.equal(scan('5\rhello\r\n0\r\n').verdict, 'line-end');
    assert.equal(scan('5\r\r\nhello\r\n0\r\n').verdict, 'line-end');
    assert.equal(scan('5;a\nhello\r\n0\r\n').verdict, 'line-end');
    assert.equal(scan('5;a="b\nhello\r\n0\r\n').verdict, 'chunk-extension');
    assert.equal(scan('5;a="b\rhello\r\n0\r\n').verdict, 'chunk-extension');
    assert.equal(scan('0\n').verdict, 'chunk-size');
  });

  it('refuses data that is longer or shorter than its size', () => {
    assert.equal(scan('5\r\nhello!\r\n0\r\n').verdict, 'chunk-end');
    assert.equal(scan('5\r\nhello\n0\r\n').verdict, 'chunk-end');
    assert.equal(scan('5\r\nhello\r0\r\n').verdict, 'chunk-end');
    assert.equal(scan('6\r\nhello\r\n0\r\n').verdict, 'chunk-end');
  });

  it('bounds the size line', () => {
    assert.equal(scan(`5;${'a'.repeat(252)}\r\nhello\r\n0\r\n`).data, 'hello');
    assert.equal(scan(`5;${'a'.repeat(253)}\r\nhello\r\n0\r\n`).verdict, 'chunk-line-too-long');
  });

  it('starts anew after reset', () => {
    const scanner = new ChunkScanner();
    scanner.scan(ascii('5\r\nhel'), 0, 6);
    scanner.reset();
    assert.equal(scanner.scan(ascii('0\r\n'), 0, 3), 3);
    assert.equal(scanner.done, true);
    assert.equal(scanner.dataBytes, 0);
  });
});
