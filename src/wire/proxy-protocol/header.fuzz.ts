/** One round of a PROXY protocol header: written and read again, in every way it can arrive; and with something wrong. */
import assert from 'node:assert/strict';
import type { Prng } from '../../base/prng.ts';
import {
  PROXY_HEADER_WRITTEN_MAX,
  PROXY_MORE,
  PROXY_WRONG,
  ProxyAddresses,
  readProxyHeader,
  writeProxyHeader,
} from './header.ts';
import { endHeader, TLV_AUTHORITY, TLV_UNIQUE_ID, TLVS_BYTES_MAX, writeSslTlv, writeTextTlv } from './tlvs.ts';

const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
const NAMES = ['', 'shop.example', 'x'.repeat(255)];

function address(prng: Prng, isV4: boolean, into: Uint8Array): void {
  for (let i = 0; i < 16; i++) into[i] = isV4 && i < 12 ? MAPPED[i] : 1 + prng.below(255);
}

/** The result must not depend on what stands around the bytes; of a beginning it is that of the whole, or not known yet. */
function readEveryWay(prng: Prng, bytes: Uint8Array, into: ProxyAddresses): number {
  const before = prng.below(9);
  const surrounded = new Uint8Array(before + bytes.length + 9).fill(prng.below(256));
  surrounded.set(bytes, before);
  const other = new ProxyAddresses();
  const result = readProxyHeader(surrounded, before, before + bytes.length, other);
  assert.equal(readProxyHeader(bytes, 0, bytes.length, into), result, 'it depends on bytes outside of the range');
  if (result > 0) assert.deepEqual(into, other);
  assert.ok(result <= bytes.length);
  for (let end = 0; end < bytes.length; end += 1 + prng.below(8)) {
    const part = readProxyHeader(bytes, 0, end, other);
    if (part === PROXY_WRONG) assert.equal(result, PROXY_WRONG, 'a beginning is refused, and the whole is not');
    if (part > 0) assert.equal(part, result);
  }
  return result;
}

function write(prng: Prng, wanted: ProxyAddresses): Uint8Array {
  const version = prng.oneIn(2) ? 'v1' : 'v2';
  const bytes = new Uint8Array(PROXY_HEADER_WRITTEN_MAX + TLVS_BYTES_MAX);
  let at = writeProxyHeader(version, wanted, bytes, 0);
  if (version === 'v1' || prng.oneIn(3)) return bytes.slice(0, at);
  const addressesEnd = at;
  wanted.authority = NAMES[prng.below(NAMES.length)];
  wanted.uniqueId = prng.oneIn(2) ? '' : 'x'.repeat(1 + prng.below(128));
  at = writeTextTlv(TLV_AUTHORITY, wanted.authority, bytes, at);
  if (prng.oneIn(2)) at = writeSslTlv({ version: 'TLSv1.3', cipher: 'x', client: null }, bytes, at);
  at = writeTextTlv(TLV_UNIQUE_ID, wanted.uniqueId, bytes, at);
  const end = endHeader(bytes, 0, at, prng.oneIn(2));
  wanted.tlvs = bytes.slice(addressesEnd, end);
  return bytes.slice(0, end);
}

export function fuzzProxyHeader(prng: Prng): void {
  const wanted = new ProxyAddresses();
  wanted.isTold = true;
  const isV4 = prng.oneIn(2);
  address(prng, isV4, wanted.source);
  address(prng, isV4, wanted.destination);
  wanted.sourcePort = prng.below(0x10000);
  wanted.destinationPort = prng.below(0x10000);
  const bytes = write(prng, wanted);
  const into = new ProxyAddresses();
  assert.equal(readEveryWay(prng, bytes, into), bytes.length);
  assert.deepEqual(into, wanted);
  assert.equal(readProxyHeader(bytes, 0, prng.below(bytes.length), into), PROXY_MORE, 'a beginning is no header');
  for (let wrong = 1 + prng.below(4); wrong > 0; wrong--) bytes[prng.below(bytes.length)] = prng.below(256);
  readEveryWay(prng, bytes, new ProxyAddresses());
  const random = Uint8Array.from({ length: prng.below(64) }, () => prng.below(256));
  readEveryWay(prng, random, new ProxyAddresses());
}
