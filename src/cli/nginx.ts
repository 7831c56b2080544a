/** `evenkeel nginx`: the load balancer with nginx's command line, signals and files. */
import type { Command } from 'commander';
import type { CliContext } from './context.ts';
import { EXIT_FAILED } from './exit-codes.ts';
import { type NginxOptions, parseNginxArguments } from './nginx-arguments.ts';

interface NginxCommand {
  nginx(options: NginxOptions): Promise<number>;
}

export function addNginxCommand(program: Command, context: CliContext<NginxCommand>): void {
  program
    .command('nginx')
    .description("run an nginx.conf with nginx's own options, signals and files; `evenkeel nginx -h` lists them")
    .usage('[-?hvVtTq] [-s signal] [-p prefix] [-e filename] [-c filename] [-g directives]')
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .argument('[options...]')
    .action(async (args: readonly string[]) => {
      const options = parseNginxArguments(args.map((word) => (word === '--help' ? '-h' : word)));
      if (typeof options === 'string') {
        context.err(`nginx: ${options}\n`);
        context.exit(EXIT_FAILED);
      } else context.exit(await context.commands.nginx(options));
    });
}
