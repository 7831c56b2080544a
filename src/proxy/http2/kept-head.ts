/** A head that was made of a header block, and was kept: it is as HTTP/1 has it, but for its version. */
import type { HeadLimits } from '../../wire/http1/head.ts';
import { parseRequestHead } from '../../wire/http1/request.ts';
import { parseResponseHead } from '../../wire/http1/response.ts';
import type { Context } from '../context.ts';

const HTTP_2 = 20;
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

/** `fieldsAt`: 2 behind the version. */
function writeVersion(memory: Uint8Array, fieldsAt: number, major: number, minor: number): void {
  memory[fieldsAt - 5] = major;
  memory[fieldsAt - 3] = minor;
}
