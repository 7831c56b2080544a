/**
 * A crowd of clients in one process. Those of kind `slow` read a few KiB a second until they have the whole answer; all others
 * ask for something large, or upload it, and read nothing. Their own kernel buffers are small: a stalled client
 * needs no more.
 */
import net from 'node:net';
import { AF_INET, setOption, SOCK_STREAM, socket as openSocket, SOL_SOCKET } from '../../src/io/linux/libc.ts';

export type CrowdKind = 'http' | 'tcp' | 'websocket' | 'upload' | 'slow';

export interface CrowdReport {
  readonly connected: number;
  /** Had the whole answer. */
  readonly done: number;
  /** Ended before. */
  readonly ended: number;
  /** Of the slow ones: the longest that one read nothing, in ms. */
  readonly longestPauseMs: number;
}

const [kind, portText, countText] = process.argv.slice(2) as [CrowdKind, string, string];
const port = Number(portText);
const count = Number(countText);

const SO_RCVBUF = 8;
const SO_SNDBUF = 7;
const BUFFER_BYTES = 4096;
const OPENED_PER_TICK = 100;
const TICK_MS = 50;
const SLOW_TICK_MS = 250;
/** Each has its own rate between these, in bytes a second. */
const RATE_MIN = 4096;
const RATE_MAX = 8192;
const SLOW_BYTES = 256 * 1024;

const upload = Buffer.alloc(64 * 1024, 'u');
const requests: Readonly<Record<CrowdKind, string>> = {
  http: 'GET /bytes/1000000000 HTTP/1.1\r\nHost: a\r\n\r\n',
  tcp: '',
  websocket: 'GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  upload: 'POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n',
  slow: `GET /bytes/${SLOW_BYTES} HTTP/1.1\r\nHost: a\r\n\r\n`,
};

let connected = 0;
let done = 0;
let ended = 0;
let longestPauseMs = 0;
const readers: (() => void)[] = [];

function open(): void {
  const fd = openSocket(AF_INET, SOCK_STREAM);
  if (fd < 0) throw new Error(`socket: ${fd}`);
  setOption(fd, SOL_SOCKET, SO_RCVBUF, BUFFER_BYTES);
  setOption(fd, SOL_SOCKET, SO_SNDBUF, BUFFER_BYTES);
  const socket = new net.Socket({ fd, readable: true, writable: true, allowHalfOpen: true });
  socket.pause();
  let isDone = false;
  socket.on('error', () => undefined);
  socket.on('close', () => {
    if (!isDone) ended++;
  });
  socket.connect(port, '127.0.0.1', () => {
    connected++;
    if (requests[kind] !== '') socket.write(requests[kind]);
    if (kind === 'upload') {
      const pump = (): void => {
        while (socket.write(upload));
      };
      socket.on('drain', pump);
      pump();
    }
  });
  if (kind !== 'slow') return;
  const rate = RATE_MIN + Math.floor(Math.random() * (RATE_MAX - RATE_MIN));
  const step = Math.floor((rate * SLOW_TICK_MS) / 1000);
  let received = 0;
  let readAt = performance.now();
  readers.push(() => {
    if (isDone) return;
    const data = (socket.read(step) ?? socket.read()) as Buffer | null;
    const now = performance.now();
    if (data === null) return;
    longestPauseMs = Math.max(longestPauseMs, now - readAt);
    readAt = now;
    received += data.length;
    if (received < SLOW_BYTES) return;
    isDone = true;
    done++;
    socket.destroy();
  });
}

let opened = 0;
const opening = setInterval(() => {
  for (let i = 0; i < OPENED_PER_TICK && opened < count; i++, opened++) open();
  if (opened === count) clearInterval(opening);
}, TICK_MS);
if (kind === 'slow') {
  setInterval(() => {
    for (const read of readers) read();
  }, SLOW_TICK_MS);
}
setInterval(() => {
  const report: CrowdReport = { connected, done, ended, longestPauseMs: Math.round(longestPauseMs) };
  process.send?.(report);
}, 250);
process.on('disconnect', () => process.exit());
