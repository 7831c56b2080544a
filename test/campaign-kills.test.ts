/**
 * The campaign once more, while processes are killed at random moments: what the killed one carried is lost, and nothing else.
 *
 * Any process is killed, the keeper in charge too, which is then started again. Under systemd the descriptor store has the listening
 * sockets, in whose queues clients wait for the next keeper. Without a service manager the proxies serve on until it is there.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { StatusDocument } from '../src/api/status.ts';
import { Prng } from '../src/base/prng.ts';
import { OLD_GENERATIONS_MAX } from '../src/core/fleet/generations.ts';
import { Builds, type Flaw, FLAWS } from './campaign/builds.ts';
import { change } from './campaign/changes.ts';
import { IN_CHARGE, Killer } from './campaign/killer.ts';
import { processesBelow } from './campaign/processes.ts';
import { type Campaign, report } from './campaign/results.ts';
import { type Ask, createPlace, Site } from './campaign/site.ts';
import { Traffic } from './campaign/traffic.ts';
import type { Place } from './campaign/changes.ts';
import { becomeSubreaper } from '../src/io/linux/family.ts';
import { type Engine, engineSkip, ENGINES, Evenkeel, kill } from './evenkeel.ts';
import { CHECKOUT, SystemdMachine, systemdSkip } from './systemd.ts';
import { until } from './waiting.ts';
import { askSocket } from './control-socket.ts';

const ROUNDS = Number(process.env.EVENKEEL_RELOADS ?? 6);
const SEED = Number(process.env.EVENKEEL_SEED ?? Date.now() % 1_000_000);
const WORKERS = 2;
/** One round in so many is an upgrade. */
const UPGRADE_ONE_IN = 5;
const UNIT = readFileSync(fileURLToPath(new URL('../../packaging/systemd/evenkeel.service', import.meta.url)), 'utf8');
const LOG = '/run/evenkeel.log';
const BOUND_TO_END = 'its program was the oldest of too many';

/** An evenkeel that runs, with whoever starts it again. */
interface Stage {
  readonly campaign: Campaign;
  readonly builds: Builds;
  /** What all its processes descend from. */
  readonly root: number;
  readonly file: string;
  readonly ask: Ask;
  /** Proxies serve on without the keeper in charge. */
  readonly servesOn: boolean;
  /** Starts it again if the keeper in charge is gone. */
  readonly revive: () => void;
  /** What it has said, for a failure. */
  readonly log: () => string;
  /** How many sockets are kept for the next keeper; null: nobody keeps any. */
  readonly kept: () => number | null;
}

for (const engine of ENGINES) {
  const name = `[${engine}] ${ROUNDS} changes while processes are killed (seed ${SEED}) lose what the killed ones carried, and no more`;
  const timeout = 120_000 + ROUNDS * 30_000;
  test(name, { ...engineSkip(engine), timeout }, async (t) => {
    const place = await createPlace(t);
    await campaign(t, engine, place, await startAlone(t, engine, place));
  });
  const skip = engineSkip(engine).skip === false ? systemdSkip() : engineSkip(engine);
  test(`${name}: systemd`, { ...skip, timeout }, async (t) => {
    const place = await createPlace(t);
    await campaign(t, engine, place, await startService(t, engine, place));
  });
}

async function campaign(t: TestContext, engine: Engine, place: Place, stage: Stage): Promise<void> {
  const prng = new Prng(SEED);
  const first = change(prng, place, 0);
  const { builds, file, ask, root } = stage;
  const site = new Site(t, { prng, place, first, file, builds, ask });
  let inCharge = (await site.status()).pid;
  let programs = 0;
  const { servesOn } = stage;
  const killer = new Killer({ prng, root, ports: [place.ports.http, place.ports.tcp], servesOn });
  const traffic = await Traffic.start(
    place.ports,
    () => programs,
    (failure) => {
      // One may have come into charge that is not known here yet.
      const isBound = programs + 1 - failure.bornAt > OLD_GENERATIONS_MAX;
      const excuse = killer.findExcuse(failure);
      return excuse ?? (isBound && failure.what !== 'ECONNREFUSED' ? BOUND_TO_END : null);
    },
  );
  t.after(() => traffic.stop());
  const flaws = (Object.keys(FLAWS) as Flaw[]).filter((flaw) => !flaw.startsWith('hangs'));
  const reloadMs: number[] = [];
  const upgradeMs: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    // With what the operator does, and sometimes after it.
    const delayMs = prng.below(prng.oneIn(2) ? 100 : 1_500);
    const isUpgrade = prng.oneIn(UPGRADE_ONE_IN);
    const struck = new Promise((resolve) => setTimeout(resolve, delayMs)).then(() =>
      killer.strike(inCharge, isUpgrade),
    );
    try {
      if (!isUpgrade) reloadMs.push(await site.reload(round));
      else if (prng.oneIn(3)) await site.upgradeInVain(flaws[prng.below(flaws.length)]);
      else upgradeMs.push((await site.upgrade(round)).tookMs);
    } catch {
      // Who is killed does not answer; then it holds when it is asked for again.
    }
    const role = await struck;
    const settled = await settle(site, stage.revive);
    killer.lookAgain();
    traffic.judgeAgain();
    // Then no program has been succeeded.
    const isRestart = role === IN_CHARGE && !isUpgrade;
    if (settled.pid !== inCharge && !isRestart) programs++;
    inCharge = settled.pid;
    site.handleInCharge(settled);
    await site.repeatReload();
    await site.holds({ isKept: false });
    assert.deepEqual(
      [...traffic.failures],
      [],
      `after ${round} changes, ${JSON.stringify(killer.kills)}\n${stage.log()}`,
    );
  }
  await traffic.stop();
  assert.deepEqual(traffic.failures, []);
  const { done, excused } = traffic;
  report(t, {
    campaign: stage.campaign,
    engine,
    seed: SEED,
    reloadMs,
    upgradeMs,
    refused: site.refused,
    kills: killer.kills,
    done,
    excused,
    failures: traffic.failures.length,
    footprints: [],
  });
  const kept = stage.kept();
  if (kept !== null) assert.equal(kept, site.addresses * WORKERS, 'the service manager keeps other sockets');
}

