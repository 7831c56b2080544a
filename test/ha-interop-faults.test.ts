/**
 * evenkeel and the real keepalived when something is wrong: deaths, preemption that is not wanted, other addresses, other
 * passwords and versions, and adverts that are none.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { adverts, timeMs } from './vip/capture.ts';
import {
  Encounter,
  IPV6,
  longestGapMs,
  PATIENT_ADVERTS,
  SILENCE_ADVERTS,
  type Speech,
  V2,
  V3,
} from './vip/encounter.ts';
import { forge, Forger } from './vip/forger.ts';
import { needsKeepalived } from './vip/keepalived.ts';
import { until } from './waiting.ts';
import type { NodeMessage } from './vip/virtual-node.ts';

const FAST: Speech = { name: 'fast', router: V3, isUnicast: false };
const INTERVAL_MS = V3.intervalUs! / 1000;
const SILENCE_MS = SILENCE_ADVERTS * INTERVAL_MS;
const SLOW: Speech = { name: 'slow', router: { ...V3, intervalUs: 1_000_000 }, isUnicast: false };
const OTHER_ADDRESSES = ['192.168.15.3', '192.168.15.4'].map((address) => ({ address, prefixLength: 24 }));

function isEvidence(kind: string): (message: NodeMessage) => boolean {
  return (message) => message.type === 'evidence' && message.evidence.kind === kind;
}

/** A malformed advert of priority 254. */
function malformed(change: (advert: Uint8Array) => void, isSummedAfter = true): Uint8Array {
  return forge({ priority: 254, intervalUs: V3.intervalUs!, source: STRANGER, spoil: { change, isSummedAfter } });
}

const STRANGER = '192.168.15.77';

/** By the reason it is refused for. */
const MALFORMED: Readonly<Record<string, Uint8Array>> = {
  checksum: malformed((advert) => void (advert[6] ^= 1), false),
  truncated: malformed((advert) => void (advert[3] = 9)),
  'address-count': malformed((advert) => void (advert[3] = 0)),
  version: malformed((advert) => void (advert[0] = 0x41)),
  type: malformed((advert) => void (advert[0] = 0x32)),
  interval: malformed((advert) => advert.fill(0, 4, 6)),
  ttl: forge({ priority: 254, intervalUs: V3.intervalUs!, source: STRANGER, ttl: 254 }),
};

