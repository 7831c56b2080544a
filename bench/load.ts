/** The load: wrk on the other core, and a crowd of idle connections. */
import { spawn } from 'node:child_process';
import dgram from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import tls from 'node:tls';
import { LOAD_CORE } from './contenders.ts';
import type { DatagramReport } from './datagrams/load-process.ts';

export interface LoadResult {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Failed connects, reads, writes, timeouts and responses other than 2xx. */
  readonly errors: number;
}

/** `scheme`: every connection of `https` is a full handshake. */
export function runWrk(
  scheme: 'http' | 'https',
  port: number,
  path: string,
  connections: number,
  seconds: number,
  header?: string,
): Promise<LoadResult> {
  const headers = header === undefined ? [] : ['-H', header];
  const url = `${scheme}://127.0.0.1:${port}${path}`;
  const args = [
    '-c',
    String(LOAD_CORE),
    'wrk',
    '-t1',
    `-c${connections}`,
    `-d${seconds}s`,
    '--latency',
    ...headers,
    url,
  ];
  return new Promise((resolve, reject) => {
    const child = spawn('taskset', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', reject);
    child.on('exit', (code) => {
      if (code === 0) resolve(parseWrk(output));
      else reject(new Error(`wrk ended with ${code}: ${output}`));
    });
  });
}

/** HTTP/2: each connection has so many requests under way. */
export function runH2load(
  scheme: 'http' | 'https',
  port: number,
  path: string,
  connections: number,
  streams: number,
  seconds: number,
): Promise<LoadResult> {
  const load = ['-c', String(connections), '-m', String(streams), '-D', String(seconds)];
  const url = `${scheme}://127.0.0.1:${port}${path}`;
  return new Promise((resolve, reject) => {
    const child = spawn('taskset', ['-c', String(LOAD_CORE), 'h2load', '-t', '1', ...load, url], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', reject);
    child.on('exit', (code) => {
      if (code === 0) resolve(parseH2load(output));
      else reject(new Error(`h2load ended with ${code}: ${output}`));
    });
  });
}

/** It tells no percentiles: the mean and the maximum stand for them. */
function parseH2load(output: string): LoadResult {
  const number = (pattern: RegExp): number => Number(pattern.exec(output)?.[1] ?? Number.NaN);
  const done = number(/, ([0-9]+) done/);
  return {
    requests: done,
    requestsPerSecond: number(/, ([0-9.]+) req\/s/),
    p50Us: microseconds(/time for request: +\S+ +\S+ +([0-9.]+)(us|ms|s)/.exec(output)),
    p99Us: microseconds(/time for request: +\S+ +([0-9.]+)(us|ms|s)/.exec(output)),
    errors: done - number(/: ([0-9]+) 2xx/) + number(/, ([0-9]+) timeout/),
  };
}

const SEED_PORT = 19010;
const DATAGRAM_BYTES = 100;

/** Datagrams that come back: questions of new clients, or flows that go on. A request is one there and one back. */
export async function runDatagrams(
  port: number,
  clients: number,
  underWay: number,
  isOnce: boolean,
  seconds: number,
): Promise<LoadResult> {
  const script = join(import.meta.dirname, 'datagrams/load-process.js');
  const numbers = [port, clients, underWay, isOnce ? 'once' : 'on', seconds, SEED_PORT].map(String);
  const child = spawn('taskset', ['-c', String(LOAD_CORE), process.execPath, script, ...numbers], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const seed = dgram.createSocket('udp4');
  const seeding = setInterval(() => seed.send(Buffer.alloc(DATAGRAM_BYTES, 'x'), SEED_PORT, '127.0.0.1'), 100);
  try {
    return await new Promise((resolve, reject) => {
      let output = '';
      child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
      child.on('error', reject);
      child.on('exit', (code) => {
        if (code !== 0) {
          reject(new Error(`the load of datagrams ended with ${code}: ${output}`));
          return;
        }
        const { answers, lost, p50Us, p99Us, seconds: took } = JSON.parse(output) as DatagramReport;
        resolve({ requests: answers, requestsPerSecond: answers / took, p50Us, p99Us, errors: lost });
      });
    });
  } finally {
    clearInterval(seeding);
    seed.close();
  }
}

/** So many clients, each with connections one after the other by TLS 1.3, of one request each, that resume the session of its first. */
export async function runResumed(port: number, path: string, clients: number, seconds: number): Promise<LoadResult> {
  const all = await Promise.all(Array.from({ length: clients }, () => runResuming(port, path, seconds)));
  const sum = (of: (one: LoadResult) => number): number => all.reduce((total, one) => total + of(one), 0);
  const requestsPerSecond = sum((one) => one.requestsPerSecond);
  const us = (clients * 1_000_000) / requestsPerSecond;
  return {
    requests: sum((one) => one.requests),
    requestsPerSecond,
    p50Us: us,
    p99Us: us,
    errors: sum((one) => one.errors),
  };
}

function runResuming(port: number, path: string, seconds: number): Promise<LoadResult> {
  const where = ['-connect', `127.0.0.1:${port}`, '-www', path, '-time', String(seconds), '-reuse', '-tls1_3'];
  return new Promise((resolve, reject) => {
    const args = ['-c', String(LOAD_CORE), 'openssl', 's_time', ...where];
    const child = spawn('taskset', args, { stdio: ['ignore', 'pipe', 'ignore'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', reject);
    child.on('exit', (code) => {
      const [, count, realSeconds] = /([0-9]+) connections in ([0-9]+) real seconds/.exec(output) ?? [];
      if (code !== 0 || count === undefined) {
        reject(new Error(`openssl s_time ended with ${code}: ${output}`));
        return;
      }
      const requests = Number(count);
      const requestsPerSecond = requests / Number(realSeconds);
      const us = 1_000_000 / requestsPerSecond;
      // it writes a `r` for each that was resumed, else a `*`
      const errors = output.split('*').length - 1;
      resolve({ requests, requestsPerSecond, p50Us: us, p99Us: us, errors });
    });
  });
}

function parseWrk(output: string): LoadResult {
  const number = (pattern: RegExp): number => Number(pattern.exec(output)?.[1] ?? Number.NaN);
  const sum = (pattern: RegExp): number =>
    (pattern.exec(output)?.[0].match(/[0-9]+/g) ?? []).reduce((total, part) => total + Number(part), 0);
  return {
    requests: number(/([0-9]+) requests in/),
    requestsPerSecond: number(/Requests\/sec:\s+([0-9.]+)/),
    p50Us: microseconds(/50%\s+([0-9.]+)(us|ms|s)/.exec(output)),
    p99Us: microseconds(/99%\s+([0-9.]+)(us|ms|s)/.exec(output)),
    errors: sum(/Socket errors: .*/) + sum(/Non-2xx or 3xx responses: .*/),
  };
}

function microseconds(match: RegExpExecArray | null): number {
  if (match === null) return Number.NaN;
  return Number(match[1]) * { us: 1, ms: 1000, s: 1_000_000 }[match[2] as 'us' | 'ms' | 's'];
}

/** Opens `count` connections, has one request answered on each, and leaves them open until `close` is called. */
export async function openIdle(port: number, count: number, isTls: boolean): Promise<() => void> {
  const sockets: Socket[] = [];
  const request = 'GET / HTTP/1.1\r\nHost: bench.example\r\n\r\n';
  const openOne = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const say = (): boolean => socket.write(request);
      const socket = isTls
        ? tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, say)
        : connect(port, '127.0.0.1', say);
      sockets.push(socket);
      socket.once('data', () => resolve());
      socket.once('error', reject);
    });
  for (let i = 0; i < count; i += 100) {
    await Promise.all(Array.from({ length: Math.min(100, count - i) }, openOne));
  }
  return () => {
    for (const socket of sockets) socket.destroy();
  };
}
