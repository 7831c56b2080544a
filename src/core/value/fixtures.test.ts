/** What tests share that look at requests: requests as the parser hands them over. */
import assert from 'node:assert/strict';
import { RequestHead } from '../../wire/http1/head.ts';
import { parseRequestHead } from '../../wire/http1/request.ts';
import { RequestView } from './request-view.ts';
import { Variables } from './variables.ts';

/** As in a proxy, one request has them after the other: they are too large to be made for each of many thousands. */
const variables = new Variables<RequestView>();
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
  variables.begin();
  return new RequestView(bytes, head, variables);
}

export function text(bytes: Uint8Array, at: number, end: number): string {
  return Buffer.from(bytes.subarray(at, end)).toString('latin1');
}
