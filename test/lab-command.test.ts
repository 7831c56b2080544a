/** `evenkeel lab`, as a script drives it: through lines. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { refusalOfLab } from '../src/lab/system.ts';
import { program } from './evenkeel.ts';
import { Change } from './waiting.ts';

const skip = refusalOfLab() ?? false;

class RunningLab {
  readonly exit: Promise<number | null>;
  private readonly child;
  private output = '';
  private readFrom = 0;
  private readonly change = new Change();

  constructor(t: TestContext, args: readonly string[]) {
    this.child = spawn(process.execPath, [program, 'lab', ...args], { stdio: 'pipe' });
    this.exit = once(this.child, 'exit').then(([code]) => code as number | null);
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.on('data', (data: Buffer) => {
        this.output += data.toString();
        this.change.wake();
      });
    }
    this.child.on('exit', () => this.change.wake());
    t.after(async () => {
      this.child.kill('SIGKILL');
      await this.exit;
    });
  }

  /** How many it has. */
  namespaces(): number {
    const prefix = `evenkeel-lab-${this.child.pid!.toString(36)}.`;
    return readdirSync('/run/netns').filter((name) => name.startsWith(prefix)).length;
  }

  order(line: string): void {
    this.child.stdin.write(`${line}\n`);
  }

  /** Resolves when it has said this after what was awaited before. */
  async says(pattern: RegExp): Promise<void> {
    await this.change.until(
      () => {
        const found = pattern.exec(this.output.slice(this.readFrom));
        if (found === null) assert.equal(this.child.exitCode, null, this.output);
        else this.readFrom += found.index + found[0].length;
        return found !== null;
      },
      () => `it did not say ${pattern}: ${this.output}`,
    );
  }
}

test(
  'the address moves when its node is killed, comes back, and moves at an order',
  { skip, timeout: 60_000 },
  async (t) => {
    const lab = new RunningLab(t, ['--advertise', '300ms']);
    // lb02, if it starts first, has it for a moment.
    await lab.says(/lb01 ● active +lb02 ○ backup/);
    lab.order('kill');
    await lab.says(/--- kill lb01 ---[^]*lb02 has the address\n/);
    lab.order('start');
    // Two hosts tell it, in either order.
    await lab.says(/--- start lb01 ---(?=[^]*lb01 has the address\n)(?=[^]*lb02 has the address no more\n)/);
    lab.order('handover');
    // `e` is for the node that has handed over: the lab knows which when this is told.
    await lab.says(/--- handover lb01 ---[^]*lb01: leaving to backup/);
    await lab.says(/lb01 ○ backup +lb02 ● active/);
    lab.order('nonsense');
    await lab.says(/nonsense is not among kill, freeze/);
    lab.order('e');
    await lab.says(/--- resume lb01 ---[^]*lb01 takes part as configured again/);
    lab.order('q');
    assert.equal(await lab.exit, 0);
    await lab.says(/client: [0-9,]+ answered, [0-9,]+ failed/);
  },
);

test('lab --clean leaves a lab alone that runs', { skip, timeout: 60_000 }, async (t) => {
  const lab = new RunningLab(t, []);
  await lab.says(/lb01 has the address\n/);
  assert.equal(lab.namespaces(), 6);
  const { status } = spawnSync(process.execPath, [program, 'lab', '--clean']);
  assert.equal(status, 0);
  assert.equal(lab.namespaces(), 6);
  lab.order('quit');
  assert.equal(await lab.exit, 0);
});
