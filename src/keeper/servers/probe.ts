/**
 * One health probe: a TCP connection, a conversation in the server's protocol, or an HTTP request, over a connection of its own. Always answers, within
 * the timeout, with a result; never throws. Nothing of it goes through the proxies: a probe asks the server, not the pool.
 */
import dgram from 'node:dgram';
import http from 'node:http';
import net from 'node:net';
import type { Readable } from 'node:stream';
import type tls from 'node:tls';
import type { Address } from '../../base/address.ts';
import { assert } from '../../base/assert.ts';
import type { HealthPlan } from '../../config/plan/health.ts';
import { answerOf, isServing, questionFor } from '../../core/grpc/grpc.ts';
import { createDialogue } from '../../core/health/dialogue/create.ts';
import { SILENCE } from '../../core/health/endpoint-health.ts';
import { parseTrackedNumber } from '../../core/track/file.ts';
import { readStart } from '../ha/number-file.ts';
import { askHttp2 } from './probe-http2.ts';
import { type ProbeTls, tlsReason, wrapSocket } from './probe-tls.ts';
import { ownProxyHeader } from '../../wire/proxy-protocol/header.ts';
import { DIALOGUE_BYTES_MAX, type Dialogue, type Verdict, evidence } from '../../core/health/dialogue/dialogue.ts';

export interface ProbeResult {
  /** Null: it could not be made, for want of something on this machine, which says nothing of the server. */
  readonly isPassed: boolean | null;
  /** Why it failed or could not be made, for people: `connection refused`, `status 500`. */
  readonly reason: string;
  /** What it has said of the server's weight: nothing, if it is not there. */
  readonly weight?: number;
}

/** A server that was told goodbye has this long to close. */
const LEAVE_MS = 2000;
/** How much of an answer is read, and searched. */
const BODY_BYTES_MAX = 64 * 1024;

type HttpProbe = Extract<HealthPlan['probe'], { kind: 'http' }>;

/**
 * `serverName` is the server as configured: the Host of a request that has no other. `sources`: what it comes from, the first of
 * its family that has a port; none: any. `tls`: what it goes through.
 */
export function probe(
  health: HealthPlan,
  address: Address,
  serverName: string,
  sources: readonly Address[] = [],
  tls: ProbeTls | null = null,
): Promise<ProbeResult> {
  const to = checkedPlace(health, address);
  const preface = health.proxyProtocol === null ? null : ownProxyHeader(health.proxyProtocol);
  const fitting = sources.filter(({ family }) => family === to.family);
  return new Promise((resolve) => {
    let abandon: (() => void) | null = null;
    // no answer is one where only the system is asked
    const isSilent = health.probe.kind === 'udp';
    const timer = setTimeout(() => finish(isSilent, `${SILENCE} ${health.timeoutMs} ms`), health.timeoutMs);
    let isDone = false;
    const finish: Finish = (isPassed, reason) => {
      if (isDone) return;
      isDone = true;
      clearTimeout(timer);
      abandon?.();
      resolve({ isPassed, reason });
    };
    const attempt = (index: number): void => {
      const source = fitting.at(index)?.host;
      const target: Target = { ...to, source, preface, tls };
      abandon = begin(health.probe, target, serverName, (isPassed, reason) => {
        if (isPassed === null && index + 1 < fitting.length && !isDone) attempt(index + 1);
        else finish(isPassed, reason);
      });
    };
    attempt(0);
  });
}

/** `source`: the host that the connection comes from. `preface`: what it begins with, in front of TLS, and each datagram. */
type Target = Address & {
  readonly source: string | undefined;
  readonly preface: Uint8Array | null;
  readonly tls: ProbeTls | null;
};
type Finish = (isPassed: ProbeResult['isPassed'], reason: string) => void;

/** Where a server at this address is checked. */
export function checkedPlace(health: Pick<HealthPlan, 'address' | 'port'>, server: Address): Address {
  if (server.family === 0) return server;
  return { ...server, ...health.address, port: health.port ?? server.port };
}

/** Returns what ends it. */
function begin(plan: HealthPlan['probe'], target: Target, serverName: string, finish: Finish): () => void {
  if (plan.kind === 'tcp') return probeTcp(target, finish);
  if (plan.kind === 'http') return probeHttp(plan, target, serverName, finish);
  if (plan.kind === 'grpc') return probeGrpc(plan.service, target, serverName, finish);
  if (plan.kind === 'file') return probeFile(plan.path, finish);
  assert(plan.kind !== 'run', 'programs are run by ProgramChecks');
  const dialogue = createDialogue(plan);
  const isUdp = plan.kind === 'dns' || plan.kind === 'udp' || (plan.kind === 'expect' && plan.transport === 'udp');
  return isUdp ? probeDatagrams(dialogue, target, finish) : probeDialogue(dialogue, target, finish);
}

