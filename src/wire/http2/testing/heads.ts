/** What the tests of heads share: header blocks in their plainest form, and heads as text. */
import { latin1 } from '../../../base/text.ts';
import { ascii } from '../../http1/classes.ts';
import { httpError } from '../../http1/errors.ts';
import { FieldTable, RequestHead, ResponseHead } from '../../http1/head.ts';
import type { HeadLimits } from '../../http1/head.ts';
import { fieldsOf } from '../../http1/testing/three-ways.ts';
import type { Field } from '../../http1/testing/three-ways.ts';
import { faultOf } from '../faults.ts';
import { HpackDecoder } from '../hpack/decoder.ts';
import { emitInteger } from '../hpack/integer.ts';
import { RequestReader } from '../request.ts';
import { ResponseReader } from '../response.ts';
import type { SectionReader } from '../section.ts';
import { TrailerReader } from '../trailers.ts';

export const LIMITS: HeadLimits = { headBytes: 4096, headers: 32 };
const ROOM = 8192;

export type NameValue = readonly [name: string, value: string];

/** A block of literals that are not indexed, or are if `isIndexed`. */
export function literals(fields: readonly NameValue[], isIndexed = false): Uint8Array {
  const out = new Uint8Array(fields.reduce((sum, [name, value]) => sum + name.length + value.length + 16, 16));
  let at = 0;
  for (const field of fields) {
    out[at++] = isIndexed ? 0x40 : 0;
    for (const text of field) {
      at = emitInteger(out, at, 0, 127, text.length);
      out.set(ascii(text), at);
      at += text.length;
    }
  }
  return out.slice(0, at);
}

export interface Read<T> {
  /** `fine`, or the name of the fault or error. */
  readonly verdict: string;
  readonly head: T;
  /** The head as it was written. */
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly fields: Field[];
}

function result<T extends FieldTable>(reader: SectionReader, end: number, bytes: Uint8Array, head: T): Read<T> {
  let verdict = 'fine';
  if (reader.fault !== 0) verdict = faultOf(reader.fault).name;
  else if (reader.error !== 0) verdict = httpError(reader.error).name;
  if (end > 0 !== (verdict === 'fine')) throw new Error(`${end} and ${verdict}`);
  const fields = end > 0 ? fieldsOf(bytes, head) : [];
  return { verdict, head, text: end > 0 ? latin1(bytes, 5, end - 5) : '', bytes, fields };
}

export const requestReader = new RequestReader(false);
const responseReader = new ResponseReader();
const trailerReader = new TrailerReader();

interface How {
  readonly endsStream?: boolean;
  readonly limits?: HeadLimits;
  readonly room?: number;
  readonly reader?: RequestReader;
  readonly decoder?: HpackDecoder;
}

export function readRequest(block: Uint8Array, how: How = {}): Read<RequestHead> {
  const { decoder = new HpackDecoder(), endsStream = true, limits = LIMITS, reader = requestReader, room = ROOM } = how;
  const out = new Uint8Array(room + 5);
  const head = new RequestHead(40);
  decoder.begin(block, 0, block.length);
  const end = reader.read(decoder, endsStream, limits, out, 5, out.length, head);
  return result(reader, end, out, head);
}

export function readResponse(block: Uint8Array, how: How = {}): Read<ResponseHead> {
  const { decoder = new HpackDecoder(), endsStream = true, limits = LIMITS, room = ROOM } = how;
  const out = new Uint8Array(room + 5);
  const head = new ResponseHead(40);
  decoder.begin(block, 0, block.length);
  return result(responseReader, responseReader.read(decoder, endsStream, limits, out, 5, out.length, head), out, head);
}

export function readTrailers(block: Uint8Array): Read<FieldTable> {
  const decoder = new HpackDecoder();
  const out = new Uint8Array(ROOM + 5);
  const table = new FieldTable(40);
  decoder.begin(block, 0, block.length);
  return result(trailerReader, trailerReader.read(decoder, LIMITS, out, 5, out.length, table), out, table);
}
