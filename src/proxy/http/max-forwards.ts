/**
 * Max-Forwards of OPTIONS and TRACE (RFC 9110 section 7.6.2): how many more times they may be forwarded. At zero the proxy
 * answers as if it were the server; else it is one less for the server. Other methods' fields are passed on unread.
 */
import { equalsIgnoringCase } from '../../wire/http1/classes.ts';
import { ascii } from '../../wire/http1/emit.ts';
import {
  FIELD_NAME,
  FIELD_NAME_LENGTH,
  FIELD_VALUE,
  FIELD_VALUE_LENGTH,
  FIELD_WORDS,
  METHOD_OPTIONS,
  METHOD_TRACE,
  type RequestHead,
} from '../../wire/http1/head.ts';

const NAME = ascii('max-forwards');
const ZERO = 0x30;
const NINE = 0x39;

/**
 * Takes one off, in place and with as many digits: a leading zero is allowed. False: it was zero, the request goes no further.
 * A value that is no number says nothing. Cheap for every other method.
 */
export function takeForward(memory: Uint8Array, head: RequestHead): boolean {
  if (head.method !== METHOD_OPTIONS && head.method !== METHOD_TRACE) return true;
  const { fields } = head;
  for (let i = 0; i < head.fieldCount; i++) {
    const field = i * FIELD_WORDS;
    if (!equalsIgnoringCase(memory, fields[field + FIELD_NAME], fields[field + FIELD_NAME_LENGTH], NAME)) continue;
    if (!takeOne(memory, fields[field + FIELD_VALUE], fields[field + FIELD_VALUE_LENGTH])) return false;
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