/** Resolves when all serve again. */
async function settle(site: Site, revive: () => void): Promise<StatusDocument> {
  let status: StatusDocument | null = null;
  await until(
    async () => {
      revive();
      status = await site.status().catch(() => null);
      if (status === null || status.isStopping) return false;
      return status.proxies.filter(({ state }) => state === 'serving').length === WORKERS;
    },
    () => `all serve again: ${JSON.stringify(status)}`,
  );
  return status!;
}

async function startAlone(t: TestContext, engine: Engine, place: Place): Promise<Stage> {
  // Whoever has lost its parent falls to this process.
  becomeSubreaper();
  t.after(() => processesBelow(process.pid).forEach(({ pid }) => kill(pid, 'SIGKILL')));
  const builds = new Builds(t, tmpdir());
  const { yaml } = change(new Prng(SEED), place, 0);
  const options = { engine, workers: WORKERS, hasSocket: true, program: builds.program };
  const first = await Evenkeel.start(t, yaml, options);
  const { file } = first;
  const all = [first];
  return {
    campaign: 'kills',
    builds,
    root: process.pid,
    file,
    ask: (method, path) => askSocket(`${file}.sock`, method, path),
    servesOn: true,
    revive() {
      const { exitCode, signalCode } = all.at(-1)!.child;
      if (exitCode === null && signalCode === null) return;
      const args = ['run', file, '--socket', `${file}.sock`, '--workers', `${WORKERS}`, '--engine', engine];
      all.push(Evenkeel.spawn(t, args, { program: builds.program, env: { RUNTIME_DIRECTORY: dirname(file) } }));
    },
    log: () => all.map(({ stderr }) => stderr).join('---\n'),
    kept: () => null,
  };
}

async function startService(t: TestContext, engine: Engine, place: Place): Promise<Stage> {
  const machine = await SystemdMachine.start(t);
  const { root } = machine;
  machine.run('mkdir', '-p', '/etc/evenkeel', '/opt');
  const builds = new Builds(t, `${root}/opt`, CHECKOUT);
  const command = `${process.execPath} ${builds.program.slice(root.length)}`;
  const unit = UNIT.replace('evenkeel run', `evenkeel run --engine ${engine} --workers ${WORKERS}`)
    .replaceAll('/usr/bin/env evenkeel', command)
    .replace('[Service]', `StartLimitIntervalSec=0\n[Service]\nStandardError=append:${LOG}`);
  machine.write('/run/units/evenkeel.service', unit);
  machine.write('/etc/evenkeel/evenkeel.yaml', change(new Prng(SEED), place, 0).yaml);
  machine.run('systemctl', 'daemon-reload');
  const started = machine.run('systemctl', 'start', 'evenkeel');
  assert.equal(started.code, 0, `${started.out}${machine.run('systemctl', 'status', 'evenkeel').out}`);
  return {
    campaign: 'kills under systemd',
    builds,
    root: machine.init,
    file: `${root}/etc/evenkeel/evenkeel.yaml`,
    ask: (method, path) => askSocket(`${root}/run/evenkeel/evenkeel.sock`, method, path),
    servesOn: false,
    revive: () => undefined,
    log: () => machine.read(LOG),
    kept: () => Number(machine.show('evenkeel', 'NFileDescriptorStore')),
  };
}
