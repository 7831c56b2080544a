import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { latin1 } from '../../base/text.ts';
import * as fc from 'fast-check';
import { ChunkScanner } from './chunked.ts';
import { ascii } from './classes.ts';
import { droppedIds, emitCrlf, emitHex, emitKeptFields } from './emit.ts';
import { FIELD_ID, FIELD_WORDS, F_OTHER, FieldTable, RequestHead, ResponseHead } from './head.ts';
import { parseRequestHead } from './request.ts';
import { parseResponseHead } from './response.ts';
import { LIMITS, request } from './testing/three-ways.ts';
import { parseTrailers } from './trailers.ts';

const NUM_RUNS = 300;

const TOKEN_CHARS = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".split('');
const token = fc.string({ unit: fc.constantFrom(...TOKEN_CHARS), minLength: 1, maxLength: 20 });
const method = token.map((text) => text.toUpperCase());
const byteChar = fc.integer({ min: 0x21, max: 0xff }).filter((byte) => byte !== 0x7f);
const valueChar = fc.oneof(
  byteChar.map((byte) => String.fromCharCode(byte)),
  fc.constantFrom(' ', '\t'),
);
const value = fc.string({ unit: valueChar, maxLength: 40 });
const space = fc.string({ unit: fc.constantFrom(' ', '\t'), maxLength: 3 });
/** Names that mean nothing to us: what is known has rules of its own. */
const name = token.map((text) => `x.${text}`);
const field = fc.record({ name, before: space, value, after: space });
const fields = fc.array(field, { maxLength: 12 });
const targetChar = fc.integer({ min: 0x21, max: 0x7e }).filter((byte) => byte !== 0x23);
const target = fc
  .string({ unit: targetChar.map((byte) => String.fromCharCode(byte)), maxLength: 60 })
  .map((text) => `/${text}`);

type FieldText = typeof field extends fc.Arbitrary<infer T> ? T : never;
const linesOf = (all: readonly FieldText[]) => all.map((f) => `${f.name}:${f.before}${f.value}${f.after}\r\n`).join('');
const trimmed = (text: string) => text.replace(/^[ \t]+|[ \t]+$/g, '');

describe('HTTP/1 properties', () => {
  it('any head of tokens, target bytes and field values is read back as it was written', () => {
    fc.assert(
      fc.property(method, target, fields, (method, target, fields) => {
        fc.pre(method !== 'CONNECT');
        const text = `${method} ${target} HTTP/1.1\r\nHost: a\r\n${linesOf(fields)}\r\n`;
        const r = request(text);
        assert.equal(r.verdict, text.length);
        assert.equal(r.method, method);
        assert.equal(r.target, target);
        assert.equal(r.query, target.includes('?') ? target.slice(target.indexOf('?')) : '');
        assert.deepEqual(
          r.fields.slice(1),
          fields.map((f) => ({ name: f.name, value: trimmed(f.value), id: F_OTHER })),
        );
      }),
      { numRuns: NUM_RUNS },
    );
  });

  it('copied fields are byte for byte what was kept', () => {
    fc.assert(
      fc.property(fields, fc.infiniteStream(fc.boolean()), (fields, kept) => {
        const bytes = ascii(`GET / HTTP/1.1\r\nHost: a\r\n${linesOf(fields)}\r\n`);
        const head = new RequestHead(16);
        assert.equal(parseRequestHead(bytes, 0, bytes.length, LIMITS, head), bytes.length);
        let expected = '';
        for (const [i, f] of [{ name: 'Host', before: ' ', value: 'a', after: '' }, ...fields].entries()) {
          const isKept = kept.next().value as boolean;
          head.fields[i * FIELD_WORDS + FIELD_ID] = isKept ? 1 : 2;
          if (isKept) expected += linesOf([f]);
        }
        const out = new Uint8Array(bytes.length);
        assert.equal(latin1(out, 0, emitKeptFields(out, 0, bytes, head, droppedIds(2))), expected);
      }),
      { numRuns: NUM_RUNS },
    );
  });

  it('a chunked body is decoded to the same data however it was cut into chunks and pieces', () => {
    const parts = fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { maxLength: 6 });
    fc.assert(
      fc.property(parts, fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 40 }), (parts, cuts) => {
        const bytes = new Uint8Array(1024);
        let end = 0;
        for (const part of parts) {
          end = emitCrlf(bytes, emitHex(bytes, end, part.length));
          bytes.set(part, end);
          end = emitCrlf(bytes, end + part.length);
        }
        end = emitCrlf(bytes, emitCrlf(bytes, emitHex(bytes, end, 0)));
        const scanner = new ChunkScanner();
        const data: number[] = [];
        let at = 0;
        for (let cut = 0; !scanner.done; cut++) {
          const pieceEnd = Math.min(end, at + cuts[cut % cuts.length]);
          const next = scanner.decode(bytes, at, pieceEnd);
          data.push(...bytes.subarray(at, scanner.dataEnd));
          at = next;
        }
        assert.deepEqual(
          data,
          parts.flatMap((part) => [...part]),
        );
        assert.equal(at, end - 2);
        assert.equal(parseTrailers(bytes, at, end, new FieldTable(1), 1), 2);
      }),
      { numRuns: NUM_RUNS },
    );
  });

  it('no bytes make a parser throw or take more than there is', () => {
    const requestHead = new RequestHead(8);
    const responseHead = new ResponseHead(8);
    const prefix = fc.constantFrom(
      '',
      'GET / HTTP/1.1\r\n',
      'GET / HTTP/1.1\r\nHost:',
      'HTTP/1.1 200',
      'HTTP/1.1 200 OK\r\n',
    );
    fc.assert(
      fc.property(prefix, fc.uint8Array({ maxLength: 100 }), (prefix, rest) => {
        const bytes = new Uint8Array([...ascii(prefix), ...rest]);
        for (const result of [
          parseRequestHead(bytes, 0, bytes.length, LIMITS, requestHead),
          parseResponseHead(bytes, 0, bytes.length, LIMITS, responseHead),
          parseTrailers(bytes, 0, bytes.length, requestHead, 8),
          new ChunkScanner().scan(bytes, 0, bytes.length),
        ]) {
          assert.ok(Number.isInteger(result) && result <= bytes.length);
        }
      }),
      { numRuns: NUM_RUNS * 3 },
    );
  });
});
