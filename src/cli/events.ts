/** `evenkeel events`: what has happened in a running evenkeel, and what happens. */
import type { Command } from 'commander';
import { SOCKET_DEFAULT } from './arguments.ts';
import type { CliContext } from './context.ts';

export interface EventsOptions {
  /** Null: where it usually is. */
  readonly socket: string | null;
  readonly isFollowing: boolean;
  readonly isJson: boolean;
}

interface EventsCommand {
  events(options: EventsOptions): Promise<number>;
}

interface Flags {
  readonly follow?: boolean;
  readonly json?: boolean;
  readonly socket?: string;
}

export function addEventsCommand(program: Command, context: CliContext<EventsCommand>): void {
  program
    .command('events')
    .description('show what has happened of late in the running instance: the last thousand lines of its log')
    .option('--follow', 'go on with what happens, also over an upgrade')
    .option('--json', 'print an object a line')
    .option('--socket <path>', `control socket of the instance (default: ${SOCKET_DEFAULT})`)
    .addHelpText(
      'after',
      '\nIf no instance answers, the exit code is 1 and the reason is on stderr; with --follow, if none has for a minute.\n',
    )
    .action(async ({ follow = false, json = false, socket }: Flags) => {
      const options = { socket: socket ?? null, isFollowing: follow, isJson: json };
      context.exit(await context.commands.events(options));
    });
}
