/** `evenkeel status`: how a running evenkeel stands. */
import type { Command } from 'commander';
import { SOCKET_DEFAULT } from './arguments.ts';
import type { CliContext } from './context.ts';

export interface StatusOptions {
  /** Null: where it usually is. */
  readonly socket: string | null;
  readonly isJson: boolean;
  /** Again each second. */
  readonly isWatching: boolean;
}

interface StatusCommand {
  status(options: StatusOptions): Promise<number>;
}

interface Flags {
  readonly json?: boolean;
  readonly watch?: boolean;
  readonly socket?: string;
}

export function addStatusCommand(program: Command, context: CliContext<StatusCommand>): void {
  program
    .command('status')
    .description(
      'show the running instance: virtual addresses, listeners, servers, proxies, and why they are as they are',
    )
    .option('--json', 'print everything as JSON; ages are in milliseconds')
    .option('--watch', 'show it again each second, until it is interrupted; with --json a line each')
    .option('--socket <path>', `control socket of the instance (default: ${SOCKET_DEFAULT})`)
    .addHelpText('after', '\nIf no instance answers, the exit code is 1 and the reason is on stderr.\n')
    .action(async ({ json = false, watch = false, socket }: Flags) => {
      const options = { socket: socket ?? null, isJson: json, isWatching: watch };
      context.exit(await context.commands.status(options));
    });
}
