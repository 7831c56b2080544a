/**
 * One health probe: a TCP connection, or an HTTP request of its own over a connection of its own. Always answers, within
 * the timeout, with a result; never throws. Nothing of it goes through the proxies: a probe asks the server, not the pool.
 */
import http from 'node:http';
import net from 'node:net';
import type { Address } from '../base/address.ts';
import type { HealthPlan } from '../config/plan.ts';

export interface ProbeResult {
  readonly isPassed: boolean;
  /** Why it failed, for people: `connection refused`, `status 500`. */
  readonly reason: string;
}

/** How much of an answer is read, and searched. */
const BODY_BYTES_MAX = 64 * 1024;

type HttpProbe = Extract<HealthPlan['probe'], { kind: 'http' }>;

/** `serverName` is the server as configured: the Host of a request that has no other. */
export function probe(health: HealthPlan, address: Address, serverName: string): Promise<ProbeResult> {
  const target = address.family === 0 || health.port === null ? address : { ...address, port: health.port };
  return new Promise((resolve) => {
    let abandon: (() => void) | null = null;
    const timer = setTimeout(() => finish(false, `no answer within ${health.timeoutMs} ms`), health.timeoutMs);
    let isDone = false;
    const finish = (isPassed: boolean, reason: string): void => {
      if (isDone) return;
      isDone = true;
      clearTimeout(timer);
      abandon?.();
      resolve({ isPassed, reason });
    };
    abandon =
      health.probe.kind === 'tcp' ? probeTcp(target, finish) : probeHttp(health.probe, target, serverName, finish);
  });
}

type Finish = (isPassed: boolean, reason: string) => void;

/** Returns what ends it. */
function probeTcp(target: Address, finish: Finish): () => void {
  const socket = net.connect(target.family === 0 ? { path: target.host } : { host: target.host, port: target.port });
  socket.on('connect', () => finish(true, 'connected'));
  socket.on('error', (error) => finish(false, describe(error)));
  return () => socket.destroy();
}

function probeHttp(plan: HttpProbe, target: Address, serverName: string, finish: Finish): () => void {
  const place = target.family === 0 ? { socketPath: target.host } : { host: target.host, port: target.port };
  const host = plan.host ?? (target.family === 0 ? 'localhost' : serverName);
  const request = http.request({
    ...place,
    method: plan.method,
    path: plan.path,
    headers: { host, 'user-agent': 'evenkeel-health', connection: 'close', accept: '*/*' },
    agent: false,
  });
  request.on('response', (response) => {
    const status = response.statusCode ?? 0;
    if (!plan.statuses.some(([from, to]) => status >= from && status <= to)) return finish(false, `status ${status}`);
    if (plan.body === null) return finish(true, `status ${status}`);
    const wanted = Buffer.from(plan.body);
    const chunks: Buffer[] = [];
    let length = 0;
    const judge = (): void => {
      const isFound = Buffer.concat(chunks).subarray(0, BODY_BYTES_MAX).includes(wanted);
      finish(isFound, isFound ? `status ${status}` : 'the body does not have the expected text');
    };
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= BODY_BYTES_MAX) judge();
    });
    response.on('end', judge);
    response.on('error', (error) => finish(false, describe(error)));
  });
  request.on('upgrade', (response, socket) => {
    socket.destroy();
    finish(false, `status ${response.statusCode}`);
  });
  request.on('error', (error) => finish(false, describe(error)));
  request.end();
  return () => request.destroy();
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection reset',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'connection timed out',
  ENOENT: 'no such socket',
  EMFILE: 'no file descriptor left here',
};

function describe(error: NodeJS.ErrnoException): string {
  const code = error.code ?? '';
  if (code.startsWith('HPE_')) return 'the answer is not HTTP';
  return WORDS[code] ?? (code === '' ? error.message : code);
}
