/**
 * A body of unknown length as servers of HTTP/1 get it: in chunks. What begins a chunk stands in front of its content, where the header of its frame
 * was, and with it what ends the chunk before: so nothing is written behind content, where the next frame may be.
 */
import { emitBytes, emitCrlf, emitFragment, emitHex, ascii } from '../../wire/http1/emit.ts';

/** `CR LF 7fff CR LF` */
export const CHUNK_ROOM = 8;
/** `CR LF 0 CR LF` */
export const LAST_CHUNK_BYTES = 5;

const LAST_CHUNK = ascii('0\r\n');
const draft = new Uint8Array(CHUNK_ROOM);

/** Begins a chunk of `length` bytes of content at `offset`. Where it begins. `isFirst`: of its body. */
export function beginChunk(memory: Uint8Array, offset: number, length: number, isFirst: boolean): number {
  const from = isFirst ? 0 : emitCrlf(draft, 0);
  const count = emitCrlf(draft, emitHex(draft, from, length));
  emitBytes(memory, offset - count, draft, 0, count);
  return offset - count;
}

/** Writes what ends a body, in front of its trailer section. `isFirst`: there was no chunk. */
export function emitLastChunk(memory: Uint8Array, at: number, isFirst: boolean): number {
  return emitFragment(memory, isFirst ? at : emitCrlf(memory, at), LAST_CHUNK);
}
