/**
 * Requests and responses that have made one program see two messages where another saw one (RFC 9112 section 11.2). Every
 * one is refused as soon as its first wrong byte is there, however it arrives, and before anything behind that byte is
 * taken for part of a message.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ChunkScanner } from './chunked.ts';
import { httpError } from './errors.ts';
import { BODY_CHUNKED, FieldTable } from './head.ts';
import { request, response, threeWays } from './testing/three-ways.ts';
import type { Request, Response, Verdict } from './testing/three-ways.ts';
import { parseTrailers } from './trailers.ts';

type Case = readonly [what: string, text: string, verdict: string];

/** A message with a body: the verdict on its head, or else on its chunks and trailers. */
function judge({ verdict, head, bytes }: Request | Response): Verdict {
  if (typeof verdict === 'string' || head.body !== BODY_CHUNKED) return verdict;
  const scanner = new ChunkScanner();
  const after = scanner.scan(bytes, verdict, bytes.length);
  if (scanner.error !== 0) return httpError(scanner.error).name;
  if (!scanner.done) return 'more';
  let text = '';
  for (const byte of bytes.subarray(after)) text += String.fromCharCode(byte);
  return threeWays(
    text,
    (bytes, offset, end, table) => parseTrailers(bytes, offset, end, table, 8),
    () => new FieldTable(8),
  ).verdict;
}

