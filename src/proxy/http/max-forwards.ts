/**
 * Max-Forwards of OPTIONS and TRACE (RFC 9110 section 7.6.2): how many more times they may be forwarded. At zero the proxy
 * answers as if it were the server; else it is one less for the server. Other methods' fields are passed on unread.
 */
import { findField } from '../../core/value/lookup.ts';
import { Span } from '../../core/value/span.ts';
import { ascii } from '../../wire/http1/emit.ts';
import { METHOD_OPTIONS, METHOD_TRACE, type RequestHead } from '../../wire/http1/head.ts';

const NAME = ascii('max-forwards');
const ZERO = 0x30;
const NINE = 0x39;

const span = new Span();

/**
 * Takes one off, in place and with as many digits: a leading zero is allowed. False: it was zero, the request goes no further.
 * A value that is no number says nothing. Cheap for every other method.
 */
export function takeForward(memory: Uint8Array, head: RequestHead): boolean {
  if (head.method !== METHOD_OPTIONS && head.method !== METHOD_TRACE) return true;
  for (let from = 0; findField(memory, head, NAME, from, span); from = span.end) {
    if (!takeOne(memory, span.at, span.length)) return false;
  }
  return true;
}

function takeOne(memory: Uint8Array, at: number, length: number): boolean {
  let isZero = length > 0;
  for (let i = at; i < at + length; i++) {
    if (memory[i] < ZERO || memory[i] > NINE) return true;
    if (memory[i] !== ZERO) isZero = false;
  }
  if (isZero) return false;
  let i = at + length - 1;
  for (; i >= at && memory[i] === ZERO; i--) memory[i] = NINE;
  if (i >= at) memory[i]--;
  return true;
}
