/** `evenkeel run` on a load balancer of a lab's pair, and an operator's commands to it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { StatusDocument } from '../src/api/status.ts';
import type { RouterView } from '../src/api/virtual-routers.ts';
import type { Balancer, Pair } from '../src/lab/pair.ts';
import type { HostProcess } from '../src/lab/processes.ts';
import { askSocket } from './control-socket.ts';
import { program } from './evenkeel.ts';
import { ASK_MS, Change, until } from './waiting.ts';

/** The part of the file for a pair's virtual router. Adverts each 200 ms: what preempts does so within 800 ms. */
export const HA = `
ha:
  VI_1:
    interface: eth0
    router-id: 50
    priority: { lb01: 150, lb02: 100 }
    advertise: 200ms
    addresses: [ 192.168.15.3/24 ]
`;

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

/** Adverts of its peers that it has believed. */
export function acceptedBy({ account }: RouterView): number {
  return account?.adverts.accepted ?? 0;
}

export class RunningNode {
  readonly host: Balancer;
  readonly process: HostProcess;
  private readonly socket: string;
  private readonly lines: string[] = [];
  private readonly change = new Change();
  private isGone = false;

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
        this.change.wake();
      },
    });
    this.process.child.on('close', () => {
      this.isGone = true;
      this.change.wake();
    });
  }

  /** Resolves when it has said this, since its start. */
  async said(pattern: RegExp): Promise<void> {
    await this.change.until(
      () => {
        const hasSaid = this.lines.some((line) => pattern.test(line));
        if (!hasSaid) assert.ok(!this.isGone, `${this.host} ended:\n${this.process.output}`);
        return hasSaid;
      },
      () => `${this.host} did not say ${pattern}:\n${this.process.output}`,
    );
  }

  command(...args: string[]): Ran {
    return evenkeel(...args, '--socket', this.socket);
  }

  /** Its only router. */
  async router(): Promise<RouterView> {
    return (await this.ask()).ha!.routers[0];
  }

  /** Resolves when its only router is in that state. */
  async is(state: RouterView['state']): Promise<void> {
    await this.untilRouter(state, (router) => router.state === state);
  }

  /** Resolves when its only router has accepted an advert: from now on it knows the peer, and the peer's MAC. */
  async hears(): Promise<void> {
    await this.untilRouter('one that hears a peer', (router) => acceptedBy(router) > 0);
  }

  /** Resolves when its only router is so; `what` it then is. */
  async untilRouter(what: string, isSo: (router: RouterView) => boolean): Promise<void> {
    await until(
      async () => isSo(await this.router()),
      () => `the router of ${this.host} is not ${what}:\n${this.process.output}`,
      ASK_MS,
    );
  }

  /** What the status command asks, without a process each time. */
  async ask(): Promise<StatusDocument> {
    try {
      return await askSocket(this.socket, 'GET', '/v1/status');
    } catch (error) {
      throw new Error(`${this.host}: ${(error as Error).message}:\n${this.process.output}`, { cause: error });
    }
  }
}
