/** `evenkeel reopen`: has a running evenkeel open the files of its access logs again. */
import type { Command } from 'commander';
import { SOCKET_DEFAULT } from './arguments.ts';
import type { CliContext } from './context.ts';

export interface ReopenOptions {
  /** Null: where it usually is. */
  readonly socket: string | null;
}

interface ReopenCommand {
  reopen(options: ReopenOptions): Promise<number>;
}

export function addReopenCommand(program: Command, context: CliContext<ReopenCommand>): void {
  program
    .command('reopen')
    .description('open the files of access logs again, which have been renamed')
    .option('--socket <path>', `control socket of the instance (default: ${SOCKET_DEFAULT})`)
    .addHelpText(
      'after',
      '\nWhen it is done, no line goes to the former files any more. SIGUSR1 does the same, and says it in the log.\n',
    )
    .action(async ({ socket }: { readonly socket?: string }) => {
      context.exit(await context.commands.reopen({ socket: socket ?? null }));
    });
}
