import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { latin1 } from '../../base/text.ts';
import { Prng } from '../../base/prng.ts';
import { ChunkScanner } from './chunked.ts';
import { ascii } from './classes.ts';
import { httpError } from './errors.ts';
import { BODY_CHUNKED, BODY_LENGTH, FieldTable, METHOD_GET, METHOD_OTHER, RequestHead, ResponseHead } from './head.ts';
import { parseRequestHead } from './request.ts';
import { parseResponseHead, responseBody } from './response.ts';
import { generateChunks, generateRequest, generateResponse, mutate } from './testing/generate.ts';
import { hasLlhttp, llhttpParse } from './testing/llhttp.fuzz.ts';
import { fieldsOf } from './testing/three-ways.ts';
import { parseTrailers } from './trailers.ts';

const SEED = 77_000;
const ROUNDS = 20_000;
const LIMITS = { headBytes: 4096, headers: 31 };
const skip = hasLlhttp ? false : 'this Node does not let llhttp be used directly';

const requestHead = new RequestHead(31);
const responseHead = new ResponseHead(31);
const trailerTable = new FieldTable(31);

interface Body {
  readonly data: string;
  readonly isComplete: boolean;
  readonly error: number;
}

function readBody(bytes: Uint8Array, at: number, kind: number, length: number): Body {
  if (kind === BODY_LENGTH) {
    const taken = Math.min(length, bytes.length - at);
    return { data: latin1(bytes, at, taken), isComplete: taken === length, error: 0 };
  }
  if (kind !== BODY_CHUNKED) return { data: '', isComplete: true, error: 0 };
  const scanner = new ChunkScanner();
  const copy = bytes.slice();
  const after = scanner.decode(copy, at, copy.length);
  const data = latin1(copy, at, scanner.dataEnd - at);
  if (!scanner.done) return { data, isComplete: false, error: scanner.error };
  const trailers = parseTrailers(bytes, after, bytes.length, trailerTable, 31);
  return { data, isComplete: trailers > 0, error: Math.min(trailers, 0) };
}

/** A head with a body that may fit it. */
function generateMessage(prng: Prng, head: string): string {
  return mutate(prng, head + (/chunked/i.test(head) ? generateChunks(prng) : 'hello'));
}

/** What llhttp takes and we refuse, by the name of our error. */
const STRICTER: ReadonlyMap<string, string> = new Map([
  ['line-end', 'skips any CR and LF before a message, and ends a request line without version with LF'],
  ['method', 'skips any number of empty lines'],
  ['request-line', 'takes HTTP/0.9 requests, which have no version, and an empty target for CONNECT'],
  ['target', 'takes a fragment'],
  ['target-form', 'does not look at what form the target has'],
  ['version', 'as request-line, and skips CR and LF before a response'],
  ['version-unsupported', 'takes HTTP/0.9 and HTTP/2.0'],
  ['connect', 'is not a proxy'],
  ['status-line', 'takes any three digits for a status'],
  ['host-missing', 'leaves Host to its caller'],
  ['host-repeated', 'leaves Host to its caller'],
  ['host-invalid', 'leaves Host to its caller'],
  ['host-mismatch', 'leaves Host to its caller'],
  ['connection', 'does not check the syntax of Connection'],
  ['connection-nominates', 'is not a proxy'],
  ['field-lookalike', 'is not a proxy'],
  ['content-length', 'counts up to 2^64-1'],
  ['length-conflict', 'does not see an empty Transfer-Encoding'],
  ['transfer-encoding', 'does not see an empty one, takes an empty list element, and anything in a response'],
  ['transfer-encoding-repeated', 'joins the fields to a list'],
  ['transfer-encoding-unknown', 'takes any list that ends with chunked'],
  ['transfer-encoding-version', 'takes it in HTTP/1.0'],
  ['chunk-size', 'takes any number of leading zeros'],
  ['trailer-field', 'leaves trailers to its caller'],
]);

