/**
 * Keeps a process alive that proxies ask as they ask a server: the one that reads files, the one that knows passwords. The keeper has its listening socket,
 * so that while the process is started anew requests wait and are not refused.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { systemReason } from '../../base/system-error.ts';
import type { Plan } from '../../config/plan/plan.ts';
import { ControlLines } from '../../port/control.ts';
import type { Host, ProcessUser } from '../../port/host.ts';
import { logOutput } from '../log/child-output.ts';
import type { Log } from '../log/log.ts';
import { EXIT_OTHER_PROGRAM } from '../proxies/proxy-arguments.ts';
import {
  LISTEN_DESCRIPTOR,
  type OwnServerArguments,
  type OwnServerToKeeper,
  parseOwnServerToKeeper,
} from './own-server-messages.ts';

/** What it is told of a plan. */
export interface Orders {
  /** Whom it runs as, by name. Null: whom the proxies run as. */
  readonly user: string | null;
  /** In JSON. */
  readonly message: unknown;
}

export interface OwnServerOptions {
  readonly host: Host;
  readonly log: Log;
  /** In the log, and in its address. */
  readonly name: string;
  /** That of a plan whose server it is. */
  readonly upstream: string;
  /** Null: the plan has nothing for it. */
  readonly ordersOf: (plan: Plan) => Orders | null;
  /** The program and its arguments; `OwnServerArguments` follow. */
  readonly command: readonly [program: string, ...args: string[]];
  /** Whom the proxies run as. Null: this process's user. */
  readonly user: ProcessUser | null;
  /** Of this name; null: there is none. */
  readonly findUser: (name: string) => ProcessUser | null;
  readonly onOtherProgram: () => void;
}

const RESTART_MS_MIN = 10;
const RESTART_MS_MAX = 5_000;
/** One that has lived so long has started well. */
const SOUND_MS = 10_000;
/** A plan waits no longer for it. */
const APPLY_MS_MAX = 5_000;
/** Of an abstract address of a Unix socket: `sun_path`. */
const ADDRESS_BYTES = 108;
/** Threads that may wait, for disks above all: see files/disk.ts for the part of one root. */
const THREADS = 64;

export class OwnServer {
  private readonly options: OwnServerOptions;
  /** A name that fills the address: some releases of Node fill what is shorter with zeros, which are part of such a name. */
  private readonly address: string;
  private listening = -1;
  private child: ChildProcess | null = null;
  private orders: Orders | null = null;
  private startedAt = 0;
  private restartMs = RESTART_MS_MIN;
  private restart: NodeJS.Timeout | undefined;
  private retirement: NodeJS.Timeout | undefined;
  private settle: (() => void) | null = null;
  private isStopped = false;

  constructor(options: OwnServerOptions) {
    this.options = options;
    const name = `@evenkeel-${options.name}-${process.pid}-${randomBytes(8).toString('hex')}`;
    this.address = name.padEnd(ADDRESS_BYTES, '.');
  }

  /** 0: there is none. */
  get pid(): number {
    return this.child?.pid ?? 0;
  }

  /** The plan as the proxies need it. Throws if there can be no socket for it. */
  place(plan: Plan): Plan {
    const { name, ordersOf, upstream } = this.options;
    if (ordersOf(plan) === null) return plan;
    if (this.listening < 0) {
      const address = { family: 0 as const, host: this.address, port: 0 };
      const opened = this.options.host.listen({ address, isDual: false, isUdp: false }, 1, false);
      if (opened.kind === 'failed') throw new Error(`there can be no socket for ${name}: ${opened.reason}`);
      [this.listening] = opened.descriptors;
    }
    const target = { family: 0 as const, host: this.address, port: 0 };
    return {
      ...plan,
      upstreams: plan.upstreams.map((one) =>
        one.name === upstream ? { ...one, servers: one.servers.map((server) => ({ ...server, target })) } : one,
      ),
    };
  }

