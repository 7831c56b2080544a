/** Somebody on the segment sends adverts that are refused, as fast as it can: the pair goes on, and the status names them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseIPv6 } from '../../src/base/address.ts';
import { advertFrame } from '../../src/io/linux/segment/frame-socket.ts';
import { ETHERNET_HEADER_BYTES } from '../../src/wire/ethernet.ts';
import { advertBytes, emitAdvert, VRRP_GROUP_6, VRRP_TTL } from '../../src/wire/vrrp/advert.ts';
import type { VipPlan } from '../../src/vip/plan.ts';
import type { RouterStatus } from '../../src/vip/status.ts';
import { TrailerKey } from '../../src/wire/vrrp/trailer.ts';
import { forge } from './forger.ts';
import { type Host, needsNamespaces, planOf, Segment, type VirtualNode } from './virtual-node.ts';

const FLOOD_PER_S = 20_000;
const FLOOD_S = 4;
/**
 * Of what sending them costs, which is more on a busy machine too. Without a filter in the kernel receiving them costs more than
 * sending them.
 */
const COST_MAX = 0.5;
const HOP_LIMIT_AT = 7;
const CHECKSUM_AT = 6;
const REASONS = ['ttl', 'checksum'] as const;
/** Of the times in /proc: USER_HZ. */
const TICKS_PER_S = 100;

function hex(frame: Uint8Array): string {
  return Buffer.from(frame).toString('hex');
}

/** A good advert but for its hop limit, or its checksum. */
function forge6(hopLimit: number): Uint8Array {
  const advert = { version: 3, virtualRouterId: 50, priority: 255, intervalCs: 100, auth: null } as const;
  const addresses = [parseIPv6('fe80::15:3')!];
  const payload = new Uint8Array(advertBytes({ ...advert, addresses }));
  emitAdvert({ ...advert, addresses }, payload, 0);
  const frame = advertFrame(Uint8Array.of(2, 0, 0, 0, 0, 0x77), parseIPv6('fe80::77')!, VRRP_GROUP_6, payload, 1);
  frame[ETHERNET_HEADER_BYTES + HOP_LIMIT_AT] = hopLimit;
  return frame;
}

/** How many of each were sent, and what that cost. */
async function flood(host: Host, ...frames: readonly Uint8Array[]): Promise<{ sent: number; costS: number }> {
  const script = fileURLToPath(new URL('flooder.js', import.meta.url));
  const child = host.spawn(process.execPath, script, String(FLOOD_PER_S), String(FLOOD_S), ...frames.map(hex));
  let told = '';
  for await (const data of child.stdout!) told += String(data);
  const [sent, costS] = told.split(' ').map(Number);
  return { sent, costS };
}

async function cpuSeconds(node: VirtualNode): Promise<number> {
  const fields = readFileSync(`/proc/${await node.vipPid()}/stat`, 'utf8')
    .split(') ')[1]
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
}

function planOfBoth(priority: number): VipPlan {
  const [v4] = planOf({ priority, intervalUs: 500_000 }).routers;
  const addresses = [{ address: 'fe80::15:3', prefixLength: 64 }];
  return { routers: [v4, { ...v4, name: 'VI_6', family: 6, addresses }] };
}

test('a flood of refused adverts costs little, is counted, and moves nothing', needsNamespaces, async (t) => {
  const segment = new Segment(t);
  const [better, worse, stranger] = [segment.host(5), segment.host(6), segment.host(77)];
  const active = await better.start(planOfBoth(150));
  for (const name of ['VI_1', 'VI_6']) await active.becomes('active', name);
  const backup = await worse.start(planOfBoth(100));
  for (const name of ['VI_1', 'VI_6']) await backup.becomes('backup', name);
  const changes = [active, backup].map((node) => node.changes().length);

  const before = [await cpuSeconds(active), await cpuSeconds(backup)];
  const forgery = { priority: 255, intervalUs: 1_000_000, source: stranger.address };
  const { sent, costS } = await flood(
    stranger,
    forge({ ...forgery, ttl: 64 }),
    forge6(64),
    forge({ ...forgery, spoil: { change: (advert) => void (advert[CHECKSUM_AT] ^= 1), isSummedAfter: false } }),
    forge6(VRRP_TTL),
  );
  const after = [await cpuSeconds(active), await cpuSeconds(backup)];

  for (const [i, node] of [active, backup].entries()) {
    for (const router of ['VI_1', 'VI_6']) {
      await node.told((each) => each.type === 'evidence' && each.router === router && each.evidence.kind === 'flood');
    }
    // The last second of it has yet to be told to the keeper.
    let status = (await node.status()).status;
    const isUntold = ({ observed, adverts }: RouterStatus): boolean =>
      REASONS.some((reason) => observed[`refused-${reason}`].total < adverts.refused[reason]);
    while (status.some(isUntold)) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      ({ status } = await node.status());
    }
    for (const { name, adverts } of status) {
      for (const reason of REASONS) {
        const counted = adverts.refused[reason];
        assert.ok(counted > sent * 0.5 && counted < sent * 1.5, `${name} counts ${counted} of ${sent} for ${reason}`);
      }
    }
    const cost = (after[i] - before[i]) / costS;
    t.diagnostic(`${(after[i] - before[i]).toFixed(2)} s of ${costS.toFixed(2)} s`);
    assert.ok(
      cost < COST_MAX,
      `${(after[i] - before[i]).toFixed(2)} s to hear what it took ${costS.toFixed(2)} s to send`,
    );
    assert.equal(node.changes().length, changes[i]);
  }
  assert.ok(sent > 1000, `only ${sent} were sent`);
});

test('a flood of forgeries of a key costs little, is counted, and moves nothing', needsNamespaces, async (t) => {
  const segment = new Segment(t);
  const [better, worse, stranger] = [segment.host(5), segment.host(6), segment.host(77)];
  const plan = { intervalUs: 500_000, keys: [{ id: 1, secret: '5a'.repeat(32) }] };
  const active = await better.start(planOf({ ...plan, priority: 150 }));
  await active.becomes('active');
  const backup = await worse.start(planOf({ ...plan, priority: 100 }));
  await backup.becomes('backup');
  await backup.hears(3);
  // Who is alone has listened for long enough to know.
  await active.sends(15);
  const changes = [active, backup].map((node) => node.changes().length);

  const before = [await cpuSeconds(active), await cpuSeconds(backup)];
  const signed = { key: new TrailerKey(1, new Uint8Array(32)), unixUs: (Date.now() + 3000) * 1000 };
  const forgery = { priority: 255, intervalUs: 1_000_000, source: stranger.address };
  const { sent, costS } = await flood(stranger, forge({ ...forgery, signed }));
  const after = [await cpuSeconds(active), await cpuSeconds(backup)];
  const { accepted } = (await backup.status()).status[0].adverts;
  await backup.hears(accepted + 3);
  for (const [i, node] of [active, backup].entries()) {
    await node.told((each) => each.type === 'evidence' && each.evidence.kind === 'flood');
    const counted = (await node.status()).status[0].adverts.refused['code'];
    assert.ok(counted > sent * 0.5 && counted < sent * 1.5, `${counted} of ${sent} are counted`);
    const cost = after[i] - before[i];
    t.diagnostic(`${cost.toFixed(2)} s of ${costS.toFixed(2)} s`);
    assert.ok(cost < costS, `${cost.toFixed(2)} s to hear what it took ${costS.toFixed(2)} s to send`);
    assert.equal(node.changes().length, changes[i]);
  }
  assert.ok(sent > 1000, `only ${sent} were sent`);
});
