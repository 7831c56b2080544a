import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnnouncePlan } from '../../config/plan/announce.ts';
import type { AnnouncedAddresses } from '../../port/announced-addresses.ts';
import { LookWatch } from '../ha/look-watch.ts';
import { AnnounceKeeper } from './announce-keeper.ts';

const LOG = { info: () => undefined, warn: () => undefined, error: () => undefined } as never;
const PLAN: AnnouncePlan = {
  watches: [{ kind: 'proxy' }],
  announcements: [
    {
      name: 'web',
      addresses: ['192.0.2.10', '192.0.2.11'],
      interfaceName: 'anycast',
      graceful: null,
      tracked: [{ name: 'proxy', watch: 0 }],
      lifeS: 3,
      convergenceMs: 0,
      bird: '/nowhere/bird.ctl',
    },
  ],
};

/** The addresses of a machine, by interface. */
class Machine implements AnnouncedAddresses {
  readonly held = new Map<string, Set<string>>();
  closed = 0;

  find(addresses: readonly string[]): readonly string[] {
    return [...this.held].filter(([, held]) => addresses.some((each) => held.has(each))).map(([name]) => name);
  }

  hold(interfaceName: string, addresses: readonly string[]): string | null {
    this.held.set(interfaceName, new Set([...(this.held.get(interfaceName) ?? []), ...addresses]));
    return null;
  }

  drop(interfaceName: string, addresses: readonly string[]): void {
    for (const address of addresses) this.held.get(interfaceName)?.delete(address);
  }

  close(): void {
    this.closed++;
  }

  on(interfaceName: string): readonly string[] {
    return [...(this.held.get(interfaceName) ?? [])];
  }
}

function keeperOf(machine: Machine, ended: string[] = []): AnnounceKeeper {
  return new AnnounceKeeper({
    plan: PLAN,
    addresses: machine,
    makeWatch: () =>
      new LookWatch(
        'proxy',
        () => ({ isUp: true, detail: 'it serves' }),
        LOG,
        () => performance.now(),
      ),
    isDrained: () => false,
    endConnections: (addresses) => ended.push(...addresses),
    log: LOG,
    now: () => performance.now(),
  });
}

test('an address that a plan has no more is withdrawn, and the others stay where they are', async () => {
  const machine = new Machine();
  const ended: string[] = [];
  const keeper = keeperOf(machine, ended);
  await keeper.start();
  await keeper.apply(PLAN);
  assert.deepEqual(machine.on('anycast'), ['192.0.2.10', '192.0.2.11']);
  await keeper.apply({ ...PLAN, announcements: [{ ...PLAN.announcements[0], addresses: ['192.0.2.11'] }] });
  assert.deepEqual([machine.on('anycast'), ended], [['192.0.2.11'], ['192.0.2.10']]);
  assert.deepEqual(
    keeper.status().announcements.map(({ state, changes }) => [state, changes.length]),
    [['announced', 1]],
  );
  keeper.kill();
  assert.deepEqual(machine.on('anycast'), []);
});

test('a release withdraws; what follows it finds nothing to close', async () => {
  const machine = new Machine();
  const keeper = keeperOf(machine);
  await keeper.start();
  await keeper.apply(PLAN);
  await keeper.release();
  keeper.kill();
  assert.deepEqual([machine.on('anycast'), machine.on('lo'), machine.closed], [[], [], 1]);
});

test('one that gives way removes nothing, and its successor goes on', async () => {
  const machine = new Machine();
  const former = keeperOf(machine);
  await former.start();
  await former.apply(PLAN);
  former.letGo();
  const successor = keeperOf(machine);
  await successor.start();
  assert.deepEqual(
    successor.status().announcements[0].changes.map(({ cause }) => cause),
    ['adopted'],
  );
  assert.deepEqual(machine.on('anycast'), ['192.0.2.10', '192.0.2.11']);
  successor.kill();
});
