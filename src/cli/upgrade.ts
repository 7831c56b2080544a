/** `evenkeel upgrade`: a running evenkeel gives way to the program that is on disk now. */
import type { Command } from 'commander';
import { SOCKET_DEFAULT } from './arguments.ts';
import type { CliContext } from './context.ts';

export interface UpgradeOptions {
  /** Null: where it usually is. */
  readonly socket: string | null;
}

interface UpgradeCommand {
  upgrade(options: UpgradeOptions): Promise<number>;
}

export function addUpgradeCommand(program: Command, context: CliContext<UpgradeCommand>): void {
  program
    .command('upgrade')
    .description('replace a running evenkeel by the program that is on disk now')
    .option('--socket <path>', `control socket of the instance (default: ${SOCKET_DEFAULT})`)
    .addHelpText(
      'after',
      '\nThe new program starts beside the old one with the same command line, takes over its listening sockets, and is in charge\n' +
        'when all of it serves. No connection is refused; what is open is finished by the old one, for up to `drain`. Exit code 1,\n' +
        'and the reason on stderr, if the new program does not serve within 30 s: then the old one goes on as if nothing had\n' +
        'been. SIGUSR2 does the same, and says it in the log.\n',
    )
    .action(async ({ socket }: { readonly socket?: string }) => {
      context.exit(await context.commands.upgrade({ socket: socket ?? null }));
    });
}
