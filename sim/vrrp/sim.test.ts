import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Sabotage } from './node.ts';
import { PcapWriter } from './pcap.ts';
import { PLAIN_RUN, runScenario } from './run.ts';
import { drawScenario, type Theme } from './scenario.ts';

/** 2000 are enough for every theme to meet most faults, as in continuous integration; `npm run sim:vrrp` plays as many as one likes. */
const SCENARIOS = Number(process.env.SIM_SCENARIOS ?? 500);

test(`Two to five routers on a faulty segment keep what they promise, in ${SCENARIOS} scenarios`, () => {
  const themes = new Map<Theme, number>();
  const failed: string[] = [];
  for (let seed = 1; seed <= SCENARIOS; seed++) {
    const scenario = drawScenario(seed);
    themes.set(scenario.theme, (themes.get(scenario.theme) ?? 0) + 1);
    for (const { condition, detail } of runScenario(scenario, PLAIN_RUN).violations) {
      failed.push(`npm run sim:vrrp -- --seed ${seed}: ${condition}, ${detail}`);
    }
  }
  assert.deepEqual(failed, []);
  assert.equal(themes.size, 7);
});

test('A scenario is the same every time it is played', () => {
  for (const seed of [7, 77, 777]) {
    const play = (): string[] => {
      const lines: string[] = [];
      runScenario(drawScenario(seed), { ...PLAIN_RUN, trace: (line) => lines.push(line) });
      return lines;
    };
    const first = play();
    assert.ok(first.length > 5);
    assert.deepEqual(play(), first);
  }
});

for (const sabotage of ['addresses-for-ever', 'deaf', 'never-ticks'] satisfies Sabotage[]) {
  test(`Canary: the checks find a node that is sabotaged (${sabotage})`, () => {
    let found = 0;
    for (let seed = 1; seed <= 300 && found === 0; seed++) {
      found += runScenario(drawScenario(seed), { ...PLAIN_RUN, sabotage, sabotagedNode: 0 }).violations.length;
    }
    assert.ok(found > 0);
  });
}

test('A capture of a scenario is one that tshark reads, with right checksums', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-sim-'));
  const path = join(folder, 'scenario.pcap');
  try {
    const writer = new PcapWriter(path);
    // A signed advert would not do: tshark takes the trailer for a part of the message.
    const scenario = drawScenario(5);
    assert.ok(!scenario.isAuthenticated);
    runScenario(scenario, { ...PLAIN_RUN, tap: writer.write.bind(writer) });
    writer.close();
    const fields = ['-T', 'fields', '-e', 'frame.protocols', '-e', 'vrrp.checksum.status'];
    const options = ['-o', 'ip.check_checksum:TRUE'];
    let lines: string[];
    try {
      const text = execFileSync('tshark', ['-r', path, ...options, ...fields], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      lines = text.trim().split('\n');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      t.skip('tshark is not installed');
      return;
    }
    const adverts = lines.filter((line) => line.includes('vrrp'));
    assert.ok(adverts.length > 10, `${adverts.length} adverts`);
    assert.ok(adverts.every((line) => line.endsWith('\t1')));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