// Most of the time they wait.
describe('faults', { concurrency: 5 }, () => {
  test('a better keepalived with adverts each 5 s is followed by one with a second', needsKeepalived, async (t) => {
    const encounter = await Encounter.create(t, SLOW);
    const { ours, theirs, addresses, holders } = encounter;
    encounter.startTheirs({ priority: 150, intervalUs: 5_000_000 });
    const evenkeel = await encounter.startOurs({ priority: 100 });
    // Who hears nothing for as long as its own adverts need may have it until the first advert.
    await until(async () => (await evenkeel.status()).status[0]?.state === 'backup' && encounter.isWhole(theirs));
    await evenkeel.hears(1);
    await until(() => !ours.has(addresses[0]));
    const takers = holders.takers.length;
    await evenkeel.hears(3);
    assert.equal((await evenkeel.status()).status[0].state, 'backup');
    assert.equal(holders.takers.length, takers);
  });

  test('evenkeel does not preempt keepalived with preempt: false', needsKeepalived, async (t) => {
    const encounter = await Encounter.create(t, FAST);
    const keepalived = encounter.startTheirs({ priority: 100 });
    await keepalived.becomes('MASTER');
    const evenkeel = await encounter.startOurs({ priority: 150, preempt: false });
    await evenkeel.hears(PATIENT_ADVERTS);
    assert.deepEqual(
      evenkeel.changes().map(({ to }) => to),
      ['backup'],
    );
    keepalived.kill();
    await evenkeel.becomes('active');
  });

  test('keepalived with nopreempt leaves the address to evenkeel', needsKeepalived, async (t) => {
    const encounter = await Encounter.create(t, FAST);
    const evenkeel = await encounter.startOurs({ priority: 100 });
    await evenkeel.becomes('active');
    const keepalived = encounter.startTheirs({ priority: 150, preempt: false });
    await keepalived.becomes('BACKUP');
    await evenkeel.sends(PATIENT_ADVERTS);
    assert.deepEqual(keepalived.states(), ['BACKUP']);
    assert.deepEqual(encounter.holders.takers, [encounter.ours.name]);
  });

  test('kill -9 of evenkeel: keepalived takes over, and never do two hold the address', needsKeepalived, async (t) => {
    const encounter = await Encounter.create(t, SLOW);
    const { ours, theirs, holders } = encounter;
    const evenkeel = await encounter.startOurs({ priority: 255 });
    await evenkeel.becomes('active');
    const keepalived = encounter.startTheirs({ priority: 100 });
    await keepalived.becomes('BACKUP');
    await evenkeel.sends(1);
    evenkeel.kill();
    await keepalived.becomes('MASTER');
    await holders.settle(theirs);
    assert.deepEqual(holders.takers, [ours.name, theirs.name]);
    assert.equal(holders.overlapMs, 0);
  });

  test(
    'kill -9 of keepalived, whose address stays: evenkeel takes over, and clients find it',
    needsKeepalived,
    async (t) => {
      const encounter = await Encounter.create(t, FAST);
      const { ours, theirs, holders } = encounter;
      const client = ours.segment.host(100);
      const keepalived = encounter.startTheirs({ priority: 150 });
      await keepalived.becomes('MASTER');
      await holders.settle(theirs);
      const evenkeel = await encounter.startOurs({ priority: 100 });
      await evenkeel.hears(2);
      assert.ok(client.reaches('192.168.15.3'));
      assert.match(client.ip('neighbor', 'show', '192.168.15.3'), new RegExp(theirs.mac));
      keepalived.kill();
      await evenkeel.becomes('active');
      const frames = adverts(await encounter.capture.frames());
      const first = frames.findIndex((frame) => frame['ip.src'] === ours.address);
      const tookMs = timeMs(frames[first]) - timeMs(frames[first - 1]);
      assert.ok(tookMs > SILENCE_MS && tookMs < SILENCE_MS + 2 * INTERVAL_MS, `${tookMs} ms`);
      assert.ok(theirs.has('192.168.15.3'));
      assert.match(client.ip('neighbor', 'show', '192.168.15.3'), new RegExp(ours.mac));
    },
  );

  test('a keepalived with another list of addresses is followed, and told', needsKeepalived, async (t) => {
    const encounter = await Encounter.create(t, FAST);
    const keepalived = encounter.startTheirs({ priority: 150, addresses: OTHER_ADDRESSES });
    await keepalived.becomes('MASTER');
    const evenkeel = await encounter.startOurs({ priority: 100 });
    await evenkeel.told(isEvidence('address-list'));
    await evenkeel.hears(PATIENT_ADVERTS);
    assert.deepEqual(
      evenkeel.changes().map(({ to }) => to),
      ['backup'],
    );
    assert.deepEqual(encounter.holders.takers, [encounter.theirs.name]);
  });

  test(
    'a keepalived that refuses our list of addresses is active too: evenkeel goes on, and tells',
    needsKeepalived,
    async (t) => {
      const encounter = await Encounter.create(t, FAST);
      const { ours, theirs, holders } = encounter;
      const evenkeel = await encounter.startOurs({ priority: 150 });
      await evenkeel.becomes('active');
      const keepalived = encounter.startTheirs({ priority: 100, addresses: OTHER_ADDRESSES });
      await keepalived.becomes('MASTER');
      // Every advert of ours puts its own off: after the first it is silent, and only its answers to ARP betray it.
      for (const kind of ['address-list', 'rival', 'address-conflict']) await evenkeel.told(isEvidence(kind));
      await evenkeel.sends(PATIENT_ADVERTS);
      assert.equal((await evenkeel.status()).status[0].state, 'active');
      assert.deepEqual(holders.takers, [ours.name, theirs.name]);
      assert.ok(longestGapMs(adverts(await encounter.capture.frames(), ours.address)) < SILENCE_MS);
    },
  );

  for (const [name, router] of [
    ['another password', { ...V2, password: 'other' }],
    ['no password', V2],
    ['another version', { ...V3, intervalUs: 1_000_000 }],
  ] as const) {
    test(`a keepalived with ${name} and a higher priority changes nothing, and is told`, needsKeepalived, async (t) => {
      const encounter = await Encounter.create(t, { name, router: { ...V2, password: 's3cret' }, isUnicast: false });
      const evenkeel = await encounter.startOurs({ priority: 254 });
      await evenkeel.becomes('active');
      const keepalived = encounter.startTheirs({ ...router, password: null, ...router, priority: 255 });
      await keepalived.becomes('MASTER');
      await evenkeel.told(({ type, ...message }) => type === 'evidence' && /refused-/.test(JSON.stringify(message)));
      await evenkeel.sends(2);
      const [{ state, adverts: counts }] = (await evenkeel.status()).status;
      assert.equal(state, 'active');
      assert.equal(counts.accepted, 0);
    });
  }

  test('malformed adverts, several in each interval: evenkeel goes on to send its own', needsKeepalived, async (t) => {
    const encounter = await Encounter.create(t, FAST);
    const forger = new Forger(t, encounter.ours.segment.host(77));
    const evenkeel = await encounter.startOurs({ priority: 150 });
    await evenkeel.becomes('active');
    forger.repeat(Object.values(MALFORMED), INTERVAL_MS / 3);
    await evenkeel.told(isEvidence('refused-ttl'));
    await evenkeel.sends(2 * PATIENT_ADVERTS);
    const [{ state, adverts: counts }] = (await evenkeel.status()).status;
    assert.equal(state, 'active');
    assert.equal(counts.accepted, 0);
    for (const reason of Object.keys(MALFORMED)) assert.ok(counts.refused[reason] >= PATIENT_ADVERTS, reason);
    assert.ok(longestGapMs(adverts(await encounter.capture.frames(), encounter.ours.address)) < SILENCE_MS);
  });

  for (const [ttlMin, state] of [
    [255, 'active'],
    [64, 'backup'],
  ] as const) {
    test(
      `a keepalived that sends over IPv6 with a hop limit of 64 is ${state === 'active' ? 'refused, and told' : 'followed'} with min-ttl: ${ttlMin}`,
      needsKeepalived,
      async (t) => {
        const encounter = await Encounter.create(t, { name: 'far', router: IPV6, isUnicast: true });
        const keepalived = encounter.startTheirs({ priority: 150 }, 'unicast_ttl 64');
        await keepalived.becomes('MASTER');
        const evenkeel = await encounter.startOurs({ priority: 100, unicast: { peers: ['fd00:15::6'], ttlMin } });
        if (state === 'active') {
          await evenkeel.told(isEvidence('refused-ttl'));
          await evenkeel.becomes('active');
        } else {
          await evenkeel.hears(PATIENT_ADVERTS);
          assert.equal((await evenkeel.status()).status[0].state, 'backup');
        }
      },
    );
  }

  test('forged adverts to a router with peers and a key: counted, and nothing moves', needsKeepalived, async (t) => {
    const encounter = await Encounter.create(t, FAST);
    const { ours, theirs } = encounter;
    const peer = theirs.address;
    const unicast = { peers: [peer], ttlMin: 255 };
    const evenkeel = await encounter.startOurs({ unicast, keys: [{ id: 1, secret: '00'.repeat(32) }] });
    await evenkeel.becomes('active');
    const forger = new Forger(t, ours.segment.host(77));
    const { intervalUs } = V3;
    // The highest priority, and the release that would make a backup take over.
    const frames = [255, 0].flatMap((priority) => [
      forge({ priority, intervalUs: intervalUs!, source: STRANGER, to: ours }),
      forge({ priority, intervalUs: intervalUs!, source: peer, to: ours, ttl: 254 }),
      forge({ priority, intervalUs: intervalUs!, source: peer, to: ours }),
      forge({ priority, intervalUs: intervalUs!, source: peer }),
    ]);
    forger.repeat(frames, INTERVAL_MS / 3);
    for (const reason of ['not-a-peer', 'ttl', 'trailer-missing']) {
      await evenkeel.told(isEvidence(`refused-${reason}`));
    }
    await evenkeel.sends(PATIENT_ADVERTS);
    const [{ state, adverts: counts }] = (await evenkeel.status()).status;
    assert.equal(state, 'active');
    assert.equal(counts.accepted, 0);
    assert.deepEqual(encounter.holders.takers, [ours.name]);
  });
});
