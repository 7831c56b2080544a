/** `evenkeel run FILE`: the load balancer itself, in the foreground. */
import type { Command } from 'commander';
import { Option } from 'commander';
import type { CliContext } from './cli.ts';
import { NODE_OPTION, parseWorkers } from './arguments.ts';

export interface RunOptions {
  readonly file: string;
  /** Null: the file's `node`, or else the host name. */
  readonly node: string | null;
  /** Null: the best that works here. */
  readonly engine: 'uring' | 'node' | null;
  /** Null: one per core. */
  readonly workers: number | null;
  /** Of the socket for `status` and the like. Null: where it usually is. */
  readonly socket: string | null;
}

interface Flags {
  readonly socket?: string;
  readonly node?: string;
  readonly engine?: 'uring' | 'node';
  readonly workers?: number;
}

export function addRunCommand(program: Command, context: CliContext): void {
  program
    .command('run')
    .description('run the load balancer in the foreground')
    .argument('<file>', 'the configuration, usually evenkeel.yaml')
    .option('--node <name>', NODE_OPTION)
    .addOption(
      new Option('--engine <engine>', 'force an engine (default: the best that works here)').choices(['uring', 'node']),
    )
    .option('--workers <count>', 'proxy processes (default: one per core)', parseWorkers)
    .option('--socket <path>', 'where `status` and `handover` ask (default: /run/evenkeel/evenkeel.sock)')
    .addHelpText(
      'after',
      '\nSIGTERM or SIGINT: stop accepting, finish what is in flight within `grace`, exit 0. A second signal ends at once.\n',
    )
    .action(async (file: string, flags: Flags) => {
      const { node = null, engine = null, workers = null, socket = null } = flags;
      context.exit(await context.commands.run({ file, node, engine, workers, socket }));
    });
}
