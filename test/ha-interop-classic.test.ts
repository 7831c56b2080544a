/**
 * `evenkeel run` in place of one node of the classic pair: keepalived and nginx with their files as they are on the other,
 * evenkeel with the file of docs/coming-from-keepalived.md or with theirs, and a client that asks the virtual address all the time.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { sumUpHolders } from '../src/lab/address-watch.ts';
import type { Client } from '../src/lab/client.ts';
import { monotonicMs } from '../src/lab/clock.ts';
import { type Balancer, BALANCERS, Pair } from '../src/lab/pair.ts';
import { commandLineOf, killAtOnce } from '../src/lab/processes.ts';
import { refusalOfLab } from '../src/lab/system.ts';
import { ClassicBalancer, refusalOfClassic } from './classic-balancer.ts';
import { program } from './evenkeel.ts';
import { RunningNode } from './running-node.ts';

const classic = { skip: refusalOfLab() ?? refusalOfClassic() ?? false, timeout: 240_000 };

const CLASSIC = fileURLToPath(new URL('../../test/classic-pair/', import.meta.url));
const PAGE = readFileSync(fileURLToPath(new URL('../../docs/coming-from-keepalived.md', import.meta.url)), 'utf8');
/** The whole file that the page gives for both nodes. */
const TRANSLATED = /^```yaml\n(listeners:[^]*?)^```/m.exec(PAGE)![1];
/** Longer than a node waits for adverts: three seconds and its skew. */
const PATIENT_MS = 5_000;
/** What takes this long does not happen. */
const MOVE_MS_MAX = 60_000;

class Scene {
  readonly pair: Pair;
  readonly client: Client;
  private readonly file: string;

  static async create(t: TestContext, configuration = TRANSLATED): Promise<Scene> {
    const pair = await Pair.create([process.execPath, program]);
    t.after(() => pair.remove());
    return new Scene(pair, configuration);
  }

  private constructor(pair: Pair, configuration: string) {
    this.pair = pair;
    this.client = pair.startClient(200);
    this.file = join(pair.network.directory, 'evenkeel.yaml');
    writeFileSync(this.file, configuration);
  }

  /** Resolves when it is ready. */
  async startEvenkeel(host: Balancer): Promise<RunningNode> {
    const node = new RunningNode(this.pair, host, this.file);
    await node.said(/ready: web \*:80, VI_1 on eth0; 1 proxy/);
    return node;
  }

  /** Resolves when these hold the address, and no others. */
  async heldBy(...hosts: readonly Balancer[]): Promise<void> {
    const { watch } = this.pair;
    for (const end = monotonicMs() + MOVE_MS_MAX; watch.holders().sort().join() !== [...hosts].sort().join();) {
      assert.ok(
        monotonicMs() < end,
        `held by ${watch.holders().join()}: ${BALANCERS.map((host) => this.pair.lastWords(host)).join('\n')}`,
      );
      await this.client.settled();
    }
  }

  /** Resolves when that host alone holds the address, and the client has been answered by it for a while. */
  async servedBy(host: Balancer): Promise<void> {
    await this.heldBy(host);
    await this.client.served(500);
    await this.isSentTo(host);
  }

  /** The client's kernel and the switch lead to that host. */
  async isSentTo(host: Balancer): Promise<void> {
    assert.equal((await this.pair.path()).port, host);
  }

  /** Nobody else takes the address while everybody waits for longer than an advert may be missing. */
  async staysWith(host: Balancer): Promise<void> {
    const from = this.pair.watch.changes.length;
    for (const end = monotonicMs() + PATIENT_MS; monotonicMs() < end;) await this.client.settled();
    await this.client.served(500);
    assert.deepEqual(this.pair.watch.changes.slice(from), []);
    assert.deepEqual(this.pair.watch.holders(), [host]);
  }

  /** For how long two have held the address, since the beginning. */
  get overlapMs(): number {
    const { changes } = this.pair.watch;
    return sumUpHolders(changes, changes[0].atMs, monotonicMs()).twoHoldersMs;
  }
}