function connect(target: Target): net.Socket {
  const socket = net.connect(placeOf(target));
  if (target.preface !== null) socket.write(target.preface);
  if (target.tls === null) return socket;
  // its errors are those of what is over it
  socket.on('error', () => undefined);
  return wrapSocket(socket, target.tls);
}

/** What says that a connection stands. */
function readyEvent({ tls }: Target): 'connect' | 'secureConnect' {
  return tls === null ? 'connect' : 'secureConnect';
}

function placeOf({ family, host, port, source }: Target): net.IpcNetConnectOpts | net.TcpNetConnectOpts {
  return family === 0 ? { path: host } : { host, port, localAddress: source };
}

/** A file that cannot be read says nothing against the server. */
function probeFile(path: string, finish: Finish): () => void {
  const look = async (): Promise<void> => {
    const { text, problem } = await readStart(path);
    const value = parseTrackedNumber(text) ?? 0;
    finish(value === 0, problem === null ? `the file says ${value}` : `the file counts as 0: ${problem}`);
  };
  void look();
  return () => undefined;
}

function probeTcp(target: Target, finish: Finish): () => void {
  const socket = connect(target);
  socket.on(readyEvent(target), () => finish(true, 'connected'));
  socket.on('error', (error) => finishWith(error, target, finish));
  return () => socket.destroy();
}

function probeDialogue(dialogue: Dialogue, target: Target, finish: Finish): () => void {
  const socket = connect(target);
  const received = Buffer.alloc(DIALOGUE_BYTES_MAX);
  let length = 0;
  let isLeaving = false;
  const leave = (verdict: Verdict, farewell: Uint8Array | null): void => {
    isLeaving = true;
    // It takes the farewell and closes first: a reset would look like a fault in its log.
    if (farewell === null) socket.end();
    else socket.end(farewell);
    setTimeout(() => socket.destroy(), LEAVE_MS).unref();
    finish(verdict.isPassed, verdict.reason);
  };
  const fail = (reason: string): void => leave({ isPassed: false, reason }, null);
  socket.on(readyEvent(target), () => {
    if (dialogue.opening !== null) socket.write(dialogue.opening);
  });
  socket.on('data', (data: Buffer) => {
    if (isLeaving) return;
    length += data.copy(received, length);
    const reply = dialogue.handle(received.subarray(0, length));
    const { send = null, verdict = null } = reply ?? {};
    if (verdict !== null) leave(verdict, send);
    else if (send !== null) socket.write(send);
    else if (length === received.length) fail(`not the expected answer: ${evidence(received, 0, length)}`);
  });
  socket.on('end', () => {
    if (isLeaving) return;
    fail(length === 0 ? 'closed without a word' : `closed after: ${evidence(received, 0, length)}`);
  });
  socket.on('error', (error) => finishWith(error, target, finish));
  return () => {
    if (!isLeaving) socket.destroy();
  };
}

/** Each answer is a datagram. */
function probeDatagrams(dialogue: Dialogue, target: Target, finish: Finish): () => void {
  const { family, host, port, preface, source } = target;
  const socket = dgram.createSocket(family === 6 ? 'udp6' : 'udp4');
  socket.on('message', (answer) => {
    const verdict = dialogue.handle(answer)?.verdict ?? null;
    if (verdict !== null) finish(verdict.isPassed, verdict.reason);
  });
  socket.on('error', (error) => finishWith(error, target, finish));
  socket.on('connect', () => {
    if (dialogue.opening === null) return;
    // what went wrong with it, `error` tells too
    const question = preface === null ? dialogue.opening : Buffer.concat([preface, dialogue.opening]);
    socket.send(question, (error) => error !== null && finishWith(error, target, finish));
  });
  if (source !== undefined) socket.bind(0, source);
  socket.connect(port, host);
  return () => {
    // It throws when it is over already; what still comes has nobody.
    socket.removeAllListeners();
    socket.on('error', () => undefined);
    socket.close();
  };
}

function probeHttp(plan: HttpProbe, target: Target, serverName: string, finish: Finish): () => void {
  const socket = connect(target);
  if (plan.protocol === undefined) return probeHttp1(plan, target, socket, serverName, finish);
  if (plan.protocol === 'http2') return probeHttp2(plan, target, socket, serverName, finish);
  let abandon = (): void => void socket.destroy();
  const fail = (error: NodeJS.ErrnoException): void => finishWith(error, target, finish);
  socket.on('error', fail);
  socket.on(readyEvent(target), () => {
    socket.off('error', fail);
    const isHttp2 = (socket as tls.TLSSocket).alpnProtocol === 'h2';
    abandon = (isHttp2 ? probeHttp2 : probeHttp1)(plan, target, socket, serverName, finish);
  });
  return () => abandon();
}

