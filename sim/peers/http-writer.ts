/** Requests and responses as bytes, for the simulated peers. Independent of `src/wire`. */
import type { Prng } from '../../src/base/prng.ts';
import { fillContent, idText } from '../content.ts';
import { representationLines } from '../representation.ts';
import type { ResponseSpec } from '../response.ts';
import type { BodySpec, RequestSpec } from '../scenario-http.ts';

const encoder = new TextEncoder();

export function latin1(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

export function requestHead(request: RequestSpec): Uint8Array {
  const target = request.isAbsolute ? `http://${request.host}${request.target}` : request.target;
  const lines = [`${request.method} ${target} HTTP/1.${request.version === 11 ? 1 : 0}`];
  if (request.host !== null) lines.push(`Host: ${request.host}`);
  for (const [name, value] of request.fields) lines.push(`${name}: ${value}`);
  const connection: string[] = [];
  if (request.tunnel !== null) {
    connection.push('Upgrade');
    lines.push('Upgrade: sim-tunnel');
  }
  if (request.id % 5 === 0) {
    connection.push('X-Hop');
    lines.push('X-Hop: not for the server');
  }
  if (request.closes) connection.push('close');
  else if (request.version === 10) connection.push('keep-alive');
  if (connection.length > 0) lines.push(`Connection: ${connection.join(', ')}`);
  if (request.expectsContinue) lines.push('Expect: 100-continue');
  framing(lines, request.body);
  return encoder.encode(`${'\r\n'.repeat(request.emptyLines)}${lines.join('\r\n')}\r\n\r\n`);
}

export function responseHead(response: ResponseSpec, marker: string, isHead: boolean): Uint8Array {
  const lines = [
    `HTTP/1.${response.version === 11 ? 1 : 0} ${response.status} ${reason(response.variant)}`,
    `X-Sim: ${marker}`,
  ];
  if (response.variant % 3 === 0) lines.push('Date: Thu, 01 Jan 1970 00:00:00 GMT', 'Server: sim');
  if (response.variant % 4 === 0) lines.push('X-Remove-S: to be removed', 'X-Set-S: to be replaced');
  if (response.paddingBytes > 0) lines.push(`X-Padding: ${'p'.repeat(response.paddingBytes)}`);
  if (response.switches) {
    lines.push('Connection: Upgrade', 'Upgrade: sim-tunnel');
  } else {
    lines.push(...representationLines(response));
    const connection: string[] = [];
    if (response.closes) connection.push('close');
    if (response.variant % 5 === 0) {
      connection.push('X-Hop');
      lines.push('X-Hop: not for the client', 'Keep-Alive: timeout=5');
    }
    if (connection.length > 0) lines.push(`Connection: ${connection.join(', ')}`);
    // an answer to HEAD has the fields of the body that it does not have; sometimes
    if (!isHead || response.variant % 2 === 0) framing(lines, response.body);
    else if (isHead && response.body.kind === 'none' && response.status !== 204 && response.status !== 304)
      lines.push('Content-Length: 0');
  }
  return encoder.encode(`${lines.join('\r\n')}\r\n\r\n`);
}

function reason(variant: number): string {
  return ['OK', '', 'Some Other Reason', 'r\u00e9ason'][variant % 4];
}

function framing(lines: string[], body: BodySpec | ResponseSpec['body']): void {
  if (body.kind === 'length') lines.push(`Content-Length: ${body.bytes}`);
  if (body.kind === 'chunked') {
    lines.push('Transfer-Encoding: chunked');
    if (body.trailerBytes > 0) lines.push('Trailer: X-Checksum');
  }
}

/** The body as it goes over the wire, whole. */
export function bodyBytes(body: BodySpec | ResponseSpec['body'], key: number, prng: Prng, id: number): Uint8Array {
  if (body.kind === 'none') return new Uint8Array(0);
  const content = new Uint8Array(body.bytes);
  fillContent(key, 0, content, 0, body.bytes);
  if (body.kind !== 'chunked') return content;
  const parts: Uint8Array[] = [];
  const sizeMax = prng.oneIn(3) ? 8 : prng.oneIn(2) ? 300 : 70_000;
  let at = 0;
  // at most some thousand chunks
  const sizeMin = Math.ceil(body.bytes / 3000);
  while (at < body.bytes) {
    const size = Math.min(body.bytes - at, sizeMin + prng.below(sizeMax) + (sizeMin === 0 ? 1 : 0));
    parts.push(latin1(`${chunkSize(size, prng)}${body.hasExtensions ? extension(prng) : ''}\r\n`));
    parts.push(content.subarray(at, at + size), latin1('\r\n'));
    at += size;
  }
  parts.push(latin1(`${prng.oneIn(5) ? '000' : '0'}${body.hasExtensions ? extension(prng) : ''}\r\n`));
  if (body.trailerBytes > 0) parts.push(latin1(`X-Checksum: ${idText(id)}\r\n`));
  if (body.trailerBytes > 100) parts.push(latin1(`X-Padding: ${'p'.repeat(body.trailerBytes - 60)}\r\n`));
  parts.push(latin1('\r\n'));
  return Buffer.concat(parts);
}

function chunkSize(size: number, prng: Prng): string {
  const digits = size.toString(16);
  if (prng.oneIn(4)) return digits.toUpperCase();
  return prng.oneIn(6) ? `0${digits}` : digits;
}

function extension(prng: Prng): string {
  return ['', ';a', ';name=value', ';q="quoted; \\" text"', ';a=1;b=2'][prng.below(5)];
}
