/** The filters as the kernel runs them: on a Unix datagram socket, which everybody may attach one to. */
import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { after, test } from 'node:test';
import { parseHex } from '../../../base/bytes.ts';
import { arpFrame, arpProbe, arpRequest, gratuitousReply, gratuitousRequest } from '../../../wire/arp.ts';
import * as libc from '../libc.ts';
import { encodeUnixPath } from '../socket-address.ts';
import { advertFilter4, advertFilter6, authenticatedAdvertFilter } from './advert-filter.ts';
import { arpFilter } from './arp-filter.ts';
import { removalFilter } from './removal-filter.ts';
import { ACCEPT_ALL, attachFilter, type Filter, REFUSE_ALL } from '../socket-filter.ts';
import { receive, SOCK_NONBLOCK } from './system.ts';

const name = encodeUnixPath(`@evenkeel-filter-test-${process.pid}`)!;
const receiver = libc.socket(libc.AF_UNIX, libc.SOCK_DGRAM | SOCK_NONBLOCK);
const sender = libc.socket(libc.AF_UNIX, libc.SOCK_DGRAM | SOCK_NONBLOCK);
libc.bind(receiver, name);
after(() => {
  closeSync(receiver);
  closeSync(sender);
});

function passes(filter: Filter, packet: Uint8Array): boolean {
  assert.equal(attachFilter(receiver, filter), 0);
  // A datagram that the filter refuses is an error for its sender, or silence, as the kernel likes.
  libc.sendTo(sender, packet, name);
  const into = new Uint8Array(4096);
  const length = receive(receiver, into);
  if (length >= 0) assert.deepEqual(into.subarray(0, length), packet);
  return length >= 0;
}

const hex = (text: string): Uint8Array => parseHex(text)!;
const HEADER = '45c0002000010000ff701887c000020be0000012';
const OPTIONS_HEADER = '46c0002400010000ff700000c000020be000001294040000';
const ADVERT_51 = '313396010064d367c0000264';

test('adverts over IPv4 pass by their virtual router id, also behind options', () => {
  for (const header of [HEADER, OPTIONS_HEADER]) {
    assert.ok(passes(advertFilter4([0x33]), hex(header + ADVERT_51)));
    assert.ok(passes(advertFilter4([1, 0x33, 2]), hex(header + ADVERT_51)));
    assert.ok(!passes(advertFilter4([0x32, 0x34]), hex(header + ADVERT_51)));
  }
  assert.ok(!passes(advertFilter4([0x33]), hex(HEADER)));
});

test('adverts over IPv6 pass by their virtual router id', () => {
  assert.ok(passes(advertFilter6([0x33]), hex(ADVERT_51)));
  assert.ok(!passes(advertFilter6([0x34]), hex(ADVERT_51)));
});

test('behind an Authentication Header only adverts pass', () => {
  const advert = '70040000c000020b000000013e470c4b546ca54c507641652133960102018465c00002640000000000000000';
  assert.ok(passes(authenticatedAdvertFilter([0x33]), hex(HEADER + advert)));
  assert.ok(!passes(authenticatedAdvertFilter([0x34]), hex(HEADER + advert)));
  assert.ok(!passes(authenticatedAdvertFilter([0x33]), hex(HEADER + advert.replace(/^70/, '06'))));
});

test('ARP passes when it says who has one of the addresses, or answers', () => {
  const mac = Uint8Array.of(2, 0, 0, 0, 0, 1);
  const [ours, other] = [Uint8Array.of(192, 168, 15, 3), Uint8Array.of(192, 168, 15, 9)];
  const filter = arpFilter([Uint8Array.of(10, 0, 0, 1), ours]);
  assert.ok(passes(filter, arpFrame(gratuitousRequest(mac, ours))));
  assert.ok(passes(filter, arpFrame(gratuitousReply(mac, ours))));
  assert.ok(passes(filter, arpFrame(gratuitousReply(mac, other))));
  assert.ok(!passes(filter, arpFrame(gratuitousRequest(mac, other))));
  assert.ok(!passes(filter, arpFrame(arpProbe(mac, ours))));
  assert.ok(!passes(filter, arpFrame(arpRequest(mac, other, ours))));
});

function addresses(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => Uint8Array.of(10, 0, i >> 8, i & 255));
}

test('more addresses than a filter holds are not filtered', () => {
  const mac = Uint8Array.of(2, 0, 0, 0, 0, 1);
  const frame = arpFrame(gratuitousRequest(mac, Uint8Array.of(192, 168, 15, 9)));
  assert.ok(!passes(arpFilter(addresses(1000)), frame));
  assert.ok(passes(arpFilter(addresses(5000)), frame));
});

test('nothing, and everything', () => {
  assert.ok(!passes(REFUSE_ALL, hex(ADVERT_51)));
  assert.ok(passes(ACCEPT_ALL, hex(ADVERT_51)));
});

/** A netlink header of that type, and a struct rtmsg of that protocol. */
function routing(type: string, protocol: string): Uint8Array {
  return hex(`1c000000${type}0000000000000000000002180000fe${protocol}0001`);
}

test('of routes and rules, only the removal of those of this program passes; links and addresses do', () => {
  const filter = removalFilter();
  assert.ok(passes(filter, routing('1900', '70')));
  assert.ok(!passes(filter, routing('1900', '12')));
  assert.ok(!passes(filter, routing('1800', '70')));
  assert.ok(passes(filter, routing('2100', '00')));
  assert.ok(!passes(filter, routing('2000', '00')));
  for (const type of ['1000', '1100', '1400', '1500']) assert.ok(passes(filter, routing(type, '12')));
});
