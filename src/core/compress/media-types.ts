/** Whether a response is of one of a list of media types: what stands in Content-Type in front of its parameters, compared without case. */
import { HTAB, LOWER, SP, ascii } from '../../wire/http1/classes.ts';

const SEMICOLON = 0x3b;

export class MediaTypes {
  private readonly takesAll: boolean;
  /** In lower case. */
  private readonly types: readonly Uint8Array[];

  /** `*`: any there is. */
  constructor(types: readonly string[]) {
    this.takesAll = types.includes('*');
    this.types = types.map((type) => ascii(type.toLowerCase()));
  }

  has(bytes: Uint8Array, at: number, length: number): boolean {
    const end = at + typeLength(bytes, at, length);
    if (end === at) return false;
    return this.takesAll || this.types.some((type) => isType(bytes, at, end - at, type));
  }
}

function typeLength(bytes: Uint8Array, at: number, length: number): number {
  let count = 0;
  while (count < length && !endsType(bytes[at + count])) count++;
  return count;
}

function endsType(byte: number): boolean {
  return byte === SEMICOLON || byte === SP || byte === HTAB;
}

function isType(bytes: Uint8Array, at: number, length: number, lower: Uint8Array): boolean {
  if (length !== lower.length) return false;
  for (let i = 0; i < length; i++) if (LOWER[bytes[at + i]] !== lower[i]) return false;
  return true;
}
