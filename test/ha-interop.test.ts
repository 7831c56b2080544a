/**
 * Virtual routers together with the real keepalived, in every way the two can speak with each other: who is active, how the
 * addresses move, and every advert as tshark reads it.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  assertWire,
  Encounter,
  IPV6,
  PATIENT_ADVERTS,
  SILENCE_ADVERTS,
  type Speech,
  successionMs,
  V2,
  V3,
} from './vip/encounter.ts';
import { senderOf } from './vip/capture.ts';
import { needsKeepalived } from './vip/keepalived.ts';

const SPEECHES: readonly Speech[] = [
  { name: 'version 3, IPv4, multicast', router: V3, isUnicast: false },
  { name: 'version 3, IPv4, unicast', router: V3, isUnicast: true },
  { name: 'version 3, IPv4, multicast, virtual MAC', router: { ...V3, hasVirtualMac: true }, isUnicast: false },
  { name: 'version 3, IPv6, multicast', router: IPV6, isUnicast: false },
  { name: 'version 3, IPv6, unicast', router: IPV6, isUnicast: true },
  { name: 'version 3, IPv6, multicast, virtual MAC', router: { ...IPV6, hasVirtualMac: true }, isUnicast: false },
  { name: 'version 2, multicast', router: V2, isUnicast: false },
  { name: 'version 2, multicast, PASS', router: { ...V2, password: 's3cret' }, isUnicast: false },
  { name: 'version 2, unicast, PASS', router: { ...V2, password: 's3cret' }, isUnicast: true },
];

// Most of the time they wait.
describe('with keepalived', { concurrency: 9 }, () => {
  for (const speech of SPEECHES) {
    const intervalMs = speech.router.intervalUs! / 1000;
    const silenceMs = SILENCE_ADVERTS * intervalMs;

    test(
      `${speech.name}: keepalived backs evenkeel up, takes over at its release, and gives way to it`,
      needsKeepalived,
      async (t) => {
        const encounter = await Encounter.create(t, speech);
        const { ours, theirs, holders } = encounter;
        const evenkeel = await encounter.startOurs({ priority: 255 });
        await evenkeel.becomes('active');
        const { source } = encounter;
        const keepalived = encounter.startTheirs({ priority: 100 });
        await keepalived.becomes('BACKUP');
        await evenkeel.sends(PATIENT_ADVERTS);
        assert.deepEqual(keepalived.states(), ['BACKUP']);
        await evenkeel.stop();
        await keepalived.becomes('MASTER');
        await holders.settle(theirs);
        const again = await encounter.startOurs({ priority: 150 });
        await again.becomes('active');
        await holders.settle(ours);
        assert.ok(encounter.isWhole(ours));
        await again.sends(PATIENT_ADVERTS);
        assert.deepEqual(keepalived.states(), ['BACKUP', 'MASTER', 'BACKUP']);
        assert.deepEqual(holders.takers, [ours.name, theirs.name, ours.name]);
        assert.ok(holders.overlapMs < silenceMs, `two held it for ${holders.overlapMs} ms`);
        const all = await assertWire(encounter, source);
        // Its skew is 156/256 of an interval; for silence it would wait three intervals more.
        const tookMs = successionMs(all, source);
        assert.ok(tookMs > intervalMs / 2 && tookMs < silenceMs, `${tookMs} ms`);
      },
    );

    test(
      `${speech.name}: evenkeel backs keepalived up, takes over at its release, and gives way to it`,
      needsKeepalived,
      async (t) => {
        const encounter = await Encounter.create(t, speech);
        const { ours, theirs, holders } = encounter;
        const first = encounter.startTheirs({ priority: 255 });
        await first.becomes('MASTER');
        const evenkeel = await encounter.startOurs({ priority: 100 });
        const { source } = encounter;
        await evenkeel.hears(PATIENT_ADVERTS);
        assert.deepEqual(
          evenkeel.changes().map(({ to }) => to),
          ['backup'],
        );
        await first.stop();
        await evenkeel.becomes('active');
        await holders.settle(ours);
        const from = evenkeel.messages.length;
        const second = encounter.startTheirs({ priority: 150 });
        const { cause } = await evenkeel.becomes('backup', undefined, from);
        assert.equal(cause, 'higher-advert');
        await holders.settle(theirs);
        await evenkeel.hears(PATIENT_ADVERTS);
        assert.deepEqual(second.states(), ['BACKUP', 'MASTER']);
        assert.deepEqual(holders.takers, [theirs.name, ours.name, theirs.name]);
        assert.ok(holders.overlapMs < silenceMs, `two held it for ${holders.overlapMs} ms`);
        const all = await assertWire(encounter, source);
        const theirSource = senderOf(all[0]);
        const tookMs = successionMs(all, theirSource);
        assert.ok(tookMs > intervalMs / 2 && tookMs < silenceMs, `${tookMs} ms`);
      },
    );
  }
});
