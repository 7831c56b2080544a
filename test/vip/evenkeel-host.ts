/** `evenkeel run` on a host of a segment, which may be replaced by another program while it runs. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import type { StatusDocument } from '../../src/api/status.ts';
import type { HaStatus, RouterView } from '../../src/api/virtual-routers.ts';
import { commandLineOf, processesIn } from '../../src/lab/processes.ts';
import { program } from '../evenkeel.ts';
import { ASK_MS, Change, until } from '../waiting.ts';
import type { Host } from './virtual-node.ts';

let nodes = 0;

/** The state directory of a node on this host. */
export function stateOf({ segment }: Host, name: string): string {
  return join(segment.directory, `state-${name}`);
}

export class EvenkeelHost {
  readonly host: Host;
  readonly file: string;
  readonly child: ChildProcess;
  text = '';
  private readonly socket: string;
  private readonly exit: Promise<unknown[]>;
  private readonly change = new Change();

  /** `main` is what is run, and what an upgrade finds there. `former`: it is started in place of that one. */
  constructor(
    host: Host,
    name: string,
    yaml: string,
    main: string = program,
    wrapper: readonly string[] = [],
    former: EvenkeelHost | null = null,
  ) {
    const { directory } = host.segment;
    this.host = host;
    this.file = former?.file ?? join(directory, `evenkeel-${nodes++}.yaml`);
    this.socket = `${this.file}.sock`;
    this.write(yaml);
    const state = stateOf(host, name);
    mkdirSync(state, { recursive: true });
    const run = ['env', `RUNTIME_DIRECTORY=${directory}`, `STATE_DIRECTORY=${state}`, process.execPath, main, 'run'];
    const command = [...wrapper, ...run, this.file, '--node', name, '--workers', '1', '--socket', this.socket];
    this.child = host.spawn(command[0], ...command.slice(1));
    this.exit = once(this.child, 'exit');
    this.child.on('close', () => this.change.wake());
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      stream.on('data', (data: Buffer) => {
        this.text += data.toString();
        this.change.wake();
      });
    }
  }

  write(yaml: string): void {
    writeFileSync(this.file, yaml);
  }

  /** Resolves when it has said this, after the `from`th character. */
  async said(pattern: RegExp, from = 0): Promise<void> {
    const hasEnded = (): boolean => this.child.exitCode !== null || this.child.signalCode !== null;
    const isSo = (): boolean =>
      pattern.test(this.text.slice(from)) || (hasEnded() && assert.fail(`it ended:\n${this.text}`));
    await this.change.until(isSo, () => `${pattern}:\n${this.text}`);
  }

  ask<T>(method: string, path: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const request = http.request({ socketPath: this.socket, method, path, agent: false }, (response) => {
        // On a busy machine this process has said too late what it asks: nothing has been done.
        const isTooLate = response.statusCode === 408;
        resolve(isTooLate ? this.ask<T>(method, path) : (json(response) as Promise<T>));
      });
      request.on('error', reject);
      request.end();
    });
  }

  async ha(): Promise<HaStatus> {
    return (await this.ask<StatusDocument>('GET', '/v1/status')).ha!;
  }

  /** Of its only router. */
  async router(): Promise<RouterView> {
    return (await this.ha()).routers[0];
  }

  async is(state: RouterView['state']): Promise<void> {
    await this.said(/ready: /);
    await this.eventually(async () => (await this.router()).state === state, `is not ${state}`);
  }

  /** The process that takes part, and one that would go on in its place. */
  async owner(): Promise<number> {
    await this.eventually(async () => (await this.ha()).owner.hasStandby, 'has no standby');
    return (await this.ha()).owner.pid;
  }

  vipProcesses(): number {
    return processesIn(this.host.name).filter((pid) => /evenkeel: vip| __vip /.test(commandLineOf(pid))).length;
  }

  /** Asks for it and resolves when another program is in charge. */
  async upgrade(): Promise<number> {
    const { pid, error } = await this.ask<{ pid?: number; error?: string }>('POST', '/v1/upgrade');
    assert.equal(error, undefined, this.text);
    return pid!;
  }

  async fails(): Promise<string> {
    const { error } = await this.ask<{ error?: string }>('POST', '/v1/upgrade');
    return error!;
  }

  async stop(): Promise<void> {
    this.child.kill('SIGTERM');
    assert.deepEqual(await this.exit, [0, null], this.text);
  }

  /** It ends by itself, with this code. */
  async ends(code: number): Promise<void> {
    assert.deepEqual(await this.exit, [code, null], this.text);
  }

  async eventually(isSo: () => Promise<boolean>, what: string): Promise<void> {
    await until(isSo, () => `${this.host.name} ${what}:\n${this.text}`, ASK_MS);
  }
}
