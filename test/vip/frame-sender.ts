/**
 * Sends Ethernet frames as they are on eth0, for tests: in a host's namespace, a line of hexadecimal digits on stdin for each.
 */
import { createInterface } from 'node:readline';
import { openFrames } from './frames-of-host.ts';

const socket = openFrames();
createInterface(process.stdin).on('line', (line) => socket.send(Buffer.from(line, 'hex')));