// Most of the time they wait.
describe('the classic pair, of which one is evenkeel', { concurrency: 5 }, () => {
  test(
    'evenkeel is lb01: handed over, taken back, stopped, started and killed, beside keepalived',
    classic,
    async (t) => {
      const scene = await Scene.create(t);
      const { pair } = scene;
      const lb02 = await ClassicBalancer.boot(pair, 'lb02');
      await lb02.startNginx();
      const first = await scene.startEvenkeel('lb01');
      await scene.servedBy('lb01');
      lb02.startKeepalived();
      await lb02.entered('BACKUP');
      await scene.staysWith('lb01');

      const moved = first.command('handover', 'VI_1');
      assert.match(moved.out, /^VI_1: handed over to 192\.168\.15\.6 of priority 100 within \d\.\d s, /);
      await scene.servedBy('lb02');
      await scene.staysWith('lb02');
      assert.equal(first.command('resume', 'VI_1').code, 0);
      await scene.servedBy('lb01');

      first.process.child.kill('SIGTERM');
      assert.equal(await first.process.exit, 0);
      await scene.servedBy('lb02');

      await scene.startEvenkeel('lb01');
      await scene.servedBy('lb01');
      const { overlapMs } = scene;
      killAtOnce(pair.processes('lb01'));
      await scene.servedBy('lb02');
      // The kernel of lb01 has removed it before.
      assert.equal(scene.overlapMs, overlapMs);

      const again = await scene.startEvenkeel('lb01');
      await scene.servedBy('lb01');
      lb02.kill('keepalived');
      await scene.staysWith('lb01');
      assert.equal((await again.router()).state, 'active');
    },
  );

  test('evenkeel is lb02: takes over for what keepalived announces, and gives way to it', classic, async (t) => {
    const scene = await Scene.create(t);
    const lb01 = await ClassicBalancer.boot(scene.pair, 'lb01');
    await lb01.startNginx();
    lb01.startKeepalived();
    await scene.servedBy('lb01');
    const lb02 = await scene.startEvenkeel('lb02');
    await scene.staysWith('lb01');
    assert.equal((await lb02.router()).state, 'backup');

    await lb01.stopKeepalived();
    await scene.servedBy('lb02');
    lb01.startKeepalived();
    await scene.servedBy('lb01');
    assert.equal((await lb02.router()).state, 'backup');

    // The classic script finds that nginx is gone, cannot start it, and stops keepalived.
    lb01.kill('nginx');
    await lb01.ended();
    await scene.servedBy('lb02');
  });

  test(
    'keepalived is killed, and its address still serves: evenkeel sees it, and takes nothing',
    classic,
    async (t) => {
      const scene = await Scene.create(t);
      const lb01 = await ClassicBalancer.boot(scene.pair, 'lb01');
      await lb01.startNginx();
      lb01.startKeepalived();
      await scene.servedBy('lb01');
      const lb02 = await scene.startEvenkeel('lb02');
      await lb02.is('backup');
      await lb02.hears();
      lb01.kill('keepalived');
      await lb02.is('claiming');
      await scene.staysWith('lb01');
      assert.match(lb02.command('status').out, /held-by-peer/);
      await lb02.said(/warn.*VI_1: held-by-peer: .*\(192\.168\.15\.5\) answers for an address, and nobody is active/i);
      // Without its cable nobody answers for the address any more.
      await scene.pair.network.cutLink('lb01');
      await lb02.is('active');
      await scene.client.served(500);
      await scene.isSentTo('lb02');
    },
  );

  test(
    'keepalived and nginx are killed, and the address is left in the kernel: evenkeel takes it, and all clients',
    classic,
    async (t) => {
      const scene = await Scene.create(t);
      const lb01 = await ClassicBalancer.boot(scene.pair, 'lb01');
      await lb01.startNginx();
      lb01.startKeepalived();
      await scene.servedBy('lb01');
      const lb02 = await scene.startEvenkeel('lb02');
      await lb02.is('backup');
      await lb02.hears();
      lb01.kill('keepalived');
      await lb02.is('claiming');
      lb01.kill('nginx');
      await lb02.is('active');
      const { out } = lb02.command('status');
      assert.match(out, /claiming to active: not-serving, .*192\.168\.15\.3:80 connection refused/);
      // lb01 still answers for it, and is overruled each second.
      await scene.heldBy('lb01', 'lb02');
      await scene.client.served(3_000);
      await scene.isSentTo('lb02');
      assert.match(lb02.command('status').out, /contested/);
    },
  );

  test(
    'keepalived is killed, and evenkeel does not probe: it takes the address, and the clients',
    classic,
    async (t) => {
      const scene = await Scene.create(t, `${TRANSLATED}    guard: { arp-probe: false }\n`);
      const lb01 = await ClassicBalancer.boot(scene.pair, 'lb01');
      await lb01.startNginx();
      lb01.startKeepalived();
      await scene.servedBy('lb01');
      const lb02 = await scene.startEvenkeel('lb02');
      await lb02.is('backup');
      await lb02.hears();
      lb01.kill('keepalived');
      await scene.heldBy('lb01', 'lb02');
      await scene.client.served(500);
      await scene.isSentTo('lb02');
    },
  );

  test('the variant without preemption: neither takes the address from the other', classic, async (t) => {
    const scene = await Scene.create(t, `${TRANSLATED}    preempt: false\n`);
    const lb01 = await ClassicBalancer.boot(scene.pair, 'lb01', '-nopreempt');
    await lb01.startNginx();
    const lb02 = await scene.startEvenkeel('lb02');
    await scene.servedBy('lb02');
    lb01.startKeepalived();
    await lb01.entered('BACKUP');
    await scene.staysWith('lb02');
    lb02.process.child.kill('SIGTERM');
    assert.equal(await lb02.process.exit, 0);
    await scene.servedBy('lb01');
    const again = await scene.startEvenkeel('lb02');
    await scene.staysWith('lb01');
    assert.equal((await again.router()).state, 'backup');
  });
});

