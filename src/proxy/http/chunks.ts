/**
 * A body of unknown length as HTTP/1 has it: in chunks. What begins a chunk stands in front of its content, and with it what ends the chunk before:
 * so nothing is written behind content, where something else may be, as the next frame of HTTP/2.
 */
import { emitBytes, emitCrlf, emitFragment, emitHex, ascii } from '../../wire/http1/emit.ts';

/** `CR LF 7fff CR LF` */
export const CHUNK_ROOM = 8;
/** `CR LF 0 CR LF` */
export const LAST_CHUNK_BYTES = 5;

const LAST_CHUNK = ascii('0\r\n');
const draft = new Uint8Array(CHUNK_ROOM);

/** Writes what stands in front of a chunk of `length` bytes. `isFirst`: of its body. */
export function emitChunkStart(out: Uint8Array, at: number, length: number, isFirst: boolean): number {
  return emitCrlf(out, emitHex(out, isFirst ? at : emitCrlf(out, at), length));
}

/** Begins a chunk of `length` bytes of content at `offset`. Where it begins. `isFirst`: of its body. */
export function beginChunk(memory: Uint8Array, offset: number, length: number, isFirst: boolean): number {
  const count = emitChunkStart(draft, 0, length, isFirst);
  emitBytes(memory, offset - count, draft, 0, count);
  return offset - count;
}

/** Writes what ends a body, in front of its trailer section. `isFirst`: there was no chunk. */
export function emitLastChunk(memory: Uint8Array, at: number, isFirst: boolean): number {
  return emitFragment(memory, isFirst ? at : emitCrlf(memory, at), LAST_CHUNK);
}
