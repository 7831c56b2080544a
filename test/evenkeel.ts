/**
 * The program as its user has it, for black-box tests: `bin/evenkeel` in a process, a file, ports on loopback, signals. And
 * what stands around it: servers, and clients that see what goes wrong.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort } from '../src/io/contract/free-port.ts';
import { resetOnClose } from '../src/io/node/descriptor.ts';
import { handleOf } from '../src/io/node/stream-handle.ts';
import { childrenOf, endFamily, kill, startedWith } from './family.ts';
import { findUringRefusal } from './uring-refusal.ts';
import { Change, until, WAIT_MS } from './waiting.ts';

export { freePort, kill, WAIT_MS };

export const program = fileURLToPath(new URL('../../bin/evenkeel', import.meta.url));
/** The same, loaded file by file: for tests that put something else in the place of one. */
export const unbundled = fileURLToPath(new URL('../src/main.js', import.meta.url));

export type Engine = 'uring' | 'node';

const uringRefusal = findUringRefusal();

/**
 * What black-box tests run on: what EVENKEEL_ENGINES says, or else the engine that the program would choose here. What both have to
 * do alike is also held by the shared suite of transports, on every run.
 */
export const ENGINES = enginesOf(process.env['EVENKEEL_ENGINES'] ?? (uringRefusal === null ? 'uring' : 'node'));

function enginesOf(text: string): readonly Engine[] {
  const names = text.split(',');
  if (names.every((name) => name === 'uring' || name === 'node')) return names;
  throw new Error(`EVENKEEL_ENGINES is ${text}: write uring, node, or uring,node`);
}

/** For a test's options: why it cannot run on this engine here. */
export function engineSkip(engine: Engine): { skip: string | false } {
  if (process.platform !== 'linux') return { skip: 'needs Linux' };
  if (engine === 'node' || uringRefusal === null) return { skip: false };
  return { skip: `io_uring cannot be used here: ${uringRefusal}` };
}

export interface StartOptions {
  readonly engine?: Engine;
  /** `file`: as many as the file says. */
  readonly workers?: number | 'file';
  readonly env?: NodeJS.ProcessEnv;
  /** Puts the program behind another one: `['prlimit', '--nofile=64', '--']`. */
  readonly through?: readonly string[];
  /** Further ones for `evenkeel run`. */
  readonly args?: readonly string[];
  /** Instead of `bin/evenkeel`. */
  readonly program?: string;
  /** It is asked and told things on `FILE.sock`. */
  readonly hasSocket?: boolean;
}

export class Evenkeel {
  private static count = 0;
  readonly child: ChildProcess;
  /** Its exit code, or the name of the signal that ended it. */
  readonly exit: Promise<number | string>;
  /** Its configuration. */
  file = '';
  stdout = '';
  stderr = '';
  private isGone = false;
  private readonly change = new Change();

  private constructor(child: ChildProcess) {
    this.child = child;
    this.exit = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
    child.on('close', () => {
      this.isGone = true;
      this.change.wake();
    });
    child.stdout!.on('data', (data: Buffer) => {
      this.stdout += data.toString();
      this.change.wake();
    });
    child.stderr!.on('data', (data: Buffer) => {
      this.stderr += data.toString();
      this.change.wake();
    });
  }

