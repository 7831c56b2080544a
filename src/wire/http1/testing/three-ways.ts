/** What the tests of this folder share: parsing whole, byte by byte and with trailing data, and a readable result. */
import { latin1 } from '../../../base/text.ts';
import { assert } from '../../../base/assert.ts';
import { ascii } from '../classes.ts';
import { httpError } from '../errors.ts';
import { FIELD_ID, FIELD_NAME, FIELD_NAME_LENGTH, FIELD_VALUE, FIELD_VALUE_LENGTH, FIELD_WORDS } from '../head.ts';
import { RequestHead, ResponseHead } from '../head.ts';
import type { FieldTable, HeadLimits } from '../head.ts';
import { parseRequestHead } from '../request.ts';
import { parseResponseHead } from '../response.ts';

export const LIMITS: HeadLimits = { headBytes: 4096, headers: 32 };

export interface Field {
  readonly name: string;
  readonly value: string;
  readonly id: number;
}

export function fieldsOf(bytes: Uint8Array, table: FieldTable): Field[] {
  const fields: Field[] = [];
  for (let i = 0; i < table.fieldCount; i++) {
    const word = i * FIELD_WORDS;
    const f = table.fields;
    fields.push({
      name: latin1(bytes, f[word + FIELD_NAME], f[word + FIELD_NAME_LENGTH]),
      value: latin1(bytes, f[word + FIELD_VALUE], f[word + FIELD_VALUE_LENGTH]),
      id: f[word + FIELD_ID],
    });
  }
  return fields;
}

/** What `parse` says of `text`: the number of bytes taken, `more`, or the name of the error. */
export type Verdict = number | string;

function verdictOf(result: number): Verdict {
  if (result > 0) return result;
  return result === 0 ? 'more' : httpError(result).name;
}

/**
 * Parses `text` three ways and fails if they disagree: whole; one byte at a time, as a driver does that calls again when
 * more has come; and in the middle of other bytes. `head` holds the result of the first.
 */
export function threeWays<T extends FieldTable>(
  text: string,
  parse: (bytes: Uint8Array, offset: number, end: number, head: T) => number,
  create: () => T,
): { verdict: Verdict; head: T; bytes: Uint8Array } {
  const bytes = ascii(text);
  const head = create();
  const whole = parse(bytes, 0, bytes.length, head);

  let stepped = 0;
  const steppedHead = create();
  for (let end = 0; end <= bytes.length && stepped === 0; end++) stepped = parse(bytes, 0, end, steppedHead);
  assert(stepped === whole, `${verdictOf(stepped)}, not ${verdictOf(whole)}, byte by byte: ${JSON.stringify(text)}`);

  if (whole !== 0) {
    const surrounded = ascii(`\rA:\n${text}\r\n\0X`);
    const inside = parse(surrounded, 4, surrounded.length, create());
    assert(
      inside === whole,
      `${verdictOf(inside)}, not ${verdictOf(whole)}, between other bytes: ${JSON.stringify(text)}`,
    );
  }
  return { verdict: verdictOf(whole), head, bytes };
}

export interface Request {
  readonly verdict: Verdict;
  readonly head: RequestHead;
  readonly bytes: Uint8Array;
  readonly method: string;
  readonly target: string;
  readonly path: string;
  readonly query: string;
  readonly host: string;
  readonly authority: string;
  readonly fields: Field[];
}

export function request(text: string, limits: HeadLimits = LIMITS): Request {
  const { verdict, head, bytes } = threeWays(
    text,
    (bytes, offset, end, head: RequestHead) => parseRequestHead(bytes, offset, end, limits, head),
    () => new RequestHead(32),
  );
  return {
    verdict,
    head,
    bytes,
    method: latin1(bytes, head.start, head.methodLength),
    target: latin1(bytes, head.target, head.targetLength),
    path: latin1(bytes, head.path, head.pathLength),
    query: latin1(bytes, head.query, head.queryLength),
    host: latin1(bytes, head.host, head.hostLength),
    authority: latin1(bytes, head.authority, head.authorityLength),
    fields: fieldsOf(bytes, head),
  };
}

export interface Response {
  readonly verdict: Verdict;
  readonly head: ResponseHead;
  readonly bytes: Uint8Array;
  readonly fields: Field[];
}

export function response(text: string, limits: HeadLimits = LIMITS): Response {
  const { verdict, head, bytes } = threeWays(
    text,
    (bytes, offset, end, head: ResponseHead) => parseResponseHead(bytes, offset, end, limits, head),
    () => new ResponseHead(32),
  );
  return { verdict, head, bytes, fields: fieldsOf(bytes, head) };
}

/** The verdict on a GET with these field lines, Host included. */
export function withFields(...lines: string[]): Request {
  return request(`GET / HTTP/1.1\r\nHost: a\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`);
}

/** The verdict on a request line. */
export function withLine(line: string): Request {
  return request(`${line}\r\nHost: a\r\n\r\n`);
}
