/** `evenkeel keepalived`: the load balancer with keepalived's command line, signals and files. */
import type { Command } from 'commander';
import type { CliContext } from './context.ts';
import { EXIT_FAILED } from './exit-codes.ts';
import { type KeepalivedOptions, parseKeepalivedArguments } from './keepalived-arguments.ts';

interface KeepalivedCommand {
  keepalived(options: KeepalivedOptions): Promise<number>;
}

export function addKeepalivedCommand(program: Command, context: CliContext<KeepalivedCommand>): void {
  program
    .command('keepalived')
    .description(
      "run a keepalived.conf with keepalived's own options, signals and files; `evenkeel keepalived -h` lists them",
    )
    .usage('[OPTION...]')
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .argument('[options...]')
    .action(async (args: readonly string[]) => {
      const options = parseKeepalivedArguments(args);
      if (typeof options === 'string') {
        context.err(`${options}\n`);
        context.exit(EXIT_FAILED);
      } else context.exit(await context.commands.keepalived(options));
    });
}
