/** Somebody who has no key has heard adverts that are signed, and sends them again: what was is not. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../waiting.ts';
import { Forger } from './forger.ts';
import { needsTcpdump, planOf, Segment } from './virtual-node.ts';

const PCAP_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const PLAN = { intervalUs: 500_000, keys: [{ id: 1, secret: '5a'.repeat(32) }] };

/** The frames of a file of tcpdump's that is still being written. */
function framesOf(file: string): Uint8Array[] {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch {
    return [];
  }
  const frames: Uint8Array[] = [];
  for (let at = PCAP_HEADER_BYTES; at + RECORD_HEADER_BYTES <= bytes.length;) {
    const end = at + RECORD_HEADER_BYTES + bytes.readUInt32LE(at + 8);
    if (end > bytes.length) break;
    frames.push(bytes.subarray(at + RECORD_HEADER_BYTES, end));
    at = end;
  }
  return frames;
}

test('signed adverts of a node that is dead keep nobody from taking its addresses', needsTcpdump, async (t) => {
  const segment = new Segment(t);
  const [better, worse, stranger] = [segment.host(5), segment.host(6), segment.host(77)];
  const file = join(segment.directory, 'heard.pcap');
  stranger.spawn('tcpdump', '-i', 'eth0', '-U', '-w', file, 'proto', '112');
  const lb01 = await better.start(planOf({ ...PLAN, priority: 150 }));
  await lb01.becomes('active');
  const lb02 = await worse.start(planOf({ ...PLAN, priority: 100 }));
  await lb02.hears(3);
  await until(() => framesOf(file).length >= 5);
  const heard = framesOf(file);
  lb01.kill();
  new Forger(t, stranger).repeat(heard, 50);
  assert.equal((await lb02.becomes('active')).cause, 'peer-silent');
  await lb02.told((message) => message.type === 'evidence' && message.evidence.kind === 'refused-replay');
  await lb02.sends(10);
  assert.equal((await lb02.status()).status[0].state, 'active');
});
