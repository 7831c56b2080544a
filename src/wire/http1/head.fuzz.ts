/** One round each of the HTTP/1 fuzzers: a message from a generator, held to the reference in every way it can arrive. */
import assert from 'node:assert/strict';
import { latin1 } from '../../base/text.ts';
import type { Prng } from '../../base/prng.ts';
import { ChunkScanner } from './chunked.ts';
import { ascii } from './classes.ts';
import { emitKeptFields, droppedIds } from './emit.ts';
import { BODY_CHUNKED, BODY_LENGTH, BODY_NONE, FieldTable, RequestHead, ResponseHead } from './head.ts';
import type { HeadLimits } from './head.ts';
import { parseRequestHead } from './request.ts';
import { parseResponseHead } from './response.ts';
import { generateBytes, generateChunks, generateRequest, generateResponse, mutate } from './testing/generate.ts';
import { referenceChunks, referenceRequest, referenceResponse, referenceTrailers } from './testing/reference.ts';
import type { ReferenceHead } from './testing/reference.ts';
import { fieldsOf } from './testing/three-ways.ts';
import { parseTrailers } from './trailers.ts';

const LIMITS: readonly HeadLimits[] = [
  { headBytes: 1024, headers: 16 },
  { headBytes: 80, headers: 4 },
];
const FIELDS_MAX = 16;
const requestHead = new RequestHead(FIELDS_MAX);
const responseHead = new ResponseHead(FIELDS_MAX);
const trailerTable = new FieldTable(FIELDS_MAX);

type Parse<T> = (bytes: Uint8Array, offset: number, end: number, limits: HeadLimits, head: T) => number;

/**
 * Parses `text` between two different surroundings, and in growing pieces. Returns the result, which must not depend on
 * any byte outside the range nor, but for which of several errors is told, on how the bytes came. `head` is that of bytes
 * from offset 0.
 */
function parseEveryWay<T extends FieldTable>(
  prng: Prng,
  text: string,
  parse: Parse<T>,
  limits: HeadLimits,
  head: T,
): number {
  const inside = ascii(text);
  const before = prng.below(9);
  const surrounded = new Uint8Array(before + inside.length + 9).fill(prng.below(256));
  surrounded.set(inside, before);
  const result = parse(surrounded, before, before + inside.length, limits, head);

  let pieces = 0;
  for (let end = 0; end <= inside.length && pieces === 0; end += 1 + prng.below(4))
    pieces = parse(inside, 0, end, limits, head);
  if (pieces === 0) pieces = parse(inside, 0, inside.length, limits, head);
  assert.equal(Math.sign(pieces), Math.sign(result), 'the result depends on how the bytes arrive');
  if (result > 0) assert.equal(pieces, result);

  assert.equal(parse(inside, 0, inside.length, limits, head), result, 'the result depends on bytes outside the range');
  if (result > 0) {
    for (let end = 0; end < result; end++)
      assert.equal(parse(inside, 0, end, limits, head), 0, 'a prefix is not incomplete');
    parse(inside, 0, inside.length, limits, head);
  }
  return result;
}

function expectSame(result: number, text: string, head: FieldTable, reference: ReferenceHead | null): void {
  assert.equal(result > 0 ? result : null, reference?.taken ?? null, 'accepted by one of parser and reference');
  if (reference === null) return;
  const bytes = ascii(text);
  const fields = fieldsOf(bytes, head);
  assert.deepEqual(
    fields.map(({ name, value }) => [name, value]),
    reference.fields,
  );
  const kinds = new Map<number, string>([
    [BODY_NONE, 'none'],
    [BODY_CHUNKED, 'chunked'],
  ]);
  const body = head.body === BODY_LENGTH ? head.contentLength : (kinds.get(head.body) ?? 'until-close');
  assert.equal(body, reference.body);

  const copy = new Uint8Array(bytes.length);
  const copied = emitKeptFields(copy, 0, bytes, head, droppedIds());
  assert.equal(latin1(copy, 0, copied), text.slice(head.fieldsStart, head.fieldsEnd));
  assert.equal(head.fieldsEnd + 2, result);
}

