/** `evenkeel reload`: has a running evenkeel read its configuration again. */
import type { Command } from 'commander';
import type { CliContext } from './context.ts';

export interface ReloadOptions {
  /** Null: where it usually is. */
  readonly socket: string | null;
}

interface ReloadCommand {
  reload(options: ReloadOptions): Promise<number>;
}

export function addReloadCommand(program: Command, context: CliContext<ReloadCommand>): void {
  program
    .command('reload')
    .description('have a running evenkeel read its file again, and say what changed')
    .option('--socket <path>', 'ask there (default: /run/evenkeel/evenkeel.sock)')
    .addHelpText(
      'after',
      '\nWaits until every proxy serves by the new configuration. Connections go on. Exit code 1, and the reasons on stderr,\n' +
        'if the file is wrong or cannot be applied: then nothing has changed. SIGHUP does the same, and says it in the log.\n',
    )
    .action(async ({ socket }: { readonly socket?: string }) => {
      context.exit(await context.commands.reload({ socket: socket ?? null }));
    });
}
