/** Real programs around the proxy, for interop tests: found, started in a directory of their own, and ended with the test. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  accessSync,
  constants,
  createReadStream,
  createWriteStream,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { TestContext } from 'node:test';
import { type Engine, engineSkip, freePort } from './evenkeel.ts';

/** The path of an installed program, or null. Daemons are where a user's PATH does not look. */
export function findProgram(name: string): string | null {
  for (const directory of `${process.env.PATH ?? ''}:/usr/sbin:/sbin:/usr/local/sbin`.split(':')) {
    const path = join(directory, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      continue;
    }
  }
  return null;
}

/** For a test's options: why it cannot run with these programs here, and on this engine if it is for one. */
export function peerSkip(engine: Engine | null, ...names: string[]): { skip: string | false } {
  const missing = names.filter((name) => findProgram(name) === null);
  if (missing.length > 0) return { skip: `not installed: ${missing.join(', ')}` };
  return engine === null ? { skip: false } : engineSkip(engine);
}

export function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-test-'));
  // Programs that write there may be ended by a later hook.
  t.after(() => rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }));
  return directory;
}

/** A program that serves until the test is over. */
export class Daemon {
  readonly child: ChildProcess;
  private readonly exit: Promise<unknown>;
  output = '';

  private constructor(child: ChildProcess) {
    this.child = child;
    this.exit = once(child, 'close');
    const note = (data: Buffer): void => {
      this.output += data.toString();
    };
    child.stdout!.on('data', note);
    child.stderr!.on('data', note);
  }

  /** Starts it and waits until it listens on `port`. */
  static async start(t: TestContext, name: string, args: readonly string[], port: number): Promise<Daemon> {
    const child = spawn(findProgram(name)!, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const daemon = new Daemon(child);
    t.after(() => daemon.kill());
    const deadline = Date.now() + 60_000;
    while (!(await isListening(port))) {
      assert.ok(child.exitCode === null && Date.now() < deadline, `${name} does not serve: ${daemon.output}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return daemon;
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exit;
  }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

export interface Nginx {
  readonly port: number;
  readonly directory: string;
  /** As a crash would. */
  kill(): Promise<void>;
  restart(): Promise<void>;
}

/** An nginx on 127.0.0.1 that serves `directory`, in one process; `locations` go into its server block. */
export async function startNginx(t: TestContext, locations: string): Promise<Nginx> {
  const directory = temporaryDirectory(t);
  const port = await freePort();
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const configuration = `
daemon off; master_process off; pid ${directory}/pid; error_log ${directory}/error.log;
events { worker_connections 1024; }
http {
  access_log off; default_type application/octet-stream; keepalive_requests 1000000; client_max_body_size 0;
  ${paths.map((path) => `${path}_temp_path ${directory}/${path};`).join(' ')}
  server { listen 127.0.0.1:${port} backlog=1024; root ${directory}; ${locations} }
}
`;
  writeFileSync(join(directory, 'nginx.conf'), configuration);
  const args = ['-p', directory, '-e', join(directory, 'error.log'), '-c', join(directory, 'nginx.conf')];
  let daemon = await Daemon.start(t, 'nginx', args, port);
  return {
    port,
    directory,
    kill: () => daemon.kill(),
    restart: async () => {
      daemon = await Daemon.start(t, 'nginx', args, port);
    },
  };
}

export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** A file as its standard input. */
  readonly input?: string;
  /** A file for its standard output, which is not returned then. */
  readonly output?: string;
}

/** Runs a program to its end. */
export async function run(name: string, args: readonly string[], options: RunOptions = {}): Promise<Run> {
  const child = spawn(findProgram(name)!, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stderr.on('data', (data: Buffer) => {
    stderr += data.toString();
  });
  const closed = once(child, 'close');
  const work: Promise<unknown>[] = [];
  if (options.output !== undefined) work.push(pipeline(child.stdout, createWriteStream(options.output)));
  else {
    child.stdout.on('data', (data: Buffer) => {
      stdout += data.toString('latin1');
    });
  }
  // a program that ends without reading all of its input says so by its exit code
  if (options.input !== undefined)
    work.push(pipeline(createReadStream(options.input), child.stdin).catch(() => undefined));
  else child.stdin.end();
  const [code] = (await closed) as [number];
  await Promise.all(work);
  return { code, stdout, stderr };
}

/** Runs it, and fails if it fails. */
export async function runOk(name: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await run(name, args, options);
  assert.equal(code, 0, `${name} ${args.join(' ')}: exit code ${code}\n${stderr}${stdout.slice(0, 2000)}`);
  return stdout;
}

export async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
