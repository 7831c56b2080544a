/** As many of everything as a configuration may have. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HELD_ADDRESSES_MAX } from '../../src/base/limits.ts';
import { routerPlan } from '../../src/vip/testing/router-plan.ts';
import { until } from '../waiting.ts';
import { type Host, needsNamespaces, planOf, Segment } from './virtual-node.ts';

const ADVERTISED_MAX = 255;

function many(
  count: number,
  addressOf: (i: number) => string,
  prefixLength = 32,
): { address: string; prefixLength: number }[] {
  return Array.from({ length: count }, (_, i) => ({ address: addressOf(i), prefixLength }));
}

/** How many addresses with a life there are on eth0. */
function countHeld(host: Host): number {
  return host.ip('-o', 'address', 'show', 'dev', 'eth0', 'dynamic').split('\n').filter(Boolean).length;
}

for (const family of [4, 6] as const) {
  test(`as many IPv${family} addresses as a router may have, handed over`, needsNamespaces, async (t) => {
    const segment = new Segment(t);
    const [first, second] = [segment.host(5), segment.host(6)];
    // What an advert has room for, in 1500 bytes; the rest is not named in it.
    const advertised = family === 4 ? ADVERTISED_MAX : 89;
    const plan = {
      family,
      addresses: many(advertised, (i) =>
        family === 4 ? `10.1.${i >> 8}.${(i & 255) + 1}` : `fe80::1:${(i + 1).toString(16)}`,
      ),
      excluded: many(HELD_ADDRESSES_MAX - advertised, (i) => `10.2.${i >> 8}.${i & 255}`),
    };
    const node = await first.start(planOf({ ...plan, priority: 150 }));
    const peer = await second.start(planOf({ ...plan, priority: 100 }));
    await node.becomes('active');
    await until(() => countHeld(first) === HELD_ADDRESSES_MAX);
    await peer.hears(1);
    node.send({ type: 'hand-over', router: 'VI_1' });
    await peer.becomes('active');
    await node.becomes(
      'backup',
      undefined,
      node.messages.findIndex((m) => m.type === 'change' && m.change.to === 'active'),
    );
    await until(() => countHeld(first) === 0 && countHeld(second) === HELD_ADDRESSES_MAX);
    assert.doesNotMatch(peer.log, /cannot/);
    assert.doesNotMatch(node.log, /cannot/);
    // Nothing of it stays where it was out of sight.
    await until(() => !first.ip('address', 'show', 'dev', 'lo').includes('10.2.'));
    await peer.stop();
    assert.equal(countHeld(second), 0);
  });
}

test('many routers with many addresses each on one interface', needsNamespaces, async (t) => {
  const host = new Segment(t).host(5);
  const routers = Array.from({ length: 20 }, (_, i) => {
    const addresses = many(ADVERTISED_MAX, (j) => `10.${i + 1}.0.${j}`);
    return routerPlan({ name: `VI_${i}`, virtualRouterId: i + 1, addresses, intervalUs: 2_000_000 });
  });
  const node = await host.start({ routers });
  for (const { name } of routers) await node.becomes('active', name);
  await until(() => countHeld(host) === routers.length * ADVERTISED_MAX);
  const pid = await node.vipPid();
  await node.stop();
  assert.equal(countHeld(host), 0);
  assert.ok(pid > 0);
  assert.doesNotMatch(node.log, /ended/);
});
