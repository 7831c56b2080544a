/**
 * A machine whose service manager is the real systemd, as PID 1 of a PID namespace on an overlay of this machine's files.
 * Its network is this machine's, so that a test's clients reach what runs there, or one of its own. It starts nothing but what a test asks for.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { WAIT_MS } from './evenkeel.ts';

const SYSTEMD = '/lib/systemd/systemd';
const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
/** Where a machine has this checkout: wherever it lies here, no unit hides it there. */
export const CHECKOUT = '/opt/evenkeel';
/** Instead of `program`. */
export const PROGRAM = `${CHECKOUT}/bin/evenkeel`;

/** $1: a directory of its own; $2: the files below; $3: the checkout; further ones: directories that are not on the root's file system. */
const BOOT = `
set -e
base=$1
files=$2
checkout=$3
shift 3
mount --make-rprivate /
mount -t tmpfs tmpfs "$base"
mkdir "$base/upper" "$base/work" "$base/root" "$base/cgroup"
mount -t cgroup2 cgroup2 "$base/cgroup"
mkdir -p "$base/cgroup/$CGROUP"
echo 0 > "$base/cgroup/$CGROUP/cgroup.procs"
mount -t overlay overlay -o "lowerdir=$files,upperdir=$base/upper,workdir=$base/work" "$base/root"
mkdir -p "$base/root${CHECKOUT}"
mount --bind "$checkout" "$base/root${CHECKOUT}"
for path in "$@"; do mkdir -p "$base/root$path"; mount --bind "$path" "$base/root$path"; done
cd "$base/root"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,ro,bind proc/sys
mount -t sysfs -o ro sysfs sys
mount --rbind /dev dev
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs tmpfs tmp
mkdir run/units
for target in test sysinit basic network-online shutdown; do
  printf '[Unit]\\nDefaultDependencies=no\\n' > run/units/$target.target
done
export container=test
exec unshare --cgroup sh -c 'mount -t cgroup2 cgroup2 sys/fs/cgroup && exec chroot . "$@"' sh \\
  env SYSTEMD_UNIT_PATH=/run/units "${SYSTEMD}" --system --unit=test.target --log-target=console --show-status=no
`;

/** For a test's options: why there can be none here. */
export function systemdSkip(): { skip: string | false } {
  if (process.getuid?.() !== 0) return { skip: 'needs root' };
  if (!existsSync(SYSTEMD)) return { skip: 'needs systemd' };
  const tried = spawnSync('unshare', ['--mount', '--pid', '--fork', '--uts', '--ipc', '--cgroup', 'true']);
  return { skip: tried.status === 0 ? false : 'needs namespaces' };
}

export interface MachineOptions {
  /** Its network is its own, with nothing but a loopback interface that is down. */
  readonly isApart?: boolean;
  /** The root of the files that it has, instead of this machine's; they are not changed. */
  readonly files?: string;
}

export interface Ran {
  readonly code: number | null;
  readonly out: string;
}

export class SystemdMachine {
  private readonly pid: number;
  private readonly isApart: boolean;

  private constructor(pid: number, isApart: boolean) {
    this.pid = pid;
    this.isApart = isApart;
  }

  /** Its PID 1, as it is known here. */
  get init(): number {
    return this.pid;
  }

  /** Its files, as they are reached from here. */
  get root(): string {
    return `/proc/${this.pid}/root`;
  }

  static async start(t: TestContext, { isApart = false, files = '/' }: MachineOptions = {}): Promise<SystemdMachine> {
    const base = mkdtempSync(join(tmpdir(), 'evenkeel-systemd-'));
    const cgroup = `evenkeel-test-${process.pid}-${Date.now()}`;
    const others = [dirname(process.execPath)].filter((path) => !existsOnRoot(path));
    const network = isApart ? ['--net'] : [];
    const args = [
      ...network,
      '--mount',
      '--pid',
      '--fork',
      '--kill-child',
      '--uts',
      '--ipc',
      'bash',
      '-c',
      BOOT,
      'boot',
      base,
      files,
      REPOSITORY,
    ];
    const boot = spawn('unshare', [...args, ...others], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, CGROUP: cgroup },
    });
    let init = 0;
    let said = '';
    boot.stderr.on('data', (data: Buffer) => (said += data.toString()));
    t.after(async () => {
      if (init > 0) process.kill(init, 'SIGKILL');
      boot.kill('SIGKILL');
      if (boot.exitCode === null && boot.signalCode === null) await new Promise((resolve) => boot.on('close', resolve));
      rmSync(base, { recursive: true, force: true });
      removeCgroup(cgroup);
    });
    for (const end = performance.now() + WAIT_MS; ;) {
      assert.ok(performance.now() < end && boot.exitCode === null, `systemd does not start: ${said}`);
      init = findInit(boot.pid!);
      const machine = new SystemdMachine(init, isApart);
      if (init > 0 && machine.run('systemctl', 'is-active', 'test.target').out === 'active\n') return machine;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Waits until it is done. */
  run(...command: readonly string[]): Ran {
    const { status, stdout, stderr } = spawnSync('nsenter', [...this.enter(), ...command], { encoding: 'utf8' });
    return { code: status, out: stdout + stderr };
  }

  /** Does not. */
  async runBeside(...command: readonly string[]): Promise<Ran> {
    const child = spawn('nsenter', [...this.enter(), ...command], { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (out += data.toString()));
    return new Promise((resolve) => child.on('close', (code) => resolve({ code, out })));
  }

  /** What `systemctl show` says of this property. */
  show(unit: string, property: string): string {
    return this.run('systemctl', 'show', '--value', `--property=${property}`, unit).out.trim();
  }

  write(path: string, text: string): void {
    writeFileSync(`/proc/${this.pid}/root${path}`, text);
  }

  read(path: string): string {
    return readFileSync(`/proc/${this.pid}/root${path}`, 'utf8');
  }

  private enter(): readonly string[] {
    const { pid, isApart } = this;
    return [
      ...(isApart ? ['--net'] : []),
      `--target=${pid}`,
      '--mount',
      '--pid',
      '--uts',
      '--ipc',
      '--cgroup',
      `--root=/proc/${pid}/root`,
      '--wd=/',
    ];
  }
}

/** The overlay shows what is on the file system of the root, and nothing that is mounted above it. */
function existsOnRoot(path: string): boolean {
  const found = spawnSync('findmnt', ['--noheadings', '--output', 'TARGET', '--target', path], { encoding: 'utf8' });
  return found.stdout.trim() === '/';
}

/** The process that `unshare` has started. */
function findInit(unshare: number): number {
  try {
    const [pid] = readFileSync(`/proc/${unshare}/task/${unshare}/children`, 'utf8').trim().split(' ');
    return readFileSync(`/proc/${pid}/comm`, 'utf8') === 'systemd\n' ? Number(pid) : 0;
  } catch {
    return 0;
  }
}

function removeCgroup(name: string): void {
  const base = mkdtempSync(join(tmpdir(), 'evenkeel-cgroup-'));
  const script = `mount -t cgroup2 cgroup2 "$1" && find "$1/$2" -depth -type d -exec rmdir {} +`;
  spawnSync('unshare', ['--mount', 'sh', '-c', script, 'sh', base, name]);
  rmSync(base, { recursive: true });
}
