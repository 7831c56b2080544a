/** `evenkeel run` on a load balancer of a lab's pair, and an operator's commands to it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import http from 'node:http';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import type { RouterView } from '../src/keeper/ha/ha-status.ts';
import type { StatusDocument } from '../src/keeper/status.ts';
import type { Balancer, Pair } from '../src/lab/pair.ts';
import type { HostProcess } from '../src/lab/processes.ts';
import { program } from './evenkeel.ts';

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A command on the machine itself: a status socket is a file, and no namespace is in its way. */
export function evenkeel(...args: string[]): Ran {
  const ran = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });
  return { code: ran.status, out: ran.stdout, err: ran.stderr };
}

export class RunningNode {
  readonly host: Balancer;
  readonly process: HostProcess;
  private readonly socket: string;
  private readonly lines: string[] = [];
  private wake: () => void = () => undefined;

  constructor(pair: Pair, host: Balancer, file: string, options: readonly string[] = []) {
    this.host = host;
    this.socket = join(pair.network.directory, `${host}.sock`);
    const command = [
      process.execPath,
      program,
      'run',
      file,
      '--node',
      host,
      '--workers',
      '1',
      '--socket',
      this.socket,
      ...options,
    ];
    this.process = pair.run(host, command, {
      env: { RUNTIME_DIRECTORY: pair.network.directory },
      onLine: (line) => {
        this.lines.push(line);
        this.wake();
      },
    });
  }

  /** Resolves when it has said this, since its start. */
  async said(pattern: RegExp): Promise<void> {
    while (!this.lines.some((line) => pattern.test(line))) {
      await Promise.race([
        new Promise<void>((resolve) => {
          this.wake = resolve;
        }),
        this.process.exit.then((code) => assert.fail(`${this.host} ended (${code}):\n${this.process.output}`)),
      ]);
    }
  }

  command(...args: string[]): Ran {
    return evenkeel(...args, '--socket', this.socket);
  }

  /** Of its only router. */
  router(): RouterView {
    const { out, err } = this.command('status', '--json');
    assert.equal(err, '');
    return (JSON.parse(out) as StatusDocument).ha!.routers[0];
  }

  /** Resolves when its only router is in that state. */
  async is(state: RouterView['state']): Promise<void> {
    for (const end = performance.now() + 60_000; (await this.ask()).ha!.routers[0].state !== state;) {
      assert.ok(performance.now() < end, `${this.host} is not ${state}:\n${this.process.output}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Resolves when its only router has accepted an advert: from now on it knows the peer, and the peer's MAC. */
  async hears(): Promise<void> {
    const accepted = async (): Promise<number> => (await this.ask()).ha!.routers[0].account?.adverts.accepted ?? 0;
    for (const end = performance.now() + 60_000; (await accepted()) === 0;) {
      assert.ok(performance.now() < end, `${this.host} hears nobody:\n${this.process.output}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** What the status command asks, without a process each time. */
  ask(): Promise<StatusDocument> {
    return new Promise((resolve, reject) => {
      const request = http.get({ socketPath: this.socket, path: '/v1/status', agent: false }, (response) => {
        resolve(json(response) as Promise<StatusDocument>);
      });
      const failed = ({ message }: Error): Error => new Error(`${this.host}: ${message}:\n${this.process.output}`);
      request.on('error', (error) => reject(failed(error)));
    });
  }
}