  /** Runs the program with these arguments. It is gone when the test is over. */
  static spawn(t: TestContext, args: readonly string[], options: StartOptions = {}): Evenkeel {
    const [command, ...rest] = [...(options.through ?? []), process.execPath, options.program ?? program, ...args];
    const mark = `${process.argv[1]} ${process.pid}-${++Evenkeel.count}`;
    const env = { ...process.env, EVENKEEL_TEST: mark, ...options.env };
    const evenkeel = new Evenkeel(spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'], env }));
    t.after(async () => {
      if (!evenkeel.isGone) endFamily(evenkeel.child.pid!);
      await evenkeel.exit;
      // The proxies of a keeper that was killed are nobody's children.
      startedWith(`EVENKEEL_TEST=${mark}`).forEach(endFamily);
    });
    return evenkeel;
  }

  /** Runs `evenkeel run` with this configuration, in a run directory of its own. */
  static run(t: TestContext, yaml: string, options: StartOptions = {}): Evenkeel {
    const directory = mkdtempSync(join(tmpdir(), 'evenkeel-test-'));
    const file = join(directory, 'evenkeel.yaml');
    writeFileSync(file, yaml);
    const socket = options.hasSocket === true ? ['--socket', `${file}.sock`] : [];
    const workers = options.workers === 'file' ? [] : ['--workers', `${options.workers ?? 2}`];
    const args = ['run', file, ...socket, ...workers];
    if (options.engine !== undefined) args.push('--engine', options.engine);
    const env = { RUNTIME_DIRECTORY: directory, ...options.env };
    const evenkeel = Evenkeel.spawn(t, [...args, ...(options.args ?? [])], { ...options, env });
    // Hooks are run in their order: until it is gone it writes there.
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    evenkeel.file = file;
    return evenkeel;
  }

  /** Runs it and waits until it is ready. */
  static async start(t: TestContext, yaml: string, options: StartOptions = {}): Promise<Evenkeel> {
    const evenkeel = Evenkeel.run(t, yaml, options);
    await evenkeel.said(/ready: .*\n/);
    return evenkeel;
  }

  /** Resolves when it has said this, on stdout or stderr; rejects if it ends before. */
  async said(pattern: RegExp): Promise<void> {
    const describe = (): string => `it never said ${pattern}:\n${this.stdout}${this.stderr}`;
    await this.change.until(() => {
      const hasSaid = pattern.test(this.stdout + this.stderr);
      if (!hasSaid) assert.ok(!this.isGone, `it ended, and ${describe()}`);
      return hasSaid;
    }, describe);
  }

  /** Process ids of the proxies that run now. */
  proxies(): number[] {
    return childrenOf(this.child.pid!);
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }
}

/** RST at once. `resetAndDestroy` ends the connection first, and so waits for a peer that does not read. */
export function reset(socket: net.Socket): void {
  const handle = handleOf(socket);
  if (handle !== null) resetOnClose(handle.fd);
  socket.destroy();
}

export interface Backend {
  readonly address: string;
  readonly port: number;
  /** Requests or connections so far. */
  count: number;
  /** Refuses from now on, and resets what is open. */
  stop(): Promise<void>;
  /** Listens on the same port again. */
  restart(): Promise<void>;
}

/** A small HTTP server on 127.0.0.1; without a handler it answers with its port. */
export async function startBackend(t: TestContext, handler?: http.RequestListener): Promise<Backend> {
  const server = http.createServer({ keepAliveTimeout: 60_000 });
  const backend = await listen(t, server);
  server.on('request', (request, response) => {
    backend.count++;
    if (handler === undefined) response.end(`${backend.port}\n`);
    else handler(request, response);
  });
  return backend;
}

/** A TCP server on 127.0.0.1. */
export async function startTcpBackend(t: TestContext, handler: (socket: net.Socket) => void): Promise<Backend> {
  const server = net.createServer({ allowHalfOpen: true });
  const backend = await listen(t, server);
  server.on('connection', (socket) => {
    backend.count++;
    handler(socket);
  });
  return backend;
}

async function listen(t: TestContext, server: net.Server): Promise<Backend> {
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket: net.Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  const start = async (port: number): Promise<void> => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) reset(socket);
    await closed;
  };
  await start(await freePort());
  t.after(stop);
  const { port } = server.address() as net.AddressInfo;
  return { address: `127.0.0.1:${port}`, port, count: 0, stop, restart: () => start(port) };
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** One request over a connection of its own, or of `agent`. Rejects if there is no whole answer. */
export async function get(port: number, path = '/', agent: http.Agent | false = false): Promise<Answer> {
  const { status, body } = await getWhole(port, path, { agent });
  return { status, body };
}

export interface WholeAnswer extends Answer {
  readonly headers: http.IncomingHttpHeaders;
}

/** The same with the answer's fields. */
export function getWhole(port: number, path: string, options: http.RequestOptions = {}): Promise<WholeAnswer> {
  return new Promise((resolve, reject) => {
    const request = http.get({ host: '127.0.0.1', port, path, agent: false, ...options }, (response) => {
      let body = '';
      response.on('data', (data: Buffer) => {
        body += data.toString();
      });
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body }));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.setTimeout(WAIT_MS, () => request.destroy(new Error(`no answer to ${path} in ${WAIT_MS} ms`)));
  });
}

/** Asks until the answer is as wanted. */
export async function getUntil(port: number, isWanted: (answer: Answer) => boolean): Promise<Answer> {
  let answer!: Answer;
  await until(
    async () => isWanted((answer = await get(port))),
    () => `another answer than ${JSON.stringify(answer)}`,
  );
  return answer;
}

export async function connect(port: number, options: Partial<net.TcpNetConnectOpts> = {}): Promise<net.Socket> {
  const socket = net.connect({ host: '127.0.0.1', port, ...options });
  // After the connection stands, what happens to it is seen by its `close`.
  await once(socket, 'connect');
  socket.on('error', () => undefined);
  return socket;
}

/** Connects and waits how that ends: with the code of an error, or `end`. */
export function endOf(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.on('end', () => resolve('end'));
    socket.resume();
  });
}

/** Between an answer and the next request: nobody notices more for a processor that is busy with nothing else. */
const PACE_MS = 5;

/** Requests one after the other on several connections of their own until `stop`, which says what went wrong. */
export function startLoad(
  t: TestContext,
  port: number,
  connections: number,
): { stop(): Promise<{ done: number; failures: string[] }> } {
  const control = { isOver: false };
  let done = 0;
  const failures: string[] = [];
  const loops = Array.from({ length: connections }, async () => {
    while (!control.isOver) {
      try {
        const { status } = await get(port);
        if (status === 200) done++;
        else failures.push(`status ${status}`);
      } catch (error) {
        failures.push((error as NodeJS.ErrnoException).code ?? (error as Error).message);
      }
      await new Promise((resolve) => setTimeout(resolve, PACE_MS));
    }
  });
  t.after(() => (control.isOver = true));
  return {
    async stop() {
      control.isOver = true;
      await Promise.all(loops);
      return { done, failures };
    },
  };
}
