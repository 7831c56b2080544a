/**
 * What bodies and streams are made of: bytes that follow from a number and a position. Whoever knows the number can tell
 * at every byte whether it is the right one, so a lost, doubled, moved or foreign byte is seen where it comes.
 */

/** An unsigned 32-bit number that follows from two others. */
export function mix(a: number, b: number): number {
  let z = (Math.imul(a, 0x9e3779b1) ^ Math.imul(b + 0x7f4a7c15, 0x85ebca6b)) | 0;
  z = Math.imul(z ^ (z >>> 16), 0xc2b2ae35);
  z = Math.imul(z ^ (z >>> 13), 0x27d4eb2f);
  return (z ^ (z >>> 16)) >>> 0;
}

export function fillContent(key: number, position: number, into: Uint8Array, at: number, length: number): void {
  let word = 0;
  for (let i = 0; i < length; i++) {
    const p = position + i;
    if (i === 0 || (p & 3) === 0) word = mix(key, p >>> 2);
    into[at + i] = word >>> ((p & 3) << 3);
  }
}

/** -1 if all bytes are right, else how many of them are before the first wrong one. */
export function checkContent(key: number, position: number, bytes: Uint8Array, at: number, length: number): number {
  let word = 0;
  for (let i = 0; i < length; i++) {
    const p = position + i;
    if (i === 0 || (p & 3) === 0) word = mix(key, p >>> 2);
    if (bytes[at + i] !== ((word >>> ((p & 3) << 3)) & 255)) return i;
  }
  return -1;
}

/** An identifier that a mutation does not turn into another valid one. */
export function idText(id: number): string {
  return `${id}.${mix(id, 0x1d).toString(16).padStart(8, '0')}`;
}

/** The identifier, or -1 if the text is none. */
export function parseId(text: string): number {
  const match = /^([0-9]{1,9})\.([0-9a-f]{8})$/.exec(text);
  if (match === null) return -1;
  const id = Number(match[1]);
  return idText(id) === text ? id : -1;
}
