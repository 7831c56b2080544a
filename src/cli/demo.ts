/** `evenkeel demo`: the load balancer with a few backends of its own, on unprivileged ports. */
import type { Command } from 'commander';
import { Option } from 'commander';
import type { CliContext } from './context.ts';
import { parseSeconds, parseWorkers } from './arguments.ts';

export interface DemoOptions {
  /** Null: the best that works here. */
  readonly engine: 'uring' | 'node' | null;
  /** Null: one per core. */
  readonly workers: number | null;
  /** Ends by itself after this time. Null: at a signal. */
  readonly seconds: number | null;
}

interface DemoCommand {
  demo(options: DemoOptions): Promise<number>;
}

interface Flags {
  readonly engine?: 'uring' | 'node';
  readonly workers?: number;
  readonly seconds?: number;
}

export function addDemoCommand(program: Command, context: CliContext<DemoCommand>): void {
  program
    .command('demo')
    .description('watch real requests being balanced, a backend failing and coming back')
    .addOption(
      new Option('--engine <engine>', 'force an engine (default: the best that works here)').choices(['uring', 'node']),
    )
    .option('--workers <count>', 'proxy processes (default: one per core)', parseWorkers)
    .option('--seconds <count>', 'end by itself after this time (default: at Ctrl-C)', parseSeconds)
    .action(async (flags: Flags) => {
      const { engine = null, workers = null, seconds = null } = flags;
      context.exit(await context.commands.demo({ engine, workers, seconds }));
    });
}