function hostOf({ host }: HttpProbe, { family }: Target, serverName: string): string {
  return host ?? (family === 0 ? 'localhost' : serverName);
}

function probeHttp2(
  plan: HttpProbe,
  target: Target,
  socket: net.Socket,
  serverName: string,
  finish: Finish,
): () => void {
  return askHttp2(socket, {
    method: plan.method,
    path: plan.path,
    authority: hostOf(plan, target, serverName),
    isTls: target.tls !== null,
    more: { accept: '*/*' },
    body: null,
    handleResponse: (status, stream) => judge(plan, target, status, stream, finish),
    handleError: (error) => finishWith(error, target, finish),
  });
}

function probeGrpc(service: string, target: Target, serverName: string, finish: Finish): () => void {
  return askHttp2(connect(target), {
    method: 'POST',
    path: '/grpc.health.v1.Health/Check',
    authority: target.family === 0 ? 'localhost' : serverName,
    isTls: target.tls !== null,
    more: { 'content-type': 'application/grpc', te: 'trailers' },
    body: questionFor(service),
    handleResponse: (status, stream, fields) => {
      if (status !== 200) return finish(false, `status ${status}`);
      const chunks: Buffer[] = [];
      let length = 0;
      stream.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        length += chunk.length;
        if (length > BODY_BYTES_MAX) finish(false, 'the answer is too long');
      });
      stream.on('end', () => {
        const answer = answerOf(Buffer.concat(chunks), fields['grpc-status'] as string | undefined);
        finish(isServing(answer), answer);
      });
    },
    handleError: (error) => finishWith(error, target, finish),
  });
}

function probeHttp1(
  plan: HttpProbe,
  target: Target,
  socket: net.Socket,
  serverName: string,
  finish: Finish,
): () => void {
  const host = hostOf(plan, target, serverName);
  const request = http.request({
    createConnection: () => socket,
    method: plan.method,
    path: plan.path,
    headers: { host, 'user-agent': 'evenkeel-health', connection: 'close', accept: '*/*' },
  });
  request.on('response', (response) => judge(plan, target, response.statusCode ?? 0, response, finish));
  request.on('upgrade', (response, upgraded) => {
    upgraded.destroy();
    finish(false, `status ${response.statusCode}`);
  });
  request.on('error', (error) => finishWith(error, target, finish));
  request.end();
  return () => request.destroy();
}

function judge(plan: HttpProbe, target: Target, status: number, response: Readable, finish: Finish): void {
  if (!plan.statuses.some(([from, to]) => status >= from && status <= to)) return finish(false, `status ${status}`);
  if (plan.body === null) return finish(true, `status ${status}`);
  const wanted = Buffer.from(plan.body);
  const chunks: Buffer[] = [];
  let length = 0;
  const look = (): void => {
    const isFound = Buffer.concat(chunks).subarray(0, BODY_BYTES_MAX).includes(wanted);
    finish(isFound, isFound ? `status ${status}` : 'the body does not have the expected text');
  };
  response.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= BODY_BYTES_MAX) look();
  });
  response.on('end', look);
  response.on('error', (error) => finishWith(error, target, finish));
}

/** The machine is there, and nobody listens. */
export const REASON_REFUSED = 'connection refused';

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: REASON_REFUSED,
  ECONNRESET: 'connection reset',
  EPIPE: 'connection reset',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'connection timed out',
  ENOENT: 'no such socket',
  ERR_HTTP2_STREAM_ERROR: 'the stream was reset',
  ERR_HTTP2_SESSION_ERROR: 'closed with an error of HTTP/2',
};

export const REASON_NO_PORT = 'no local port is left for connections to this address';

/** What this machine was out of. */
const SHORTAGES: Readonly<Record<string, string>> = {
  EMFILE: 'no file descriptor is left in the keeper',
  ENFILE: 'no file descriptor is left on this machine',
  ENOBUFS: 'no memory for sockets is left on this machine',
  ENOMEM: 'no memory for sockets is left on this machine',
  EADDRNOTAVAIL: REASON_NO_PORT,
  // binding a source chooses a port, too
  EADDRINUSE: REASON_NO_PORT,
};

function finishWith(error: NodeJS.ErrnoException, { tls }: Target, finish: Finish): void {
  const refusal = tls === null ? null : tlsReason(error, tls);
  if (refusal !== null) return finish(false, refusal);
  const shortage = SHORTAGES[error.code ?? ''] as string | undefined;
  if (shortage === undefined) finish(false, describe(error));
  else finish(null, shortage);
}

function describe(error: NodeJS.ErrnoException): string {
  const code = error.code ?? '';
  if (code.startsWith('HPE_')) return 'the answer is not HTTP';
  if (code === 'ERR_HTTP2_ERROR') return 'the answer is not HTTP/2';
  return WORDS[code] ?? (code === '' ? error.message : code);
}
