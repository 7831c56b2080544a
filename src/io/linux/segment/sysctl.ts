/** Kernel settings under /proc/sys. In a container they may be read-only; then a value stays what it is. */
import { readFileSync, writeFileSync } from 'node:fs';

/** `net/ipv4/conf/eth0/arp_ignore`: with slashes, because names of interfaces may have dots. Null: there is none. */
export function readSysctl(name: string): number | null {
  try {
    const value = Number(readFileSync(`/proc/sys/${name}`, 'utf8'));
    return Number.isFinite(value) ? value : null;
  } catch {
    return null;
  }
}

/** Null, or why not. */
export function writeSysctl(name: string, value: number): string | null {
  try {
    writeFileSync(`/proc/sys/${name}`, `${value}\n`);
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? (error as Error).message;
  }
}
