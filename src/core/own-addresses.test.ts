import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Correspondents, DIRECT } from '../base/correspondents.ts';
import { OwnAddresses } from './own-addresses.ts';

function v4(ip3: number, port: number, local3 = 0x0a000009): Correspondents {
  return {
    ip0: 0,
    ip1: 0,
    ip2: 0xffff,
    ip3,
    port,
    local0: 0,
    local1: 0,
    local2: 0xffff,
    local3,
    localPort: 0,
    ...DIRECT,
  };
}

function v6(ip3: number, port: number, local3: number): Correspondents {
  const [ip0, local0] = ip3 === 1 ? [0, 0] : [0x20010db8, 0x20010db8];
  return { ip0, ip1: 0, ip2: 0, ip3, port, local0, local1: 0, local2: 0, local3, localPort: 0, ...DIRECT };
}

test('a listener with an address is known by address and port', () => {
  const own = new OwnAddresses();
  assert.ok(!own.sent(v4(0x0a000001, 53)), 'nothing is listened on');
  own.configure([
    { family: 4, host: '10.0.0.1', port: 53 },
    { family: 6, host: '2001:db8::7', port: 54 },
  ]);
  assert.ok(own.sent(v4(0x0a000001, 53)));
  assert.ok(!own.sent(v4(0x0a000001, 54)));
  assert.ok(!own.sent(v4(0x0a000002, 53)));
  assert.ok(!own.sent(v4(0x0a000009, 53)), 'another socket of this machine');
  assert.ok(own.sent(v6(7, 54, 9)));
  assert.ok(!own.sent(v6(8, 54, 9)));
});

test('a listener with all addresses is known by its port, and an address of this machine', () => {
  for (const host of ['0.0.0.0', '::']) {
    const own = new OwnAddresses();
    own.configure([{ family: host === '::' ? 6 : 4, host, port: 53 }]);
    assert.ok(own.sent(v4(0x0a000009, 53)), 'from where it has gone to');
    assert.ok(own.sent(v4(0x7f000035, 53)), 'loopback');
    assert.ok(!own.sent(v4(0x0a000001, 53)), 'a resolver that asks from port 53');
    assert.ok(!own.sent(v4(0x0a000009, 5353)));
    assert.ok(own.sent(v6(1, 53, 9)));
    assert.ok(own.sent(v6(9, 53, 9)));
    assert.ok(!own.sent(v6(8, 53, 9)));
  }
});

const machine = (): readonly string[] => ['10.0.0.9', '2001:db8::9'];

test('a connection to it comes to a listener', () => {
  const own = new OwnAddresses();
  const takes = (host: string, port: number): boolean =>
    own.takes({ family: host.includes(':') ? 6 : 4, host, port }, machine);
  assert.ok(!takes('127.0.0.1', 80), 'nothing is listened on');
  own.configure([
    { family: 4, host: '10.0.0.1', port: 80 },
    { family: 6, host: '::', port: 81 },
  ]);
  for (const host of ['10.0.0.1', '::ffff:10.0.0.1', '0.0.0.0', '::', '::ffff:0:0']) assert.ok(takes(host, 80), host);
  for (const host of ['10.0.0.9', '127.0.0.1', '2001:db8::9']) assert.ok(!takes(host, 80), host);
  for (const host of ['10.0.0.9', '2001:db8::9', '::ffff:10.0.0.9', '127.1.2.3', '::1', '::'])
    assert.ok(takes(host, 81), host);
  for (const host of ['10.0.0.8', '2001:db8::8']) assert.ok(!takes(host, 81), host);
  assert.ok(!takes('10.0.0.1', 82));
});
