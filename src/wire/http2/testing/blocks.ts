/** What the tests of HPACK share: a decoder's fields as strings. */
import { assert } from '../../../base/assert.ts';
import { latin1 } from '../../../base/text.ts';
import { faultOf } from '../faults.ts';
import { BLOCK_END, BLOCK_FIELD } from '../hpack/decoder.ts';
import type { HpackDecoder } from '../hpack/decoder.ts';

export interface Decoded {
  readonly fields: (readonly [name: string, value: string])[];
  /** The name of what is wrong with the block, or ''. */
  readonly fault: string;
  /** Fields that did not fit. */
  readonly cut: number;
}

/** Decodes a block between other bytes, into a memory of `room` bytes between others, of which none may change. */
export function decode(decoder: HpackDecoder, block: Uint8Array, room = 4096): Decoded {
  const surrounded = new Uint8Array(block.length + 8).fill(0x82);
  surrounded.set(block, 4);
  const out = new Uint8Array(room + 8).fill(0xee);
  const limit = room + 4;
  const fields: (readonly [string, string])[] = [];
  let at = 4;
  let cut = 0;
  let result;
  let listBytes = 0;
  decoder.begin(surrounded, 4, block.length + 4);
  while ((result = decoder.next(out, at, limit)) === BLOCK_FIELD) {
    const { end, nameLength, valueLength } = decoder;
    listBytes += nameLength + valueLength + 32;
    if (decoder.isCut) {
      assert(end === at && at + nameLength + valueLength + 4 > limit, 'a field that fits was cut');
      cut++;
      continue;
    }
    const line = latin1(out, at, end - at);
    assert(line.length === nameLength + valueLength + 4, 'the line is not as long as its strings');
    assert(
      line.slice(nameLength, nameLength + 2) === ': ' && line.endsWith('\r\n'),
      `no line: ${JSON.stringify(line)}`,
    );
    fields.push([line.slice(0, nameLength), line.slice(nameLength + 2, -2)]);
    at = end;
  }
  assert(decoder.listBytes === listBytes || result < 0, 'the list is counted wrong');
  for (let i = 0; i < 4; i++) assert(out[i] === 0xee && out[limit + i] === 0xee, 'bytes outside of the memory changed');
  return { fields, fault: result === BLOCK_END ? '' : faultOf(result).name, cut };
}
