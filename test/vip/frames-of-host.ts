/** A socket for whole frames on eth0 of the namespace that this process is in. */
import { readFileSync } from 'node:fs';
import { FrameSocket } from '../../src/io/linux/segment/frame-socket.ts';

export function openFrames(): FrameSocket {
  const index = Number(readFileSync('/sys/class/net/eth0/ifindex', 'utf8'));
  const mac = Buffer.from(readFileSync('/sys/class/net/eth0/address', 'utf8').trim().replaceAll(':', ''), 'hex');
  return new FrameSocket({
    index,
    name: 'eth0',
    isUp: true,
    isRunning: true,
    mac,
    mtu: 1500,
    isMacvlan: false,
    portOf: null,
    parentIndex: 0,
  });
}
