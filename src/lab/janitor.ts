/**
 * Removes a lab, whichever way it ends. A small shell process waits until the lab's end of a pipe is closed; the kernel
 * closes it also for a lab that is killed or crashes. So there is one way of removing and not a second one for accidents.
 *
 * All of a lab is in network namespaces and one directory, both named after the process that owns it. A namespace's
 * processes are found through the namespace, so that orphans, and what only other programs started, end too.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'evenkeel-lab-';
const NAMESPACES = '/run/netns';

/** $1: the lab's id, $2: its directory. */
const SCRIPT = `
trap '' INT TERM HUP
cat > /dev/null
for path in ${NAMESPACES}/"$1"-*; do
  [ -e "$path" ] || continue
  name=\${path##*/}
  tries=0
  while pids=$(ip netns pids "$name") && [ -n "$pids" ] && [ $tries -lt 100 ]; do
    kill -9 $pids 2> /dev/null
    tries=$((tries + 1))
    sleep 0.02
  done
  ip netns delete "$name"
done
rm -rf "$2"
`;

let labs = 0;

/** Unique on this machine, also after its process ids have come round: process id, its start time, and how many so far. */
export function nextLabId(): string {
  return `${PREFIX}${process.pid.toString(36)}.${startTimeOf(process.pid)}.${(labs++).toString(36)}`;
}

export function labDirectory(id: string): string {
  return join(tmpdir(), id);
}

export class Janitor {
  private readonly child: ChildProcess;

  constructor(id: string) {
    // Its own session: a terminal's Ctrl-C is not for it.
    this.child = spawn('sh', ['-c', SCRIPT, 'sh', id, labDirectory(id)], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    this.child.unref();
  }

  /** Resolves when nothing of the lab is left. */
  async clean(): Promise<void> {
    if (this.child.exitCode !== null) return;
    this.child.ref();
    this.child.stdin?.end();
    await once(this.child, 'exit');
  }
}

/** Removes labs whose process is gone, if a janitor ever was ended before it had finished. Resolves to their ids. */
export async function sweepLabs(): Promise<string[]> {
  const ids = new Set([...labIds(namesIn(NAMESPACES)), ...labIds(namesIn(tmpdir()))]);
  const left = [...ids].filter((id) => !isAlive(id));
  for (const id of left) await new Janitor(id).clean();
  return left;
}

function labIds(names: readonly string[]): string[] {
  return names.flatMap((name) => /^evenkeel-lab-[0-9a-z]+\.[0-9a-z]+\.[0-9a-z]+/.exec(name)?.[0] ?? []);
}

function isAlive(id: string): boolean {
  const [pid, startTime] = id.slice(PREFIX.length).split('.');
  return startTimeOf(Number.parseInt(pid, 36)) === startTime;
}

/** In ticks since the machine's start, in base 36; null: no such process. */
function startTimeOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may have any character.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]).toString(36);
  } catch {
    return null;
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
