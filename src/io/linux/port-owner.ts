/**
 * Who listens on a port: for the error message of a bind that failed. Looks through /proc (proc(5)); what this user may
 * not see stays unknown.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { attempt } from '../../base/attempt.ts';

const TCP_LISTEN = '0A';
/** Bound, and not connected. */
const UDP_UNCONNECTED = '07';

export interface PortOwner {
  readonly name: string;
  readonly pid: number;
}

/** Null if it cannot be seen. */
export function findPortOwner(port: number, isUdp = false): PortOwner | null {
  const files = isUdp ? ['/proc/net/udp', '/proc/net/udp6'] : ['/proc/net/tcp', '/proc/net/tcp6'];
  const state = isUdp ? UDP_UNCONNECTED : TCP_LISTEN;
  const inodes = new Set(files.flatMap((file) => listeningInodes(file, port, state)));
  if (inodes.size === 0) return null;
  for (const pid of list('/proc')) {
    if (!/^[0-9]+$/.test(pid)) continue;
    for (const descriptor of list(`/proc/${pid}/fd`)) {
      const target = attempt(() => readlinkSync(`/proc/${pid}/fd/${descriptor}`));
      const inode = target?.match(/^socket:\[([0-9]+)\]$/)?.[1];
      if (inode === undefined || !inodes.has(inode)) continue;
      return { name: nameOf(pid), pid: Number(pid) };
    }
  }
  return null;
}

/** Programs that say in their titles what they do begin with their names: `nginx: master process`, `evenkeel: proxy 0`. */
function nameOf(pid: string): string {
  const title = attempt(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trim());
  return title === null ? 'a process' : title.replace(/:.*/, '');
}

function listeningInodes(file: string, port: number, state: string): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = (attempt(() => readFileSync(file, 'utf8')) ?? '').split('\n').slice(1);
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields.length > 9 && fields[1].endsWith(suffix) && fields[3] === state)
    .map((fields) => fields[9]);
}

function list(directory: string): string[] {
  return attempt(() => readdirSync(directory)) ?? [];
}
