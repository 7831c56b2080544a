/**
 * Two active routers, evenkeel and the real keepalived, after the segment was cut between them and is whole again. And which
 * checksum of version 3 over IPv4 evenkeel speaks: Debian's keepalived knows only one of the two, the other comes by hand.
 */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { describe, test } from 'node:test';
import { createInterface } from 'node:readline';
import { adverts, type Frame, timeMs } from './vip/capture.ts';
import { Encounter, PATIENT_ADVERTS, type Speech, V3 } from './vip/encounter.ts';
import { forge, Forger } from './vip/forger.ts';
import { needsKeepalived } from './vip/keepalived.ts';
import { type Host, ip } from './vip/virtual-node.ts';
import { routerPlan } from '../src/vip/testing/router-plan.ts';

const SPEECH: Speech = { name: 'version 3', router: V3, isUnicast: false };
const INTERVAL_MS = V3.intervalUs! / 1000;
const ADDRESS = '192.168.15.3';
const NO_GUARD = routerPlan().guard;
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

/** From now on it does not hear the other's adverts: as if each time it was the first to send. */
function deafen({ ours, theirs }: Encounter): void {
  const rules = `table ip deaf { chain input { type filter hook input priority 0; ip saddr ${theirs.address} ip protocol 112 drop; }; }`;
  ours.run('nft', rules);
}

const PING_GAP_MS = 50;

/** When the address answered a client, in milliseconds, until it is stopped. */
class Pings {
  readonly atMs: number[] = [];
  private readonly child: ChildProcess;

  constructor(client: Host) {
    this.child = client.spawn('ping', '-n', '-i', String(PING_GAP_MS / 1000), '-W', '1', ADDRESS);
    createInterface(this.child.stdout!).on('line', (line) => {
      if (line.includes('icmp_seq=') && line.includes('time=')) this.atMs.push(performance.now());
    });
  }

  /** The longest time without an answer that ends after `fromMs`. */
  longestGapMs(fromMs: number): number {
    const gaps = this.atMs.slice(1).map((ms, i) => (ms > fromMs ? ms - this.atMs[i] : 0));
    return Math.max(performance.now() - this.atMs.at(-1)!, ...gaps);
  }
}

/** Of a client whose cache points at the one that yields. It takes one advert to notice, and no time to tell. */
const UNSERVED_MS = 1_000;

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

  test('a keepalived that yields first, at the end of a cut, leaves no cache on itself', needsKeepalived, async (t) => {
    const router = { ...V3, intervalUs: 1_000_000, guard: { ...NO_GUARD, probesAddresses: true } };
    const encounter = await Encounter.create(t, { ...SPEECH, router });
    const { ours, holders } = encounter;
    const client = ours.segment.host(100);
    const evenkeel = await encounter.startOurs({ priority: 150 });
    await evenkeel.becomes('active');
    const keepalived = encounter.startTheirs({ priority: 100 });
    await keepalived.becomes('BACKUP');
    setCut(encounter, 'on');
    await keepalived.becomes('MASTER');
    // Else the rounds after its takeover would do what this is about.
    await evenkeel.sends(6);
    assert.equal(pathOf(client, encounter), 'theirs');
    const pings = new Pings(client);

    const from = keepalived.log.length;
    deafen(encounter);
    setCut(encounter, 'off');
    const healedMs = performance.now();
    await keepalived.becomes('BACKUP', from);
    await holders.settle(ours);
    await evenkeel.sends(4);
    assert.equal(pathOf(client, encounter), 'ours');
    const gapMs = pings.longestGapMs(healedMs);
    assert.ok(gapMs < UNSERVED_MS, `no answer for ${gapMs.toFixed(0)} ms`);
    assert.ok(!evenkeel.messages.some((each) => each.type === 'evidence' && each.evidence.kind === 'rival'));
    t.diagnostic(`no answer for ${gapMs.toFixed(0)} ms`);
  });

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
