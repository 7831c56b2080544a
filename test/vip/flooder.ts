/**
 * Sends Ethernet frames on eth0 at a rate, for tests, in a host's namespace: `flooder.js <frames a second> <seconds> <hex>...`.
 * All of them in turn. On stdout, at the end, how many of each the interface took, and the seconds of processor time that it cost.
 */
import { openFrames } from './frames-of-host.ts';

const STEP_MS = 1;

const [rate, seconds] = process.argv.slice(2, 4).map(Number);
const frames = process.argv.slice(4).map((hex) => Buffer.from(hex, 'hex'));
const socket = openFrames();
const sleep = new Int32Array(new SharedArrayBuffer(4));
const beginMs = performance.now();
const total = rate * seconds;
let tried = 0;
let taken = 0;
while (tried < total) {
  const due = Math.min(total, ((performance.now() - beginMs) * rate) / 1000);
  while (tried < due) if (socket.send(frames[tried++ % frames.length]) > 0) taken++;
  Atomics.wait(sleep, 0, 0, STEP_MS);
}
const { user, system } = process.cpuUsage();
process.stdout.write(`${Math.floor(taken / frames.length)} ${(user + system) / 1e6}\n`);