describe('the classic pair with the files that it has', { concurrency: 2 }, () => {
  for (const variant of ['', '-nopreempt'] as const) {
    const title = `evenkeel runs lb01${variant}/keepalived.conf beside keepalived: killed, back, and stopped by the classic script`;
    test(title, classic, async (t) => {
      const scene = await Scene.create(t);
      const { pair } = scene;
      const [lb01, lb02] = [
        await ClassicBalancer.boot(pair, 'lb01', variant),
        await ClassicBalancer.boot(pair, 'lb02', variant),
      ];
      await Promise.all([lb01.startNginx(), lb02.startNginx()]);
      lb01.startEvenkeel([process.execPath, program]);
      await scene.servedBy('lb01');
      lb02.startKeepalived();
      await lb02.entered('BACKUP');
      await scene.staysWith('lb01');

      killAtOnce(pair.processes('lb01').filter((pid) => commandLineOf(pid).startsWith('evenkeel')));
      await scene.servedBy('lb02');

      const back = lb01.startEvenkeel([process.execPath, program]);
      if (variant === '') await scene.servedBy('lb01');
      else {
        await scene.staysWith('lb02');
        await lb02.stopKeepalived();
        await scene.servedBy('lb01');
        lb02.startKeepalived();
        await lb02.entered('BACKUP');
      }

      // The script finds no nginx, starts none, and stops keepalived, which is evenkeel here.
      lb01.kill('nginx');
      await scene.servedBy('lb02');
      assert.equal(await back.exit, 0);
    });
  }
});

describe('the classic pair with evenkeel in place of its four programs', { concurrency: 2 }, () => {
  test('keepalived.conf and nginx.conf are one configuration: killed, and back', classic, async (t) => {
    const scene = await Scene.create(t);
    const { pair } = scene;
    const start = async (host: Balancer): Promise<RunningNode> => {
      const file = join(pair.network.directory, `${host}-keepalived.conf`);
      writeFileSync(file, withoutScript(readFileSync(join(CLASSIC, host, 'keepalived.conf'), 'utf8')));
      const node = new RunningNode(pair, host, file, [join(CLASSIC, host, 'nginx.conf')]);
      await node.said(/ready: http-80 0\.0\.0\.0:80, VI_1 on eth0; 1 proxy/);
      return node;
    };
    await start('lb01');
    await scene.servedBy('lb01');
    const lb02 = await start('lb02');
    await lb02.hears();
    await scene.staysWith('lb01');

    killAtOnce(pair.processes('lb01'));
    await scene.servedBy('lb02');
    await start('lb01');
    await scene.servedBy('lb01');
  });

  test(
    'the classic script sees the proxies: killed for good, evenkeel is stopped, and the address moves',
    classic,
    async (t) => {
      const scene = await Scene.create(t);
      const { pair } = scene;
      const lb01 = await ClassicBalancer.boot(pair, 'lb01');
      const evenkeel = lb01.startEvenkeel([process.execPath, program], join(CLASSIC, 'lb01', 'nginx.conf'));
      await scene.servedBy('lb01');
      const lb02 = await ClassicBalancer.boot(pair, 'lb02');
      await lb02.startNginx();
      lb02.startKeepalived();
      await lb02.entered('BACKUP');
      // Longer than the script's interval and its patience: it finds a proxy each time.
      await scene.staysWith('lb01');
      await scene.staysWith('lb01');
      assert.ok(evenkeel.isRunning, evenkeel.output);

      const killing = setInterval(() => {
        killAtOnce(pair.processes('lb01').filter((pid) => commandLineOf(pid).startsWith('nginx: worker process')));
      }, 10);
      t.after(() => clearInterval(killing));
      // `systemctl start nginx` starts nothing; two seconds later the script stops keepalived, which is evenkeel.
      assert.equal(await evenkeel.exit, 0);
      clearInterval(killing);
      assert.match(evenkeel.output, /SIGTERM: finishing/);
      await scene.servedBy('lb02');
    },
  );
});

/** It would stop what runs beside it on this machine. */
function withoutScript(keepalivedConf: string): string {
  return keepalivedConf.replace(/^vrrp_script [^]*?^}\n/m, '').replace(/^ *track_script \{[^]*?\}\n/m, '');
}
