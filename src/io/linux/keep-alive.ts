/** TCP keep-alive of listening sockets, which every socket accepted from them inherits (tcp(7)): no call per connection. */
import { readFileSync } from 'node:fs';
import type { KeepAlive } from '../../base/keep-alive.ts';
import * as libc from './libc.ts';

/** Connections that are accepted from now on have it. Null: none. A socket that is not TCP refuses, which is no loss. */
export function setKeepAlive(descriptor: number, keepAlive: KeepAlive | null): void {
  libc.setOption(descriptor, libc.SOL_SOCKET, libc.SO_KEEPALIVE, keepAlive === null ? 0 : 1);
  if (keepAlive === null) return;
  const { idleS, intervalS, probes } = keepAlive;
  // what was set for an earlier plan can be undone only by setting what the system has
  libc.setOption(descriptor, libc.IPPROTO_TCP, libc.TCP_KEEPIDLE, idleS || setting('tcp_keepalive_time'));
  libc.setOption(descriptor, libc.IPPROTO_TCP, libc.TCP_KEEPINTVL, intervalS || setting('tcp_keepalive_intvl'));
  libc.setOption(descriptor, libc.IPPROTO_TCP, libc.TCP_KEEPCNT, probes || setting('tcp_keepalive_probes'));
}

function setting(name: string): number {
  return Number(readFileSync(`/proc/sys/net/ipv4/${name}`, 'utf8'));
}