const post = (...lines: string[]) => `POST / HTTP/1.1\r\nHost: a\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
const chunked = (body: string) => post('Transfer-Encoding: chunked') + body;
const INNER = 'GET /admin HTTP/1.1\r\nHost: a\r\n\r\n';

const LENGTHS: readonly Case[] = [
  ['CL.TE', post('Content-Length: 6', 'Transfer-Encoding: chunked') + '0\r\n\r\nG', 'length-conflict'],
  ['TE.CL', post('Transfer-Encoding: chunked', 'Content-Length: 4') + `5c\r\n${INNER}`, 'length-conflict'],
  ['CL.TE with an unknown coding', post('Content-Length: 6', 'Transfer-Encoding: x') + '0\r\n\r\nG', 'length-conflict'],
  ['CL.TE with an empty coding', post('Content-Length: 6', 'Transfer-Encoding:') + '0\r\n\r\nG', 'length-conflict'],
  ['CL.CL', post('Content-Length: 5', 'Content-Length: 6'), 'content-length-repeated'],
  ['CL.CL, equal', post('Content-Length: 5', 'Content-Length: 5'), 'content-length-repeated'],
  ['CL.CL, in another case', post('Content-Length: 5', 'CONTENT-LENGTH: 6'), 'content-length-repeated'],
  ['CL.CL as a list', post('Content-Length: 5, 5'), 'content-length'],
  ['CL.CL as a list of different numbers', post('Content-Length: 5,6'), 'content-length'],
  ['a sign', post('Content-Length: +5'), 'content-length'],
  ['a minus', post('Content-Length: -5'), 'content-length'],
  ['minus zero', post('Content-Length: -0'), 'content-length'],
  ['a space inside', post('Content-Length:  5 6'), 'content-length'],
  ['hexadecimal', post('Content-Length: 0x5'), 'content-length'],
  ['an underscore', post('Content-Length: 1_0'), 'content-length'],
  ['an exponent', post('Content-Length: 1e1'), 'content-length'],
  ['more than 64 bits', post('Content-Length: 18446744073709551621'), 'content-length'],
  ['more than 2^53', post('Content-Length: 9007199254740992'), 'content-length'],
  ['a digit that is not ASCII', post('Content-Length: \xb2'), 'content-length'],
  ['a vertical tab before the number', post('Content-Length: \x0b5'), 'field-value'],
  ['a NUL behind the number', post('Content-Length: 5\0'), 'field-value'],
  ['no number', post('Content-Length:'), 'content-length'],
  ['a space before the colon', post('Content-Length : 5'), 'field-space'],
  ['a tab before the colon', post('Content-Length\t: 5'), 'field-space'],
  ['a NUL before the colon', post('Content-Length\0: 5'), 'field-name'],
  ['underscores', post('Content_Length: 5'), 'field-lookalike'],
  ['nomination', post('Content-Length: 5', 'Connection: content-length'), 'connection-nominates'],
];

const CODINGS: readonly Case[] = [
  ...(
    [
      ['xchunked', 'transfer-encoding'],
      ['chunked-', 'transfer-encoding'],
      ['"chunked"', 'transfer-encoding'],
      ["'chunked'", 'transfer-encoding'],
      ['chunked;', 'transfer-encoding'],
      ['chunked;q=1', 'transfer-encoding'],
      [',chunked', 'transfer-encoding'],
      ['chunked,', 'transfer-encoding'],
      ['chunked, identity', 'transfer-encoding'],
      ['chunked, chunked', 'transfer-encoding'],
      ['chunked, cow', 'transfer-encoding'],
      ['identity', 'transfer-encoding'],
      ['identity, chunked', 'transfer-encoding-unknown'],
      ['\xa0chunked', 'transfer-encoding'],
      ['chunked\xa0', 'transfer-encoding'],
      ['\xefchunked', 'transfer-encoding'],
      ['chun ked', 'transfer-encoding'],
      ['\x0bchunked', 'field-value'],
      ['\x0cchunked', 'field-value'],
      ['chunked\x0b', 'field-value'],
      ['\0chunked', 'field-value'],
      ['\x1fchunked', 'field-value'],
      ['\rchunked', 'line-end'],
      ['\nchunked', 'line-end'],
      ['chunked\r\n , x', 'field-folded'],
      ['chunked\r\n\tx', 'field-folded'],
    ] as const
  ).map(([value, verdict]): Case => [
    JSON.stringify(value),
    post(`Transfer-Encoding: ${value}`) + '0\r\n\r\n',
    verdict,
  ]),
  ['twice', post('Transfer-Encoding: chunked', 'Transfer-Encoding: x'), 'transfer-encoding-repeated'],
  ['twice the same', post('Transfer-Encoding: chunked', 'transfer-encoding: chunked'), 'transfer-encoding-repeated'],
  ['a space before the colon', post('Transfer-Encoding : chunked'), 'field-space'],
  ['a NUL in the name', post('Transfer\0-Encoding: chunked'), 'field-name'],
  ['a space before the name', post(' Transfer-Encoding: chunked'), 'field-folded'],
  ['underscores', post('Transfer_Encoding: chunked'), 'field-lookalike'],
  ['behind a bare LF', post('X: y\nTransfer-Encoding: chunked'), 'line-end'],
  ['behind a bare CR', post('X: y\rTransfer-Encoding: chunked'), 'line-end'],
  ['behind a folded line', post('X: y', ' Transfer-Encoding: chunked'), 'field-folded'],
  ['behind a line without colon', post('X', 'Transfer-Encoding: chunked'), 'field-name'],
  ['nomination', post('Transfer-Encoding: chunked', 'Connection: Transfer-Encoding'), 'connection-nominates'],
  [
    'in HTTP/1.0',
    'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'transfer-encoding-version',
  ],
];

const CHUNKS: readonly Case[] = [
  ['a bare LF behind the size', chunked('5\nhello\r\n0\r\n\r\n'), 'chunk-size'],
  ['a bare CR behind the size', chunked('5\rhello\r\n0\r\n\r\n'), 'line-end'],
  ['a bare LF behind an extension', chunked('5;a\nhello\r\n0\r\n\r\n'), 'line-end'],
  ['a bare LF in a quoted extension', chunked('5;a="\nX"\r\nhello\r\n0\r\n\r\n'), 'chunk-extension'],
  ['CR LF in a quoted extension', chunked('5;a="\r\nX"\r\nhello\r\n0\r\n\r\n'), 'chunk-extension'],
  ['a NUL in an extension', chunked('5;a\0\r\nhello\r\n0\r\n\r\n'), 'chunk-extension'],
  ['an empty extension', chunked('5;\r\nhello\r\n0\r\n\r\n'), 'chunk-extension'],
  ['an empty extension and a bare LF', chunked('2;\nxx\r\n0\r\n\r\n'), 'chunk-extension'],
  ['spaces behind the size', chunked('5  \r\nhello\r\n0\r\n\r\n'), 'chunk-size'],
  ['a prefix', chunked('0x5\r\nhello\r\n0\r\n\r\n'), 'chunk-size'],
  ['a sign', chunked('+5\r\nhello\r\n0\r\n\r\n'), 'chunk-size'],
  ['a minus', chunked('-1\r\nhello\r\n0\r\n\r\n'), 'chunk-size'],
  ['a size that wraps around 64 bits', chunked('10000000000000005\r\nhello\r\n0\r\n\r\n'), 'chunk-size'],
  ['a size that wraps around 2^53', chunked('20000000000005\r\nhello\r\n0\r\n\r\n'), 'chunk-size'],
  ['no size', chunked('\r\nhello\r\n0\r\n\r\n'), 'chunk-size'],
  ['data longer than its size', chunked('5\r\nhellohello\r\n0\r\n\r\n'), 'chunk-end'],
  ['data ended by bare LF', chunked('5\r\nhello\n0\r\n\r\n'), 'chunk-end'],
  ['data ended by two other bytes', chunked('5\r\nhelloXX0\r\n\r\n'), 'chunk-end'],
  ['a last chunk ended by bare LF', chunked('0\n\n'), 'chunk-size'],
  ['a trailer section ended by bare LF', chunked('0\r\n\n'), 'line-end'],
  ['a length in the trailers', chunked('0\r\nContent-Length: 5\r\n\r\n'), 'trailer-field'],
  ['a coding in the trailers', chunked('0\r\nTransfer-Encoding: chunked\r\n\r\n'), 'trailer-field'],
  ['a host in the trailers', chunked('0\r\nHost: b\r\n\r\n'), 'trailer-field'],
  ['a NUL in a trailer', chunked('0\r\nX: \0\r\n\r\n'), 'field-value'],
  ['a folded trailer', chunked('0\r\nX: y\r\n z\r\n\r\n'), 'field-folded'],
  ['a trailer without colon', chunked('0\r\nGET / HTTP/1.1\r\n\r\n'), 'field-space'],
];

const HOSTS: readonly Case[] = [
  ['two', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 'host-repeated'],
  ['two, one of them after a space', 'GET / HTTP/1.1\r\nHost: a\r\nHost : b\r\n\r\n', 'field-space'],
  ['two, one of them folded', 'GET / HTTP/1.1\r\nHost: a\r\n Host: b\r\n\r\n', 'field-folded'],
  ['a first line with a space', 'GET / HTTP/1.1\r\n Host: b\r\nHost: a\r\n\r\n', 'field-space'],
  ['none', 'GET / HTTP/1.1\r\n\r\n', 'host-missing'],
  ['another than in the target', 'GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n', 'host-mismatch'],
  ['user information in the target', 'GET http://a@b/ HTTP/1.1\r\nHost: b\r\n\r\n', 'host-invalid'],
  ['user information', 'GET / HTTP/1.1\r\nHost: a@b\r\n\r\n', 'host-invalid'],
  ['a path', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 'host-invalid'],
  ['a list', 'GET / HTTP/1.1\r\nHost: a, b\r\n\r\n', 'host-invalid'],
  ['a name for a port', 'GET / HTTP/1.1\r\nHost: a:b\r\n\r\n', 'host-invalid'],
  ['two ports', 'GET / HTTP/1.1\r\nHost: a:80:90\r\n\r\n', 'host-invalid'],
  ['a NUL', 'GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n', 'field-value'],
  ['nomination', 'GET / HTTP/1.1\r\nHost: a\r\nConnection: host\r\n\r\n', 'connection-nominates'],
];

const LINES: readonly Case[] = [
  ['a second version', 'GET / HTTP/1.1 HTTP/1.1\r\nHost: a\r\n\r\n', 'request-line'],
  ['a space in the target', `GET /a HTTP/1.0 HTTP/1.1\r\nHost: a\r\n\r\n`, 'request-line'],
  ['a tab for a space', 'GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n', 'method'],
  ['a NUL in the method', 'G\0ET / HTTP/1.1\r\nHost: a\r\n\r\n', 'method'],
  ['a NUL in the target', 'GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n', 'target'],
  ['a bare CR in the target', 'GET /\rX HTTP/1.1\r\nHost: a\r\n\r\n', 'request-line'],
  ['a bare LF in the target', 'GET /\nX HTTP/1.1\r\nHost: a\r\n\r\n', 'line-end'],
  ['no version', 'GET /\r\nHost: a\r\n\r\n', 'request-line'],
  ['a request behind a bare LF', `GET / HTTP/1.1\r\nHost: a\r\nX: y\n\n${INNER}`, 'line-end'],
  ['an empty line of LF only', `GET / HTTP/1.1\r\nHost: a\r\n\n${INNER}`, 'line-end'],
  ['an empty line of CR only', `GET / HTTP/1.1\r\nHost: a\r\n\r${INNER}`, 'line-end'],
  ['an empty line with a space', `GET / HTTP/1.1\r\nHost: a\r\n \r\n${INNER}`, 'field-folded'],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'version-unsupported'],
  ['a tunnel', 'CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n', 'connect'],
];

const RESPONSES: readonly Case[] = [
  ['CL.TE', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n', 'length-conflict'],
  ['CL.CL', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n', 'content-length-repeated'],
  ['a list of lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n', 'content-length'],
  ['an obfuscated coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n', 'transfer-encoding'],
  ['chunks in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', 'transfer-encoding-version'],
  ['a bare LF in a value', 'HTTP/1.1 200 OK\r\nX: y\nSet-Cookie: z\r\n\r\n', 'line-end'],
  ['a bare CR in a value', 'HTTP/1.1 200 OK\r\nX: y\rSet-Cookie: z\r\n\r\n', 'line-end'],
  ['a folded line', 'HTTP/1.1 200 OK\r\nX: y\r\n z\r\n\r\n', 'field-folded'],
  ['a bare LF in a chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n', 'chunk-size'],
  ['a control byte in the reason', 'HTTP/1.1 200 O\x0bK\r\n\r\n', 'status-line'],
];

describe('smuggling (RFC 9112 section 11.2)', () => {
  const all: readonly (readonly [string, readonly Case[], (text: string) => Request | Response])[] = [
    ['Content-Length', LENGTHS, request],
    ['Transfer-Encoding', CODINGS, request],
    ['chunks', CHUNKS, request],
    ['Host', HOSTS, request],
    ['lines', LINES, request],
    ['responses', RESPONSES, response],
  ];
  for (const [group, cases, parse] of all) {
    for (const [what, text, verdict] of cases) {
      it(`${group}: ${what}`, () => assert.equal(judge(parse(text)), verdict));
    }
  }
});
