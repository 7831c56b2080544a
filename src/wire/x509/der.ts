/**
 * The distinguished encoding rules of ASN.1 (ITU-T X.690), as far as certificates and requests for them need it: values of one byte
 * of tag, made from the inside out. Reading is only for what was verified before, or is our own: lengths are checked, and nothing else.
 */
export const BOOLEAN = 0x01;
export const INTEGER = 0x02;
export const BIT_STRING = 0x03;
export const OCTET_STRING = 0x04;
export const OBJECT_IDENTIFIER = 0x06;
export const UTF8_STRING = 0x0c;
export const UTC_TIME = 0x17;
export const GENERALIZED_TIME = 0x18;
export const SEQUENCE = 0x30;
export const SET = 0x31;

/** The tag of a context: of one that holds others, or of plain bytes. */
export function contextTag(number: number, isConstructed: boolean): number {
  return (isConstructed ? 0xa0 : 0x80) | number;
}

/** One value whose content is these, one behind the other. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head = [tag, ...lengthBytes(length)];
  const bytes = new Uint8Array(head.length + length);
  bytes.set(head);
  let at = head.length;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** A number from 0 to 127. */
export function smallInteger(value: number): Uint8Array {
  return der(INTEGER, Uint8Array.of(value));
}

/** Big-endian, not negative, not empty. */
export function integer(bytes: Uint8Array): Uint8Array {
  let first = 0;
  while (first < bytes.length - 1 && bytes[first] === 0) first++;
  const digits = bytes.subarray(first);
  return digits[0] < 0x80 ? der(INTEGER, digits) : der(INTEGER, Uint8Array.of(0), digits);
}

/** As `1.2.840.10045.4.3.2`. */
export function objectIdentifier(text: string): Uint8Array {
  const [first, second, ...rest] = text.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const digits = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      digits.unshift(0x80 | (left & 0x7f));
    bytes.push(...digits);
  }
  return der(OBJECT_IDENTIFIER, Uint8Array.from(bytes));
}

/** Whole bytes. */
export function bitString(bytes: Uint8Array): Uint8Array {
  return der(BIT_STRING, Uint8Array.of(0), bytes);
}

/** Of a text in ASCII. */
export function text(tag: number, ascii: string): Uint8Array {
  return der(
    tag,
    Uint8Array.from(ascii, (character) => character.charCodeAt(0) & 0x7f),
  );
}

/** A time as X.509 wants it (RFC 5280 section 4.1.2.5). `iso`: `2026-11-29T18:55:00Z`, with or without a fraction. */
export function time(iso: string): Uint8Array {
  const digits = iso.replace(/\..*$/, '').replaceAll(/[^0-9]/g, '');
  return Number(digits.slice(0, 4)) < 2050
    ? text(UTC_TIME, `${digits.slice(2)}Z`)
    : text(GENERALIZED_TIME, `${digits}Z`);
}

/** A value that was read. Its content is in the bytes that it was read from. */
export interface DerValue {
  readonly tag: number;
  readonly content: Uint8Array;
}

/** The values that stand one behind the other. Null: they are not whole. */
export function parseDer(bytes: Uint8Array): readonly DerValue[] | null {
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length;) {
    if (at + 2 > bytes.length) return null;
    const tag = bytes[at];
    let length = bytes[at + 1];
    at += 2;
    if (length >= 0x80) {
      const count = length & 0x7f;
      if (count === 0 || count > 4 || at + count > bytes.length) return null;
      length = 0;
      for (let i = 0; i < count; i++) length = length * 256 + bytes[at + i];
      at += count;
    }
    if (at + length > bytes.length) return null;
    values.push({ tag, content: bytes.subarray(at, at + length) });
    at += length;
  }
  return values;
}

/** What is in a value of this tag. Null: it is another one, or not whole, or there is none. */
export function valuesIn(value: DerValue | undefined, tag: number): readonly DerValue[] | null {
  return value?.tag === tag ? parseDer(value.content) : null;
}

/** How many bytes stand in front of a content of this length. */
export function headBytes(length: number): number {
  return 1 + lengthBytes(length).length;
}

function lengthBytes(length: number): readonly number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let left = length; left > 0; left = Math.floor(left / 256)) bytes.unshift(left & 0xff);
  return [0x80 | bytes.length, ...bytes];
}
