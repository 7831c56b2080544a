/**
 * One round of the fuzzer of requests: a list of fields that is almost right, sent as a block, means what the rules of RFC 9113 say when
 * they are written a second time in the plainest way; and what is accepted is, as text, a request to the parser of HTTP/1 too, with the
 * same fields, target, host and body: nothing can be smuggled past one of them.
 */
import assert from 'node:assert/strict';
import { latin1 } from '../../base/text.ts';
import type { Prng } from '../../base/prng.ts';
import { ascii } from '../http1/classes.ts';
import { BODY_CHUNKED, RequestHead } from '../http1/head.ts';
import { parseRequestHead } from '../http1/request.ts';
import { fieldsOf } from '../http1/testing/three-ways.ts';
import { FrameReader } from './frame-reader.ts';
import { HpackDecoder } from './hpack/decoder.ts';
import { HEADER_TABLE_BYTES } from './settings.ts';
import { LIMITS, literals, readRequest } from './testing/heads.ts';
import type { NameValue } from './testing/heads.ts';
import { read } from './testing/events.ts';

const PSEUDO: readonly NameValue[] = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', 'a'],
  [':path', '/'],
];
// oxfmt-ignore
const NAMES = [
  ':method', ':path', ':scheme', ':authority', ':status', ':protocol', ':', '', 'host', 'te', 'connection', 'upgrade', 'expect',
  'transfer-encoding', 'content-length', 'content_length', 'cookie', 'A', 'a b', 'a:', 'a\r\nb', 'x-forwarded-for', 'x_request_id', 'x',
];
// oxfmt-ignore
const VALUES = [
  '', 'a', 'A', 'b', '/', '*', '/a?b', '/#', '/\xe9', 'GET', 'get', 'OPTIONS', 'CONNECT', 'POST', 'http', 'ftp', 'u@a', 'a:80', 'a:',
  '[::1]', '0', '1', '01', 'trailers', 'gzip', 'x\r\nHost: b', 'x\0', ' x', 'x\t', 'a=b; c', '100-continue',
];
const TOKEN = /^[-!#$%&'*+.^_`|~0-9a-z]+$/;
const FIELD_BYTES_MAX = 4096;

const head = new RequestHead(40);

function pick<T>(prng: Prng, list: readonly T[]): T {
  return list[prng.below(list.length)];
}

export function generateRequest(prng: Prng): NameValue[] {
  const fields = PSEUDO.flatMap((field): NameValue[] => {
    if (prng.oneIn(12)) return prng.oneIn(2) ? [] : [field, field];
    return [prng.oneIn(5) ? [field[0], pick(prng, VALUES)] : field];
  });
  for (let i = prng.below(6); i > 0; i--) {
    const field: NameValue = [pick(prng, NAMES), pick(prng, VALUES)];
    if (prng.oneIn(10)) fields.splice(prng.below(fields.length + 1), 0, field);
    else if (!field[0].startsWith(':') || prng.oneIn(10)) fields.push(field);
  }
  if (prng.oneIn(30)) fields.push(['x', 'y'.repeat(prng.below(FIELD_BYTES_MAX))]);
  return fields;
}

function listBytesOf(fields: readonly NameValue[]): number {
  return fields.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
}

/** The rules of the section for a field by itself. */
function isFieldFine([name, value]: NameValue): boolean {
  if (!TOKEN.test(name.replace(/^:/, ''))) return false;
  // oxlint-disable-next-line no-control-regex
  if (/^[ \t]|[ \t]$|[\0-\x08\x0a-\x1f\x7f]/.test(value)) return false;
  if (/^(?:connection|keep-alive|proxy-connection|transfer-encoding|upgrade)$/.test(name)) return false;
  return name !== 'te' || value === 'trailers' || value === '';
}

/** Whether these are the fields of a request. `error`: it is one, and is refused. */
function verdictOf(fields: readonly NameValue[], endsStream: boolean): 'fine' | 'fault' | 'error' | 'not fine' {
  if (listBytesOf(fields) > LIMITS.headBytes) return 'not fine';
  const pseudo = fields.slice(0, fields.findIndex(([name]) => !name.startsWith(':')) >>> 0);
  const regular = fields.slice(pseudo.length);
  const values = new Map(pseudo);
  const method = values.get(':method');
  const path = values.get(':path');
  const all = (wanted: string) => regular.filter(([name]) => name === wanted).map(([, value]) => value);
  const isListed = pseudo.every(([name]) => /^:(?:method|scheme|authority|path)$/.test(name));
  if (!pseudo.every(isFieldFine) || !isListed || values.size < pseudo.length) return 'fault';
  if (method === undefined || !/^[-!#$%&'*+.^_`|~0-9A-Z]+$/.test(method)) return 'fault';
  if (method === 'CONNECT')
    return values.has(':authority') && !values.has(':scheme') && path === undefined ? 'not fine' : 'fault';
  if (!/^https?$/i.test(values.get(':scheme') ?? '')) return 'fault';
  if (path === undefined || !(/^\/[!"$-~]*$/.test(path) || (path === '*' && method === 'OPTIONS'))) return 'fault';
  const hosts = all('host');
  const authority = values.get(':authority') ?? hosts[0];
  if (authority === undefined || !/^(?:[-._~!$&'()*+,;=0-9A-Za-z]+|\[::1\])(?::[0-9]*)?$/.test(authority))
    return 'fault';
  const usual = /^https$/i.test(values.get(':scheme') ?? '') ? ':443' : ':80';
  const normal = (host: string) => host.toLowerCase().replace(/(?<!:.*):?$/, usual);
  if (hosts.length > 1 || (hosts.length === 1 && normal(hosts[0]) !== normal(authority))) return 'fault';
  if (!regular.every(isFieldFine) || regular.some(([name]) => name.startsWith(':'))) return 'fault';
  if (all('content_length').length > 0) return 'error';
  const lengths = all('content-length');
  if (lengths.length > 1 || !lengths.every((value) => /^[0-9]+$/.test(value))) return 'fault';
  return endsStream && Number(lengths[0] ?? 0) > 0 ? 'fault' : 'fine';
}

export function fuzzHttp2Request(prng: Prng): void {
  const fields = generateRequest(prng);
  const endsStream = prng.oneIn(2);
  const decoder = new HpackDecoder();
  const isIndexed = prng.oneIn(2);
  const { bytes, text, verdict, ...result } = readRequest(literals(fields, isIndexed), { decoder, endsStream });
  const wanted = verdictOf(fields, endsStream);
  const kind = verdict === 'fine' ? 'fine' : verdict.startsWith('stream-') ? 'fault' : 'error';
  assert.equal(
    wanted === 'not fine' && kind !== 'fine' ? wanted : kind,
    wanted,
    `${verdict}: ${JSON.stringify(fields)}`,
  );
  assert.equal(/^(?!stream)(?:hpack|frame)/.test(verdict), false, 'the connection ends for a request');
  if (isIndexed && listBytesOf(fields) <= HEADER_TABLE_BYTES) {
    // the same once more, by reference
    const block = Uint8Array.from(fields, (_, i) => 0x80 | (61 + fields.length - i));
    const again = readRequest(block, { decoder, endsStream });
    assert.deepEqual([again.verdict, again.text], [verdict, text]);
  }
  if (verdict !== 'fine') return;

  const old = ascii(text.replace(' HTTP/2.0\r\n', ' HTTP/1.1\r\n'));
  assert.equal(parseRequestHead(old, 0, old.length, { headBytes: 1 << 16, headers: 40 }, head), old.length, text);
  assert.deepEqual(
    fieldsOf(old, head).map(({ id, name, value }) => [name, value, id]),
    result.fields.map(({ id, name, value }) => [name, value, id]),
  );
  const mine = result.head;
  for (const [at, length] of [
    ['target', 'targetLength'],
    ['path', 'pathLength'],
    ['query', 'queryLength'],
    ['host', 'hostLength'],
    ['authority', 'authorityLength'],
    ['start', 'methodLength'],
  ] as const)
    assert.equal(latin1(bytes, mine[at], mine[length]), latin1(old, head[at], head[length]), at);
  for (const name of [
    'method',
    'contentLength',
    'expectsContinue',
    'hostField',
    'seen',
    'repeated',
    'hasOddLength',
  ] as const)
    assert.equal(mine[name], head[name], name);
  if (mine.body !== BODY_CHUNKED) assert.equal(mine.body, head.body);
  else assert.equal(endsStream, false);
  const cookies = fields.filter(([name, value]) => name === 'cookie' && value !== '').map(([, value]) => value);
  if (cookies.length > 0) assert.ok(text.includes(`\r\ncookie: ${cookies.join('; ')}\r\n`), text);
}

/** Frames that are almost right, and bytes that are none: whatever their pieces are, they are read as the same events. */
export function fuzzHttp2Frames(prng: Prng): void {
  const bytes = new Uint8Array(9 * 40 + 4000);
  let at = 0;
  for (let i = prng.below(40); i > 0; i--) {
    const length = prng.oneIn(20) ? prng.nextU32() & 0xff_ffff : pick(prng, [0, 1, 4, 5, 6, 8, 8, 12, prng.below(100)]);
    bytes[at] = length >>> 16;
    bytes[at + 1] = length >>> 8;
    bytes[at + 2] = length;
    bytes[at + 3] = i > 38 ? 4 : prng.oneIn(20) ? prng.below(256) : prng.below(10);
    bytes[at + 4] = prng.oneIn(2) ? 0 : prng.below(256);
    bytes[at + 8] = prng.below(4);
    if (prng.oneIn(20)) bytes[at + 5] = prng.below(256);
    at += 9;
    for (let end = Math.min(at + length, bytes.length - 9 * i); at < end; at++)
      bytes[at] = prng.oneIn(2) ? 0 : prng.below(256);
  }
  const all = bytes.subarray(0, at);
  // mostly a first frame that is right
  if (at > 9 && !prng.oneIn(10)) all.set([0, 0, 0, 4, 0, 0, 0, 0, 0]);
  const whole = read(all, false, () => all.length);
  const pieces = read(all, false, () => 1 + prng.below(prng.oneIn(2) ? 3 : 30));
  assert.deepEqual(pieces, whole);
  const once = read(all, false, () => 1);
  assert.deepEqual(once, whole);
  // nothing is read after a fault
  const reader = new FrameReader(true);
  const after = reader.next(all, 0, all.length);
  if (at > 0) assert.equal(reader.next(all, after, all.length), after);
}
