/**
 * Two active routers, evenkeel and the real keepalived, after the segment was cut between them and is whole again. And which
 * checksum of version 3 over IPv4 evenkeel speaks: Debian's keepalived knows only one of the two, the other comes by hand.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { adverts, type Frame, timeMs } from './vip/capture.ts';
import { Encounter, PATIENT_ADVERTS, type Speech, V3 } from './vip/encounter.ts';
import { forge, Forger } from './vip/forger.ts';
import { needsKeepalived } from './vip/keepalived.ts';
import { type Host, ip } from './vip/virtual-node.ts';

const SPEECH: Speech = { name: 'version 3', router: V3, isUnicast: false };
const INTERVAL_MS = V3.intervalUs! / 1000;
const ADDRESS = '192.168.15.3';
/** An active router announces its addresses for so long, and then not for a minute. */
const ANNOUNCED_MS = 5_000;

/** The switch forwards nothing between the two, or everything again. Both keep their carrier, and a third host hears both. */
function setCut({ ours, theirs }: Encounter, state: 'on' | 'off'): void {
  for (const { port, segment } of [ours, theirs]) {
    ip('netns', 'exec', segment.bridge, 'bridge', 'link', 'set', 'dev', port, 'isolated', state);
  }
}

/** Who a host sends to for the address, of these two. */
function pathOf(client: Host, { ours, theirs }: Encounter): 'ours' | 'theirs' | undefined {
  assert.ok(client.reaches(ADDRESS));
  const entry = client.ip('neighbor', 'show', ADDRESS);
  if (entry.includes(ours.mac)) return 'ours';
  return entry.includes(theirs.mac) ? 'theirs' : undefined;
}

function isAnnouncement(frame: Frame, { mac }: Host): boolean {
  return frame['eth.src'] === mac && frame['arp.src.proto_ipv4'] === ADDRESS && frame['arp.dst.proto_ipv4'] === ADDRESS;
}

// Most of the time they wait.
describe('rivals', { concurrency: 4 }, () => {
  test(
    'RFC 9568 6.4.3: to a keepalived of lower priority evenkeel answers, and announces the addresses again',
    needsKeepalived,
    async (t) => {
      const encounter = await Encounter.create(t, SPEECH);
      const { ours, theirs, holders } = encounter;
      const client = ours.segment.host(100);
      const evenkeel = await encounter.startOurs({ priority: 150 });
      await evenkeel.becomes('active');
      // If it hears evenkeel first it would otherwise give up without a word, and nobody knew that there had been two.
      const keepalived = encounter.startTheirs({ priority: 100 }, 'higher_prio_send_advert on');
      await keepalived.becomes('BACKUP');
      setCut(encounter, 'on');
      await keepalived.becomes('MASTER');
      await evenkeel.sends(ANNOUNCED_MS / INTERVAL_MS);
      assert.equal(pathOf(client, encounter), 'theirs');

      const from = keepalived.log.length;
      const healedMs = Date.now();
      setCut(encounter, 'off');
      await evenkeel.told((message) => message.type === 'evidence' && message.evidence.kind === 'rival');
      await keepalived.becomes('BACKUP', from);
      await holders.settle(ours);
      await evenkeel.sends(1);
      assert.equal(pathOf(client, encounter), 'ours');
      assert.deepEqual(
        evenkeel.changes().map(({ to }) => to),
        ['backup', 'active'],
      );
      const frames = (await encounter.capture.frames()).filter((frame) => timeMs(frame) > healedMs);
      const rival = frames.findIndex((frame) => frame['ip.src'] === theirs.address && frame['vrrp.prio'] === '100');
      const after = frames.slice(rival + 1);
      assert.ok(rival >= 0 && after.some((frame) => frame['ip.src'] === ours.address && frame['vrrp.prio'] === '150'));
      assert.ok(after.some((frame) => isAnnouncement(frame, ours)));
    },
  );

  test(
    'after a cut evenkeel of lower priority gives the address back at the first advert',
    needsKeepalived,
    async (t) => {
      const encounter = await Encounter.create(t, SPEECH);
      const { ours, theirs, holders } = encounter;
      const client = ours.segment.host(100);
      const keepalived = encounter.startTheirs({ priority: 150 });
      await keepalived.becomes('MASTER');
      const evenkeel = await encounter.startOurs({ priority: 100 });
      await evenkeel.hears(1);
      setCut(encounter, 'on');
      assert.equal((await evenkeel.becomes('active')).cause, 'peer-silent');
      const from = evenkeel.messages.length;
      setCut(encounter, 'off');
      assert.equal((await evenkeel.becomes('backup', undefined, from)).cause, 'higher-advert');
      await holders.settle(theirs);
      await evenkeel.hears(PATIENT_ADVERTS);
      assert.equal(pathOf(client, encounter), 'theirs');
      assert.deepEqual(keepalived.states(), ['BACKUP', 'MASTER']);
      assert.deepEqual(holders.takers, [theirs.name, ours.name]);
    },
  );

  for (const form of ['message', 'pseudo-header'] as const) {
    test(
      `RFC 9568 5.2.8 and RFC 5798 5.2.8: a peer with the checksum of the ${form} is believed and mirrored`,
      needsKeepalived,
      async (t) => {
        const encounter = await Encounter.create(t, SPEECH);
        const { ours, capture } = encounter;
        const source = '192.168.15.77';
        const forger = new Forger(t, ours.segment.host(77));
        const fall = forger.repeat([forge({ priority: 150, intervalUs: V3.intervalUs!, source, form })], INTERVAL_MS);
        const evenkeel = await encounter.startOurs({ priority: 100 });
        await evenkeel.hears(PATIENT_ADVERTS);
        const [{ state, adverts: counts }] = (await evenkeel.status()).status;
        assert.equal(state, 'backup');
        assert.equal(counts.refused.checksum, 0);
        fall();
        await evenkeel.becomes('active');
        await evenkeel.sends(PATIENT_ADVERTS);
        // tshark, too, knows both, and is told which one is right.
        const isMessage = form === 'message' ? 'TRUE' : 'FALSE';
        const all = adverts(await capture.frames(`vrrp.v3_checksum_as_in_v2:${isMessage}`));
        assert.deepEqual(new Set(all.map((frame) => frame['ip.src'])), new Set([source, ours.address]));
        assert.deepEqual(new Set(all.map((frame) => frame['vrrp.checksum.status'])), new Set(['1']));
      },
    );
  }
});
