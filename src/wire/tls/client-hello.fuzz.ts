/** One round of a ClientHello: made from what it is to say, cut into records, read in every way it can arrive; and with something wrong. */
import assert from 'node:assert/strict';
import type { Prng } from '../../base/prng.ts';
import { ClientHello, HELLO_BYTES_MAX, HELLO_MORE, HELLO_NONE, HELLO_READ, readClientHello } from './client-hello.ts';

const NAMES = ['', 'shop.example', 'A.B.example', 'x_y', '192.0.2.1', 'münchen', 'a'.repeat(300), 'a\r\nb', '.', 'x.'];
const PROTOCOLS = ['h2', 'http/1.1', '', 'acme-tls/1', '\x8a\x8a', 'x'.repeat(255)];
const NAME_IS_READ = /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/;
const EXTENSION_TYPES_MAX = 0x10000;

/** `bytes` with their length in so many bytes in front. */
function vector(lengthBytes: number, bytes: readonly number[]): number[] {
  const length: number[] = [];
  for (let shift = 8 * (lengthBytes - 1); shift >= 0; shift -= 8) length.push((bytes.length >> shift) & 0xff);
  return [...length, ...bytes];
}

function randomBytes(prng: Prng, length: number): number[] {
  return Array.from({ length }, () => prng.below(256));
}

function textBytes(text: string): number[] {
  return [...Buffer.from(text, 'latin1')];
}

function extension(type: number, data: readonly number[]): number[] {
  return [type >> 8, type & 0xff, ...vector(2, data)];
}

interface Wanted {
  readonly serverName: string;
  readonly protocols: readonly string[];
}

function generate(prng: Prng): { readonly message: number[]; readonly wanted: Wanted } {
  const name = NAMES[prng.below(NAMES.length)];
  const protocols = Array.from({ length: prng.below(4) }, () => PROTOCOLS[prng.below(PROTOCOLS.length)]);
  const extensions: number[][] = [];
  const hasName = prng.oneIn(2);
  const hasProtocols = prng.oneIn(2);
  if (hasName) extensions.push(extension(0, vector(2, [0, ...vector(2, textBytes(name))])));
  if (hasProtocols) {
    extensions.push(
      extension(
        16,
        vector(
          2,
          protocols.flatMap((each) => vector(1, textBytes(each))),
        ),
      ),
    );
  }
  const types = new Set([0, 16, 35, 41]);
  for (let more = prng.below(6); more > 0; more--) {
    const type = prng.below(EXTENSION_TYPES_MAX);
    if (types.has(type)) continue;
    types.add(type);
    extensions.splice(prng.below(extensions.length + 1), 0, extension(type, randomBytes(prng, prng.below(1300))));
  }
  const hasNone = extensions.length === 0 && prng.oneIn(2);
  const body = [
    3,
    3,
    ...randomBytes(prng, 32),
    ...vector(1, randomBytes(prng, prng.below(33))),
    ...vector(2, randomBytes(prng, 2 * prng.below(100))),
    ...vector(1, [0]),
    ...(hasNone ? [] : vector(2, extensions.flat())),
  ];
  const plain = name.toLowerCase().replace(/\.$/, '');
  const isRead = hasName && plain.length <= 255 && NAME_IS_READ.test(plain);
  return {
    message: [1, ...vector(3, body)],
    wanted: { serverName: isRead ? plain : '', protocols: hasProtocols ? protocols : [] },
  };
}

function inRecords(prng: Prng, message: readonly number[]): Uint8Array {
  const records: number[] = [];
  const smallest = Math.ceil(message.length / 1000);
  for (let at = 0; at < message.length;) {
    const size = Math.min(smallest + prng.below(prng.oneIn(2) ? 3000 : 20), message.length - at);
    records.push(22, 3, 1 + prng.below(3), ...vector(2, message.slice(at, at + size)));
    at += size;
  }
  return Uint8Array.from(records);
}

/** The result must not depend on what stands around the bytes, nor on how they come. */
function readEveryWay(prng: Prng, bytes: Uint8Array, into: ClientHello): number {
  const before = prng.below(9);
  const surrounded = new Uint8Array(before + bytes.length + 9).fill(prng.below(256));
  surrounded.set(bytes, before);
  const other = new ClientHello();
  const result = readClientHello(surrounded, before, before + bytes.length, other);
  assert.equal(readClientHello(bytes, 0, bytes.length, into), result, 'it depends on bytes outside of the range');
  if (result === HELLO_READ) assert.deepEqual(into, other);
  for (let end = 0; end < bytes.length; end += 1 + prng.below(bytes.length)) {
    const part = readClientHello(bytes, 0, end, other);
    if (result === HELLO_MORE) assert.equal(part, HELLO_MORE, 'a beginning of what is not whole is judged');
    if (part === HELLO_NONE) assert.equal(result, HELLO_NONE, 'a beginning is refused, and the whole is not');
  }
  return result;
}

export function fuzzClientHello(prng: Prng): void {
  const { message, wanted } = generate(prng);
  const bytes = inRecords(prng, message);
  const into = new ClientHello();
  const result = readEveryWay(prng, bytes, into);
  if (message.length <= HELLO_BYTES_MAX) {
    assert.equal(result, HELLO_READ);
    assert.deepEqual({ serverName: into.serverName, protocols: [...into.protocols] }, wanted);
    const end = prng.below(bytes.length);
    assert.equal(readClientHello(bytes, 0, end, into), HELLO_MORE, 'a beginning is no hello');
  }
  for (let wrong = 1 + prng.below(4); wrong > 0; wrong--) bytes[prng.below(bytes.length)] = prng.below(256);
  readEveryWay(prng, bytes, into);
  readEveryWay(prng, Uint8Array.from(randomBytes(prng, prng.below(200))), into);
}
