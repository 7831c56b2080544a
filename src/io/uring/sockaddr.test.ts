import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddressTable, emitSockaddr, parseSockaddr, SOCKADDR_BYTES } from './sockaddr.ts';

function emit(...address: Parameters<typeof emitSockaddr>[0][]): string {
  const into = new Uint8Array(SOCKADDR_BYTES).fill(0xff);
  const length = emitSockaddr(address[0], into);
  return Buffer.from(into.subarray(0, length)).toString('hex');
}

test('IPv4: family in host order, port in network order, and zeros', () => {
  assert.equal(emit({ family: 4, host: '192.0.2.1', port: 8080 }), '02001f90c00002010000000000000000');
});

test('IPv6: no flow information and no scope', () => {
  assert.equal(
    emit({ family: 6, host: '2001:db8::1', port: 443 }),
    '0a0001bb0000000020010db800000000000000000000000100000000',
  );
});

test('a Unix path ends in a zero byte that counts', () => {
  assert.equal(emit({ family: 0, host: '/run/é', port: 0 }), '01002f72756e2fc3a900');
  assert.equal(emit({ family: 0, host: '@é', port: 0 }), '010000c3a9');
});

test('a Unix path of 107 bytes fits and one of 108 is a bug', () => {
  assert.equal(emit({ family: 0, host: `/${'x'.repeat(106)}`, port: 0 }).length, 2 * 110);
  assert.throws(() => emit({ family: 0, host: `/${'x'.repeat(107)}`, port: 0 }), { name: 'AssertionError' });
});

test('an address is read back as 16 bytes and a port', () => {
  for (const [family, host, expected] of [
    [4, '192.0.2.1', '00000000000000000000ffffc0000201'],
    [6, '2001:db8::1', '20010db8000000000000000000000001'],
  ] as const) {
    const from = new Uint8Array(SOCKADDR_BYTES);
    emitSockaddr({ family, host, port: 54321 }, from);
    const into = new Uint8Array(20).fill(0xee);
    assert.equal(parseSockaddr(from, into, 2), 54321);
    assert.equal(Buffer.from(into).toString('hex'), `eeee${expected}eeee`);
  }
});

test('the name of a Unix peer is all zero and port 0', () => {
  const into = new Uint8Array(16).fill(0xee);
  assert.equal(parseSockaddr(Uint8Array.of(1, 0, 65, 66), into, 0), 0);
  assert.deepEqual(into, new Uint8Array(16));
});

test('the same address has one number, and many addresses have many', () => {
  const table = new AddressTable();
  const numbers = new Set<number>();
  const places = new Set<number>();
  for (let i = 0; i < 100; i++) {
    const number = table.prepare({ family: 4, host: '127.0.0.1', port: 1000 + i });
    assert.equal(table.prepare({ family: 4, host: '127.0.0.1', port: 1000 + i }), number);
    numbers.add(number);
    places.add(table.low(number));
    assert.equal(table.length(number), 16);
  }
  assert.equal(numbers.size, 100);
  assert.equal(places.size, 100);
});
