/** Sockets that hear and speak on one interface only, raw IP (raw(7)) and whole frames (packet(7)). */
import * as libc from '../libc.ts';
import { attachFilter, type Filter, REFUSE_ALL } from '../socket-filter.ts';
import type { Link } from './rtnetlink.ts';
import { AF_PACKET, receive, SOCK_NONBLOCK, SOCK_RAW } from './system.ts';

const SO_PRIORITY = 12;
const SO_BINDTODEVICE = 25;
/** TC_PRIO_CONTROL: in front of everything else that waits for the interface. */
const PRIORITY_CONTROL = 7;

/** Hears nothing before it is given a filter. */
export function openRaw(family: number, protocol: number, link: Link): number {
  const descriptor = open(family, protocol);
  // From its creation on it hears all interfaces: what came in before it was bound to one is refused, or thrown away.
  attachFilter(descriptor, REFUSE_ALL);
  libc.setOptionBytes(descriptor, libc.SOL_SOCKET, SO_BINDTODEVICE, new Uint8Array(Buffer.from(link.name)));
  const rest = new Uint8Array(1);
  while (receive(descriptor, rest) >= 0);
  return descriptor;
}

/** `etherType` 0: hears nothing. */
export function openPacket(link: Link, etherType: number, filter: Filter): number {
  // Without a protocol it hears nothing until it is bound to one.
  const descriptor = open(AF_PACKET, 0);
  attachFilter(descriptor, filter);
  // struct sockaddr_ll
  const name = new Uint8Array(20);
  const view = new DataView(name.buffer);
  view.setUint16(0, AF_PACKET, true);
  view.setUint16(2, etherType);
  view.setInt32(4, link.index, true);
  libc.bind(descriptor, name);
  return descriptor;
}

function open(family: number, protocol: number): number {
  const descriptor = libc.socket(family, SOCK_RAW | SOCK_NONBLOCK, protocol);
  if (descriptor < 0) throw new Error(`cannot open a raw socket: ${libc.errorName(descriptor)}`);
  libc.setOption(descriptor, libc.SOL_SOCKET, SO_PRIORITY, PRIORITY_CONTROL);
  return descriptor;
}
