/**
 * Which codings a client takes (RFC 9110 section 12.5.3). A coding that is not named is not taken, whatever `*` says: all there is to lose
 * is a few bytes.
 */
import { COMMA, HTAB, SP, TOKEN_LOWER, ascii, equalsIgnoringCase } from '../../wire/http1/classes.ts';
import type { FieldTable } from '../../wire/http1/head.ts';
import { findField } from '../value/lookup.ts';
import { Span } from '../value/span.ts';

const ACCEPT_ENCODING = ascii('accept-encoding');
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const DOT = 0x2e;
const ZERO = 0x30;
const Q = 0x71;
const span = new Span();

/** The weight of this coding in thousandths; 0: it is not taken. `lower`: its name in lower case. Of several fields each counts. */
export function weightOf(bytes: Uint8Array, head: FieldTable, lower: Uint8Array): number {
  let from = 0;
  while (findField(bytes, head, ACCEPT_ENCODING, from, span)) {
    const weight = weightIn(bytes, span.at, span.at + span.length, lower);
    if (weight >= 0) return weight;
    from = span.at + 1;
  }
  return 0;
}

/** -1: it is not named there. */
function weightIn(bytes: Uint8Array, at: number, end: number, lower: Uint8Array): number {
  while (at < end) {
    while (at < end && (isSpace(bytes[at]) || bytes[at] === COMMA)) at++;
    const start = at;
    while (at < end && TOKEN_LOWER[bytes[at]] !== 0) at++;
    const isIt = equalsIgnoringCase(bytes, start, at - start, lower);
    const next = endOfItem(bytes, at, end);
    if (isIt) return weightAt(bytes, at, next);
    at = next;
  }
  return -1;
}

function endOfItem(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && bytes[at] !== COMMA) at++;
  return at;
}

/** `;q=0.5`. What is none is read as nginx does: as nothing. */
function weightAt(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && isSpace(bytes[at])) at++;
  if (at === end) return 1000;
  if (bytes[at++] !== SEMICOLON) return 0;
  while (at < end && isSpace(bytes[at])) at++;
  if (end - at < 3 || TOKEN_LOWER[bytes[at]] !== Q || bytes[at + 1] !== EQUALS) return 0;
  at += 2;
  const whole = bytes[at++] - ZERO;
  if (whole !== 0 && whole !== 1) return 0;
  let weight = whole * 1000;
  if (at < end && bytes[at] === DOT) {
    at++;
    for (let unit = 100; unit >= 1 && at < end && isDigit(bytes[at]); unit /= 10) weight += (bytes[at++] - ZERO) * unit;
  }
  while (at < end && isSpace(bytes[at])) at++;
  return at === end && weight <= 1000 ? weight : 0;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= ZERO + 9;
}

function isSpace(byte: number): boolean {
  return byte === SP || byte === HTAB;
}
