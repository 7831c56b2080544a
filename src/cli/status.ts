/** `evenkeel status`: how a running evenkeel stands. */
import type { Command } from 'commander';
import type { CliContext } from './cli.ts';

export interface StatusOptions {
  /** Null: where it usually is. */
  readonly socket: string | null;
  readonly isJson: boolean;
}

export function addStatusCommand(program: Command, context: CliContext): void {
  program
    .command('status')
    .description('show who has the virtual addresses, what is tracked, and how the data plane stands')
    .option('--json', 'everything, for programs; ages are milliseconds')
    .option('--socket <path>', 'ask there (default: /run/evenkeel/evenkeel.sock)')
    .addHelpText('after', '\nExit code 1, and the reason on stderr, if nothing answers: then nothing runs, or hangs.\n')
    .action(async ({ json = false, socket }: { readonly json?: boolean; readonly socket?: string }) => {
      context.exit(await context.commands.status({ socket: socket ?? null, isJson: json }));
    });
}
