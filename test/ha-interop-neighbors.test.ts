/** Who answers for virtual addresses, and with which MAC address, while evenkeel and the real keepalived pass them on. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Frame } from './vip/capture.ts';
import { Encounter, IPV6, V3 } from './vip/encounter.ts';
import { needsKeepalived } from './vip/keepalived.ts';
import { type Host, planOf, Segment } from './vip/virtual-node.ts';

const ASKER = 100;
const ARP_REQUEST = '1';
const ARP_REPLY = '2';
const NEIGHBOR_SOLICITATION = '135';
const NEIGHBOR_ADVERTISEMENT = '136';

/** Questions of the asker for the address, and the MAC addresses that it was told. */
function conversation(frames: readonly Frame[], asker: Host, address: string): { asked: number; told: string[] } {
  const isV4 = !address.includes(':');
  const asked = frames.filter((frame) => {
    if (frame['eth.src'] !== asker.mac) return false;
    if (isV4) return frame['arp.opcode'] === ARP_REQUEST && frame['arp.dst.proto_ipv4'] === address;
    return frame['icmpv6.type'] === NEIGHBOR_SOLICITATION && frame['icmpv6.nd.ns.target_address'] === address;
  });
  const answers = frames.filter((frame) => {
    if (frame['eth.dst'] !== asker.mac) return false;
    if (isV4) return frame['arp.opcode'] === ARP_REPLY && frame['arp.src.proto_ipv4'] === address;
    return frame['icmpv6.type'] === NEIGHBOR_ADVERTISEMENT && frame['icmpv6.nd.na.target_address'] === address;
  });
  const told = answers.map((frame) => frame[isV4 ? 'arp.src.hw_mac' : 'icmpv6.opt.linkaddr']);
  return { asked: asked.length, told };
}

// Most of the time they wait.
describe('neighbours', { concurrency: 5 }, () => {
  for (const family of [4, 6] as const) {
    for (const hasVirtualMac of [false, true]) {
      const where = hasVirtualMac ? 'virtual MAC' : 'own MAC';
      const router = { ...(family === 4 ? V3 : IPV6), hasVirtualMac };
      const virtualMac = family === 4 ? '00:00:5e:00:01:32' : '00:00:5e:00:02:32';

      test(
        `RFC 9568 6.4.2, 6.4.3, 8.1.2 and 8.2.2, IPv${family}, ${where}: only the active router answers for an address`,
        needsKeepalived,
        async (t) => {
          const encounter = await Encounter.create(t, { name: where, router, isUnicast: false });
          const { ours, theirs, holders, addresses } = encounter;
          const asker = ours.segment.host(ASKER);
          asker.ip('address', 'add', `fd00:15::${ASKER}/64`, 'dev', 'eth0', 'nodad');
          const address = addresses.at(-1)!;
          const ask = (): void => {
            asker.ip('neighbor', 'flush', 'all');
            assert.ok(asker.reaches(address));
          };
          const keepalived = encounter.startTheirs({ priority: 255 });
          await keepalived.becomes('MASTER');
          const evenkeel = await encounter.startOurs({ priority: 100 });
          await evenkeel.hears(1);
          await holders.settle(theirs);
          ask();
          await keepalived.stop();
          await evenkeel.becomes('active');
          await holders.settle(ours);
          ask();
          const { asked, told } = conversation(await encounter.capture.frames(), asker, address);
          assert.equal(told.length, asked);
          const expected = hasVirtualMac ? [virtualMac] : [theirs.mac, ours.mac];
          assert.deepEqual([...new Set(told)], expected);
        },
      );
    }
  }

  test('RFC 9568 6.4.2: a backup discards what is sent to the virtual MAC', needsKeepalived, async (t) => {
    const segment = new Segment(t);
    const [asker, host] = [segment.host(ASKER), segment.host(5)];
    // Long enough to be a backup while nobody is active: nothing but the backup could answer.
    const backup = await host.start(planOf({ ...V3, hasVirtualMac: true, startDelayUs: 60_000_000 }));
    await backup.becomes('backup');
    assert.ok(asker.reaches(host.address));
    asker.ip('neighbor', 'replace', host.address, 'lladdr', '00:00:5e:00:01:32', 'dev', 'eth0', 'nud', 'permanent');
    assert.equal(asker.reaches(host.address), false);
  });

  test(
    'RFC 9568 7.4: no IPv6 address has an identifier that is made of the virtual MAC',
    needsKeepalived,
    async (t) => {
      const host = new Segment(t).host(5);
      const node = await host.start(planOf({ ...IPV6, hasVirtualMac: true }));
      await node.becomes('active');
      assert.match(host.ip('link', 'show', 'up'), /00:00:5e:00:02:32/);
      assert.doesNotMatch(host.ip('-6', 'address', 'show'), /5eff:fe00:0?232/);
    },
  );
});
