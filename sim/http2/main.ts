/**
 * `npm run sim:http2`: clients and servers of HTTP/2 with a proxy between them: frames of many streams interleaved and in pieces, windows of every size, resets,
 * refusals, servers that go.
 *
 *   -- --seed N              one seed, with its history
 *   -- --from N --count K    many
 *   -- --canary KIND         a transport that is broken on purpose: must fail
 */
import { CheckedArena } from '../checked-arena.ts';
import { seedsAsked } from '../seeds.ts';
import type { Sabotage } from '../transport.ts';
import { World } from '../world.ts';
import { playHttp2 } from './run.ts';

const { canary, count, first, hasHistory } = seedsAsked();
const totals = { whole: 0, error: 0, cut: 0, cancelled: 0 };
let failures = 0;
for (let seed = first; seed < first + count; seed++) {
  const world = new World(seed, hasHistory);
  try {
    const { outcomes } = playHttp2(seed, { sabotage: canary as Sabotage, world });
    totals.whole += outcomes.whole;
    totals.error += outcomes.error;
    totals.cut += outcomes.cut;
    totals.cancelled += outcomes.cancelled;
  } catch (error) {
    failures++;
    CheckedArena.discard();
    console.log(`seed ${seed}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
  for (const line of world.trace()) console.log(line);
}
console.log(`${count} seeds from ${first}: ${failures} failed; ${JSON.stringify(totals)}`);
process.exitCode = failures > 0 ? 1 : 0;