describe('llhttp, strict', { skip }, () => {
  const stricter = new Set<string>();

  it('accepts every request that we accept, and reads the same in it', () => {
    let acceptedCount = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const prng = new Prng(SEED + round);
      const text = generateMessage(prng, generateRequest(prng));
      const bytes = ascii(text);
      const theirs = llhttpParse('request', text);
      const result = parseRequestHead(bytes, 0, bytes.length, LIMITS, requestHead);
      if (result < 0 && theirs.hasHead) stricter.add(httpError(result).name);
      if (result <= 0) continue;
      // llhttp has a closed list of methods, and knows HTTP/1.0 and 1.1 only
      if (requestHead.method === METHOD_OTHER || !/ HTTP\/1\.[01]\r/.test(text)) continue;

      const context = JSON.stringify(text);
      assert.equal(theirs.hasHead, true, `${theirs.error} for ${context}`);
      acceptedCount++;
      assert.equal(theirs.method, latin1(bytes, requestHead.start, requestHead.methodLength), context);
      assert.equal(theirs.url, latin1(bytes, requestHead.target, requestHead.targetLength), context);
      assert.equal(theirs.version, requestHead.version, context);
      assert.deepEqual(
        theirs.fields,
        fieldsOf(bytes, requestHead).map(({ name, value }) => [name, value]),
        context,
      );
      if (requestHead.hasUpgrade) assert.equal(theirs.isUpgrade, true, context);
      const body = readBody(bytes, result, requestHead.body, requestHead.contentLength);
      if (theirs.isUpgrade) continue;
      if (body.error !== 0) {
        if (theirs.isComplete) stricter.add(httpError(body.error).name);
        continue;
      }
      assert.equal(theirs.isComplete, body.isComplete, `${theirs.error} for ${context}`);
      assert.equal(theirs.body, body.data, context);
    }
    assert.ok(acceptedCount > ROUNDS / 20, `only ${acceptedCount} accepted`);
  });

  it('accepts every response that we accept, and reads the same in it', () => {
    let acceptedCount = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const prng = new Prng(SEED + round);
      const text = generateMessage(prng, generateResponse(prng));
      const bytes = ascii(text);
      const theirs = llhttpParse('response', text);
      const result = parseResponseHead(bytes, 0, bytes.length, LIMITS, responseHead);
      if (result < 0 && theirs.hasHead) stricter.add(httpError(result).name);
      if (result <= 0 || !/^HTTP\/1\.[01]/.test(text)) continue;

      const context = JSON.stringify(text);
      assert.equal(theirs.hasHead, true, `${theirs.error} for ${context}`);
      acceptedCount++;
      assert.equal(theirs.status, responseHead.status, context);
      assert.equal(theirs.version, responseHead.version, context);
      assert.deepEqual(
        theirs.fields,
        fieldsOf(bytes, responseHead).map(({ name, value }) => [name, value]),
        context,
      );
      const kind = responseBody(responseHead, METHOD_GET);
      if (kind !== BODY_CHUNKED && kind !== BODY_LENGTH) continue;
      const body = readBody(bytes, result, kind, responseHead.contentLength);
      if (theirs.isUpgrade) continue;
      if (body.error !== 0) {
        if (theirs.isComplete) stricter.add(httpError(body.error).name);
        continue;
      }
      assert.equal(theirs.isComplete, body.isComplete, `${theirs.error} for ${context}`);
      assert.equal(theirs.body, body.data, context);
    }
    assert.ok(acceptedCount > ROUNDS / 20, `only ${acceptedCount} accepted`);
  });

  it('is stricter, before version 9.4, with a tab behind Content-Length, which is why that line is written anew', () => {
    const text = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\t\r\n\r\nhello';
    const bytes = ascii(text);
    assert.ok(parseRequestHead(bytes, 0, bytes.length, LIMITS, requestHead) > 0);
    assert.equal(requestHead.contentLength, 5);
    assert.equal(requestHead.hasOddLength, true);
    const [major, minor] = process.versions.llhttp!.split('.').map(Number);
    assert.equal(llhttpParse('request', text).hasHead, major > 9 || (major === 9 && minor >= 4));
  });

  it('is more lenient in the known places only', () => {
    const unknown = [...stricter].filter((name) => !STRICTER.has(name));
    assert.deepEqual(unknown, []);
  });
});
