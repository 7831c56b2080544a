/** A head that was made of a header block, and was kept: it is as HTTP/1 has it, but for its version. */
import { COLON, equalsIgnoringCase } from '../../wire/http1/classes.ts';
import { ascii, emitBytes, emitFragment } from '../../wire/http1/emit.ts';
import type { HeadLimits } from '../../wire/http1/head.ts';
import { parseRequestHead } from '../../wire/http1/request.ts';
import { parseResponseHead } from '../../wire/http1/response.ts';
import type { Context } from '../context.ts';

const HTTP_2 = 20;
const SWITCHING = ascii('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n');
const ACCEPT = ascii('Sec-WebSocket-Accept: ');
const ACCEPT_NAME = ascii('sec-websocket-accept');
const HEAD_END = ascii('\r\n\r\n');
const FIELDS_MAX = 1000;
/** `HTTP/2.0` */
const VERSION_BYTES = 8;
const LF = 10;
const ZERO = 0x30;
const ONE = 0x31;
const TWO = 0x32;

/** Reads it into `context.requestHead`; as `parseRequestHead`. */
export function parseKeptHead({ memory, requestHead }: Context, at: number, end: number, limits: HeadLimits): number {
  let line = at;
  while (memory[line] !== LF) line++;
  writeVersion(memory, line + 1, ONE, ONE);
  const read = parseRequestHead(memory, at, end, limits, requestHead);
  writeVersion(memory, line + 1, TWO, ZERO);
  requestHead.version = HTTP_2;
  return read;
}

/** The same of a response, into `context.responseHead`; as `parseResponseHead`. */
export function parseKeptResponse(
  { memory, responseHead }: Context,
  at: number,
  end: number,
  limits: HeadLimits,
): number {
  const behind = at + VERSION_BYTES;
  writeVersion(memory, behind + 2, ONE, ONE);
  const read = parseResponseHead(memory, at, end, limits, responseHead);
  writeVersion(memory, behind + 2, TWO, ZERO);
  responseHead.version = HTTP_2;
  return read;
}

/**
 * Writes the response in `context.responseHead`, with which a WebSocket begins in HTTP/2, into this slot as the one that does so in HTTP/1, and reads
 * that into `context.responseHead`. False: it has no room there.
 */
export function switchHead({ arena, memory, responseHead }: Context, slot: number, accept: Uint8Array): boolean {
  const { fieldsEnd, fieldsStart } = responseHead;
  const at = arena.start(slot);
  const length = fieldsEnd - fieldsStart;
  if (at + SWITCHING.length + length + ACCEPT.length + accept.length + HEAD_END.length > arena.end(slot)) return false;
  let end = emitFragment(memory, at, SWITCHING);
  for (let line = fieldsStart; line < fieldsEnd;) {
    const next = memory.indexOf(LF, line) + 1;
    // what the server says to a key that it was not sent is no answer to that of the client
    const isAccept =
      memory[line + ACCEPT_NAME.length] === COLON && equalsIgnoringCase(memory, line, ACCEPT_NAME.length, ACCEPT_NAME);
    if (!isAccept) end = emitBytes(memory, end, memory, line, next - line);
    line = next;
  }
  for (const part of [ACCEPT, accept, HEAD_END]) end = emitFragment(memory, end, part);
  return parseResponseHead(memory, at, end, { headBytes: end - at, headers: FIELDS_MAX }, responseHead) > 0;
}

/** `fieldsAt`: 2 behind the version. */
function writeVersion(memory: Uint8Array, fieldsAt: number, major: number, minor: number): void {
  memory[fieldsAt - 5] = major;
  memory[fieldsAt - 3] = minor;
}
