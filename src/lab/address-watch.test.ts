import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddressLine, sumUpHolders } from './address-watch.ts';

test('lines of `ip monitor` tell when which address came and went', () => {
  const added =
    '[2026-01-31T10:00:00.123456] 2: eth0    inet 192.168.15.3/24 scope global secondary dynamic eth0\\       valid_lft 2sec';
  assert.deepEqual(parseAddressLine(added), {
    unixMs: Date.UTC(2026, 0, 31, 10) + 123.456,
    isAdded: true,
    interfaceName: 'eth0',
    address: '192.168.15.3',
  });
  const removed = '[2026-01-31T10:00:00.000001] Deleted 5: vrrp.50    inet6 2001:db8::3/64 scope global';
  const found = parseAddressLine(removed);
  assert.equal(found?.isAdded, false);
  assert.equal(found?.address, '2001:db8::3');
  assert.equal(parseAddressLine('[2026-01-31T10:00:00.000001] nonsense'), null);
});

test('time with two holders and with none is summed up within the window, as are takings', () => {
  const changes = [
    { host: 'lb01', isHeld: true, atMs: 0 },
    { host: 'lb02', isHeld: true, atMs: 150 },
    { host: 'lb01', isHeld: false, atMs: 170 },
    { host: 'lb02', isHeld: false, atMs: 180 },
    { host: 'lb01', isHeld: true, atMs: 190 },
    { host: 'lb02', isHeld: true, atMs: 300 },
  ];
  assert.deepEqual(sumUpHolders(changes, 100, 200), { twoHoldersMs: 20, noHolderMs: 10, moves: 2 });
  assert.deepEqual(sumUpHolders(changes, 100, 140), { twoHoldersMs: 0, noHolderMs: 0, moves: 0 });
});