function limitsOf(prng: Prng): HeadLimits {
  return LIMITS[prng.oneIn(5) ? 1 : 0];
}

export function fuzzRequestHead(prng: Prng): void {
  const text = mutate(prng, generateRequest(prng)) + (prng.oneIn(2) ? generateBytes(prng, 20) : '');
  const limits = limitsOf(prng);
  const result = parseEveryWay(prng, text, parseRequestHead, limits, requestHead);
  const reference = referenceRequest(text, limits);
  expectSame(result, text, requestHead, reference);
  if (reference === null) return;
  const bytes = ascii(text);
  const [method, target] = reference.startLine;
  assert.equal(latin1(bytes, requestHead.start, requestHead.methodLength), method);
  assert.equal(latin1(bytes, requestHead.target, requestHead.targetLength), target);
  assert.equal(latin1(bytes, requestHead.host, requestHead.hostLength), reference.host);
}

export function fuzzResponseHead(prng: Prng): void {
  const text = mutate(prng, generateResponse(prng)) + (prng.oneIn(2) ? generateBytes(prng, 20) : '');
  const limits = limitsOf(prng);
  const result = parseEveryWay(prng, text, parseResponseHead, limits, responseHead);
  const reference = referenceResponse(text, limits);
  expectSame(result, text, responseHead, reference);
  if (reference !== null) assert.equal(String(responseHead.status), reference.startLine[1]);
}

export function fuzzTrailers(prng: Prng): void {
  const head = generateResponse(prng);
  const text = mutate(prng, head.slice(head.indexOf('\n') + 1));
  const result = parseEveryWay(
    prng,
    text,
    (bytes, offset, end, limits, table: FieldTable) => parseTrailers(bytes, offset, end, table, limits.headers),
    LIMITS[0],
    trailerTable,
  );
  assert.equal(result > 0 ? result : null, referenceTrailers(text, LIMITS[0].headers));
}

export function fuzzChunks(prng: Prng): void {
  const text = mutate(prng, generateChunks(prng));
  const reference = referenceChunks(text);
  const scanner = new ChunkScanner();
  const decoder = new ChunkScanner();
  const bytes = ascii(text);
  const copy = bytes.slice();
  let data = '';
  let at = 0;
  while (at < bytes.length && !scanner.done && scanner.error === 0) {
    const end = Math.min(bytes.length, at + 1 + prng.below(prng.oneIn(2) ? 3 : 40));
    const next = scanner.scan(bytes, at, end);
    assert.equal(decoder.decode(copy, at, end), next);
    assert.equal(decoder.error, scanner.error);
    data += latin1(copy, at, decoder.dataEnd - at);
    at = next;
  }
  assert.equal(scanner.dataBytes, data.length);
  assert.equal(scanner.done ? at : null, reference?.taken ?? null, 'accepted by one of scanner and reference');
  if (reference !== null) assert.equal(data, reference.data);
}

export function fuzzRandomBytes(prng: Prng): void {
  const text = generateBytes(prng, 200);
  parseEveryWay(prng, text, parseRequestHead, LIMITS[0], requestHead);
  parseEveryWay(prng, text, parseResponseHead, LIMITS[0], responseHead);
}

/** A parser with a planted mistake: it takes a lone LF for the end of a line. Fuzzing that does not find it is broken. */
export function fuzzCanary(prng: Prng): void {
  const text = mutate(prng, generateRequest(prng));
  const limits = LIMITS[0];
  const repaired = text.replaceAll(/\r?\n/g, '\r\n');
  const bytes = ascii(repaired);
  const result = parseRequestHead(bytes, 0, bytes.length, limits, requestHead);
  assert.equal(result > 0, referenceRequest(text, limits) !== null);
}
