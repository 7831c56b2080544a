/** What this process may do without being root (capabilities(7)). */
import { readFileSync } from 'node:fs';

const BITS = { CAP_NET_BIND_SERVICE: 10, CAP_NET_ADMIN: 12, CAP_NET_RAW: 13 } as const;

export type Capability = keyof typeof BITS;

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
