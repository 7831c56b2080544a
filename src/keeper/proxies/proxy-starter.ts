/** Starts processes of proxies, with all that they inherit (proxy-arguments.ts). */
import { spawn } from 'node:child_process';
import type { Host, ProcessUser } from '../../port/host.ts';
import { logOutput } from '../log/child-output.ts';
import type { Log } from '../log/log.ts';
import {
  CONTROL_DESCRIPTOR,
  DESCRIPTOR_CHANNEL,
  formatArguments,
  type ProxyTitles,
  RENDEZVOUS_DESCRIPTOR,
} from './proxy-arguments.ts';
import { ProxyChild, type ProxyChildHandler } from './proxy-child.ts';
import type { SharedBoard } from './shared-board.ts';
import type { StrayProxies } from './stray-proxies.ts';

export interface ProxyStarterOptions {
  readonly host: Host;
  readonly log: Log;
  readonly memory: SharedBoard;
  /** The program and its arguments that are a proxy; the one of proxy-arguments.ts follows as the last one. */
  readonly command: readonly [program: string, ...args: string[]];
  /** The user that they run as. Null: that of this process. */
  readonly user: ProcessUser | null;
  readonly titles: ProxyTitles;
  /** Where they are found if the keeper is killed. Null: there is no place for that. */
  readonly strays: Pick<StrayProxies, 'open'> | null;
}

export class ProxyStarter {
  private readonly options: ProxyStarterOptions;

  constructor(options: ProxyStarterOptions) {
    this.options = options;
  }

  start(row: number, worker: number, handler: ProxyChildHandler): ProxyChild {
    const { host, log, memory, command, user, titles, strays } = this.options;
    const [program, ...args] = command;
    const channel = host.createDescriptorChannel();
    const rendezvous = strays?.open(row) ?? null;
    const stdio: (number | 'ignore' | 'pipe')[] = ['ignore', 'ignore', 'pipe'];
    stdio[CONTROL_DESCRIPTOR] = 'pipe';
    stdio[DESCRIPTOR_CHANNEL] = channel.other;
    stdio[RENDEZVOUS_DESCRIPTOR] = rendezvous ?? 'ignore';
    memory.addTo(stdio, row);
    const { rows } = memory.board.shape;
    const own = formatArguments({ row, rows, worker, hasRendezvous: rendezvous !== null, user, titles });
    // Its own session: what a terminal sends to the foreground group (Ctrl-C) is for the keeper to handle.
    const child = spawn(program, [...args, own], { stdio, detached: true });
    host.closeDescriptor(channel.other);
    if (rendezvous !== null) host.closeDescriptor(rendezvous);
    logOutput(child.stderr, `proxy ${worker}`, log);
    return new ProxyChild(child, channel, handler);
  }
}
