/**
 * Proxies of a keeper that was killed, for who only wants to know of them. They are not asked, for the first who asks adopts
 * them (process/straying.ts): the kernel says who listens at their places.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { isAlive, namesIn } from './stray-proxies.ts';

/** proc(5), /proc/net/unix: __SO_ACCEPTCON. */
const LISTENING = '00010000';

/** `path`: as StrayProxies has it. Of those that this user may look at. */
export function strayPids(path: string): readonly number[] {
  const sockets = new Set<string>();
  for (const line of linesOf('/proc/net/unix')) {
    // Num RefCount Protocol Flags Type St Inode Path
    const [, , , flags, , , inode, ...rest] = line.trim().split(/\s+/);
    const place = rest.join(' ');
    if (flags !== LISTENING || !place.startsWith(path)) continue;
    const keeper = /^\.([0-9]+)-[0-9a-z]+-[0-9]+$/.exec(place.slice(path.length));
    if (keeper !== null && !isAlive(Number(keeper[1]))) sockets.add(`socket:[${inode}]`);
  }
  if (sockets.size === 0) return [];
  const pids = namesIn('/proc').filter((name) => /^[0-9]+$/.test(name));
  return pids.filter((pid) => hasOneOf(sockets, `/proc/${pid}/fd`)).map(Number);
}

function hasOneOf(sockets: ReadonlySet<string>, directory: string): boolean {
  return namesIn(directory).some((name) => {
    try {
      return sockets.has(readlinkSync(`${directory}/${name}`));
    } catch {
      return false;
    }
  });
}

function linesOf(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return [];
  }
}