  /** Resolves when it knows what is to be served, or when that takes too long: what is asked meanwhile waits. */
  async apply(plan: Plan): Promise<void> {
    const orders = this.options.ordersOf(plan);
    clearTimeout(this.retirement);
    if (orders === null) {
      // what is on its way is answered
      if (this.orders !== null) this.retirement = setTimeout(() => this.end(), plan.drainMs);
      return;
    }
    const isOtherUser = this.child !== null && orders.user !== this.orders?.user;
    this.orders = orders;
    if (isOtherUser) this.end();
    if (this.child === null) this.start();
    else this.tell();
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.settle = resolve;
      timer = setTimeout(resolve, APPLY_MS_MAX);
    });
    clearTimeout(timer);
  }

  /** Ends it for good. */
  stop(): void {
    this.isStopped = true;
    clearTimeout(this.retirement);
    this.end();
    if (this.listening >= 0) this.options.host.closeDescriptor(this.listening);
    this.listening = -1;
  }

  private end(): void {
    clearTimeout(this.restart);
    const { child } = this;
    this.child = null;
    child?.kill('SIGKILL');
  }

  private start(): void {
    const { command, log, name, user } = this.options;
    const [program, ...args] = command;
    const chosen = this.chooseUser(this.orders?.user ?? null);
    const peers = [...new Set([user?.uid ?? process.getuid?.() ?? 0])];
    const given: OwnServerArguments = { user: chosen, peers };
    const stdio: (number | 'pipe')[] = ['pipe', 'pipe', 'pipe'];
    stdio[LISTEN_DESCRIPTOR] = this.listening;
    const env = { ...process.env, UV_THREADPOOL_SIZE: String(THREADS) };
    const child = spawn(program, [...args, JSON.stringify(given)], { stdio, detached: true, env });
    this.child = child;
    this.startedAt = performance.now();
    logOutput(child.stderr, name, log);
    child.stdin?.on('error', () => undefined);
    const lines = new ControlLines();
    child.stdout?.on('data', (bytes: Buffer) =>
      lines.push(bytes, 0, bytes.length, (line) =>
        this.handle(child, line === null ? null : parseOwnServerToKeeper(line)),
      ),
    );
    let isGone = false;
    const gone = (reason: string): void => {
      if (isGone) return;
      isGone = true;
      this.handleGone(child, reason);
    };
    child.on('exit', (code, signal) => {
      if (code === EXIT_OTHER_PROGRAM) this.options.onOtherProgram();
      gone(signal === null ? `exit code ${code}` : `killed by ${signal}`);
    });
    child.on('error', (error) => gone(systemReason(error)));
    this.tell();
  }

  /** `wanted` null: whom the proxies run as. Null: the user of this process. */
  private chooseUser(wanted: string | null): ProcessUser | null {
    const { user, log, findUser, name } = this.options;
    if (wanted === null || process.getuid?.() !== 0) return user;
    const found = findUser(wanted);
    if (found === null) log.warn(`${name}: there is no user ${wanted}: the user of the proxies reads them`);
    return found ?? user;
  }

  private tell(): void {
    if (this.orders !== null) this.child?.stdin?.write(`${JSON.stringify(this.orders.message)}\n`);
  }

  /** It may not be ours any longer: who says what is no message is ended, and started anew. */
  private handle(child: ChildProcess, message: OwnServerToKeeper | null): void {
    if (child !== this.child) return;
    if (message === null) child.kill('SIGKILL');
    else if (message.type === 'log') this.options.log.warn(`${this.options.name}: ${message.message}`);
    else this.settle?.();
  }

  private handleGone(child: ChildProcess, reason: string): void {
    if (child !== this.child || this.isStopped) return;
    this.child = null;
    if (performance.now() - this.startedAt > SOUND_MS) this.restartMs = RESTART_MS_MIN;
    this.options.log.error(`${this.options.name} ended (${reason}); another one starts in ${this.restartMs} ms`);
    this.restart = setTimeout(() => this.start(), this.restartMs);
    this.restartMs = Math.min(this.restartMs * 4, RESTART_MS_MAX);
  }
}
