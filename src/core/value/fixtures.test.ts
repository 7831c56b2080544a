/** What tests share that look at requests: requests as the parser hands them over. */
import assert from 'node:assert/strict';
import { RequestHead } from '../../wire/http1/head.ts';
import { parseRequestHead } from '../../wire/http1/request.ts';
import { RequestView } from './request-view.ts';

const LIMITS = { headBytes: 24 * 1024, headers: 64 };

/** A parsed request, with other bytes around it. */
export function request(
  target: string,
  host = 'a.example',
  method = 'GET',
  fields: readonly string[] = [],
): RequestView {
  const lines = [`${method} ${target} HTTP/1.1`, `Host: ${host}`, ...fields, '', ''];
  const text = `/%/${lines.join('\r\n')}/%..`;
  const bytes = new Uint8Array(Buffer.from(text, 'latin1'));
  const head = new RequestHead(64);
  const length = parseRequestHead(bytes, 3, bytes.length - 4, LIMITS, head);
  assert.equal(length, bytes.length - 7, `not a request: ${JSON.stringify(text)} (${length})`);
  return new RequestView(bytes, head);
}

export function text(bytes: Uint8Array, at: number, end: number): string {
  return Buffer.from(bytes.subarray(at, end)).toString('latin1');
}
