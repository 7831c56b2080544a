/**
 * evenkeel and the real keepalived when something is wrong: deaths, preemption that is not wanted, other addresses, other
 * passwords and versions, and adverts that are none.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { advertFrame } from '../src/io/linux/segment/frame-socket.ts';
import { emitAdvert, fillAdvertChecksum, VRRP_GROUP_4 } from '../src/wire/vrrp/advert.ts';
import { adverts, timeMs } from './vip/capture.ts';
import { Encounter, longestGapMs, PATIENT_ADVERTS, SILENCE_ADVERTS, type Speech, V2, V3 } from './vip/encounter.ts';
import { needsKeepalived } from './vip/keepalived.ts';
import type { Host, NodeMessage } from './vip/virtual-node.ts';

const FAST: Speech = { name: 'fast', router: V3, isUnicast: false };
const INTERVAL_MS = V3.intervalUs! / 1000;
const SILENCE_MS = SILENCE_ADVERTS * INTERVAL_MS;
const SLOW: Speech = { name: 'slow', router: { ...V3, intervalUs: 1_000_000 }, isUnicast: false };
const OTHER_ADDRESSES = ['192.168.15.3', '192.168.15.4'].map((address) => ({ address, prefixLength: 24 }));

function isEvidence(kind: string): (message: NodeMessage) => boolean {
  return (message) => message.type === 'evidence' && message.evidence.kind === kind;
}

const SENDER = Uint8Array.of(192, 168, 15, 77);

/** A good advert of priority 254 in everything that `spoil` leaves alone, as a frame. */
function spoiledFrame(spoil: (payload: Uint8Array) => Uint8Array | void, isSummedAfter: boolean): Uint8Array {
  const advert = {
    version: 3,
    virtualRouterId: 50,
    priority: 254,
    intervalCs: INTERVAL_MS / 10,
    addresses: [Uint8Array.of(192, 168, 15, 3)],
    auth: null,
  } as const;
  let payload: Uint8Array = new Uint8Array(12);
  emitAdvert(advert, payload, 0);
  fillAdvertChecksum(payload, 0, payload.length, 'pseudo-header', SENDER, VRRP_GROUP_4);
  payload = spoil(payload) ?? payload;
  if (isSummedAfter) fillAdvertChecksum(payload, 0, payload.length, 'pseudo-header', SENDER, VRRP_GROUP_4);
  return advertFrame(Uint8Array.of(2, 0, 0, 0, 0, 0x77), SENDER, VRRP_GROUP_4, payload, 1);
}

/** By the reason it is refused for. */
const MALFORMED: Readonly<Record<string, Uint8Array>> = {
  checksum: spoiledFrame((payload) => void (payload[6] ^= 1), false),
  truncated: spoiledFrame((payload) => void (payload[3] = 9), true),
  'address-count': spoiledFrame((payload) => void (payload[3] = 0), true),
  version: spoiledFrame((payload) => void (payload[0] = 0x41), true),
  type: spoiledFrame((payload) => void (payload[0] = 0x32), true),
  interval: spoiledFrame((payload) => payload.fill(0, 4, 6), true),
  ttl: withTtl(
    spoiledFrame(() => undefined, false),
    254,
  ),
};

/** In the IPv4 header of a frame, whose checksum has it in its upper bytes. */
function withTtl(frame: Uint8Array, ttl: number): Uint8Array {
  const checksum = (frame[24] << 8) + frame[25] + ((frame[22] - ttl) << 8);
  const folded = (checksum & 0xffff) + (checksum >> 16);
  return frame
    .with(22, ttl)
    .with(24, folded >> 8)
    .with(25, folded & 0xff);
}

function startSender(host: Host): (frame: Uint8Array) => void {
  const { stdin } = host.spawn(process.execPath, fileURLToPath(new URL('vip/frame-sender.js', import.meta.url)));
  return (frame) => stdin!.write(`${Buffer.from(frame).toString('hex')}\n`);
}

// Most of the time they wait.
describe('faults', { concurrency: 5 }, () => {
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
    const send = startSender(encounter.ours.segment.host(77));
    const evenkeel = await encounter.startOurs({ priority: 150 });
    await evenkeel.becomes('active');
    const timer = setInterval(() => Object.values(MALFORMED).forEach(send), INTERVAL_MS / 3);
    t.after(() => clearInterval(timer));
    await evenkeel.told(isEvidence('refused-ttl'));
    await evenkeel.sends(2 * PATIENT_ADVERTS);
    const [{ state, adverts: counts }] = (await evenkeel.status()).status;
    assert.equal(state, 'active');
    assert.equal(counts.accepted, 0);
    for (const reason of Object.keys(MALFORMED)) assert.ok(counts.refused[reason] >= PATIENT_ADVERTS, reason);
    assert.ok(longestGapMs(adverts(await encounter.capture.frames(), encounter.ours.address)) < SILENCE_MS);
  });
});
