/**
 * Sends Ethernet frames as they are on eth0, for tests: in a host's namespace, a line of hexadecimal digits on stdin for each.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { FrameSocket } from '../../src/io/linux/segment/frame-socket.ts';

const index = Number(readFileSync('/sys/class/net/eth0/ifindex', 'utf8'));
const mac = Buffer.from(readFileSync('/sys/class/net/eth0/address', 'utf8').trim().replaceAll(':', ''), 'hex');
const socket = new FrameSocket({
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
createInterface(process.stdin).on('line', (line) => socket.send(Buffer.from(line, 'hex')));
