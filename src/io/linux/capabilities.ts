/**
 * What this process may do without being root, and what of that the processes have that it starts (capabilities(7)).
 *
 * A service manager gives a program that is not root its rights as ambient capabilities, and everything that the program
 * starts inherits them: checks and notify programs of the operator's too. So this process keeps them to itself, and lends
 * them to those of its own that need them.
 */
import { readFileSync } from 'node:fs';
import koffi from 'koffi';

const BITS = { CAP_NET_BIND_SERVICE: 10, CAP_NET_ADMIN: 12, CAP_NET_RAW: 13, CAP_SYS_NICE: 23 } as const;

export type Capability = keyof typeof BITS;

const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_RAISE = 2;
const PR_CAP_AMBIENT_CLEAR_ALL = 4;

const prctl = koffi.load(null).func('int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)') as (
  ...operands: number[]
) => number;

/** Those of `wanted` that this process does not have. */
export function missingCapabilities(wanted: readonly Capability[]): readonly Capability[] {
  return missingIn(readFileSync('/proc/self/status', 'utf8'), wanted);
}

/** The same for the text of a /proc/PID/status. */
export function missingIn(status: string, wanted: readonly Capability[]): readonly Capability[] {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status);
  if (effective === null) return [];
  const held = BigInt(`0x${effective[1]}`);
  return wanted.filter((name) => ((held >> BigInt(BITS[name])) & 1n) === 0n);
}

/** From here on what this process starts, unless it is root, has none of its rights. */
export function keepCapabilities(): void {
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

/** Those of `wanted` that this process has are inherited by what `start` starts before it returns. */
export function lendCapabilities<Started>(wanted: readonly Capability[], start: () => Started): Started {
  // What cannot be raised is not held, or is not needed: root's rights, and those of a file, come with execve(2) itself.
  for (const name of wanted) prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, BITS[name], 0, 0);
  try {
    return start();
  } finally {
    keepCapabilities();
  }
}
